//! A message's life as ordered steps.

use super::super::Stamp;
use super::super::event::{Delays, Status};
use super::message::{Attempt, Life, Outcome, Recipient};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When.
    pub time: Stamp,
    /// In one word: `client`, `queue active`, `sent`, ...
    pub what: &'static str,
    /// What it amounts to, where it does.
    pub outcome: Option<Outcome>,
    /// The rest, hostile.
    pub detail: String,
    /// The four parts of the delay, where it was a delivery.
    pub delays: Option<Delays>,
}

impl Life {
    /// Everything that happened, in the order of the log.
    pub fn timeline(&self) -> Vec<Step> {
        let mut steps: Vec<(u32, Step)> = self
            .notes
            .iter()
            .map(|note| {
                let step = Step {
                    time: note.time,
                    what: note.what,
                    outcome: note.outcome,
                    detail: note.detail.to_string(),
                    delays: None,
                };
                (note.sequence, step)
            })
            .collect();
        for recipient in &self.recipients {
            steps.extend(
                recipient
                    .attempts
                    .iter()
                    .map(|attempt| (attempt.sequence, step(recipient, attempt))),
            );
        }
        steps.sort_by_key(|(sequence, _)| *sequence);
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

fn step(recipient: &Recipient, attempt: &Attempt) -> Step {
    let (what, outcome) = match attempt.status {
        Status::Sent => ("sent", Outcome::Sent),
        Status::Deferred => ("deferred", Outcome::Deferred),
        Status::Bounced => ("bounced", Outcome::Bounced),
        Status::SoftBounce => ("soft bounce", Outcome::Deferred),
        Status::Deliverable => ("deliverable", Outcome::Probe),
        Status::Undeliverable => ("undeliverable", Outcome::Probe),
        Status::Other => ("traced", Outcome::Probe),
    };
    let orig_to = recipient
        .orig_to
        .as_ref()
        .map(|orig_to| format!(", orig_to=<{orig_to}>"))
        .unwrap_or_default();
    let detail = format!(
        "to=<{}>{orig_to}, relay={}, dsn={} ({})",
        recipient.to, attempt.relay, attempt.dsn, attempt.reason
    );
    Step {
        time: attempt.time,
        what,
        outcome: Some(outcome),
        detail,
        delays: Some(attempt.delays),
    }
}
