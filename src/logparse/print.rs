//! An event as Postfix would log it: the other direction of the parser.
//!
//! In: an event and who says it. Out: the text behind the tag. Each daemon's file writes what it reads. What
//! was read from a real Postfix comes out the same, byte by byte; three things come out as Postfix writes
//! them today although they were read otherwise: addresses without brackets (before 2.3), a line that was
//! cut (the closing bracket is put back), and a SASL failure whose empty reason lost its blank on the way.

use super::Record;
use super::daemon::{self, Daemon};
use super::event::{Event, Level};

/// What a text is about, at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// No message.
    Nothing,
    /// `NOQUEUE: `: a session that has no message yet.
    NoQueue,
    /// `ID: `
    Message(&'a [u8]),
}

impl Level {
    /// The prefix as msg_syslog.c writes it.
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Info => b"",
            Self::Warning => b"warning: ",
            Self::Error => b"error: ",
            Self::Fatal => b"fatal: ",
            Self::Panic => b"panic: ",
        }
    }
}

/// Appends what `service` (the last element of a tag) logs for this event, without tag and line end;
/// nothing when Postfix has no such program.
pub fn text(service: &[u8], level: Level, about: About<'_>, event: &Event<'_>, out: &mut Vec<u8>) {
    let Some(daemon) = Daemon::named(service) else {
        return;
    };
    out.extend_from_slice(level.prefix());
    match about {
        About::Nothing => {}
        About::NoQueue => out.extend_from_slice(b"NOQUEUE: "),
        About::Message(id) => {
            out.extend_from_slice(id);
            out.extend_from_slice(b": ");
        }
    }
    daemon::write(daemon, event, out);
}

impl Record<'_> {
    /// What the record is about.
    pub fn about(&self) -> About<'_> {
        match self.queue_id {
            Some(id) => About::Message(id),
            None if self.noqueue => About::NoQueue,
            None => About::Nothing,
        }
    }

    /// Appends the text behind the tag as Postfix wrote it, once, however often it was repeated.
    pub fn print(&self, out: &mut Vec<u8>) {
        // A tag of one element is the control commands' (see header::tag).
        let service: &[u8] = if self.tag.len() == self.service.len() {
            b"postfix"
        } else {
            self.service
        };
        text(service, self.level, self.about(), &self.event, out);
    }
}
