//! The log parser: where lines come from, the line header, the body of every Postfix daemon, the typed
//! [`event::Event`] and the life of one message.
//!
//! In: bytes. Out: [`Line`]s that borrow from them. It does no networking, draws nothing and never fails:
//! what it does not understand comes out as [`event::Event::Unparsed`] or [`Line::Other`], and is counted.

pub mod event;
pub mod source;
pub mod taxonomy;

use event::{Event, Level};

/// One log line, understood as far as it can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// A line of Postfix (any `syslog_name`).
    Postfix(Record<'a>),
    /// A well-formed line of another program (dovecot, kernel, amavis, ...), or a wrapper's own remark.
    Other,
    /// No header could be found: truncated, NUL bytes, binary.
    Garbage,
    /// Nothing on it.
    Empty,
}

/// A Postfix line: who said it, when, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// When.
    pub time: Stamp,
    /// The host that logged it.
    pub host: &'a [u8],
    /// The first element of the tag, which is the instance's `syslog_name` (`postfix`, `postfix-out`).
    pub instance: &'a [u8],
    /// The whole tag before the process id (`postfix/submission/smtpd`).
    pub tag: &'a [u8],
    /// The last element of the tag (`smtpd`); equal to `instance` when the tag has one element.
    pub service: &'a [u8],
    /// The process id; 0 when the tag has none.
    pub pid: u32,
    /// `warning:`, `error:`, `fatal:`, `panic:` before the text.
    pub level: Level,
    /// The queue id, either form; `None` for NOQUEUE and for lines about no message.
    pub queue_id: Option<&'a [u8]>,
    /// What happened.
    pub event: Event<'a>,
    /// The text after the tag, whole.
    pub text: &'a [u8],
    /// How many times it happened (`message repeated N times`), usually 1.
    pub repeat: u32,
}

/// A point in time with the offset the log gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp {
    /// Microseconds since the epoch, UTC.
    pub micros: i64,
    /// Seconds east of UTC that the log's own clock showed (traditional stamps: the local zone's).
    pub offset: i32,
}

impl Stamp {
    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.micros.div_euclid(1_000_000)
    }
}
