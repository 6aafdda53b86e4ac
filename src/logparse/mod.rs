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
pub mod rotated;
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
use header::export::{Entry, Taken};
use header::layers::{Found, Kind, Layers, Outcome};
use header::tag::Tag;

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
    tags: header::tag::Tags,
    layers: Layers,
    /// The entry of several lines that is being read.
    entry: Option<Box<Entry>>,
    /// What stood before the block at hand.
    past: Vec<u8>,
    lost: u64,
}

impl Parser {
    /// A parser for a source whose time is known about.
    pub fn new(reference: Reference) -> Self {
        Self {
            clock: Clock::new(reference),
            tags: header::tag::Tags::default(),
            layers: Layers::default(),
            entry: None,
            past: Vec::new(),
            lost: 0,
        }
    }

    /// Tells the parser of a live source what time it is (seconds since the epoch), so that the year of
    /// its stamps is right after a long silence.
    pub fn advance(&mut self, now: i64) {
        self.clock.advance(now);
    }

    /// Tells the parser what stood before the lines that it will be given: for readers that begin inside a
    /// source, and after each block for those whose lines do not know what was before their block.
    pub fn remember(&mut self, past: &[u8]) {
        raw::remember(&mut self.past, past);
    }

    /// Reads only the time, the host and the text behind them: for cutting a log by time. `None` also for
    /// the pieces of an entry of several lines.
    pub fn header<'a>(&'a mut self, raw: &'a [u8]) -> Option<Header<'a>> {
        let line = without_end(raw);
        let header = header::read_rarely(line, &mut self.clock);
        if self.entry.is_none() && header.is_some_and(|h| header::tag::read(h.rest).is_some()) {
            return header;
        }
        match self.outcome(Raw::alone(raw), header) {
            Outcome::Found(found) => Some(self.layers.header(line, &found)),
            Outcome::Other | Outcome::Nothing | Outcome::Piece => None,
        }
    }

    /// Reads one line of which nothing more is known, with or without its end (`\n`, `\r\n`). A
    /// `last message repeated` needs [`Self::read`].
    #[inline]
    pub fn line<'a>(&'a mut self, raw: &'a [u8]) -> Line<'a> {
        self.read(Raw::alone(raw))
    }

    /// Reads one line in its source.
    #[inline]
    pub fn read<'a>(&'a mut self, raw: Raw<'a>) -> Line<'a> {
        let line = without_end(raw.line);
        if self.entry.is_some() {
            return self.rare(raw, None);
        }
        if line.is_empty() {
            return Line::Empty;
        }
        let header = header::read(line, &mut self.clock);
        if let Some(header) = header
            && let Some(tag) = self.tags.read(header.rest)
        {
            return postfix(&header, &tag);
        }
        self.rare(raw, header)
    }

