//! The DNS server of the demonstration's world: UDP on 127.0.0.1, an authority for everything under `.example`
//! and for 127.in-addr.arpa.
//!
//! In: questions. Out: answers from the tables of [`super::world`]. It refuses what is not its world.

use super::world::{
    ADDRESS_LIST, DOMAIN_LIST, DOMAINS, HOME, NO_MAIL, Place, SPAMMER, client_address,
};
use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, MX, PTR, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record};
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr as _;
use tokio::net::UdpSocket;

/// Seconds an answer may be kept.
const TTL: u32 = 300;

/// Binds the server, lets it run on the current runtime and returns where it answers.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        // The largest message EDNS lets a client send over UDP here.
        let mut buffer = [0; 4096];
        loop {
            let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            if let Some(reply) = reply(buffer.get(..length).unwrap_or_default()) {
                let _ = socket.send_to(&reply, client).await;
            }
        }
    });
    Ok(address)
}

/// The reply to one message; `None` when it is no question.
fn reply(question: &[u8]) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    if question.metadata.message_type != MessageType::Query {
        return None;
    }
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let mut reply = Message::response(question.metadata.id, question.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_desired = question.metadata.recursion_desired;
    match node(name) {
        Answer::Refused => reply.metadata.response_code = ResponseCode::Refused,
        Answer::NoName => reply.metadata.response_code = ResponseCode::NXDomain,
        Answer::Records(records) => {
            for data in records {
                if data.record_type() == query.query_type() {
                    reply.add_answer(Record::from_rdata(query.name().clone(), TTL, data));
                }
            }
        }
    }
    reply.add_query(query);
    reply.to_vec().ok()
}

/// What stands at a name.
enum Answer {
    Records(Vec<RData>),
    NoName,
    Refused,
}

fn node(name: &str) -> Answer {
    let records = if let Some(reversed) = name.strip_suffix(".in-addr.arpa") {
        pointer(reversed)
    } else if let Some(reversed) = within(name, ADDRESS_LIST) {
        listed_address(reversed)
    } else if let Some(domain) = within(name, DOMAIN_LIST) {
        listed_domain(domain)
    } else if name == "example" || name.ends_with(".example") {
        host(name)
    } else {
        return Answer::Refused;
    };
    records.map_or(Answer::NoName, Answer::Records)
}

/// The labels before a zone; empty for the zone itself.
fn within<'a>(name: &'a str, zone: &str) -> Option<&'a str> {
    let labels = name.strip_suffix(zone)?;
    if labels.is_empty() {
        return Some(labels);
    }
    labels.strip_suffix('.')
}

/// The address in reversed octets.
fn reversed_address(reversed: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut labels = reversed.split('.');
    for octet in octets.iter_mut().rev() {
        *octet = labels.next()?.parse().ok()?;
    }
    labels.next().is_none().then(|| octets.into())
}

fn pointer(reversed: &str) -> Option<Vec<RData>> {
    let address = reversed_address(reversed)?;
    let name = match Place::of(address) {
        Some(place) => place.name(address)?,
        None => mail_server_name(address)?,
    };
    Some(vec![RData::PTR(PTR(absolute(&name)?))])
}

/// The mail servers of the other domains and our own.
fn mail_server_name(address: Ipv4Addr) -> Option<String> {
    if address == Ipv4Addr::LOCALHOST {
        return Some(format!("mail.{HOME}"));
    }
    let domain = DOMAINS.iter().find(|domain| domain.server == address)?;
    Some(format!("mx.{}", domain.name))
}

fn host(name: &str) -> Option<Vec<RData>> {
    let a = |address: Ipv4Addr| vec![RData::A(A(address))];
    let mx = |exchange: &str| Some(vec![RData::MX(MX::new(10, absolute(exchange)?))]);
    if name == HOME {
        return mx(&format!("mail.{HOME}"));
    }
    if name == format!("mail.{HOME}") {
        return Some(a(Ipv4Addr::LOCALHOST));
    }
    if name == NO_MAIL {
        return Some(vec![RData::MX(MX::new(0, Name::root()))]);
    }
    if name == SPAMMER {
        return Some(a(Ipv4Addr::new(127, 66, 0, 1)));
    }
    if let Some(domain) = DOMAINS.iter().find(|domain| domain.name == name) {
        return mx(&format!("mx.{}", domain.name));
    }
    let domain = name
        .strip_prefix("mx.")
        .and_then(|name| DOMAINS.iter().find(|domain| domain.name == name));
    if let Some(domain) = domain {
        return Some(a(domain.server));
    }
    client_address(name).map(a)
}

