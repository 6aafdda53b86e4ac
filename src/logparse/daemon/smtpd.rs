//! smtpd(8): sessions, clients, verdicts.

use super::super::event::{ClientLine, Event, Reject, SessionLoss, Verdict};
use super::super::taxonomy::Category;
use super::super::text::{after, client, client_only, cut, number};
use super::{context, tls};
use memchr::{memchr, memrchr};

/// Reads a line of the SMTP server.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    // The commonest lines by their first words; no other line begins like them.
    if let Some(rest) = after(text, b"connect from ") {
        client_only(rest).map(Event::Connect)
    } else if let Some(rest) = after(text, b"disconnect from ") {
        disconnect(rest)
    } else if let Some(rest) = after(text, b"client=") {
        client_line(rest)
    } else {
        other(text)
    }
}

fn other(text: &[u8]) -> Option<Event<'_>> {
    match text.first()? {
        b'i' => after(text, b"improper command pipelining after ").and_then(pipelining),
        b'l' | b't' => session_lost(text),
        _ => None,
    }
    .or_else(|| verdict(text))
    .or_else(|| tls::server(text))
    .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

fn disconnect(text: &[u8]) -> Option<Event<'_>> {
    let (client, rest) = client(text)?;
    Some(Event::Disconnect {
        client,
        counters: rest.trim_ascii_start(),
    })
}

/// `lost connection after STAGE[ (N bytes)] from C`
fn session_lost(text: &[u8]) -> Option<Event<'_>> {
    let (kind, rest) = [
        (SessionLoss::LostConnection, &b"lost connection after "[..]),
        (SessionLoss::Timeout, b"timeout after "),
        (SessionLoss::TooManyErrors, b"too many errors after "),
    ]
    .into_iter()
    .find_map(|(kind, start)| Some((kind, after(text, start)?)))?;
    let (stage, from) = super::super::text::cut_last(rest, b" from ")?;
    let (stage, bytes) = match cut(stage, b" (") {
        Some((stage, count)) => (stage, number(count).map(|(n, _)| n)),
        None => (stage, None),
    };
    Some(Event::SessionLost {
        kind,
        stage,
        bytes,
        client: client_only(from)?,
    })
}

fn pipelining(text: &[u8]) -> Option<Event<'_>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (client, rest) = client(rest)?;
    Some(Event::ImproperPipelining {
        stage,
        client,
        data: after(rest, b": ").unwrap_or(b""),
    })
}

/// `client=C[, sasl_method=M][, sasl_username=U][, sasl_sender=S][, orig_queue_id=Q][, orig_client=C]`
fn client_line(text: &[u8]) -> Option<Event<'_>> {
    let (client, mut rest) = client(text)?;
    let mut line = ClientLine {
        client,
        ..ClientLine::default()
    };
    while let Some(member) = after(rest, b", ") {
        let equals = memchr(b'=', member)?;
        let (name, value) = (&member[..equals], &member[equals + 1..]);
        let end = member_end(value);
        let (value, behind) = (&value[..end], &value[end..]);
        match name {
            b"sasl_method" => line.sasl_method = Some(value),
            b"sasl_username" => line.sasl_username = Some(value),
            b"sasl_sender" => line.sasl_sender = Some(value),
            b"orig_queue_id" => line.orig_queue_id = Some(value),
            b"orig_client" => line.orig_client = Some(client_only(value)?),
            _ => return None,
        }
        rest = behind;
    }
    rest.is_empty().then_some(Event::Client(line))
}

/// A value ends where the next known member begins: a login name may hold commas.
fn member_end(value: &[u8]) -> usize {
    memchr::memchr_iter(b',', value)
        .find(|at| {
            after(&value[*at..], b", ")
                .is_some_and(|next| next.starts_with(b"sasl_") || next.starts_with(b"orig_"))
        })
        .unwrap_or(value.len())
}

