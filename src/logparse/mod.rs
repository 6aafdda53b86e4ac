//! The log parser: where lines come from, the line header, the body of every Postfix daemon, the typed
//! [`event::Event`] and the life of one message.
//!
//! In: bytes. Out: [`Line`]s that borrow from them. It does no networking, draws nothing and never fails:
//! what it does not understand comes out as [`event::Event::Unparsed`] or [`Line::Other`], and is counted.

pub mod clock;
mod daemon;
pub mod event;
pub mod fields;
mod header;
pub mod json;
pub mod life;
pub mod normalise;
pub mod print;
mod raw;
pub mod seek;
pub mod source;
pub mod taxonomy;
mod text;

pub use clock::{Horizon, Reference, Zone};
pub use header::Header;
pub use header::queue_id::is_queue_id;
pub use raw::{LOOK_BACK, Raw};

use clock::Clock;
use event::{Event, Level};

/// One log line, understood as far as it can be.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every line is the large one, and boxing it would allocate a line"
)]
pub enum Line<'a> {
    /// A line of Postfix (any `syslog_name`).
    Postfix(Record<'a>),
    /// A well-formed line of another program (dovecot, kernel, amavis, ...), or a wrapper's own remark.
    Other,
    /// No header could be found: truncated, NUL bytes, binary.
    Garbage,
    /// Nothing on it.
    Empty,
    /// A piece of an entry that takes several lines (`journalctl -o export`): it counts nowhere, the entry
    /// itself comes with its last piece.
    Partial,
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
    /// Whether `NOQUEUE` stood where the id does.
    pub noqueue: bool,
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

/// Reads lines; one a source, because it keeps the source's clock. Cheap to make, free of allocation.
#[derive(Debug, Clone)]
pub struct Parser {
    clock: Clock,
}

impl Parser {
    /// A parser for a source whose time is known about.
    pub fn new(reference: Reference) -> Self {
        Self {
            clock: Clock::new(reference),
        }
    }

    /// Tells the parser of a live source what time it is (seconds since the epoch), so that the year of
    /// its stamps is right after a long silence.
    pub fn advance(&mut self, now: i64) {
        self.clock.advance(now);
    }

    /// Reads only the time, the host and the text behind them: for cutting a log by time.
    pub fn header<'a>(&mut self, raw: &'a [u8]) -> Option<Header<'a>> {
        header::read(without_end(raw), &mut self.clock)
    }

    /// Reads one line of which nothing more is known, with or without its end (`\n`, `\r\n`). A
    /// `last message repeated` needs [`Self::read`].
    pub fn line<'a>(&'a mut self, raw: &'a [u8]) -> Line<'a> {
        self.read(Raw::alone(raw))
    }

    /// Reads one line in its source.
    pub fn read<'a>(&'a mut self, raw: Raw<'a>) -> Line<'a> {
        let raw = without_end(raw.line);
        if raw.is_empty() {
            return Line::Empty;
        }
        let Some(header) = header::read(raw, &mut self.clock) else {
            return Line::Garbage;
        };
        let Some(tag) = header::tag::read(header.rest) else {
            return Line::Other;
        };
        let (repeat, text) = repeated(tag.text);
        let (level, body) = level(text);
        let (queue_id, noqueue, body) = match header::queue_id::split(body) {
            Some((id, body)) => (Some(id), false, body),
            None => match body.strip_prefix(b"NOQUEUE: ") {
                Some(body) => (None, true, body),
                None => (None, false, body),
            },
        };
        Line::Postfix(Record {
            time: header.time,
            host: header.host,
            instance: tag.instance,
            tag: tag.tag,
            service: tag.service,
            pid: tag.pid,
            level,
            queue_id,
            noqueue,
            event: daemon::read(tag.daemon, level, queue_id, body),
            text: tag.text,
            repeat,
        })
    }
}

/// Drops the line's end.
fn without_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}

/// `message repeated N times: [ TEXT]`, as rsyslog folds repetitions.
fn repeated(text: &[u8]) -> (u32, &[u8]) {
    let unfold = || {
        let (count, rest) = text::number32(text.strip_prefix(b"message repeated ")?)?;
        let inner = rest.strip_prefix(b" times: [ ")?;
        Some((count, inner.strip_suffix(b"]").unwrap_or(inner)))
    };
    unfold().unwrap_or((1, text))
}

/// The prefix that msg_syslog.c puts before everything but information.
fn level(text: &[u8]) -> (Level, &[u8]) {
    let (level, prefix): (_, &[u8]) = match text.first() {
        Some(b'w') => (Level::Warning, b"warning: "),
        Some(b'e') => (Level::Error, b"error: "),
        Some(b'f') => (Level::Fatal, b"fatal: "),
        Some(b'p') => (Level::Panic, b"panic: "),
        _ => return (Level::Info, text),
    };
    match text.strip_prefix(prefix) {
        Some(text) => (level, text),
        None => (Level::Info, text),
    }
}
