//! smtp(8) and lmtp(8): deliveries, and remarks about remote servers that are no delivery yet.

use super::super::event::{Client, Event, Reject, Verdict};
use super::super::taxonomy::Category;
use super::super::text::{cut, has};
use super::put::put;
use super::smtpd::verdict;
use super::{cleanup, delivery, tls};

/// Reads a line of the SMTP or LMTP client.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if text.starts_with(b"to=") {
        return delivery::read(text);
    }
    is_remote(text)
        .then_some(Event::Remote { text })
        .or_else(|| tls::client(text))
        .or_else(|| checks(text))
        .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

/// What a server, or the way to it, did (smtp_connect.c, smtp_trouble.c, smtp_chat.c).
fn is_remote(text: &[u8]) -> bool {
    (text.starts_with(b"connect to "))
        || (text.starts_with(b"host ")
            && (has(text, b" said: ") || has(text, b" refused to talk to me: ")))
        || text.starts_with(b"lost connection with ")
        || (text.starts_with(b"conversation with ") && has(text, b" timed out while "))
        || (text.starts_with(b"Protocol error: host "))
        || text.starts_with(b"Host offered STARTTLS: ")
        || text.starts_with(b"SASL authentication failed; ")
        || text.starts_with(b"smtp_get: ")
        || text.starts_with(b"network address conversion failed: ")
}

/// How the client's own remarks begin (smtp_proto.c, smtp_reuse.c, smtp_connect.c).
const REMARKS: &[&[u8]] = &[
    b"enabling PIX workarounds: ",
    b"breaking line > ",
    b"discarding EHLO keywords: ",
    b"uncaching ",
    b"TLS is required, but ",
    b"offered TLSRPT policy ",
    b"using TLS security level ",
    b"passing ",
    b"Sender requested REQUIRETLS, but ",
    b"SMTPS wrappermode (TCP port 465) requires ",
    b"skipping SRV lookup for ",
    b"smtp_tlsrpt_support: ",
];

/// What the client itself did about it.
fn is_remark(text: &[u8]) -> bool {
    REMARKS.iter().any(|start| text.starts_with(start))
        || (text.starts_with(b"host ") && has(text, b" offers SMTPUTF8 support, but not 8BITMIME"))
        || has(text, b": replacing server reply \"")
}

/// `ACTION: header LINE`: smtp_header_checks and their kin. The table's text, where there is one, follows
/// the line behind a colon, as the line itself may hold colons it is not told apart.
fn checks(text: &[u8]) -> Option<Event<'_>> {
    let (word, rest) = cut(text, b": ")?;
    let (stage, matched) = cut(rest, b" ")?;
    let verdict = verdict::of_word(word)?;
    let by_client = matches!(
        verdict,
        Verdict::Info
            | Verdict::Warn
            | Verdict::Prepend
            | Verdict::Replace
            | Verdict::Strip
            | Verdict::Reject
            | Verdict::Discard
    );
    (by_client && cleanup::is_content(stage)).then(|| {
        Event::Reject(Reject {
            word,
            matched: Some(matched),
            category: Category::of_content(stage),
            ..Reject::plain(verdict, stage, Client::default(), b"")
        })
    })
}

/// Writes an action of smtp_header_checks.
pub fn write_checks(reject: &Reject<'_>, out: &mut Vec<u8>) {
    put(out, &[verdict::word(reject), b": ", reject.stage]);
    if let Some(matched) = reject.matched {
        put(out, &[b" ", matched]);
    }
}