/// `reject: RCPT from C: 554 5.7.1 TEXT; from=...` and its kin, after `NOQUEUE: ` or an id.
fn verdict(text: &[u8]) -> Option<Event<'_>> {
    let colon = memchr(b':', text)?;
    let verdict = word(&text[..colon])?;
    let rest = after(&text[colon..], b": ")?;
    if verdict == Verdict::Abort {
        return Some(Event::Reject(abort(rest)));
    }
    let proxy = matches!(verdict, Verdict::ProxyAccept | Verdict::ProxyReject);
    let (stage, peer, rest) = match cut(rest, b" from ") {
        Some((stage, from)) if is_stage(stage) => {
            let (peer, rest) = client(from)?;
            (stage, peer, after(rest, b":")?)
        }
        _ if proxy => {
            let colon = memchr(b':', rest)?;
            (&rest[..colon], <_>::default(), &rest[colon + 1..])
        }
        _ => return None,
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let (said, context) = context::split(rest);
    let (code, dsn, reason) = reply(said);
    Some(Event::Reject(Reject {
        verdict,
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
        sasl_username: context.sasl_username,
        category: Category::of_verdict(verdict, stage, reason),
    }))
}

/// `abort: TLS from C: why`
fn abort(text: &[u8]) -> Reject<'_> {
    let (stage, rest) = cut(text, b" from ").unwrap_or((b"", text));
    let (peer, rest) = client(rest).unwrap_or((<_>::default(), rest));
    Reject::plain(
        Verdict::Abort,
        stage,
        peer,
        after(rest, b": ").unwrap_or(rest),
    )
}

/// The words before a verdict's colon.
pub fn word(word: &[u8]) -> Option<Verdict> {
    Some(match word {
        b"reject" => Verdict::Reject,
        b"reject_warning" => Verdict::RejectWarning,
        b"milter-reject" => Verdict::MilterReject,
        b"hold" => Verdict::Hold,
        b"discard" => Verdict::Discard,
        b"redirect" => Verdict::Redirect,
        b"filter" => Verdict::Filter,
        b"bcc" => Verdict::Bcc,
        b"warn" | b"warning" => Verdict::Warn,
        b"info" => Verdict::Info,
        b"delay" => Verdict::Delay,
        b"hangup" => Verdict::Hangup,
        b"prepend" => Verdict::Prepend,
        b"replace" => Verdict::Replace,
        b"strip" => Verdict::Strip,
        b"pass" => Verdict::Pass,
        b"abort" => Verdict::Abort,
        b"proxy-accept" => Verdict::ProxyAccept,
        b"proxy-reject" => Verdict::ProxyReject,
        b"milter-hold" | b"milter-quarantine" => Verdict::MilterHold,
        b"milter-discard" => Verdict::MilterDiscard,
        _ if word.starts_with(b"milter-") && !word.contains(&b' ') => Verdict::MilterOther,
        _ => return None,
    })
}

/// Stages are SMTP commands and smtpd's own words: upper case, or `unknown` after a broken command.
fn is_stage(stage: &[u8]) -> bool {
    !stage.is_empty()
        && stage
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
pub fn dsn(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b' ', text).unwrap_or(text.len());
    let word = &text[..end];
    let form = word.len() >= 5
        && matches!(word[0], b'2' | b'4' | b'5')
        && word[1] == b'.'
        && memchr::memchr_iter(b'.', word).count() == 2
        && word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
        && memrchr(b'.', word) != Some(word.len() - 1);
    if form {
        (word, text[end..].strip_prefix(b" ").unwrap_or(b""))
    } else {
        (b"", text)
    }
}

/// smtpd's own remarks that carry nothing to count.
fn is_remark(text: &[u8]) -> bool {
    text.starts_with(b"discarding EHLO keywords: ")
        || text.starts_with(b"replacing command ")
        || text.starts_with(b"replacing client EHLO command")
        || text.starts_with(b"XCLIENT ")
        || text.starts_with(b"disconnect-by-policy")
}
