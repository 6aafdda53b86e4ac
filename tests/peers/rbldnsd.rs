//! rbldnsd: the block-list DNS server, with zones given as text.

use super::{Running, free_udp_port, program, wait_for};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A running rbldnsd; it ends when dropped.
pub struct Rbldnsd {
    /// Where it answers, UDP only.
    pub address: SocketAddr,
    _process: Running,
    _zones: TempDir,
}

/// One zone of it.
pub struct Zone<'a> {
    /// The zone's name.
    pub name: &'a str,
    /// rbldnsd's data set type: `ip4set`, `ip6trie`, `dnset`, `generic`.
    pub kind: &'a str,
    /// The data file's content.
    pub data: &'a str,
}

impl Rbldnsd {
    /// Starts it with these zones and waits until it answers.
    pub fn start(zones: &[Zone]) -> Self {
        let rbldnsd = program("rbldnsd", "rbldnsd");
        let directory = TempDir::new().unwrap();
        // As root it becomes the user rbldns, which must be able to read here.
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_udp_port()));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new(rbldnsd);
        command
            .args(["-n", "-b"])
            .arg(format!("{}/{}", address.ip(), address.port()))
            .arg("-w")
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if rustix::process::getuid().is_root() {
            command.args(["-u", "rbldns:rbldns"]);
        }
        for (number, zone) in zones.iter().enumerate() {
            let file = format!("zone{number}");
            std::fs::write(directory.path().join(&file), zone.data).unwrap();
            command.arg(format!("{}:{}:{file}", zone.name, zone.kind));
        }
        let mut process = Running(command.spawn().unwrap());
        let log = directory.path().join("log");
        wait_for("rbldnsd to answer", || {
            if let Ok(Some(status)) = process.0.try_wait() {
                panic!("rbldnsd ended with {status}: {}", read(&log));
            }
            answers(address).then_some(())
        });
        Self {
            address,
            _process: process,
            _zones: directory,
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Whether a DNS server answers anything at all to a question about `ready.`.
fn answers(server: SocketAddr) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05ready\x00\x00\x01\x00\x01";
    let mut buffer = [0; 512];
    socket.connect(server).is_ok()
        && socket.send(question).is_ok()
        && socket.recv(&mut buffer).is_ok()
}
