//! The demonstration: everything there is to see comes by itself, over real SMTP, and nothing is left behind.

use crate::peers::{PATIENCE, Running, mailtop, wait_for};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

/// What must stand in the log, with the words that show it.
const SIGHTS: &[(&str, &[&str])] = &[
    ("delivered to a mailbox", &["postfix/local[", "status=sent"]),
    ("delivered elsewhere", &["postfix/smtp[", "status=sent"]),
    ("deferred", &["status=deferred"]),
    ("deferred by greylisting", &["450 4.7.1", "status=deferred"]),
    ("bounced", &["status=bounced"]),
    ("a bounce message", &["sender non-delivery notification"]),
    ("relay denied", &["reject: RCPT", "Relay access denied"]),
    (
        "a listed client",
        &["reject: RCPT", "blocked using bl.watch.example"],
    ),
    (
        "a listed sender",
        &["reject: RCPT", "blocked using dbl.watch.example"],
    ),
    ("a bad HELO", &["reject: RCPT", "Helo command rejected"]),
    ("an unknown user", &["reject: RCPT", "User unknown"]),
    (
        "an unknown sender domain",
        &["reject: RCPT", "Sender address rejected"],
    ),
    (
        "a message too large",
        &["disconnect from", "ehlo=1 mail=0/1 quit=1"],
    ),
    ("a connection that broke", &["lost connection after"]),
    ("a client thrown out", &["too many errors after"]),
];

fn seen(log: &str, words: &[&str]) -> bool {
    log.lines()
        .any(|line| words.iter().all(|word| line.contains(word)))
}

#[test]
fn all_kinds_of_traffic_come_and_nothing_stays() {
    let mut child = mailtop()
        .args(["demo", "--headless"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut errors = child.stderr.take().unwrap();
    let mut running = Running(child);
    let mut say = |name: &str| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let value = line.trim_end().strip_prefix(name).map(str::to_owned);
        value.unwrap_or_else(|| {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            panic!("expected {name:?}, got {line:?}; {text}")
        })
    };
    let directory = PathBuf::from(say("directory "));
    let log = PathBuf::from(say("log "));
    let smtp: SocketAddr = say("smtp ").parse().unwrap();
    let dns: SocketAddr = say("dns ").parse().unwrap();
    assert!(log.starts_with(&directory));

    watch(&log);
    let listed = mailtop()
        .args(["rbl", "127.66.4.4", "--list", "bl.watch.example"])
        .args(["--resolver", &dns.to_string()])
        .output()
        .unwrap();
    assert_eq!(listed.status.code(), Some(1), "{listed:?}");

    let pid = rustix::process::Pid::from_raw(i32::try_from(running.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = wait_for("the demonstration to end", || running.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(!directory.exists(), "{} is left", directory.display());
    assert!(TcpStream::connect(smtp).is_err(), "the engine is left");
    let mut summary = String::new();
    output.read_to_string(&mut summary).unwrap();
    assert!(summary.contains("Incoming"), "{summary}");
}

/// Waits until everything was seen, and says what was not when it does not come.
fn watch(log: &Path) {
    let start = Instant::now();
    loop {
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
        let missing: Vec<&str> = SIGHTS
            .iter()
            .filter(|(_, words)| !seen(&text, words))
            .map(|(name, _)| *name)
            .collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "not seen: {missing:?} in\n{text}"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
