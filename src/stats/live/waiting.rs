//! Which `queue active` lines are messages received: the first one of an id with a source, less what a content
//! filter brought back. The rule is docs/counting.md's; memory is bounded, and a reading that begins in the
//! middle of a log is set right when the part before it has been read.

use crate::logparse::Record;
use crate::logparse::event::ClientLine;
use crate::stats::message::{Key, hash, origin};
use crate::stats::summary::is_conventional;
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

    fn get(&self, key: &K) -> Option<V>
    where
        V: Copy,
    {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
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

/// The ids in between. A content filter's reply may name the id under which it brought the message back, or
/// not: then the message-id, kept as a hash, tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    /// With a source, and not yet active.
    sources: Recent<Key, Source>,
    /// Counted as received though they came from this machine; when.
    doubtful: Recent<Id, i64>,
    /// The same by message-id.
    doubtful_texts: Recent<u64, i64>,
    /// Message-ids of messages that a loopback relay took before they were active again.
    passed_texts: Recent<u64, ()>,
    /// Messages that a loopback relay took and whose message-id is not known: it may lie before the beginning.
    textless: Recent<Key, ()>,
    /// The message-ids of the messages on their way.
    texts: Recent<Key, u64>,
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
        let source = if !is_loopback(line.client.ip) {
            Source::Outside
        } else if is_conventional(record.tag) {
            return;
        } else {
            Source::Loopback
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
            let text = self.texts.get(&key);
            let passed_by_text = text.and_then(|text| self.passed_texts.take(&text));
            if self.passed.take(&key.id()).or(passed_by_text).is_some() {
                return false;
            }
            self.doubtful.insert(key.id(), time);
            if let Some(text) = text {
                self.doubtful_texts.insert(text, time);
            }
        }
        true
    }

    /// `message-id=`
    pub fn message_id(&mut self, record: &Record<'_>, text: &[u8]) {
        if let Some(key) = key(record).filter(|_| !text.is_empty()) {
            self.texts.insert(key, hash(text));
        }
    }

    /// A loopback relay took the record's message and queued it as `id`: when that was counted as received, if
    /// it was.
    pub fn queued_as(&mut self, record: &Record<'_>, id: &[u8]) -> Option<i64> {
        let key = key(record)?;
        let by_text = if let Some(text) = self.texts.get(&key) {
            self.taken(text)
        } else {
            self.textless.insert(key, ());
            None
        };
        let id = Key::new(0, id).id();
        let counted = self.doubtful.take(&id).or(by_text);
        if counted.is_none() {
            self.passed.insert(id, ());
        }
        counted
    }

    /// A loopback relay took the message with this message-id.
    fn taken(&mut self, text: u64) -> Option<i64> {
        let counted = self.doubtful_texts.take(&text);
        if counted.is_none() {
            self.passed_texts.insert(text, ());
        }
        counted
    }

    /// Joins what an older stretch left open.
    pub fn join(&mut self, older: Self) -> Joined {
        let mut joined = Joined::default();
        for (key, text) in older.texts.into_entries() {
            if !self.texts.has(&key) {
                self.texts.insert(key, text);
            }
        }
        let mut sources = older.sources;
        for (key, time) in std::mem::take(&mut self.orphans).into_entries() {
            if let Some(source) = sources.take(&key)
                && self.received(key, source, time)
            {
                joined.received.push(time);
            }
        }
        for (text, time) in older.doubtful_texts.into_entries() {
            match self.passed_texts.take(&text) {
                Some(()) => joined.taken_back.push(time),
                None => self.doubtful_texts.insert(text, time),
            }
        }
        for (key, ()) in std::mem::take(&mut self.textless).into_entries() {
            let text = self.texts.get(&key);
            joined.taken_back.extend(text.and_then(|t| self.taken(t)));
        }
        // What stayed open there may go on here.
        for (key, source) in sources.into_entries() {
            if !self.sources.has(&key) {
                self.sources.insert(key, source);
            }
        }
        joined
    }
}

/// What two stretches tell only together, in seconds since the epoch.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// When messages were received.
    pub received: Vec<i64>,
    /// When what a content filter brought back was counted as received.
    pub taken_back: Vec<i64>,
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