/// Hosts of 127.66.0.0/16, and RFC 5782's test entry.
fn listed_address(reversed: &str) -> Option<Vec<RData>> {
    if reversed.is_empty() {
        return Some(Vec::new());
    }
    let address = reversed_address(reversed)?;
    let code = if address == Ipv4Addr::new(127, 0, 0, 2) {
        2
    } else if Place::of(address) == Some(Place::Listed) {
        // Even ones sent spam themselves, odd ones are exploited.
        if address.octets()[3] % 2 == 0 { 2 } else { 4 }
    } else {
        return None;
    };
    let why = format!("Blocked: {address} sends spam, see https://watch.example/?ip={address}");
    Some(entry(code, why))
}

fn listed_domain(domain: &str) -> Option<Vec<RData>> {
    match domain {
        "" => Some(Vec::new()),
        "test" | SPAMMER => Some(entry(
            2,
            format!("{domain} was seen in spam, see https://watch.example/?domain={domain}"),
        )),
        _ => None,
    }
}

fn entry(code: u8, why: String) -> Vec<RData> {
    vec![
        RData::A(A(Ipv4Addr::new(127, 0, 0, code))),
        RData::TXT(TXT::new(vec![why])),
    ]
}

fn absolute(name: &str) -> Option<Name> {
    Name::from_str(&format!("{name}.")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{DnsError, DnsOptions, Families, system};
    use std::net::IpAddr;

    #[tokio::test]
    async fn the_world_is_consistent_through_the_real_resolver() {
        let server = start().await.unwrap();
        let dns = system(&DnsOptions {
            servers: vec![server],
            ..DnsOptions::default()
        })
        .unwrap();
        for domain in DOMAINS {
            let mx = dns.mx(domain.name).await.unwrap();
            let address = dns
                .addresses(&mx.records[0].exchange, Families::Both)
                .await
                .unwrap();
            assert_eq!(address.records, [IpAddr::V4(domain.server)]);
        }
        let client = IpAddr::from([127, 3, 4, 5]);
        let name = dns.ptr(client).await.unwrap().records.remove(0);
        let back = dns.addresses(&name, Families::Ipv4).await.unwrap();
        assert_eq!(back.records, [client]);
        let nameless = dns.ptr(IpAddr::from([127, 4, 4, 5])).await;
        assert_eq!(nameless, Err(DnsError::NxDomain));
        assert_eq!(dns.mx(NO_MAIL).await.unwrap().records[0].exchange, "");
        assert_eq!(
            dns.mx(super::super::world::NOWHERE).await,
            Err(DnsError::NxDomain)
        );
        assert_eq!(dns.mx("example.com").await, Err(DnsError::Refused));
    }

    #[tokio::test]
    async fn its_block_lists_pass_their_health_test() {
        let server = start().await.unwrap();
        let dns = system(&DnsOptions {
            servers: vec![server],
            ..DnsOptions::default()
        })
        .unwrap();
        let mut targets = crate::rbl::Target::parse("127.66.1.4").unwrap();
        targets.extend(crate::rbl::Target::parse("127.2.1.4").unwrap());
        targets.extend(crate::rbl::Target::parse(SPAMMER).unwrap());
        let mut lists = vec![
            crate::rbl::named(ADDRESS_LIST),
            crate::rbl::named(DOMAIN_LIST),
        ];
        lists[0].entry.kinds = vec![crate::rbl::Kind::Ipv4];
        lists[1].entry.kinds = vec![crate::rbl::Kind::Domain];
        let mut findings = crate::rbl::run(targets, lists, dns, crate::rbl::Options::default());
        let mut words = Vec::new();
        while let Some(finding) = findings.recv().await {
            words.push((finding.target.to_string(), finding.verdict.word()));
        }
        words.sort();
        assert_eq!(
            words,
            [
                ("127.2.1.4".to_owned(), "clean"),
                ("127.66.1.4".to_owned(), "listed"),
                (SPAMMER.to_owned(), "listed"),
            ]
        );
    }

    #[test]
    fn garbage_gets_no_reply() {
        assert!(reply(b"").is_none());
        assert!(reply(&[0xff; 40]).is_none());
    }
}
