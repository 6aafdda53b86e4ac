//! What stands before a program's own words on a log line: the stamp, the host and the tag.
//!
//! In: a raw line. Out: a [`Header`] and the rest. One file per way that loggers wrap a line. [`read`] knows
//! the two usual ones, picks by the first byte and borrows; [`layers`] knows the others. It knows nothing of
//! what programs say.

mod bsd;
mod compose;
pub mod export;
pub mod journal;
mod journalctl;
mod json;
pub mod layers;
mod nested;
mod object;
pub mod queue_id;
mod rfc3164;
mod rfc3339;
mod rfc5424;
pub mod tag;

use super::Stamp;
use super::clock::Clock;
use memchr::memchr;

/// The time and place of a line, and its rest, which begins with the program's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// When.
    pub time: Stamp,
    /// The host that logged it.
    pub host: &'a [u8],
    /// The tag and the text.
    pub rest: &'a [u8],
}

/// Whether a stamp told its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Told,
    Assumed,
}

/// Reads the stamp and the host; `None` when there is neither form.
#[inline]
pub fn read<'a>(line: &'a [u8], clock: &mut Clock) -> Option<Header<'a>> {
    let line = without_priority(line);
    let (time, rest) = match line.first()? {
        b'0'..=b'9' => rfc3339::read(line)?,
        _ => rfc3164::read(line, clock)?,
    };
    behind_stamp(time, rest)
}

/// The same, where lines are few: the usual path has its own, which is compiled into it.
#[inline(never)]
pub fn read_rarely<'a>(line: &'a [u8], clock: &mut Clock) -> Option<Header<'a>> {
    read(line, clock)
}

/// The header of what follows a stamp.
#[inline]
fn behind_stamp(time: Stamp, rest: &[u8]) -> Option<Header<'_>> {
    let rest = rest.trim_ascii_start();
    let end = memchr(b' ', rest)?;
    Some(Header {
        time,
        host: &rest[..end],
        rest: &rest[end + 1..],
    })
}

/// Drops `<22>` as a raw syslog socket shows it (RFC 3164 section 4.1.1).
fn without_priority(line: &[u8]) -> &[u8] {
    match line {
        [b'<', rest @ ..] => match super::text::number(rest) {
            Some((0..=191, [b'>', rest @ ..])) => rest,
            _ => line,
        },
        _ => line,
    }
}

/// Two decimal digits.
fn two_digits(text: &[u8], at: usize) -> Option<u8> {
    let tens = text.get(at)?.wrapping_sub(b'0');
    let ones = text.get(at + 1)?.wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}
