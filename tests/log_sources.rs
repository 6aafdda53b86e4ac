//! Where logs come from: archives as the real programs write them, rotated files by period, the systemd
//! journal through systemd-journal-remote and journalctl.

use crate::peers::journal::{Remote, entries};
use crate::peers::{PATIENCE, mailtop, program, run_ok};
use mailtop::logparse::source::journal::Period;
use mailtop::logparse::source::{Flow, FollowOptions, Follower, Journal, Notice, Positions, Start};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// A moment after the real log was written.
const WRITTEN: u64 = 1_795_340_000;

/// The real log, decompressed.
fn real_log() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/postfix-3.7.11.log.gz");
    let mut log = Vec::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap())
        .read_to_end(&mut log)
        .unwrap();
    log
}

fn written(path: &Path, seconds: u64) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

fn report(args: &[&str], files: &[&Path]) -> Output {
    mailtop()
        .env("TZ", "UTC")
        .args(["report", "--json"])
        .args(args)
        .args(files)
        .output()
        .unwrap()
}

/// The totals of a report and its lines, which any wrapping must leave alone.
fn totals(output: &Output) -> Value {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    report["totals"].clone()
}

/// `program arguments... < text`.
fn through(name: &str, package: &str, arguments: &[&str], text: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program(name, package))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&text).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{name} {arguments:?}");
    output.stdout
}

/// Programs, the Debian packages they are in, and their arguments.
const ARCHIVERS: [(&str, &str, &[&str]); 6] = [
    ("gzip", "gzip", &["-c"]),
    ("xz", "xz-utils", &["-1", "-c"]),
    (
        "xz",
        "xz-utils",
        &["-1", "-c", "-T2", "--block-size=300KiB"],
    ),
    ("zstd", "zstd", &["-c"]),
    ("zstd", "zstd", &["-c", "--long=27"]),
    ("bzip2", "bzip2", &["-c"]),
];

#[test]
fn an_archive_gives_the_report_of_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = real_log();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, &log).unwrap();
    written(&plain, WRITTEN);
    let expected = totals(&report(&[], &[&plain]));
    assert_eq!(expected["delivered"], 5183);
    let half = log.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for (name, package, arguments) in ARCHIVERS {
        // The wrong name, and two members that meet at a line end.
        let path = directory.path().join("mail.log.1.wrong");
        let mut archive = through(name, package, arguments, &log[..half]);
        archive.extend(through(name, package, arguments, &log[half..]));
        std::fs::write(&path, &archive).unwrap();
        written(&path, WRITTEN);
        let read = report(&[], &[&path]);
        assert!(read.status.success(), "{name} {arguments:?}");
        assert_eq!(totals(&read), expected, "{name} {arguments:?}");
        // The same at standard input: a file there, and a pipe.
        let read = mailtop()
            .env("TZ", "UTC")
            .args(["report", "--json", "-"])
            .stdin(File::open(&path).unwrap())
            .output()
            .unwrap();
        assert_eq!(
            totals(&read),
            expected,
            "{name} {arguments:?} at standard input"
        );
        let parsed = through_mailtop(&["parse", "-"], &archive);
        assert_eq!(
            count_lines(&parsed),
            count_lines(&log),
            "{name} through a pipe"
        );
    }
}

fn through_mailtop(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = mailtop()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output.stdout
}

fn count_lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

