//! hosts(5): names and addresses that this host knows by itself.
//!
//! In: the text of /etc/hosts. Out: addresses of a name and names of an address. A client's name is
//! looked up with getnameinfo(3) by Postfix, which asks this file first; so do we.

use std::collections::HashMap;
use std::net::IpAddr;

/// The file's contents, read once.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    by_name: HashMap<String, Vec<IpAddr>>,
    by_address: HashMap<IpAddr, String>,
}

impl Hosts {
    /// Understands what it can of the file; a line it does not understand says nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut hosts = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
                continue;
            };
            for (position, name) in words.enumerate() {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                if position == 0 {
                    hosts
                        .by_address
                        .entry(address)
                        .or_insert_with(|| name.clone());
                }
                let addresses = hosts.by_name.entry(name).or_default();
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        hosts
    }

    /// The addresses of a name.
    pub(super) fn addresses(&self, name: &str) -> &[IpAddr] {
        self.by_name
            .get(&name.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// The canonical name of an address.
    pub(super) fn name(&self, address: IpAddr) -> Option<&str> {
        self.by_address.get(&address).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_found_both_ways() {
        let hosts = Hosts::parse(
            "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # loopback\n\nbroken line\n\
             192.0.2.7 Mail.Example. mail\n192.0.2.7 other\n",
        );
        assert_eq!(hosts.addresses("LOCALHOST").len(), 2);
        assert_eq!(
            hosts.addresses("mail.example"),
            ["192.0.2.7".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(
            hosts.name("192.0.2.7".parse().unwrap()),
            Some("mail.example")
        );
        assert_eq!(hosts.name("192.0.2.8".parse().unwrap()), None);
        assert!(hosts.addresses("line").is_empty());
    }
}
