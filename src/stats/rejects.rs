//! Who is refused and why: the Rejects screen's groups, bounded, a record at a time.

use super::causes::{domain, of_reject};
use crate::logparse::event::{Event, Reject, Verdict};
use crate::logparse::{Record, Stamp};
use rustc_hash::FxHashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How many groups a dimension keeps; the rarest are dropped when there are twice as many.
const KEPT: usize = 1000;

/// By what rejects are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Normalised text.
    Reason,
    /// The taxonomy's category ([`crate::logparse::taxonomy::Category::name`]).
    Category,
    /// The smtpd restriction that writes such a text.
    Restriction,
    /// The DNS block list.
    Zone,
    /// The client's address.
    Client,
    /// The client's network: /24 for IPv4, /64 for IPv6.
    Network,
    /// The HELO name.
    Helo,
    /// The envelope sender's domain; `<>` is the null sender.
    SenderDomain,
    /// The envelope recipient.
    Recipient,
    /// The hour of the log's clock, `2026-11-22 08`.
    Hour,
}

impl Dimension {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 10] = [
        Self::Reason,
        Self::Category,
        Self::Restriction,
        Self::Zone,
        Self::Client,
        Self::Network,
        Self::Helo,
        Self::SenderDomain,
        Self::Recipient,
        Self::Hour,
    ];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Category => "category",
            Self::Restriction => "restriction",
            Self::Zone => "block list",
            Self::Client => "client",
            Self::Network => "network",
            Self::Helo => "HELO",
            Self::SenderDomain => "sender domain",
            Self::Recipient => "recipient",
            Self::Hour => "hour",
        }
    }
}

/// One group of rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// The newest one's time.
    pub last: Stamp,
    /// The newest one's text, after the tag. Hostile, as all text of logs.
    pub example: Arc<[u8]>,
}

/// The groups of one dimension.
#[derive(Debug, Clone, Default)]
struct Groups {
    rows: FxHashMap<Box<[u8]>, Group>,
    others: u64,
}

/// All groups.
#[derive(Debug, Clone, Default)]
pub struct Rejects {
    /// Rejects, all together.
    pub total: u64,
    dimensions: [Groups; Dimension::ALL.len()],
}

impl Rejects {
    /// Takes in one record; other events than rejects are ignored.
    pub fn observe(&mut self, record: &Record<'_>) {
        let Event::Reject(reject) = &record.event else {
            return;
        };
        if !matches!(
            reject.verdict,
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject
        ) {
            return;
        }
        let times = u64::from(record.repeat);
        self.total += times;
        let example: Arc<[u8]> = record.text.into();
        for (i, dimension) in Dimension::ALL.into_iter().enumerate() {
            if let Some(name) = name(dimension, record, reject) {
                self.dimensions[i].add(&name, record.time, &example, times);
            }
        }
    }

    /// The `n` largest groups, the largest first.
    pub fn top(&self, dimension: Dimension, n: usize) -> Vec<(&[u8], &Group)> {
        let groups = self.groups(dimension);
        let mut rows: Vec<_> = groups.rows.iter().map(|(k, v)| (&**k, v)).collect();
        rows.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
        rows.truncate(n);
        rows
    }

    /// How many groups a dimension has.
    pub fn len(&self, dimension: Dimension) -> usize {
        self.groups(dimension).rows.len()
    }

    /// Whether nothing was rejected.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Rejects in groups that were dropped because they were rare.
    pub fn others(&self, dimension: Dimension) -> u64 {
        self.groups(dimension).others
    }

    /// Adds another's groups.
    pub fn merge(&mut self, other: Self) {
        self.total += other.total;
        for (mine, theirs) in self.dimensions.iter_mut().zip(other.dimensions) {
            mine.others += theirs.others;
            for (name, group) in theirs.rows {
                mine.add(&name, group.last, &group.example, group.count);
            }
        }
    }

    fn groups(&self, dimension: Dimension) -> &Groups {
        let at = Dimension::ALL
            .iter()
            .position(|d| *d == dimension)
            .unwrap_or(0);
        &self.dimensions[at]
    }
}

impl Groups {
    fn add(&mut self, name: &[u8], time: Stamp, example: &Arc<[u8]>, times: u64) {
        if let Some(group) = self.rows.get_mut(name) {
            group.count += times;
            if time >= group.last {
                group.last = time;
                group.example = Arc::clone(example);
            }
            return;
        }
        self.rows.insert(
            name.into(),
            Group {
                count: times,
                last: time,
                example: Arc::clone(example),
            },
        );
        if self.rows.len() > 2 * KEPT {
            self.drop_rarest();
        }
    }

