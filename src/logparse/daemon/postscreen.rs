//! postscreen(8): who was let through, who was not, and why.

use super::super::event::{
    Behind, Client, Event, PostscreenKind as Kind, Reject, Verdict, Wording,
};
use super::super::taxonomy::Category;
use super::super::text::{after, client, cut, has, hundredths, number};
use super::context::{self, Style};
use super::put::{self, put};
use super::smtpd::verdict;

/// Words that a client follows, after `from ` or alone.
const LINES: &[(&[u8], Kind, Wording)] = &[
    (b"CONNECT from ", Kind::Connect, Wording::Current),
    (b"DISCONNECT ", Kind::Disconnect, Wording::Current),
    (b"PASS OLD ", Kind::PassOld, Wording::Current),
    (b"PASS NEW ", Kind::PassNew, Wording::Current),
    (b"ALLOWLISTED ", Kind::Allowlisted, Wording::Current),
    (b"WHITELISTED ", Kind::Allowlisted, Wording::Old),
    (b"DENYLISTED ", Kind::Denylisted, Wording::Current),
    (b"BLACKLISTED ", Kind::Denylisted, Wording::Old),
    (b"ALLOWLIST VETO ", Kind::AllowlistVeto, Wording::Current),
    (b"WHITELIST VETO ", Kind::AllowlistVeto, Wording::Old),
    (
        b"COMMAND PIPELINING from ",
        Kind::CommandPipelining,
        Wording::Current,
    ),
    (
        b"COMMAND TIME LIMIT from ",
        Kind::CommandTimeLimit,
        Wording::Current,
    ),
    (
        b"COMMAND COUNT LIMIT from ",
        Kind::CommandCountLimit,
        Wording::Current,
    ),
    (
        b"COMMAND LENGTH LIMIT from ",
        Kind::CommandLengthLimit,
        Wording::Current,
    ),
    (
        b"NON-SMTP COMMAND from ",
        Kind::NonSmtpCommand,
        Wording::Current,
    ),
    (b"BARE NEWLINE from ", Kind::BareNewline, Wording::Current),
    (
        b"DATA without valid RCPT from ",
        Kind::DataWithoutValidRcpt,
        Wording::Current,
    ),
    (
        b"BDAT without valid RCPT from ",
        Kind::BdatWithoutValidRcpt,
        Wording::Current,
    ),
];

/// A line about one client, as far as its first words and the client.
#[derive(Debug, Clone, Copy)]
struct About<'a> {
    kind: Kind,
    wording: Wording,
    value: u64,
    elapsed: &'a [u8],
}

impl About<'_> {
    fn kind(kind: Kind) -> Self {
        Self {
            kind,
            wording: Wording::Current,
            value: 0,
            elapsed: b"",
        }
    }
}

/// Reads a line of postscreen.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    for (start, kind, wording) in LINES {
        if let Some(rest) = after(text, start) {
            let about = About {
                wording: *wording,
                ..About::kind(*kind)
            };
            return of_client(about, rest);
        }
    }
    if let Some(rest) = after(text, b"DNSBL rank ") {
        let (value, rest) = number(rest)?;
        let about = About {
            value,
            ..About::kind(Kind::DnsblRank)
        };
        return of_client(about, after(rest, b" for ")?);
    }
    if let Some(rest) = after(text, b"PREGREET ") {
        let (value, rest) = number(rest)?;
        let (elapsed, rest) = elapsed(after(rest, b" after ")?)?;
        let about = About {
            value,
            elapsed,
            ..About::kind(Kind::Pregreet)
        };
        return of_client(about, rest);
    }
    if let Some(rest) = after(text, b"HANGUP after ") {
        let (elapsed, rest) = elapsed(rest)?;
        let about = About {
            elapsed,
            ..About::kind(Kind::Hangup)
        };
        return of_client(about, rest);
    }
    match after(text, b"reject: ") {
        Some(rest) => reject(rest),
        None => about_all(text),
    }
}

/// `SECONDS from ` and what follows.
fn elapsed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = hundredths(text)?;
    Some((&text[..text.len() - rest.len()], after(rest, b" from ")?))
}

