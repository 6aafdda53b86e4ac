//! The background work of the queue, the block lists and the mail server: started here, answered by a message.
//!
//! In: the panes' requests, carried here by the loop. Out: a [`Message`] for each. What blocks (files, sockets,
//! commands) runs on threads that may wait; the loop never does. It knows no screen.

use super::message::Message;
use super::{engine, queue, rbl};
use crate::attach::Server;
use crate::config::Rbl;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The handle on the background work.
#[derive(Debug)]
pub(crate) struct Tasks {
    server: Arc<Server>,
    outbox: mpsc::Sender<Message>,
    lists: Rbl,
    /// The look-up under way: a new one ends it.
    looking: Option<tokio::task::AbortHandle>,
}

impl Tasks {
    /// Tasks for this server; their answers go to `outbox`.
    pub fn new(server: &Server, lists: Rbl, outbox: mpsc::Sender<Message>) -> Self {
        Self {
            server: Arc::new(server.clone()),
            outbox,
            lists,
            looking: None,
        }
    }

    /// Carries out a request of the block list screen.
    pub fn rbl(&mut self, request: rbl::Request) {
        if let Some(before) = self.looking.take() {
            before.abort();
        }
        if let rbl::Request::Look { ticket, targets } = request {
            let work = rbl::task::look(ticket, targets, self.lists.clone(), self.outbox.clone());
            self.looking = Some(tokio::spawn(work).abort_handle());
        }
    }

    /// Carries out a request of the engine screen.
    pub fn engine(&self, request: engine::Request) {
        self.blocking(move |server| Message::Engine(engine::task::run(request, server)));
    }

    /// Carries out a request of the queue screen.
    pub fn queue(&self, request: queue::Request) {
        self.blocking(move |server| Message::Queue(queue::task::run(request, server)));
    }

    fn blocking(&self, work: impl FnOnce(&Server) -> Message + Send + 'static) {
        let server = Arc::clone(&self.server);
        let outbox = self.outbox.clone();
        tokio::task::spawn_blocking(move || {
            let message = work(&server);
            // The loop has ended: nobody wants the answer.
            let _ = outbox.blocking_send(message);
        });
    }
}
