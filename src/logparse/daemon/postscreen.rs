//! postscreen(8): who was let through, who was not, and why.

use super::super::event::{Client, Event, PostscreenKind as Kind, Reject, Verdict};
use super::super::taxonomy::Category;
use super::super::text::{after, client, cut, has, number};
use super::{context, smtpd};

/// Words that a client follows, after `from ` or alone.
const LINES: &[(&[u8], Kind)] = &[
    (b"CONNECT from ", Kind::Connect),
    (b"DISCONNECT ", Kind::Disconnect),
    (b"PASS OLD ", Kind::PassOld),
    (b"PASS NEW ", Kind::PassNew),
    (b"ALLOWLISTED ", Kind::Allowlisted),
    (b"WHITELISTED ", Kind::Allowlisted),
    (b"DENYLISTED ", Kind::Denylisted),
    (b"BLACKLISTED ", Kind::Denylisted),
    (b"ALLOWLIST VETO ", Kind::AllowlistVeto),
    (b"WHITELIST VETO ", Kind::AllowlistVeto),
    (b"COMMAND PIPELINING from ", Kind::CommandPipelining),
    (b"COMMAND TIME LIMIT from ", Kind::CommandTimeLimit),
    (b"COMMAND COUNT LIMIT from ", Kind::CommandCountLimit),
    (b"COMMAND LENGTH LIMIT from ", Kind::CommandLengthLimit),
    (b"NON-SMTP COMMAND from ", Kind::NonSmtpCommand),
    (b"BARE NEWLINE from ", Kind::BareNewline),
    (b"DATA without valid RCPT from ", Kind::DataWithoutValidRcpt),
    (b"BDAT without valid RCPT from ", Kind::DataWithoutValidRcpt),
];

/// Reads a line of postscreen.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    for (start, kind) in LINES {
        if let Some(rest) = after(text, start) {
            return about(*kind, 0, rest);
        }
    }
    if let Some(rest) = after(text, b"DNSBL rank ") {
        let (rank, rest) = number(rest)?;
        return about(Kind::DnsblRank, rank, after(rest, b" for ")?);
    }
    if let Some(rest) = after(text, b"PREGREET ") {
        let (bytes, rest) = number(rest)?;
        let (_, rest) = cut(after(rest, b" after ")?, b" from ")?;
        return about(Kind::Pregreet, bytes, rest);
    }
    if let Some(rest) = after(text, b"HANGUP after ") {
        let (_, rest) = cut(rest, b" from ")?;
        return about(Kind::Hangup, 0, rest);
    }
    if let Some(rest) = after(text, b"reject: ") {
        return reject(rest);
    }
    let cache = text.starts_with(b"cache ") && has(text, b" cleanup: ");
    let stress = text.starts_with(b"entering STRESS mode with ")
        || text.starts_with(b"leaving STRESS mode with ");
    (cache || stress).then_some(Event::Postscreen {
        kind: if cache { Kind::Cache } else { Kind::Busy },
        client: Client::default(),
        value: 0,
        detail: text,
    })
}

/// A client and what follows it: `: text`, ` after COMMAND: text`, ` in tests before SMTP handshake`, ` to [ip]:port`.
fn about(kind: Kind, value: u64, text: &[u8]) -> Option<Event<'_>> {
    let (client, rest) = client(text)?;
    let detail = [&b": "[..], b" after ", b" in ", b" to "]
        .iter()
        .find_map(|start| after(rest, start))
        .unwrap_or(b"");
    (rest.is_empty() || !detail.is_empty() || matches!(rest, b": " | b" after ")).then_some(
        Event::Postscreen {
            kind,
            client,
            value,
            detail,
        },
    )
}

/// `RCPT from C: 550 5.7.1 TEXT; from=<>, to=<>, ...` and `CONNECT from C: too many connections`.
fn reject(text: &[u8]) -> Option<Event<'_>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (client, rest) = client(rest)?;
    let (said, context) = context::split(after(rest, b": ")?);
    let (code, dsn, reason) = smtpd::reply(said);
    Some(Event::Reject(Reject {
        verdict: Verdict::Reject,
        stage,
        client,
        code,
        dsn,
        reason,
        matched: None,
        from: context.from,
        to: context.to,
        proto: context.proto,
        helo: context.helo,
        sasl_username: context.sasl_username,
        category: Category::of_postscreen(reason),
    }))
}
