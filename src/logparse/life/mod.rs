//! The life of messages by queue id: who brought a message, who it was for, what became of it.
//!
//! In: [`Record`]s in the order of the log ([`Messages::observe`]), or an older stretch of the log as a
//! whole ([`Messages::prepend`]), since history is read backwards. Out: [`Life`]s, found by any text.
//! Bounded by count: the oldest finished message goes first. It keeps no log lines and draws nothing.
//!
//! Short queue ids are reused, so a message is keyed by instance, id and generation; `removed` ends a
//! generation, and so does a second source for an id whose removal was not logged.

mod message;
mod observe;
mod query;
mod timeline;

pub use message::{
    Attempt, Life, Link, MOST_RECIPIENTS, MOST_STEPS, Note, Outcome, Recipient, Relation, Source,
    State,
};
pub use query::Query;
pub use timeline::Step;

use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The messages known, oldest first by serial number.
#[derive(Debug)]
pub struct Messages {
    most: usize,
    lives: BTreeMap<i64, Life>,
    /// Instance and id to the serials of its generations, oldest first.
    index: FxHashMap<Box<str>, Vec<i64>>,
    /// Those that may be forgotten first.
    finished: BTreeSet<i64>,
    /// Instances seen, for links between them.
    instances: Vec<Box<str>>,
    /// The next serial.
    next: i64,
    forgotten: u64,
    /// Spare memory for keys.
    key: String,
}

impl Messages {
    /// Room for so many messages.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            lives: BTreeMap::new(),
            index: FxHashMap::default(),
            finished: BTreeSet::new(),
            instances: Vec::new(),
            next: 0,
            forgotten: 0,
            key: String::new(),
        }
    }

    /// How many messages are known.
    pub fn len(&self) -> usize {
        self.lives.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.lives.is_empty()
    }

    /// How many were forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The messages that match, newest first.
    pub fn find<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a Life> {
        self.lives.values().rev().filter(|life| query.matches(life))
    }

    /// The newest message with this queue id, in any instance.
    pub fn by_id(&self, id: &str) -> Option<&Life> {
        self.instances
            .iter()
            .filter_map(|instance| self.index.get(key(instance, id).as_str())?.last())
            .max()
            .and_then(|serial| self.lives.get(serial))
    }

    /// All generations of a queue id in one instance, oldest first.
    pub fn generations(&self, instance: &str, id: &str) -> impl Iterator<Item = &Life> {
        self.index
            .get(key(instance, id).as_str())
            .into_iter()
            .flatten()
            .filter_map(|serial| self.lives.get(serial))
    }

    /// Puts what an older stretch of the log told before what is known. A message whose beginning lies
    /// there and whose end lies here becomes one.
    pub fn prepend(&mut self, older: Self) {
        let lowest = self.lives.keys().next().copied().unwrap_or(0).min(0);
        for instance in older.instances {
            if !self.instances.contains(&instance) {
                self.instances.push(instance);
            }
        }
        self.forgotten += older.forgotten;
        // Newest first, so that an open message meets its continuation before an older generation does.
        let mut serial = lowest - 1;
        for life in older.lives.into_values().rev() {
            let life = self.join(life);
            self.insert_before(serial, life);
            serial -= 1;
        }
        self.mend_links();
        self.make_room();
    }

    /// Lets both ends of a link know of it, now that both may be known.
    fn mend_links(&mut self) {
        let one_sided: Vec<(Box<str>, Box<str>, Link)> = self
            .lives
            .values()
            .flat_map(|life| {
                life.links.iter().map(|link| {
                    let back = Link {
                        relation: link.relation.reverse(),
                        id: life.id.clone(),
                    };
                    (life.instance.clone(), link.id.clone(), back)
                })
            })
            .collect();
        for (instance, id, back) in one_sided {
            // The next hop's ids may mean messages of other servers: only this instance's are certain.
            let Some(serial) = self
                .index
                .get(key(&instance, &id).as_str())
                .and_then(|s| s.last())
            else {
                continue;
            };
            if let Some(life) = self.lives.get_mut(serial)
                && !life.links.iter().any(|l| l.id == back.id)
            {
                life.links.push(back);
            }
        }
    }

    /// Takes the known part of a message out, when it lacks the beginning that an older, unfinished part
    /// has, and gives the whole; otherwise gives the older part back.
    fn join(&mut self, older: Life) -> Life {
        let key = key(&older.instance, &older.id);
        let Some(serials) = self.index.get_mut(key.as_str()) else {
            return older;
        };
        let Some((serial, newer)) = serials
            .first()
            .and_then(|serial| Some((*serial, self.lives.get(serial)?)))
        else {
            return older;
        };
        let continues = newer.source == Source::Unknown
            && (newer.message_id.is_none() || older.message_id.is_none())
            && !older.is_finished();
        if !continues {
            return older;
        }
        serials.remove(0);
        for serial in serials.iter() {
            if let Some(later) = self.lives.get_mut(serial) {
                later.generation = later.generation.saturating_sub(1);
            }
        }
        self.finished.remove(&serial);
        match self.lives.remove(&serial) {
            Some(mut whole) => {
                whole.continue_from(&older);
                whole
            }
            None => older,
        }
    }

    fn insert_before(&mut self, serial: i64, mut life: Life) {
        life.generation = 0;
        let key = key(&life.instance, &life.id).into_boxed_str();
        let serials = self.index.entry(key).or_default();
        serials.insert(0, serial);
        for newer in serials.iter().skip(1) {
            if let Some(newer) = self.lives.get_mut(newer) {
                newer.generation += 1;
            }
        }
        if life.is_finished() {
            self.finished.insert(serial);
        }
        self.lives.insert(serial, life);
    }

    /// Forgets messages until there is room: finished ones first, the oldest first.
    fn make_room(&mut self) {
        while self.lives.len() > self.most {
            let oldest = self
                .finished
                .pop_first()
                .or_else(|| self.lives.keys().next().copied());
            let Some(life) = oldest.and_then(|serial| self.lives.remove(&serial)) else {
                return;
            };
            self.forgotten += 1;
            let key = key(&life.instance, &life.id);
            if let Some(serials) = self.index.get_mut(key.as_str()) {
                serials.retain(|serial| Some(*serial) != oldest);
                if serials.is_empty() {
                    self.index.remove(key.as_str());
                }
            }
        }
    }
}

