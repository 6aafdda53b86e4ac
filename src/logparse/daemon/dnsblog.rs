//! dnsblog(8): DNS block list answers for postscreen.

use super::super::event::Event;
use super::super::text::{after, cut};
use super::put::put;

/// Reads `addr A listed by domain D as R`; one line an answer.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let (address, rest) = cut(after(text, b"addr ")?, b" listed by domain ")?;
    let (domain, answer) = cut(rest, b" as ")?;
    Some(Event::Dnsblog {
        address,
        domain,
        answer,
    })
}

/// Writes an answer.
pub fn write(address: &[u8], domain: &[u8], answer: &[u8], out: &mut Vec<u8>) {
    put(
        out,
        &[
            b"addr ",
            address,
            b" listed by domain ",
            domain,
            b" as ",
            answer,
        ],
    );
}
