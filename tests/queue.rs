//! The queue of a real Postfix through mailtop.

mod engine;
mod files;

use crate::peers::postfix::Postfix;
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};
use crate::peers::{free_port, mailtop, run_ok};
use mailtop::attach::{Kind, Server};
use mailtop::control::Outcome;
use mailtop::queue::act::Why;
use mailtop::queue::format::QueueId;
use mailtop::queue::{self, Action, Entry, Reasons, Way, postqueue, showq, walk};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A Postfix whose relay host refuses connections, so that all mail is deferred.
fn deferring(parameters: &str) -> (Postfix, u16) {
    let closed = free_port();
    let postfix = Postfix::start(&format!("relayhost = [127.0.0.1]:{closed}\n{parameters}"));
    (postfix, closed)
}

/// Sends `count` messages and waits until all are deferred.
fn send(postfix: &Postfix, count: usize) {
    smtp_source(
        postfix.port,
        &["-m", &count.to_string(), "-f", "a@a.test", "-t", "b@b.test"],
    );
    postfix.wait_all_in("deferred", count);
}

/// `mailtop queue ...` on this Postfix.
fn queue_command(postfix: &Postfix, arguments: &[&str]) -> Command {
    let mut command = mailtop();
    command
        .env("XDG_STATE_HOME", postfix.dir().join("state"))
        .arg("queue")
        .args(arguments)
        .arg("--config-dir")
        .arg(postfix.config_dir())
        .stdin(Stdio::null());
    command
}

fn queue_output(postfix: &Postfix, arguments: &[&str]) -> Output {
    queue_command(postfix, arguments).output().unwrap()
}

/// Runs it, wants success, returns standard output.
fn queue_ok(postfix: &Postfix, arguments: &[&str]) -> String {
    let output = run_ok(&mut queue_command(postfix, arguments));
    String::from_utf8(output.stdout).unwrap()
}

