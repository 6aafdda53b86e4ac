//! Which hosts take mail for a nexthop, in the order to try them.
//!
//! In: `domain`, `[host]`, `[address]`, each with an optional port. Out: addresses, or the outcome that says
//! why there are none (RFC 5321 section 5.1, RFC 7505). Every failure of DNS is either "no" or "do not know".

use super::super::{Outcome, Status};
use crate::dns::{DnsError, Families};
use crate::engine::Site;
use crate::engine::config::Params;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host's name, for the log: of an address, the address.
    pub(super) host: String,
    /// Where to connect.
    pub(super) address: SocketAddr,
    /// Whether a greeting with our own name means a loop: not on a port that only we chose.
    pub(super) detect_loop: bool,
}

/// SMTP's port; on another one no mail exchanger can point back at us.
const SMTP_PORT: u16 = 25;

/// Resolves a nexthop.
pub(super) async fn lookup(site: &Site, nexthop: &str) -> Result<Vec<Target>, Box<Outcome>> {
    let default = &site.params.smtp_tcp_port;
    let Some(default) = port_number(default) else {
        return Err(defer(
            "4.3.5",
            format!("bad port specification: smtp_tcp_port = {default}"),
        ));
    };
    let Some(destination) = Destination::parse(nexthop, default) else {
        return Err(defer(
            "4.3.5",
            format!("bad host/port specification: {nexthop}"),
        ));
    };
    let Destination { host, port, mx } = &destination;
    if let Some(ip) = literal(host) {
        let targets = vec![target(&ip.to_string(), ip, *port)];
        return without_self(&site.params, targets, host, *port);
    }
    if !mx || site.params.disable_dns_lookups {
        let targets = addresses(site, host, *port).await?;
        return without_self(&site.params, targets, host, *port);
    }
    match site.dns.mx(host).await {
        Ok(answer) if answer.records.is_empty() => addresses(site, host, *port).await,
        Ok(answer) => exchangers(site, host, *port, answer.records).await,
        // No exchanger: the domain's own address counts as one (RFC 5321 section 5.1).
        Err(DnsError::NxDomain | DnsError::NoData) => {
            let targets = addresses(site, host, *port).await?;
            without_self(&site.params, targets, host, *port)
        }
        Err(error) => Err(defer("4.4.3", not_found(host, "MX", &error))),
    }
}

async fn exchangers(
    site: &Site,
    domain: &str,
    port: u16,
    mut records: Vec<crate::dns::Mx>,
) -> Result<Vec<Target>, Box<Outcome>> {
    if records.len() == 1 && records[0].exchange.is_empty() {
        let text = format!("Domain {domain} does not accept mail (nullMX)");
        return Err(bounce("5.1.0", text));
    }
    records.retain(|mx| !mx.exchange.is_empty());
    shuffle(&mut records);
    records.sort_by_key(|mx| mx.preference);
    let mut targets = Vec::new();
    let mut failure: Option<Box<Outcome>> = None;
    let mut own_preference = None;
    for mx in &records {
        // Exchangers at or behind our own preference would send it back to us (RFC 5321 section 5.1).
        if own_preference.is_some_and(|own| mx.preference >= own) {
            break;
        }
        match addresses(site, &mx.exchange, port).await {
            Ok(found) => {
                if found.iter().any(|t| is_self(&site.params, t)) {
                    own_preference = Some(mx.preference);
                    targets.retain(|(preference, _)| *preference < mx.preference);
                } else {
                    targets.extend(found.into_iter().map(|t| (mx.preference, t)));
                }
            }
            Err(outcome) => {
                // "Do not know" wins: a mail exchanger that cannot be looked up now may take the mail later.
                if failure.as_ref().is_none_or(|f| f.status == Status::Bounced) {
                    failure = Some(outcome);
                }
            }
        }
    }
    if targets.is_empty() {
        return Err(match (own_preference, failure) {
            (Some(_), _) => loops(domain),
            (None, Some(failure)) => failure,
            (None, None) => bounce("5.4.4", format!("unable to look up host {domain}")),
        });
    }
    Ok(targets.into_iter().map(|(_, target)| target).collect())
}

async fn addresses(site: &Site, host: &str, port: u16) -> Result<Vec<Target>, Box<Outcome>> {
    if site.params.disable_dns_lookups {
        return native(host, port).await;
    }
    let families = families(&site.params);
    match site.dns.addresses(host, families).await {
        Ok(answer) if !answer.records.is_empty() => {
            let mut records = answer.records;
            shuffle(&mut records);
            Ok(records
                .into_iter()
                .map(|ip| target(host, ip, port))
                .collect())
        }
        other => {
            let error = other.err().unwrap_or(DnsError::NoData);
            let kind = if families == Families::Ipv4 {
                "A"
            } else {
                "AAAA"
            };
            let text = not_found(host, kind, &error);
            Err(if error.is_temporary() {
                defer("4.4.3", text)
            } else {
                bounce("5.4.4", text)
            })
        }
    }
}

