//! The rarer wrappers, taken off one after another until a header with a tag of Postfix is in view.
//!
//! In: a line that the usual forms do not explain. Out: where its time, host and tag are, in the line or in
//! the buffer that holds what had to be decoded. None of this is on the path of a usual line.
//!
//! Of several stamps one inside the other, the innermost that tells its zone is taken: it is when Postfix
//! spoke. A traditional stamp inside another one has neither year nor zone and was written by a container's
//! clock, which is often in another zone than the log's reader: there the wrapper's time is taken.

use super::super::Stamp;
use super::super::clock::Clock;
use super::journal::Fields;
use super::nested::{Beneath, beneath};
use super::object::{self, Object};
use super::{Header, Zone, bsd, compose, journalctl, rfc3164, rfc3339, rfc5424, tag};
use std::mem;
use std::ops::Range;

/// Wrappers one inside the other: a container's line in a runtime's object in a journal's entry behind a
/// syslog header makes four.
const DEEPEST: usize = 6;

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A header.
    Found(Found),
    /// Something well-formed without a header of its own.
    Other,
    /// Nothing that is known.
    Nothing,
    /// A piece of an entry of several lines.
    Piece,
}

/// A header's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    buffer: Buffer,
    /// When.
    pub time: Stamp,
    host: Range<usize>,
    rest: Range<usize>,
    /// What stands behind it.
    pub kind: Kind,
}

/// What stands behind a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A tag of Postfix.
    Postfix,
    /// `last message repeated N times`.
    Repeated(u32),
    /// Another program's words.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buffer {
    Line,
    Decoded,
}

/// The buffers of what is decoded, and the fields of the entry being read.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    decoded: Vec<u8>,
    /// What is decoded out of `decoded`; the two change places.
    next: Vec<u8>,
    fields: Fields,
}

/// Where the text to look at is, and what is known of it.
struct At {
    buffer: Buffer,
    range: Range<usize>,
    /// The time and host length of a text that begins with its host.
    known: Option<(Stamp, usize)>,
    /// The time of the wrapper around it.
    outer: Option<Stamp>,
}

/// One wrapper taken off.
enum Step {
    Found(Found),
    /// A text inside; the header before it, should nothing be found there.
    Inside {
        range: Range<usize>,
        outer: Option<Stamp>,
        before: Option<Found>,
    },
    /// A line was decoded into the next buffer.
    Line(Option<Stamp>),
    /// `host name[pid]: message` was.
    Entry(Stamp, usize),
    Other,
    Nothing,
}

impl Layers {
    /// Takes the wrappers off a line; `header` is what the usual forms made of it.
    pub fn read(&mut self, line: &[u8], header: Option<Header<'_>>, clock: &mut Clock) -> Outcome {
        if let Some(header) = header {
            let zone = if header_tells_zone(line) {
                Zone::Told
            } else {
                Zone::Assumed
            };
            match behind(line, Buffer::Line, header, zone, None, clock) {
                Step::Inside {
                    range,
                    outer,
                    before,
                } => {
                    let at = At {
                        buffer: Buffer::Line,
                        range,
                        known: None,
                        outer,
                    };
                    return self.descend(
                        line,
                        at,
                        before.map_or(Outcome::Other, Outcome::Found),
                        clock,
                    );
                }
                Step::Found(found) => return Outcome::Found(found),
                _ => return Outcome::Other,
            }
        }
        let at = At {
            buffer: Buffer::Line,
            range: 0..line.len(),
            known: None,
            outer: None,
        };
        self.descend(line, at, Outcome::Nothing, clock)
    }

    /// The line of a journal's entry.
    pub fn entry(&mut self, fields: &Fields, clock: &mut Clock) -> Outcome {
        if !fields.has_message() {
            return Outcome::Other;
        }
        let Some(known) = fields.write(clock, &mut self.decoded) else {
            return Outcome::Nothing;
        };
        let range = 0..self.decoded.len();
        let at = At {
            buffer: Buffer::Decoded,
            range,
            known: Some(known),
            outer: None,
        };
        self.descend(&[], at, Outcome::Nothing, clock)
    }

