//! The engine's life: start, serve, reload, stop.
//!
//! In: a configuration directory. Out: a process that listens, delivers and answers on its control socket,
//! until it is told to stop. It alone opens listeners and takes the lock that makes it the only one on its
//! queue directory (`pid/master.pid`, as Postfix's master).

use super::config::{Params, Problem};
use super::maillog::{Maillog, Session, Stamp};
use super::scheduler::Scheduler;
use super::smtpd::{self, Clients, Door};
use super::spool::Spool;
use super::{EngineError, Site, control, privilege, sockets};
use crate::control::{Response, Status};
use crate::dns::{self, DnsOptions};
use crate::queue::QueueName;
use rustix::fs::FlockOperation;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

/// How long a stop waits for sessions, and then for deliveries; what is left is safe in the spool.
const GRACE: Duration = Duration::from_secs(5);

/// Connections the kernel keeps for us while all sessions are taken (Postfix's backlog is 100).
const BACKLOG: i32 = 128;

/// Between two warnings that a listener's slots are all taken: master(8)'s 1000 s.
const STRESS_INTERVAL: Duration = Duration::from_secs(1000);

/// A running engine: what the control socket and the accept loops share.
pub struct Engine {
    config_directory: PathBuf,
    /// Held for a clone; written at a reload.
    site: RwLock<Site>,
    warnings: RwLock<Vec<String>>,
    spool: Spool,
    scheduler: Scheduler,
    log: Session,
    started: SystemTime,
    sessions: AtomicU64,
    clients: Clients,
    listen: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    /// The lock on `pid/master.pid`, held as long as the process lives.
    _lock: File,
}

/// Runs an engine in the foreground until SIGTERM, SIGINT or a stop on its control socket.
pub fn run(config_dir: &Path, stamp: Stamp) -> Result<(), EngineError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| EngineError::Other(format!("cannot start threads: {e}")))?;
    let result = runtime.block_on(serve(config_dir, stamp));
    // A blocking thread may still wait for a disk or a command; the process does not.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(config_dir: &Path, stamp: Stamp) -> Result<(), EngineError> {
    let (params, problems) = load(config_dir)?;
    let config_dir =
        std::fs::canonicalize(config_dir).map_err(|e| EngineError::at(config_dir, e))?;
    super::setup::queue_directories(&params.queue_directory)?;
    let lock = lock(&params.queue_directory)?;
    let (path, host) = (&params.maillog_file, &params.myhostname);
    let log = Maillog::open(path, host, &params.syslog_name, stamp)?;
    let master = log.process("master");
    let result = begin(config_dir, params, &problems, log, master.clone(), lock).await;
    match result {
        Ok((engine, listeners)) => {
            engine.until_stopped(listeners).await;
            Ok(())
        }
        Err(error) => {
            master.fatal(format_args!("{error}"));
            Err(error)
        }
    }
}

/// Everything between the lock and the first connection.
async fn begin(
    config_directory: PathBuf,
    params: Params,
    problems: &[Problem],
    log: Maillog,
    master: Session,
    lock: File,
) -> Result<(Arc<Engine>, Vec<TcpListener>), EngineError> {
    let dns = resolver(&params)?;
    let spool = Spool::open(&params)?;
    let recovering = spool.clone();
    let recovered = tokio::task::spawn_blocking(move || recovering.recover())
        .await
        .map_err(|e| EngineError::Other(e.to_string()))?
        .map_err(|e| EngineError::Other(e.to_string()))?;
    let mut listeners = Vec::new();
    for listener in &params.listeners {
        listeners.push(bind(listener.address)?);
    }
    let listen = listeners
        .iter()
        .filter_map(|l| l.local_addr().ok())
        .collect();
    let warnings = texts(&params, problems);
    let site = Site {
        params: Arc::new(params),
        log,
        dns,
    };
    let (scheduler, _) = Scheduler::start(site.clone(), spool.clone());
    let engine = Arc::new(Engine {
        config_directory,
        site: RwLock::new(site),
        warnings: RwLock::new(warnings),
        spool,
        scheduler,
        log: master,
        started: SystemTime::now(),
        sessions: AtomicU64::new(0),
        clients: Clients::default(),
        listen,
        stopping: watch::Sender::new(false),
        _lock: lock,
    });
    sockets::start(&engine.site(), &engine.spool, &engine.scheduler)?;
    control::start(&engine)?;
    engine.log_state("daemon started");
    if recovered.incomplete + recovered.active > 0 {
        engine.log.info(format_args!(
            "queue recovered: {} unfinished files removed, {} messages taken back from the active queue",
            recovered.incomplete, recovered.active
        ));
    }
    Ok((engine, listeners))
}

impl Engine {
    /// The queue directory.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The queue manager.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The parameters, log and resolver in force now.
    pub fn site(&self) -> Site {
        let site = self.site.read().unwrap_or_else(PoisonError::into_inner);
        site.clone()
    }

