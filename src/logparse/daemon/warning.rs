//! Warnings, of whichever daemon: the ones that are counted are typed, the others keep their text.

use super::super::event::Warning;
use super::super::text::{after, client, cut, has, number, number32};

/// Reads the text behind `warning: ` (and behind the queue id, when there is one).
pub fn read(text: &[u8]) -> Warning<'_> {
    hostname(text)
        .or_else(|| rbl(text))
        .or_else(|| sasl(text))
        .or_else(|| limit(text))
        .or_else(|| non_smtp(text))
        .or_else(|| illegal(text))
        .or_else(|| process(text))
        .unwrap_or(Warning::Other(text))
}

/// `hostname H does not resolve to address A[: why]`
fn hostname(text: &[u8]) -> Option<Warning<'_>> {
    let (hostname, address) = cut(after(text, b"hostname ")?, b" does not resolve to address ")?;
    // The address may be IPv6: the reason is behind a colon and a blank.
    let address = cut(address, b": ").map_or(address, |(address, _)| address);
    Some(Warning::HostnameMismatch { hostname, address })
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
    if let Some((method, _)) = cut(rest, b" authentication aborted") {
        return Some(Warning::SaslFailed {
            client,
            method,
            why: b"aborted",
            username: None,
        });
    }
    let (method, why) = cut(rest, b" authentication failed:")?;
    let why = why.strip_prefix(b" ").unwrap_or(why);
    // The name is the client's choice and ends the line, so the first mark counts.
    let (why, username) = match cut(why, b", sasl_username=") {
        Some((why, user)) => (why, Some(user)),
        None => (why, None),
    };
    Some(Warning::SaslFailed {
        client,
        method,
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
    let address = match address {
        [b'<', inner @ .., b'>'] => inner,
        _ => address,
    };
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
    (has(how, b"exit status") || has(how, b"signal")).then_some(Warning::ProcessDied {
        process,
        pid,
        how,
    })
}
