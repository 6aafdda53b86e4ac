//! The real servers the tests run against: each file starts one, waits until it is ready and stops it by
//! its process id when dropped.

#![allow(dead_code, reason = "the harness is shared by tests that come and go")]

pub mod bad_dns;
pub mod engine;
pub mod journal;
pub mod rbldnsd;

pub mod postfix;
pub mod smtp;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// How long a peer may take to become ready, or an effect to show: generous, because the machines are shared;
/// a test that passes does not wait this long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The path of a peer's program; fails with the install command when it is missing.
pub fn program(name: &str, package: &str) -> PathBuf {
    [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/lib/postfix/sbin",
    ]
    .iter()
    .map(|dir| Path::new(dir).join(name))
    .find(|path| path.exists())
    .unwrap_or_else(|| {
        panic!("{name} is missing: apt-get install -y {package} (tests/run does it)")
    })
}

/// The mailtop binary under test.
pub fn mailtop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailtop"));
    command
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME");
    command
}

/// Runs a command to its end and fails with its output unless it succeeded.
pub fn run_ok(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Waits until `check` gives a value; fails after [`PATIENCE`] with `what`.
pub fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a TCP port accepts.
pub fn wait_port(address: SocketAddr) {
    wait_for(&format!("{address} to accept"), || {
        TcpStream::connect(address).ok()
    });
}

/// A TCP port on 127.0.0.1 that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A UDP port on 127.0.0.1 that was free a moment ago.
pub fn free_udp_port() -> u16 {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A child process that is ended (SIGTERM, then SIGKILL) and reaped when dropped.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(5) {
                if matches!(self.0.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
