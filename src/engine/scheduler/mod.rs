//! The queue manager: which message is tried when, and how many at a time.
//!
//! In: new mail in the spool, the clock, and what deliveries report. Out: jobs for `delivery`, moves between
//! queues, and qmgr(8)'s log lines. One task owns all of its state ([`manager`]); everybody else sends it
//! commands. Reading and writing files happens on blocking threads, on messages that the task has set aside
//! for it, so no two threads ever touch one message.

mod acts;
mod destination;
mod finish;
mod manager;
mod plan;

use super::Site;
use super::spool::Spool;
use crate::control::{ActResult, Guard, Outcome};
use crate::queue::Action;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Commands that wait to be read; senders wait when it is full.
const COMMANDS: usize = 64;

/// A handle on the running queue manager; cheap to clone.
#[derive(Clone)]
pub struct Scheduler {
    commands: mpsc::Sender<Command>,
    counts: Arc<Counts>,
}

/// Numbers for `status`; written by the queue manager alone.
#[derive(Debug, Default)]
pub struct Counts {
    /// Deliveries under way.
    pub deliveries: AtomicU64,
    /// Recipients delivered since the start.
    pub delivered: AtomicU64,
}

enum Command {
    Act {
        action: Action,
        guards: Vec<Guard>,
        reply: oneshot::Sender<Vec<ActResult>>,
    },
    Flush {
        ids: Vec<String>,
        reply: oneshot::Sender<Vec<ActResult>>,
    },
    /// Look at incoming/ and at what is due, as after a trigger on `public/qmgr`.
    Look,
    Reload(Box<Site>),
    Stop(oneshot::Sender<()>),
}

impl Scheduler {
    /// Starts the queue manager. Everything that lies in incoming/ is new to it.
    pub fn start(site: Site, spool: Spool) -> (Self, JoinHandle<()>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let counts = Arc::new(Counts::default());
        let manager = manager::Manager::new(site, spool, Arc::clone(&counts));
        let task = tokio::spawn(manager.run(receiver));
        (Self { commands, counts }, task)
    }

    /// Hold, release, requeue or delete. A message that is being delivered is changed when this attempt ends.
    pub async fn act(&self, action: Action, guards: Vec<Guard>) -> Vec<ActResult> {
        let ids: Vec<String> = guards.iter().map(|guard| guard.id.clone()).collect();
        let make = |reply| Command::Act {
            action,
            guards,
            reply,
        };
        self.ask(make).await.unwrap_or_else(|| stopped(&ids))
    }

    /// Tries deferred mail now: these messages, or everything when `ids` is empty.
    pub async fn flush(&self, ids: Vec<String>) -> Vec<ActResult> {
        let asked = ids.clone();
        self.ask(|reply| Command::Flush { ids, reply })
            .await
            .unwrap_or_else(|| stopped(&asked))
    }

    /// Looks for new and due mail now.
    pub async fn look(&self) {
        let _ = self.commands.send(Command::Look).await;
    }

    /// Uses other parameters for what begins from now on.
    pub async fn reload(&self, site: Site) {
        let _ = self.commands.send(Command::Reload(Box::new(site))).await;
    }

    /// Starts nothing more and returns when what is under way has ended.
    pub async fn stop(&self) {
        let _ = self.ask(Command::Stop).await;
    }

    /// Numbers for `status`.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(make(reply)).await.ok()?;
        answer.await.ok()
    }
}

fn stopped(ids: &[String]) -> Vec<ActResult> {
    ids.iter()
        .map(|id| result(id, Outcome::Refused, Some("the engine is stopping")))
        .collect()
}

/// One message's result.
fn result(id: &str, outcome: Outcome, detail: Option<&str>) -> ActResult {
    ActResult {
        id: id.to_owned(),
        outcome,
        detail: detail.map(str::to_owned),
    }
}
