//! The real resolver: questions over UDP, over TCP when an answer was truncated, through hickory-resolver.
//!
//! In: [`DnsOptions`]. Out: a [`Dns`]. It stands on hickory's name server pool rather than on its
//! `Resolver`, because that one answers questions about 127.in-addr.arpa, localhost and .invalid by itself,
//! and a mail server must hear what DNS says. The servers are asked one after another, as resolv.conf(5)
//! describes it, so that one broken server does not hide what the next one knows.

use super::cache::Cache;
use super::hosts::Hosts;
use super::{Answer, Dns, DnsError, DnsOptions, Families, Lookup, Mx, Pending};
use futures_util::StreamExt as _;
use hickory_resolver::config::{NameServerConfig, ResolverOpts, ServerOrderingStrategy};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::DnsHandle as _;
use hickory_resolver::net::{DnsError as ServerError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Questions under way at one time on one server; more wait in hickory's pool. Four times the widest window of
/// the block-list check, so that the engine beside it is not starved.
const IN_FLIGHT: usize = 256;

/// At most as many servers as resolv.conf(5) allows.
const MOST_SERVERS: usize = 3;

/// How long a negative answer without a SOA record is kept, in seconds (RFC 2308 section 5 says not at all;
/// rbldnsd without a SOA in its zone is the common case, and a listing may come at any moment).
const NEGATIVE_TTL_WITHOUT_SOA: u32 = 0;

/// A resolver asking the servers of `options`, or those of /etc/resolv.conf, with /etc/hosts consulted
/// first for addresses and names, when there are none.
///
/// # Errors
/// [`DnsError::Other`] when there is no server to ask or the resolver cannot be set up.
pub fn system(options: &DnsOptions) -> Result<Dns, DnsError> {
    let (servers, hosts) = if options.servers.is_empty() {
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        (servers_of_this_host(), Hosts::parse(&hosts))
    } else {
        (options.servers.clone(), Hosts::default())
    };
    let servers = servers
        .into_iter()
        .map(|address| Server::new(address, options))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(System {
        servers,
        attempts: options.attempts.max(1),
        timeout: options.timeout,
        hosts,
        cache: Cache::new(),
    }))
}

/// The `nameserver` lines of /etc/resolv.conf; without any, resolv.conf(5) says to ask this host itself.
pub fn servers_of_this_host() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = name_servers(&text);
    if servers.is_empty() {
        return vec![SocketAddr::from(([127, 0, 0, 1], 53))];
    }
    servers
}

/// The `nameserver` lines of a resolv.conf(5).
fn name_servers(resolv_conf: &str) -> Vec<SocketAddr> {
    resolv_conf
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver"))
                .then(|| words.next()?.parse::<IpAddr>().ok())
                .flatten()
        })
        .take(MOST_SERVERS)
        .map(|address| SocketAddr::new(address, 53))
        .collect()
}

struct Server {
    address: SocketAddr,
    pool: NameServerPool<TokioRuntimeProvider>,
}

impl Server {
    fn new(address: SocketAddr, options: &DnsOptions) -> Result<Self, DnsError> {
        let mut config = NameServerConfig::udp_and_tcp(address.ip());
        for connection in &mut config.connections {
            connection.port = address.port();
        }
        let mut opts = ResolverOpts::default();
        opts.timeout = options.timeout;
        opts.max_active_requests = IN_FLIGHT;
        opts.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        opts.num_concurrent_reqs = 1;
        let tls = TlsConfig::new()
            .map_err(|error| DnsError::Other(format!("resolver for {address}: {error}")))?;
        let context = Arc::new(PoolContext::new(opts, tls));
        let pool = NameServerPool::from_config([config], context, TokioRuntimeProvider::default());
        Ok(Self { address, pool })
    }

    /// One question, one try. The time-out is hickory's and, in case a connection hangs below it, ours.
    async fn ask(&self, query: &Query, timeout: Duration) -> Result<Reply, DnsError> {
        let mut stream = self
            .pool
            .lookup(query.clone(), DnsRequestOptions::default());
        // Half a second more than hickory is given, so that its own, more telling error comes first.
        let patience = timeout + Duration::from_millis(500);
        match tokio::time::timeout(patience, stream.next()).await {
            Err(_) | Ok(None) => Err(DnsError::Timeout),
            Ok(Some(Ok(response))) => Ok(Reply::of(&response, query.query_type())),
            Ok(Some(Err(error))) => refusal(error, self.address),
        }
    }
}

