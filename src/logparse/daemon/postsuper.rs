//! postsuper(1): what an administrator did to queued mail.

use super::super::event::{Event, QueueAct};
use super::super::text::{cut, number};
use super::put::{self, put};

/// What is done to one message, by its words.
const ACTS: &[(&[u8], QueueAct)] = &[
    (b"removed", QueueAct::Removed),
    (b"requeued", QueueAct::Requeued),
    (b"placed on hold", QueueAct::Hold),
    (b"released from hold", QueueAct::Released),
    (b"expired", QueueAct::Expired),
];

/// Reads a line about one message, or a count.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    match ACTS.iter().find(|(words, _)| *words == text) {
        Some((_, act)) => Some(Event::Postsuper(*act)),
        None => summary(text),
    }
}

/// `Deleted: 3 messages`, `Renamed to match inode number: 2 messages`.
fn summary(text: &[u8]) -> Option<Event<'_>> {
    let (act, rest) = cut(text, b": ")?;
    let (count, rest) = number(rest)?;
    (rest == words(count)).then_some(Event::PostsuperSummary { act, count })
}

/// ` message` or ` messages`.
fn words(count: u64) -> &'static [u8] {
    if count == 1 {
        b" message"
    } else {
        b" messages"
    }
}

/// Writes an act or a count.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Postsuper(act) => {
            let words = ACTS
                .iter()
                .find(|(_, known)| known == act)
                .map_or(&b""[..], |(words, _)| words);
            put(out, &[words]);
        }
        Event::PostsuperSummary { act, count } => {
            put(out, &[act, b": "]);
            put::number(*count, out);
            put(out, &[words(*count)]);
        }
        _ => {}
    }
}
