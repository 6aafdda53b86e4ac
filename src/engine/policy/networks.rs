//! Whether a client address is one of ours: `mynetworks`, `inet_interfaces`.

use crate::engine::address::is_own_address;
use crate::engine::config::{Params, values};
use crate::engine::maps::MapError;
use std::net::IpAddr;

/// Matches an address against a list of networks, `!negations` and tables; the first match decides.
pub fn matches_networks(
    address: IpAddr,
    patterns: &[String],
    params: &Params,
) -> Result<bool, MapError> {
    for word in patterns {
        let negated = word.starts_with('!');
        let word = word.trim_start_matches('!');
        let matched = if values::is_table(word) {
            params.maps.find(word, &address.to_string())?.is_some()
        } else {
            values::network(word).is_ok_and(|network| network.contains(&address))
        };
        if matched {
            return Ok(!negated);
        }
    }
    Ok(false)
}

/// Whether the client is this host itself (`permit_inet_interfaces`).
pub fn is_own_client(address: IpAddr, params: &Params) -> bool {
    is_own_address(address, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_decides() {
        let params = Params::default();
        let list = ["!127.0.0.9", "127.0.0.0/8", "[2001:db8::]/32"].map(String::from);
        let matches = |ip: &str| matches_networks(ip.parse().unwrap(), &list, &params).unwrap();
        assert!(matches("127.0.0.1"));
        assert!(!matches("127.0.0.9"));
        assert!(matches("2001:db8::1"));
        assert!(!matches("10.0.0.1"));
    }
}