/// A client and what follows it, which the kind decides.
fn of_client<'a>(about: About<'a>, text: &'a [u8]) -> Option<Event<'a>> {
    let (client, rest) = client(text)?;
    let nothing = &b""[..];
    let (stage, detail) = match about.kind.behind() {
        Behind::Nothing => {
            if !rest.is_empty() {
                return None;
            }
            (nothing, nothing)
        }
        // Before 2.10 the server was not named.
        Behind::Server if rest.is_empty() => (nothing, nothing),
        Behind::Server => (nothing, after(rest, b" to ")?),
        Behind::Text => (nothing, after(rest, b": ")?),
        Behind::Tests => (after(rest, b" in ")?, nothing),
        Behind::Command => (after(rest, b" after ")?, nothing),
        Behind::CommandText => cut(after(rest, b" after ")?, b": ")?,
    };
    Some(Event::Postscreen {
        kind: about.kind,
        wording: about.wording,
        client,
        value: about.value,
        elapsed: about.elapsed,
        stage,
        detail,
    })
}

/// Lines about no client: the cache's cleanup, the stress mode, a changed table; remarks about one.
fn about_all(text: &[u8]) -> Option<Event<'_>> {
    let cache = text.starts_with(b"cache ") && has(text, b" cleanup: ");
    let stress = text.starts_with(b"entering STRESS mode with ")
        || text.starts_with(b"leaving STRESS mode with ");
    if cache || stress {
        return Some(Event::Postscreen {
            kind: if cache { Kind::Cache } else { Kind::Busy },
            wording: Wording::Current,
            client: Client::default(),
            value: 0,
            elapsed: b"",
            stage: b"",
            detail: text,
        });
    }
    let table = text.starts_with(b"table ") && has(text, b" has changed - finishing");
    let remark = client(text).is_some_and(|(_, rest)| {
        rest.starts_with(b": discarding EHLO keywords: ")
            || rest.starts_with(b": replacing command \"")
    });
    (table || remark).then_some(Event::Info(text))
}

/// `RCPT from C: 550 5.7.1 TEXT; from=<>, to=<>, ...` and `CONNECT from C: too many connections`.
fn reject(text: &[u8]) -> Option<Event<'_>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (client, rest) = client(rest)?;
    let (said, context) = context::split(after(rest, b": ")?, Style::Postscreen);
    let (code, dsn, reason) = verdict::reply(said);
    Some(Event::Reject(Reject {
        verdict: Verdict::Reject,
        word: b"reject",
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
        sasl_method: None,
        sasl_username: None,
        sasl_sender: None,
        category: Category::of_postscreen(reason),
    }))
}

/// Writes a line about a client.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let Event::Postscreen {
        kind,
        wording,
        client,
        value,
        elapsed,
        stage,
        detail,
    } = event
    else {
        return;
    };
    match kind {
        Kind::Cache | Kind::Busy | Kind::Other => {
            put(out, &[detail]);
            return;
        }
        Kind::DnsblRank => {
            put(out, &[b"DNSBL rank "]);
            put::number(*value, out);
            put(out, &[b" for "]);
        }
        Kind::Pregreet => {
            put(out, &[b"PREGREET "]);
            put::number(*value, out);
            put(out, &[b" after ", elapsed, b" from "]);
        }
        Kind::Hangup => put(out, &[b"HANGUP after ", elapsed, b" from "]),
        _ => put(out, &[words(*kind, *wording)]),
    }
    put::client(*client, out);
    write_behind(*kind, stage, detail, out);
}

/// The first words of a kind of line.
fn words(kind: Kind, wording: Wording) -> &'static [u8] {
    LINES
        .iter()
        .find(|(_, k, w)| *k == kind && *w == wording)
        .or_else(|| LINES.iter().find(|(_, k, _)| *k == kind))
        .map_or(b"", |(words, _, _)| words)
}

fn write_behind(kind: Kind, stage: &[u8], detail: &[u8], out: &mut Vec<u8>) {
    match kind.behind() {
        Behind::Nothing => {}
        Behind::Server if detail.is_empty() => {}
        Behind::Server => put(out, &[b" to ", detail]),
        Behind::Text => put(out, &[b": ", detail]),
        Behind::Tests => put(out, &[b" in ", stage]),
        Behind::Command => put(out, &[b" after ", stage]),
        Behind::CommandText => put(out, &[b" after ", stage, b": ", detail]),
    }
}

/// Writes a reject of postscreen.
pub fn write_reject(reject: &Reject<'_>, out: &mut Vec<u8>) {
    put(
        out,
        &[verdict::word(reject), b": ", reject.stage, b" from "],
    );
    put::client(reject.client, out);
    put(out, &[b": "]);
    verdict::write_reply(reject, out);
    verdict::write_context(reject, b"; ", Style::Postscreen, out);
}
