//! The built `mailtop engine run` in a directory of its own.

use super::{Running, free_port, mailtop, program, run_ok, wait_for, wait_port};
use mailtop::control::{Request, Response};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An engine with its own directory, in the foreground of a child process.
pub struct Engine {
    pub dir: TempDir,
    /// Its SMTP port on 127.0.0.1.
    pub port: u16,
    process: Option<Running>,
}

impl Engine {
    /// Starts one; `more` goes to the end of main.cf.
    pub fn start(more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("engine").tempdir().unwrap();
        // Deliveries run with their recipients' rights: they must be able to pass.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let etc = mailtop::engine::setup::create(dir.path(), listen).unwrap();
        let main_cf = etc.join("main.cf");
        let text = fs::read_to_string(&main_cf).unwrap();
        let own = "myhostname = mx.engine.test\nmydestination = $myhostname, localhost\n\
                   minimal_backoff_time = 300s\nsmtpd_peername_lookup = no\n";
        fs::write(&main_cf, format!("{text}\n{own}{more}\n")).unwrap();
        let mut engine = Self {
            dir,
            port,
            process: None,
        };
        engine.run();
        engine
    }

    pub fn run(&mut self) {
        let mut command = mailtop();
        command
            .args(["engine", "run", "--config-dir"])
            .arg(self.etc())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.process = Some(Running(command.spawn().unwrap()));
        wait_port(self.address());
        wait_for("the control socket", || {
            UnixStream::connect(mailtop::control::socket_path(&self.spool())).ok()
        });
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let mut running = self.process.take().unwrap();
        running.0.kill().unwrap();
        running.0.wait().unwrap();
    }

    pub fn etc(&self) -> PathBuf {
        self.dir.path().join("etc")
    }

    pub fn spool(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub fn log_path(&self) -> PathBuf {
        self.dir.path().join("log/mail.log")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub fn wait_log(&self, words: &str) {
        wait_for(&format!("{words:?} in {}", self.log()), || {
            self.log().contains(words).then_some(())
        });
    }

    pub fn ask(&self, request: &Request) -> Response {
        let path = mailtop::control::socket_path(&self.spool());
        let mut stream = UnixStream::connect(path).unwrap();
        writeln!(stream, "{}", serde_json::to_string(request).unwrap()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        let response: Response = serde_json::from_str(&line).unwrap();
        assert!(response.ok, "{response:?}");
        response
    }

    /// The queue as the real postqueue(1) reads it through our socket.
    pub fn postqueue(&self) -> Vec<Value> {
        let output = run_ok(
            Command::new(program("postqueue", "postfix"))
                .arg("-c")
                .arg(self.etc())
                .arg("-j"),
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    pub fn wait_queue(&self, queue: &str, count: usize) -> Vec<String> {
        wait_for(&format!("{count} in {queue}: {}", self.log()), || {
            let all = self.postqueue();
            let ids: Vec<_> = all
                .iter()
                .filter(|m| m["queue_name"] == queue)
                .map(|m| m["queue_id"].as_str().unwrap().to_owned())
                .collect();
            (ids.len() == count).then_some(ids)
        })
    }

    /// The messages in a user's maildir.
    pub fn mail(&self, user: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.dir.path().join("mail").join(user).join("new")) else {
            return Vec::new();
        };
        entries
            .map(|e| String::from_utf8_lossy(&fs::read(e.unwrap().path()).unwrap()).into_owned())
            .collect()
    }

    pub fn wait_mail(&self, user: &str, count: usize) -> Vec<String> {
        wait_for(
            &format!("{count} messages for {user}: {}", self.log()),
            || {
                let mail = self.mail(user);
                (mail.len() >= count).then_some(mail)
            },
        )
    }
}
