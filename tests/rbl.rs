//! Block lists against rbldnsd, and the resolver against servers that misbehave.

use crate::peers::bad_dns::{Answer, BadDns};
use crate::peers::rbldnsd::{Rbldnsd, Zone};
use mailtop::dns::{self, DnsError, DnsOptions, Families};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

fn resolver(servers: &[SocketAddr]) -> dns::Dns {
    dns::system(&DnsOptions {
        servers: servers.to_vec(),
        timeout: Duration::from_millis(500),
        attempts: 2,
    })
    .unwrap()
}

#[tokio::test]
async fn the_resolver_reads_a_zone_of_rbldnsd() {
    let server = Rbldnsd::start(&[Zone {
        name: "world.example",
        kind: "generic",
        data: "$TTL 120\n@ MX 10 mx1.world.example.\n@ MX 20 .\nmx1 A 192.0.2.1\nmx1 A 192.0.2.2\n\
                   t TXT \"hello there\"\n",
    }]);
    let dns = resolver(&[server.address]);
    let mx = dns.mx("world.example").await.unwrap();
    assert_eq!(mx.records.len(), 2);
    let mx1 = mx.records.iter().find(|mx| mx.preference == 10).unwrap();
    assert_eq!(mx1.exchange, "mx1.world.example");
    let null = mx.records.iter().find(|mx| mx.preference == 20).unwrap();
    assert_eq!(null.exchange, "");
    let both = dns
        .addresses("mx1.world.example", Families::Both)
        .await
        .unwrap();
    assert_eq!(both.records.len(), 2);
    assert!((1..=120).contains(&both.ttl), "{}", both.ttl);
    let text = dns.txt("t.world.example").await.unwrap();
    assert_eq!(text.records, [b"hello there".to_vec()]);
    assert_eq!(
        dns.mx("mx1.world.example").await,
        Err(DnsError::NoData),
        "the name exists"
    );
    assert_eq!(
        dns.mx("nobody.world.example").await,
        Err(DnsError::NxDomain)
    );
    assert_eq!(dns.mx("elsewhere.example").await, Err(DnsError::Refused));
}

#[tokio::test]
async fn failures_are_never_taken_for_answers() {
    let server = BadDns::start(|name| match name.split('.').next().unwrap_or_default() {
        "servfail" | "9" => Answer::Code(2),
        "nx" => Answer::Code(3),
        "refused" => Answer::Code(5),
        "empty" => Answer::Code(0),
        "silent" => Answer::Silence,
        "garbage" => Answer::Garbage,
        _ => Answer::Address([192, 0, 2, 9]),
    });
    let dns = resolver(&[server.address]);
    let ask = async |name: &'static str| dns.addresses(name, Families::Ipv4).await;
    assert_eq!(ask("servfail.example").await, Err(DnsError::ServFail));
    assert_eq!(ask("nx.example").await, Err(DnsError::NxDomain));
    assert_eq!(ask("refused.example").await, Err(DnsError::Refused));
    assert_eq!(ask("empty.example").await, Err(DnsError::NoData));
    assert_eq!(ask("silent.example").await, Err(DnsError::Timeout));
    assert!(
        ask("garbage.example")
            .await
            .is_err_and(|e| e.is_temporary())
    );
    // Names under 127.in-addr.arpa are asked for like any other: nobody answers them for the server.
    assert_eq!(
        dns.ptr(IpAddr::from([127, 0, 0, 9])).await,
        Err(DnsError::ServFail)
    );
    assert_eq!(
        ask("fine.example").await.unwrap().records,
        [IpAddr::from([192, 0, 2, 9])]
    );
}

#[tokio::test]
async fn a_broken_server_does_not_hide_what_the_next_one_knows() {
    let broken = BadDns::start(|_| Answer::Code(2));
    let silent = BadDns::start(|_| Answer::Silence);
    let good = BadDns::start(|_| Answer::Address([192, 0, 2, 9]));
    let dns = resolver(&[broken.address, silent.address, good.address]);
    let answer = dns.addresses("a.example", Families::Ipv4).await.unwrap();
    assert_eq!(answer.records, [IpAddr::from([192, 0, 2, 9])]);
}
