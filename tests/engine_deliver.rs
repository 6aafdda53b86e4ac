//! The engine's queue, deliveries, durability and control, with real clients, a real sink and Postfix's own tools.

use crate::peers::engine::Engine;
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};
use crate::peers::{free_port, mailtop, program, run_ok, wait_for, wait_port};
use mailtop::control::Request;
use serde_json::Value;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A user of every Debian who is not root.
const USER: &str = "nobody";

fn act(make: impl FnOnce(Vec<mailtop::control::Guard>) -> Request, id: &str) -> Request {
    make(vec![mailtop::control::Guard {
        id: id.into(),
        arrival: None,
        sender: None,
    }])
}

#[test]
fn mail_goes_into_a_maildir_and_on_to_a_sink() {
    let sink = SmtpSink::start(&[]);
    let engine = Engine::start(&format!("relayhost = {}", sink.relayhost()));
    let to = format!("{USER}@mx.engine.test,far@far.test");
    let sent = swaks(
        engine.port,
        &["--from", "a@b.test", "--to", &to, "--body", ".dot\n..two"],
    );
    assert!(sent.status.success(), "{sent:?}");
    let local = engine.wait_mail(USER, 1).remove(0);
    assert!(local.starts_with("Return-Path: <a@b.test>\nX-Original-To: nobody@mx.engine.test\nDelivered-To: nobody@mx.engine.test\nReceived: "), "{local}");
    let relayed = sink.wait_messages(1).remove(0);
    for message in [&local, &relayed] {
        assert!(message.contains("\n.dot\n..two\n"), "{message}");
    }
    engine.wait_log(": removed");
    assert!(engine.log().contains("status=sent (delivered to maildir)"));
    assert!(
        engine.log().contains("status=sent (250 2.0.0 Ok"),
        "{}",
        engine.log()
    );
    assert!(engine.postqueue().is_empty());
    smtp_source(
        engine.port,
        &[
            "-s",
            "5",
            "-m",
            "50",
            "-f",
            "a@b.test",
            "-t",
            "far@far.test",
        ],
    );
    sink.wait_messages(51);
}

#[test]
fn what_is_deferred_is_delivered_after_a_flush() {
    let port = free_port();
    let engine = Engine::start(&format!("relayhost = [127.0.0.1]:{port}"));
    swaks(engine.port, &["--from", "a@b.test", "--to", "far@far.test"]);
    let id = engine.wait_queue("deferred", 1).remove(0);
    engine.wait_log("Connection refused)");
    let queue = engine.postqueue();
    let reason = queue[0]["recipients"][0]["delay_reason"].as_str().unwrap();
    assert_eq!(
        reason,
        format!("connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused")
    );
    let shown = run_ok(
        Command::new(program("postcat", "postfix"))
            .arg("-c")
            .arg(engine.etc())
            .args(["-q", &id]),
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("sender: a@b.test") && shown.contains("recipient: far@far.test"));
    let sink = SmtpSink::start_on(port, &[]);
    run_ok(
        Command::new(program("postqueue", "postfix"))
            .arg("-c")
            .arg(engine.etc())
            .args(["-i", &id]),
    );
    sink.wait_messages(1);
    engine.wait_queue("deferred", 0);
}

#[test]
fn a_failure_comes_back_and_a_failed_bounce_does_not() {
    let sink = SmtpSink::start(&["-f", "RCPT"]);
    let engine = Engine::start(&format!("relayhost = {}", sink.relayhost()));
    let from = format!("{USER}@mx.engine.test");
    swaks(engine.port, &["--from", &from, "--to", "far@far.test"]);
    let bounce = engine.wait_mail(USER, 1).remove(0);
    for words in [
        "Return-Path: <>\n",
        "Subject: Undelivered Mail Returned to Sender\n",
        "From: Mail Delivery System <MAILER-DAEMON@mx.engine.test>\n",
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Final-Recipient: rfc822; far@far.test\n",
        "Action: failed\n",
        "Diagnostic-Code: smtp; 5",
        "Content-Type: message/rfc822\n",
    ] {
        assert!(bounce.contains(words), "{words:?} in {bounce}");
    }
    engine.wait_log("sender non-delivery notification: ");
    swaks(engine.port, &["--from", "<>", "--to", "far@far.test"]);
    engine.wait_log("from=<>, size=");
    wait_for("an empty queue", || {
        engine.postqueue().is_empty().then_some(())
    });
    assert_eq!(engine.mail(USER).len(), 1);
}

