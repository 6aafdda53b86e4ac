//! What is known of one message while its lines come in.
//!
//! A message is a queue id of one instance on one host, until `removed` or until the id begins anew: short
//! ids are used again. Lines may be split between two summaries that are merged later, so each fact is
//! kept in a form that two halves can be joined from.

use super::summary::messages::Noted;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::{Hash, Hasher as _};
use std::num::NonZeroU32;

/// Identifies a message among those alive: queue id, instance and host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    low: u64,
    high: u64,
    /// A hash of host and instance, and of what an id has beyond 16 bytes.
    rest: u64,
}

impl Key {
    /// The key of an id logged by a host's instance (see [`origin`]).
    pub(super) fn new(origin: u32, id: &[u8]) -> Self {
        let rest = u64::from(origin) << 32 | id.len() as u64;
        // Nearly all ids have 10 to 16 bytes: two loads.
        if let (8..=16, Some(first), Some(last)) =
            (id.len(), id.first_chunk::<8>(), id.last_chunk::<8>())
        {
            let beyond = u64::from_le_bytes(*last);
            let known = 8 * (16 - id.len());
            return Self {
                low: u64::from_le_bytes(*first),
                // What of it the first word has already goes, and zeros come behind.
                high: if known < 64 { beyond >> known } else { 0 },
                rest,
            };
        }
        let (first, tail) = id.split_at(id.len().min(16));
        let (low, high) = first.split_at(first.len().min(8));
        Self {
            low: word(low),
            high: word(high),
            rest: if tail.is_empty() {
                rest
            } else {
                rest ^ hash(tail)
            },
        }
    }

    /// 64 bits of the key: two of a million ids have the same once in thirty million logs.
    pub(super) fn short(self) -> u64 {
        let mut hasher = FxHasher::default();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The id alone, whichever instance logged it.
    pub(super) fn id(self) -> (u64, u64) {
        (self.low, self.high)
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// A hash of some bytes, the same in every summary of one run.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// A number for a host's instance, the same in every summary of one run.
pub(super) fn origin(host: &[u8], instance: &[u8]) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(host);
    hasher.write_u8(0);
    hasher.write(instance);
    // The upper half: FxHash mixes upwards.
    (hasher.finish() >> 32) as u32
}

/// How a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Source {
    /// No line says: a bounce, a forward, a probe, or it came before the log began.
    #[default]
    Unknown,
    /// `client=` or pickup's `uid=`; the number of the client's row.
    Client(u32),
    /// The same from a loopback address: perhaps a content filter brings it back. Client and listener.
    Loopback(u32, u32),
    /// `orig_queue_id=` or `orig_client=`: a content filter brought it back.
    Reinjected,
}

/// The first `queue active` line, while the source is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Active {
    /// Row of the hour.
    pub hour: u32,
    /// Row of the sender.
    pub sender: u32,
    /// `size=`
    pub size: u64,
    /// `nrcpt=`
    pub recipients: u32,
}

/// A delivery that waits for the message's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsized {
    /// Row of the hour.
    pub hour: u32,
    /// Row of the recipient.
    pub recipient: u32,
    /// `message repeated N times`
    pub times: u32,
}

/// What is known of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Message {
    pub source: Source,
    /// The row of the user who authenticated, plus one.
    pub user: Option<NonZeroU32>,
    /// Whether a `queue active` line was seen or is known of.
    pub active: bool,
    /// The first `queue active` line, when no source was known then.
    pub unresolved: Option<Active>,
    /// `size=`
    pub size: Option<u64>,
    /// Whether it was counted as deferred.
    pub deferred: bool,
    /// Hash of the message-id.
    pub message_id: Option<u64>,
    /// Whether a content filter took it before its message-id was known.
    pub filtered: bool,
    /// Deliveries that wait for the size. Boxed, since hardly any message has some.
    #[allow(
        clippy::box_collection,
        reason = "8 bytes in each of many messages, not 24"
    )]
    pub unsized_: Option<Box<Vec<Unsized>>>,
    /// What a row a message needs, when it was asked for.
    pub noted: Option<Box<Noted>>,
}

/// How a message came in, and what it is known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    pub source: Source,
    /// The row of the user who authenticated.
    pub user: Option<u32>,
    /// Hash of the message-id.
    pub message_id: Option<u64>,
}

impl Message {
    /// What is known of how the message came in.
    pub(super) fn came(&self) -> Came {
        Came {
            source: self.source,
            user: self.user.map(|user| user.get() - 1),
            message_id: self.message_id,
        }
    }

    /// Moves every row number to where the row is after a merge.
    pub(super) fn renumber(&mut self, rows: &Renumber) {
        self.source = match self.source {
            Source::Client(client) => Source::Client(rows.client(client)),
            Source::Loopback(client, listener) => {
                Source::Loopback(rows.client(client), rows.listener(listener))
            }
            other => other,
        };
        self.user = self
            .user
            .and_then(|user| one_more(rows.user(user.get() - 1)));
        if let Some(active) = &mut self.unresolved {
            active.hour = rows.hour(active.hour);
            active.sender = rows.sender(active.sender);
        }
        if let Some(noted) = &mut self.noted {
            noted.renumber(rows);
        }
        for delivery in self.unsized_.iter_mut().flat_map(|list| list.iter_mut()) {
            delivery.hour = rows.hour(delivery.hour);
            delivery.recipient = rows.recipient(delivery.recipient);
        }
    }
}

