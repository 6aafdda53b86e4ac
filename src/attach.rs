//! Where mailtop finds its mail server.
//!
//! In: the command line's explicit choices and what lies on this host. Out: one [`Server`], or an
//! [`AttachError`] that names the path, the reason and the remedy. It starts nothing by itself except
//! through [`discover`]'s caller; it does not read the log or the queue.

use std::path::PathBuf;

/// The mail server in view. Everything the console and the commands do goes through these paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What it is.
    pub kind: Kind,
    /// The configuration directory, when one is known (`/etc/postfix`).
    pub config_dir: Option<PathBuf>,
    /// The queue directory, when one is known (`/var/spool/postfix`).
    pub queue_dir: Option<PathBuf>,
    /// The logs to follow, oldest first. Empty when none was found.
    pub logs: Vec<PathBuf>,
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
