//! The task that reads the log, and the words spoken with it.
//!
//! It owns the parser and every aggregate, on a thread of its own; the console asks ([`Request`]) and hears
//! ([`News`]). Lines come in batches, figures as finished values: the console never parses and never waits.

mod line;
mod model;
mod rejected;
mod start;
mod stories;
mod task;
mod words;

#[cfg(test)]
pub(crate) use line::keep as kept;
pub(crate) use words::*;

use super::message::Message;
use crate::attach::Server;
use tokio::sync::mpsc;

/// The handle on the log's task.
#[derive(Debug)]
pub(crate) struct Feed {
    requests: mpsc::UnboundedSender<Request>,
}

impl Feed {
    /// Starts reading the server's logs on a thread of its own; news go to `outbox`. It ends with this handle.
    pub fn start(server: &Server, outbox: mpsc::Sender<Message>) -> std::io::Result<Self> {
        // Questions come from keys: never many, and the console must not wait to ask.
        let (requests, inbox) = mpsc::unbounded_channel();
        let paths = server.logs.clone();
        let journal = server.journal.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || runtime.block_on(task::run(paths, journal, inbox, outbox)))?;
        Ok(Self { requests })
    }

    /// Asks; false when the task is no longer there.
    pub fn ask(&self, request: Request) -> bool {
        self.requests.send(request).is_ok()
    }
}
