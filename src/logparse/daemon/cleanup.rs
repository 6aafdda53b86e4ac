//! cleanup(8): message ids, and what header_checks, body_checks and milters did to content.

use super::super::event::{Client, Event, Reject, Verdict};
use super::super::taxonomy::Category;
use super::super::text::{after, client_only, cut, cut_last};
use super::context::{self, Style};
use super::put::{self, put};
use super::smtpd::verdict;
use super::{delivery, qmgr};
use memchr::memchr;

/// Reads a line of the cleanup daemon.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if let Some(message_id) = after(text, b"message-id=") {
        return Some(Event::MessageId {
            message_id,
            resent: false,
        });
    }
    if let Some(message_id) = after(text, b"resent-message-id=") {
        return Some(Event::MessageId {
            message_id,
            resent: true,
        });
    }
    qmgr::removed(text)
        .or_else(|| delivery::read(text))
        .or_else(|| action(text))
}

/// `ACT: header|body|content|mime-error TEXT from ORIGIN; CONTEXT[: optional]` and `milter-ACT: STAGE from C: TEXT; CONTEXT`.
fn action(text: &[u8]) -> Option<Event<'_>> {
    let colon = memchr(b':', text)?;
    let (word, rest) = text.split_at(colon);
    let verdict = verdict::of_word(word)?;
    let rest = after(rest, b": ")?;
    if word.starts_with(b"milter-") && !is_milter_checks(word) {
        return milter(verdict, word, rest);
    }
    let blank = memchr(b' ', rest)?;
    let stage = &rest[..blank];
    if !is_content(stage) {
        return None;
    }
    let (said, context) = context::split_last(&rest[blank + 1..])?;
    let (matched, origin) = cut_last(said, b" from ")?;
    let (code, dsn, reason) = verdict::reply(after(context.trailer, b": ").unwrap_or(b""));
    Some(Event::Reject(Reject {
        verdict,
        word,
        stage,
        client: self::origin(origin),
        code,
        dsn,
        reason,
        matched: Some(matched),
        from: context.from,
        to: context.to,
        proto: context.proto,
        helo: context.helo,
        sasl_method: None,
        sasl_username: None,
        sasl_sender: None,
        category: Category::of_content(stage),
    }))
}

/// `milter-header-redirect: header LINE from ...`: milter_header_checks, written like header_checks.
fn is_milter_checks(word: &[u8]) -> bool {
    [
        &b"milter-header-"[..],
        b"milter-body-",
        b"milter-mime-",
        b"milter-nested-",
    ]
    .iter()
    .any(|start| word.starts_with(start))
}

/// What of a message a table looked at.
pub fn is_content(stage: &[u8]) -> bool {
    matches!(
        stage,
        b"header" | b"body" | b"content" | b"mime-error" | b"mime" | b"nested"
    )
}

/// What a milter made cleanup do.
fn milter<'a>(verdict: Verdict, word: &'a [u8], text: &'a [u8]) -> Option<Event<'a>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (said, context) = context::split(rest, Style::Content);
    let (origin, said) = cut(said, b": ")?;
    let (code, dsn, reason) = verdict::reply(said);
    Some(Event::Reject(Reject {
        verdict,
        word,
        stage,
        client: self::origin(origin),
        code,
        dsn,
        reason,
        matched: None,
        from: context.from,
        to: context.to,
        proto: context.proto,
        helo: context.helo,
        sasl_method: None,
        sasl_username: None,
        sasl_sender: None,
        category: Category::Milter,
    }))
}

/// Where the message came from: a client, or `local` for pickup.
fn origin(text: &[u8]) -> Client<'_> {
    client_only(text).unwrap_or(Client {
        name: text,
        ..Client::default()
    })
}

/// Writes a message's id or an action on content.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::MessageId { message_id, resent } => {
            let name: &[u8] = if *resent {
                b"resent-message-id="
            } else {
                b"message-id="
            };
            put(out, &[name, message_id]);
        }
        Event::Reject(reject) => write_action(reject, out),
        _ => {}
    }
}

fn write_action(reject: &Reject<'_>, out: &mut Vec<u8>) {
    put(out, &[verdict::word(reject), b": ", reject.stage]);
    if let Some(matched) = reject.matched {
        put(out, &[b" ", matched]);
    }
    put(out, &[b" from "]);
    if reject.client.ip.is_empty() {
        put(out, &[reject.client.name]);
    } else {
        put::client(reject.client, out);
    }
    if reject.matched.is_none() {
        put(out, &[b": "]);
        verdict::write_reply(reject, out);
    }
    put(out, &[b";"]);
    verdict::write_context(reject, b" ", Style::Content, out);
    let trailer = reject.code > 0 || !reject.dsn.is_empty() || !reject.reason.is_empty();
    if reject.matched.is_some() && trailer {
        put(out, &[b": "]);
        verdict::write_reply(reject, out);
    }
}
