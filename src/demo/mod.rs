//! The demonstration: an engine in a temporary directory, a DNS zone on loopback and a client that sends
//! lively mail over SMTP.
//!
//! In: nothing. Out: a [`Server`] for the console, alive until the [`Demo`] is dropped, which stops the
//! engine and removes the directory. Everything happens on 127.0.0.0/8, needs no root and writes no log line:
//! what the log shows, the engine did.

mod chance;
mod nameserver;
mod session;
mod sink;
mod site;
mod traffic;
mod world;

pub use traffic::Kind;

use crate::attach::{self, AttachError, Environment, Resolved, Server};
use crate::cli::Target;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the engine may take to become ready; it takes some milliseconds.
const READY: Duration = Duration::from_secs(20);

/// How long the engine may take to end after SIGTERM before it is killed.
const ENDING: Duration = Duration::from_secs(5);

/// Why the demonstration could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file, a socket or a program failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The engine's directory could not be made.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    /// The engine could not be attached to.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The engine ended or did not become ready.
    #[error("the engine did not start: {0}")]
    NotReady(String),
}

/// Sessions so far by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<Kind, u64>>>);

impl Tally {
    /// Held only for one addition.
    fn add(&self, kind: Kind) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(kind)
            .or_default() += 1;
    }
}

/// A running demonstration.
pub struct Demo {
    server: Server,
    smtp: SocketAddr,
    dns: SocketAddr,
    tally: Tally,
    // In the order of their end: traffic first, then the engine, then the name server and the sink it
    // talks to, then the files.
    traffic: Option<tokio::runtime::Runtime>,
    engine: Engine,
    world: Option<tokio::runtime::Runtime>,
    directory: TempDir,
}

impl Demo {
    /// Starts everything and returns when the engine accepts mail.
    pub fn start() -> Result<Self, DemoError> {
        let directory = tempfile::Builder::new()
            .prefix("mailtop-demo-")
            .tempdir()
            .map_err(|source| io("a temporary directory", source))?;
        let world = runtime("demo-world")?;
        let dns = world
            .block_on(nameserver::start())
            .map_err(|source| io("a DNS server on 127.0.0.1", source))?;
        let sink_port = world
            .block_on(sink::start())
            .map_err(|source| io("SMTP servers on 127.0.0.0/8", source))?;
        let smtp = free_address().map_err(|source| io("a port on 127.0.0.1", source))?;
        let config_dir = site::create(directory.path(), smtp, dns, sink_port)?;
        let engine = Engine::start(&config_dir, directory.path())?;
        let server = attach_to(directory.path())?;
        let tally = Tally::default();
        let traffic = runtime("demo-traffic")?;
        traffic.spawn(traffic::run(smtp, tally.clone()));
        Ok(Self {
            server,
            smtp,
            dns,
            tally,
            traffic: Some(traffic),
            engine,
            world: Some(world),
            directory,
        })
    }

    /// The engine, for the console.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Where the engine accepts mail.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// The DNS server of the demonstration's world.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// The temporary directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Sessions finished so far by kind.
    pub fn sessions(&self) -> BTreeMap<Kind, u64> {
        self.tally
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Why the engine is no longer there, when it ended by itself.
    pub fn engine_ended(&mut self) -> Option<String> {
        self.engine.ended()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(traffic) = self.traffic.take() {
            traffic.shutdown_background();
        }
        self.engine.stop();
        if let Some(world) = self.world.take() {
            world.shutdown_background();
        }
    }
}

/// The engine as a child process of ours: `mailtop engine run`.
struct Engine {
    process: Child,
    output: PathBuf,
}

impl Engine {
    fn start(config_dir: &Path, directory: &Path) -> Result<Self, DemoError> {
        let program = std::env::current_exe().map_err(|e| io("this program's own file", e))?;
        let output = directory.join("engine.out");
        let file = std::fs::File::create(&output).map_err(|e| io("engine.out", e))?;
        let errors = file.try_clone().map_err(|e| io("engine.out", e))?;
        let mut command = Command::new(&program);
        command
            .args(["engine", "run", "--config-dir"])
            .arg(config_dir)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors);
        // Its own process group: Ctrl-C is ours to handle, the engine is then stopped in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command
            .spawn()
            .map_err(|e| io(&program.display().to_string(), e))?;
        let mut engine = Self { process, output };
        let control = crate::control::socket_path(&directory.join("spool"));
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(&control).is_err() {
            if let Some(why) = engine.ended() {
                return Err(DemoError::NotReady(why));
            }
            if start.elapsed() > READY {
                engine.stop();
                return Err(DemoError::NotReady(format!(
                    "{} does not accept after {} seconds",
                    control.display(),
                    READY.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(engine)
    }

    /// Why it ended, when it did: its exit status and what it said last.
    fn ended(&mut self) -> Option<String> {
        let status = self.process.try_wait().ok()??;
        let said = std::fs::read_to_string(&self.output).unwrap_or_default();
        let last = said.trim().lines().last().unwrap_or("it said nothing");
        Some(format!("{status}: {last}"))
    }

    fn stop(&mut self) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let (Ok(None), Some(pid)) = (self.process.try_wait(), pid) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let start = Instant::now();
            while start.elapsed() < ENDING {
                if !matches!(self.process.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            // The whole group: a delivery process must not outlive the directory.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn attach_to(directory: &Path) -> Result<Server, DemoError> {
    let target = Target {
        engine: Some(directory.to_owned()),
        ..Target::default()
    };
    let server = match attach::resolve(&target, &Environment::of_this_process())? {
        Resolved::Server(server) => server,
        Resolved::StartEngine { dir } => {
            return Err(DemoError::NotReady(format!(
                "{}: no engine answers",
                dir.display()
            )));
        }
    };
    let notice = format!(
        "A demonstration: an engine in {} gets real mail over SMTP from many addresses of this host. \
         Everything is removed when you leave. Your own server: mailtop, or mailtop --log FILE",
        directory.display()
    );
    Ok(Server { notice, ..server })
}

/// A runtime on threads of its own, so that it lives beside the console's.
fn runtime(name: &str) -> Result<tokio::runtime::Runtime, DemoError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|source| io("a thread", source))
}

/// A port on 127.0.0.1 that is free now: that of the documentation when it is, else any.
fn free_address() -> std::io::Result<SocketAddr> {
    match std::net::TcpListener::bind(("127.0.0.1", 2526)) {
        Ok(listener) => listener.local_addr(),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()
        }
        Err(error) => Err(error),
    }
}

fn io(what: &str, source: std::io::Error) -> DemoError {
    DemoError::Io {
        what: what.to_owned(),
        source,
    }
}
