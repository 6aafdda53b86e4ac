//! A line inside a line: what stands behind a header whose tag is not Postfix's.
//!
//! A container runtime's lines (`docker logs -t`, the CRI's `TIME stdout F LINE`), a runtime that logs to
//! syslog (`docker[32360]: LINE`), and headers with something unusual between stamp and tag.

use super::super::text::{after, find};
use super::{Header, bsd, rfc3164, tag};

/// The tag of a program that passes lines on ends in this many bytes (a container's id takes 64).
const LONGEST_TAG: usize = 128;

/// What is found behind a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beneath<'a> {
    /// The header's end lies further on.
    Header(Header<'a>),
    /// A whole line, behind a stamp of a syslog daemon.
    Line(&'a [u8]),
    /// A whole line, behind the stamp of a container runtime.
    Contained(&'a [u8]),
}

/// Looks behind a header; `line` is the text that it was read from, from its host on.
pub fn beneath<'a>(header: &Header<'a>, from_host: &'a [u8]) -> Option<Beneath<'a>> {
    let Header { time, host, rest } = *header;
    if let Some((host, rest)) = bsd::behind_facility(host, rest) {
        return Some(Beneath::Header(Header { time, host, rest }));
    }
    if matches!(host, b"stdout" | b"stderr")
        && let [b'F' | b'P', b' ', text @ ..] = rest
    {
        return Some(Beneath::Contained(text));
    }
    if begins_line(from_host) {
        return Some(Beneath::Contained(from_host));
    }
    if let Some(rest) = bsd::behind_bare_facility(rest) {
        return Some(Beneath::Header(Header { time, host, rest }));
    }
    // No host at all.
    if tag::read(from_host).is_some() || bsd::last_message_repeated(from_host).is_some() {
        let (host, rest) = (&from_host[..0], from_host);
        return Some(Beneath::Header(Header { time, host, rest }));
    }
    let end = find(&rest[..rest.len().min(LONGEST_TAG)], b": ")?;
    let inner = rest[end + 2..].trim_ascii_start();
    begins_line(inner).then_some(Beneath::Line(inner))
}

/// Whether a text looks like the beginning of a line: a stamp, a priority or an object.
fn begins_line(text: &[u8]) -> bool {
    let digits = |n: usize| text.len() > n && text[..n].iter().all(u8::is_ascii_digit);
    match text.first() {
        Some(b'0'..=b'9') => digits(4) && matches!(text[4], b'-' | b' '),
        Some(b'A'..=b'Z') => {
            text.get(3) == Some(&b' ') && text.get(..3).and_then(rfc3164::month).is_some()
        }
        Some(b'<') => after(text, b"<").is_some_and(|t| t.first().is_some_and(u8::is_ascii_digit)),
        Some(b'{') => text.get(1) == Some(&b'"'),
        _ => false,
    }
}
