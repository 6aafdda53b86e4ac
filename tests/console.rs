//! The console in a pseudo-terminal: opened, driven by keys, resized, stopped by signals, left.

use crate::peers::{PATIENCE, mailtop, wait_for};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// A terminal with the console in it.
pub struct Tty {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
}

/// What the terminal was sent and what it shows.
pub struct Shown {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Tty {
    pub fn open(columns: u16, rows: u16, command: CommandBuilder) -> Self {
        let size = size(columns, rows);
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shown = Arc::new(Mutex::new(Shown {
            parser: vt100::Parser::new(rows, columns, 0),
            bytes: Vec::new(),
        }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let sink = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut block = vec![0; 64 * 1024];
            // Ends with an error when the last process of the terminal is gone.
            while let Ok(n @ 1..) = output.read(&mut block) {
                let mut shown = sink.lock().unwrap();
                shown.parser.process(&block[..n]);
                shown.bytes.extend_from_slice(&block[..n]);
            }
        });
        Self {
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            shown,
            reader: Some(reader),
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn screen(&self) -> String {
        self.shown.lock().unwrap().parser.screen().contents()
    }

    /// Waits until the screen shows a text.
    pub fn sees(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "no {text:?} in\n{screen}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Waits until the screen does not show a text any more.
    pub fn loses(&self, text: &str) {
        wait_for(&format!("{text:?} to go"), || {
            (!self.screen().contains(text)).then_some(())
        });
    }

    fn resize(&self, columns: u16, rows: u16) {
        // The emulator first: what the console then draws must find room.
        self.shown
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows, columns);
        self.master.resize(size(columns, rows)).unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Memory of the console's process, as the kernel has it (`VmRSS`), in KiB.
    pub fn resident(&self) -> u64 {
        let pid = self.child.process_id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    }

    /// Waits for the end and returns whether it was a success, with all that was sent.
    pub fn ends(mut self) -> (bool, Vec<u8>, Shown) {
        let child = &mut self.child;
        let status = wait_for("the console to end", || child.try_wait().unwrap());
        drop(self.keys);
        drop(self.master);
        self.reader.take().unwrap().join().unwrap();
        let shown = Arc::try_unwrap(self.shown)
            .ok()
            .unwrap()
            .into_inner()
            .unwrap();
        (status.success(), shown.bytes.clone(), shown)
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// The console on a log, with settings of nobody's.
pub fn console(log: &Path, more: &[&str]) -> CommandBuilder {
    let program = mailtop();
    let mut command = CommandBuilder::new(program.get_program());
    command.args(["--log", log.to_str().unwrap()]);
    command.args(more);
    let nowhere = log.parent().unwrap();
    command.cwd(nowhere);
    command.env("HOME", nowhere);
    command.env("XDG_CONFIG_HOME", nowhere);
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    for name in [
        "LC_ALL",
        "LC_CTYPE",
        "NO_COLOR",
        "COLORFGBG",
        "COLORTERM",
        "TMUX",
        "MAILTOP_THEME",
    ] {
        command.env_remove(name);
    }
    command
}

/// Some minutes of a server, now.
fn log(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("mail.log");
    std::fs::write(&path, "").unwrap();
    for n in 0..40 {
        append(
            &path,
            &format!("smtpd[331]: connect from mail{n}.good.example[192.0.2.{n}]"),
        );
    }
    append(
        &path,
        "smtpd[331]: 4jXMkR1TwwznJht: client=mail.good.example[192.0.2.10]",
    );
    append(
        &path,
        "cleanup[335]: 4jXMkR1TwwznJht: message-id=<1@good.example>",
    );
    append(
        &path,
        "qmgr[340]: 4jXMkR1TwwznJht: from=<ann@good.example>, size=2048, nrcpt=1 (queue active)",
    );
    append(
        &path,
        "smtp[350]: 4jXMkR1TwwznJht: to=<bob@far.example>, relay=mx.far.example[198.51.100.7]:25, delay=1.4, delays=0.1/0.01/1.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
    );
    append(&path, "qmgr[340]: 4jXMkR1TwwznJht: removed");
    append(
        &path,
        "smtpd[332]: NOQUEUE: reject: RCPT from unknown[203.0.113.77]: 554 5.7.1 Service unavailable; Client host [203.0.113.77] blocked using zen.example; from=<spam@bad.example> to=<ann@good.example> proto=ESMTP helo=<bad.example>",
    );
    path
}

fn append(path: &Path, body: &str) {
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.6f+00:00");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    writeln!(file, "{now} fire postfix/{body}").unwrap();
}

/// What a terminal is sent when it is given back: the normal screen, with its cursor.
fn given_back(bytes: &[u8], shown: &Shown) {
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    assert!(
        has(b"\x1b[?1049h") && has(b"\x1b[?1049l"),
        "alternate screen"
    );
    assert!(
        has(b"\x1b[?2004h") && has(b"\x1b[?2004l"),
        "bracketed paste"
    );
    let screen = shown.parser.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor());
    assert!(!screen.bracketed_paste());
}

#[test]
fn opens_on_a_log_and_quits() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
    let screen = tty.sees("46 lines");
    assert!(
        screen.contains("1 Overview") && screen.contains("q quit"),
        "{screen}"
    );
    tty.press("q");
    let (success, bytes, shown) = tty.ends();
    assert!(success);
    given_back(&bytes, &shown);
}

#[test]
fn number_keys_and_tab_switch_screens() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
    tty.sees("46 lines");
    for (key, text) in [
        ("2", "following"),
        ("3", "ann@good.example"),
        ("4", "blocked using zen.example"),
        ("1", "Last hour"),
        ("\t", "following"),
        ("\x1b[Z", "Last hour"),
    ] {
        tty.press(key);
        tty.sees(text);
    }
    for key in ["5", "6", "7"] {
        tty.press(key);
    }
    tty.press("1");
    tty.sees("Last hour");
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn a_message_is_followed_and_escape_leads_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(100, 30, console(&log(dir.path()), &[]));
    tty.sees("46 lines");
    tty.press("3");
    tty.sees("bob@far.example");
    tty.press("\r");
    let screen = tty.sees("Timeline");
    assert!(screen.contains("message-id  <1@good.example>"), "{screen}");
    tty.sees("Log lines");
    tty.press("\x1b");
    tty.loses("Timeline");
    tty.press("\x1b");
    tty.sees("Last hour");
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn filter_help_and_palette_work_and_typing_fires_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
    tty.sees("46 lines");
    tty.press("2");
    tty.sees("following");
    // q, p and 1 are keys of the screen, but letters of the field.
    tty.press("/q1p");
    tty.sees("no line matches the filter");
    tty.press("\x15status=sent");
    tty.sees("1 of 46 lines match status=sent");
    tty.press("\r?");
    tty.sees("stop and resume following the log");
    tty.press("\x1b");
    tty.loses("stop and resume");
    tty.press(":rejects");
    tty.sees("screen: who is refused and why");
    tty.press("\r");
    tty.sees("blocked using zen.example");
    tty.press("\x03");
    assert!(tty.ends().0);
}

#[test]
fn a_bad_regex_is_told_and_the_field_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
    tty.sees("46 lines");
    tty.press("2//(");
    tty.sees("unclosed group");
    tty.press("\r");
    tty.sees("unclosed group");
    tty.press("\x1b");
    tty.loses("unclosed group");
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn a_line_written_now_shows_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path());
    let mut tty = Tty::open(120, 24, console(&path, &[]));
    tty.sees("46 lines");
    tty.press("2");
    tty.sees("following 46 lines");
    append(
        &path,
        "smtpd[399]: connect from late.good.example[192.0.2.99]",
    );
    tty.sees("late.good.example[192.0.2.99]");
    tty.press("p");
    tty.sees("paused");
    append(
        &path,
        "smtpd[399]: disconnect from late.good.example[192.0.2.99] ehlo=1 commands=1",
    );
    tty.sees("1 newer");
    tty.press("G");
    tty.sees("disconnect from late");
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn any_size_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let mut tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
    tty.sees("46 lines");
    for (columns, rows) in [(1, 1), (39, 9), (40, 10), (200, 60), (20, 3), (3, 40)] {
        tty.resize(columns, rows);
        tty.press("\t");
    }
    tty.resize(100, 30);
    tty.press("2");
    // The frame of the size before may still be on the screen.
    wait_for("a frame of 30 rows", || {
        let screen = tty.screen();
        let whole = screen.contains("following 46 lines") && screen.contains("q quit");
        (whole && screen.lines().count() == 30).then_some(())
    });
    tty.resize(30, 5);
    tty.sees("mailtop: 1 in, 1 sent");
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn signals_give_the_terminal_back() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let tty = Tty::open(80, 24, console(&log(dir.path()), &[]));
        tty.sees("46 lines");
        tty.signal(signal);
        let (success, bytes, shown) = tty.ends();
        assert!(success, "{signal:?}");
        given_back(&bytes, &shown);
    }
}

