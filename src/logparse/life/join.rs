//! Joining messages once both ends of a tie may be known: a next hop's answer is logged before or behind what
//! that hop logged, and a content filter may tell nothing but the message-id.

use super::super::event::Status;
use super::Messages;
use super::message::{Attempt, Life, Relation, Source};
use super::observe::ANSWER;
use rustc_hash::FxHashMap;

/// Messages of one message-id that are compared with each other: a newsletter may send thousands.
const MOST_SAME: usize = 64;

impl Messages {
    /// Lets both ends of each tie know of it. To be called when the log has been read, or a stretch of it.
    pub fn settle(&mut self) {
        for (from, to, relation) in self.one_sided() {
            self.link(from, to, relation);
        }
        for (from, to) in self.filtered() {
            self.link(from, to, Relation::ReinjectedAs);
        }
    }

    /// Ties that only one of two known messages has.
    fn one_sided(&mut self) -> Vec<(i64, i64, Relation)> {
        let mut found = Vec::new();
        let mut better = Vec::new();
        for (serial, life) in &self.lives {
            for link in &life.links {
                let Some((other, relation)) = self.other_end(*serial, life, link) else {
                    continue;
                };
                let known = self.lives.get(&other).is_some_and(|other| {
                    other
                        .links
                        .iter()
                        .any(|back| back.id == life.id && back.relation == relation.reverse())
                });
                if relation != link.relation {
                    better.push((*serial, link.clone()));
                }
                if !known {
                    found.push((*serial, other, relation));
                }
            }
        }
        for (serial, link) in better {
            if let Some(life) = self.lives.get_mut(&serial) {
                life.links.retain(|other| *other != link);
            }
        }
        found
    }

    /// The message that a tie means, and how it belongs as far as is known now.
    fn other_end(&self, serial: i64, life: &Life, link: &super::Link) -> Option<(i64, Relation)> {
        let here = |other: &Life| other.host == life.host && other.instance == life.instance;
        let mut others = self
            .serials(&link.id)
            .iter()
            .filter(|other| **other != serial)
            .filter_map(|other| Some((*other, self.lives.get(other)?)));
        match link.relation {
            Relation::QueuedAs => {
                let answer = life.answered(&link.id)?.time.micros;
                // It was queued before the answer, and not long before.
                let (other, found) = others.rfind(|(_, other)| {
                    (other.first.micros - answer).abs() < ANSWER
                        && !matches!(other.source, Source::Bounce { .. } | Source::Forward { .. })
                })?;
                let relation = if here(found) {
                    Relation::ReinjectedAs
                } else {
                    Relation::QueuedAs
                };
                Some((other, relation))
            }
            relation => {
                let (other, _) = others.rfind(|(_, other)| here(other))?;
                Some((other, relation))
            }
        }
    }

    /// Messages that a content filter brought back without a word: the same message-id and sender, from where
    /// the first was delivered to, at the time of that delivery.
    fn filtered(&self) -> Vec<(i64, i64)> {
        let mut same: FxHashMap<&str, Vec<i64>> = FxHashMap::default();
        for (serial, life) in &self.lives {
            if let Some(id) = life.message_id.as_deref().filter(|id| id.len() > 2) {
                let serials = same.entry(id).or_default();
                if serials.len() < MOST_SAME {
                    serials.push(*serial);
                }
            }
        }
        let mut found = Vec::new();
        for serials in same.into_values().filter(|serials| serials.len() > 1) {
            for back in &serials {
                let Some(returned) = self.lives.get(back).filter(|life| !life.came_back()) else {
                    continue;
                };
                let from = serials
                    .iter()
                    .filter(|other| *other < back || self.begins_before(**other, *back))
                    .rev()
                    .find(|other| {
                        self.lives
                            .get(other)
                            .is_some_and(|first| *other != back && first.was_filtered_to(returned))
                    });
                found.extend(from.map(|from| (*from, *back)));
            }
        }
        found.sort_unstable();
        found
    }

    fn begins_before(&self, a: i64, b: i64) -> bool {
        match (self.lives.get(&a), self.lives.get(&b)) {
            (Some(a), Some(b)) => a.first < b.first,
            _ => false,
        }
    }
}

impl Life {
    /// Whether it is already known where it came from.
    fn came_back(&self) -> bool {
        self.links.iter().any(|link| {
            matches!(
                link.relation,
                Relation::ReinjectedFrom
                    | Relation::CameFrom
                    | Relation::RequeuedFrom
                    | Relation::ForwardedFrom
            )
        })
    }

    /// The delivery that was answered with `queued as` this id.
    fn answered(&self, id: &str) -> Option<&Attempt> {
        self.recipients
            .iter()
            .flat_map(|recipient| recipient.attempts.iter().rev())
            .find(|attempt| attempt.reason.contains(id))
    }

    /// Whether a delivery of this message went to where `back` came from when it came.
    fn was_filtered_to(&self, back: &Life) -> bool {
        if self.from.is_some() && back.from.is_some() && self.from != back.from {
            return false;
        }
        let mut attempts = self.recipients.iter().flat_map(|r| &r.attempts);
        attempts.any(|attempt| {
            let after = attempt.time.micros - back.first.micros;
            attempt.status == Status::Sent
                // A filter answers after it has passed the message on; pipe(8) may end before pickup looks.
                && (-60_000_000..ANSWER).contains(&after)
                && returns(attempt, &back.source)
        })
    }
}

/// Whether what this delivery handed over can have come back from that source.
fn returns(attempt: &Attempt, source: &Source) -> bool {
    match source {
        Source::Client { ip, .. } => {
            let relay = between_brackets(&attempt.relay);
            relay.is_some_and(|relay| relay == &**ip || (is_local(relay) && is_local(ip)))
                || (&*attempt.service == "pipe" && is_local(ip))
        }
        Source::Pickup { .. } => &*attempt.service == "pipe",
        _ => false,
    }
}

fn between_brackets(relay: &str) -> Option<&str> {
    relay.split_once('[')?.1.split_once(']').map(|(ip, _)| ip)
}

/// A loopback address or a socket's path.
fn is_local(ip: &str) -> bool {
    ip.starts_with("127.") || ip == "::1" || ip.contains('/')
}
