//! Names of lists, hosts and domains in what the log says.

use crate::logparse::event::Client;
use std::borrow::Cow;

/// The list's name in the name that was looked up: what follows the reversed address (RFC 5782 section
/// 2.1), which is four decimal or 32 hexadecimal labels, or the whole name for a name's lookup.
pub(crate) fn lookup_zone(name: &[u8]) -> &[u8] {
    let skip = |labels: usize, is_one: fn(&[u8]) -> bool| {
        let mut rest = name;
        for _ in 0..labels {
            let dot = memchr::memchr(b'.', rest)?;
            if !is_one(&rest[..dot]) {
                return None;
            }
            rest = &rest[dot + 1..];
        }
        (!rest.is_empty()).then_some(rest)
    };
    let decimal = |l: &[u8]| (1..=3).contains(&l.len()) && l.iter().all(u8::is_ascii_digit);
    let nibble = |l: &[u8]| l.len() == 1 && l[0].is_ascii_hexdigit();
    skip(32, nibble)
        .or_else(|| skip(4, decimal))
        .unwrap_or(name)
}

/// The address with its domain in lower case; the local part's case is its host's business.
pub(super) fn lower_domain(address: &[u8]) -> Cow<'_, [u8]> {
    let mut has_upper = false;
    // Domains are short: a search that is made for long texts would cost more.
    for (at, byte) in address.iter().enumerate().rev() {
        has_upper |= byte.is_ascii_uppercase();
        if *byte == b'@' {
            if !has_upper {
                break;
            }
            let mut lower = address.to_vec();
            lower[at..].make_ascii_lowercase();
            return Cow::Owned(lower);
        }
    }
    Cow::Borrowed(address)
}

/// A client's name, or its address when it has none.
pub(super) fn host_of_client<'a>(client: &Client<'a>) -> &'a [u8] {
    match client.name {
        b"unknown" | b"" => client.ip,
        name => name,
    }
}

/// The name of a client written `name[address]`, or its address when it has no name.
pub(super) fn host_of(client: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'[', client) else {
        return client;
    };
    match &client[..open] {
        b"unknown" | b"" => &client[open + 1..client.len().saturating_sub(1).max(open + 1)],
        name => name,
    }
}

/// Whether an address is of this host: 127/8, ::1, or no address at all but a local socket.
pub(super) fn is_loopback(client: &Client<'_>) -> bool {
    client.ip.starts_with(b"127.") || client.ip == b"::1"
}

/// Whether a relay, `name[address]:port`, is on a loopback address.
pub(super) fn is_loopback_relay(relay: &[u8]) -> bool {
    memchr::memchr(b'[', relay).is_some_and(|open| {
        let address = &relay[open + 1..];
        address.starts_with(b"127.") || address.starts_with(b"::1]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_what_follows_the_reversed_address() {
        assert_eq!(
            lookup_zone(b"157.100.51.198.broken.dnsbl.example"),
            b"broken.dnsbl.example"
        );
        let six = b"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zone.example";
        assert_eq!(lookup_zone(six), b"zone.example");
        assert_eq!(lookup_zone(b"name.zone.example"), b"name.zone.example");
    }

    #[test]
    fn hosts_of_clients() {
        assert_eq!(host_of(b"mx.example[192.0.2.1]"), b"mx.example");
        assert_eq!(host_of(b"unknown[192.0.2.1]"), b"192.0.2.1");
        assert_eq!(host_of(b"unknown["), b"");
        assert_eq!(host_of(b"local submission"), b"local submission");
    }

    #[test]
    fn only_the_domain_is_lowered() {
        assert_eq!(&*lower_domain(b"Joe@Example.ORG"), b"Joe@example.org");
        assert!(matches!(lower_domain(b"Joe@example.org"), Cow::Borrowed(_)));
    }

    #[test]
    fn loopback_relays() {
        assert!(is_loopback_relay(b"127.0.0.1[127.0.0.1]:10024"));
        assert!(is_loopback_relay(b"localhost[::1]:10024"));
        assert!(!is_loopback_relay(b"mx.example[10.0.0.1]:25"));
        assert!(!is_loopback_relay(b"local"));
    }
}
