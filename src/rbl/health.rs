//! Whether a list can be believed: RFC 5782 section 5's test entries, asked before anything else.
//!
//! In: a list, what kind of target it is to be asked about, and a resolver. Out: a [`Report`]. A list that
//! holds what it must not hold lists the world; one that does not hold what it must is dead.

use super::verdict::{failure, judge, refusal};
use super::{Kind, List, Verdict};
use crate::dns::{Dns, DnsError, Families};
use std::net::IpAddr;

/// How a list does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Its test entries are as they must be.
    Alive,
    /// It cannot be believed, and this is what it says about every target.
    Sick(Verdict),
}

/// A list's health with the question that showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub health: Health,
    /// The question whose answer decided, with the zone as it may be shown.
    pub query: String,
    pub answers: Vec<IpAddr>,
    pub remark: Option<String>,
}

/// The entry every list must hold, and the one it must not: 127.0.0.2 and 127.0.0.1, as IPv6-mapped addresses
/// on IPv6 lists, TEST and INVALID on domain lists.
fn test_entries(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Ipv4 => ("2.0.0.127", "1.0.0.127"),
        Kind::Ipv6 => (
            "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0",
            "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0",
        ),
        Kind::Domain => ("test", "invalid"),
    }
}

/// Asks for the test entries.
pub(super) async fn examine(list: &List, kind: Kind, dns: &Dns) -> Report {
    let (must, must_not) = test_entries(kind);
    let (listed, unlisted) =
        futures_util::future::join(ask(list, must, dns), ask(list, must_not, dns)).await;
    let report = |entry: &str, answers: &Result<Vec<IpAddr>, DnsError>| Report {
        health: Health::Alive,
        query: format!("{entry}.{}", list.shown()),
        answers: answers.clone().unwrap_or_default(),
        remark: None,
    };
    for (entry, outcome) in [(must, &listed), (must_not, &unlisted)] {
        if let Some(meaning) = refused(list, outcome) {
            return Report {
                health: Health::Sick(Verdict::Blocked { meaning }),
                ..report(entry, outcome)
            };
        }
    }
    if let Some(sick) = from_unlisted(list, &unlisted) {
        return Report {
            health: Health::Sick(sick.0),
            remark: sick.1,
            ..report(must_not, &unlisted)
        };
    }
    let sick = from_listed(&listed);
    let dead = matches!(sick, Some((Verdict::Dead, _)));
    // Some domain lists keep a test entry of their own instead of RFC 5782's.
    if let (true, Kind::Domain, Some(own)) = (dead, kind, &list.entry.test) {
        let outcome = ask(list, own, dns).await;
        return match (refused(list, &outcome), from_listed(&outcome)) {
            (Some(meaning), _) => Report {
                health: Health::Sick(Verdict::Blocked { meaning }),
                ..report(own, &outcome)
            },
            (None, Some((verdict, remark))) => Report {
                health: Health::Sick(verdict),
                remark,
                ..report(own, &outcome)
            },
            (None, None) => report(own, &outcome),
        };
    }
    match sick {
        Some((verdict, remark)) => Report {
            health: Health::Sick(verdict),
            remark,
            ..report(must, &listed)
        },
        None => report(must, &listed),
    }
}

async fn ask(list: &List, entry: &str, dns: &Dns) -> Result<Vec<IpAddr>, DnsError> {
    let name = format!("{entry}.{}", list.zone());
    dns.addresses(&name, Families::Ipv4)
        .await
        .map(|answer| answer.records)
}

fn refused(list: &List, outcome: &Result<Vec<IpAddr>, DnsError>) -> Option<String> {
    outcome
        .iter()
        .flatten()
        .find_map(|answer| refusal(&list.entry, *answer))
}

/// What the entry that must not be there says: nothing when it is not there.
fn from_unlisted(
    list: &List,
    outcome: &Result<Vec<IpAddr>, DnsError>,
) -> Option<(Verdict, Option<String>)> {
    let (verdict, remark) = judge(&list.entry, outcome);
    match verdict {
        Verdict::Clean => None,
        // An allow list that allows everybody is no better than a block list that lists everybody.
        Verdict::Listed { .. } | Verdict::Allowed { .. } => Some((
            Verdict::World,
            Some("it lists its own counter-test".to_owned()),
        )),
        other => Some((other, remark)),
    }
}

/// What the entry that must be there says: nothing when it is there, with any value (RFC 5782 says 127.0.0.2,
/// and live lists differ).
fn from_listed(outcome: &Result<Vec<IpAddr>, DnsError>) -> Option<(Verdict, Option<String>)> {
    match outcome {
        Ok(answers) => {
            let plausible = |answer: &IpAddr| matches!(answer, IpAddr::V4(v4) if v4.is_loopback());
            (!answers.iter().any(plausible)).then_some((
                Verdict::Hijacked,
                Some("an answer that no block list gives".to_owned()),
            ))
        }
        Err(DnsError::NxDomain | DnsError::NoData) => Some((
            Verdict::Dead,
            Some("it does not hold its own test entry".to_owned()),
        )),
        Err(error) => Some(failure(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::StaticDns;
    use crate::rbl::named;
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    async fn health(zone: &str, kind: Kind, dns: StaticDns) -> Health {
        let dns: Dns = Arc::new(dns);
        examine(&named(zone), kind, &dns).await.health
    }

    fn a(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, 0, last)
    }

    #[tokio::test]
    async fn a_list_with_its_test_entry_is_alive() {
        let dns = StaticDns::new().address("2.0.0.127.bl.example", a(99));
        assert_eq!(health("bl.example", Kind::Ipv4, dns).await, Health::Alive);
        let v6 = format!("{}.bl.example", test_entries(Kind::Ipv6).0);
        let dns = StaticDns::new().address(&v6, a(2));
        assert_eq!(health("bl.example", Kind::Ipv6, dns).await, Health::Alive);
        let dns = StaticDns::new().address("test.bl.example", a(2));
        assert_eq!(health("bl.example", Kind::Domain, dns).await, Health::Alive);
        // An entry of the list's own does as well.
        let dns = StaticDns::new().address("test.surbl.org.multi.surbl.org", a(254));
        assert_eq!(
            health("multi.surbl.org", Kind::Domain, dns).await,
            Health::Alive
        );
    }

    #[tokio::test]
    async fn a_sick_list_is_found_out() {
        let both = |zone: &str, answer: Ipv4Addr| {
            StaticDns::new()
                .address(&format!("2.0.0.127.{zone}"), answer)
                .address(&format!("1.0.0.127.{zone}"), answer)
        };
        let sick = async |dns: StaticDns| match health("bl.example", Kind::Ipv4, dns).await {
            Health::Sick(verdict) => verdict.word(),
            Health::Alive => "alive",
        };
        assert_eq!(sick(both("bl.example", a(2))).await, "world");
        assert_eq!(
            sick(both("bl.example", Ipv4Addr::new(192, 0, 2, 1))).await,
            "hijacked"
        );
        assert_eq!(
            sick(both("bl.example", Ipv4Addr::new(127, 255, 255, 254))).await,
            "blocked"
        );
        assert_eq!(sick(StaticDns::new()).await, "dead");
        let failing = |error| {
            StaticDns::new()
                .address("2.0.0.127.bl.example", a(2))
                .failure("1.0.0.127.bl.example", error)
        };
        assert_eq!(sick(failing(DnsError::Timeout)).await, "timeout");
        assert_eq!(sick(failing(DnsError::ServFail)).await, "servfail");
        assert_eq!(sick(failing(DnsError::Refused)).await, "refused");
    }
}
