//! Tracing: what became of the messages that a queue id, an address, a message-id, an IP address or a
//! regular expression names.
//!
//! In: logs and a [`Question`]. Out: an [`Answer`], printed by [`text`] or [`json`]. A first pass over raw
//! bytes ([`sweep`]) finds the queue ids; then the lines of these messages, and of those that belong to them, are
//! searched outwards from there until each has its beginning and its end ([`hunt`]); from the lines, the
//! [`crate::logparse::life`] of each message is put together and the messages are joined ([`story`]). It knows no
//! terminal.

mod hunt;
pub mod json;
mod logs;
mod story;
mod sweep;
pub mod term;
pub mod text;
mod words;

pub use story::{Answer, Chain, Refusal, Refused};
pub use term::{Needle, NoSuchTerm, Side, Term};

use crate::logparse::Record;
use crate::logparse::source::{Input, SourceError};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is traced.
    pub term: Term,
    /// Only lines of this instance (`syslog_name`) name messages.
    pub instance: Option<Vec<u8>>,
    /// Only lines not before this point in time do, microseconds since the epoch.
    pub since: Option<i64>,
    /// Only lines before this point in time do, microseconds since the epoch.
    pub until: Option<i64>,
    /// How many messages are told, the newest.
    pub limit: usize,
}

impl Question {
    /// Whether a line is one of those meant.
    fn asks(&self, record: &Record<'_>, line: &[u8]) -> bool {
        let time = record.time.micros;
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && self
                .instance
                .as_ref()
                .is_none_or(|instance| instance == record.instance)
            && self.term.matches(record, line)
    }
}

/// Searches the logs, oldest first.
pub fn run(inputs: Vec<Input>, question: &Question) -> Result<Answer, SourceError> {
    let mut logs = logs::Logs::open(inputs)?;
    let mut swept = sweep::sweep(&mut logs, question)?;
    let found = hunt::hunt(&logs, question, &mut swept)?;
    Ok(story::tell(&logs, question, swept, found))
}