    fn drop_rarest(&mut self) {
        let mut keys: Vec<_> = self.rows.values().map(|g| (g.count, g.last)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let least = keys[KEPT];
        let others = &mut self.others;
        self.rows.retain(|_, group| {
            let keep = (group.count, group.last) > least;
            if !keep {
                *others += group.count;
            }
            keep
        });
    }
}

/// The group of a reject in a dimension; `None` when it has none.
fn name(dimension: Dimension, record: &Record<'_>, reject: &Reject<'_>) -> Option<Vec<u8>> {
    let known = |text: &[u8]| (!text.is_empty()).then(|| text.to_vec());
    match dimension {
        Dimension::Reason => Some(of_reject(reject)),
        Dimension::Category => Some(reject.category.name().as_bytes().to_vec()),
        Dimension::Restriction => reject.category.restriction().map(|r| r.as_bytes().to_vec()),
        Dimension::Zone => reject.category.zone().map(<[u8]>::to_vec),
        Dimension::Client => known(reject.client.ip),
        Dimension::Network => network(reject.client.ip),
        Dimension::Helo => reject.helo.and_then(known),
        Dimension::SenderDomain => match reject.from? {
            b"" => Some(b"<>".to_vec()),
            from => domain(from).map(<[u8]>::to_ascii_lowercase),
        },
        Dimension::Recipient => reject.to.and_then(known),
        Dimension::Hour => Some(hour(record.time).into_bytes()),
    }
}

/// The /24 or /64 network of an address.
fn network(ip: &[u8]) -> Option<Vec<u8>> {
    let address: IpAddr = std::str::from_utf8(ip).ok()?.parse().ok()?;
    let bits = if address.is_ipv4() { 24 } else { 64 };
    let network = ipnet::IpNet::new(address, bits).ok()?.trunc();
    Some(network.to_string().into_bytes())
}

fn hour(stamp: Stamp) -> String {
    chrono::DateTime::from_timestamp(stamp.seconds() + i64::from(stamp.offset), 0)
        .map(|time| time.format("%Y-%m-%d %H").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Line, Parser, Reference};

    const LINE: &str = "2026-11-22T08:48:35+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.39]: 554 5.7.1 <x@gmail.example>: Relay access denied; from=<a@Liar.example> to=<x@gmail.example> proto=ESMTP helo=<liar>";

    fn observed(count: usize) -> Rejects {
        let mut rejects = Rejects::default();
        let mut parser = Parser::new(Reference::at(1_795_400_000));
        for i in 0..count {
            let line = LINE.replace("203.0.113.39", &format!("203.0.{}.{}", i / 250, i % 250));
            let Line::Postfix(record) = parser.line(line.as_bytes()) else {
                panic!("not understood: {line}");
            };
            rejects.observe(&record);
        }
        rejects
    }

    #[test]
    fn a_reject_is_in_every_dimension_that_it_has() {
        let rejects = observed(1);
        let first = |d| {
            rejects
                .top(d, 1)
                .first()
                .map(|(n, _)| String::from_utf8_lossy(n).into_owned())
        };
        assert_eq!(first(Dimension::Category).as_deref(), Some("relay_denied"));
        assert_eq!(
            first(Dimension::Restriction).as_deref(),
            Some("reject_unauth_destination")
        );
        assert_eq!(first(Dimension::Network).as_deref(), Some("203.0.0.0/24"));
        assert_eq!(
            first(Dimension::SenderDomain).as_deref(),
            Some("liar.example")
        );
        assert_eq!(first(Dimension::Helo).as_deref(), Some("liar"));
        assert_eq!(
            first(Dimension::Recipient).as_deref(),
            Some("x@gmail.example")
        );
        assert_eq!(first(Dimension::Hour).as_deref(), Some("2026-11-22 08"));
        assert_eq!(first(Dimension::Zone), None);
    }

    #[test]
    fn groups_are_bounded_and_nothing_is_lost_from_the_count() {
        let rejects = observed(5 * KEPT);
        assert!(rejects.len(Dimension::Client) <= 2 * KEPT);
        let shown: u64 = rejects
            .top(Dimension::Client, usize::MAX)
            .iter()
            .map(|(_, g)| g.count)
            .sum();
        assert_eq!(shown + rejects.others(Dimension::Client), rejects.total);
        let mut twice = rejects.clone();
        twice.merge(rejects);
        assert_eq!(twice.total, 10 * KEPT as u64);
    }
}
