//! The mail engine: a Postfix-compatible MTA in one process.
//!
//!     smtpd (sans-IO session + driver) ─► policy ─► cleanup ─► spool (fsync, then 250)
//!     spool ─► scheduler ─► delivery agents ─► bounce ─► spool
//!
//! It reads Postfix's main.cf, keeps its mail in Postfix's queue format and directories, and writes
//! Postfix's log, so every tool made for Postfix reads it. It talks to the rest of the program only
//! through its control socket ([`crate::control`]); it must not know the console or its views.

pub mod config;
pub mod maillog;

use crate::dns::Dns;
use config::Params;
use maillog::Maillog;
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
