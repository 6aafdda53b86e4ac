//! The embedded engine: told apart from Postfix, found when it runs, started when the caller says so.
//!
//! In: an engine's directory (`etc/`, `spool/`, `log/`) or its configuration directory. Out: a [`Server`]. It
//! talks to a running engine only through its control socket.

use super::{AttachError, Environment, Kind, Server, access, postfix};
use crate::control::{self, Request, Response, Status};
use crate::engine::EngineError;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the engine listens unless the port is taken.
pub const DEFAULT_PORT: u16 = 2525;

/// How many ports after [`DEFAULT_PORT`] are tried.
const PORTS_TRIED: u16 = 100;

/// The longest answer to `status` that is believed: main.cf's parameters are some 10 kB.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// Whether `config_dir` belongs to an engine: its control socket answers, or its master.cf has no queue
/// manager, without which a Postfix cannot be.
pub(super) fn is_engine(config_dir: &Path, host: &Environment) -> bool {
    let found = postfix::inspect(config_dir, host);
    if ask_status(&found.queue_dir, host.patience).is_some() {
        return true;
    }
    let Ok(master) = std::fs::read_to_string(config_dir.join("master.cf")) else {
        return !config_dir.join("master.cf").exists();
    };
    !master.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("qmgr") && matches!(words.next(), Some("unix" | "fifo"))
    })
}

/// `--engine DIR`: the directory must hold an engine, running or not.
pub(super) fn explicit(dir: &Path, host: &Environment) -> Result<Server, AttachError> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let etc = dir.join("etc");
    if !etc.join("main.cf").exists() && dir.is_dir() {
        return Err(AttachError::Unusable {
            path: dir,
            reason: "no engine here: etc/main.cf is missing".to_owned(),
            remedy: "mailtop without options makes one in your home directory".to_owned(),
        });
    }
    access::readable(&etc.join("main.cf"), host)?;
    Ok(at_config_dir(&etc, host))
}

/// The engine with this configuration directory, running or not.
pub(super) fn at_config_dir(etc: &Path, host: &Environment) -> Server {
    let found = postfix::inspect(etc, host);
    if let Some(status) = ask_status(&found.queue_dir, host.patience) {
        return attached(&status);
    }
    let logs = found.maillog_file.iter().filter(|path| path.exists());
    Server {
        kind: Kind::Engine,
        config_dir: Some(etc.to_owned()),
        logs: logs.cloned().collect(),
        journal: None,
        queue_dir: Some(found.queue_dir),
        notice: format!(
            "The engine of {0} is not running; start it with: mailtop engine start --config-dir {0}",
            etc.display()
        ),
    }
}

/// The engine in `dir`, when it runs.
pub(super) fn running(dir: &Path, host: &Environment) -> Option<Server> {
    let spool = dir.join("spool");
    ask_status(&spool, host.patience).map(|status| attached(&status))
}

/// Starts the engine in `dir`, making the directory first when it is new, and attaches to it. A listening
/// port that is taken is replaced by the next free one, and the notice says so.
pub fn start_engine(dir: &Path, host: &Environment) -> Result<Server, AttachError> {
    let master_cf = dir.join("etc").join("master.cf");
    let wanted = listener(&std::fs::read_to_string(&master_cf).unwrap_or_default())
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)));
    let listen = free_from(wanted)?;
    let config_dir = crate::engine::setup::create(dir, listen)?;
    move_listener(&master_cf, wanted, listen)?;
    start(&config_dir)?;
    let server = running(dir, host).ok_or_else(|| {
        EngineError::Other(format!(
            "{}: the engine was started and does not answer on its control socket (its log: {})",
            dir.display(),
            dir.join("log").display()
        ))
    })?;
    let moved = if listen == wanted {
        String::new()
    } else {
        format!(" (port {} is taken)", wanted.port())
    };
    let notice = format!(
        "No Postfix found: the embedded engine was started in {} and listens on {listen}{moved}. \
         Next: send it mail (swaks --server {listen} --to $USER@localhost), watch lively traffic with \
         `mailtop demo`, or look at another server with --log FILE or --config-dir DIR. \
         Stop it: mailtop engine stop",
        dir.display()
    );
    Ok(Server { notice, ..server })
}

