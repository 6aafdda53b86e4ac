//! Lists that can be asked: an entry of the catalogue with its key put in.
//!
//! In: zones and the user's keys. Out: [`List`]s. The zone with a key in it stays in here and goes only into
//! DNS questions; everything shown carries the masked form.

use super::{Entry, built_in, find};
use std::collections::BTreeMap;

/// The user's keys by the zone behind the key (`zen.dq.spamhaus.net`).
pub type Keys = BTreeMap<String, String>;

/// A list that can be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct List {
    /// What is known of it.
    pub entry: Entry,
    /// The zone to ask, with the key in it.
    zone: String,
    /// The zone to show.
    shown: String,
}

impl std::fmt::Debug for List {
    /// Without the key: debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("List").field(&self.shown).finish()
    }
}

impl List {
    /// A list of the catalogue; `None` when it needs a key that `keys` has not, or stands for many zones.
    pub fn of(entry: &Entry, keys: &Keys) -> Option<Self> {
        let key = entry
            .zone
            .strip_prefix("{key}.")
            .and_then(|zone| keys.get(zone));
        Some(Self {
            zone: entry.zone_with_key(key.map(String::as_str))?,
            shown: entry.shown(),
            entry: entry.clone(),
        })
    }

    /// The zone as it goes into a question; it may hold a key.
    pub(super) fn zone(&self) -> &str {
        &self.zone
    }

    /// A text that may quote the zone (an error, a list's own words) with the key masked.
    pub(super) fn masked(&self, text: &str) -> String {
        text.replace(&self.zone, &self.shown)
    }

    /// The zone as it may be shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// The lists asked when nothing else is said: live and free, or with a key.
pub fn defaults(keys: &Keys) -> Vec<List> {
    built_in()
        .iter()
        .filter(|entry| entry.is_default() || entry.zone.contains("{key}"))
        .filter_map(|entry| List::of(entry, keys))
        .collect()
}

/// Every list of the catalogue that can be asked at all, the dead ones too.
pub fn every(keys: &Keys) -> Vec<List> {
    built_in()
        .iter()
        .filter_map(|entry| List::of(entry, keys))
        .collect()
}

/// The list with this zone, known or not. A zone with a subscriber's key in it is recognised and masked.
pub fn named(zone: &str) -> List {
    let zone = zone.trim().trim_matches('.').to_ascii_lowercase();
    let Some(entry) = find(&zone) else {
        return List {
            entry: Entry::unknown(&zone),
            shown: crate::sanitize::str_line(&zone).into_owned(),
            zone,
        };
    };
    let shown = if entry.zone.starts_with("*.") {
        zone.clone()
    } else {
        entry.shown()
    };
    List {
        entry: entry.clone(),
        zone,
        shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbl::Status;

    #[test]
    fn defaults_are_live_and_free() {
        let lists = defaults(&Keys::new());
        assert!(lists.len() > 30, "{}", lists.len());
        for list in &lists {
            assert_eq!(list.entry.status, Status::Live, "{list:?}");
            assert!(!list.zone().contains('{'), "{list:?}");
        }
    }

    #[test]
    fn a_key_opens_its_list_and_stays_hidden() {
        let keys = Keys::from([("zen.dq.spamhaus.net".to_owned(), "s3cret".to_owned())]);
        let lists = defaults(&keys);
        let zen = lists
            .iter()
            .find(|l| l.zone().starts_with("s3cret."))
            .unwrap();
        assert_eq!(zen.shown(), "KEY.zen.dq.spamhaus.net");
        assert!(!format!("{zen:?}").contains("s3cret"));
        let named = named("S3CRET.zen.dq.spamhaus.net.");
        assert_eq!(named.zone(), "s3cret.zen.dq.spamhaus.net");
        assert_eq!(named.shown(), "KEY.zen.dq.spamhaus.net");
    }

    #[test]
    fn named_lists_need_not_be_known() {
        assert_eq!(named("DUL.dnsbl.sorbs.net").entry.status, Status::Dead);
        assert_eq!(named("dul.dnsbl.sorbs.net").shown(), "dul.dnsbl.sorbs.net");
        assert_eq!(named("mine.example").entry.status, Status::Uncertain);
    }
}
