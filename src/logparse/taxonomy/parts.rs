//! A reply's text taken apart: which part of the session it is about, the address or name that was looked
//! at, and what is said about it.

use super::Class;
use crate::logparse::text::{address, after, cut};

/// The classes as smtpd writes them; the longer name first, as one ends with another.
pub(super) const CLASSES: &[(&[u8], Class)] = &[
    (b"Unverified Client host", Class::ReverseClient),
    (b"Client host", Class::Client),
    (b"client", Class::Client),
    (b"Client certificate", Class::Certificate),
    (b"Helo command", Class::Helo),
    (b"Sender address", Class::Sender),
    (b"Recipient address", Class::Recipient),
    (b"Data command", Class::Data),
    (b"End-of-data", Class::EndOfData),
    (b"Etrn command", Class::Etrn),
    (b"SASL login name", Class::SaslLogin),
];

/// `[<SUBJECT>: ][CLASS rejected: ]SAID`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The address, name or client that was looked at, without its angle brackets: the client's own choice.
    pub subject: Option<&'a [u8]>,
    /// What of the session it is.
    pub class: Option<Class>,
    /// What is said about it: smtpd's own words, a table's or a policy server's.
    pub said: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes a reply's text (without its codes) apart.
    pub fn of(text: &'a [u8]) -> Self {
        if let Some(blocked) = Blocked::of(text) {
            return Self {
                subject: Some(blocked.what).filter(|what| !what.is_empty()),
                class: Some(blocked.class),
                said: blocked.said,
            };
        }
        let (subject, text) = subject(text);
        match class(text, subject) {
            Some((class, said)) => Self {
                subject,
                class: Some(class),
                said,
            },
            None => Self {
                subject,
                class: None,
                said: text,
            },
        }
    }
}

/// `CLASS [WHAT] blocked using ZONE[=ANSWER][; TEXT]`, however default_rbl_reply begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked<'a> {
    /// What of the session was looked up.
    pub class: Class,
    /// The address or name that was looked up.
    pub what: &'a [u8],
    /// The block list.
    pub zone: &'a [u8],
    /// The answers that count, where the configuration names them (`zone=127.0.0.[2..8]`).
    pub answer: Option<&'a [u8]>,
    /// The list's own text (its TXT record).
    pub text: Option<&'a [u8]>,
    /// From `blocked using` to the end.
    pub said: &'a [u8],
}

impl<'a> Blocked<'a> {
    /// Takes a block list's verdict apart; `None` for other texts.
    pub fn of(text: &'a [u8]) -> Option<Self> {
        let (before, rest) = cut(text, b" blocked using ")?;
        let end = rest
            .iter()
            .position(|b| matches!(b, b';' | b'=' | b' ' | b','))
            .unwrap_or(rest.len());
        let (zone, behind) = rest.split_at(end);
        if zone.is_empty() {
            return None;
        }
        // `Service unavailable; Client host [192.0.2.1]`: what was looked up stands in brackets.
        let (phrase, what) = match before.strip_suffix(b"]").and_then(|b| cut(b, b" [")) {
            Some((phrase, what)) => (phrase, what),
            None => (before, &b""[..]),
        };
        let class = CLASSES
            .iter()
            .find(|(name, _)| phrase.ends_with(name))
            .map_or(Class::Client, |(_, class)| *class);
        let (answer, behind) = match after(behind, b"=") {
            Some(answer) => match cut(answer, b"; ") {
                Some((answer, text)) => (Some(answer), Some(text)),
                None => (Some(answer), None),
            },
            None => (None, after(behind, b"; ")),
        };
        Some(Self {
            class,
            what,
            zone,
            answer,
            text: behind,
            said: &text[before.len() + 1..],
        })
    }

    /// Whether a name was looked up rather than an address.
    pub(super) fn is_name(&self) -> bool {
        !self.what.contains(&b':') && self.what.iter().any(u8::is_ascii_alphabetic)
    }
}

/// Takes `<address or name>: ` off; what is inside is the client's own choice.
pub(super) fn subject(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match address(text, &[b": "]) {
        Some((subject, rest)) if text.starts_with(b"<") => (Some(subject), &rest[2..]),
        _ => (None, text),
    }
}

/// `CLASS rejected: TEXT` without the first words; behind a subject also `CLASS triggers HOLD action` and
/// `CLASS TEXT`, as the actions of access tables are logged.
pub(super) fn class<'a>(text: &'a [u8], subject: Option<&[u8]>) -> Option<(Class, &'a [u8])> {
    CLASSES.iter().find_map(|(name, class)| {
        let rest = after(text, name)?;
        let said = match after(rest, b" rejected: ") {
            Some(said) => said,
            None => after(rest, b" ").filter(|_| subject.is_some())?,
        };
        Some((*class, said))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_taken_apart() {
        for (text, subject, class, said) in [
            (
                &br#"<"a: b"@c>: Recipient address rejected: User unknown"#[..],
                Some(&br#""a: b"@c"#[..]),
                Some(Class::Recipient),
                &b"User unknown"[..],
            ),
            (
                b"<x@y>: Relay access denied",
                Some(b"x@y"),
                None,
                b"Relay access denied",
            ),
            (
                b"Client host rejected: cannot find your hostname, [192.0.2.1]",
                None,
                Some(Class::Client),
                b"cannot find your hostname, [192.0.2.1]",
            ),
            (
                b"<h[192.0.2.1]>: Client host triggers HOLD action",
                Some(b"h[192.0.2.1]"),
                Some(Class::Client),
                b"triggers HOLD action",
            ),
            (
                b"Message size exceeds fixed limit",
                None,
                None,
                b"Message size exceeds fixed limit",
            ),
            (
                b"Service unavailable; Helo command [a.b] blocked using dbl.example; go away",
                Some(b"a.b"),
                Some(Class::Helo),
                b"blocked using dbl.example; go away",
            ),
        ] {
            let parts = Parts::of(text);
            assert_eq!(
                parts,
                Parts {
                    subject,
                    class,
                    said
                }
            );
        }
    }

    #[test]
    fn block_lists_taken_apart() {
        let blocked =
            Blocked::of(b"Service unavailable; Client host [192.0.2.1] blocked using zen.example=127.0.0.[2;4..8]; see; there")
                .unwrap();
        assert_eq!(blocked.what, b"192.0.2.1");
        assert_eq!(blocked.zone, b"zen.example");
        assert_eq!(blocked.answer, Some(&b"127.0.0.[2;4..8]"[..]));
        assert_eq!(blocked.text, Some(&b"see; there"[..]));
        assert_eq!(blocked.class, Class::Client);
        assert_eq!(Blocked::of(b"Relay access denied"), None);
    }
}
