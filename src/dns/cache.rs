//! What DNS said, kept for as long as it said so.
//!
//! In: answers with their TTL, and negative answers with the TTL of their SOA (RFC 2308). Out: the same,
//! with what is left of it. Failures that may be gone at the next try are never kept.

use super::{Answer, DnsError};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Entries kept at most: some hundred bytes each, so a cache stays within a few megabytes.
const CAPACITY: usize = 16_384;

/// An answer is kept a day at most, whatever its TTL says: what lives longer hides a change for too long.
const LONGEST: u32 = 86_400;

/// A cache of answers by question; `K` is the question.
pub(super) struct Cache<K, T> {
    /// Held for one look or one insertion, never across an await.
    entries: Mutex<HashMap<K, Entry<T>>>,
}

struct Entry<T> {
    result: Result<Vec<T>, DnsError>,
    until: Instant,
}

impl<K: std::hash::Hash + Eq, T: Clone> Cache<K, T> {
    pub(super) fn new() -> Self {
        Self {
            entries: Mutex::new(HashMap::new()),
        }
    }

    /// The answer, when it is known and still good at `now`.
    pub(super) fn get(&self, question: &K, now: Instant) -> Option<Result<Answer<T>, DnsError>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(question)?;
        let left = entry.until.checked_duration_since(now)?;
        if left.is_zero() {
            return None;
        }
        Some(match &entry.result {
            Ok(records) => Ok(Answer {
                records: records.clone(),
                ttl: u32::try_from(left.as_secs()).unwrap_or(LONGEST),
            }),
            Err(error) => Err(error.clone()),
        })
    }

    /// Keeps a result for `ttl` seconds; temporary errors and a TTL of 0 are not kept.
    pub(super) fn put(
        &self,
        question: K,
        result: &Result<Answer<T>, DnsError>,
        ttl: u32,
        now: Instant,
    ) {
        if ttl == 0 || result.as_ref().is_err_and(DnsError::is_temporary) {
            return;
        }
        let until = now + Duration::from_secs(u64::from(ttl.min(LONGEST)));
        let result = match result {
            Ok(answer) => Ok(answer.records.clone()),
            Err(error) => Err(error.clone()),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.until > now);
            // Everything is fresh: a scan of many names. Starting over costs one more question each.
            if entries.len() >= CAPACITY {
                entries.clear();
            }
        }
        entries.insert(question, Entry { result, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ttl: u32) -> Answer<u8> {
        Answer {
            records: vec![7],
            ttl,
        }
    }

    #[test]
    fn an_answer_lives_as_long_as_its_ttl() {
        let cache = Cache::new();
        let start = Instant::now();
        cache.put("a", &Ok(answer(10)), 10, start);
        let later = start + Duration::from_secs(4);
        assert_eq!(cache.get(&"a", later), Some(Ok(answer(6))));
        assert_eq!(cache.get(&"a", start + Duration::from_secs(10)), None);
        assert_eq!(cache.get(&"b", start), None);
    }

    #[test]
    fn negative_answers_are_kept_and_failures_are_not() {
        let cache: Cache<&str, u8> = Cache::new();
        let now = Instant::now();
        cache.put("none", &Err(DnsError::NxDomain), 5, now);
        cache.put("later", &Err(DnsError::ServFail), 5, now);
        cache.put("slow", &Err(DnsError::Timeout), 5, now);
        assert_eq!(cache.get(&"none", now), Some(Err(DnsError::NxDomain)));
        assert_eq!(cache.get(&"later", now), None);
        assert_eq!(cache.get(&"slow", now), None);
    }

    #[test]
    fn it_stays_bounded() {
        let cache = Cache::new();
        let now = Instant::now();
        for i in 0..CAPACITY + 10 {
            cache.put(i, &Ok(answer(100)), 100, now);
        }
        assert!(cache.entries.lock().unwrap().len() <= CAPACITY);
        assert!(cache.get(&(CAPACITY + 9), now).is_some());
    }
}
