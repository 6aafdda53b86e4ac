//! Where mailtop finds its mail server.
//!
//! In: the command line's explicit choices ([`Target`]) and what lies on this host ([`Environment`]). Out: a
//! [`Server`], or that the embedded engine has to be started first ([`Resolved::StartEngine`], which
//! [`start_engine`] does), or an [`AttachError`] that names the path, the reason and the remedy. It does not
//! read the log or the queue, and every wait in it has an end.

mod access;
mod embedded;
mod postfix;

pub use embedded::start_engine;

use crate::cli::Target;
use crate::logparse::source::Journal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The mail server in view. Everything the console and the commands do goes through these paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What it is.
    pub kind: Kind,
    /// The configuration directory, when one is known (`/etc/postfix`).
    pub config_dir: Option<PathBuf>,
    /// The queue directory, when one is known (`/var/spool/postfix`).
    pub queue_dir: Option<PathBuf>,
    /// The logs to follow, oldest first. Empty when none was found; `-` is standard input.
    pub logs: Vec<PathBuf>,
    /// The journal to follow instead, where there are no log files.
    pub journal: Option<Journal>,
    /// How it was found, and what to do next: the first screen says this.
    pub notice: String,
}

/// The two backends, and a log that stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A real Postfix: acts go through postsuper and postqueue with `-c config_dir`.
    Postfix,
    /// The embedded engine: acts go through the control socket ([`crate::control::socket_path`]).
    Engine,
    /// Only log files: there is no queue and nothing to act on.
    LogOnly,
}

/// What [`resolve`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A server to attach to.
    Server(Server),
    /// Nothing here: the caller may start the embedded engine with [`start_engine`] and attach to it.
    StartEngine {
        /// The per-user directory the engine lives in.
        dir: PathBuf,
    },
}

/// Why no server could be attached. Each names its object and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The file exists and this user may not read it.
    #[error("{}: permission denied (try: {remedy})", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
        /// What makes it readable.
        remedy: String,
    },
    /// The file cannot be used for another reason.
    #[error("{}: {reason} (try: {remedy})", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The embedded engine could not be set up or started.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
}

/// What [`resolve`] knows of this host. A value, so that tests can make up a host of their own.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where Postfix's configuration lies when nothing else is said.
    pub postfix_config_dir: PathBuf,
    /// Where logs lie when main.cf does not say, the first that exists counts.
    pub log_candidates: Vec<PathBuf>,
    /// The per-user directory of the embedded engine; `None` without a home directory.
    pub engine_dir: Option<PathBuf>,
    /// Where programs are looked for (`postconf`).
    pub path: Vec<PathBuf>,
    /// The user's name, for remedies.
    pub user: String,
    /// How long a socket or a program may take to answer.
    pub patience: Duration,
}

impl Environment {
    /// This process's own host and user.
    pub fn of_this_process() -> Self {
        use etcetera::base_strategy::{BaseStrategy as _, Xdg};
        let state = Xdg::new().ok().and_then(|xdg| xdg.state_dir());
        let mut path: Vec<PathBuf> = std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default();
        // Ordinary users often have no sbin in their PATH; postconf lies there.
        path.extend(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
        Self {
            postfix_config_dir: "/etc/postfix".into(),
            log_candidates: vec!["/var/log/mail.log".into(), "/var/log/maillog".into()],
            engine_dir: state.map(|dir| dir.join("mailtop").join("engine")),
            path,
            user: std::env::var("USER").unwrap_or_else(|_| "$USER".to_owned()),
            patience: Duration::from_secs(3),
        }
    }
}

/// Finds the mail server: the explicit choice, else a Postfix that is alive or has left log lines, else a
/// running engine of this user, else [`Resolved::StartEngine`].
pub fn resolve(target: &Target, host: &Environment) -> Result<Resolved, AttachError> {
    let mut server = match (&target.config_dir, &target.engine) {
        (Some(dir), _) => explicit_config(dir, target, host)?,
        (None, Some(dir)) => embedded::explicit(dir, host)?,
        (None, None) if !target.log.is_empty() || target.journal.is_some() => Server {
            kind: Kind::LogOnly,
            config_dir: None,
            queue_dir: None,
            logs: Vec::new(),
            journal: None,
            notice: "Only a log is in view: there is no queue to act on.".to_owned(),
        },
        (None, None) => return discover(host),
    };
    if !target.log.is_empty() {
        for log in target.log.iter().filter(|log| log.as_os_str() != "-") {
            access::readable(log, host)?;
        }
        server.logs.clone_from(&target.log);
        server.journal = None;
    }
    if let Some(journal) = target.journal() {
        server.logs.clear();
        server.journal = Some(journal);
    }
    Ok(Resolved::Server(server))
}

fn explicit_config(dir: &Path, target: &Target, host: &Environment) -> Result<Server, AttachError> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    access::readable(&dir.join("main.cf"), host)?;
    if embedded::is_engine(&dir, host) {
        return Ok(embedded::at_config_dir(&dir, host));
    }
    let found = postfix::inspect(&dir, host);
    let log = if target.log.is_empty() && target.journal.is_none() {
        postfix::log(&found, host)?
    } else {
        postfix::Log::Elsewhere
    };
    Ok(postfix::server(&found, log, host))
}

fn discover(host: &Environment) -> Result<Resolved, AttachError> {
    if let Some(server) = postfix::discover(host)? {
        return Ok(Resolved::Server(server));
    }
    let Some(dir) = &host.engine_dir else {
        return Err(AttachError::Unusable {
            path: host.postfix_config_dir.clone(),
            reason: "no mail server found, and no home directory for an engine".to_owned(),
            remedy: "set HOME, or choose with --log FILE, --config-dir DIR or --engine DIR"
                .to_owned(),
        });
    };
    if let Some(server) = embedded::running(dir, host) {
        return Ok(Resolved::Server(server));
    }
    Ok(Resolved::StartEngine { dir: dir.clone() })
}

#[cfg(test)]
mod tests;
