//! smtpd(8): sessions and clients; verdicts are in [`verdict`]. qmqpd(8) writes the same lines.

pub mod verdict;

use super::super::event::{ClientLine, Counters, Event, SessionLoss};
use super::super::text::{after, client, client_only, cut, cut_last, number};
use super::put::{self, member, put};
use super::tls;
use memchr::memchr;

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
    .or_else(|| verdict::read(text))
    .or_else(|| tls::server(text))
    .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

fn disconnect(text: &[u8]) -> Option<Event<'_>> {
    let (client, rest) = client(text)?;
    let counters = match rest {
        b"" => rest,
        _ => after(rest, b" ").filter(|counters| !counters.is_empty())?,
    };
    Some(Event::Disconnect {
        client,
        counters: Counters(counters),
    })
}

/// How the ends of sessions begin.
const LOSSES: [(SessionLoss, &[u8]); 3] = [
    (SessionLoss::LostConnection, b"lost connection after "),
    (SessionLoss::Timeout, b"timeout after "),
    (SessionLoss::TooManyErrors, b"too many errors after "),
];

/// `lost connection after STAGE[ (N bytes)] from C`; 3.11 and later with the queue id or NOQUEUE before it.
fn session_lost(text: &[u8]) -> Option<Event<'_>> {
    let (kind, rest) = LOSSES
        .into_iter()
        .find_map(|(kind, start)| Some((kind, after(text, start)?)))?;
    let (stage, from) = cut_last(rest, b" from ")?;
    let (stage, bytes) = match stage
        .strip_suffix(b" bytes)")
        .and_then(|stage| cut(stage, b" ("))
    {
        Some((stage, count)) => match number(count)? {
            (count, b"") => (stage, Some(count)),
            _ => return None,
        },
        None => (stage, None),
    };
    Some(Event::SessionLost {
        kind,
        stage,
        bytes,
        client: client_only(from)?,
    })
}

/// `improper command pipelining after STAGE from C[: data]`
fn pipelining(text: &[u8]) -> Option<Event<'_>> {
    let (stage, rest) = cut(text, b" from ")?;
    let (client, rest) = client(rest)?;
    let data = match rest {
        b"" => None,
        _ => Some(after(rest, b": ")?),
    };
    Some(Event::ImproperPipelining {
        stage,
        client,
        data,
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

/// smtpd's own remarks that carry nothing to count.
fn is_remark(text: &[u8]) -> bool {
    text.starts_with(b"discarding EHLO keywords: ")
        || text.starts_with(b"mapping DSN status ")
        || text.starts_with(b"XCLIENT ")
        || is_client_remark(text)
}

/// `C: replacing command "A" with "B"`; qmqpd's `C: REASON while STAGE`.
fn is_client_remark(text: &[u8]) -> bool {
    let Some(rest) = client(text).and_then(|(_, rest)| after(rest, b": ")) else {
        return false;
    };
    rest.starts_with(b"replacing command \"") || cut(rest, b" while ").is_some()
}

/// Writes an end of a session, or what happened before.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Connect(client) => {
            put(out, &[b"connect from "]);
            put::client(*client, out);
        }
        Event::Disconnect { client, counters } => {
            put(out, &[b"disconnect from "]);
            put::client(*client, out);
            member(b" ", Some(counters.0).filter(|c| !c.is_empty()), out);
        }
        Event::SessionLost {
            kind,
            stage,
            bytes,
            client,
        } => {
            let (_, start) = LOSSES[*kind as usize];
            put(out, &[start, stage]);
            if let Some(bytes) = bytes {
                put(out, &[b" ("]);
                put::number(*bytes, out);
                put(out, &[b" bytes)"]);
            }
            put(out, &[b" from "]);
            put::client(*client, out);
        }
        Event::ImproperPipelining {
            stage,
            client,
            data,
        } => {
            put(
                out,
                &[b"improper command pipelining after ", stage, b" from "],
            );
            put::client(*client, out);
            member(b": ", *data, out);
        }
        Event::Client(line) => write_client(line, out),
        _ => {}
    }
}

fn write_client(line: &ClientLine<'_>, out: &mut Vec<u8>) {
    put(out, &[b"client="]);
    put::client(line.client, out);
    member(b", sasl_method=", line.sasl_method, out);
    member(b", sasl_username=", line.sasl_username, out);
    member(b", sasl_sender=", line.sasl_sender, out);
    member(b", orig_queue_id=", line.orig_queue_id, out);
    if let Some(client) = line.orig_client {
        put(out, &[b", orig_client="]);
        put::client(client, out);
    }
}
