//! Warnings, as far as they are counted; the others keep their text.

use super::Client;

/// A typed warning of smtpd and others.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the members are named as in the lines, which the variants quote"
)]
pub enum Warning<'a> {
    /// `hostname H does not resolve to address A[: why]`
    HostnameMismatch {
        hostname: &'a [u8],
        address: &'a [u8],
        why: Option<&'a [u8]>,
    },
    /// `NAME: RBL lookup error: why`
    RblLookup { name: &'a [u8], why: &'a [u8] },
    /// `Illegal address syntax from C in MAIL command: <..>`; the address is as the client wrote it.
    IllegalAddress {
        client: Client<'a>,
        command: &'a [u8],
        address: &'a [u8],
    },
    /// `Connection rate limit exceeded: N from C for service S` and its kin.
    LimitExceeded {
        what: &'a [u8],
        count: u64,
        client: Client<'a>,
        service: &'a [u8],
    },
    /// `C: SASL M authentication failed: why[, sasl_username=U]`, `C: SASL M authentication aborted`
    SaslFailed {
        client: Client<'a>,
        method: &'a [u8],
        outcome: SaslOutcome,
        why: &'a [u8],
        /// What the client gave as its name; `(unavailable)` when smtpd never learnt it
        /// (see [`Warning::sasl_login`]).
        username: Option<&'a [u8]>,
    },
    /// `SASL authentication failure: why`, `SASL authentication problem: why`: the Cyrus library's own words.
    SaslLibrary { text: &'a [u8] },
    /// `TLS library problem: why`
    TlsLibrary { why: &'a [u8] },
    /// `non-SMTP command from C: text`
    NonSmtpCommand {
        client: Client<'a>,
        command: &'a [u8],
    },
    /// `process P pid N exit status N` or `killed by signal N`
    ProcessDied {
        process: &'a [u8],
        pid: u32,
        how: &'a [u8],
    },
    /// bounce: a notification could not be queued.
    NotificationFailed(FailedNotification<'a>),
    /// Any other text.
    Other(&'a [u8]),
}

/// How an AUTH command came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SaslOutcome {
    /// Refused: wrong password, unknown user, mechanism error, or no answer from the SASL server.
    Failed,
    /// The client gave up halfway (RFC 4954 section 4: `*`).
    Aborted,
}

impl SaslOutcome {
    /// The outcome in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

impl<'a> Warning<'a> {
    /// The login name of a failed AUTH, when smtpd learnt it.
    pub fn sasl_login(&self) -> Option<&'a [u8]> {
        match self {
            Self::SaslFailed { username, .. } => {
                username.filter(|name| !name.is_empty() && *name != b"(unavailable)")
            }
            _ => None,
        }
    }
}

/// `sender notification failed to A[: why]`, `postmaster notification failed[: why]` (3.11 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedNotification<'a> {
    /// Who should have had it.
    pub role: Role,
    /// The address, for senders.
    pub address: Option<&'a [u8]>,
    /// What cleanup answered.
    pub why: Option<&'a [u8]>,
}

/// Who gets a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The message's sender.
    Sender,
    /// The postmaster (notify_classes).
    Postmaster,
}

impl Role {
    /// The word in lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Postmaster => "postmaster",
        }
    }
}
