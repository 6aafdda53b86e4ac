//! One delivery attempt: the members of a delivery agent's status line, and what stands inside them.
//!
//! The line's members are read at once; what stands inside a member (`relay=`, `tls=`) is read when it is
//! asked for, because most readers of a log never ask.

use super::Client;
use crate::logparse::text::{self, after, client_only};
use memchr::memchr;

/// The four parts of a delivery's delay, in hundredths of a second: before the queue manager, in the
/// queue manager, connection setup, transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delays {
    /// Time before the queue manager, including message transmission.
    pub before_qmgr: u64,
    /// Time in the queue manager.
    pub in_qmgr: u64,
    /// Connection setup, including DNS, HELO and TLS.
    pub conn_setup: u64,
    /// Message transmission.
    pub transmission: u64,
}

/// `status=` of a delivery line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Delivered.
    Sent,
    /// To be tried again.
    Deferred,
    /// Failed for good.
    Bounced,
    /// Would have bounced but for soft_bounce (counts as deferred).
    SoftBounce,
    /// An address probe that succeeded: not mail.
    Deliverable,
    /// An address probe that failed: not mail.
    Undeliverable,
    /// `expanded`, `delivered`, `relayed` and others seen only with traces: not a delivery attempt.
    Other,
}

/// One delivery attempt for one recipient (global/log_adhoc.c).
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<'a> {
    /// Recipient.
    pub to: &'a [u8],
    /// Recipient before aliases, when it differs.
    pub orig_to: Option<&'a [u8]>,
    /// Where it went: `none`, `local`, `host[ip]:port`, a transport's name, ... (see [`Delivery::place`]).
    pub relay: &'a [u8],
    /// How often the connection was used, where logged.
    pub conn_use: Option<u32>,
    /// Total delay in hundredths of a second.
    pub delay: u64,
    /// Its four parts.
    pub delays: Delays,
    /// The text of delay= and delays= as logged, for output that must be verbatim.
    pub delay_text: &'a [u8],
    /// See `delay_text`.
    pub delays_text: &'a [u8],
    /// TLS policies and results (Postfix 3.11 and later; see [`Delivery::tls_policies`]).
    pub tls: Option<&'a [u8]>,
    /// Enhanced status code, `2.0.0`.
    pub dsn: &'a [u8],
    /// What became of it.
    pub status: Status,
    /// `status=` as logged.
    pub status_text: &'a [u8],
    /// The text in parentheses.
    pub reason: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// Whether this is a local forward (`forwarded as NEWID`): an attempt that succeeded, but no mailbox.
    pub fn is_forward(&self) -> bool {
        self.reason.starts_with(b"forwarded as ")
    }

    /// The id under which the next hop queued it, from `queued as ID`, when the reply has one.
    pub fn queued_as(&self) -> Option<&'a [u8]> {
        let at = text::find(self.reason, b"queued as ")? + b"queued as ".len();
        let rest = &self.reason[at..];
        let end = rest
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    }

    /// `relay=`, taken apart.
    pub fn place(&self) -> Relay<'a> {
        Relay::of(self.relay)
    }

    /// The policies of `tls=` in Postfix's order (the TLS level first); none when the line has no `tls=`.
    pub fn tls_policies(&self) -> impl Iterator<Item = TlsPolicy<'a>> + use<'a> {
        self.tls
            .into_iter()
            .flat_map(|tls| tls.split(|b| *b == b'/'))
            .map(TlsPolicy::of)
    }
}