#[test]
fn a_broken_archive_gives_what_it_can_and_an_exit_status() {
    let directory = tempfile::tempdir().unwrap();
    let log = real_log();
    for (name, package, arguments) in ARCHIVERS {
        let archive = through(name, package, arguments, &log);
        let path = directory.path().join("mail.log.2");
        std::fs::write(&path, &archive[..archive.len() * 2 / 3]).unwrap();
        written(&path, WRITTEN);
        let read = report(&[], &[&path]);
        let delivered = totals(&read)["delivered"].as_u64().unwrap();
        assert!(
            (1000..5183).contains(&delivered),
            "{name} {arguments:?}: {delivered}"
        );
        assert_eq!(read.status.code(), Some(1), "{name} {arguments:?}");
        let words = String::from_utf8(read.stderr).unwrap();
        assert!(
            words.contains("mail.log.2: the ") && words.contains("is cut off"),
            "{name}: {words}"
        );
        assert!(words.contains("(try: "), "{name}: {words}");
        let parsed = mailtop().arg("parse").arg(&path).output().unwrap();
        assert_eq!(parsed.status.code(), Some(1), "{name} {arguments:?}");
        assert!(count_lines(&parsed.stdout) > 10_000, "{name} {arguments:?}");
    }
}

#[test]
fn an_archive_that_wants_too_much_memory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge");
    let archive = through("zstd", "zstd", &["-c", "--long=31"], &real_log());
    std::fs::write(&path, archive).unwrap();
    let read = report(&[], &[&path]);
    assert_eq!(read.status.code(), Some(1));
    let words = String::from_utf8(read.stderr).unwrap();
    assert!(
        words.contains("of memory") && words.contains("--long=31"),
        "{words}"
    );
}

#[test]
fn a_file_that_is_missing_does_not_hold_up_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plain");
    std::fs::write(&path, real_log()).unwrap();
    written(&path, WRITTEN);
    let missing = directory.path().join("missing");
    let read = report(&[], &[&missing, &path]);
    assert_eq!(totals(&read)["delivered"], 5183);
    assert_eq!(read.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&read.stderr).contains("missing: no such file"));
    let read = report(&[], &[&missing]);
    assert_eq!(
        read.status.code(),
        Some(2),
        "with nothing read there is no report"
    );
}

/// Deliveries, one an hour, of a day that is given by its number.
fn day(day: u32) -> String {
    let lines: Vec<String> = (0..24)
        .map(|hour| {
            format!(
                "2026-11-{day:02}T{hour:02}:10:00.000000+00:00 mx postfix/local[7]: {:05X}{day:02}{hour:02}: \
                 to=<root@mx>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent \
                 (delivered to mailbox)\n",
                day * 100 + hour
            )
        })
        .collect();
    lines.concat()
}

#[test]
fn a_report_takes_the_rotated_logs_that_its_period_needs() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(
        path("main.cf"),
        format!("maillog_file = {}\n", path("mail.log").display()),
    )
    .unwrap();
    std::fs::write(path("mail.log"), day(20)).unwrap();
    std::fs::write(path("mail.log.1"), day(19)).unwrap();
    std::fs::write(
        path("mail.log.2.gz"),
        through("gzip", "gzip", &["-c"], day(18).as_bytes()),
    )
    .unwrap();
    std::fs::write(
        path("mail.log.3.xz"),
        through("xz", "xz-utils", &["-c"], day(17).as_bytes()),
    )
    .unwrap();
    // logrotate's at work: the same day again, half of it.
    std::fs::write(
        path("mail.log.1.gz"),
        &through("gzip", "gzip", &["-c"], day(19).as_bytes())[..200],
    )
    .unwrap();
    let delivered = |period: &[&str]| {
        let output = mailtop()
            .env("TZ", "UTC")
            .args(["report", "--json", "--config-dir"])
            .arg(directory.path())
            .args(period)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{period:?}: {words}");
        totals(&output)["delivered"].as_u64().unwrap()
    };
    assert_eq!(delivered(&[]), 24, "the live log alone");
    assert_eq!(delivered(&["--since", "2026-11-17"]), 96);
    assert_eq!(delivered(&["--since", "2026-11-18 12:00"]), 60);
    assert_eq!(delivered(&["--day", "2026-11-19"]), 24);
    assert_eq!(delivered(&["--until", "2026-11-19"]), 48);
}

