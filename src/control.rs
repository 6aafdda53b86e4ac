//! The words spoken on the engine's control socket.
//!
//! The engine answers them (`engine/control.rs`), the console and the commands ask them
//! (`queue/engine.rs`, `commands/engine.rs`). One JSON object a line each way, one answer a request, any
//! number of requests a connection. The socket is `<queue_directory>/private/mailtop`, mode 0600: who may
//! connect may do everything. This file knows neither side.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the control socket of the engine with this queue directory lives.
pub fn socket_path(queue_directory: &Path) -> PathBuf {
    queue_directory.join("private").join("mailtop")
}

/// One request, a line of JSON with the member `op` naming the operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// The engine's state: answered with [`Status`].
    Status,
    /// All messages in the queue: answered with [`Response::list`].
    List,
    /// One message's file as it lies on disk is not sent; its headers and body are.
    Show {
        /// The queue id.
        id: String,
    },
    /// Move to the hold queue.
    Hold {
        /// The messages, with what the caller believes about them.
        messages: Vec<Guard>,
    },
    /// Move from hold to deferred, due at once.
    Release {
        /// The messages.
        messages: Vec<Guard>,
    },
    /// Send through cleanup again; the message gets a new id, as with `postsuper -r`.
    Requeue {
        /// The messages.
        messages: Vec<Guard>,
    },
    /// Remove for ever.
    Delete {
        /// The messages.
        messages: Vec<Guard>,
    },
    /// Try deferred mail now: the named messages, or everything when `ids` is empty.
    Flush {
        /// Queue ids.
        ids: Vec<String>,
    },
    /// Read main.cf and the maps again.
    Reload,
    /// Finish what is being done and end.
    Stop,
    /// What each smtpd restriction would say to a client, without sending mail.
    Explain {
        /// Client address, as text.
        client: String,
        /// HELO name.
        helo: String,
        /// Envelope sender, without angle brackets; empty is the null sender.
        sender: String,
        /// Envelope recipient.
        recipient: String,
    },
}

/// What the caller saw of a message; a message that no longer looks like this is `Changed` and left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The queue id.
    pub id: String,
    /// Arrival time, seconds since the epoch; `None` is not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<i64>,
    /// Envelope sender; `None` is not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
}

/// The answer to one request. Members that do not belong to the request's kind are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Whether the request was carried out (single messages may still have been refused).
    pub ok: bool,
    /// Why not, in words that say what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// For `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// For `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<crate::queue::Entry>>,
    /// For `show`: the message, headers and body, as bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
    /// For hold, release, requeue, delete, flush: one result a message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ActResult>,
    /// For `explain`: one step a restriction, in the order they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ExplainStep>,
    /// For `reload`: warnings that `check` would print.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActResult {
    /// The queue id asked for.
    pub id: String,
    /// What happened.
    pub outcome: Outcome,
    /// More about it: the new id after a requeue, the reason of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The result of an act on one message; Postfix's and the engine's are told alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// No such message: delivered, deleted or renamed since.
    Missing,
    /// The id now belongs to another message (short ids are reused): left alone.
    Changed,
    /// Not allowed or not possible; the detail says why.
    Refused,
}

/// The engine's state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// mailtop's version.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Start time, seconds since the epoch.
    pub started: i64,
    /// `myhostname`.
    pub myhostname: String,
    /// Absolute path of the configuration directory.
    pub config_directory: PathBuf,
    /// Absolute path of the queue directory.
    pub queue_directory: PathBuf,
    /// The log the engine writes.
    pub maillog_file: PathBuf,
    /// Addresses it listens on, `127.0.0.1:2525`.
    pub listen: Vec<String>,
    /// SMTP sessions open now.
    pub sessions: u64,
    /// Deliveries under way now.
    pub deliveries: u64,
    /// Messages by queue: incoming, active, deferred, hold, corrupt.
    pub queue: std::collections::BTreeMap<String, u64>,
    /// Messages accepted since start.
    pub received: u64,
    /// Recipients delivered since start.
    pub delivered: u64,
    /// Effective parameters: those of main.cf and the defaults that are in force, expanded.
    pub parameters: std::collections::BTreeMap<String, String>,
    /// What `check` warned of at the last (re)load.
    pub warnings: Vec<String>,
}

/// One restriction's answer to an [`Request::Explain`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainStep {
    /// The list: `smtpd_client_restrictions`, ...
    pub list: String,
    /// The restriction with its argument as main.cf spells it.
    pub restriction: String,
    /// `permit`, `reject`, `defer`, `dunno`, `warn`.
    pub verdict: String,
    /// The SMTP reply it would give, or why it said nothing.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_readable_line() {
        let request = Request::Hold {
            messages: vec![Guard {
                id: "4jXMkR1TwwznJht".into(),
                arrival: Some(1),
                sender: None,
            }],
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(
            text,
            r#"{"op":"hold","messages":[{"id":"4jXMkR1TwwznJht","arrival":1}]}"#
        );
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }

    #[test]
    fn absent_members_are_absent() {
        let response = Response {
            ok: true,
            ..Response::default()
        };
        assert_eq!(serde_json::to_string(&response).unwrap(), r#"{"ok":true}"#);
    }
}
