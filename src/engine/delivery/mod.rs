//! Delivery: what is done with one message for the recipients of one destination.
//!
//! In: a [`Job`] from the scheduler. Out: for each recipient a log line in Postfix's words and its lasting
//! effect (marked done, an entry in the bounce or defer log), and a [`Report`] for the scheduler. One file an
//! agent; agents decide [`Outcome`]s and never touch the queue.

mod child;
mod discard;
mod error;
mod local;
pub mod maildir;
mod notes;
mod route;
mod smtp;
mod status;

pub use local::helper;
pub use notes::notes;
pub use route::{Route, route};
pub use status::{Delays, pretty};

use super::Site;
use super::maillog::Session;
use super::spool::{LogQueue, Message, Spool, SpoolError};
use crate::queue::format::envelope::EnvelopeRecipient;
use crate::queue::format::log::LogEntry;
use crate::queue::format::writer::mark_done;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// One message for one destination.
pub struct Job {
    /// Parameters, log and DNS in force when the job was made.
    pub site: Site,
    /// Where the message lies.
    pub spool: Spool,
    /// The message.
    pub message: Arc<Message>,
    /// master.cf's name of the transport.
    pub transport: String,
    /// What the transport is to make of it: a domain, `[host]:port`, or the text of error and discard.
    pub nexthop: String,
    /// Who.
    pub recipients: Vec<EnvelopeRecipient>,
    /// When the message entered the active queue: the second of the four delays starts there.
    pub entered: SystemTime,
    /// Recipients of the message that other jobs have, or had: when there are none, a message whose job
    /// succeeds is removed at once and need not be marked first.
    pub others: usize,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Done, done for bad, or again later.
    pub status: Status,
    /// RFC 3463 status.
    pub dsn: String,
    /// The text in parentheses.
    pub text: String,
    /// `local`, `none`, `host[ip]:port`.
    pub relay: String,
    /// What the remote server said, for the bounce's Diagnostic-Code.
    pub diagnostic: String,
    /// The remote server's name, for the bounce's Remote-MTA.
    pub remote_mta: String,
}

/// Postfix's words for the three ends of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Delivered.
    Sent,
    /// To be tried again.
    Deferred,
    /// Failed for good.
    Bounced,
}

impl Outcome {
    /// An outcome that no remote server had a part in.
    pub fn new(status: Status, dsn: &str, text: impl Into<String>, relay: &str) -> Self {
        Self {
            status,
            dsn: dsn.into(),
            text: text.into(),
            relay: relay.into(),
            diagnostic: String::new(),
            remote_mta: String::new(),
        }
    }
}

/// What an agent gives back: an outcome for each recipient, in their order.
pub struct Delivered {
    /// One a recipient.
    pub outcomes: Vec<Outcome>,
    /// The destination as a whole did not answer: DSN and text, for the scheduler's concurrency.
    pub site_failure: Option<(String, String)>,
    /// When the connection was being set up, and when the message was being sent.
    pub connecting: Instant,
    /// See `connecting`.
    pub sending: Instant,
}

impl Delivered {
    /// For agents that set up no connection.
    pub fn at_once(outcomes: Vec<Outcome>) -> Self {
        let now = Instant::now();
        Self {
            outcomes,
            site_failure: None,
            connecting: now,
            sending: now,
        }
    }
}

/// What the scheduler learns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Recipients delivered.
    pub sent: usize,
    /// Recipients to be tried again.
    pub deferred: usize,
    /// Recipients that failed for good.
    pub bounced: usize,
    /// The destination did not answer.
    pub site_failure: Option<(String, String)>,
}

/// Carries out a job: runs the transport's agent, then records what it did.
pub async fn deliver(job: Arc<Job>) -> Report {
    let started = (Instant::now(), SystemTime::now());
    let agent = agent_of(&job);
    let session = job.site.log.session(agent.service());
    let delivered = match agent {
        Agent::Smtp => smtp::deliver(&job, &session).await,
        Agent::Local => local::deliver(&job, &session).await,
        Agent::Error => error::deliver(&job),
        Agent::Discard => discard::deliver(&job),
        Agent::Missing => error::missing(&job),
    };
    let recording = Arc::clone(&job);
    let recorded =
        tokio::task::spawn_blocking(move || record(&recording, &session, &delivered, started))
            .await;
    recorded.unwrap_or_else(|_| Report {
        // The recording died: nothing is known to be lasting, so everything is tried again.
        deferred: job.recipients.len(),
        ..Report::default()
    })
}

