//! What is traced: a queue id, an address, a domain, a message-id, an IP address or network, or a regular
//! expression, told apart by their form.
//!
//! In: the user's word. Out: what to look for in raw bytes ([`Term::needle`]) and whether a line that was
//! understood is meant ([`Term::matches`]): a substring is never enough. It reads no files.

use crate::logparse::event::{Client, Delivery, Event, Reject, Warning};
use crate::logparse::{Record, is_queue_id};
use ipnet::IpNet;
use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};
use std::net::IpAddr;

/// Which side of the envelope an address must be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// Either.
    #[default]
    Any,
    /// The sender's.
    From,
    /// The recipient's.
    To,
}

/// What is traced.
#[derive(Debug, Clone)]
pub enum Term {
    /// A queue id, also where other messages' lines name it.
    Id(Vec<u8>),
    /// A whole address; without a side also a message-id of the same text. Empty is the null sender.
    Address(Vec<u8>, Side),
    /// Every address of a domain.
    Domain(Vec<u8>, Side),
    /// A message-id, without its angle brackets.
    MessageId(Vec<u8>),
    /// The addresses of clients and relays.
    Net(IpNet),
    /// A regular expression on a line, or on its text behind the tag.
    Pattern(Regex),
}

/// A word that is none of these.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoSuchTerm {
    /// It has no form that is known.
    #[error(
        "{0}: neither a queue id, an address, a domain, a message-id in angle brackets nor an IP address (try: '/{0}/', a regular expression)"
    )]
    Form(String),
    /// The regular expression is none.
    #[error("{0}")]
    Pattern(String),
    /// `--from` and `--to` say something about addresses only.
    #[error("{0} is no address: --from and --to are for addresses and domains")]
    Side(String),
}

/// How the raw bytes are searched.
#[derive(Debug)]
pub enum Needle {
    /// These bytes, exactly.
    Exact(Box<memmem::Finder<'static>>),
    /// This expression, which may match across line ends: a hit is confirmed on its line.
    Pattern(Regex),
    /// Nothing narrows it down: every line is looked at.
    Every,
}

impl Term {
    /// Reads what was typed.
    pub fn new(word: &str, side: Side) -> Result<Self, NoSuchTerm> {
        let word = word.trim();
        let term = Self::by_form(word, side)?;
        let sided = matches!(term, Self::Address(..) | Self::Domain(..));
        if side != Side::Any && !sided {
            return Err(NoSuchTerm::Side(word.to_owned()));
        }
        Ok(term)
    }

    fn by_form(word: &str, side: Side) -> Result<Self, NoSuchTerm> {
        if let Some(pattern) = between(word, '/', '/') {
            return Regex::new(pattern)
                .map(Self::Pattern)
                .map_err(|error| NoSuchTerm::Pattern(error.to_string()));
        }
        if let Some(inner) = between(word, '<', '>') {
            let bytes = inner.as_bytes().to_vec();
            return Ok(if inner.is_empty() || side != Side::Any {
                Self::Address(bytes, side)
            } else {
                Self::MessageId(bytes)
            });
        }
        if let Some(net) = net(word) {
            return Ok(Self::Net(net));
        }
        if is_queue_id(word.as_bytes()) {
            return Ok(Self::Id(word.as_bytes().to_vec()));
        }
        if word
            .bytes()
            .any(|b| b.is_ascii_whitespace() || b.is_ascii_control())
        {
            return Err(NoSuchTerm::Form(word.to_owned()));
        }
        match word.rsplit_once('@') {
            Some(("", domain)) if !domain.is_empty() => {
                Ok(Self::Domain(domain.as_bytes().to_vec(), side))
            }
            Some((_, domain)) if !domain.is_empty() => {
                Ok(Self::Address(word.as_bytes().to_vec(), side))
            }
            None if is_domain(word) => Ok(Self::Domain(word.as_bytes().to_vec(), side)),
            _ => Err(NoSuchTerm::Form(word.to_owned())),
        }
    }