    /// The line of an object that takes several lines.
    pub fn object(&mut self, text: &[u8], clock: &mut Clock) -> Outcome {
        self.decoded.clear();
        self.decoded.extend_from_slice(text);
        let range = 0..text.len();
        let at = At {
            buffer: Buffer::Decoded,
            range,
            known: None,
            outer: None,
        };
        self.descend(&[], at, Outcome::Nothing, clock)
    }

    /// The header that was found.
    pub fn header<'a>(&'a self, line: &'a [u8], found: &Found) -> Header<'a> {
        let text = match found.buffer {
            Buffer::Line => line,
            Buffer::Decoded => &self.decoded,
        };
        Header {
            time: found.time,
            host: &text[found.host.clone()],
            rest: &text[found.rest.clone()],
        }
    }

    fn descend(
        &mut self,
        line: &[u8],
        mut at: At,
        mut best: Outcome,
        clock: &mut Clock,
    ) -> Outcome {
        for _ in 0..DEEPEST {
            let text = match at.buffer {
                Buffer::Line => line,
                Buffer::Decoded => &self.decoded,
            };
            match step(text, &at, clock, &mut self.fields, &mut self.next) {
                Step::Found(found) => return Outcome::Found(found),
                Step::Inside {
                    range,
                    outer,
                    before,
                } => {
                    best = before.map_or_else(|| well_formed(best), Outcome::Found);
                    at = At {
                        buffer: at.buffer,
                        range,
                        known: None,
                        outer,
                    };
                }
                step @ (Step::Line(_) | Step::Entry(..)) => {
                    // What was found before lies in the buffer that is given up.
                    best = Outcome::Other;
                    mem::swap(&mut self.decoded, &mut self.next);
                    let (known, outer) = match step {
                        Step::Line(outer) => (None, outer.or(at.outer)),
                        Step::Entry(time, host) => (Some((time, host)), None),
                        _ => (None, None),
                    };
                    at = At {
                        buffer: Buffer::Decoded,
                        range: 0..self.decoded.len(),
                        known,
                        outer,
                    };
                }
                Step::Other => return well_formed(best),
                Step::Nothing => return best,
            }
        }
        best
    }
}

fn well_formed(best: Outcome) -> Outcome {
    if best == Outcome::Nothing {
        Outcome::Other
    } else {
        best
    }
}

/// Takes one wrapper off.
fn step(text: &[u8], at: &At, clock: &mut Clock, fields: &mut Fields, next: &mut Vec<u8>) -> Step {
    let line = &text[at.range.clone()];
    if let Some((time, host)) = at.known {
        let header = Header {
            time,
            host: &line[..host],
            rest: &line[host + 1..],
        };
        return behind(text, at.buffer, header, Zone::Told, None, clock);
    }
    let line = without_debris(line);
    match line {
        [] => return Step::Nothing,
        [b'{', ..] | [0x1e, b'{', ..] | [b'd', b'a', b't', b'a', b':', b' ', b'{', ..] => {
            let start = line.iter().position(|b| *b == b'{').unwrap_or(0);
            return match object::read(&line[start..], clock, fields, next) {
                Some(Object::Entry(time, host)) => Step::Entry(time, host),
                Some(Object::Line(time)) => Step::Line(time),
                Some(Object::Other) => Step::Other,
                None => Step::Nothing,
            };
        }
        _ => {}
    }
    if journalctl::is_remark(line) {
        return Step::Other;
    }
    let inner = super::without_priority(uncounted(line));
    if let Some((header, zone)) = header(inner, clock) {
        return behind(text, at.buffer, header, zone, at.outer, clock);
    }
    if let Some((time, host)) = rfc5424::read(inner, next) {
        return match time.or(at.outer) {
            Some(time) => Step::Entry(time, host),
            None => Step::Nothing,
        };
    }
    if let Some(inner) = compose::read(line) {
        return Step::Inside {
            range: place(text, inner),
            outer: at.outer,
            before: None,
        };
    }
    match at.outer {
        // A program that leaves the stamp to whoever runs it.
        Some(time) => {
            let header = Header {
                time,
                host: &line[..0],
                rest: line,
            };
            behind(text, at.buffer, header, Zone::Told, None, clock)
        }
        None => Step::Nothing,
    }
}

