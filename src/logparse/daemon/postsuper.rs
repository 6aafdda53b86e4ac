//! postsuper(1): what an administrator did to queued mail.

use super::super::event::{Event, QueueAct};
use super::super::text::{cut, number};

/// Reads a line about one message, or a count.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let act = match text {
        b"removed" => QueueAct::Removed,
        b"requeued" => QueueAct::Requeued,
        b"placed on hold" => QueueAct::Hold,
        b"released from hold" => QueueAct::Released,
        b"expired" => QueueAct::Expired,
        _ => return summary(text),
    };
    Some(Event::Postsuper(act))
}

/// `Deleted: 3 messages`, `Renamed to match inode number: 2 messages`.
fn summary(text: &[u8]) -> Option<Event<'_>> {
    let (act, rest) = cut(text, b": ")?;
    let (count, rest) = number(rest)?;
    matches!(rest, b" message" | b" messages").then_some(Event::PostsuperSummary { act, count })
}
