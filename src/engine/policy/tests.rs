//! DNS restrictions against a small world: a name that does not exist is refused, a name that could not be
//! looked up is put off, and a deferral gives way to a later refusal (defer_if_permit).

use super::explain::explain;
use crate::dns::{DnsError, StaticDns};
use crate::engine::Site;
use crate::engine::config::Params;
use crate::engine::maillog::{Maillog, Stamp};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A world in which `good.test` exists, `gone.test` does not, and `broken.test` and `slow.test` cannot be asked.
fn world() -> StaticDns {
    let client = Ipv4Addr::new(192, 0, 2, 1);
    StaticDns::new()
        .pointer(client, "mail.good.test")
        .address("mail.good.test", client)
        .mx_record("good.test", 10, "mail.good.test")
        .failure("broken.test", DnsError::ServFail)
        .failure("slow.test", DnsError::Timeout)
        .failure("3.2.0.192.in-addr.arpa", DnsError::ServFail)
}

/// What RCPT is answered under these restrictions; refusals of unknown names are permanent here, so that a
/// temporary answer can only come from a temporary failure.
async fn rcpt(restrictions: &str, client: [u8; 4], helo: &str, from: &str, to: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "mynetworks = 127.0.0.0/8\nmydestination = mx.test\nlocal_recipient_maps =\n\
         unknown_address_reject_code = 550\nunknown_client_reject_code = 550\n\
         unknown_hostname_reject_code = 550\nsmtpd_relay_restrictions =\n\
         smtpd_recipient_restrictions = {restrictions}\n"
    );
    let log = Maillog::open(&dir.path().join("log"), "mx", "postfix", Stamp::default());
    let site = Site {
        params: Arc::new(Params::from_text(&text, dir.path())),
        log: log.unwrap(),
        dns: Arc::new(world()),
    };
    let steps = explain(&site, Ipv4Addr::from(client).into(), helo, from, to).await;
    steps.last().unwrap().reason.clone()
}

const KNOWN: [u8; 4] = [192, 0, 2, 1];

#[tokio::test]
async fn a_failed_look_up_of_a_domain_is_never_a_refusal() {
    for (from, code) in [
        ("a@good.test", "250 2.1.5"),
        ("a@gone.test", "550 5.1.8"),
        ("a@broken.test", "450 4.1.8"),
        ("a@slow.test", "450 4.1.8"),
        ("", "250 2.1.5"),
    ] {
        let rules = "reject_unknown_sender_domain, permit";
        let reply = rcpt(rules, KNOWN, "mail.good.test", from, "b@mx.test").await;
        assert!(reply.starts_with(code), "{from}: {reply}");
    }
    for (to, code) in [
        ("b@good.test", "250 2.1.5"),
        ("b@gone.test", "550 5.1.2"),
        ("b@broken.test", "450 4.1.2"),
        ("b@slow.test", "450 4.1.2"),
    ] {
        let rules = "reject_unknown_recipient_domain, permit";
        let reply = rcpt(rules, KNOWN, "mail.good.test", "a@good.test", to).await;
        assert!(reply.starts_with(code), "{to}: {reply}");
    }
}

#[tokio::test]
async fn a_failed_look_up_of_a_host_is_never_a_refusal() {
    for (helo, code) in [
        ("mail.good.test", "250 2.1.5"),
        ("gone.test", "550 5.7.1"),
        ("broken.test", "450 4.7.1"),
        ("slow.test", "450 4.7.1"),
    ] {
        let rules = "reject_unknown_helo_hostname, permit";
        let reply = rcpt(rules, KNOWN, helo, "a@good.test", "b@mx.test").await;
        assert!(reply.starts_with(code), "{helo}: {reply}");
    }
    for (client, code) in [
        (KNOWN, "250 2.1.5"),
        ([192, 0, 2, 2], "550 5.7.25"),
        ([192, 0, 2, 3], "450 4.7.25"),
    ] {
        let rules = "reject_unknown_client_hostname, permit";
        let reply = rcpt(rules, client, "mail.good.test", "a@good.test", "b@mx.test").await;
        assert!(reply.starts_with(code), "{client:?}: {reply}");
    }
}

#[tokio::test]
async fn a_deferral_gives_way_to_a_later_refusal() {
    let rules = "reject_unknown_sender_domain, reject_unauth_destination, permit";
    let local = rcpt(rules, KNOWN, "mail.good.test", "a@broken.test", "b@mx.test").await;
    assert!(local.starts_with("450 4.1.8"), "{local}");
    let relay = rcpt(
        rules,
        KNOWN,
        "mail.good.test",
        "a@broken.test",
        "b@good.test",
    )
    .await;
    assert!(relay.starts_with("554 5.7.1"), "{relay}");
    assert!(relay.ends_with("Relay access denied"), "{relay}");
}