#[test]
fn messages_are_held_released_requeued_and_deleted() {
    let engine = Engine::start(&format!("relayhost = [127.0.0.1]:{}", free_port()));
    swaks(engine.port, &["--from", "a@b.test", "--to", "far@far.test"]);
    let id = engine.wait_queue("deferred", 1).remove(0);
    engine.ask(&act(|messages| Request::Hold { messages }, &id));
    assert_eq!(engine.wait_queue("hold", 1), std::slice::from_ref(&id));
    engine.ask(&act(|messages| Request::Release { messages }, &id));
    engine.wait_queue("hold", 0);
    engine.wait_queue("deferred", 1);
    let answer = engine.ask(&act(|messages| Request::Requeue { messages }, &id));
    let new = answer.results[0].detail.clone().unwrap();
    assert_ne!(new, id);
    assert_eq!(engine.wait_queue("deferred", 1), std::slice::from_ref(&new));
    engine.ask(&act(|messages| Request::Delete { messages }, &new));
    wait_for("an empty queue", || {
        engine.postqueue().is_empty().then_some(())
    });
    let list = engine.ask(&Request::List).list.unwrap();
    assert!(list.is_empty());
    let status = engine.ask(&Request::Status).status.unwrap();
    assert_eq!(status.myhostname, "mx.engine.test");
}

#[test]
fn a_second_engine_on_the_queue_is_refused_and_stop_stops() {
    let engine = Engine::start("");
    let command = |words: &[&str]| {
        let mut command = mailtop();
        command
            .arg("engine")
            .args(words)
            .arg("--config-dir")
            .arg(engine.etc());
        command.output().unwrap()
    };
    let second = command(&["start"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("the Postfix mail system is already running"),
        "{said}"
    );
    // Both halves of the real command: pickup(8) and qmgr(8).
    run_ok(
        Command::new(program("postqueue", "postfix"))
            .arg("-c")
            .arg(engine.etc())
            .arg("-f"),
    );
    assert_eq!(command(&["status"]).status.code(), Some(0));
    assert_eq!(command(&["reload"]).status.code(), Some(0));
    assert_eq!(command(&["stop"]).status.code(), Some(0));
    assert_eq!(command(&["status"]).status.code(), Some(1));
    assert_eq!(command(&["start"]).status.code(), Some(0));
    wait_port(engine.address());
    assert_eq!(command(&["stop"]).status.code(), Some(0));
}

#[test]
fn a_start_that_cannot_be_says_what_is_in_the_way() {
    let engine = Engine::start("");
    let other = tempfile::tempdir().unwrap();
    let start = |dir: &Path| {
        let output = mailtop()
            .args(["engine", "start", "--config-dir"])
            .arg(dir)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let nowhere = other.path().join("nowhere");
    let (code, said) = start(&nowhere);
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("{}/main.cf: No such file", nowhere.display())),
        "{said}"
    );
    assert!(
        said.contains("(try: name the directory that holds main.cf"),
        "{said}"
    );
    let etc = mailtop::engine::setup::create(other.path(), engine.address()).unwrap();
    let (code, said) = start(&etc);
    assert_eq!(code, Some(1));
    let words = format!(
        "mailtop: fatal: bind 127.0.0.1:{}: Address already in use",
        engine.port
    );
    assert!(said.starts_with(&words), "{said}");
    assert!(said.contains("change the address in master.cf"), "{said}");
}