/// What a server said: records, or that there are none, and for how long that holds.
struct Reply {
    records: Result<Vec<RData>, DnsError>,
    ttl: u32,
}

impl Reply {
    fn of(response: &DnsResponse, wanted: RecordType) -> Self {
        // A recursive server puts the whole CNAME chain into the answer, so the record type alone selects.
        let answers = || {
            response
                .answers
                .iter()
                .filter(move |record| record.record_type() == wanted)
        };
        let records: Vec<RData> = answers().map(|record| record.data.clone()).collect();
        if records.is_empty() {
            return Self {
                records: Err(match response.response_code {
                    ResponseCode::NXDomain => DnsError::NxDomain,
                    _ => DnsError::NoData,
                }),
                ttl: response.negative_ttl().unwrap_or(NEGATIVE_TTL_WITHOUT_SOA),
            };
        }
        let ttl = response
            .answers
            .iter()
            .map(|record| record.ttl)
            .min()
            .unwrap_or(0);
        Self {
            records: Ok(records),
            ttl,
        }
    }
}

/// Turns hickory's errors into answers ("there is none") and failures ("could not find out").
fn refusal(error: NetError, server: SocketAddr) -> Result<Reply, DnsError> {
    let code = match &error {
        NetError::Timeout => return Err(DnsError::Timeout),
        NetError::Dns(ServerError::NoRecordsFound(none)) => none.response_code,
        NetError::Dns(ServerError::ResponseCode(code)) => *code,
        _ => return Err(DnsError::Other(format!("DNS server {server}: {error}"))),
    };
    let negative = match code {
        ResponseCode::NXDomain => DnsError::NxDomain,
        ResponseCode::NoError => DnsError::NoData,
        ResponseCode::ServFail => return Err(DnsError::ServFail),
        ResponseCode::Refused => return Err(DnsError::Refused),
        other => return Err(DnsError::Other(format!("DNS server {server}: {other}"))),
    };
    let ttl = match error {
        NetError::Dns(ServerError::NoRecordsFound(none)) => none.negative_ttl,
        _ => None,
    };
    Ok(Reply {
        records: Err(negative),
        ttl: ttl.unwrap_or(NEGATIVE_TTL_WITHOUT_SOA),
    })
}

struct System {
    servers: Vec<Server>,
    attempts: usize,
    timeout: Duration,
    hosts: Hosts,
    cache: Cache<(Name, RecordType), RData>,
}

impl System {
    /// One question to the cache, then to each server in turn, as often as `attempts` says.
    async fn query(&self, name: &str, kind: RecordType) -> Result<Answer<RData>, DnsError> {
        // A name that DNS cannot carry (an empty label, one above 63 octets) certainly does not exist.
        let name = absolute(name).ok_or(DnsError::NxDomain)?;
        let question = (name, kind);
        if let Some(known) = self.cache.get(&question, Instant::now()) {
            return known;
        }
        let query = Query::query(question.0.clone(), kind);
        let mut failure = DnsError::Other("no DNS server to ask".to_owned());
        for _ in 0..self.attempts {
            for server in &self.servers {
                match server.ask(&query, self.timeout).await {
                    Ok(reply) => {
                        let result = reply.records.map(|records| Answer {
                            records,
                            ttl: reply.ttl,
                        });
                        self.cache.put(question, &result, reply.ttl, Instant::now());
                        return result;
                    }
                    Err(error) => failure = error,
                }
            }
            // A server that refuses does so again; only silence and SERVFAIL are worth another round.
            if failure == DnsError::Refused {
                break;
            }
        }
        Err(failure)
    }

    async fn family(&self, name: &str, kind: RecordType) -> Result<Answer<IpAddr>, DnsError> {
        let answer = self.query(name, kind).await?;
        keep(&answer, |data| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        })
    }
}

/// The name as an absolute one; `None` when DNS cannot carry it.
fn absolute(name: &str) -> Option<Name> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return None;
    }
    let mut parsed = if name.is_ascii() {
        // Label by label, so that no character of a hostile name is taken for an escape.
        Name::from_labels(name.split('.').map(str::as_bytes)).ok()?
    } else {
        Name::from_utf8(name).ok()?
    };
    parsed.set_fqdn(true);
    Some(parsed)
}