/// `disable_dns_lookups = yes`: the system's own way of resolving (hosts file, NSS).
async fn native(host: &str, port: u16) -> Result<Vec<Target>, Box<Outcome>> {
    let found = tokio::net::lookup_host((host, port)).await;
    let targets: Vec<_> = found
        .into_iter()
        .flatten()
        .map(|address| target(host, address.ip(), port))
        .collect();
    if targets.is_empty() {
        // getaddrinfo's reason is lost on the way; a wrong "never" would lose mail, a wrong "later" does not.
        return Err(defer("4.4.3", format!("unable to look up host {host}")));
    }
    Ok(targets)
}

fn without_self(
    params: &Params,
    targets: Vec<Target>,
    host: &str,
    port: u16,
) -> Result<Vec<Target>, Box<Outcome>> {
    debug_assert!(targets.iter().all(|t| t.address.port() == port));
    if targets.iter().any(|t| is_self(params, t)) {
        return Err(loops(host));
    }
    Ok(targets)
}

fn is_self(params: &Params, target: &Target) -> bool {
    let ports = params.listeners.iter().map(|l| l.address.port());
    ports.into_iter().any(|p| p == target.address.port())
        && super::is_own_address(params, target.address.ip())
}

fn loops(domain: &str) -> Box<Outcome> {
    bounce("5.4.6", format!("mail for {domain} loops back to myself"))
}

fn target(host: &str, ip: IpAddr, port: u16) -> Target {
    Target {
        host: host.into(),
        address: SocketAddr::new(ip, port),
        detect_loop: port == SMTP_PORT,
    }
}

fn families(params: &Params) -> Families {
    let has = |word: &str| params.inet_protocols.iter().any(|p| p == word);
    match (has("ipv4") || has("all"), has("ipv6") || has("all")) {
        (true, false) => Families::Ipv4,
        (false, true) => Families::Ipv6,
        _ => Families::Both,
    }
}

fn not_found(name: &str, kind: &str, error: &DnsError) -> String {
    let why = match error {
        DnsError::NxDomain => "Host not found".to_owned(),
        DnsError::NoData => "Host found but no data record of requested type".to_owned(),
        DnsError::ServFail | DnsError::Timeout | DnsError::Refused => {
            "Host not found, try again".to_owned()
        }
        other @ DnsError::Other(_) => other.to_string(),
    };
    format!("Host or domain name not found. Name service error for name={name} type={kind}: {why}")
}

fn defer(dsn: &str, text: String) -> Box<Outcome> {
    Box::new(Outcome::new(Status::Deferred, dsn, text, "none"))
}

fn bounce(dsn: &str, text: String) -> Box<Outcome> {
    Box::new(Outcome::new(Status::Bounced, dsn, text, "none"))
}

/// Equal hosts share the load: each attempt begins with another one.
fn shuffle<T>(records: &mut [T]) {
    let random = RandomState::new();
    for at in (1..records.len()).rev() {
        let other = usize::try_from(random.hash_one(at)).unwrap_or(0) % (at + 1);
        records.swap(at, other);
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    let text = match host.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ipv6:") => &host[5..],
        _ => host,
    };
    text.parse().ok()
}

/// A port as main.cf and transport(5) spell it: a number, or the name of a mail service (services(5)).
fn port_number(text: &str) -> Option<u16> {
    match text {
        "smtp" => Some(SMTP_PORT),
        "submission" => Some(587),
        number => number.parse().ok().filter(|port| *port != 0),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Destination {
    host: String,
    port: u16,
    /// Whether to look for mail exchangers: not in brackets.
    mx: bool,
}

impl Destination {
    /// `host`, `host:port`, `[host]`, `[host]:port`.
    fn parse(text: &str, default: u16) -> Option<Self> {
        let (host, port, mx) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':')?),
            };
            (host, port, false)
        } else {
            match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port), true),
                None => (text, None, true),
            }
        };
        let port = match port {
            None => default,
            Some(port) => port_number(port)?,
        };
        (!host.is_empty()).then(|| Self {
            host: host.trim_end_matches('.').to_ascii_lowercase(),
            port,
            mx,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        let parse = |text| Destination::parse(text, 25).map(|d| (d.host, d.port, d.mx));
        assert_eq!(parse("Far.Test"), Some(("far.test".into(), 25, true)));
        assert_eq!(parse("far.test:26"), Some(("far.test".into(), 26, true)));
        assert_eq!(
            parse("[127.0.0.1]:3030"),
            Some(("127.0.0.1".into(), 3030, false))
        );
        assert_eq!(parse("[::1]"), Some(("::1".into(), 25, false)));
        for bad in ["", "[x", "[x]y", "x:0", "x:nope", "[]:25", ":25"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(literal("IPv6:::1"), "::1".parse().ok());
    }

    #[test]
    fn shuffling_keeps_all() {
        let mut numbers: Vec<_> = (0..20).collect();
        shuffle(&mut numbers);
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    }
}
