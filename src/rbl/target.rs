//! What is asked about: an address or a domain, as users write them.
//!
//! In: `192.0.2.1`, `[2001:db8::1]`, `192.0.2.0/28`, `example.com`, `someone@example.com`. Out: [`Target`]s.

use super::Kind;
use crate::dns::reverse_labels;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

/// The most addresses one range may stand for: a class C network, which is what a provider hands out.
const WIDEST_RANGE: usize = 256;

/// One address or domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// An IP address.
    Address(IpAddr),
    /// A domain or host name in lower case without the final dot.
    Domain(String),
}

/// What could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither an address nor a domain.
    #[error("{0}: neither an IP address nor a domain")]
    Unknown(String),
    /// A range of too many addresses.
    #[error("{0}: more than 256 addresses (try: a /24 or smaller, or /120 for IPv6)")]
    TooWide(String),
}

impl Target {
    /// What the text stands for: one target, or the addresses of a small range.
    pub fn parse(text: &str) -> Result<Vec<Self>, TargetError> {
        let text = text.trim();
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let bare = bare.strip_prefix("IPv6:").unwrap_or(bare);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![Self::Address(address.to_canonical())]);
        }
        if let Ok(range) = bare.parse::<IpNet>() {
            return Self::range(range, text);
        }
        // A local part may hold an @ in quotes; the domain stands after the last one.
        let domain = text.rsplit('@').next().unwrap_or(text);
        Self::domain(domain).map_or_else(
            || Err(TargetError::Unknown(text.to_owned())),
            |target| Ok(vec![target]),
        )
    }

    fn range(range: IpNet, text: &str) -> Result<Vec<Self>, TargetError> {
        let host_bits = range.max_prefix_len() - range.prefix_len();
        if host_bits > WIDEST_RANGE.trailing_zeros().try_into().unwrap_or(0) {
            return Err(TargetError::TooWide(text.to_owned()));
        }
        // `hosts()` leaves out network and broadcast addresses; a block list may hold them all the same.
        let first = range.network();
        let count = 1_u128 << host_bits;
        Ok((0..count)
            .map(|offset| {
                Self::Address(match first {
                    IpAddr::V4(v4) => {
                        let offset = u32::try_from(offset).unwrap_or(0);
                        IpAddr::V4((u32::from(v4).wrapping_add(offset)).into())
                    }
                    IpAddr::V6(v6) => IpAddr::V6((u128::from(v6).wrapping_add(offset)).into()),
                })
            })
            .collect())
    }

    fn domain(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_lowercase();
        // 253 octets are the longest name in text form (RFC 1035 section 2.3.4).
        let fits = name.len() <= 253 && name.contains('.');
        let labels = name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        });
        // All digits at the end would be a mistyped address, not a domain.
        let top = name.rsplit('.').next().unwrap_or_default();
        let numeric = top.bytes().all(|byte| byte.is_ascii_digit());
        (fits && labels && !numeric).then_some(Self::Domain(name))
    }

    /// Which lists can be asked about it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Address(IpAddr::V4(_)) => Kind::Ipv4,
            Self::Address(IpAddr::V6(_)) => Kind::Ipv6,
            Self::Domain(_) => Kind::Domain,
        }
    }

    /// The name to look up in a zone.
    pub fn query(&self, zone: &str) -> String {
        match self {
            Self::Address(address) => format!("{}.{zone}", reverse_labels(*address)),
            Self::Domain(domain) => format!("{domain}.{zone}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Domain(domain) => f.write_str(domain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Target {
        let mut targets = Target::parse(text).unwrap();
        assert_eq!(targets.len(), 1, "{text}");
        targets.remove(0)
    }

    #[test]
    fn targets_are_read_as_users_write_them() {
        assert_eq!(
            one(" 192.0.2.99 ").query("bl.example"),
            "99.2.0.192.bl.example"
        );
        assert_eq!(one("[192.0.2.1]"), one("192.0.2.1"));
        assert_eq!(one("[IPv6:2001:db8::1]").kind(), Kind::Ipv6);
        assert_eq!(
            one("2001:db8:1:2:3:4:567:89ab").query("b"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.b"
        );
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
        assert_eq!(one("Some.One@Example.COM."), one("example.com"));
        assert_eq!(one("mail.example.com").query("d"), "mail.example.com.d");
        assert_eq!(one("bücher.example").kind(), Kind::Domain);
    }

    #[test]
    fn ranges_are_small() {
        assert_eq!(Target::parse("192.0.2.0/30").unwrap().len(), 4);
        assert_eq!(Target::parse("192.0.2.7/24").unwrap().len(), 256);
        assert_eq!(Target::parse("2001:db8::/120").unwrap().len(), 256);
        assert_eq!(one("192.0.2.7/32"), one("192.0.2.7"));
        for wide in ["10.0.0.0/8", "192.0.2.0/23", "2001:db8::/64", "::/0"] {
            assert!(matches!(Target::parse(wide), Err(TargetError::TooWide(_))));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "1.2.3",
            "256.1.1.1",
            "a..b",
            "com",
            "a b.c",
            "x@",
            "\u{1b}[2J.com",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