/// The header of a line, in the usual forms or the rarer ones.
fn header<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Header<'a>, Zone)> {
    if let Some(header) = super::read_rarely(line, clock) {
        let zone = if header_tells_zone(line) {
            Zone::Told
        } else {
            Zone::Assumed
        };
        return Some((header, zone));
    }
    let (time, zone, rest) = if let Some((time, rest)) = rfc3164::with_year(line, clock) {
        (time, Zone::Assumed, rest)
    } else if let Some((time, rest)) = rfc3339::truncated(line) {
        (time, Zone::Told, rest)
    } else if let Some((time, rest)) = rfc3339::zoneless(line, clock) {
        (time, Zone::Assumed, rest)
    } else if let Some((time, rest)) = journalctl::unix(line, clock) {
        (time, Zone::Told, rest)
    } else {
        journalctl::full(line, clock)?
    };
    Some((super::behind_stamp(time, rest)?, zone))
}

/// Whether the usual form that a line has tells its zone: it is RFC 3339's, which begins with the year.
fn header_tells_zone(line: &[u8]) -> bool {
    super::without_priority(line)
        .first()
        .is_some_and(u8::is_ascii_digit)
}

/// What stands behind a header that was read from `text`.
fn behind<'a>(
    text: &'a [u8],
    buffer: Buffer,
    mut header: Header<'a>,
    zone: Zone,
    outer: Option<Stamp>,
    clock: &mut Clock,
) -> Step {
    let time = match (zone, outer) {
        (Zone::Assumed, Some(outer)) => outer,
        _ => header.time,
    };
    let found = |header: &Header<'_>, kind| Found {
        buffer,
        time,
        host: place(text, header.host),
        rest: place(text, header.rest),
        kind,
    };
    // A header in brackets behind another one, and then one without a host.
    for _ in 0..3 {
        if tag::read(header.rest).is_some() {
            return Step::Found(found(&header, Kind::Postfix));
        }
        if let Some(times) = bsd::last_message_repeated(header.rest) {
            return Step::Found(found(&header, Kind::Repeated(times)));
        }
        let from_host = &text[place(text, header.host).start..place(text, header.rest).end];
        let before = Some(found(&header, Kind::Other));
        let (inner, outer) = match beneath(&header, from_host) {
            None => return Step::Found(found(&header, Kind::Other)),
            Some(Beneath::Header(further)) => {
                header = further;
                continue;
            }
            Some(Beneath::Line(inner)) => (inner, time),
            Some(Beneath::Contained(inner)) => (inner, object::local(time, clock)),
        };
        return Step::Inside {
            range: place(text, inner),
            outer: Some(outer),
            before,
        };
    }
    Step::Found(found(&header, Kind::Other))
}

/// Where a part of a text is.
fn place(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize)
        .saturating_sub(text.as_ptr() as usize)
        .min(text.len());
    start..(start + part.len()).min(text.len())
}

/// Drops what a crash leaves in front of a line, NUL bytes, and what some editors do, a byte order mark.
fn without_debris(line: &[u8]) -> &[u8] {
    let nuls = line.iter().take_while(|b| **b == 0).count();
    let line = &line[nuls..];
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Drops the length in front of a line on a stream (RFC 6587 section 3.4.1).
fn uncounted(line: &[u8]) -> &[u8] {
    match super::super::text::number(line) {
        Some((_, [b' ', rest @ ..])) if rest.first() == Some(&b'<') => rest,
        _ => line,
    }
}