fn attached(status: &Status) -> Server {
    Server {
        kind: Kind::Engine,
        config_dir: Some(status.config_directory.clone()),
        queue_dir: Some(status.queue_directory.clone()),
        logs: vec![status.maillog_file.clone()],
        journal: None,
        notice: format!(
            "Attached to the embedded engine (process {}) listening on {}. Its configuration: {dir}/main.cf. \
             Stop it: mailtop engine stop --config-dir {dir}",
            status.pid,
            status.listen.join(", "),
            dir = status.config_directory.display(),
        ),
    }
}

/// The first smtpd listener of a master.cf that is written as `address:port`.
fn listener(master_cf: &str) -> Option<SocketAddr> {
    master_cf.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let service = words.next()?;
        (words.next()? == "inet").then(|| service.parse().ok())?
    })
}

/// `wanted`, or the same address with the next port that is free.
fn free_from(wanted: SocketAddr) -> Result<SocketAddr, AttachError> {
    let last = wanted.port().saturating_add(PORTS_TRIED);
    for port in wanted.port()..=last {
        let address = SocketAddr::new(wanted.ip(), port);
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(EngineError::Other(format!(
        "{wanted}: no free port up to {last} (try: set another address in the engine's master.cf)"
    ))
    .into())
}

/// Writes the new address into the line of master.cf that had the old one.
fn move_listener(master_cf: &Path, from: SocketAddr, to: SocketAddr) -> Result<(), AttachError> {
    if from == to {
        return Ok(());
    }
    let failed = |error| AttachError::Engine(EngineError::at(master_cf, error));
    let text = std::fs::read_to_string(master_cf).map_err(failed)?;
    let old = from.to_string();
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.strip_prefix(&old) {
            Some(rest) if rest.starts_with([' ', '\t']) => format!("{to}{rest}"),
            _ => line.to_owned(),
        })
        .collect();
    std::fs::write(master_cf, lines.join("\n") + "\n").map_err(failed)
}

/// Runs `mailtop engine start`, which returns when the engine is ready or could not be started.
fn start(config_dir: &Path) -> Result<(), AttachError> {
    let program = std::env::current_exe()
        .map_err(|error| EngineError::Other(format!("this program's own file: {error}")))?;
    let output = Command::new(&program)
        .args(["engine", "start", "--config-dir"])
        .arg(config_dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| EngineError::at(&program, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("mailtop: ");
    Err(EngineError::Other(format!("the engine did not start: {said}")).into())
}

/// The state of the engine with this queue directory; `None` when none answers in time.
fn ask_status(queue_dir: &Path, patience: Duration) -> Option<Status> {
    let stream = connect(control::socket_path(queue_dir), patience)?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream.set_write_timeout(Some(patience)).ok()?;
    let mut request = serde_json::to_vec(&Request::Status).ok()?;
    request.push(b'\n');
    (&stream).write_all(&request).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_ANSWER))
        .read_line(&mut line)
        .ok()?;
    serde_json::from_str::<Response>(&line).ok()?.status
}

/// Connects without waiting for a server that does not accept: its backlog full, a Unix connect(2) blocks.
fn connect(path: PathBuf, patience: Duration) -> Option<UnixStream> {
    use socket2::{Domain, SockAddr, Socket, Type};
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).ok()?;
    socket
        .connect_timeout(&SockAddr::unix(path).ok()?, patience)
        .ok()?;
    socket.set_nonblocking(false).ok()?;
    Some(UnixStream::from(std::os::fd::OwnedFd::from(socket)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_of_a_master_cf_is_found_and_moved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.cf");
        std::fs::write(
            &path,
            "# 127.0.0.1:2525 is taken\n127.0.0.1:2525  inet  n - n - - smtpd\nsmtp unix - - n - - smtp\n",
        )
        .unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let old = listener(&text).unwrap();
        assert_eq!(old, "127.0.0.1:2525".parse().unwrap());
        move_listener(&path, old, "127.0.0.1:2527".parse().unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# 127.0.0.1:2525 is taken\n127.0.0.1:2527  inet"));
        assert_eq!(listener("smtp inet n - n - - smtpd\n"), None);
    }

    #[test]
    fn a_taken_port_is_stepped_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let wanted = taken.local_addr().unwrap();
        let free = free_from(wanted).unwrap();
        assert!(free.port() > wanted.port());
        assert_eq!(free.ip(), wanted.ip());
    }
}
