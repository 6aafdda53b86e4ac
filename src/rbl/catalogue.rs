//! The catalogue: which lists there are, what their answers mean, and which are dead.
//!
//! In: `catalogue.toml`, compiled in, and lists the user adds. Out: [`Entry`]s. It asks nobody anything.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

/// What may be asked of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// IPv4 addresses (RFC 5782 section 2.1).
    Ipv4,
    /// IPv6 addresses (RFC 5782 section 2.4).
    Ipv6,
    /// Domains (RFC 5782 section 2.2).
    Domain,
}

/// How a list fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It answers, and free use is possible.
    Live,
    /// It answers only with a key or after a registration.
    KeyOnly,
    /// Sources disagree whether it is kept.
    Uncertain,
    /// It is part of another list now.
    Moved,
    /// It is gone; naming it in a configuration costs time or mail.
    Dead,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The zone, perhaps with `{key}` in it, or with a leading `*.` for every zone below.
    pub zone: String,
    /// What may be asked.
    pub kinds: Vec<Kind>,
    /// How it fares.
    pub status: Status,
    /// Where to ask for removal.
    #[serde(default)]
    pub delist: Option<String>,
    /// Terms of use, in a few words.
    #[serde(default)]
    pub policy: Option<String>,
    /// When it died or moved: a year, a month or a day.
    #[serde(default)]
    pub since: Option<String>,
    /// What it answered after that, or in an accident.
    #[serde(default)]
    pub was: Option<String>,
    /// The zone to use instead.
    #[serde(default)]
    pub replacement: Option<String>,
    /// The list that holds this one's data too, so that both are not asked.
    #[serde(default)]
    pub part_of: Option<String>,
    /// An entry that is listed on purpose, besides RFC 5782's.
    #[serde(default)]
    pub test: Option<String>,
    /// When this entry was compared with the list's own pages.
    pub checked: String,
    /// Answers that are bad for the one asked about.
    #[serde(default)]
    pub codes: BTreeMap<Pattern, String>,
    /// Answers that speak for the one asked about.
    #[serde(default)]
    pub good: BTreeMap<Pattern, String>,
    /// Answers that say neither.
    #[serde(default)]
    pub neutral: BTreeMap<Pattern, String>,
    /// Answers by which the list refuses the resolver.
    #[serde(default)]
    pub blocked: BTreeMap<Pattern, String>,
    /// The bits of the last octet, for lists whose answers are sums.
    #[serde(default)]
    pub bits: BTreeMap<Bit, String>,
    /// The bit by which such a list refuses the resolver.
    #[serde(default)]
    pub blocked_bit: Option<u8>,
}

/// A bit of the last octet of an answer: 1, 2, 4, ... 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Bit(pub u8);

impl TryFrom<String> for Bit {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.parse::<u8>() {
            Ok(bit) if bit.is_power_of_two() => Ok(Self(bit)),
            _ => Err(format!("{text}: not a bit of an octet")),
        }
    }
}

/// Answers that mean the same: a range for each octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern([(u8, u8); 4]);

impl Pattern {
    /// Whether an answer is one of these.
    pub fn matches(self, answer: Ipv4Addr) -> bool {
        answer
            .octets()
            .iter()
            .zip(self.0)
            .all(|(octet, (low, high))| (low..=high).contains(octet))
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text}: not four octets, ranges a-b or *");
        let mut octets = [(0, 0); 4];
        let mut parts = text.split('.');
        for octet in &mut octets {
            let part = parts.next().ok_or_else(wrong)?;
            let (low, high) = match part.split_once('-') {
                _ if part == "*" => ("0", "255"),
                Some(range) => range,
                None => (part, part),
            };
            *octet = (
                low.parse().map_err(|_| wrong())?,
                high.parse().map_err(|_| wrong())?,
            );
            if octet.0 > octet.1 {
                return Err(wrong());
            }
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(wrong()),
        }
    }
}

impl Entry {
    /// A list the catalogue does not know, for what the user names: any answer in 127.0.0.0/8 means listed.
    pub fn unknown(zone: &str) -> Self {
        Self {
            zone: zone.trim_matches('.').to_ascii_lowercase(),
            kinds: vec![Kind::Ipv4, Kind::Ipv6, Kind::Domain],
            status: Status::Uncertain,
            delist: None,
            policy: None,
            since: None,
            was: None,
            replacement: None,
            part_of: None,
            test: None,
            checked: String::new(),
            codes: BTreeMap::new(),
            good: BTreeMap::new(),
            neutral: BTreeMap::new(),
            blocked: BTreeMap::new(),
            bits: BTreeMap::new(),
            blocked_bit: None,
        }
    }

    /// Whether this entry is about `zone` (in lower case, no final dot).
    pub fn covers(&self, zone: &str) -> bool {
        match self.zone.strip_prefix("*.") {
            Some(parent) => {
                zone == parent
                    || zone
                        .strip_suffix(parent)
                        .is_some_and(|rest| rest.ends_with('.'))
            }
            None => match self.zone.strip_prefix("{key}.") {
                Some(rest) => zone
                    .split_once('.')
                    .is_some_and(|(_, behind_the_key)| behind_the_key == rest),
                None => zone == self.zone,
            },
        }
    }

