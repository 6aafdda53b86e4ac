//! The queue of a real Postfix through mailtop.

use crate::peers::postfix::Postfix;
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};
use crate::peers::{Running, free_port, mailtop, run_ok, wait_for, wait_port};
use mailtop::attach::{Kind, Server};
use mailtop::control::Outcome;
use mailtop::queue::act::Why;
use mailtop::queue::format::envelope::{Detail, Envelope};
use mailtop::queue::format::writer::{Client, Head, NewRecipient, QueueFileWriter};
use mailtop::queue::format::{QueueId, content};
use mailtop::queue::{self, Action, Entry, Reasons, Way, postqueue, showq, walk};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
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
        shown.push(entry)
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

/// An engine of the test's own that cannot deliver, in the foreground of a child process.
struct Engine {
    dir: tempfile::TempDir,
    port: u16,
    _process: Running,
}

impl Engine {
    fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("engine").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let listen = (std::net::Ipv4Addr::LOCALHOST, port).into();
        let etc = mailtop::engine::setup::create(dir.path(), listen).unwrap();
        let main_cf = etc.join("main.cf");
        let text = fs::read_to_string(&main_cf).unwrap();
        let own = format!("mydestination =\nrelayhost = [127.0.0.1]:{}\n", free_port());
        fs::write(&main_cf, format!("{text}\n{own}")).unwrap();
        let mut command = mailtop();
        command
            .args(["engine", "run", "--config-dir"])
            .arg(&etc)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = Running(command.spawn().unwrap());
        wait_port(listen);
        let engine = Self {
            dir,
            port,
            _process: process,
        };
        wait_for("the control socket", || {
            queue::engine::Client::connect(&engine.spool()).ok()
        });
        engine
    }

    fn spool(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    fn queue(&self, arguments: &[&str]) -> Output {
        mailtop()
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .arg("queue")
            .args(arguments)
            .arg("--engine")
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.queue(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn wait_all_in(&self, name: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} messages in {name}"), || {
            let list: Vec<Value> = self
                .ok(&["list", "--json"])
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let all = list.iter().all(|entry| entry["queue_name"] == name);
            (list.len() == count && all).then_some(list)
        })
    }
}

#[test]
fn the_same_commands_act_on_the_engine() {
    let engine = Engine::start();
    for sender in ["\"odd one\"@a.test", "plain@a.test", "<>"] {
        let arguments = [
            "--from",
            sender,
            "--to",
            "r@b.test",
            "--h-Subject",
            "to be shown",
        ];
        assert!(swaks(engine.port, &arguments).status.success());
    }
    let list = engine.wait_all_in("deferred", 3);
    assert!(list.iter().all(|entry| {
        let reason = entry["recipients"][0]["delay_reason"].as_str();
        reason.is_some_and(|text| text.contains("refused"))
    }));
    let server = Server {
        kind: Kind::Engine,
        config_dir: None,
        queue_dir: Some(engine.spool()),
        logs: Vec::new(),
        notice: String::new(),
    };
    let mut walked = queue::read(&server, Reasons::Yes).unwrap();
    assert_eq!(walked.way, Way::Walk);
    let mut client = queue::engine::Client::connect(&engine.spool()).unwrap();
    let mut asked = client
        .ask(&mailtop::control::Request::List)
        .unwrap()
        .list
        .unwrap();
    let mut shown = Vec::new();
    showq::list(&engine.spool().join("public/showq"), |entry| {
        shown.push(entry)
    })
    .unwrap();
    for entries in [&mut walked.entries, &mut asked, &mut shown] {
        for entry in entries.iter_mut() {
            entry.next_try = None;
            entry.inode = None;
        }
        entries.sort_by(|a, b| a.queue_id.cmp(&b.queue_id));
    }
    assert_eq!(walked.entries, asked);
    assert_eq!(walked.entries, shown);

    assert!(
        engine
            .ok(&["show", list[0]["queue_id"].as_str().unwrap()])
            .contains("Subject: to be shown")
    );
    engine.ok(&["hold", "--all"]);
    engine.wait_all_in("hold", 3);
    engine.ok(&["release", "--sender", "odd one", "--queue", "hold"]);
    engine.ok(&["release", "--queue", "hold"]);
    engine.wait_all_in("deferred", 3);
    let old = ids(&list);
    engine.ok(&["requeue", &old[0]]);
    let now = wait_for("a new id", || {
        let now = ids(&engine.wait_all_in("deferred", 3));
        (!now.contains(&old[0])).then_some(now)
    });
    engine.ok(&["delete", "--yes", &now[0], &now[1]]);
    engine.wait_all_in("deferred", 1);
    assert_eq!(
        engine.queue(&["delete", "--yes", &now[0]]).status.code(),
        Some(1)
    );
    engine.ok(&["flush", &now[2]]);
    engine.ok(&["delete", "--yes", "--all"]);
    engine.wait_all_in("deferred", 0);
    let audit = fs::read_to_string(engine.dir.path().join("state/mailtop/audit.log")).unwrap();
    assert_eq!(audit.lines().count(), 8);
}

