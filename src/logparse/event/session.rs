//! SMTP server sessions: who a client is, how a session ended, what its disconnect line counted.

use crate::logparse::text::{after, number32};
use memchr::memchr;

/// A remote client as Postfix writes it: `name[address]` or `name[address]:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Client<'a> {
    /// The verified name, or `unknown`.
    pub name: &'a [u8],
    /// The address without brackets, or `unknown`.
    pub ip: &'a [u8],
    /// The port, where it was logged.
    pub port: Option<u16>,
}

/// `QID: client=...`: a message gets its id from smtpd.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientLine<'a> {
    /// The client.
    pub client: Client<'a>,
    /// `sasl_method=`
    pub sasl_method: Option<&'a [u8]>,
    /// `sasl_username=`
    pub sasl_username: Option<&'a [u8]>,
    /// `sasl_sender=`
    pub sasl_sender: Option<&'a [u8]>,
    /// `orig_queue_id=`: a re-injection by a content filter.
    pub orig_queue_id: Option<&'a [u8]>,
    /// `orig_client=`
    pub orig_client: Option<Client<'a>>,
}

/// How an smtpd session broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionLoss {
    /// `lost connection after`
    LostConnection,
    /// `timeout after`
    Timeout,
    /// `too many errors after`
    TooManyErrors,
}

/// The counters of a disconnect line, `ehlo=1 mail=1 rcpt=0/2 commands=2/4`, with `notes=` behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters<'a>(pub &'a [u8]);

/// How often a client gave one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter<'a> {
    /// The command in lower case; `unknown` for anything else, `commands` for their sum.
    pub command: &'a [u8],
    /// How often it was accepted.
    pub accepted: u32,
    /// How often it was given.
    pub total: u32,
}

impl<'a> Counters<'a> {
    /// The counters in the line's order, the sum (`commands`) among them.
    pub fn iter(self) -> impl Iterator<Item = Counter<'a>> + use<'a> {
        self.members().filter_map(|(command, value)| {
            let (accepted, rest) = number32(value)?;
            let total = match after(rest, b"/") {
                Some(rest) => number32(rest)?.0,
                None => accepted,
            };
            Some(Counter {
                command,
                accepted,
                total,
            })
        })
    }

    /// One command's counter; `None` when it was never given.
    pub fn get(self, command: &[u8]) -> Option<Counter<'a>> {
        self.iter().find(|counter| counter.command == command)
    }

    /// What smtpd remarked about the session: `bare_lf`.
    pub fn notes(self) -> Option<&'a [u8]> {
        self.members()
            .find_map(|(name, value)| (name == b"notes").then_some(value))
    }

    fn members(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.0.split(|b| *b == b' ').filter_map(|member| {
            let equals = memchr(b'=', member)?;
            Some((&member[..equals], &member[equals + 1..]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_session() {
        let counters = Counters(b"ehlo=2 auth=0/1 rcpt=1/3 commands=3/6 notes=bare_lf");
        assert_eq!(
            counters.get(b"rcpt").map(|c| (c.accepted, c.total)),
            Some((1, 3))
        );
        assert_eq!(
            counters.get(b"ehlo").map(|c| (c.accepted, c.total)),
            Some((2, 2))
        );
        assert_eq!(counters.get(b"mail"), None);
        assert_eq!(counters.iter().count(), 4);
        assert_eq!(counters.notes(), Some(&b"bare_lf"[..]));
        assert_eq!(Counters(b"").notes(), None);
    }
}
