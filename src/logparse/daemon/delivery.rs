//! The delivery status line, the same for every delivery agent (global/log_adhoc.c):
//! `to=<A>[, orig_to=<A>], relay=R[, conn_use=N], delay=D, delays=a/b/c/d[, tls=T], dsn=X.Y.Z, status=S (reason)`.

use super::super::event::{Delays, Delivery, Event, Status};
use super::super::text::{address, after, hundredths, number32};
use super::put::{self, member, put};
use memchr::{memchr, memchr_iter};

/// Reads a delivery status line.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let (to, rest) = address(after(text, b"to=")?, &[b", relay=", b", orig_to="])?;
    let (orig_to, rest) = match after(rest, b", orig_to=") {
        Some(rest) => {
            let (orig_to, rest) = address(rest, &[b", relay="])?;
            (Some(orig_to), rest)
        }
        None => (None, rest),
    };
    let (relay, rest) = relay(after(rest, b", relay=")?)?;
    let (conn_use, rest) = match after(rest, b"conn_use=") {
        Some(rest) => {
            let (count, rest) = number32(rest)?;
            (Some(count), after(rest, b", ")?)
        }
        None => (None, rest),
    };
    let delay_text = after(rest, b"delay=")?;
    let (delay, rest) = hundredths(delay_text)?;
    let delay_text = &delay_text[..delay_text.len() - rest.len()];
    let delays_text = after(rest, b", delays=")?;
    let (delays, rest) = delays(delays_text)?;
    let delays_text = &delays_text[..delays_text.len() - rest.len()];
    let (tls, rest) = match after(rest, b", tls=") {
        Some(rest) => {
            let end = memchr(b',', rest)?;
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    let rest = after(rest, b", dsn=")?;
    let end = memchr(b',', rest)?;
    let (dsn, rest) = (&rest[..end], after(&rest[end..], b", status=")?);
    let end = memchr(b' ', rest).unwrap_or(rest.len());
    let status_text = &rest[..end];
    Some(Event::Delivery(Delivery {
        to,
        orig_to,
        relay,
        conn_use,
        delay,
        delays,
        delay_text,
        delays_text,
        tls,
        dsn,
        status: status(status_text),
        status_text,
        reason: parenthesised(&rest[end..]),
    }))
}

/// The relay ends where the next known key begins; pipe's transport names and socket paths may hold commas.
fn relay(text: &[u8]) -> Option<(&[u8], &[u8])> {
    memchr_iter(b',', text).find_map(|at| {
        let rest = after(&text[at..], b", ")?;
        let value = after(rest, b"delay=").or_else(|| after(rest, b"conn_use="))?;
        value
            .first()?
            .is_ascii_digit()
            .then_some((&text[..at], rest))
    })
}

fn delays(text: &[u8]) -> Option<(Delays, &[u8])> {
    let (before_qmgr, rest) = hundredths(text)?;
    let (in_qmgr, rest) = hundredths(after(rest, b"/")?)?;
    let (conn_setup, rest) = hundredths(after(rest, b"/")?)?;
    let (transmission, rest) = hundredths(after(rest, b"/")?)?;
    Some((
        Delays {
            before_qmgr,
            in_qmgr,
            conn_setup,
            transmission,
        },
        rest,
    ))
}

fn status(word: &[u8]) -> Status {
    match word {
        b"sent" => Status::Sent,
        b"deferred" => Status::Deferred,
        b"bounced" => Status::Bounced,
        b"SOFTBOUNCE" => Status::SoftBounce,
        b"deliverable" => Status::Deliverable,
        _ if word.starts_with(b"undeliverable") => Status::Undeliverable,
        _ => Status::Other,
    }
}

/// ` (text)`: the last parenthesis closes, the text may hold others; a cut line has none.
fn parenthesised(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let Some(inner) = text.strip_prefix(b"(") else {
        return text;
    };
    inner.strip_suffix(b")").unwrap_or(inner)
}

/// `status=deferred (bounce failed)` behind an id: a notification that could not be left at the bounce
/// daemon (global/bounce.c, global/abounce.c); the message stays queued.
pub fn bounce_failed(text: &[u8]) -> Option<Event<'_>> {
    let what = after(text, b"status=deferred (")?.strip_suffix(b" failed)")?;
    Some(Event::BounceFailed { what })
}

/// Writes a delivery status line.
pub fn write(delivery: &Delivery<'_>, out: &mut Vec<u8>) {
    put::address(b"to=", delivery.to, out);
    if let Some(orig_to) = delivery.orig_to {
        put::address(b", orig_to=", orig_to, out);
    }
    put(out, &[b", relay=", delivery.relay]);
    if let Some(count) = delivery.conn_use {
        put(out, &[b", conn_use="]);
        put::number(u64::from(count), out);
    }
    put(out, &[b", delay=", delivery.delay_text]);
    put(out, &[b", delays=", delivery.delays_text]);
    member(b", tls=", delivery.tls, out);
    put(out, &[b", dsn=", delivery.dsn]);
    put(out, &[b", status=", delivery.status_text]);
    put(out, &[b" (", delivery.reason, b")"]);
}
