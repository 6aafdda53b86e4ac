//! The life of messages by queue id: who brought a message, who it was for, what became of it.
//!
//! In: [`Record`]s in the order of the log ([`Messages::observe`]), or an older stretch of the log as a
//! whole ([`Messages::prepend`]), since history is read backwards. Out: [`Life`]s, found by any text.
//! Bounded by count: the oldest finished message goes first. It keeps no log lines and draws nothing.
//!
//! Short queue ids are reused, so a message is keyed by host, instance, id and generation; `removed` ends a
//! generation, and so does a second source for an id whose removal was not logged. A host that changes
//! its name (a container made anew) goes on with the messages of its queue.

mod join;
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
    /// Ids to the serials of their messages on all hosts and instances, oldest first.
    index: FxHashMap<Box<str>, Vec<i64>>,
    /// Those that may be forgotten first.
    finished: BTreeSet<i64>,
    /// The next serial.
    next: i64,
    forgotten: u64,
}

impl Messages {
    /// Room for so many messages.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            lives: BTreeMap::new(),
            index: FxHashMap::default(),
            finished: BTreeSet::new(),
            next: 0,
            forgotten: 0,
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

    /// All messages with their serial numbers, in the order they began.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Life)> {
        self.lives.iter().map(|(serial, life)| (*serial, life))
    }

    /// The message with this serial number.
    pub fn get(&self, serial: i64) -> Option<&Life> {
        self.lives.get(&serial)
    }

    /// The newest message with this queue id, in any instance.
    pub fn by_id(&self, id: &str) -> Option<&Life> {
        self.lives.get(self.index.get(id)?.last()?)
    }

    /// All generations of a queue id in one instance, oldest first.
    pub fn generations<'a>(
        &'a self,
        instance: &'a str,
        id: &str,
    ) -> impl Iterator<Item = &'a Life> {
        self.serials(id)
            .iter()
            .filter_map(|serial| self.lives.get(serial))
            .filter(move |life| *life.instance == *instance)
    }

    /// The serials of an id's messages, oldest first.
    fn serials(&self, id: &str) -> &[i64] {
        self.index.get(id).map_or(&[], Vec::as_slice)
    }

    /// Puts what an older stretch of the log told before what is known. A message whose beginning lies
    /// there and whose end lies here becomes one.
    pub fn prepend(&mut self, older: Self) {
        let lowest = self.lives.keys().next().copied().unwrap_or(0).min(0);
        self.forgotten += older.forgotten;
        // Newest first, so that an open message meets its continuation before an older generation does.
        let mut serial = lowest - 1;
        for life in older.lives.into_values().rev() {
            let life = self.join(life);
            self.insert_before(serial, life);
            serial -= 1;
        }
        self.settle();
        self.make_room();
    }

    /// Takes the known part of a message out, when it lacks the beginning that an older, unfinished part
    /// has, and gives the whole; otherwise gives the older part back.
    fn join(&mut self, older: Life) -> Life {
        let same_place = |life: &Life| life.host == older.host && life.instance == older.instance;
        let Some((serial, newer)) = self.serials(&older.id).iter().find_map(|serial| {
            let life = self.lives.get(serial)?;
            same_place(life).then_some((*serial, life))
        }) else {
            return older;
        };
        let continues = newer.source == Source::Unknown
            && (newer.message_id.is_none() || older.message_id.is_none())
            && !older.is_finished();
        if !continues {
            return older;
        }
        let later = self.index.get_mut(&older.id).map(|serials| {
            serials.retain(|other| *other != serial);
            serials.clone()
        });
        for later in later.unwrap_or_default() {
            if let Some(later) = self.lives.get_mut(&later).filter(|life| same_place(life)) {
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
        let serials = self.index.entry(life.id.clone()).or_default();
        for newer in &*serials {
            if let Some(newer) = self.lives.get_mut(newer)
                && newer.host == life.host
                && newer.instance == life.instance
            {
                newer.generation += 1;
            }
        }
        serials.insert(0, serial);
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
            if let Some(serials) = self.index.get_mut(&life.id) {
                serials.retain(|serial| Some(*serial) != oldest);
                if serials.is_empty() {
                    self.index.remove(&life.id);
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
        self.more_notes += older.more_notes;
        let newer = std::mem::replace(&mut self.recipients, older.recipients.clone());
        for recipient in newer {
            match self
                .recipients
                .iter_mut()
                .find(|r| r.to == recipient.to && r.orig_to == recipient.orig_to)
            {
                Some(known) => {
                    known.attempts.extend(recipient.attempts);
                    known.more_attempts += recipient.more_attempts;
                }
                None => self.recipients.push(recipient),
            }
        }
        self.notes.splice(0..0, older.notes.iter().cloned());
        self.links.splice(0..0, older.links.iter().cloned());
        self.links.dedup();
    }
}

#[cfg(test)]
mod tests;