    /// What the word was taken for.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Id(_) => "queue id",
            Self::Address(text, _) if text.is_empty() => "null sender",
            Self::Address(..) => "address",
            Self::Domain(..) => "domain",
            Self::MessageId(_) => "message-id",
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => "IP address",
            Self::Net(_) => "network",
            Self::Pattern(_) => "regular expression",
        }
    }

    /// What every line that matters holds.
    pub fn needle(&self) -> Needle {
        let exact = |bytes: &[u8]| Needle::Exact(Box::new(memmem::Finder::new(bytes).into_owned()));
        match self {
            Self::Id(text) | Self::MessageId(text) => exact(text),
            Self::Address(text, _) if text.is_empty() => exact(b"from=<>"),
            Self::Address(text, _) => any_case(text),
            Self::Domain(text, _) => any_case(&[b"@", text.as_slice()].concat()),
            Self::Net(net) => match beginning(net) {
                text if text.is_empty() => Needle::Every,
                text => exact(text.as_bytes()),
            },
            Self::Pattern(regex) if is_anchored(regex.as_str()) => Needle::Every,
            Self::Pattern(regex) => Needle::Pattern(regex.clone()),
        }
    }

    /// Whether a line that was understood is one of those meant.
    pub fn matches(&self, record: &Record<'_>, line: &[u8]) -> bool {
        match self {
            Self::Id(id) => record.queue_id == Some(id) || refers(&record.event, id),
            Self::MessageId(id) => is_message_id(&record.event, id),
            Self::Address(text, side) => {
                addresses(&record.event, *side, |a| a.eq_ignore_ascii_case(text))
                    || (*side == Side::Any
                        && !text.is_empty()
                        && is_message_id(&record.event, text))
            }
            Self::Domain(domain, side) => addresses(&record.event, *side, |a| {
                memchr::memrchr(b'@', a).is_some_and(|at| a[at + 1..].eq_ignore_ascii_case(domain))
            }),
            Self::Net(net) => hosts(&record.event, |ip| {
                std::str::from_utf8(ip)
                    .ok()
                    .and_then(|ip| ip.parse::<IpAddr>().ok())
                    .is_some_and(|ip| net.contains(&ip))
            }),
            Self::Pattern(regex) => regex.is_match(line) || regex.is_match(record.text),
        }
    }
}

/// The other message's id that a line names, when it is this one.
fn refers(event: &Event<'_>, id: &[u8]) -> bool {
    named(event).is_some_and(|other| other == id)
}

/// The id of another message that a line names.
pub(super) fn named<'a>(event: &Event<'a>) -> Option<&'a [u8]> {
    match event {
        Event::Notification { new_id, .. } => Some(*new_id),
        Event::Pickup { orig_id, .. } => *orig_id,
        Event::Client(line) => line.orig_queue_id,
        Event::Delivery(delivery) if delivery.is_forward() => {
            delivery.reason.get(b"forwarded as ".len()..)
        }
        Event::Delivery(delivery) => delivery.queued_as(),
        _ => None,
    }
    .filter(|id| is_queue_id(id))
}

fn is_message_id(event: &Event<'_>, id: &[u8]) -> bool {
    match event {
        Event::MessageId { message_id, .. } => core(message_id) == id,
        _ => false,
    }
}

/// A message-id without its angle brackets.
pub(super) fn core(message_id: &[u8]) -> &[u8] {
    let text = message_id.strip_prefix(b"<").unwrap_or(message_id);
    text.strip_suffix(b">").unwrap_or(text)
}

/// Whether any address of the line, on the side asked for, is meant.
fn addresses(event: &Event<'_>, side: Side, meant: impl Fn(&[u8]) -> bool) -> bool {
    let from = side != Side::To;
    let to = side != Side::From;
    let sent = |address: Option<&[u8]>| from && address.is_some_and(&meant);
    let received = |address: Option<&[u8]>| to && address.is_some_and(&meant);
    match event {
        Event::Delivery(Delivery { to, orig_to, .. }) => received(Some(to)) || received(*orig_to),
        Event::QueueActive { from, .. }
        | Event::Expired { from, .. }
        | Event::Pickup { from, .. } => sent(Some(from)),
        Event::Reject(Reject {
            from,
            to,
            sasl_username,
            ..
        }) => sent(*from) || received(*to) || sent(*sasl_username),
        Event::Client(line) => sent(line.sasl_username) || sent(line.sasl_sender),
        Event::Warning(Warning::SaslFailed { username, .. }) => sent(*username),
        Event::Warning(Warning::IllegalAddress { address, .. }) => {
            sent(Some(address)) || received(Some(address))
        }
        _ => false,
    }
}

/// Whether any client or relay of the line is meant.
fn hosts(event: &Event<'_>, meant: impl Fn(&[u8]) -> bool) -> bool {
    match event {
        Event::Delivery(delivery) => relay_ip(delivery.relay).is_some_and(meant),
        Event::Client(line) => {
            meant(line.client.ip) || line.orig_client.is_some_and(|c| meant(c.ip))
        }
        Event::Dnsblog { address, .. }
        | Event::Warning(Warning::HostnameMismatch { address, .. }) => meant(address),
        other => client(other).is_some_and(|c| meant(c.ip)),
    }
}

/// The remote end that a line is about.
pub(super) fn client<'a>(event: &Event<'a>) -> Option<Client<'a>> {
    match event {
        Event::Connect(client)
        | Event::Disconnect { client, .. }
        | Event::SessionLost { client, .. }
        | Event::ImproperPipelining { client, .. }
        | Event::Postscreen { client, .. }
        | Event::TlsFailed { peer: client, .. }
        | Event::Warning(
            Warning::IllegalAddress { client, .. }
            | Warning::LimitExceeded { client, .. }
            | Warning::SaslFailed { client, .. }
            | Warning::NonSmtpCommand { client, .. },
        ) => Some(*client),
        Event::Reject(reject) => Some(reject.client),
        Event::Client(line) => Some(line.client),
        Event::Tls(tls) => Some(tls.peer),
        _ => None,
    }
}

/// The address in `host[address]:port`.
pub(super) fn relay_ip(relay: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr(b'[', relay)? + 1;
    let end = start + memchr::memchr(b']', &relay[start..])?;
    Some(&relay[start..end])
}