/// The entries `mailtop queue list --json` prints.
fn listed(postfix: &Postfix, arguments: &[&str]) -> Vec<Value> {
    queue_ok(postfix, &[&["list", "--json"], arguments].concat())
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(list: &[Value]) -> Vec<String> {
    list.iter()
        .map(|entry| entry["queue_id"].as_str().unwrap().to_owned())
        .collect()
}

fn server(postfix: &Postfix) -> Server {
    Server {
        kind: Kind::Postfix,
        config_dir: Some(postfix.config_dir()),
        queue_dir: Some(postfix.queue_dir()),
        logs: Vec::new(),
        journal: None,
        notice: String::new(),
    }
}

fn why(postfix: &Postfix) -> Why {
    Why {
        selector: "test".into(),
        reason: None,
        audit_log: Some(postfix.dir().join("audit.log")),
    }
}

/// The path of a message's file in the queue, hashed one level or flat.
fn file_of(postfix: &Postfix, queue: &str, id: &str) -> PathBuf {
    let found = Command::new("find")
        .arg(postfix.queue_dir().join(queue))
        .args(["-name", id])
        .output()
        .unwrap();
    PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
}

#[test]
fn the_harness_carries_mail() {
    let sink = SmtpSink::start(&[]);
    let postfix = Postfix::start(&format!("relayhost = {}", sink.relayhost()));
    smtp_source(
        postfix.port,
        &["-m", "5", "-f", "a@a.test", "-t", "b@b.test"],
    );
    let sent = swaks(postfix.port, &["--from", "c@c.test", "--to", "d@d.test"]);
    assert!(sent.status.success());
    let messages = sink.wait_messages(6);
    assert_eq!(
        messages
            .iter()
            .filter(|m| m.contains("X-Mail-Args: <c@c.test>"))
            .count(),
        1
    );
    postfix.wait_log(&["to=<d@d.test>", "status=sent"]);
    postfix.wait_queue("an empty queue", <[_]>::is_empty);
}

#[test]
fn all_ways_to_list_agree() {
    let (postfix, _) = deferring("");
    smtp_source(
        postfix.port,
        &[
            "-m",
            "20",
            "-r",
            "3",
            "-l",
            "9000",
            "-f",
            "many@a.test",
            "-t",
            "b@b.test",
        ],
    );
    for arguments in [
        ["--from", "<>", "--to", "null@b.test"],
        [
            "--from",
            "\"odd one\"@a.test",
            "--to",
            "\"q r\"@b.test,plain@b.test",
        ],
        ["--from", "one@a.test", "--to", "x@c.test"],
    ] {
        assert!(swaks(postfix.port, &arguments).status.success());
    }
    let list = postfix.wait_all_in("deferred", 23);
    let held = ids(&list)[0].clone();
    run_ok(postfix.command("postsuper").args(["-h", &held]));

    let comparable = |mut entries: Vec<Entry>| {
        for entry in &mut entries {
            entry.next_try = None;
            entry.inode = None;
            entry.recipients.sort_by(|a, b| a.address.cmp(&b.address));
        }
        entries.sort_by(|a, b| a.queue_id.cmp(&b.queue_id));
        entries
    };
    let walked = walk::walk(&postfix.queue_dir(), Reasons::Yes).unwrap();
    assert_eq!(walked.problems, Vec::<String>::new());
    let walked = comparable(walked.entries);
    let mut shown = Vec::new();
    showq::list(&postfix.queue_dir().join("public/showq"), |entry| {
        shown.push(entry);
    })
    .unwrap();
    let (printed, skipped) = postqueue::list(Some(&postfix.config_dir())).unwrap();
    assert_eq!(skipped, 0);
    assert_eq!(walked.len(), 23);
    assert_eq!(walked, comparable(shown));
    assert_eq!(walked, comparable(printed));
    assert_eq!(walked.iter().filter(|e| e.sender.is_empty()).count(), 1);
    assert!(walked.iter().any(|e| e.sender == "\"odd one\"@a.test"));
    assert!(walked.iter().all(|e| {
        e.recipients
            .iter()
            .all(|r| r.delay_reason.as_deref().unwrap().contains("refused"))
    }));

    // What the command prints is what postqueue -j prints, member by member.
    let mut ours = listed(&postfix, &[]);
    assert_eq!(ours.len(), 23);
    let theirs = postfix.postqueue();
    for entry in &mut ours {
        let id = entry["queue_id"].as_str().unwrap();
        let their = theirs.iter().find(|e| e["queue_id"] == id).unwrap();
        for (name, value) in their.as_object().unwrap() {
            if name != "recipients" {
                assert_eq!(&entry[name], value, "{name} of {id}");
            }
        }
        assert_eq!(
            entry["recipients"].as_array().unwrap().len(),
            their["recipients"].as_array().unwrap().len()
        );
    }
    let listing = queue::read(&server(&postfix), Reasons::No).unwrap();
    assert_eq!((listing.way, listing.why_not_better), (Way::Walk, None));
}

#[test]
fn group_postdrop_reads_through_showq_and_is_told_why() {
    let (postfix, _) = deferring("");
    send(&postfix, 2);
    let program = postfix.dir().join("mailtop");
    fs::copy(env!("CARGO_BIN_EXE_mailtop"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let as_user = |group: &str, arguments: &[&str]| {
        Command::new("setpriv")
            .args([
                "--reuid=nobody",
                &format!("--regid={group}"),
                "--clear-groups",
            ])
            .arg(&program)
            .arg("queue")
            .args(arguments)
            .arg("--config-dir")
            .arg(postfix.config_dir())
            .env("XDG_STATE_HOME", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let output = as_user("postdrop", &["list", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert!(
        said.contains("showq socket") && said.contains("ermission denied"),
        "{said}"
    );

    // What needs root says so, and says that the audit log could not be written.
    let output = as_user("postdrop", &["hold", "--all"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("for root alone (try: sudo mailtop)"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOT in the audit log"));
    postfix.wait_all_in("deferred", 2);

    // Without the group no way is left, and each is named.
    let output = as_user("nogroup", &["list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for way in ["queue files", "showq socket", "postqueue -j"] {
        assert!(said.contains(way), "{said}");
    }
}

/// Hold, release, requeue, delete, each verified with postqueue -j.
fn acts(parameters: &str, is_form: fn(&str) -> bool) {
    let (postfix, _) = deferring(parameters);
    send(&postfix, 6);
    let all = ids(&listed(&postfix, &[]));
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|id| is_form(id)), "{all:?}");

    let said = queue_ok(&postfix, &["hold", &all[0], &all[1]]);
    assert_eq!(said.matches("placed on hold").count(), 2, "{said}");
    let held = postfix.wait_queue("two on hold", |list| {
        list.iter().filter(|e| e["queue_name"] == "hold").count() == 2
    });
    assert_eq!(held.len(), 6);
    assert_eq!(listed(&postfix, &["--queue", "hold"]).len(), 2);

    // Holding again is no failure; releasing what is not on hold is one.
    assert!(queue_output(&postfix, &["hold", &all[0]]).status.success());
    let refused = queue_output(&postfix, &["release", &all[0], &all[2], "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    let results = String::from_utf8(refused.stdout).unwrap();
    assert!(
        results.contains(r#""outcome":"done""#) && results.contains("it is not on hold"),
        "{results}"
    );
    queue_ok(&postfix, &["release", "--queue", "hold"]);
    postfix.wait_all_in("deferred", 6);

    // Ids on standard input, as mailq prints them.
    let mut child = queue_command(&postfix, &["requeue", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    write!(child.stdin.take().unwrap(), "{}\n{}*\n", all[0], all[1]).unwrap();
    assert!(child.wait().unwrap().success());
    let after = postfix.wait_queue("new ids", |list| {
        let now = ids(list);
        now.len() == 6
            && !now.contains(&all[0])
            && !now.contains(&all[1])
            && list.iter().all(|e| e["queue_name"] == "deferred")
    });
    assert!(ids(&after).iter().all(|id| is_form(id)));

    queue_ok(&postfix, &["delete", "--yes", &all[2]]);
    assert_eq!(postfix.postqueue().len(), 5);
    let gone = queue_output(&postfix, &["delete", "--yes", &all[2]]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(
        String::from_utf8(gone.stdout)
            .unwrap()
            .contains("not in the queue any more")
    );
    queue_ok(
        &postfix,
        &[
            "delete", "--yes", "--sender", "a@a.test", "--domain", "b.test",
        ],
    );
    assert_eq!(postfix.postqueue(), Vec::<Value>::new());

    let audit = fs::read_to_string(postfix.dir().join("state/mailtop/audit.log")).unwrap();
    let lines: Vec<Value> = audit
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["action"], "delete");
    assert_eq!(last["selector"], "sender a@a.test and domain b.test");
    assert_eq!(last["messages"].as_array().unwrap().len(), 5);
    assert_eq!(last["messages"][0]["outcome"], "done");
}

#[test]
fn acts_on_short_ids() {
    acts("enable_long_queue_ids = no", |id| {
        matches!(QueueId::parse(id), Some(QueueId::Short { .. }))
    });
}

#[test]
fn acts_on_long_ids_two_levels_deep() {
    acts(
        "enable_long_queue_ids = yes\nhash_queue_names = incoming, active, deferred, defer, hold\nhash_queue_depth = 2",
        |id| matches!(QueueId::parse(id), Some(QueueId::Long { .. })),
    );
}

#[test]
fn flush_tries_now() {
    let (postfix, closed) = deferring("");
    send(&postfix, 3);
    let all = ids(&listed(&postfix, &[]));
    let sink = SmtpSink::start_on(closed, &[]);
    queue_ok(&postfix, &["flush", &all[1]]);
    postfix.wait_log(&[&all[1], "status=sent"]);
    sink.wait_messages(1);
    let left = postfix.wait_queue("two left", |list| list.len() == 2);
    assert!(!ids(&left).contains(&all[1]));
    // The dead destination is remembered for a minute, unless everything is flushed.
    queue_ok(&postfix, &["flush", "--all"]);
    sink.wait_messages(3);
    postfix.wait_queue("an empty queue", <[_]>::is_empty);
}

#[test]
fn what_changed_since_it_was_seen_is_left_alone() {
    let (postfix, _) = deferring("");
    send(&postfix, 4);
    let server = server(&postfix);
    let mut entries = queue::read(&server, Reasons::No).unwrap().entries;
    entries[0].sender = "someone@else.test".into();
    entries[1].arrival_time -= 1;
    run_ok(
        postfix
            .command("postsuper")
            .args(["-d", &entries[2].queue_id]),
    );
    let report = queue::act_because(&server, Action::Delete, &entries, &why(&postfix));
    let outcomes: Vec<Outcome> = report.results.iter().map(|r| r.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Changed,
            Outcome::Changed,
            Outcome::Missing,
            Outcome::Done
        ]
    );
    let left = ids(&postfix.postqueue());
    assert_eq!(left.len(), 2);
    assert!(left.contains(&entries[0].queue_id) && left.contains(&entries[1].queue_id));
}

#[test]
fn many_deletes_go_in_batches() {
    let (postfix, _) = deferring("");
    smtp_source(
        postfix.port,
        &[
            "-m", "1100", "-s", "10", "-d", "-f", "a@a.test", "-t", "b@b.test",
        ],
    );
    postfix.wait_all_in("deferred", 1100);
    let server = server(&postfix);
    let entries = queue::read(&server, Reasons::No).unwrap().entries;
    let report = queue::act_because(&server, Action::Hold, &entries, &why(&postfix));
    assert_eq!(report.count(Outcome::Done), 1100);
    let report = queue::act_because(&server, Action::Delete, &entries, &why(&postfix));
    assert_eq!(report.count(Outcome::Done), 1100);
    assert_eq!(postfix.postqueue(), Vec::<Value>::new());
    // One postsuper for the hold, three for the deletes: never one a message.
    assert_eq!(postfix.log().matches(": Placed on hold: ").count(), 1);
    assert_eq!(postfix.log().matches(": Deleted: ").count(), 3);
}

#[test]
fn nothing_happens_by_accident() {
    let (postfix, _) = deferring("");
    send(&postfix, 2);
    let id = ids(&listed(&postfix, &[]))[0].clone();
    let said = |arguments: &[&str], status: i32| {
        let output = queue_output(&postfix, arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        text
    };
    assert!(said(&["delete", "--yes"], 2).contains("--all"));
    assert!(said(&["hold"], 2).contains("nothing is chosen"));
    assert!(said(&["delete", &id], 2).contains("--yes"));
    assert!(said(&["delete", "--yes", "--sender", ""], 2).contains("empty"));
    assert!(said(&["hold", "../../etc/passwd"], 2).contains("not a queue id"));
    assert!(said(&["delete", "--yes", "--all", "--read-only"], 2).contains("--read-only"));
    assert!(said(&["requeue", "-"], 2).contains("standard input"));
    let dry = said(&["delete", "--all", "--dry-run"], 0);
    assert!(
        dry.contains("would delete 2 messages: postsuper -c ") && dry.contains("-d "),
        "{dry}"
    );
    assert!(
        said(&["delete", "--yes", "--sender", "nobody@a.test"], 0).contains("no message is chosen")
    );
    assert_eq!(postfix.postqueue().len(), 2);
    assert!(
        !postfix.dir().join("state").exists(),
        "nothing was done, nothing is in the audit log"
    );
}

#[test]
fn hostile_mail_never_commands_the_terminal() {
    let (postfix, _) = deferring("");
    let sent = swaks(
        postfix.port,
        &[
            "--from",
            "evil@a.test",
            "--to",
            "b@b.test",
            "--header",
            "Subject: \u{1b}]0;owned\u{7}\u{1b}[2Jred\u{9b}31m\u{202e}",
            "--body",
            "first line\n\u{1b}[31mred\u{7}\u{202e}\r.\nlast line",
        ],
    );
    assert!(sent.status.success());
    postfix.wait_all_in("deferred", 1);
    let id = ids(&listed(&postfix, &[]))[0].clone();
    let unsafe_in = |text: &str| {
        text.chars()
            .any(|c| c != '\n' && mailtop::sanitize::is_hostile(c))
    };
    for arguments in [
        vec!["show", &id],
        vec!["show", &id, "--json"],
        vec!["list"],
        vec!["list", "--json"],
        vec!["hold", "--all", "--dry-run"],
    ] {
        let text = queue_ok(&postfix, &arguments);
        assert!(!unsafe_in(&text), "{arguments:?}: {text:?}");
    }
    let shown = queue_ok(&postfix, &["show", &id]);
    for part in [
        "Subject: ?]0;owned??[2Jred",
        "first line\n",
        "?[31mred",
        "last line\n",
        "evil@a.test -> b@b.test",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Raw is the message itself, as postcat prints it.
    let raw = run_ok(&mut queue_command(&postfix, &["show", &id, "--raw"])).stdout;
    let theirs = run_ok(postfix.command("postcat").args(["-hbq", &id])).stdout;
    assert_eq!(raw, theirs);
    let missing = queue_output(&postfix, &["show", "4jXMkR1TwwznJht"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no such message"));
}

#[test]
fn a_report_ends_with_the_queue() {
    let (postfix, closed) = deferring("");
    send(&postfix, 2);
    let report = |arguments: &[&str]| {
        let mut command = mailtop();
        command
            .args(["report", "--mailq"])
            .args(arguments)
            .arg("--config-dir")
            .arg(postfix.config_dir())
            .stdin(Stdio::null());
        String::from_utf8(run_ok(&mut command).stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&report(&["--json"])).unwrap();
    // The log is that of the same Postfix.
    assert_eq!(json["totals"]["received"], 2);
    let listed = postfix.postqueue();
    let bytes: u64 = listed
        .iter()
        .map(|entry| entry["message_size"].as_u64().unwrap())
        .sum();
    let queue = &json["queue"];
    for (member, expected) in [
        ("messages", 2),
        ("bytes", bytes),
        ("recipients", 2),
        ("deferred", 2),
        ("active", 0),
    ] {
        assert_eq!(queue[member], expected, "{member}");
    }
    let oldest = chrono::DateTime::parse_from_rfc3339(queue["oldest"].as_str().unwrap()).unwrap();
    let arrival = listed
        .iter()
        .map(|entry| entry["arrival_time"].as_i64().unwrap());
    assert_eq!(Some(oldest.timestamp()), arrival.min());
    let destination = &json["queue_destinations"][0];
    assert_eq!(
        (&destination["domain"], &destination["count"]),
        (&"b.test".into(), &2.into())
    );
    let reason = destination["reason"].as_str().unwrap();
    assert!(
        reason.contains(&format!(":{closed}: Connection refused")),
        "{reason}"
    );
    let text = report(&[]);
    let end = text.split("Mail Queue\n----------\n").nth(1).unwrap();
    assert!(end.starts_with("          2   messages\n"), "{end}");
    assert!(end.contains("          2  b.test\n"), "{end}");
}