/// Sends messages with a token each until told to stop; notes the tokens that were answered 250.
fn send_until(
    address: SocketAddr,
    name: usize,
    stop: &AtomicBool,
    acknowledged: &Mutex<Vec<String>>,
) {
    let mut serial = 0;
    while !stop.load(Ordering::Relaxed) {
        // The engine is down now and then: that is the point.
        let Ok(stream) = TcpStream::connect(address) else {
            std::thread::yield_now();
            continue;
        };
        let mut session = Smtp(BufReader::new(stream));
        if session.answer().is_none() || session.ask("HELO client.test") != Some(250) {
            continue;
        }
        while !stop.load(Ordering::Relaxed) {
            serial += 1;
            let token = format!("token-{name}-{serial}-x");
            let steps = [
                ("MAIL FROM:<a@b.test>".to_owned(), 250),
                ("RCPT TO:<far@far.test>".to_owned(), 250),
                ("DATA".to_owned(), 354),
                (format!("Subject: {token}\r\n\r\n{token}\r\n."), 250),
            ];
            if !steps
                .iter()
                .all(|(text, code)| session.ask(text) == Some(*code))
            {
                break;
            }
            acknowledged.lock().unwrap().push(token);
        }
    }
}

struct Smtp(BufReader<TcpStream>);

impl Smtp {
    fn ask(&mut self, line: &str) -> Option<u16> {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .ok()?;
        self.answer()
    }

    fn answer(&mut self) -> Option<u16> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.get(..3)?.parse().ok();
            }
        }
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let sink = SmtpSink::start(&[]);
    let mut engine = Engine::start(&format!("relayhost = {}", sink.relayhost()));
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let address = engine.address();
    let senders: Vec<_> = (0..4)
        .map(|name| {
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            std::thread::spawn(move || send_until(address, name, &stop, &acknowledged))
        })
        .collect();
    let count = || acknowledged.lock().unwrap().len();
    for _ in 0..4 {
        let before = count();
        wait_for("mail to flow", || (count() >= before + 40).then_some(()));
        engine.kill();
        engine.run();
    }
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().unwrap();
    }
    let tokens: HashSet<String> = acknowledged.lock().unwrap().drain(..).collect();
    assert!(tokens.len() >= 160);
    engine.ask(&Request::Flush { ids: Vec::new() });
    wait_for("all acknowledged mail in the sink", || {
        let mut missing = tokens.clone();
        for message in sink.messages() {
            if let Some(line) = message.lines().find(|l| l.starts_with("Subject: token-")) {
                missing.remove(&line["Subject: ".len()..]);
            }
        }
        if !missing.is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        missing.is_empty().then_some(())
    });
}

/// The number in front of a label in pflogsumm's grand totals (`   12   delivered`).
fn pflogsumm(log: &Path, label: &str) -> u64 {
    let output = run_ok(Command::new(program("pflogsumm", "pflogsumm")).arg(log));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let totals = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let number = words.next()?.parse().ok()?;
        (words.next()? == label).then_some(number)
    });
    totals.unwrap_or_else(|| panic!("no {label} in {text}"))
}

#[test]
fn pflogsumm_and_mailtop_agree_on_the_engine_s_log() {
    let sink = SmtpSink::start(&[]);
    let engine = Engine::start(&format!(
        "transport_maps = inline:{{ down.test=smtp:[127.0.0.1]:{}, gone.test=error:gone }}\nrelayhost = {}",
        free_port(),
        sink.relayhost()
    ));
    for to in [
        "far@far.test",
        "x@down.test",
        "y@gone.test",
        "nobody@mx.engine.test",
    ] {
        swaks(
            engine.port,
            &["--from", "nobody@mx.engine.test", "--to", to],
        );
    }
    swaks(
        engine.port,
        &["--from", "a@b.test", "--to", "no.such.user@mx.engine.test"],
    );
    engine.wait_mail(USER, 2);
    sink.wait_messages(1);
    engine.wait_queue("deferred", 1);
    wait_for("the rest to be done", || {
        (engine.postqueue().len() == 1).then_some(())
    });
    let log = engine.log_path();
    let output = run_ok(mailtop().args(["--report", "--json", "--log"]).arg(&log));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for label in ["received", "delivered", "deferred", "bounced", "rejected"] {
        let theirs = pflogsumm(&log, label);
        assert_eq!(
            report["totals"][label].as_u64(),
            Some(theirs),
            "{label}: {}",
            engine.log()
        );
        assert!(theirs > 0, "{label}");
    }
    assert_eq!(
        report["lines"]["unparsed"].as_u64(),
        Some(0),
        "{}",
        engine.log()
    );
}