    /// Ends the source: the entry that it broke off in, if it can be read; [`Line::Partial`] when there is
    /// none.
    pub fn finish(&mut self) -> Line<'_> {
        match self.entry.take() {
            None => Line::Partial,
            Some(entry) if entry.may_end() => {
                let outcome = self.layers.entry(&entry.fields, &mut self.clock);
                self.told(Raw::alone(&[]), outcome)
            }
            Some(_) => Line::Garbage,
        }
    }

    /// How many entries of several lines were broken off inside the source: they were given to nobody.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// A line in a rarer form.
    #[cold]
    #[inline(never)]
    fn rare<'a>(&'a mut self, raw: Raw<'a>, header: Option<Header<'a>>) -> Line<'a> {
        let outcome = self.outcome(raw, header);
        self.told(raw, outcome)
    }

    /// What a line comes to, by itself or as the piece of an entry.
    fn outcome(&mut self, raw: Raw<'_>, header: Option<Header<'_>>) -> Outcome {
        let line = without_end(raw.line);
        let Some(mut entry) = self.entry.take() else {
            if header.is_none() {
                self.entry = Entry::begin(line).map(Box::new);
                if self.entry.is_some() {
                    return Outcome::Piece;
                }
            }
            return self.layers.read(line, header, &mut self.clock);
        };
        match entry.take(raw) {
            Taken::Piece => {
                self.entry = Some(entry);
                Outcome::Piece
            }
            taken @ (Taken::Whole | Taken::Next) => {
                if taken == Taken::Next {
                    self.entry = Entry::begin(line).map(Box::new);
                }
                let clock = &mut self.clock;
                if entry.object.is_empty() {
                    self.layers.entry(&entry.fields, clock)
                } else {
                    self.layers.object(&entry.object, clock)
                }
            }
            Taken::Foreign => {
                self.lost += 1;
                let header = header::read_rarely(line, &mut self.clock);
                self.outcome(raw, header)
            }
            Taken::Damaged => Outcome::Nothing,
        }
    }

    /// The line that an outcome stands for.
    fn told<'a>(&'a mut self, raw: Raw<'a>, outcome: Outcome) -> Line<'a> {
        let found = match outcome {
            Outcome::Found(found) => found,
            Outcome::Other => return Line::Other,
            Outcome::Nothing => return Line::Garbage,
            Outcome::Piece => return Line::Partial,
        };
        if let Kind::Repeated(times) = found.kind {
            return self.repeated(raw, &found, times);
        }
        let header = self.layers.header(without_end(raw.line), &found);
        match header::tag::read(header.rest) {
            Some(tag) => postfix_rarely(&header, &tag),
            None => Line::Other,
        }
    }

    /// The former line of the same host once more, at the time of the line that says so.
    fn repeated<'a>(&'a mut self, raw: Raw<'a>, found: &Found, times: u32) -> Line<'a> {
        let Self {
            clock,
            layers,
            past,
            ..
        } = self;
        let host = layers.header(without_end(raw.line), found).host.to_vec();
        // The clock stays where it is: the lines are not read for the first time.
        let mut clock = clock.clone();
        for line in raw::backwards(raw.before, past) {
            let line = without_end(line);
            let header = header::read_rarely(line, &mut clock);
            let Outcome::Found(former) = layers.read(line, header, &mut clock) else {
                if line.is_empty() {
                    continue;
                }
                break;
            };
            let same = layers.header(line, &former).host == host || host.is_empty();
            match former.kind {
                // That one is about the same line.
                Kind::Repeated(_) => {}
                _ if !same => {}
                Kind::Other => break,
                Kind::Postfix => {
                    let header = Header {
                        time: found.time,
                        ..layers.header(line, &former)
                    };
                    let mut line = header::tag::read(header.rest)
                        .map_or(Line::Other, |tag| postfix_rarely(&header, &tag));
                    if let Line::Postfix(record) = &mut line {
                        record.repeat = times;
                    }
                    return line;
                }
            }
        }
        Line::Other
    }
}

/// What a line with a tag of Postfix says.
#[allow(
    clippy::inline_always,
    reason = "a record is large: inlined, the event is made where it is wanted instead of being copied there"
)]
#[inline(always)]
fn postfix<'a>(header: &Header<'a>, tag: &Tag<'a>) -> Line<'a> {
    let (repeat, text) = folded(tag.text);
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

/// The same, for lines in rarer forms.
#[inline(never)]
fn postfix_rarely<'a>(header: &Header<'a>, tag: &Tag<'a>) -> Line<'a> {
    postfix(header, tag)
}

/// Drops the line's end.
fn without_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}

/// `message repeated N times: [ TEXT]`, as rsyslog folds repetitions, and Solaris' `[ID 197553 mail.info] `.
#[inline]
fn folded(text: &[u8]) -> (u32, &[u8]) {
    match text.first() {
        Some(b'm') => unfolded(text).unwrap_or((1, text)),
        Some(b'[') => (1, without_message_id(text).unwrap_or(text)),
        _ => (1, text),
    }
}

fn unfolded(text: &[u8]) -> Option<(u32, &[u8])> {
    let (count, rest) = text::number32(text.strip_prefix(b"message repeated ")?)?;
    let inner = rest.strip_prefix(b" times: [")?;
    let inner = inner.strip_prefix(b" ").unwrap_or(inner);
    (count > 0).then_some((count, inner.strip_suffix(b"]").unwrap_or(inner)))
}

fn without_message_id(text: &[u8]) -> Option<&[u8]> {
    let (_, rest) = text::number32(text.strip_prefix(b"[ID ")?)?;
    let end = memchr::memchr(b']', rest.get(..32.min(rest.len()))?)?;
    rest[end + 1..].strip_prefix(b" ")
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
