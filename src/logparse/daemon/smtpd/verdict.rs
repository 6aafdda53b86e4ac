//! What smtpd decided about a command: `VERDICT: STAGE from C: [CODE ][DSN ]TEXT; CONTEXT`, written by its
//! restrictions (smtpd_check.c), milters, proxies and TLS policy (smtpd.c).

use super::super::super::event::{Client, Event, Reject, Verdict};
use super::super::super::taxonomy::Category;
use super::super::super::text::{after, client, cut};
use super::super::context::{self, Context, Style};
use super::super::put::{self, put};
use memchr::{memchr, memrchr};

/// Reads a verdict, behind `NOQUEUE: ` or an id.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let colon = memchr(b':', text)?;
    let (word, rest) = text.split_at(colon);
    let verdict = of_word(word)?;
    let rest = after(rest, b": ")?;
    if verdict == Verdict::Abort {
        return abort(word, rest).map(Event::Reject);
    }
    let (stage, peer, rest) = match cut(rest, b" from ") {
        Some((stage, from)) if is_stage(stage) => {
            let (peer, rest) = client(from)?;
            (stage, peer, after(rest, b": ")?)
        }
        _ if is_proxy(verdict) => {
            let (stage, rest) = cut(rest, b": ")?;
            (stage, Client::default(), rest)
        }
        _ => return None,
    };
    let (said, context) = context::split(rest, style(verdict));
    let (code, dsn, reason) = reply(said);
    Some(Event::Reject(Reject {
        verdict,
        word,
        stage,
        client: peer,
        code,
        dsn,
        reason,
        matched: None,
        from: context.from,
        to: context.to,
        proto: context.proto,
        helo: context.helo,
        sasl_method: context.sasl_method,
        sasl_username: context.sasl_username,
        sasl_sender: context.sasl_sender,
        category: Category::of_verdict(verdict, stage, reason),
    }))
}

/// The form of the context that stands behind a verdict's text.
fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::MilterReject
        | Verdict::MilterHold
        | Verdict::MilterDiscard
        | Verdict::MilterOther
        | Verdict::ProxyAccept
        | Verdict::ProxyReject => Style::Session,
        _ => Style::Check,
    }
}

fn is_proxy(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::ProxyAccept | Verdict::ProxyReject)
}

/// `abort: TLS from C: why`
fn abort<'a>(word: &'a [u8], text: &'a [u8]) -> Option<Reject<'a>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (peer, rest) = client(rest)?;
    let reason = after(rest, b": ")?;
    Some(Reject {
        word,
        ..Reject::plain(Verdict::Abort, stage, peer, reason)
    })
}

/// The words before a verdict's colon; where several mean one verdict, the first is what smtpd writes.
const WORDS: &[(&[u8], Verdict)] = &[
    (b"reject", Verdict::Reject),
    (b"reject_warning", Verdict::RejectWarning),
    (b"milter-reject", Verdict::MilterReject),
    (b"hold", Verdict::Hold),
    (b"discard", Verdict::Discard),
    (b"redirect", Verdict::Redirect),
    (b"filter", Verdict::Filter),
    (b"bcc", Verdict::Bcc),
    (b"warn", Verdict::Warn),
    (b"warning", Verdict::Warn),
    (b"info", Verdict::Info),
    (b"delay", Verdict::Delay),
    (b"hangup", Verdict::Hangup),
    (b"prepend", Verdict::Prepend),
    (b"replace", Verdict::Replace),
    (b"strip", Verdict::Strip),
    (b"pass", Verdict::Pass),
    (b"permit", Verdict::Permit),
    (b"abort", Verdict::Abort),
    (b"proxy-accept", Verdict::ProxyAccept),
    (b"proxy-reject", Verdict::ProxyReject),
    (b"milter-hold", Verdict::MilterHold),
    (b"milter-quarantine", Verdict::MilterHold),
    (b"milter-discard", Verdict::MilterDiscard),
];

/// The verdict that a word means.
pub fn of_word(word: &[u8]) -> Option<Verdict> {
    if let Some((_, verdict)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Some(*verdict);
    }
    (word.starts_with(b"milter-") && !word.contains(&b' ')).then_some(Verdict::MilterOther)
}

/// The word of a verdict: the one it was read with, or the one smtpd writes.
pub fn word<'a>(reject: &Reject<'a>) -> &'a [u8] {
    if !reject.word.is_empty() {
        return reject.word;
    }
    WORDS
        .iter()
        .find(|(_, verdict)| *verdict == reject.verdict)
        .map_or(b"milter-action", |(word, _)| word)
}

/// Stages are SMTP commands and smtpd's own words, in upper case but for `DATA content`.
pub fn is_stage(stage: &[u8]) -> bool {
    let word = stage.strip_suffix(b" content").unwrap_or(stage);
    !word.is_empty()
        && word
            .iter()
            .all(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'0'..=b'9' | b'_' | b'/'))
}

/// `554 5.7.1 text`, `5.7.1 text`, or text alone.
pub fn reply(text: &[u8]) -> (u16, &[u8], &[u8]) {
    let (code, rest) = match text {
        [
            a @ b'2'..=b'5',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            b' ',
            rest @ ..,
        ] => (
            u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'),
            rest,
        ),
        _ => (0, text),
    };
    let (dsn, rest) = dsn(rest);
    (code, dsn, rest)
}

/// An enhanced status code at the start (RFC 3463 section 2) and the text behind it.
fn dsn(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = memchr(b' ', text) else {
        return (b"", text);
    };
    let word = &text[..end];
    let form = word.len() >= 5
        && matches!(word[0], b'2' | b'4' | b'5')
        && word[1] == b'.'
        && memchr::memchr_iter(b'.', word).count() == 2
        && word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
        && memrchr(b'.', word) != Some(word.len() - 1);
    if form {
        (word, &text[end + 1..])
    } else {
        (b"", text)
    }
}

/// Writes a verdict of smtpd.
pub fn write(reject: &Reject<'_>, out: &mut Vec<u8>) {
    put(out, &[word(reject), b": ", reject.stage]);
    if !is_proxy(reject.verdict) || reject.client != Client::default() {
        put(out, &[b" from "]);
        put::client(reject.client, out);
    }
    put(out, &[b": "]);
    write_reply(reject, out);
    if reject.verdict != Verdict::Abort {
        put(out, &[b";"]);
        write_context(reject, b" ", style(reject.verdict), out);
    }
}

/// Writes `CODE DSN TEXT`, as far as they are there.
pub fn write_reply(reject: &Reject<'_>, out: &mut Vec<u8>) {
    if reject.code > 0 {
        put::number(u64::from(reject.code), out);
        put(out, &[b" "]);
    }
    if !reject.dsn.is_empty() {
        put(out, &[reject.dsn, b" "]);
    }
    put(out, &[reject.reason]);
}

/// Writes the session's state behind `before`; nothing when nothing is known.
pub fn write_context(reject: &Reject<'_>, before: &[u8], style: Style, out: &mut Vec<u8>) {
    let context = Context {
        from: reject.from,
        to: reject.to,
        proto: reject.proto,
        helo: reject.helo,
        sasl_method: reject.sasl_method,
        sasl_username: reject.sasl_username,
        sasl_sender: reject.sasl_sender,
        trailer: b"",
    };
    if context != Context::default() {
        put(out, &[before]);
        context.write(style, out);
    }
}
