//! Block lists against rbldnsd, and the resolver against servers that misbehave.

use crate::peers::bad_dns::{Answer, BadDns};
use crate::peers::mailtop;
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

/// Runs `mailtop rbl --json` and gives its exit status and findings by zone.
fn rbl(server: SocketAddr, targets: &[&str], lists: &[&str]) -> (i32, Vec<serde_json::Value>) {
    let output = mailtop()
        .arg("rbl")
        .args(targets)
        .args(["--json", "--resolver", &server.to_string()])
        .args(lists.iter().flat_map(|list| ["--list", list]))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let findings = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code().unwrap(), findings)
}

fn verdict<'a>(findings: &'a [serde_json::Value], target: &str, zone: &str) -> &'a str {
    let mut of_this = findings
        .iter()
        .filter(|finding| finding["target"] == target && finding["zone"] == zone);
    let verdict = of_this.next().map(|finding| &finding["verdict"]);
    assert!(of_this.next().is_none(), "{target} {zone}: twice");
    verdict
        .and_then(serde_json::Value::as_str)
        .unwrap_or_else(|| panic!("{target} {zone}: no finding"))
}

const IP4_LIST: &str = ":127.0.0.2:listed for a test, see https://example.com/?$\n127.0.0.2\n192.0.2.9\n\
    :127.0.0.4:exploited\n192.0.2.10\n";

#[test]
fn healthy_lists_tell_listed_from_clean() {
    let server = Rbldnsd::start(&[
        Zone {
            name: "zen.spamhaus.org",
            kind: "ip4set",
            data: IP4_LIST,
        },
        Zone {
            name: "psbl.surriel.com",
            kind: "ip4set",
            data: IP4_LIST,
        },
        Zone {
            name: "dbl.spamhaus.org",
            kind: "dnset",
            data: ":127.0.1.2:spam\ntest\nspam.example\n:127.0.1.4:phish\n.phish.example\n",
        },
        Zone {
            name: "multi.surbl.org",
            kind: "dnset",
            data: ":127.0.0.72:x\ntest\nspam.example\n",
        },
        Zone {
            name: "list.dnswl.org",
            kind: "ip4set",
            data: ":127.0.5.2:good.example\n127.0.0.2\n192.0.2.20\n",
        },
        Zone {
            name: "six.example",
            kind: "ip6trie",
            data: ":127.0.0.2:v6\n::ffff:7f00:2/128\n2001:db8::/64\n",
        },
    ]);
    let lists = ["zen.spamhaus.org", "psbl.surriel.com", "list.dnswl.org"];
    let targets = ["192.0.2.9", "192.0.2.10", "192.0.2.20"];
    let (status, found) = rbl(server.address, &targets, &lists);
    assert_eq!(status, 1);
    assert_eq!(found.len(), 9);
    assert_eq!(verdict(&found, "192.0.2.9", "zen.spamhaus.org"), "listed");
    assert_eq!(verdict(&found, "192.0.2.20", "zen.spamhaus.org"), "clean");
    assert_eq!(verdict(&found, "192.0.2.9", "list.dnswl.org"), "clean");
    assert_eq!(verdict(&found, "192.0.2.20", "list.dnswl.org"), "allowed");
    let exploited = found
        .iter()
        .find(|f| f["target"] == "192.0.2.10" && f["zone"] == "zen.spamhaus.org")
        .unwrap();
    assert_eq!(exploited["codes"][0], "127.0.0.4");
    assert_eq!(exploited["meanings"][0], "XBL: exploited host");
    assert_eq!(exploited["txt"][0], "exploited");
    assert_eq!(exploited["query"], "10.2.0.192.zen.spamhaus.org");
    assert_eq!(exploited["resolver"], server.address.to_string());

    let lists = ["dbl.spamhaus.org", "multi.surbl.org"];
    let targets = ["someone@spam.example", "www.phish.example", "good.example"];
    let (status, found) = rbl(server.address, &targets, &lists);
    assert_eq!(status, 1);
    assert_eq!(
        verdict(&found, "spam.example", "dbl.spamhaus.org"),
        "listed"
    );
    assert_eq!(verdict(&found, "spam.example", "multi.surbl.org"), "listed");
    assert_eq!(
        verdict(&found, "www.phish.example", "dbl.spamhaus.org"),
        "listed"
    );
    assert_eq!(verdict(&found, "good.example", "multi.surbl.org"), "clean");

    let targets = ["2001:db8::25", "2001:db8:1::25"];
    let (_, found) = rbl(server.address, &targets, &["six.example"]);
    assert_eq!(verdict(&found, "2001:db8::25", "six.example"), "listed");
    assert_eq!(verdict(&found, "2001:db8:1::25", "six.example"), "clean");

    let (status, _) = rbl(server.address, &["192.0.2.77"], &["zen.spamhaus.org"]);
    assert_eq!(status, 0);
}