/// A row's number plus one: 4 bytes in each message alive, not 8.
pub(super) fn one_more(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number.wrapping_add(1))
}

/// Where the rows of a merged summary went.
#[derive(Debug, Default)]
pub(super) struct Renumber {
    pub hours: Vec<u32>,
    pub senders: Vec<u32>,
    pub recipients: Vec<u32>,
    pub clients: Vec<u32>,
    pub listeners: Vec<u32>,
    pub users: Vec<u32>,
}

impl Renumber {
    pub(super) fn hour(&self, number: u32) -> u32 {
        self.hours[number as usize]
    }

    pub(super) fn sender(&self, number: u32) -> u32 {
        self.senders[number as usize]
    }

    pub(super) fn recipient(&self, number: u32) -> u32 {
        self.recipients[number as usize]
    }

    pub(super) fn client(&self, number: u32) -> u32 {
        self.clients[number as usize]
    }

    pub(super) fn user(&self, number: u32) -> u32 {
        self.users[number as usize]
    }

    pub(super) fn listener(&self, number: u32) -> u32 {
        self.listeners[number as usize]
    }
}

/// The messages of one summary.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Messages {
    /// Those that are not removed. The second member is false where the first lines may lie in the
    /// summary before this one.
    pub open: FxHashMap<Key, (Message, Begun)>,
    /// For a summary that continues another: what must be told to it when they are merged.
    pub carried: Option<Carried>,
    /// Messages that ended without a `queue active` line although something was delivered.
    pub unsized_: u64,
    /// What was noted of messages that are over.
    pub over: Vec<Noted>,
}

/// Whether a message began in this summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Begun {
    /// Its source line, or the end of the id's former message, is in this summary.
    Here,
    /// Neither is: it may have begun before.
    #[default]
    Before,
}

/// What a summary that continues another knows of messages that may have begun there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Carried {
    /// Messages that may have begun before, have lines here, and are over.
    pub ended: FxHashMap<Key, Message>,
    /// Ids that were removed or begun anew here: what had them before is over, and what comes after is
    /// another message. These are nearly all ids of the part, so only [`Key::short`] is kept of each.
    pub renewed: FxHashSet<u64>,
}

impl Messages {
    /// A message begins with its source line; whatever had the id before is over.
    pub(super) fn begin(&mut self, key: Key, source: Source) {
        self.begin_by(key, source, None);
    }

    /// The same for a client's message, with the row of the user who authenticated.
    pub(super) fn begin_by(&mut self, key: Key, source: Source, user: Option<u32>) {
        let message = Message {
            source,
            user: user.and_then(one_more),
            ..Message::default()
        };
        let former = self.open.insert(key, (message, Begun::Here));
        // A former message without a removal still has to be joined with its first half.
        self.carry(key, former);
    }

    /// The message of a line that is not a source line.
    pub(super) fn of(&mut self, key: Key) -> &mut Message {
        let carried = &self.carried;
        &mut self
            .open
            .entry(key)
            .or_insert_with(|| {
                let begun = match carried {
                    Some(carried) if !carried.renewed.contains(&key.short()) => Begun::Before,
                    _ => Begun::Here,
                };
                (Message::default(), begun)
            })
            .0
    }

    /// Ends the messages whose ids a later part renewed.
    pub(super) fn renew(&mut self, renewed: FxHashSet<u64>) {
        let over: Vec<Key> = self
            .open
            .keys()
            .filter(|key| renewed.contains(&key.short()))
            .copied()
            .collect();
        for key in over {
            self.end(key);
        }
        if let Some(carried) = &mut self.carried {
            carried.renewed.extend(renewed);
        }
    }

    /// The message is removed from the queue.
    pub(super) fn end(&mut self, key: Key) {
        let former = self.open.remove(&key);
        self.carry(key, former);
    }

    fn carry(&mut self, key: Key, former: Option<(Message, Begun)>) {
        let Some(carried) = &mut self.carried else {
            self.close(former);
            return;
        };
        match former {
            // What began here is known to be another message than the one before.
            Some((_, Begun::Here)) => self.close(former),
            Some((message, Begun::Before)) => {
                carried.renewed.insert(key.short());
                carried.ended.insert(key, message);
            }
            None => {
                carried.renewed.insert(key.short());
            }
        }
    }

    /// Nothing more will be known of a message.
    fn close(&mut self, message: Option<(Message, Begun)>) {
        let Some((message, _)) = message else { return };
        self.unsized_ += u64::from(message.unsized_.is_some());
        self.over.extend(message.noted.map(|noted| *noted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_their_bytes() {
        let id = b"4jXN5b6b9gznvdj0123456789";
        for length in 1..=16 {
            let key = Key::new(7, &id[..length]);
            let split = length.min(8);
            assert_eq!(key.id(), (word(&id[..split]), word(&id[split..length])));
        }
        assert_ne!(Key::new(7, &id[..17]), Key::new(7, &id[..18]));
    }

    #[test]
    fn keys_tell_ids_instances_and_lengths_apart() {
        let a = origin(b"mx", b"postfix");
        let b = origin(b"mx", b"postfix-out");
        assert_ne!(a, b);
        assert_ne!(Key::new(a, b"8921054E113"), Key::new(b, b"8921054E113"));
        assert_ne!(Key::new(a, b"8921054E113"), Key::new(a, b"8921054E114"));
        assert_ne!(
            Key::new(a, b"4jXN5b6b9gznvdj000"),
            Key::new(a, b"4jXN5b6b9gznvdj001")
        );
    }
}
