//! Who is at the other end: address, names, and how sure we are of them (smtpd_peer).
//!
//! In: an address and a resolver. Out: a [`Client`] and the warning that Postfix logs when the name does not
//! lead back to the address.

use crate::dns::{Dns, DnsError, Families};
use crate::engine::address::is_hostname;
use std::net::{IpAddr, SocketAddr};

/// The client of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address and port.
    pub peer: SocketAddr,
    /// Our address and port it connected to.
    pub server: SocketAddr,
    /// The verified name, or `unknown`.
    pub name: String,
    /// The name from the address alone, or `unknown`.
    pub reverse_name: String,
    /// How the verified name was (not) found.
    pub name_status: NameStatus,
    /// The same for the reverse name.
    pub reverse_status: NameStatus,
}

/// What became of a name lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStatus {
    /// Found (and, for the verified name, confirmed).
    Known,
    /// Could not be found out: ask again later.
    Temporary,
    /// There is none.
    Missing,
    /// The name exists and leads elsewhere.
    Forged,
}

impl Client {
    /// A client of which only the address is known.
    pub fn unnamed(peer: SocketAddr, server: SocketAddr) -> Self {
        Self {
            peer: canonical(peer),
            server: canonical(server),
            name: "unknown".to_owned(),
            reverse_name: "unknown".to_owned(),
            name_status: NameStatus::Missing,
            reverse_status: NameStatus::Missing,
        }
    }

    /// The address.
    pub fn address(&self) -> IpAddr {
        self.peer.ip()
    }

    /// `name[address]`, as the log writes a client.
    pub fn name_address(&self) -> String {
        format!("{}[{}]", self.name, self.address())
    }
}

/// An IPv4 client of a dual-stack socket is an IPv4 client.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Finds the client's name: PTR, then forward confirmation. The second value is a warning for the log.
pub async fn identify(peer: SocketAddr, server: SocketAddr, dns: &Dns) -> (Client, Option<String>) {
    let mut client = Client::unnamed(peer, server);
    let address = client.address();
    let name = match dns.ptr(address).await {
        Ok(answer) => answer.records.into_iter().find(|name| is_hostname(name)),
        Err(error) => {
            let status = if error.is_temporary() {
                NameStatus::Temporary
            } else {
                NameStatus::Missing
            };
            client.name_status = status;
            client.reverse_status = status;
            return (client, None);
        }
    };
    let Some(name) = name else {
        return (client, None);
    };
    client.reverse_name.clone_from(&name);
    client.reverse_status = NameStatus::Known;
    let families = if address.is_ipv4() {
        Families::Ipv4
    } else {
        Families::Ipv6
    };
    match dns.addresses(&name, families).await {
        Ok(answer) if answer.records.contains(&address) => {
            client.name = name;
            client.name_status = NameStatus::Known;
            (client, None)
        }
        Ok(_) => {
            client.name_status = NameStatus::Forged;
            (
                client,
                Some(format!(
                    "hostname {name} does not resolve to address {address}"
                )),
            )
        }
        Err(error) => {
            client.name_status = if error.is_temporary() {
                NameStatus::Temporary
            } else {
                NameStatus::Missing
            };
            let why = match error {
                DnsError::NoData => "No address associated with hostname".to_owned(),
                DnsError::NxDomain => "Name or service not known".to_owned(),
                _ => "Temporary failure in name resolution".to_owned(),
            };
            (
                client,
                Some(format!(
                    "hostname {name} does not resolve to address {address}: {why}"
                )),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::StaticDns;
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    async fn ask(dns: StaticDns) -> (Client, Option<String>) {
        let dns: Dns = Arc::new(dns);
        let server: SocketAddr = "127.0.0.1:25".parse().unwrap();
        identify("192.0.2.1:1000".parse().unwrap(), server, &dns).await
    }

    #[tokio::test]
    async fn names_are_confirmed_both_ways() {
        let ip = Ipv4Addr::new(192, 0, 2, 1);
        let (client, warning) = ask(StaticDns::new()
            .pointer(ip, "a.example")
            .address("a.example", ip))
        .await;
        assert_eq!(client.name_address(), "a.example[192.0.2.1]");
        assert_eq!(warning, None);

        let (client, warning) = ask(StaticDns::new()
            .pointer(ip, "a.example")
            .address("a.example", Ipv4Addr::new(192, 0, 2, 2)))
        .await;
        assert_eq!(
            (client.name.as_str(), client.reverse_name.as_str()),
            ("unknown", "a.example")
        );
        assert_eq!(client.name_status, NameStatus::Forged);
        assert_eq!(
            warning.unwrap(),
            "hostname a.example does not resolve to address 192.0.2.1"
        );

        let (client, warning) = ask(StaticDns::new().pointer(ip, "a.example")).await;
        assert_eq!(client.name_status, NameStatus::Missing);
        assert!(warning.unwrap().ends_with(": Name or service not known"));

        let (client, warning) = ask(StaticDns::new()).await;
        assert_eq!(client.reverse_status, NameStatus::Missing);
        assert_eq!(warning, None);

        let (client, _) = ask(StaticDns::new()
            .pointer(ip, "a.example")
            .failure("a.example", DnsError::Timeout))
        .await;
        assert_eq!(client.name_status, NameStatus::Temporary);
    }
}
