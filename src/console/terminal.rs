//! The terminal as a tenant treats it: entered, drawn on with one write a frame, and left as it was found.
//!
//! In: finished buffers. Out: the bytes of what changed, inside synchronized output (DEC private mode 2026),
//! in one write(2). Whatever ends the program (quit, error, panic, signal), [`restore`] puts screen, cursor and
//! line discipline back.

use base64::Engine as _;
use crossterm::{cursor, event, queue, terminal};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Terminals and multiplexers drop OSC 52 texts beyond about this many bytes.
const CLIPBOARD_MAX: usize = 74_000;

/// Whether the terminal is ours at the moment; read by the panic hook.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal while the console has it.
pub(crate) struct Terminal {
    bytes: Vec<u8>,
    shown: Buffer,
    next: Buffer,
    cursor: Option<Position>,
    /// The bytes of the last frame that had any.
    pub last_frame: usize,
}

impl Terminal {
    /// Takes the terminal over.
    pub fn enter() -> io::Result<Self> {
        take()?;
        Ok(Self {
            bytes: Vec::with_capacity(16 * 1024),
            shown: Buffer::default(),
            next: Buffer::default(),
            cursor: None,
            last_frame: 0,
        })
    }

    /// Draws a frame: `render` fills the buffer and says where the cursor is, if it shows.
    pub fn draw(
        &mut self,
        size: (u16, u16),
        render: impl FnOnce(&mut Buffer) -> Option<Position>,
    ) -> io::Result<()> {
        let area = Rect::new(0, 0, size.0, size.1);
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend_from_slice(BEGIN);
        let empty = bytes.len();
        if self.shown.area != area {
            self.shown = Buffer::empty(area);
            queue!(bytes, terminal::Clear(terminal::ClearType::All))?;
        }
        self.next.resize(area);
        self.next.reset();
        let cursor = render(&mut self.next);
        let changes = self.shown.diff(&self.next);
        let moved = cursor != self.cursor;
        if !changes.is_empty() {
            if self.cursor.is_some() {
                queue!(bytes, cursor::Hide)?;
            }
            CrosstermBackend::new(&mut *bytes).draw(changes.into_iter())?;
        }
        if bytes.len() > empty || moved {
            match cursor {
                Some(at) => queue!(bytes, cursor::MoveTo(at.x, at.y), cursor::Show)?,
                None if moved => queue!(bytes, cursor::Hide)?,
                None => {}
            }
        }
        self.cursor = cursor;
        std::mem::swap(&mut self.shown, &mut self.next);
        if bytes.len() == empty {
            return Ok(());
        }
        bytes.extend_from_slice(END);
        self.last_frame = bytes.len();
        send(bytes)
    }

    /// Forgets what the terminal shows: the next frame draws every cell.
    pub fn forget(&mut self) {
        self.shown = Buffer::default();
        self.cursor = None;
    }

    /// Back to the shell; returns when the user comes back with `fg`.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        // The whole group, as the terminal itself would: a parent like cargo or sudo waits with us.
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        self.resume()
    }

    /// Takes the terminal over again; the shell may have changed its modes.
    pub fn resume(&mut self) -> io::Result<()> {
        restore();
        take()?;
        self.forget();
        Ok(())
    }

    /// Puts a text on the user's clipboard by OSC 52, through tmux and screen.
    pub fn copy(text: &str) -> io::Result<()> {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        if encoded.len() > CLIPBOARD_MAX {
            return Ok(());
        }
        let osc = format!("\x1b]52;c;{encoded}\x07");
        let wrapped = if std::env::var_os("TMUX").is_some() {
            format!("\x1bPtmux;{}\x1b\\", osc.replace('\x1b', "\x1b\x1b"))
        } else if std::env::var("TERM").is_ok_and(|t| t.starts_with("screen")) {
            format!("\x1bP{osc}\x1b\\")
        } else {
            osc
        };
        send(wrapped.as_bytes())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut bytes = Vec::new();
    queue!(
        bytes,
        terminal::EnterAlternateScreen,
        terminal::Clear(terminal::ClearType::All),
        cursor::Hide,
        event::EnableBracketedPaste
    )?;
    send(&bytes)
}

/// Gives the terminal back as it was found. Does nothing when it is not ours.
pub(crate) fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = END.to_vec();
    let left = queue!(
        bytes,
        event::DisableBracketedPaste,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    // There is nobody left to tell: the terminal may be gone (SIGHUP).
    let _ = left.and_then(|()| send(&bytes));
    let _ = terminal::disable_raw_mode();
}

/// What a background thread said when it panicked: shown after the terminal is back.
static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

