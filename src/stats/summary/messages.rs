//! A row a message: sender, size and what became of each recipient ([`super::Section::Messages`]).
//!
//! This is the one part of a summary that grows with the messages of the log; nobody pays for it who did
//! not ask for it.

use super::Summary;
use super::hosts::lower_domain;
use crate::logparse::Record;
use crate::logparse::event::{Event, Status};
use crate::stats::message::{Key, Renumber};

/// How a message was over for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// `status=sent`
    Delivered,
    /// `status=sent (forwarded as NEWID)`
    Forwarded,
    /// `status=bounced`
    Bounced,
}

/// What is known of one message. Recipients that are still deferred are not among them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageRow<'a> {
    /// The queue id.
    pub id: &'a [u8],
    /// The envelope sender, empty for the null sender; `None` when no line tells.
    pub sender: Option<&'a [u8]>,
    /// Bytes; 0 when no line tells.
    pub size: u64,
    /// Recipients, what became of the message there, and how often that was logged.
    pub recipients: Vec<(&'a [u8], Fate, u32)>,
}

/// The same while lines come in, with the numbers of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::stats) struct Noted {
    id: Box<[u8]>,
    sender: Option<u32>,
    size: u64,
    recipients: Vec<(u32, Fate, u32)>,
}

impl Noted {
    pub(in crate::stats) fn renumber(&mut self, rows: &Renumber) {
        self.sender = self.sender.map(|sender| rows.sender(sender));
        for recipient in &mut self.recipients {
            recipient.0 = rows.recipient(recipient.0);
        }
    }

    /// Adds what a later part of the log knows of the same message.
    pub(super) fn join(&mut self, later: Self) {
        self.sender = self.sender.or(later.sender);
        self.size = self.size.max(later.size);
        self.recipients.extend(later.recipients);
    }
}

impl Summary {
    /// Notes what a record says of a message, once the message is known.
    pub(super) fn note(&mut self, record: &Record<'_>, key: Key) {
        match &record.event {
            Event::QueueActive { from, size, .. } => {
                let sender = self.senders.number(&lower_domain(from));
                let noted = self.noted(record, key);
                noted.sender = Some(sender);
                noted.size = *size;
            }
            Event::Delivery(delivery) => {
                let fate = match delivery.status {
                    Status::Sent if delivery.is_forward() => Fate::Forwarded,
                    Status::Sent => Fate::Delivered,
                    Status::Bounced => Fate::Bounced,
                    _ => return,
                };
                let recipient = self.recipients.number(&lower_domain(delivery.to));
                let noted = self.noted(record, key);
                noted.recipients.push((recipient, fate, record.repeat));
            }
            _ => {}
        }
    }

    fn noted(&mut self, record: &Record<'_>, key: Key) -> &mut Noted {
        let id = record.queue_id.unwrap_or_default();
        self.messages.of(key).noted.get_or_insert_with(|| {
            Box::new(Noted {
                id: id.into(),
                ..Noted::default()
            })
        })
    }

    /// Every message that a line of the queue manager or a final delivery was seen of; those that are over
    /// come first.
    pub fn messages(&self) -> impl Iterator<Item = MessageRow<'_>> {
        let open = self.messages.open.values();
        let open = open.filter_map(|(message, _)| message.noted.as_deref());
        let over = self.messages.over.iter();
        over.chain(open).map(|noted| MessageRow {
            id: &noted.id,
            sender: noted.sender.map(|sender| self.senders.name(sender)),
            size: noted.size,
            recipients: noted
                .recipients
                .iter()
                .map(|(recipient, fate, times)| (self.recipients.name(*recipient), *fate, *times))
                .collect(),
        })
    }
}
