//! The embedded engine's queue through the same commands.

use super::ids;
use crate::peers::smtp::swaks;
use crate::peers::{Running, free_port, mailtop, wait_for, wait_port};
use mailtop::attach::{Kind, Server};
use mailtop::queue::{self, Reasons, Way, showq};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

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
        journal: None,
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
        shown.push(entry);
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
