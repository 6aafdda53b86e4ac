//! bounce(8): notifications, each a new message with an id of its own.

use super::super::event::{Event, FailedNotification, Notification, Role};
use super::super::header::queue_id::is_queue_id;
use super::super::text::{after, cut};
use super::put::{member, put};

/// The notifications by their words.
const KINDS: &[(&[u8], Notification)] = &[
    (b"sender non-delivery", Notification::SenderNonDelivery),
    (
        b"sender delivery status",
        Notification::SenderDeliveryStatus,
    ),
    (b"sender delay", Notification::SenderDelay),
    (
        b"postmaster non-delivery",
        Notification::PostmasterNonDelivery,
    ),
    (b"postmaster delay", Notification::PostmasterDelay),
];

/// Reads a line of the bounce daemon.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if let Some(failed) = failed(text) {
        return Some(Event::NotificationFailed(failed));
    }
    if text.starts_with(b"not sending trace/success notification for ") {
        return Some(Event::Info(text));
    }
    let (what, new_id) = cut(text, b" notification: ")?;
    let (_, kind) = KINDS.iter().find(|(words, _)| *words == what)?;
    is_queue_id(new_id).then_some(Event::Notification {
        kind: *kind,
        new_id,
    })
}

/// `sender notification failed to A[: why]`, `postmaster notification failed[: why]`: information or a
/// warning, as the version has it.
pub fn failed(text: &[u8]) -> Option<FailedNotification<'_>> {
    if let Some(rest) = after(text, b"sender notification failed to ") {
        // cleanup's words hold no colon; an address may.
        let (address, why) = match super::super::text::cut_last(rest, b": ") {
            Some((address, why)) => (address, Some(why)),
            None => (rest, None),
        };
        return Some(FailedNotification {
            role: Role::Sender,
            address: Some(address),
            why,
        });
    }
    let rest = after(text, b"postmaster notification failed")?;
    let why = match rest {
        b"" => None,
        _ => Some(after(rest, b": ")?),
    };
    Some(FailedNotification {
        role: Role::Postmaster,
        address: None,
        why,
    })
}

/// Writes a notification.
pub fn write(kind: Notification, new_id: &[u8], out: &mut Vec<u8>) {
    let words = KINDS
        .iter()
        .find(|(_, known)| *known == kind)
        .map_or(&b""[..], |(words, _)| words);
    put(out, &[words, b" notification: ", new_id]);
}

/// Writes a notification that failed.
pub fn write_failed(failed: &FailedNotification<'_>, out: &mut Vec<u8>) {
    put(
        out,
        &[failed.role.name().as_bytes(), b" notification failed"],
    );
    member(b" to ", failed.address, out);
    member(b": ", failed.why, out);
}
