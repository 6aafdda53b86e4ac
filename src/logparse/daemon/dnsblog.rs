//! dnsblog(8): DNS block list answers for postscreen.

use super::super::event::Event;
use super::super::text::{after, cut};

/// Reads `addr A listed by domain D as R`; one line an answer.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let (address, rest) = cut(after(text, b"addr ")?, b" listed by domain ")?;
    let (domain, answer) = cut(rest, b" as ").unwrap_or((rest, b""));
    Some(Event::Dnsblog {
        address,
        domain,
        answer,
    })
}
