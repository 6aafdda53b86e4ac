//! Resolvers that everybody may use, through which block lists refuse to answer or answer wrongly.

use std::net::IpAddr;

/// Who runs a public resolver with this address; `None` when it is not known as one.
pub fn public_resolver(address: IpAddr) -> Option<&'static str> {
    const KNOWN: [(&str, &[&str]); 5] = [
        (
            "Google Public DNS",
            &[
                "8.8.8.8",
                "8.8.4.4",
                "2001:4860:4860::8888",
                "2001:4860:4860::8844",
            ],
        ),
        (
            "Cloudflare",
            &[
                "1.1.1.1",
                "1.0.0.1",
                "2606:4700:4700::1111",
                "2606:4700:4700::1001",
            ],
        ),
        (
            "Quad9",
            &["9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"],
        ),
        (
            "OpenDNS",
            &[
                "208.67.222.222",
                "208.67.220.220",
                "2620:119:35::35",
                "2620:119:53::53",
            ],
        ),
        (
            "AdGuard DNS",
            &[
                "94.140.14.14",
                "94.140.15.15",
                "2a10:50c0::ad1:ff",
                "2a10:50c0::ad2:ff",
            ],
        ),
    ];
    KNOWN.iter().find_map(|(name, addresses)| {
        addresses
            .iter()
            .any(|known| known.parse() == Ok(address))
            .then_some(*name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ones_are_named() {
        assert_eq!(
            public_resolver("8.8.4.4".parse().unwrap()),
            Some("Google Public DNS")
        );
        assert!(public_resolver("2620:fe::9".parse().unwrap()).is_some());
        assert_eq!(public_resolver("192.0.2.1".parse().unwrap()), None);
    }
}