    /// Begins to stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Reads the configuration again; what begins from now on uses it. Listeners stay as they are. An error
    /// leaves the old configuration in force.
    pub async fn reload(&self) -> Result<Vec<String>, EngineError> {
        let directory = self.config_directory.clone();
        let (params, problems) = tokio::task::spawn_blocking(move || load(&directory))
            .await
            .map_err(|e| EngineError::Other(e.to_string()))??;
        let dns = resolver(&params)?;
        let mut warnings = texts(&params, &problems);
        let old = self.site();
        if params.queue_directory != old.params.queue_directory {
            return Err(EngineError::Other(
                "queue_directory changed: stop and start the engine".into(),
            ));
        }
        let addresses = |p: &Params| p.listeners.iter().map(|l| l.address).collect::<Vec<_>>();
        if addresses(&params) != addresses(&old.params) {
            warnings.push("the listeners of master.cf changed: stop and start the engine".into());
        }
        let site = Site {
            params: Arc::new(params),
            log: old.log,
            dns,
        };
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = site.clone();
        let kept = warnings.clone();
        *self
            .warnings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = kept;
        self.scheduler.reload(site).await;
        self.log_state("reload");
        Ok(warnings)
    }

    /// The state, for the control socket.
    pub async fn status(&self) -> Status {
        let site = self.site();
        let spool = self.spool.clone();
        let queue = tokio::task::spawn_blocking(move || count(&spool))
            .await
            .unwrap_or_default();
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH);
        let started = started.unwrap_or_default().as_secs();
        let warnings = self.warnings.read().unwrap_or_else(PoisonError::into_inner);
        Status {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            started: i64::try_from(started).unwrap_or(i64::MAX),
            myhostname: site.params.myhostname.clone(),
            config_directory: self.config_directory.clone(),
            queue_directory: self.spool.directory().to_owned(),
            maillog_file: site.log.path().to_owned(),
            listen: self.listen.iter().map(ToString::to_string).collect(),
            sessions: self.sessions.load(Ordering::Relaxed),
            deliveries: self.scheduler.counts().deliveries.load(Ordering::Relaxed),
            queue,
            received: self.spool.committed(),
            delivered: self.scheduler.counts().delivered.load(Ordering::Relaxed),
            parameters: site.params.all.clone(),
            warnings: warnings.clone(),
        }
    }

    /// What each restriction would say.
    pub async fn explain(
        &self,
        client: &str,
        helo: &str,
        sender: &str,
        recipient: &str,
    ) -> Response {
        let Ok(client) = client.trim_matches(['[', ']']).parse() else {
            return control::failed(format!(
                "{client}: not an address (try: --client 192.0.2.1)"
            ));
        };
        Response {
            steps: super::policy::explain(&self.site(), client, helo, sender, recipient).await,
            ..control::done()
        }
    }

    async fn until_stopped(self: &Arc<Self>, listeners: Vec<TcpListener>) {
        for (at, listener) in listeners.into_iter().enumerate() {
            let engine = Arc::clone(self);
            tokio::spawn(async move { engine.accept(at, listener).await });
        }
        let mut stopping = self.stopping.subscribe();
        let (term, int, hup) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
            signal(SignalKind::hangup()),
        );
        let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (term, int, hup) else {
            self.log.fatal(format_args!("cannot handle signals"));
            return;
        };
        loop {
            tokio::select! {
                _ = term.recv() => {
                    self.log.info(format_args!("terminating on signal 15"));
                    break;
                }
                _ = int.recv() => {
                    self.log.info(format_args!("terminating on signal 2"));
                    break;
                }
                _ = stopping.wait_for(|stop| *stop) => {
                    self.log.info(format_args!("terminating on request"));
                    break;
                }
                _ = hup.recv() => {
                    if let Err(error) = self.reload().await {
                        self.log.error(format_args!("reload: {error}"));
                    }
                }
            }
        }
        self.stop();
        let sessions = async {
            while self.sessions.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, sessions).await;
        let _ = tokio::time::timeout(GRACE, self.scheduler.stop()).await;
        let _ = std::fs::remove_file(crate::control::socket_path(self.spool.directory()));
    }

    /// Accepts as many sessions at a time as the listener's process limit allows; the rest waits in the kernel.
    async fn accept(self: Arc<Self>, at: usize, listener: TcpListener) {
        let limit = self
            .site()
            .params
            .listeners
            .get(at)
            .map_or(0, |l| l.process_limit);
        let slots = Arc::new(Semaphore::new(if limit == 0 {
            Semaphore::MAX_PERMITS
        } else {
            limit
        }));
        let mut stopping = self.stopping.subscribe();
        let mut told = None;
        loop {
            if slots.available_permits() == 0 {
                self.log_stress(at, limit, &mut told);
            }
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let engine = Arc::clone(&self);
                    tokio::spawn(async move {
                        engine.sessions.fetch_add(1, Ordering::Relaxed);
                        let _counted = Counted(&engine.sessions);
                        engine.session(at, stream, peer).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    self.log.warning(format_args!("accept: {error}"));
                    // Out of descriptors: accept would fail again at once.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// All slots of a listener are taken: master(8)'s warning, with its interval.
    fn log_stress(&self, at: usize, limit: usize, told: &mut Option<Instant>) {
        if told.is_some_and(|told| told.elapsed() < STRESS_INTERVAL) {
            return;
        }
        *told = Some(Instant::now());
        let port = self.listen.get(at).map_or(0, SocketAddr::port);
        self.log.warning(format_args!(
            "service \"{port}\" ({port}) has reached its process limit \"{limit}\": new clients may experience \
             noticeable delays"
        ));
        self.log.warning(format_args!(
            "to avoid this condition, increase the process count in master.cf or reduce the service time per client"
        ));
    }

    async fn session(&self, at: usize, stream: TcpStream, peer: SocketAddr) {
        let site = self.site();
        let Ok(server) = stream.local_addr() else {
            return; // gone before we looked
        };
        let listener = site.params.listeners.get(at);
        let door = Door {
            params: listener.and_then(|l| l.overrides.as_deref()).map_or_else(
                || Arc::clone(&site.params),
                |overrides| Arc::new(overrides.clone()),
            ),
            service: listener.map_or_else(|| "smtpd".into(), |l| l.service.clone()),
            spool: self.spool.clone(),
            clients: self.clients.clone(),
        };
        // Replies are written whole; waiting to fill a segment only delays them.
        let _ = stream.set_nodelay(true);
        smtpd::serve(stream, peer, server, &site, &door).await;
    }

    fn log_state(&self, what: &str) {
        self.log.info(format_args!(
            "{what} -- version mailtop-{}, configuration {}",
            env!("CARGO_PKG_VERSION"),
            self.config_directory.display()
        ));
    }
}

/// Counts a session down, also when it panicked.
struct Counted<'c>(&'c AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn load(config_dir: &Path) -> Result<(Params, Vec<Problem>), EngineError> {
    let failed = |e: super::config::ConfigError| EngineError::Other(e.to_string());
    let (params, _) = Params::load(config_dir).map_err(failed)?;
    // What `check` prints, so that status and the console's engine screen show the same.
    let problems = super::check::check(config_dir).map_err(failed)?;
    Ok((params, problems))
}

/// What `check` prints of the same configuration, and what this version does not do yet.
fn texts(params: &Params, problems: &[Problem]) -> Vec<String> {
    let own = super::delivery::notes(params)
        .into_iter()
        .chain(privilege::notes());
    problems
        .iter()
        .map(ToString::to_string)
        .chain(own)
        .collect()
}

fn resolver(params: &Params) -> Result<dns::Dns, EngineError> {
    let options = DnsOptions {
        servers: params.mailtop_dns_servers.clone(),
        ..DnsOptions::default()
    };
    dns::system(&options).map_err(|e| EngineError::Other(format!("DNS: {e}")))
}

/// Messages by queue, for `status`.
fn count(spool: &Spool) -> std::collections::BTreeMap<String, u64> {
    [
        QueueName::Incoming,
        QueueName::Active,
        QueueName::Deferred,
        QueueName::Hold,
        QueueName::Corrupt,
    ]
    .into_iter()
    .map(|queue| {
        let found = spool.scan(queue).map_or(0, |found| found.len());
        (queue.as_str().to_owned(), found as u64)
    })
    .collect()
}

fn bind(address: SocketAddr) -> Result<TcpListener, EngineError> {
    use socket2::{Domain, Protocol, Socket, Type};
    let listen = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // A restart must not wait for the connections of the last run to be forgotten.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket.into())
    };
    listen().map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::AddrInUse => {
                " (another mail server listens there: stop it, or change the address in master.cf)"
            }
            ErrorKind::PermissionDenied => {
                " (ports below 1024 are root's: start as root, or change the port in master.cf)"
            }
            ErrorKind::AddrNotAvailable => {
                " (this host does not have that address: change it in master.cf)"
            }
            _ => "",
        };
        EngineError::Other(format!("bind {address}: {error}{remedy}"))
    })
}

