//! Who is refused and why: the Rejects screen's groups, bounded, a record at a time.

use super::causes::{domain, of_reject};
use super::frequent::{Frequent, Named};
use crate::logparse::event::{Event, Reject, Verdict};
use crate::logparse::{Record, Stamp};
use std::net::IpAddr;

/// By what rejects are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dimension {
    /// Normalised text.
    #[default]
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

    /// Its name on a screen, where ten of them stand in a row.
    pub fn title(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Category => "kind",
            Self::Restriction => "restriction",
            Self::Zone => "list",
            Self::Client => "client",
            Self::Network => "network",
            Self::Helo => "helo",
            Self::SenderDomain => "sender",
            Self::Recipient => "rcpt",
            Self::Hour => "hour",
        }
    }
}

/// All groups.
#[derive(Debug, Clone, Default)]
pub struct Rejects {
    /// Rejects, all together.
    pub total: u64,
    dimensions: [Frequent; Dimension::ALL.len()],
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
        for (groups, dimension) in self.dimensions.iter_mut().zip(Dimension::ALL) {
            if let Some(name) = dimension.of(record, reject) {
                groups.add(&name, record.text, record.time, times);
            }
        }
    }

    /// The `n` largest groups, the largest first.
    pub fn top(&self, dimension: Dimension, n: usize) -> Vec<Named<'_>> {
        self.groups(dimension).top(n)
    }

    /// How many groups a dimension has.
    pub fn len(&self, dimension: Dimension) -> usize {
        self.groups(dimension).len()
    }

    /// Whether nothing was rejected.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How much too high the counts of a dimension may be: 0 unless it has very many groups.
    pub fn error(&self, dimension: Dimension) -> u64 {
        self.groups(dimension).error()
    }

    /// Adds another's groups.
    pub fn merge(&mut self, other: Self) {
        self.total += other.total;
        for (mine, theirs) in self.dimensions.iter_mut().zip(other.dimensions) {
            mine.merge(theirs);
        }
    }

    fn groups(&self, dimension: Dimension) -> &Frequent {
        let at = Dimension::ALL
            .iter()
            .position(|d| *d == dimension)
            .unwrap_or(0);
        &self.dimensions[at]
    }
}

impl Dimension {
    /// The group of a reject; `None` when it has none.
    pub fn of(self, record: &Record<'_>, reject: &Reject<'_>) -> Option<Vec<u8>> {
        let known = |text: &[u8]| (!text.is_empty()).then(|| text.to_vec());
        match self {
            Self::Reason => Some(of_reject(reject)),
            Self::Category => Some(reject.category.name().as_bytes().to_vec()),
            Self::Restriction => reject.category.restriction().map(|r| r.as_bytes().to_vec()),
            Self::Zone => reject.category.zone().map(<[u8]>::to_vec),
            Self::Client => known(reject.client.ip),
            Self::Network => network(reject.client.ip),
            Self::Helo => reject.helo.and_then(known),
            Self::SenderDomain => match reject.from? {
                b"" => Some(b"<>".to_vec()),
                from => domain(from).map(<[u8]>::to_ascii_lowercase),
            },
            Self::Recipient => reject.to.and_then(known),
            Self::Hour => Some(hour(record.time).into_bytes()),
        }
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
                .map(|row| String::from_utf8_lossy(row.name).into_owned())
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
    fn groups_are_bounded_and_say_how_exact_they_are() {
        let rejects = observed(5000);
        assert!(rejects.len(Dimension::Client) < 1024);
        assert!(rejects.error(Dimension::Client) > 0);
        assert_eq!(rejects.error(Dimension::Recipient), 0);
        let mut twice = rejects.clone();
        twice.merge(rejects);
        assert_eq!(twice.total, 10_000);
        assert_eq!(twice.top(Dimension::Recipient, 1)[0].count, 10_000);
    }
}
