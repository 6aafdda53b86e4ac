//! cleanup(8): message ids, and what header_checks, body_checks and milters did to content.

use super::super::event::{Client, Event, Reject, Verdict};
use super::super::taxonomy::Category;
use super::super::text::{after, client_only, cut, cut_last};
use super::{context, delivery, qmgr, smtpd};
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
    let verdict = smtpd::word(&text[..colon])?;
    let rest = after(&text[colon..], b": ")?;
    // `milter-header-redirect: header LINE from ...`: milter_header_checks, written like header_checks.
    let checks = [
        &b"milter-header-"[..],
        b"milter-body-",
        b"milter-mime-",
        b"milter-nested-",
    ];
    if text.starts_with(b"milter-") && !checks.iter().any(|start| text.starts_with(start)) {
        return milter(verdict, rest);
    }
    let blank = memchr(b' ', rest)?;
    let stage = &rest[..blank];
    if !matches!(
        stage,
        b"header" | b"body" | b"content" | b"mime-error" | b"mime" | b"nested"
    ) {
        return None;
    }
    let (said, context) = context::split_last(&rest[blank + 1..])?;
    let (matched, origin) = cut_last(said, b" from ")?;
    let (code, dsn, reason) = smtpd::reply(after(context.trailer, b": ").unwrap_or(b""));
    Some(Event::Reject(Reject {
        verdict,
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
        sasl_username: context.sasl_username,
        category: Category::of_content(stage),
    }))
}

/// What a milter made cleanup do.
fn milter(verdict: Verdict, text: &[u8]) -> Option<Event<'_>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (said, context) = context::split(rest);
    let (origin, said) = cut(said, b": ")?;
    let (code, dsn, reason) = smtpd::reply(said);
    Some(Event::Reject(Reject {
        verdict,
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
        sasl_username: context.sasl_username,
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