fn keep<T>(
    answer: &Answer<RData>,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, DnsError> {
    let records: Vec<T> = answer.records.iter().filter_map(pick).collect();
    if records.is_empty() {
        return Err(DnsError::NoData);
    }
    Ok(Answer {
        records,
        ttl: answer.ttl,
    })
}

/// A name as text without the final dot; the root is empty.
fn plain(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

/// Addresses of either family, as long as one of the two questions has an answer; when none has, the
/// failure that may be gone later wins over "there is none", so that no mail bounces for half an answer.
fn either(
    v4: Result<Answer<IpAddr>, DnsError>,
    v6: Result<Answer<IpAddr>, DnsError>,
) -> Result<Answer<IpAddr>, DnsError> {
    match (v4, v6) {
        (Ok(mut a), Ok(b)) => {
            a.records.extend(b.records);
            a.ttl = a.ttl.min(b.ttl);
            Ok(a)
        }
        (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
        (Err(a), Err(b)) => Err(if b.is_temporary() && !a.is_temporary() {
            b
        } else {
            a
        }),
    }
}

impl Lookup for System {
    fn addresses<'a>(&'a self, name: &'a str, families: Families) -> Pending<'a, IpAddr> {
        Box::pin(async move {
            let known: Vec<IpAddr> = self
                .hosts
                .addresses(name.strip_suffix('.').unwrap_or(name))
                .iter()
                .copied()
                .filter(|address| families.include(*address))
                .collect();
            if !known.is_empty() {
                return Ok(Answer {
                    records: known,
                    ttl: 0,
                });
            }
            match families {
                Families::Ipv4 => self.family(name, RecordType::A).await,
                Families::Ipv6 => self.family(name, RecordType::AAAA).await,
                Families::Both => {
                    let (v4, v6) = futures_util::future::join(
                        self.family(name, RecordType::A),
                        self.family(name, RecordType::AAAA),
                    )
                    .await;
                    either(v4, v6)
                }
            }
        })
    }

    fn mx<'a>(&'a self, name: &'a str) -> Pending<'a, Mx> {
        Box::pin(async move {
            keep(
                &self.query(name, RecordType::MX).await?,
                |data| match data {
                    RData::MX(mx) => Some(Mx {
                        preference: mx.preference,
                        exchange: plain(&mx.exchange),
                    }),
                    _ => None,
                },
            )
        })
    }

    fn ptr(&self, address: IpAddr) -> Pending<'_, String> {
        Box::pin(async move {
            if let Some(name) = self.hosts.name(address) {
                return Ok(Answer {
                    records: vec![name.to_owned()],
                    ttl: 0,
                });
            }
            let answer = self
                .query(&super::reverse_name(address), RecordType::PTR)
                .await?;
            keep(&answer, |data| match data {
                RData::PTR(name) => Some(plain(name)),
                _ => None,
            })
        })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            keep(
                &self.query(name, RecordType::TXT).await?,
                |data| match data {
                    RData::TXT(txt) => Some(txt.txt_data.concat()),
                    _ => None,
                },
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read() {
        let text = "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver\nnameserver ::1\noptions x\n";
        assert_eq!(
            name_servers(text),
            [
                "192.0.2.1:53".parse::<SocketAddr>().unwrap(),
                "[::1]:53".parse().unwrap()
            ]
        );
    }

    #[test]
    fn names_that_cannot_exist_are_told_apart() {
        assert!(absolute("mail.example.").is_some());
        assert_eq!(
            plain(&absolute("_dmarc.Example").unwrap()),
            "_dmarc.Example"
        );
        assert!(absolute("").is_none());
        assert!(absolute("a..b").is_none());
        assert!(absolute(&"x".repeat(64)).is_none());
        assert!(absolute(&"abcdefg.".repeat(40)).is_none());
    }

    #[test]
    fn a_doubt_about_one_family_wins_over_no_record_of_the_other() {
        assert_eq!(
            either(Err(DnsError::NoData), Err(DnsError::ServFail)),
            Err(DnsError::ServFail)
        );
        assert_eq!(
            either(Err(DnsError::NxDomain), Err(DnsError::NxDomain)),
            Err(DnsError::NxDomain)
        );
        let found = Answer {
            records: vec![IpAddr::from([192, 0, 2, 1])],
            ttl: 5,
        };
        assert_eq!(either(Ok(found.clone()), Err(DnsError::Timeout)), Ok(found));
    }
}