#[test]
fn a_journal_gives_the_report_of_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = real_log();
    // Every tenth line, from many daemons and both instances; as text and as the journal.
    let lines: Vec<&[u8]> = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .take(4000)
        .collect();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, [lines.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
    written(&plain, WRITTEN);
    let journal = directory.path().join("mail.journal");
    let mut remote = Remote::start(&journal);
    remote.write(&entries(&lines));
    remote.finish();

    let expected = totals(&report(&[], &[&plain]));
    assert!(expected["delivered"].as_u64().unwrap() > 100, "{expected}");
    let file = journal.to_str().unwrap();
    for arguments in [
        &["--journal", file][..],
        &[file],
        &["--journal", directory.path().to_str().unwrap()],
    ] {
        let read = report(arguments, &[]);
        let words = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(read.status.success(), "{arguments:?}: {words}");
        assert_eq!(totals(&read), expected, "{arguments:?}");
    }
    // The period is journalctl's to find.
    let all = ["--since", "2026-01-01", "--until", "2026-12-31"];
    let read = report(&[&["--journal", file][..], &all].concat(), &[]);
    assert_eq!(totals(&read), expected);
    let none = ["--until", "2026-01-01"];
    let read = report(&[&["--journal", file][..], &none].concat(), &[]);
    assert_eq!(totals(&read)["delivered"], 0);

    let parsed = run_ok(
        mailtop()
            .env("TZ", "UTC")
            .args(["parse", "--journal", file]),
    );
    assert_eq!(count_lines(&parsed.stdout), 4000);
}

#[test]
fn a_journal_that_cannot_be_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none.journal");
    let read = report(&["--journal", path.to_str().unwrap()], &[]);
    assert_eq!(read.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&read.stderr).contains("none.journal: no such file"));
    std::fs::write(&path, "this is no journal, it only has the name").unwrap();
    let read = report(&["--journal", path.to_str().unwrap()], &[]);
    assert_eq!(
        read.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&read.stdout)
    );
}

/// A follower of a journal whose notices are collected.
struct Followed {
    follower: Option<Follower>,
    notices: Receiver<Notice>,
    messages: Vec<String>,
    positions: Positions,
    caught_up: bool,
}

impl Followed {
    fn start(journal: &Path, positions: &Positions) -> Self {
        let (sender, notices) = channel();
        let options = FollowOptions {
            start: Start::Beginning,
            positions: positions.clone(),
            ..FollowOptions::default()
        };
        let follower = Follower::journal(
            Journal::at(journal.to_owned()),
            Period::default(),
            &options,
            move |notice| match sender.send(notice) {
                Ok(()) => Flow::Continue,
                Err(_) => Flow::Stop,
            },
        )
        .unwrap();
        Self {
            follower: Some(follower),
            notices,
            messages: Vec::new(),
            positions: Positions(BTreeMap::new()),
            caught_up: false,
        }
    }

    fn wait(&mut self, count: usize) {
        let start = Instant::now();
        while self.messages.len() < count {
            if let Ok(notice) = self.notices.recv_timeout(Duration::from_millis(50)) {
                self.take(notice);
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{} of {count} came",
                self.messages.len()
            );
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Lines(batch) => {
                assert!(batch.lines.ends_with(b"\n\n"), "whole entries");
                let text = String::from_utf8_lossy(&batch.lines).into_owned();
                let messages = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("MESSAGE="));
                self.messages.extend(messages.map(ToOwned::to_owned));
                self.positions
                    .0
                    .insert(batch.path.to_path_buf(), batch.position);
            }
            Notice::CaughtUp => self.caught_up = true,
            Notice::Problem(error) => panic!("{error}"),
        }
    }
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range
        .map(|n| format!("connect from unknown[192.0.2.{n}]"))
        .collect()
}

