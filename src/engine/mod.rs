//! The mail engine: a Postfix-compatible MTA in one process.
//!
//! ```text
//! smtpd (sans-IO session + driver) ─► policy ─► cleanup ─► spool (fsync, then 250)
//! spool ─► scheduler ─► delivery agents ─► bounce ─► spool
//! ```
//!
//! It reads Postfix's main.cf, keeps its mail in Postfix's queue format and directories, and writes
//! Postfix's log, so every tool made for Postfix reads it. It talks to the rest of the program only
//! through its control socket ([`crate::control`]); it must not know the console or its views.

pub mod address;
pub mod bounce;
pub mod check;
pub mod cleanup;
pub mod config;
pub mod control;
pub mod daemon;
pub mod delivery;
pub mod maillog;
pub mod maps;
pub mod master;
pub mod policy;
pub mod privilege;
pub mod scheduler;
pub mod setup;
pub mod smtpd;
pub mod sockets;
pub mod spool;
pub mod submit;

use crate::dns::Dns;
use config::Params;
use maillog::Maillog;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every part of the engine is given: the parameters in force, the log and DNS.
///
/// Cheap to clone. A reload makes a new one; sessions and deliveries under way keep the one they began with,
/// as Postfix's processes do.
#[derive(Clone)]
pub struct Site {
    /// main.cf, checked.
    pub params: Arc<Params>,
    /// Where log lines go.
    pub log: Maillog,
    /// The resolver.
    pub dns: Dns,
}

/// Why the engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file or directory cannot be used.
    #[error("{}: {source}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Maillog(#[from] maillog::MaillogError),
    /// Another engine, or a Postfix, has the queue directory.
    #[error("the Postfix mail system is already running")]
    AlreadyRunning,
    /// There is no engine to ask.
    #[error("the Postfix mail system is not running")]
    NotRunning,
    /// Anything else, in words that name the object.
    #[error("{0}")]
    Other(String),
}

impl EngineError {
    /// An I/O error on a path.
    pub fn at(path: &Path, source: std::io::Error) -> Self {
        Self::Path {
            path: path.to_owned(),
            source,
        }
    }
}
