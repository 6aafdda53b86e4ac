//! The queue: what lies in it, choosing from it, and acting on it.
//!
//! One reader serves real Postfix's spool and the engine's, because they are the same format. What a
//! process may not read itself it asks of the showq socket, then of `postqueue -j`. Acts leave through
//! [`act`]. Nothing here renames or unlinks in a queue directory: postsuper or the engine does.

pub mod act;
mod attr;
pub mod audit;
pub mod content;
pub mod engine;
mod flush;
pub mod format;
mod identity;
mod list;
mod postfix;
pub mod postqueue;
mod process;
pub mod select;
pub mod showq;
pub mod walk;

pub use act::{Report, act, act_because, flush_all};
pub use content::content;
pub use list::{Listing, Reasons, Way, read};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One message in the queue, as far as a list needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The queue it lies in.
    pub queue_name: QueueName,
    /// Queue id, either form.
    pub queue_id: String,
    /// Arrival, seconds since the epoch.
    pub arrival_time: i64,
    /// Bytes of content.
    pub message_size: u64,
    /// Set by `postsuper -e`.
    #[serde(default)]
    pub forced_expire: bool,
    /// Envelope sender; empty is the null sender (shown as MAILER-DAEMON, as postqueue does).
    pub sender: String,
    /// Recipients still to be delivered.
    pub recipients: Vec<Recipient>,
    /// When a deferred message is tried next, seconds since the epoch (the file's mtime).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<i64>,
    /// The queue file's inode, for the identity check before an act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
}

/// One recipient of a queued message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// Why it was deferred, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_reason: Option<String>,
}

/// Postfix's queues, by its own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueName {
    /// Submitted by sendmail(1), not yet picked up.
    Maildrop,
    /// Arriving, or waiting for the queue manager.
    Incoming,
    /// Being delivered.
    Active,
    /// Waiting for its next try.
    Deferred,
    /// Held until released.
    Hold,
    /// Could not be understood; moved aside.
    Corrupt,
}

impl QueueName {
    /// Postfix's name, which is the directory's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Maildrop => "maildrop",
            Self::Incoming => "incoming",
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Hold => "hold",
            Self::Corrupt => "corrupt",
        }
    }

    /// The queue of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Maildrop,
            Self::Incoming,
            Self::Active,
            Self::Deferred,
            Self::Hold,
            Self::Corrupt,
        ]
        .into_iter()
        .find(|queue| queue.as_str() == name)
    }
}

impl Action {
    /// The word for it, as the command line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Requeue => "requeue",
            Self::Delete => "delete",
        }
    }
}

/// Why the queue could not be read or acted on.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Only log files are in view.
    #[error(
        "only log files are in view: there is no queue (try: --config-dir DIR or --engine DIR)"
    )]
    NoQueue,
    /// No way to read the queue worked.
    #[error("the queue cannot be read: {}", tried.join("; "))]
    Unreadable {
        /// Each way that was tried, with its reason.
        tried: Vec<String>,
    },
    /// No such message.
    #[error("{id}: no such message in the queue")]
    NoSuchMessage {
        /// The queue id.
        id: String,
    },
    /// The text is no queue id: it never reaches a path or a command.
    #[error("{id}: not a queue id")]
    NotAnId {
        /// The text, made safe to show.
        id: String,
    },
    /// A command of Postfix could not be run, or failed as a whole.
    #[error("{command}: {reason}")]
    Command {
        /// The command line.
        command: String,
        /// Its last words, or why it did not start.
        reason: String,
    },
    /// A queue file could not be understood.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: format::FormatError,
    },
    /// The engine did not answer.
    #[error(transparent)]
    Engine(#[from] engine::ClientError),
    /// The system refused.
    #[error("{object}: {error}")]
    Io {
        /// What it was about.
        object: String,
        /// The system's reason.
        error: std::io::Error,
    },
}

/// What can be done to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try now.
    Flush,
    /// Keep from delivery.
    Hold,
    /// Undo a hold.
    Release,
    /// Through cleanup again, with a new id.
    Requeue,
    /// Remove.
    Delete,
}
