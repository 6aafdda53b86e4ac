//! The background work of the queue, the block lists and the mail server: started here, answered by a message.
//!
//! In: the panes' requests, carried here by the loop. Out: a [`Message`] for each. What blocks (files, sockets,
//! commands) runs on threads that may wait; the loop never does. It knows no screen.

use super::message::Message;
use super::queue;
use crate::attach::Server;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The handle on the background work.
#[derive(Debug)]
pub(crate) struct Tasks {
    server: Arc<Server>,
    outbox: mpsc::Sender<Message>,
}

impl Tasks {
    /// Tasks for this server; their answers go to `outbox`.
    pub fn new(server: &Server, outbox: mpsc::Sender<Message>) -> Self {
        Self {
            server: Arc::new(server.clone()),
            outbox,
        }
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