#[test]
fn sick_lists_of_rbldnsd_are_never_believed() {
    let world = ":127.0.0.2:everybody\n127.0.0.0/8\n192.0.0.0/8\n";
    let server = Rbldnsd::start(&[
        Zone {
            name: "world.example",
            kind: "ip4set",
            data: world,
        },
        Zone {
            name: "emptied.example",
            kind: "ip4set",
            data: "192.0.2.9\n",
        },
        Zone {
            name: "parked.example",
            kind: "ip4set",
            data: ":192.0.2.80:parked\n127.0.0.0/8\n192.0.0.0/8\n",
        },
    ]);
    let lists = [
        "world.example",
        "emptied.example",
        "parked.example",
        "gone.example",
    ];
    let (status, found) = rbl(server.address, &["192.0.2.9", "192.0.2.77"], &lists);
    assert_eq!(status, 2, "no list said anything about them");
    for target in ["192.0.2.9", "192.0.2.77"] {
        assert_eq!(verdict(&found, target, "world.example"), "world");
        assert_eq!(verdict(&found, target, "emptied.example"), "dead");
        assert_eq!(verdict(&found, target, "parked.example"), "hijacked");
        // rbldnsd refuses what it does not serve.
        assert_eq!(verdict(&found, target, "gone.example"), "refused");
    }
}

/// What a list does about the target after it passed its health test, and what must be made of it.
#[test]
fn no_failure_becomes_listed_or_clean() {
    // The first label of the zone says what the server does; those named sick-* already fail the health test.
    let server = BadDns::start(|name| {
        let zone = name.split('.').rev().nth(1).unwrap_or_default();
        let (sick, what) = zone
            .strip_prefix("sick-")
            .map_or((false, zone), |what| (true, what));
        if !sick && (name.starts_with("2.0.0.127.") || name.starts_with("test.")) {
            return Answer::Address([127, 0, 0, 2]);
        }
        if !sick && (name.starts_with("1.0.0.127.") || name.starts_with("invalid.")) {
            return Answer::Code(3);
        }
        match what {
            "refused" => Answer::Code(5),
            "servfail" => Answer::Code(2),
            "silent" => Answer::Silence,
            "nx" => Answer::Code(3),
            "blocked" => Answer::Address([127, 255, 255, 254]),
            "parked" => Answer::Address([198, 51, 100, 7]),
            "garbage" => Answer::Garbage,
            _ => Answer::Address([127, 0, 0, 2]),
        }
    });
    let expected = [
        ("refused.example", "refused"),
        ("servfail.example", "servfail"),
        ("silent.example", "timeout"),
        ("nx.example", "clean"),
        ("blocked.example", "blocked"),
        ("parked.example", "hijacked"),
        ("good.example", "listed"),
        ("sick-refused.example", "refused"),
        ("sick-servfail.example", "servfail"),
        ("sick-silent.example", "timeout"),
        ("sick-nx.example", "dead"),
        ("sick-blocked.example", "blocked"),
        ("sick-parked.example", "hijacked"),
        ("sick-good.example", "world"),
    ];
    let mut lists: Vec<&str> = expected.iter().map(|(zone, _)| *zone).collect();
    lists.extend(["garbage.example", "sick-garbage.example"]);
    let (status, found) = rbl(server.address, &["192.0.2.9"], &lists);
    assert_eq!(status, 1);
    for (zone, word) in expected {
        assert_eq!(verdict(&found, "192.0.2.9", zone), word, "{zone}");
    }
    for zone in ["garbage.example", "sick-garbage.example"] {
        let word = verdict(&found, "192.0.2.9", zone);
        assert!(matches!(word, "servfail" | "timeout"), "{zone}: {word}");
    }
}

#[test]
fn the_bit_of_refusal_is_no_listing() {
    let server = BadDns::start(|name| {
        if name.starts_with("invalid.") {
            return Answer::Code(3);
        }
        Answer::Address([127, 0, 0, if name.starts_with("test") { 254 } else { 1 }])
    });
    let (status, found) = rbl(
        server.address,
        &["good.example"],
        &["multi.surbl.org", "multi.uribl.com"],
    );
    assert_eq!(status, 2);
    assert_eq!(
        verdict(&found, "good.example", "multi.surbl.org"),
        "blocked"
    );
    assert_eq!(
        verdict(&found, "good.example", "multi.uribl.com"),
        "blocked"
    );
}

#[test]
fn people_get_a_sorted_summary_and_keys_stay_hidden() {
    let server = Rbldnsd::start(&[
        Zone {
            name: "b.barracudacentral.org",
            kind: "ip4set",
            data: IP4_LIST,
        },
        Zone {
            name: "hushhush.zen.dq.spamhaus.net",
            kind: "ip4set",
            data: IP4_LIST,
        },
    ]);
    let mut child = mailtop()
        .args(["rbl", "-", "--resolver", &server.address.to_string()])
        .args([
            "--list",
            "b.barracudacentral.org,hushhush.zen.dq.spamhaus.net",
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        b"# a comment\n\n192.0.2.9\n192.0.2.50\n",
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.starts_with("192.0.2.9: listed on 2 of 2 lists, clean on 0\n"),
        "{text}"
    );
    assert!(text.contains("KEY.zen.dq.spamhaus.net"), "{text}");
    assert!(!text.contains("hushhush"), "{text}");
    assert!(
        text.contains("listed for a test, see https://example.com/?192.0.2.9"),
        "{text}"
    );
    assert!(text.contains("removal: https://"), "{text}");
    assert!(
        text.ends_with("192.0.2.50: listed on 0 of 2 lists, clean on 2\n"),
        "{text}"
    );
}

#[test]
fn wrong_arguments_end_with_status_2() {
    for arguments in [
        &["rbl"][..],
        &["rbl", "not a target"],
        &["rbl", "10.0.0.0/8"],
        &["rbl", "192.0.2.1", "--resolver", "nowhere"],
    ] {
        let output = mailtop().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}
