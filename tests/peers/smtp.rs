//! Postfix's SMTP test programs, `smtp-sink` and `smtp-source`, and `swaks`.

use super::{PATIENCE, Running, free_port, program, run_ok, wait_for, wait_port};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A running `smtp-sink`: takes mail and keeps each message in a file.
pub struct SmtpSink {
    dir: TempDir,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    process: Option<Running>,
}

impl SmtpSink {
    /// Starts one that accepts everything, unless `options` say otherwise (`-r DATA`, `-q RCPT`, ...; see
    /// smtp-sink(1)).
    pub fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    /// The same on a port the test chose before.
    pub fn start_on(port: u16, options: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("sink").tempdir().unwrap();
        let mut sink = Self {
            dir,
            port,
            process: None,
        };
        let mut command = Command::new(program("smtp-sink", "postfix"));
        if rustix::process::geteuid().is_root() {
            // smtp-sink refuses to stay root, and must be able to write the messages.
            run_ok(Command::new("chown").arg("postfix").arg(sink.dir.path()));
            command.args(["-u", "postfix"]);
        }
        command
            .args(options)
            .arg("-d")
            .arg(sink.dir.path().join("m."))
            .arg(format!("127.0.0.1:{port}"))
            .arg("1000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        sink.process = Some(Running(command.spawn().unwrap()));
        wait_port(sink.address());
        sink
    }

    /// The sink's address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The sink as `relayhost` and transports spell it: `[127.0.0.1]:PORT`.
    pub fn relayhost(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// The messages taken so far, each as smtp-sink wrote it: `X-Client-Addr`, `X-Mail-Args`, `X-Rcpt-Args`, ...
    /// lines in front, then the message. Transactions without content are left out.
    pub fn messages(&self) -> Vec<String> {
        let mut paths: Vec<PathBuf> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
            .filter(|text| text.contains("\n\n"))
            .collect()
    }

    /// Waits until at least `count` messages were taken, and returns them.
    pub fn wait_messages(&self, count: usize) -> Vec<String> {
        wait_for(&format!("{count} messages in the sink"), || {
            let messages = self.messages();
            (messages.len() >= count).then_some(messages)
        })
    }
}

/// Runs `smtp-source` to its end against a port on 127.0.0.1; `options` as in smtp-source(1).
pub fn smtp_source(port: u16, options: &[&str]) {
    run_ok(
        Command::new(program("smtp-source", "postfix"))
            .args(options)
            .arg(format!("127.0.0.1:{port}")),
    );
}

/// Runs `swaks` against a port on 127.0.0.1; its exit status says at which step the server refused.
pub fn swaks(port: u16, options: &[&str]) -> Output {
    Command::new(program("swaks", "swaks"))
        .args(["--server", &format!("127.0.0.1:{port}")])
        .args(["--timeout", &PATIENCE.as_secs().to_string()])
        .args(options)
        .output()
        .unwrap()
}
