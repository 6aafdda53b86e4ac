//! The queue screen's background work: reading the queue, opening a message, acting.
//!
//! In: a [`Request`]. Out: an [`Answer`]. Runs on a thread that may wait.

use crate::attach::{Kind, Server};
use crate::queue::act::{Report, Why, act_because, flush_all};
use crate::queue::{Action, Entry, Listing, Reasons};
use std::time::Instant;

/// Of a message this much is read: several screens of headers and text; what follows are mostly attachments.
pub(crate) const CONTENT_LIMIT: u64 = 64 * 1024;

/// What the queue screen wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read the queue.
    Read,
    /// Read a message's headers and the beginning of its body.
    Content {
        /// Its queue id.
        id: String,
    },
    /// Act on these messages as they were seen.
    Act {
        /// What.
        action: Action,
        /// On which.
        entries: Vec<Entry>,
        /// How they were chosen, for the audit log.
        selector: String,
    },
    /// Try all deferred mail.
    FlushAll,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The queue, or why it cannot be read.
    Read(Reading),
    /// A message's text, or why it cannot be read.
    Content {
        /// Its queue id.
        id: String,
        /// At most [`CONTENT_LIMIT`] bytes.
        text: Result<Vec<u8>, String>,
    },
    /// What became of each message.
    Acted {
        /// What was done.
        action: Action,
        /// To which, in the order of the results.
        entries: Vec<Entry>,
        /// The results.
        report: Report,
    },
    /// All deferred mail was asked to be tried.
    FlushedAll(Result<Report, String>),
}

/// The queue as it was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The queue, or why it cannot be read.
    pub listing: Result<Listing, String>,
    /// Seconds it took.
    pub took: f64,
    /// Why this process may not hold, release, requeue and delete, when it may not.
    pub powerless: Option<&'static str>,
}

/// Does it.
pub(crate) fn run(request: Request, server: &Server) -> Answer {
    match request {
        Request::Read => {
            let start = Instant::now();
            let listing = crate::queue::read(server, Reasons::Yes).map_err(|e| e.to_string());
            Answer::Read(Reading {
                listing,
                took: start.elapsed().as_secs_f64(),
                powerless: powerless(server),
            })
        }
        Request::Content { id } => {
            let text = crate::queue::content(server, &id, CONTENT_LIMIT).map_err(|e| e.to_string());
            Answer::Content { id, text }
        }
        Request::Act {
            action,
            entries,
            selector,
        } => {
            let why = Why {
                selector,
                ..Why::default()
            };
            let report = act_because(server, action, &entries, &why);
            Answer::Acted {
                action,
                entries,
                report,
            }
        }
        Request::FlushAll => {
            let why = Why {
                selector: "the whole queue".to_owned(),
                ..Why::default()
            };
            Answer::FlushedAll(flush_all(server, &why).map_err(|e| e.to_string()))
        }
    }
}

/// postsuper is for root alone; the engine's control socket decides by itself.
fn powerless(server: &Server) -> Option<&'static str> {
    let root = rustix::process::geteuid().is_root();
    (server.kind == Kind::Postfix && !root)
        .then_some("Postfix lets only root hold, release, requeue and delete (try: sudo mailtop)")
}