/// Which agent serves a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    Smtp,
    Local,
    Error,
    Discard,
    Missing,
}

impl Agent {
    fn service(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Local => "local",
            // The queue manager says through error(8) that a transport is unavailable.
            Self::Error | Self::Missing => "error",
            Self::Discard => "discard",
        }
    }
}

/// The agent that serves a transport: master.cf names the program. `retry` is error(8) with a soft verdict and
/// always there; without a master.cf the transports have their usual names.
fn agent_of(job: &Job) -> Agent {
    let params = &job.site.params;
    let program = match params.transport(&job.transport) {
        Some(service) => service.program.as_str(),
        None if job.transport == "retry" => "error",
        None if params.services.is_empty() => job.transport.as_str(),
        None => "",
    };
    match program {
        "smtp" | "relay" => Agent::Smtp,
        "local" => Agent::Local,
        "error" | "retry" => Agent::Error,
        "discard" => Agent::Discard,
        _ => Agent::Missing,
    }
}

/// Makes the outcomes last and logs them.
fn record(
    job: &Job,
    session: &Session,
    delivered: &Delivered,
    started: (Instant, SystemTime),
) -> Report {
    let delays = Delays::new(job, delivered, started);
    let mut report = Report {
        site_failure: delivered.site_failure.clone(),
        ..Report::default()
    };
    for (recipient, outcome) in job.recipients.iter().zip(&delivered.outcomes) {
        let lasting = match outcome.status {
            Status::Sent => sent(job, recipient),
            Status::Deferred => log_entry(job, LogQueue::Defer, "delayed", recipient, outcome),
            Status::Bounced => log_entry(job, LogQueue::Bounce, "failed", recipient, outcome)
                .and_then(|()| mark(job, recipient)),
        };
        if let Err(error) = &lasting {
            session.warning(format_args!("{}: {error}", job.message.id));
        }
        // Delivered is delivered, marked or not; a bounce that could not be noted is tried again.
        let status = match (outcome.status, lasting) {
            (Status::Bounced, Err(_)) => Status::Deferred,
            (status, _) => status,
        };
        match status {
            Status::Sent => report.sent += 1,
            Status::Deferred => report.deferred += 1,
            Status::Bounced => report.bounced += 1,
        }
        status::log(
            session,
            &job.message.id,
            recipient,
            outcome,
            status,
            &delays,
        );
    }
    report
}

/// A message whose last recipients these are is removed in a moment: a mark would be lost work.
fn sent(job: &Job, recipient: &EnvelopeRecipient) -> Result<(), SpoolError> {
    if job.others == 0 && job.recipients.len() == 1 {
        return Ok(());
    }
    mark(job, recipient)
}

/// Marks the recipient done in the queue file, durably: after a crash it is not delivered twice.
fn mark(job: &Job, recipient: &EnvelopeRecipient) -> Result<(), SpoolError> {
    let write = || {
        mark_done(&job.message.file, recipient.offset)?;
        job.message.file.sync_data()
    };
    write().map_err(|source| SpoolError {
        path: job
            .spool
            .path(crate::queue::QueueName::Active, &job.message.id),
        source,
    })
}

fn log_entry(
    job: &Job,
    queue: LogQueue,
    action: &str,
    recipient: &EnvelopeRecipient,
    outcome: &Outcome,
) -> Result<(), SpoolError> {
    let pair = |kind: &str, value: &str| match value {
        "" => (String::new(), String::new()),
        value => (kind.to_owned(), value.to_owned()),
    };
    let entry = LogEntry {
        status: outcome.dsn.clone(),
        action: action.into(),
        diagnostic: pair("smtp", &outcome.diagnostic),
        remote_mta: pair("dns", &outcome.remote_mta),
        reason: outcome.text.clone(),
        ..LogEntry::for_recipient(recipient)
    };
    job.spool.append_log(queue, &job.message.id, &entry)
}
