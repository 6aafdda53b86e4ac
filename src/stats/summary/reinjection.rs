//! Which messages a content filter brought back: they were received once already.
//!
//! `orig_queue_id=` and `orig_client=` say it outright. Without them (a filter that does not speak
//! XFORWARD), a message that came from a loopback address is one of three things: a web application's
//! mail, a list manager's, or a re-injection. It is taken for a re-injection when
//! - a delivery to a loopback relay said `queued as` its id, or
//! - a delivery to a loopback relay, answered with `queued as`, had its message-id, or
//! - it came through a listener of its own name (`postfix/reinject/smtpd`) that only loopback clients
//!   use and that brought back others by these signs, or whose name is one that content filters' set-ups use.
//!
//! The filter answers only after it has passed the message on, and listeners show their nature late, so
//! the decision waits for the end of the log.

use super::super::message::{Active, Key, Renumber, hash};
use super::super::names::Table;
use super::Summary;
use rustc_hash::FxHashSet;

/// Names of after-filter listeners in common set-ups: the ports of the after-filter smtpd in Postfix's
/// FILTER_README and in amavis's documentation, and the plain word.
const CONVENTIONAL: &[&[u8]] = &[b"reinject", b"10025", b"10026", b"10028"];

/// Whether a listener, by its tag, has a name that is only given to those for content filters.
pub(crate) fn is_conventional(tag: &[u8]) -> bool {
    own_name(tag).is_some_and(|name| CONVENTIONAL.contains(&name))
}

/// What was seen about re-injections.
#[derive(Debug, Clone, Default)]
pub(super) struct Reinjection {
    candidates: Vec<Candidate>,
    /// Ids that a loopback relay said it queued mail as.
    queued_as: FxHashSet<(u64, u64)>,
    /// Hashes of the message-ids of mail that a loopback relay queued elsewhere.
    message_ids: FxHashSet<u64>,
    /// By tag.
    pub(super) listeners: Table<Listener>,
}

/// An smtpd listener, by its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Listener {
    /// Whether a client that is not on a loopback address used it.
    pub(super) public: bool,
}

/// A message from a loopback address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) id: (u64, u64),
    pub(super) message_id: Option<u64>,
    pub(super) listener: u32,
    pub(super) client: u32,
    pub(super) active: Active,
    pub(super) user: Option<u32>,
}

impl Reinjection {
    /// A message from a loopback address reached the active queue.
    pub(super) fn candidate(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    /// A loopback relay queued a message under this id.
    pub(super) fn queued_as(&mut self, id: &[u8]) {
        self.queued_as.insert(Key::new(0, id).id());
    }

    /// A loopback relay queued the message with this message-id.
    pub(super) fn passed_on(&mut self, message_id: u64) {
        self.message_ids.insert(message_id);
    }

    pub(super) fn merge(&mut self, other: Self, rows: &Renumber) {
        self.candidates
            .extend(other.candidates.into_iter().map(|c| Candidate {
                listener: rows.listener(c.listener),
                client: rows.client(c.client),
                active: Active {
                    sender: rows.sender(c.active.sender),
                    hour: rows.hour(c.active.hour),
                    ..c.active
                },
                user: c.user.map(|user| rows.user(user)),
                ..c
            }));
        self.queued_as.extend(other.queued_as);
        self.message_ids.extend(other.message_ids);
    }

    fn is_proven(&self, candidate: &Candidate) -> bool {
        self.queued_as.contains(&candidate.id)
            || candidate
                .message_id
                .is_some_and(|id| self.message_ids.contains(&id))
    }

    /// For each listener, whether all that came through it was brought back.
    fn dedicated(&self) -> Vec<bool> {
        let mut proven = vec![false; self.listeners.len()];
        for candidate in &self.candidates {
            proven[candidate.listener as usize] |= self.is_proven(candidate);
        }
        self.listeners
            .iter()
            .zip(proven)
            .map(|((tag, listener), proven)| {
                let Some(name) = own_name(tag) else {
                    return false;
                };
                CONVENTIONAL.contains(&name) || (proven && !listener.public)
            })
            .collect()
    }
}

/// The listener's own name: what stands between the instance and the service, `reinject` in
/// `postfix/reinject/smtpd`.
fn own_name(tag: &[u8]) -> Option<&[u8]> {
    let mut parts = tag.split(|b| *b == b'/').rev();
    let (_service, name) = (parts.next()?, parts.next()?);
    parts.next().map(|_instance| name)
}

/// The hash under which a message-id is known; the text may repeat in many messages and is not kept.
pub(super) fn message_id(text: &[u8]) -> Option<u64> {
    // `message-id=<>` and an empty one identify nothing.
    (text.len() > 2).then(|| hash(text))
}

impl Summary {
    /// Decides which messages from loopback addresses were re-injections, and counts the others as
    /// received. To be called once, when everything was observed and merged.
    pub fn settle(&mut self) {
        let open = self.messages.open.values();
        self.unsized_messages =
            self.messages.unsized_ + open.filter(|(m, _)| m.unsized_.is_some()).count() as u64;
        let dedicated = self.reinjection.dedicated();
        for candidate in std::mem::take(&mut self.reinjection.candidates) {
            if dedicated[candidate.listener as usize] || self.reinjection.is_proven(&candidate) {
                self.reinjected += 1;
            } else {
                self.count_received(candidate.client, candidate.user, candidate.active);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_of_its_own_has_a_name_between_instance_and_service() {
        assert_eq!(own_name(b"postfix/reinject/smtpd"), Some(&b"reinject"[..]));
        assert_eq!(own_name(b"postfix/smtpd"), None);
        assert_eq!(own_name(b"smtpd"), None);
    }
}
