//! Messages: found by any text, and told step by step.

use super::{Found, Life, MessageRow, Step, Tone};
use crate::logparse::Record;
use crate::logparse::event::Delays;
use crate::logparse::life::{self, Messages, Outcome, Query};

/// Messages kept; the oldest finished ones go first. About a kilobyte each.
const KEPT: usize = 4_000;
/// Rows of an answer.
const ROWS: usize = 2_000;

/// The messages known.
#[derive(Debug)]
pub(super) struct Stories {
    messages: Messages,
}

impl Default for Stories {
    fn default() -> Self {
        Self {
            messages: Messages::new(KEPT),
        }
    }
}

impl Stories {
    /// Takes a record in.
    pub fn observe(&mut self, record: &Record<'_>) {
        self.messages.observe(record);
    }

    /// Puts the messages of an older stretch of the log before these.
    pub fn prepend(&mut self, older: Self) {
        self.messages.prepend(older.messages);
    }

    /// Messages that match, newest first.
    pub fn find(&self, ticket: u64, text: &str) -> Found {
        let query = Query::new(text);
        let mut total = 0;
        let mut rows = Vec::new();
        for life in self.messages.find(&query) {
            total += 1;
            if rows.len() < ROWS {
                rows.push(row(life));
            }
        }
        Found {
            ticket,
            rows,
            total,
            known: self.messages.len(),
        }
    }

    /// The life of the newest message with this queue id.
    pub fn life(&self, queue_id: &str) -> Life {
        let Some(life) = self.messages.by_id(queue_id) else {
            return Life {
                queue_id: queue_id.to_owned(),
                ..Life::default()
            };
        };
        Life {
            queue_id: queue_id.to_owned(),
            row: Some(row(life)),
            message_id: life.message_id.as_deref().unwrap_or_default().to_owned(),
            steps: life.timeline().into_iter().map(step).collect(),
            links: life
                .links
                .iter()
                .map(|link| (link.relation.name().to_owned(), link.id.to_string()))
                .collect(),
            lines: Vec::new(),
        }
    }
}

fn row(life: &life::Life) -> MessageRow {
    let outcome = life.outcome();
    MessageRow {
        queue_id: life.id.to_string(),
        time: life.first.seconds(),
        sender: life.from.as_deref().unwrap_or_default().to_owned(),
        recipient: life
            .recipients
            .first()
            .map(|r| r.to.to_string())
            .unwrap_or_default(),
        recipients: life.recipients.len()
            + usize::try_from(life.more_recipients).unwrap_or(usize::MAX),
        client: life.client_ip().unwrap_or_default().to_owned(),
        size: life.size.unwrap_or(0),
        tone: tone(outcome),
        status: outcome.name().to_owned(),
    }
}

fn step(step: life::Step) -> Step {
    let seconds = |hundredths: u64| hundredths as f64 / 100.0;
    Step {
        time: step.time.micros as f64 / 1e6,
        tone: step.outcome.map_or(Tone::Plain, tone),
        what: step.what.to_owned(),
        detail: step.detail,
        delays: step.delays.map(
            |Delays {
                 before_qmgr,
                 in_qmgr,
                 conn_setup,
                 transmission,
             }| [before_qmgr, in_qmgr, conn_setup, transmission].map(seconds),
        ),
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Sent => Tone::Sent,
        Outcome::Deferred => Tone::Deferred,
        Outcome::Bounced | Outcome::Expired => Tone::Bounced,
        Outcome::Rejected => Tone::Rejected,
        Outcome::Held | Outcome::Discarded | Outcome::Deleted | Outcome::Requeued => Tone::Noted,
        Outcome::Incoming | Outcome::Active | Outcome::Probe => Tone::Plain,
    }
}
