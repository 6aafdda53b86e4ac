//! bounce(8): notifications, each a new message with an id of its own.

use super::super::event::{Event, Notification};
use super::super::header::queue_id::is_queue_id;
use super::super::text::{after, cut};

/// Reads a line of the bounce daemon.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if let Some(text) = after(text, b"sender notification failed to ")
        .or_else(|| after(text, b"postmaster notification failed to "))
    {
        return Some(Event::NotificationFailed { text });
    }
    let (what, new_id) = cut(text, b" notification: ")?;
    let kind = match what {
        b"sender non-delivery" => Notification::SenderNonDelivery,
        b"sender delivery status" => Notification::SenderDeliveryStatus,
        b"sender delay" => Notification::SenderDelay,
        b"postmaster non-delivery" => Notification::PostmasterNonDelivery,
        b"postmaster delay" => Notification::PostmasterDelay,
        _ => return None,
    };
    is_queue_id(new_id).then_some(Event::Notification { kind, new_id })
}
