//! Warnings, of whichever daemon: the ones that are counted are typed, the others keep their text.

use super::super::event::{SaslOutcome, Warning};
use super::super::text::{after, client, cut, number, number32};
use super::bounce;
use super::put::{self, member, put};

/// Reads the text behind `warning: ` (and behind the queue id, when there is one).
pub fn read(text: &[u8]) -> Warning<'_> {
    hostname(text)
        .or_else(|| rbl(text))
        .or_else(|| sasl(text))
        .or_else(|| limit(text))
        .or_else(|| non_smtp(text))
        .or_else(|| illegal(text))
        .or_else(|| process(text))
        .or_else(|| library(text))
        .or_else(|| bounce::failed(text).map(Warning::NotificationFailed))
        .unwrap_or(Warning::Other(text))
}

/// `hostname H does not resolve to address A[: why]`
fn hostname(text: &[u8]) -> Option<Warning<'_>> {
    let (hostname, address) = cut(after(text, b"hostname ")?, b" does not resolve to address ")?;
    // The address may be IPv6: the reason is behind a colon and a blank.
    let (address, why) = match cut(address, b": ") {
        Some((address, why)) => (address, Some(why)),
        None => (address, None),
    };
    Some(Warning::HostnameMismatch {
        hostname,
        address,
        why,
    })
}

/// `NAME: RBL lookup error: why`
fn rbl(text: &[u8]) -> Option<Warning<'_>> {
    let (name, why) = cut(text, b": RBL lookup error: ")?;
    Some(Warning::RblLookup { name, why })
}

/// `C: SASL M authentication failed: [why][, sasl_username=U]`
fn sasl(text: &[u8]) -> Option<Warning<'_>> {
    let (client, rest) = client(text)?;
    let rest = after(rest, b": SASL ")?;
    if let Some(method) = rest.strip_suffix(b" authentication aborted") {
        return Some(Warning::SaslFailed {
            client,
            method,
            outcome: SaslOutcome::Aborted,
            why: b"",
            username: None,
        });
    }
    let (method, why) = cut(rest, b" authentication failed:")?;
    let why = match why {
        b"" => why,
        _ => after(why, b" ")?,
    };
    // The name is the client's choice and ends the line, so the first mark counts.
    let (why, username) = match cut(why, b", sasl_username=") {
        Some((why, user)) => (why, Some(user)),
        None => (why, None),
    };
    Some(Warning::SaslFailed {
        client,
        method,
        outcome: SaslOutcome::Failed,
        why,
        username,
    })
}

/// `Connection rate limit exceeded: N from C for service S` and its kin.
fn limit(text: &[u8]) -> Option<Warning<'_>> {
    let (what, rest) = cut(text, b" limit exceeded: ")?;
    let (count, rest) = number(rest)?;
    let (client, rest) = client(after(rest, b" from ")?)?;
    Some(Warning::LimitExceeded {
        what,
        count,
        client,
        service: after(rest, b" for service ")?,
    })
}

/// `non-SMTP command from C: text`
fn non_smtp(text: &[u8]) -> Option<Warning<'_>> {
    let (client, rest) = client(after(text, b"non-SMTP command from ")?)?;
    Some(Warning::NonSmtpCommand {
        client,
        command: after(rest, b": ")?,
    })
}

/// `Illegal address syntax from C in MAIL command: <..>`
fn illegal(text: &[u8]) -> Option<Warning<'_>> {
    let (client, rest) = client(after(text, b"Illegal address syntax from ")?)?;
    let (command, address) = cut(after(rest, b" in ")?, b" command: ")?;
    Some(Warning::IllegalAddress {
        client,
        command,
        address,
    })
}

/// `process P pid N exit status N`, `process P pid N killed by signal N`
fn process(text: &[u8]) -> Option<Warning<'_>> {
    let (process, rest) = cut(after(text, b"process ")?, b" pid ")?;
    let (pid, how) = number32(rest)?;
    let how = after(how, b" ")?;
    ["exit status ", "killed by signal ", "stopped by signal "]
        .iter()
        .any(|start| how.starts_with(start.as_bytes()))
        .then_some(Warning::ProcessDied { process, pid, how })
}

/// What the TLS and SASL libraries say.
fn library(text: &[u8]) -> Option<Warning<'_>> {
    if let Some(why) = after(text, b"TLS library problem: ") {
        return Some(Warning::TlsLibrary { why });
    }
    (text.starts_with(b"SASL authentication failure: ")
        || text.starts_with(b"SASL authentication problem: "))
    .then_some(Warning::SaslLibrary { text })
}

/// Writes a warning, without its prefix.
pub fn write(warning: &Warning<'_>, out: &mut Vec<u8>) {
    match warning {
        Warning::HostnameMismatch {
            hostname,
            address,
            why,
        } => {
            put(out, &[b"hostname ", hostname]);
            put(out, &[b" does not resolve to address ", address]);
            member(b": ", *why, out);
        }
        Warning::RblLookup { name, why } => put(out, &[name, b": RBL lookup error: ", why]),
        Warning::IllegalAddress {
            client,
            command,
            address,
        } => {
            put(out, &[b"Illegal address syntax from "]);
            put::client(*client, out);
            put(out, &[b" in ", command, b" command: ", address]);
        }
        Warning::LimitExceeded {
            what,
            count,
            client,
            service,
        } => {
            put(out, &[what, b" limit exceeded: "]);
            put::number(*count, out);
            put(out, &[b" from "]);
            put::client(*client, out);
            put(out, &[b" for service ", service]);
        }
        Warning::SaslFailed { .. } => write_sasl(warning, out),
        Warning::NonSmtpCommand { client, command } => {
            put(out, &[b"non-SMTP command from "]);
            put::client(*client, out);
            put(out, &[b": ", command]);
        }
        Warning::ProcessDied { process, pid, how } => {
            put(out, &[b"process ", process, b" pid "]);
            put::number(u64::from(*pid), out);
            put(out, &[b" ", how]);
        }
        Warning::TlsLibrary { why } => put(out, &[b"TLS library problem: ", why]),
        Warning::NotificationFailed(failed) => bounce::write_failed(failed, out),
        Warning::SaslLibrary { text } | Warning::Other(text) => put(out, &[text]),
    }
}

fn write_sasl(warning: &Warning<'_>, out: &mut Vec<u8>) {
    let Warning::SaslFailed {
        client,
        method,
        outcome,
        why,
        username,
    } = warning
    else {
        return;
    };
    put::client(*client, out);
    put(out, &[b": SASL ", method]);
    match outcome {
        SaslOutcome::Aborted => put(out, &[b" authentication aborted"]),
        SaslOutcome::Failed => {
            put(out, &[b" authentication failed: ", why]);
            member(b", sasl_username=", *username, out);
        }
    }
}
