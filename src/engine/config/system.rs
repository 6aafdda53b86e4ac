//! What main.cf's defaults ask of the host: its name and its own addresses.
//!
//! It reads uname and, on Linux, /proc/net; a host that does not have those files only has its loopback.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host's name as uname gives it.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .trim_end_matches('.')
        .to_owned()
}

/// The addresses of this host's interfaces, loopback first.
pub fn own_addresses() -> Vec<IpAddr> {
    let mut addresses = vec![
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    if let Ok(text) = std::fs::read_to_string("/proc/net/fib_trie") {
        addresses.extend(fib_trie_locals(&text).into_iter().map(IpAddr::V4));
    }
    if let Ok(text) = std::fs::read_to_string("/proc/net/if_inet6") {
        addresses.extend(if_inet6(&text).into_iter().map(IpAddr::V6));
    }
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    addresses
}

/// `mynetworks` when main.cf does not set it: this host only (`mynetworks_style = host`).
pub fn own_networks() -> String {
    let words: Vec<String> = std::iter::once("127.0.0.0/8".to_owned())
        .chain(
            own_addresses()
                .into_iter()
                .filter(|address| *address != IpAddr::V4(Ipv4Addr::LOCALHOST))
                .map(|address| match address {
                    IpAddr::V4(_) => IpNet::from(address).to_string(),
                    IpAddr::V6(_) => format!("[{address}]/128"),
                }),
        )
        .collect();
    words.join(" ")
}

/// `|-- 192.0.2.7` followed by `/32 host LOCAL`: the kernel's routing trie names each local address so.
fn fib_trie_locals(text: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut last = None;
    for line in text.lines() {
        if let Some((_, address)) = line.split_once("|-- ") {
            last = address.trim().parse().ok();
        } else if line.contains("/32 host LOCAL")
            && let Some(address) = last
        {
            found.push(address);
        }
    }
    found
}

/// 32 hexadecimal digits at the start of each line.
fn if_inet6(text: &str) -> Vec<Ipv6Addr> {
    text.lines()
        .filter_map(|line| u128::from_str_radix(line.get(..32)?, 16).ok())
        .map(Ipv6Addr::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.0\n        /24 link UNICAST\n     |-- 192.0.2.7\n        /32 host LOCAL\n";
        assert_eq!(fib_trie_locals(trie), [Ipv4Addr::new(192, 0, 2, 7)]);
        let inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(if_inet6(inet6), [Ipv6Addr::LOCALHOST]);
    }

    #[test]
    fn loopback_is_always_ours() {
        assert!(own_addresses().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(own_networks().starts_with("127.0.0.0/8 "));
    }
}
