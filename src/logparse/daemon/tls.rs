//! TLS lines of smtpd, smtp, lmtp and tlsproxy (tls_server.c, tls_client.c), at smtp(d)_tls_loglevel 1,
//! and the remarks of higher levels.

use super::super::event::{Event, Tls, Tlsrpt, TlsrptFailure};
use super::super::text::{after, client as peer, client_only, cut, has, number32};
use super::put::{self, member, put};
use memchr::memchr;

/// A line of a TLS server.
pub fn server(text: &[u8]) -> Option<Event<'_>> {
    session(text)
        .or_else(|| failure(text, b"SSL_accept error from ", true))
        .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

/// A line of a TLS client.
pub fn client(text: &[u8]) -> Option<Event<'_>> {
    session(text)
        .or_else(|| failure(text, b"SSL_connect error to ", false))
        .or_else(|| tlsrpt(text))
        .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

/// A line of tlsmgr(8).
pub fn manager(text: &[u8]) -> Option<Event<'_>> {
    let known = MANAGER.iter().any(|start| text.starts_with(start))
        || (text.starts_with(b"cache ") && has(text, b" cleanup: "))
        || has(text, b" TLS cache entry ");
    known.then_some(Event::Info(text))
}

/// How tlsmgr's remarks begin.
const MANAGER: &[&[u8]] = &[
    b"open smtp",
    b"open lmtp",
    b"close smtp",
    b"close lmtp",
    b"cannot read from entropy device ",
    b"cannot read from EGD server ",
    b"lost connection to EGD server ",
    b"exiting to reopen external entropy source ",
    b"TLS support is not compiled in",
];

/// `TRUST TLS connection established from C[ to SNI]: PROTOCOL with cipher C (n/m bits) ...`
fn session(text: &[u8]) -> Option<Event<'_>> {
    let blank = memchr(b' ', text)?;
    let trust = &text[..blank];
    let rest = after(&text[blank..], b" TLS connection ")?;
    if !matches!(
        trust,
        b"Anonymous" | b"Untrusted" | b"Trusted" | b"Verified"
    ) {
        return None;
    }
    let (reused, rest) = match after(rest, b"established ") {
        Some(rest) => (false, rest),
        None => (true, after(rest, b"reused ")?),
    };
    let (inbound, rest) = match after(rest, b"from ") {
        Some(rest) => (true, rest),
        None => (false, after(rest, b"to ")?),
    };
    let (peer, rest) = peer(rest)?;
    let (sni, rest) = match after(rest, b" to ") {
        Some(rest) => {
            let (sni, rest) = cut(rest, b": ")?;
            (Some(sni), rest)
        }
        None => (None, after(rest, b": ")?),
    };
    let (protocol, rest) = cut(rest, b" with cipher ")?;
    let (cipher, rest) = cut(rest, b" (")?;
    let (bits, rest) = number32(rest)?;
    let (cipher_bits, rest) = number32(after(rest, b"/")?)?;
    let rest = after(rest, b" bits)")?;
    let detail = match rest {
        b"" => rest,
        _ => after(rest, b" ").filter(|detail| !detail.is_empty())?,
    };
    Some(Event::Tls(Tls {
        trust,
        reused,
        inbound,
        peer,
        protocol,
        cipher,
        bits,
        cipher_bits,
        sni,
        detail,
    }))
}

/// `SSL_accept error from C: why`
fn failure<'a>(text: &'a [u8], prefix: &[u8], inbound: bool) -> Option<Event<'a>> {
    let (peer, rest) = peer(after(text, prefix)?)?;
    Some(Event::TlsFailed {
        inbound,
        peer,
        why: after(rest, b": ")?,
    })
}

/// `TLSRPT: status=S, domain=D, receiving_mx=H[A][, failure_type=T[, failure_reason=R]]`
fn tlsrpt(text: &[u8]) -> Option<Event<'_>> {
    let (status, rest) = cut(after(text, b"TLSRPT: status=")?, b", domain=")?;
    let (domain, rest) = cut(rest, b", receiving_mx=")?;
    let (mx, failure) = match status {
        b"success" => (client_only(rest)?, None),
        b"failure" => {
            let (mx, rest) = peer(rest)?;
            let rest = after(rest, b", failure_type=")?;
            let (kind, reason) = match cut(rest, b", failure_reason=") {
                Some((kind, reason)) => (kind, Some(reason)),
                None => (rest, None),
            };
            (mx, Some(TlsrptFailure { kind, reason }))
        }
        _ => return None,
    };
    Some(Event::Tlsrpt(Tlsrpt {
        domain,
        mx,
        failure,
    }))
}

