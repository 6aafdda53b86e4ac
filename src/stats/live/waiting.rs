//! Which `queue active` lines are messages received: the first one of an id with a source, less what a content
//! filter brought back. The rule is docs/counting.md's; memory is bounded, and a reading that begins in the
//! middle of a log is set right when the part before it has been read.

use crate::logparse::Record;
use crate::logparse::event::ClientLine;
use crate::stats::message::{Key, origin};
use rustc_hash::FxHashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// Entries of each generation.
const MOST: usize = 20_000;

/// A map that forgets: in two generations, so that the oldest entries go after between 20,000 and 40,000 others.
#[derive(Debug, Clone)]
struct Recent<K, V> {
    young: FxHashMap<K, V>,
    old: FxHashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            young: FxHashMap::default(),
            old: FxHashMap::default(),
        }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn take(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    fn has(&self, key: &K) -> bool {
        self.young.contains_key(key) || self.old.contains_key(key)
    }

    fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.old.into_iter().chain(self.young)
    }
}

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Outside, or sendmail(1).
    Outside,
    /// This machine: perhaps a content filter.
    Loopback,
}

/// An id, whichever instance logged it.
type Id = (u64, u64);

/// The ids in between.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    /// With a source, and not yet active.
    sources: Recent<Key, Source>,
    /// Counted as received though they came from this machine; when.
    doubtful: Recent<Id, i64>,
    /// Told as `queued as` by a loopback relay before they were active.
    passed: Recent<Id, ()>,
    /// First active lines of ids without a known source; when. Their source may lie before the beginning.
    orphans: Recent<Key, i64>,
}

impl Waiting {
    /// `client=`
    pub fn client(&mut self, record: &Record<'_>, line: &ClientLine<'_>) {
        if line.orig_queue_id.is_some() || line.orig_client.is_some() {
            return;
        }
        let Some(key) = key(record) else { return };
        let source = if is_loopback(line.client.ip) {
            Source::Loopback
        } else {
            Source::Outside
        };
        self.sources.insert(key, source);
    }

    /// pickup's `uid=`
    pub fn pickup(&mut self, record: &Record<'_>) {
        if let Some(key) = key(record) {
            self.sources.insert(key, Source::Outside);
        }
    }

    /// `queue active`: whether a message was received.
    pub fn active(&mut self, record: &Record<'_>) -> bool {
        let Some(key) = key(record) else { return false };
        let time = record.time.seconds();
        if let Some(source) = self.sources.take(&key) {
            return self.received(key, source, time);
        }
        // A retry of what was received long ago is an orphan too; it finds no source and stays one.
        if !self.orphans.has(&key) {
            self.orphans.insert(key, time);
        }
        false
    }

    fn received(&mut self, key: Key, source: Source, time: i64) -> bool {
        if source == Source::Loopback {
            if self.passed.take(&key.id()).is_some() {
                return false;
            }
            self.doubtful.insert(key.id(), time);
        }
        true
    }

    /// A loopback relay queued a message as `id`: when it was counted as received, if it was.
    pub fn queued_as(&mut self, id: &[u8]) -> Option<i64> {
        let id = Key::new(0, id).id();
        let counted = self.doubtful.take(&id);
        if counted.is_none() {
            self.passed.insert(id, ());
        }
        counted
    }

    /// Joins what an older stretch left open. Answers when messages were received whose source lies there.
    pub fn join(&mut self, older: Self) -> Vec<i64> {
        let mut received = Vec::new();
        let mut sources = older.sources;
        for (key, time) in std::mem::take(&mut self.orphans).into_entries() {
            if let Some(source) = sources.take(&key)
                && self.received(key, source, time)
            {
                received.push(time);
            }
        }
        // What stayed open there may go on here.
        for (key, source) in sources.into_entries() {
            if !self.sources.has(&key) {
                self.sources.insert(key, source);
            }
        }
        received
    }
}

fn key(record: &Record<'_>) -> Option<Key> {
    let id = record.queue_id?;
    Some(Key::new(origin(record.host, record.instance), id))
}

fn is_loopback(ip: &[u8]) -> bool {
    std::str::from_utf8(ip)
        .ok()
        .and_then(|ip| ip.parse::<IpAddr>().ok())
        .is_some_and(|ip| ip.is_loopback())
}