/// Takes the lock on `pid/master.pid` and writes our process id, as wide as Postfix writes it.
fn lock(queue_directory: &Path) -> Result<File, EngineError> {
    let path = queue_directory.join("pid/master.pid");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| not_ours(&path, e))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| EngineError::AlreadyRunning)?;
    let text = format!("{:32}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(|e| EngineError::at(&path, e))?;
    Ok(file)
}

/// The process id of the engine (or the Postfix) that runs on the queue directory; `None` when none does. An
/// error when that is not for us to know.
pub fn running(queue_directory: &Path) -> Result<Option<u32>, EngineError> {
    let path = queue_directory.join("pid/master.pid");
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(not_ours(&path, error));
        }
        Err(_) => return Ok(None),
    };
    let free = rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared);
    if free != Err(rustix::io::Errno::WOULDBLOCK) {
        return Ok(None);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|e| EngineError::at(&path, e))?;
    Ok(Some(text.trim().parse().unwrap_or(0)))
}

fn not_ours(path: &Path, error: std::io::Error) -> EngineError {
    if error.kind() == ErrorKind::PermissionDenied {
        return EngineError::Other(format!(
            "{}: {error} (try: as root, or as the user whose engine it is)",
            path.display()
        ));
    }
    EngineError::at(path, error)
}