/// Writes a session, its failure, or what TLS reporting was told.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Tls(tls) => write_session(tls, out),
        Event::TlsFailed { inbound, peer, why } => {
            let words: &[u8] = if *inbound {
                b"SSL_accept error from "
            } else {
                b"SSL_connect error to "
            };
            put(out, &[words]);
            put::client(*peer, out);
            put(out, &[b": ", why]);
        }
        Event::Tlsrpt(report) => {
            let status: &[u8] = match report.failure {
                Some(_) => b"failure",
                None => b"success",
            };
            put(out, &[b"TLSRPT: status=", status]);
            put(out, &[b", domain=", report.domain, b", receiving_mx="]);
            put::client(report.mx, out);
            if let Some(failure) = report.failure {
                put(out, &[b", failure_type=", failure.kind]);
                member(b", failure_reason=", failure.reason, out);
            }
        }
        _ => {}
    }
}

fn write_session(tls: &Tls<'_>, out: &mut Vec<u8>) {
    let usage: &[u8] = if tls.reused {
        b"reused"
    } else {
        b"established"
    };
    let direction: &[u8] = if tls.inbound { b" from " } else { b" to " };
    put(out, &[tls.trust, b" TLS connection ", usage, direction]);
    put::client(tls.peer, out);
    member(b" to ", tls.sni, out);
    put(out, &[b": ", tls.protocol, b" with cipher ", tls.cipher]);
    put(out, &[b" ("]);
    put::number(u64::from(tls.bits), out);
    put(out, &[b"/"]);
    put::number(u64::from(tls.cipher_bits), out);
    put(out, &[b" bits)"]);
    member(b" ", Some(tls.detail).filter(|d| !d.is_empty()), out);
}

/// How remarks begin.
const STARTS: &[&[u8]] = &[
    b"setting up TLS connection ",
    b"initializing the server-side TLS engine",
    b"initializing the client-side TLS engine",
    b"certificate verification ",
    b"server certificate verification ",
    b"CA certificate verification ",
    b"Server certificate not ",
    b"SSL_accept:",
    b"SSL_connect:",
    b"SSL3 alert ",
    b"Peer certificate ",
    b"TLS SNI ",
    b"Matched ",
    b"save session ",
    b"put smtp session cache ",
    b"delete smtp session ",
    b"Reusing old session",
    b"auto-selected ",
    b"TLS cipher list ",
    b"Host offered STARTTLS: ",
    b"Cannot start TLS: ",
    b"SSL_set_fd error to ",
    b"TLS protocol trace for ",
    b"skipping TLS trace output - ",
    b"tls_library_init: ",
    b"cannot load Certification Authority data, ",
    b"cannot set default OpenSSL certificate verification paths",
    b"client certificate verification ",
    b"looking for session ",
    b"reloaded session ",
    b"remove session ",
    b"subject=",
    b"issuer=",
];

/// How remarks about one peer go on behind its name.
const PEER: &[&[u8]] = &[
    b"subject_CN=",
    b"certificate verification ",
    b"depth=",
    b"Issued session ticket",
    b"Issuing session ticket",
    b"Decrypting session ticket",
    b"re-using session",
    b"save session ",
    b"Untrusted: ",
    b"Trusted: ",
    b"Verified: ",
    b"looking up session ",
    b"looking for session ",
    b"reloaded session ",
    b"TLS cipher list ",
    b"not verified",
    b"Matched ",
    b"verified",
    b"verify=",
    b"Reusing old session",
    b"remove session ",
    b"matched peername: ",
    b"subjectAltName: ",
    b"CommonName ",
    b"raw public key fingerprint=",
    b"SNI hostname: ",
    b"TLSA ",
];

/// Steps of a handshake, certificates seen, sessions kept: nothing to count.
fn is_remark(text: &[u8]) -> bool {
    if STARTS.iter().any(|start| text.starts_with(start)) {
        return true;
    }
    // `H[ip]: subject_CN=..., issuer_CN=...` and session tickets, about one peer.
    let Some((_, rest)) = peer(text) else {
        return false;
    };
    let Some((_, rest)) = cut(rest, b": ") else {
        return false;
    };
    PEER.iter().any(|start| rest.starts_with(start))
}