    /// The zone with the key put in; `None` when it needs one and there is none, or stands for many zones.
    pub fn zone_with_key(&self, key: Option<&str>) -> Option<String> {
        if self.zone.starts_with("*.") {
            return None;
        }
        if !self.zone.contains("{key}") {
            return Some(self.zone.clone());
        }
        key.filter(|key| !key.is_empty())
            .map(|key| self.zone.replace("{key}", key))
    }

    /// The zone as it may be shown: a key never is.
    pub fn shown(&self) -> String {
        self.zone.replace("{key}", "KEY")
    }

    /// Whether it is asked when nothing else is said: it lives, is free, and no other list holds its data.
    pub fn is_default(&self) -> bool {
        self.status == Status::Live && self.part_of.is_none()
    }
}

#[derive(Deserialize)]
struct File {
    list: Vec<Entry>,
}

/// Reads lists from TOML: an array of tables `list`, members as in [`Entry`].
///
/// # Errors
/// The line and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Entry>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.list)
}

static BUILT_IN: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    // The file is compiled in and a test reads it: it cannot fail here.
    parse(include_str!("catalogue.toml")).unwrap_or_default()
});

/// The lists mailtop knows.
pub fn built_in() -> &'static [Entry] {
    &BUILT_IN
}

/// What the catalogue knows about a zone, also one with a subscriber's key in it.
pub fn find(zone: &str) -> Option<&'static Entry> {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    // An exact entry says more than a wildcard above it.
    built_in()
        .iter()
        .find(|entry| entry.zone == zone)
        .or_else(|| built_in().iter().find(|entry| entry.covers(&zone)))
}

/// The entry of a zone that is dead or has moved: for the check of configurations.
pub fn dead(zone: &str) -> Option<&'static Entry> {
    find(zone).filter(|entry| matches!(entry.status, Status::Dead | Status::Moved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_consistent() {
        let entries = parse(include_str!("catalogue.toml")).unwrap();
        assert!(entries.len() > 60, "{}", entries.len());
        let mut seen = std::collections::BTreeSet::new();
        for entry in &entries {
            let zone = &entry.zone;
            assert!(seen.insert(zone.clone()), "{zone}: twice");
            assert!(!entry.kinds.is_empty(), "{zone}: no kind");
            assert!(entry.checked.starts_with("202"), "{zone}: checked");
            assert_eq!(*zone, zone.to_ascii_lowercase());
            assert!(!zone.ends_with('.') && zone.contains('.'), "{zone}");
            let gone = matches!(entry.status, Status::Dead | Status::Moved);
            assert_eq!(gone, entry.since.is_some(), "{zone}: since");
            assert_eq!(
                entry.status == Status::Moved,
                entry.replacement.is_some(),
                "{zone}: replacement"
            );
            for other in entry.replacement.iter().chain(&entry.part_of) {
                assert!(entries.iter().any(|e| e.zone == *other), "{zone}: {other}");
            }
            if zone.contains("{key}") {
                assert_eq!(entry.status, Status::KeyOnly, "{zone}");
            }
            if entry.blocked_bit.is_some() {
                assert!(!entry.bits.is_empty(), "{zone}: bits");
            }
            let tables = [&entry.codes, &entry.good, &entry.neutral, &entry.blocked];
            for pattern in tables.into_iter().flat_map(BTreeMap::keys) {
                assert_eq!(pattern.0[0], (127, 127), "{zone}: {pattern:?}");
            }
            if let Some(delist) = &entry.delist {
                assert!(delist.starts_with("https://"), "{zone}: {delist}");
            }
        }
    }

    #[test]
    fn dead_lists_are_known_by_every_name() {
        for zone in [
            "relays.ordb.org",
            "Opm.Blitzed.Org.",
            "list.dsbl.org",
            "blackhole.securitysage.com",
            "cbl.abuseat.org",
            "dul.dnsbl.sorbs.net",
            "dnsbl.sorbs.net",
            "combined.njabl.org",
            "dnsbl.ahbl.org",
        ] {
            assert!(dead(zone).is_some(), "{zone}");
        }
        assert!(dead("zen.spamhaus.org").is_none());
        assert!(dead("notsorbs.example").is_none());
        assert!(dead("xdnsbl.sorbs.net").is_none());
        assert_eq!(
            dead("cbl.abuseat.org").unwrap().replacement.as_deref(),
            Some("zen.spamhaus.org")
        );
    }

    #[test]
    fn a_key_is_recognised_and_never_shown() {
        let zone = "0123secret.zen.dq.spamhaus.net";
        let entry = find(zone).unwrap();
        assert_eq!(entry.status, Status::KeyOnly);
        assert_eq!(entry.shown(), "KEY.zen.dq.spamhaus.net");
        assert_eq!(entry.zone_with_key(None), None);
        assert_eq!(entry.zone_with_key(Some("0123secret")).unwrap(), zone);
    }

    #[test]
    fn patterns_are_four_octets() {
        let pattern = Pattern::try_from("127.0.*.2-11".to_owned()).unwrap();
        assert!(pattern.matches(Ipv4Addr::new(127, 0, 9, 11)));
        assert!(!pattern.matches(Ipv4Addr::new(127, 0, 9, 12)));
        for wrong in ["127.0.0", "127.0.0.1.2", "127.0.0.9-2", "127.0.0.x", ""] {
            assert!(Pattern::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(Bit::try_from("3".to_owned()).is_err());
    }
}
