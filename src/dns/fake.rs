//! DNS from memory: a [`Lookup`] whose answers are put in by hand, for simulations without a network.
//!
//! It answers at once, knows NXDOMAIN from NODATA as a real server does, and counts what it was asked.

use super::{Answer, DnsError, Families, Lookup, Mx, Pending};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

/// Seconds every answer may be kept.
const TTL: u32 = 300;

/// The records of a small world of names.
#[derive(Debug, Default)]
pub struct StaticDns {
    hosts: HashMap<String, Node>,
    failures: HashMap<String, DnsError>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug, Default, Clone)]
struct Node {
    addresses: Vec<IpAddr>,
    mx: Vec<Mx>,
    ptr: Vec<String>,
    txt: Vec<Vec<u8>>,
}

impl StaticDns {
    /// A world without names: every question is answered with NXDOMAIN.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an A or AAAA record.
    #[must_use]
    pub fn address(mut self, name: &str, address: impl Into<IpAddr>) -> Self {
        self.node(name).addresses.push(address.into());
        self
    }

    /// Adds an MX record; an empty exchange is the null MX.
    #[must_use]
    pub fn mx_record(mut self, name: &str, preference: u16, exchange: &str) -> Self {
        self.node(name).mx.push(Mx {
            preference,
            exchange: exchange.to_owned(),
        });
        self
    }

    /// Adds a PTR record.
    #[must_use]
    pub fn pointer(mut self, address: impl Into<IpAddr>, name: &str) -> Self {
        let key = super::reverse_name(address.into());
        self.node(&key).ptr.push(name.to_owned());
        self
    }

    /// Adds a TXT record.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.node(name).txt.push(text.as_bytes().to_vec());
        self
    }

    /// Lets every question about a name fail this way.
    #[must_use]
    pub fn failure(mut self, name: &str, error: DnsError) -> Self {
        self.failures.insert(key(name), error);
        self
    }

    /// The names asked for so far, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn node(&mut self, name: &str) -> &mut Node {
        self.hosts.entry(key(name)).or_default()
    }

    fn answer<T>(
        &self,
        name: &str,
        pick: impl FnOnce(&Node) -> Vec<T>,
    ) -> Result<Answer<T>, DnsError> {
        let name = key(name);
        self.asked
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(name.clone());
        if let Some(error) = self.failures.get(&name) {
            return Err(error.clone());
        }
        let Some(node) = self.hosts.get(&name) else {
            // A name above an existing one exists without records (RFC 8020's empty non-terminal).
            let below = format!(".{name}");
            return Err(if self.hosts.keys().any(|k| k.ends_with(&below)) {
                DnsError::NoData
            } else {
                DnsError::NxDomain
            });
        };
        let records = pick(node);
        if records.is_empty() {
            return Err(DnsError::NoData);
        }
        Ok(Answer { records, ttl: TTL })
    }
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl Lookup for StaticDns {
    fn addresses<'a>(&'a self, name: &'a str, families: Families) -> Pending<'a, IpAddr> {
        Box::pin(async move {
            self.answer(name, |node| {
                node.addresses
                    .iter()
                    .copied()
                    .filter(|address| families.include(*address))
                    .collect()
            })
        })
    }

    fn mx<'a>(&'a self, name: &'a str) -> Pending<'a, Mx> {
        Box::pin(async move { self.answer(name, |node| node.mx.clone()) })
    }

    fn ptr(&self, address: IpAddr) -> Pending<'_, String> {
        Box::pin(async move { self.answer(&super::reverse_name(address), |node| node.ptr.clone()) })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move { self.answer(name, |node| node.txt.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn it_tells_no_name_from_no_record() {
        let dns = StaticDns::new()
            .address("mx.good.example", Ipv4Addr::new(192, 0, 2, 1))
            .mx_record("good.example", 10, "mx.good.example")
            .pointer(Ipv4Addr::new(192, 0, 2, 1), "mx.good.example")
            .failure("slow.example", DnsError::Timeout);
        assert_eq!(
            dns.mx("Good.Example").await.unwrap().records[0].exchange,
            "mx.good.example"
        );
        assert_eq!(
            dns.addresses("good.example", Families::Both).await,
            Err(DnsError::NoData)
        );
        assert_eq!(
            dns.addresses("mx.good.example", Families::Ipv6).await,
            Err(DnsError::NoData)
        );
        assert_eq!(dns.txt("example").await, Err(DnsError::NoData));
        assert_eq!(dns.txt("else.example").await, Err(DnsError::NxDomain));
        assert_eq!(dns.txt("slow.example").await, Err(DnsError::Timeout));
        assert_eq!(
            dns.ptr(Ipv4Addr::new(192, 0, 2, 1).into())
                .await
                .unwrap()
                .records,
            ["mx.good.example"]
        );
    }
}
