//! qmgr(8): a message enters the active queue, expires, is skipped or leaves; and deliveries that the
//! queue manager itself defers or bounces.

use super::super::event::Event;
use super::super::text::{address, after, number, number32};
use super::delivery;
use super::put::{self, put};

/// Reads a line of the queue manager.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    match text {
        b"removed" => Some(Event::Removed { note: None }),
        b"skipped, still being delivered" => Some(Event::Skipped),
        [b'f', ..] => from(after(text, b"from=")?),
        [b't', ..] => delivery::read(text),
        _ => removed(text),
    }
}

/// `removed (canceled)`, `removed (discarded)` (3.11; cleanup writes it too).
pub fn removed(text: &[u8]) -> Option<Event<'_>> {
    let note = match after(text, b"removed")? {
        b"" => None,
        [b' ', b'(', note @ .., b')'] => Some(note),
        _ => return None,
    };
    Some(Event::Removed { note })
}

fn from(text: &[u8]) -> Option<Event<'_>> {
    let (from, rest) = address(text, &[b", size=", b", status="])?;
    if let Some(rest) = after(rest, b", size=") {
        let (size, rest) = number(rest)?;
        let (nrcpt, rest) = number32(after(rest, b", nrcpt=")?)?;
        return (rest == b" (queue active)").then_some(Event::QueueActive { from, size, nrcpt });
    }
    let forced = match after(rest, b", status=")? {
        b"expired, returned to sender" => false,
        b"force-expired, returned to sender" => true,
        _ => return None,
    };
    Some(Event::Expired { from, forced })
}

/// Writes a message's entry, expiry, omission or end.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::QueueActive { from, size, nrcpt } => {
            put::address(b"from=", from, out);
            put(out, &[b", size="]);
            put::number(*size, out);
            put(out, &[b", nrcpt="]);
            put::number(u64::from(*nrcpt), out);
            put(out, &[b" (queue active)"]);
        }
        Event::Expired { from, forced } => {
            let status: &[u8] = if *forced {
                b"force-expired"
            } else {
                b"expired"
            };
            put::address(b"from=", from, out);
            put(out, &[b", status=", status, b", returned to sender"]);
        }
        Event::Skipped => put(out, &[b"skipped, still being delivered"]),
        Event::Removed { note } => {
            put(out, &[b"removed"]);
            if let Some(note) = note {
                put(out, &[b" (", note, b")"]);
            }
        }
        _ => {}
    }
}