impl Life {
    /// Takes over what an earlier stretch of the log knew of this message.
    fn continue_from(&mut self, older: &Life) {
        let shift = older.sequence;
        self.notes.iter_mut().for_each(|n| n.sequence += shift);
        self.recipients
            .iter_mut()
            .flat_map(|r| &mut r.attempts)
            .for_each(|a| a.sequence += shift);
        self.sequence += shift;
        self.first = older.first;
        self.source = older.source.clone();
        self.from = older.from.clone().or(self.from.take());
        self.message_id = older.message_id.clone().or(self.message_id.take());
        self.size = self.size.or(older.size);
        self.nrcpt = self.nrcpt.or(older.nrcpt);
        self.helo = older.helo.clone().or(self.helo.take());
        if self.state == State::Incoming {
            self.state = older.state;
        }
        self.more_recipients += older.more_recipients;
        let newer = std::mem::replace(&mut self.recipients, older.recipients.clone());
        for recipient in newer {
            match self
                .recipients
                .iter_mut()
                .find(|r| r.to == recipient.to && r.orig_to == recipient.orig_to)
            {
                Some(known) => known.attempts.extend(recipient.attempts),
                None => self.recipients.push(recipient),
            }
        }
        self.notes.splice(0..0, older.notes.iter().cloned());
        self.links.splice(0..0, older.links.iter().cloned());
        self.links.dedup();
    }
}

/// One key for instance and id; neither holds a blank.
fn key(instance: &str, id: &str) -> String {
    format!("{instance} {id}")
}

#[cfg(test)]
mod tests;
