//! pickup(8): a message submitted on the host itself, or requeued by postsuper.

use super::super::event::Event;
use super::super::text::{address, after, number};
use super::put::{self, member, put};

/// Reads `uid=N from=<F>[ orig_id=OLD]`.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let (uid, rest) = number(after(text, b"uid=")?)?;
    let (from, rest) = address(after(rest, b" from=")?, &[b"", b" orig_id="])?;
    let orig_id = match rest {
        b"" => None,
        _ => Some(after(rest, b" orig_id=")?),
    };
    Some(Event::Pickup { uid, from, orig_id })
}

/// Writes a submission.
pub fn write(uid: u64, from: &[u8], orig_id: Option<&[u8]>, out: &mut Vec<u8>) {
    put(out, &[b"uid="]);
    put::number(uid, out);
    put::address(b" from=", from, out);
    member(b" orig_id=", orig_id, out);
}
