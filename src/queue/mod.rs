//! The queue: what lies in it, choosing from it, and acting on it.
//!
//! One reader serves real Postfix's spool and the engine's, because they are the same format. What a
//! process may not read itself it asks of the showq socket, then of `postqueue -j`. Acts leave through
//! [`act`]. Nothing here renames or unlinks in a queue directory: postsuper or the engine does.

pub mod format;

use serde::{Deserialize, Serialize};

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