fn between(word: &str, open: char, close: char) -> Option<&str> {
    word.strip_prefix(open)?.strip_suffix(close)
}

/// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::1`, `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3).
fn net(word: &str) -> Option<IpNet> {
    let word = between(word, '[', ']').unwrap_or(word);
    let word = match word.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => &word[5..],
        _ => word,
    };
    word.parse::<IpAddr>()
        .map(IpNet::from)
        .or_else(|_| word.parse::<IpNet>())
        .ok()
        .map(|net| net.trunc())
}

/// What the text of every address of a network begins with, as inet_ntop(3) writes it.
fn beginning(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        return net.addr().to_string();
    }
    match net {
        IpNet::V4(net) => {
            let fixed = usize::from(net.prefix_len() / 8);
            with_ends(net.addr().octets().iter().take(fixed), ".")
        }
        // A group of zeros may be left out of the text: what is certain ends before the first one.
        IpNet::V6(net) => {
            let fixed = usize::from(net.prefix_len() / 16);
            let groups = net.addr().segments().into_iter().take(fixed);
            let certain = groups.take_while(|group| *group != 0);
            with_ends(certain.map(|group| format!("{group:x}")), ":")
        }
    }
}

/// The parts, each with its end.
fn with_ends(parts: impl Iterator<Item = impl ToString>, end: &str) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.to_string());
        text.push_str(end);
    }
    text
}

/// ASCII letters of either case: domains are not told apart by case, and hardly any local part is.
fn any_case(text: &[u8]) -> Needle {
    let Ok(word) = std::str::from_utf8(text) else {
        return Needle::Every;
    };
    RegexBuilder::new(&regex::escape(word))
        .case_insensitive(true)
        .unicode(false)
        .build()
        .map_or(Needle::Every, Needle::Pattern)
}

/// Whether an expression can only be tried on a line by itself. Anchors mean the line's text as well, which
/// begins somewhere in the line.
fn is_anchored(pattern: &str) -> bool {
    let pattern = pattern.replace("[^", "[");
    ["^", "$", "\\A", "\\z"]
        .iter()
        .any(|anchor| pattern.contains(anchor))
}

fn is_domain(word: &str) -> bool {
    word.contains('.')
        && !word.starts_with('.')
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(word: &str) -> &'static str {
        Term::new(word, Side::Any).map_or("none", |term| term.name())
    }

    #[test]
    fn a_word_is_known_by_its_form() {
        for (word, kind) in [
            ("8921054E113", "queue id"),
            ("4jXMkR1TwwznJht", "queue id"),
            ("tina@good.example", "address"),
            ("\"odd user\"@good.example", "none"),
            ("用户@good.example", "address"),
            ("@good.example", "domain"),
            ("good.example", "domain"),
            ("<m1@good.example>", "message-id"),
            ("<>", "null sender"),
            ("192.0.2.1", "IP address"),
            ("[192.0.2.1]", "IP address"),
            ("[IPv6:2001:DB8::25]", "IP address"),
            ("2001:db8::/32", "network"),
            ("192.0.2.7/24", "network"),
            ("/a.*b/", "regular expression"),
            ("/", "none"),
            ("/(/", "none"),
            ("user@", "none"),
            ("word", "none"),
            ("", "none"),
        ] {
            assert_eq!(name(word), kind, "{word}");
        }
        assert!(Term::new("8921054E113", Side::From).is_err());
        assert!(Term::new("<a@b.example>", Side::To).is_ok_and(|t| t.name() == "address"));
    }

    #[test]
    fn a_networks_addresses_begin_with_what_is_looked_for() {
        for (word, text) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2."),
            ("192.0.2.0/20", "192.0."),
            ("0.0.0.0/0", ""),
            ("2001:DB8:0:0::25", "2001:db8::25"),
            ("2001:db8::/32", "2001:db8:"),
            ("2001:0:5::/48", "2001:"),
            ("2001:db8::/20", "2001:"),
        ] {
            assert_eq!(beginning(&net(word).unwrap()), text, "{word}");
        }
    }

    #[test]
    fn letters_of_either_case_and_nothing_is_a_metacharacter() {
        let Needle::Pattern(regex) = any_case(b"a+b@x.example") else {
            panic!("no pattern");
        };
        assert!(regex.is_match(b"to=<A+b@X.Example>"));
        assert!(!regex.is_match(b"to=<aab@x.example>"));
        assert!(!regex.is_match(b"to=<a+b@xyexample>"));
    }

    #[test]
    fn only_expressions_without_anchors_are_searched_in_blocks() {
        for (pattern, block) in [
            ("/a[^ ]*b/", true),
            (r"/\[192\.0\.2\.1\]/", true),
            ("/^from/", false),
            ("/removed$/", false),
            (r"/\Afrom/", false),
        ] {
            let needle = Term::new(pattern, Side::Any).unwrap().needle();
            assert_eq!(matches!(needle, Needle::Pattern(_)), block, "{pattern}");
        }
    }
}