/// Puts a file of our writer into a queue of the real Postfix; returns its id.
fn plant(postfix: &Postfix, queue: &str, long: bool, recipients: &[NewRecipient<'_>]) -> String {
    let directory = postfix.queue_dir().join(queue);
    let temporary = directory.join(format!("1.{}", free_port()));
    let file = File::create(&temporary).unwrap();
    let inode = file.metadata().unwrap().ino();
    let arrival = (chrono::Utc::now().timestamp(), 123_456);
    let id = if long {
        QueueId::long(arrival.0.unsigned_abs(), arrival.1, inode)
    } else {
        QueueId::short(arrival.1, inode)
    };
    let head = Head {
        arrival,
        create_time: arrival.0,
        log_ident: &id,
        rewrite_context: "local",
        sender: b"writer@a.test",
        client: Some(Client {
            name: "localhost",
            reverse_name: "localhost",
            address: "127.0.0.1",
            port: 4711,
            server: ("127.0.0.1", 25),
            helo: b"writer.test",
            protocol: "ESMTP",
        }),
        ..Head::default()
    };
    let mut writer = QueueFileWriter::start(file, &head).unwrap();
    for recipient in recipients {
        writer.recipient(recipient).unwrap();
    }
    let mut body = writer.content().unwrap();
    body.line(b"Subject: written by us").unwrap();
    body.line(b"").unwrap();
    body.line(b".a dot in front").unwrap();
    body.line(&[b'x'; 5000]).unwrap();
    body.line(b"").unwrap();
    body.line("grüße".as_bytes()).unwrap();
    let (file, _) = body.finish(&[], &[]).unwrap();
    run_ok(Command::new("chown").arg("postfix").arg(&temporary));
    file.set_permissions(fs::Permissions::from_mode(0o700))
        .unwrap();
    fs::rename(&temporary, directory.join(&id)).unwrap();
    id
}

#[test]
fn the_real_queue_manager_delivers_what_the_writer_wrote() {
    let sink = SmtpSink::start(&[]);
    let postfix = Postfix::start(&format!(
        "relayhost = {}\nenable_long_queue_ids = yes\nsmtp_line_length_limit = 0",
        sink.relayhost()
    ));
    let recipients = [
        NewRecipient {
            address: b"one@b.test",
            ..Default::default()
        },
        NewRecipient {
            address: b"q r@b.test",
            original: b"alias@b.test",
            notify: 4,
            ..Default::default()
        },
    ];
    let held = plant(&postfix, "hold", true, &recipients);
    let text = run_ok(postfix.command("postcat").args(["-q", &held])).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    for part in [
        "sender: writer@a.test\n",
        "recipient: one@b.test\n",
        "original_recipient: alias@b.test\n",
        "named_attribute: client_address=127.0.0.1\n",
        "Subject: written by us\n",
        "\n.a dot in front\n",
        "*** MESSAGE FILE END hold/",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let id = plant(&postfix, "incoming", true, &recipients);
    run_ok(postfix.command("postkick").args(["public", "qmgr", "I"]));
    postfix.wait_log(&[&id, "from=<writer@a.test>", "nrcpt=2 (queue active)"]);
    let message = sink.wait_messages(1).remove(0);
    postfix.wait_log(&[&id, "removed"]);
    assert!(message.contains("X-Rcpt-Args: <one@b.test>"), "{message}");
    assert!(
        message.contains("X-Rcpt-Args: <\"q r\"@b.test>"),
        "{message}"
    );
    assert!(message.contains("\n.a dot in front\n"), "{message}");
    assert!(message.contains(&format!("\n{}\n\ngrüße\n", "x".repeat(5000))));
    queue_ok(&postfix, &["release", &held]);
    queue_ok(&postfix, &["flush", &held]);
    postfix.wait_log(&[&held, "removed"]);
    assert!(!postfix.log().contains("warning: "), "{}", postfix.log());
}

#[test]
fn the_writer_makes_postfix_s_files_byte_for_byte() {
    let (postfix, _) = deferring("delay_warning_time = 4h\nenable_long_queue_ids = yes");
    let to = "r1@b.test,\"q r\"@c.test";
    let body = format!("8 bits: é\n{}\n\nend", "y".repeat(900));
    let arguments = ["--from", "sender@a.test", "--to", to, "--body", &body];
    assert!(swaks(postfix.port, &arguments).status.success());
    postfix.wait_all_in("deferred", 1);
    let id = ids(&listed(&postfix, &[]))[0].clone();
    let path = file_of(&postfix, "deferred", &id);
    let theirs = fs::read(&path).unwrap();
    assert_eq!(rewritten(&path), theirs);
    let layout = mailtop::queue::format::layout::Layout::default();
    assert_eq!(layout.path(&postfix.queue_dir(), "deferred", &id), path);
}

/// The file made again by the writer from what the readers say.
fn rewritten(path: &Path) -> Vec<u8> {
    let file = File::open(path).unwrap();
    let envelope = Envelope::read(&file, Detail::Full).unwrap();
    let text = |name: &str| String::from_utf8(envelope.attribute(name).unwrap().to_vec()).unwrap();
    let number = |name: &str| text(name).parse().unwrap();
    let (log_ident, context) = (text("log_ident"), text("rewrite_context"));
    let (name, reverse, address) = (
        text("client_name"),
        text("reverse_client_name"),
        text("client_address"),
    );
    let (server, helo, protocol) = (
        text("server_address"),
        text("helo_name"),
        text("protocol_name"),
    );
    let head = Head {
        arrival: envelope.arrival.unwrap(),
        create_time: envelope.create_time.unwrap(),
        log_ident: &log_ident,
        rewrite_context: &context,
        sender: envelope.sender.as_deref().unwrap(),
        client: Some(Client {
            name: &name,
            reverse_name: &reverse,
            address: &address,
            port: number("client_port"),
            server: (&server, number("server_port")),
            helo: helo.as_bytes(),
            protocol: &protocol,
        }),
        warn_time: envelope.warn_time.map(|(when, _)| when),
        ..Head::default()
    };
    let out = std::io::Cursor::new(Vec::new());
    let mut writer = QueueFileWriter::start(out, &head).unwrap();
    for recipient in &envelope.recipients {
        let offset = writer
            .recipient(&NewRecipient {
                address: &recipient.address,
                original: &recipient.original,
                dsn_orig_rcpt: b"",
                notify: recipient.notify,
            })
            .unwrap();
        assert_eq!(offset, recipient.offset);
    }
    let mut body = writer.content().unwrap();
    let message = content::read(&file, &envelope, u64::MAX).unwrap();
    for line in message.strip_suffix(b"\n").unwrap().split(|&b| b == b'\n') {
        body.line(line).unwrap();
    }
    body.finish(&[], &[]).unwrap().0.into_inner()
}