#[test]
fn a_hostile_line_sends_no_escape_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path());
    append(
        &path,
        "smtpd[1]: warning: evil\x1b]0;owned\x07 \u{9b}31m \u{202e}x",
    );
    let mut tty = Tty::open(200, 24, console(&path, &[]));
    tty.sees("47 lines");
    tty.press("2");
    tty.sees("evil?]0;owned");
    tty.press("q");
    let (success, bytes, _) = tty.ends();
    assert!(success);
    assert!(!bytes.windows(4).any(|w| w == b"\x1b]0;"));
    assert!(!bytes.contains(&7));
}

#[test]
fn control_z_goes_to_the_shell_and_fg_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path());
    let inner = console(&path, &[]);
    // An interactive shell, so that there are jobs to stop and to continue.
    let mut shell = CommandBuilder::new("/bin/bash");
    shell.args(["--norc", "--noprofile", "--noediting", "-i"]);
    shell.cwd(dir.path());
    for (name, value) in [
        ("HOME", dir.path().to_str().unwrap()),
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("PS1", "ready> "),
    ] {
        shell.env(name, value);
    }
    for name in [
        "LC_ALL",
        "LC_CTYPE",
        "NO_COLOR",
        "COLORFGBG",
        "TMUX",
        "XDG_CONFIG_HOME",
        "MAILTOP_THEME",
    ] {
        shell.env_remove(name);
    }
    let argv: Vec<_> = inner
        .get_argv()
        .iter()
        .map(|a| a.to_str().unwrap().to_owned())
        .collect();
    let mut tty = Tty::open(120, 24, shell);
    tty.sees("ready>");
    tty.press(&format!("{}\n", argv.join(" ")));
    tty.sees("46 lines");
    tty.press("\x1a");
    tty.sees("Stopped");
    assert!(!tty.shown.lock().unwrap().parser.screen().alternate_screen());
    // Echo is on again: the shell's line discipline is back.
    tty.press("echo at the $((20+22)) shell\n");
    tty.sees("at the 42 shell");
    tty.press("fg\n");
    tty.sees("46 lines");
    assert!(tty.shown.lock().unwrap().parser.screen().alternate_screen());
    tty.press("q");
    tty.sees("ready>");
    tty.press("exit\n");
    tty.ends();
}

#[test]
fn without_a_terminal_there_are_words_and_no_escapes() {
    let dir = tempfile::tempdir().unwrap();
    let output = mailtop()
        .arg("--log")
        .arg(log(dir.path()))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("terminal") && error.contains("--report"),
        "{error}"
    );
}

#[test]
fn wrong_settings_are_told_before_the_screen_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("s.toml");
    for (text, told) in [
        ("colour = 1\n", "s.toml:1: "),
        (
            "[keys]\npause = \"n\"\n",
            "n is given to both pause and next-match",
        ),
        ("theme = \"nosuch\"\n", "nosuch"),
    ] {
        std::fs::write(&settings, text).unwrap();
        let command = console(
            &log(dir.path()),
            &["--settings", settings.to_str().unwrap()],
        );
        let (success, bytes, _) = Tty::open(160, 24, command).ends();
        let said = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!success && said.contains(told), "{said}");
        assert!(!said.contains("\x1b[?1049h"), "{said}");
    }
}