/// Makes a panic leave the terminal in order, with its message readable.
pub(crate) fn install_panic_hook() {
    let console: ThreadId = std::thread::current().id();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == console || !ENTERED.load(Ordering::SeqCst) {
            restore();
            previous(info);
        } else if let Ok(mut words) = LAST_WORDS.lock() {
            // A background thread must not scribble over the screen; the loop hears of its end.
            *words = Some(crate::sanitize::str_line(&info.to_string()).into_owned());
        }
    }));
}

/// What a background thread said when it panicked.
pub(crate) fn last_words() -> Option<String> {
    LAST_WORDS.lock().ok()?.take()
}

/// Why there can be no console here, if there cannot.
pub(crate) fn unfit() -> Option<&'static str> {
    if !io::stdin().is_terminal() && std::fs::File::open("/dev/tty").is_err() {
        // A log may come through standard input; the keys then come from the controlling terminal.
        Some("standard input is no terminal")
    } else if !io::stdout().is_terminal() {
        Some("standard output is no terminal")
    } else if std::env::var("TERM").is_ok_and(|t| t == "dumb") {
        Some("TERM is dumb")
    } else {
        None
    }
}

/// One write(2) as a rule; more only when the terminal takes less at a time.
fn send(mut bytes: &[u8]) -> io::Result<()> {
    let out = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let mut fds = [rustix::event::PollFd::new(
                    &out,
                    rustix::event::PollFlags::OUT,
                )];
                rustix::event::poll(&mut fds, None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::Read as _;

    /// Set in the process that a test starts in a terminal of its own: there it panics instead of looking on.
    const INSIDE: &str = "MAILTOP_TEST_INSIDE";

    /// Runs the named test of this program again inside a terminal, and returns what that was sent and whether it
    /// echoes and edits lines afterwards.
    fn inside(name: &str) -> (String, bool) {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "--test-threads=1", name]);
        command.env(INSIDE, "1");
        command.env("TERM", "xterm-256color");
        command.env_remove("RUST_BACKTRACE");
        let mut output = pair.master.try_clone_reader().unwrap();
        let mut child = pair.slave.spawn_command(command).unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // Ends with an error when the terminal has no process and no holder any more.
            let _ = output.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        assert!(!child.wait().unwrap().success(), "the test inside panics");
        let modes = pair.master.get_termios().unwrap().local_flags.bits();
        let cooked = rustix::termios::LocalModes::ECHO | rustix::termios::LocalModes::ICANON;
        drop(pair.slave);
        (
            reader.join().unwrap(),
            modes & cooked.bits() == cooked.bits(),
        )
    }

    fn after<'a>(text: &'a str, part: &str) -> &'a str {
        let at = text.find(part);
        let at = at.unwrap_or_else(|| panic!("no {part:?} in {text:?}"));
        &text[at + part.len()..]
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_is_readable() {
        if std::env::var_os(INSIDE).is_some() {
            install_panic_hook();
            let mut terminal = Terminal::enter().unwrap();
            terminal.draw((80, 24), |_| None).unwrap();
            panic!("the loop fell over");
        }
        let name = "console::terminal::tests::a_panic_gives_the_terminal_back_and_is_readable";
        let (sent, cooked) = inside(name);
        assert!(cooked, "{sent:?}");
        // The normal screen first, the words then: on the other screen they would be gone.
        let back = after(after(&sent, "\x1b[?1049h"), "\x1b[?1049l");
        assert!(back.contains("\x1b[?25h"), "the cursor shows: {back:?}");
        assert!(back.contains("the loop fell over"), "{back:?}");
        assert!(!back.contains("\x1b[?1049"), "{back:?}");
    }

    #[test]
    fn a_background_panic_leaves_the_screen_alone_until_the_end() {
        if std::env::var_os(INSIDE).is_some() {
            install_panic_hook();
            let terminal = Terminal::enter().unwrap();
            std::thread::spawn(|| panic!("a task\x1b[2J fell over"))
                .join()
                .unwrap_err();
            let words = last_words().unwrap();
            send(b"still here").unwrap();
            drop(terminal);
            panic!("heard: {words}");
        }
        let name =
            "console::terminal::tests::a_background_panic_leaves_the_screen_alone_until_the_end";
        let (sent, cooked) = inside(name);
        assert!(cooked, "{sent:?}");
        let (during, back) = after(&sent, "\x1b[?1049h")
            .split_once("\x1b[?1049l")
            .unwrap();
        assert!(during.contains("still here"), "{sent:?}");
        assert!(!during.contains("fell over"), "{during:?}");
        assert!(
            after(back, "heard: ").contains("a task?[2J fell over"),
            "{back:?}"
        );
    }
}
