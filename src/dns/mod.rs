//! DNS as the mail programs need it: typed answers, and failures that are never confused.
//!
//! In: a name and a record type. Out: records with their TTL, or a [`DnsError`] that tells "no such
//! name" from "no such record" from "could not find out", which decides between a 5xx and a 4xx. It
//! wraps hickory-resolver ([`system`]); simulations put a [`StaticDns`] or their own [`Lookup`] behind it.

mod cache;
mod fake;
mod hosts;
mod system;

pub use fake::StaticDns;
pub use system::{servers_of_this_host, system};

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// NXDOMAIN: the name does not exist.
    #[error("Host not found")]
    NxDomain,
    /// The name exists and has no record of this type.
    #[error("no such record")]
    NoData,
    /// SERVFAIL: ask again later.
    #[error("Host not found, try again")]
    ServFail,
    /// REFUSED: the server does not answer us.
    #[error("query refused")]
    Refused,
    /// No answer in time, also after retries.
    #[error("query timed out")]
    Timeout,
    /// An answer that makes no sense, or a local failure; the text says which.
    #[error("{0}")]
    Other(String),
}

impl DnsError {
    /// Whether asking again later may help: everything but NXDOMAIN and NODATA.
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::NxDomain | Self::NoData)
    }
}

/// Records with the smallest TTL of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records, in the order the server gave them.
    pub records: Vec<T>,
    /// Seconds the answer may be kept.
    pub ttl: u32,
}

/// A mail exchanger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is tried first.
    pub preference: u16,
    /// Host name without the final dot; empty is the null MX (RFC 7505).
    pub exchange: String,
}

/// A boxed future: what lets a [`Lookup`] be a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<Answer<T>, DnsError>> + Send + 'a>>;

/// The questions the mail programs ask. Names are without the final dot and always taken as absolute.
pub trait Lookup: Send + Sync {
    /// A and/or AAAA records; `families` says which.
    fn addresses<'a>(&'a self, name: &'a str, families: Families) -> Pending<'a, IpAddr>;
    /// MX records, unsorted.
    fn mx<'a>(&'a self, name: &'a str) -> Pending<'a, Mx>;
    /// PTR names of an address.
    fn ptr(&self, address: IpAddr) -> Pending<'_, String>;
    /// TXT records, the strings of each joined.
    fn txt<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<u8>>;
}

/// Which address families to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Families {
    /// A only.
    Ipv4,
    /// AAAA only.
    Ipv6,
    /// Both.
    Both,
}

impl Families {
    /// Whether an address is of these families.
    pub fn include(self, address: IpAddr) -> bool {
        match self {
            Self::Ipv4 => address.is_ipv4(),
            Self::Ipv6 => address.is_ipv6(),
            Self::Both => true,
        }
    }
}

/// The name under which an address's PTR record stands: reversed octets under `in-addr.arpa` (RFC 1035
/// section 3.5) or reversed nibbles under `ip6.arpa` (RFC 3596 section 2.5).
pub fn reverse_name(address: IpAddr) -> String {
    format!(
        "{}.{}",
        reverse_labels(address),
        if address.is_ipv4() {
            "in-addr.arpa"
        } else {
            "ip6.arpa"
        }
    )
}

/// An address as labels from the least significant part on: what block lists prefix their zone with
/// (RFC 5782 sections 2.1 and 2.4).
pub fn reverse_labels(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(v6) => {
            let nibbles: Vec<String> = v6
                .octets()
                .iter()
                .rev()
                .flat_map(|octet| [format!("{:x}", octet & 15), format!("{:x}", octet >> 4)])
                .collect();
            nibbles.join(".")
        }
    }
}

/// A shared resolver.
pub type Dns = Arc<dyn Lookup>;

/// How to reach DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsOptions {
    /// Servers to ask; empty means those of /etc/resolv.conf.
    pub servers: Vec<SocketAddr>,
    /// Time for one try.
    pub timeout: Duration,
    /// Tries for one question.
    pub attempts: usize,
}

impl Default for DnsOptions {
    fn default() -> Self {
        // resolv.conf(5)'s own defaults: 5 seconds, 2 tries.
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(5),
            attempts: 2,
        }
    }
}