/// Where a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relay<'a> {
    /// `none`: it came to no connection.
    None,
    /// `local`: local(8).
    Local,
    /// `virtual`: virtual(8).
    Virtual,
    /// `host[ip]:port`, `[ip]:port` or a name that did not resolve: a network server.
    Host(Client<'a>),
    /// `host[path]`: a server behind a UNIX-domain socket (LMTP).
    Socket {
        /// The name before the bracket.
        name: &'a [u8],
        /// The socket, absolute or relative to the queue directory.
        path: &'a [u8],
    },
    /// Another delivery agent's transport, by its name in master.cf.
    Transport(&'a [u8]),
}

impl<'a> Relay<'a> {
    /// Takes a `relay=` apart.
    pub fn of(relay: &'a [u8]) -> Self {
        match relay {
            b"none" => return Self::None,
            b"local" => return Self::Local,
            b"virtual" => return Self::Virtual,
            _ => {}
        }
        match client_only(relay) {
            // A path has a slash; an address or a name in brackets never has.
            Some(client) if memchr(b'/', client.ip).is_some() => Self::Socket {
                name: client.name,
                path: client.ip,
            },
            Some(client) => Self::Host(client),
            None => Self::Transport(relay),
        }
    }
}

/// One policy of `tls=` and how it ended: `init[:final][?]`, with `!` before a violation (global/pol_stats.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsPolicy<'a> {
    /// What was wanted: a security level (`may`, `dane`, ...) or a feature (`requiretls`, ...).
    pub wanted: &'a [u8],
    /// What came of it, when it differs from what was wanted (`none`, `nostarttls`, ...).
    pub became: Option<&'a [u8]>,
    /// How it ended.
    pub outcome: TlsOutcome,
}

/// How a TLS policy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsOutcome {
    /// Kept.
    Compliant,
    /// `!`: broken, so that the delivery was not made.
    Violated,
    /// `?`: the attempt ended before it was decided.
    Undecided,
}

impl TlsOutcome {
    /// The outcome in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::Violated => "violated",
            Self::Undecided => "undecided",
        }
    }
}

impl<'a> TlsPolicy<'a> {
    fn of(item: &'a [u8]) -> Self {
        let (outcome, item) = match (after(item, b"!"), item.strip_suffix(b"?")) {
            (Some(item), _) => (TlsOutcome::Violated, item),
            (None, Some(item)) => (TlsOutcome::Undecided, item),
            (None, None) => (TlsOutcome::Compliant, item),
        };
        let (wanted, became) = match memchr(b':', item) {
            Some(colon) => (&item[..colon], Some(&item[colon + 1..])),
            None => (item, None),
        };
        Self {
            wanted,
            became,
            outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(tls: &str) -> Vec<(String, Option<String>, TlsOutcome)> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        tls.as_bytes()
            .split(|b| *b == b'/')
            .map(TlsPolicy::of)
            .map(|p| (text(p.wanted), p.became.map(text), p.outcome))
            .collect()
    }

    #[test]
    fn tls_policies_and_what_became_of_them() {
        use TlsOutcome::{Compliant, Undecided, Violated};
        assert_eq!(
            policies("may:none"),
            [("may".into(), Some("none".into()), Compliant)]
        );
        assert_eq!(policies("may?"), [("may".into(), None, Undecided)]);
        assert_eq!(
            policies("dane/!requiretls:nostarttls"),
            [
                ("dane".into(), None, Compliant),
                ("requiretls".into(), Some("nostarttls".into()), Violated)
            ]
        );
    }

    #[test]
    fn relays_taken_apart() {
        assert_eq!(Relay::of(b"none"), Relay::None);
        assert_eq!(Relay::of(b"local"), Relay::Local);
        assert_eq!(Relay::of(b"spamfilter"), Relay::Transport(b"spamfilter"));
        assert_eq!(
            Relay::of(b"mail.d.example[private/dovecot-lmtp]"),
            Relay::Socket {
                name: b"mail.d.example",
                path: b"private/dovecot-lmtp"
            }
        );
        assert_eq!(
            Relay::of(b"[2001:db8::25]:2525"),
            Relay::Host(Client {
                name: b"",
                ip: b"2001:db8::25",
                port: Some(2525)
            })
        );
        assert_eq!(
            Relay::of(b"mx.a.example[192.0.2.1]:25"),
            Relay::Host(Client {
                name: b"mx.a.example",
                ip: b"192.0.2.1",
                port: Some(25)
            })
        );
    }
}