fn stamped(range: std::ops::Range<usize>) -> Vec<u8> {
    let lines: Vec<String> = range
        .clone()
        .zip(numbered(range))
        .map(|(n, text)| {
            format!(
                "Nov 22 08:{:02}:{:02} mx postfix-in/smtpd[1]: {text}",
                n / 60,
                n % 60
            )
        })
        .collect();
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    entries(&lines)
}

#[test]
fn a_journal_is_followed_and_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("mail.journal");
    let mut remote = Remote::start(&journal);
    remote.write(&stamped(0..50));
    remote.wait_for(50);
    let mut followed = Followed::start(&journal, &Positions::default());
    followed.wait(50);
    remote.write(&stamped(50..120));
    followed.wait(120);
    assert_eq!(followed.messages, numbered(0..120));

    // The console ends, and what is logged meanwhile comes when it is started again.
    let store = directory.path().join("positions.json");
    followed.positions.save(&store).unwrap();
    drop(followed.follower.take());
    remote.write(&stamped(120..150));
    remote.wait_for(150);
    let mut again = Followed::start(&journal, &Positions::load(&store).unwrap());
    again.wait(30);
    remote.write(&stamped(150..151));
    again.wait(31);
    assert_eq!(again.messages, numbered(120..151));
    remote.finish();
}

#[test]
fn the_past_of_a_quiet_journal_has_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("mail.journal");
    let mut remote = Remote::start(&journal);
    remote.write(&stamped(0..5));
    remote.wait_for(5);
    let mut followed = Followed::start(&journal, &Positions::default());
    let start = Instant::now();
    while !followed.caught_up {
        assert!(start.elapsed() < PATIENCE, "not caught up");
        if let Ok(notice) = followed.notices.recv_timeout(Duration::from_millis(50)) {
            followed.take(notice);
        }
    }
    assert_eq!(followed.messages, numbered(0..5));
    remote.finish();
}

#[test]
fn a_host_that_logs_to_the_journal_only_is_found_by_it() {
    use mailtop::attach::{Environment, Resolved, resolve};
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { directory.path().join(name) };
    let mut remote = Remote::start(&at("mail.journal"));
    let lines: [&[u8]; 2] = [
        b"Nov 22 08:00:00 mx postfix/smtpd[1]: connect from unknown[192.0.2.1]",
        b"Nov 22 08:00:01 mx postfix/smtpd[1]: disconnect from unknown[192.0.2.1]",
    ];
    remote.write(&entries(&lines));
    remote.finish();
    // This host's journal, as far as mailtop can tell: the real journalctl on a journal of our own.
    let bin = at("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\nexec {} --file {} \"$@\"\n",
        program("journalctl", "systemd").display(),
        at("mail.journal").display()
    );
    let journalctl = bin.join("journalctl");
    std::fs::write(&journalctl, script).unwrap();
    std::fs::set_permissions(
        &journalctl,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let host = Environment {
        postfix_config_dir: at("etc"),
        log_candidates: vec![at("mail.log")],
        engine_dir: Some(at("engine")),
        path: vec![bin],
        user: "admin".to_owned(),
        patience: Duration::from_secs(3),
    };
    let Ok(Resolved::Server(server)) = resolve(&mailtop::cli::Target::default(), &host) else {
        panic!("no server was found");
    };
    assert!(
        server.logs.is_empty() && server.notice.contains("systemd journal"),
        "{server:?}"
    );
    let mut source = server
        .journal
        .unwrap()
        .open(Period::default())
        .unwrap()
        .content
        .reader();
    let mut text = String::new();
    source.read_to_string(&mut text).unwrap();
    assert!(text.contains("disconnect from"), "{text}");
    // A log file comes before the journal.
    std::fs::write(at("mail.log"), "Nov 22 08:00:00 mx postfix/smtpd[1]: x\n").unwrap();
    let Ok(Resolved::Server(server)) = resolve(&mailtop::cli::Target::default(), &host) else {
        panic!("no server was found");
    };
    assert_eq!((server.logs, server.journal), (vec![at("mail.log")], None));
}
