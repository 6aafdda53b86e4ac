//! What the log's task knows: every aggregate, fed line by line, and the answers made from them.

use super::{Figures, Found, Life, Reading, RejectAnswer, RejectQuery};
use crate::logparse::Line;
use crate::logparse::event::Event;

/// The aggregates.
#[derive(Debug, Default)]
pub(super) struct Model {
    reading: Reading,
    offset: i32,
}

impl Model {
    /// Counts a line.
    pub fn line(&mut self, _raw: &[u8], line: &Line<'_>) {
        self.reading.lines += 1;
        let Line::Postfix(record) = line else {
            return;
        };
        let time = record.time.seconds();
        self.offset = record.time.offset;
        let (from, to) = self.reading.span.unwrap_or((time, time));
        self.reading.span = Some((from.min(time), to.max(time)));
        if matches!(record.event, Event::Unparsed(_)) {
            self.reading.unparsed += 1;
        }
    }

    /// The overview's figures.
    pub fn figures(&self) -> Figures {
        Figures {
            offset: self.offset,
            reading: self.reading.clone(),
            ..Figures::default()
        }
    }

    /// Messages that match.
    pub fn find(&self, ticket: u64, _text: &str) -> Found {
        Found {
            ticket,
            ..Found::default()
        }
    }

    /// The life of a message.
    pub fn life(&self, queue_id: &str) -> Life {
        Life {
            queue_id: queue_id.to_owned(),
            ..Life::default()
        }
    }

    /// Rejects, counted.
    pub fn rejects(&self, ticket: u64, _query: &RejectQuery) -> RejectAnswer {
        RejectAnswer {
            ticket,
            ..RejectAnswer::default()
        }
    }
}
