//! pickup(8): a message submitted on the host itself, or requeued by postsuper.

use super::super::event::Event;
use super::super::text::{address, after, number};

/// Reads `uid=N from=<F>[ orig_id=OLD]`.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let (uid, rest) = number(after(text, b"uid=")?)?;
    let (from, rest) = address(after(rest, b" from=")?, &[b"", b" orig_id="])?;
    Some(Event::Pickup {
        uid,
        from,
        orig_id: after(rest, b" orig_id="),
    })
}
