//! The typed event: what one Postfix log line says, borrowing from the line.
//!
//! Members carry Postfix's own names. Addresses come without their angle brackets and otherwise raw
//! (quoted local parts keep their quotes). Whatever is text here is hostile: it passes
//! [`crate::sanitize`] before anyone sees it.

mod delivery;
mod names;
mod postscreen;
mod reject;
mod session;
mod statistics;
mod tls;
mod warning;

pub use delivery::{Delays, Delivery, Relay, Status, TlsOutcome, TlsPolicy};
pub(in crate::logparse) use postscreen::Behind;
pub use postscreen::{PostscreenKind, Wording};
pub use reject::{Reject, Verdict};
pub use session::{Client, ClientLine, Counter, Counters, SessionLoss};
pub use statistics::Anvil;
pub use tls::{Tls, Tlsrpt, TlsrptFailure};
pub use warning::{FailedNotification, Role, SaslOutcome, Warning};

/// How a line was marked (util/msg_syslog.c's prefixes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// No prefix.
    #[default]
    Info,
    /// `warning:`
    Warning,
    /// `error:`
    Error,
    /// `fatal:`
    Fatal,
    /// `panic:`
    Panic,
}

/// Which notification the bounce daemon sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notification {
    /// `sender non-delivery notification`
    SenderNonDelivery,
    /// `sender delivery status notification`
    SenderDeliveryStatus,
    /// `sender delay notification`
    SenderDelay,
    /// `postmaster non-delivery notification`
    PostmasterNonDelivery,
    /// `postmaster delay notification`
    PostmasterDelay,
}

/// What postsuper did to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueAct {
    /// `removed`
    Removed,
    /// `requeued`
    Requeued,
    /// `placed on hold`
    Hold,
    /// `released from hold`
    Released,
    /// `expired`
    Expired,
}

/// What tlsproxy did with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsproxyAct {
    /// `CONNECT from`: TLS for a client of postscreen.
    ConnectFrom,
    /// `CONNECT to`: TLS for the SMTP client.
    ConnectTo,
    /// `DISCONNECT`
    Disconnect,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "the members are named as in the lines, which the variants quote"
)]
pub enum Event<'a> {
    /// `connect from C`
    Connect(Client<'a>),
    /// `disconnect from C ehlo=1 ... commands=4`
    Disconnect {
        client: Client<'a>,
        counters: Counters<'a>,
    },
    /// `lost connection after STAGE [(N bytes)] from C` and its kin.
    SessionLost {
        kind: SessionLoss,
        stage: &'a [u8],
        bytes: Option<u64>,
        client: Client<'a>,
    },
    /// `improper command pipelining after C from H: data`
    ImproperPipelining {
        stage: &'a [u8],
        client: Client<'a>,
        data: Option<&'a [u8]>,
    },
    /// `QID: client=...`
    Client(ClientLine<'a>),
    /// smtpd, postscreen: a verdict on a command; cleanup: on content.
    Reject(Reject<'a>),
    /// cleanup: `QID: message-id=<..>`; `resent` for `resent-message-id=`.
    MessageId { message_id: &'a [u8], resent: bool },
    /// qmgr: `QID: from=<F>, size=N, nrcpt=N (queue active)`
    QueueActive {
        from: &'a [u8],
        size: u64,
        nrcpt: u32,
    },
    /// qmgr: `QID: removed` (also `removed (canceled)`); end of this id's generation.
    Removed { note: Option<&'a [u8]> },
    /// qmgr: `QID: from=<F>, status=expired, returned to sender`
    Expired { from: &'a [u8], forced: bool },
    /// qmgr: `QID: skipped, still being delivered`
    Skipped,
    /// A delivery attempt.
    Delivery(Delivery<'a>),
    /// bounce: `QID: sender non-delivery notification: NEWID`
    Notification {
        kind: Notification,
        new_id: &'a [u8],
    },
    /// bounce: `QID: sender notification failed to A[: why]` (3.11; most versions log it as a warning).
    NotificationFailed(FailedNotification<'a>),
    /// Any delivery agent: `QID: status=deferred (bounce failed)`; `what` is `bounce`, `delay warning`,
    /// `verp-bounce`, `trace`: the service that did not take the notification.
    BounceFailed { what: &'a [u8] },
    /// pickup: `QID: uid=N from=<F>[ orig_id=OLD]`
    Pickup {
        uid: u64,
        from: &'a [u8],
        orig_id: Option<&'a [u8]>,
    },
    /// postsuper on one message.
    Postsuper(QueueAct),
    /// postsuper: `Deleted: 3 messages`
    PostsuperSummary { act: &'a [u8], count: u64 },
    /// postscreen, except its rejects; `value` is the number of the line (rank, bytes), 0 when none.
    Postscreen {
        kind: PostscreenKind,
        wording: Wording,
        client: Client<'a>,
        value: u64,
        /// PREGREET, HANGUP: seconds since the connection began, as logged.
        elapsed: &'a [u8],
        /// The command after which it happened; HANGUP: during which tests.
        stage: &'a [u8],
        /// What the client sent; CONNECT: the server's address; cache and stress lines: the text.
        detail: &'a [u8],
    },
    /// dnsblog: `addr A listed by domain D as R`
    Dnsblog {
        address: &'a [u8],
        domain: &'a [u8],
        answer: &'a [u8],
    },
    /// A TLS session.
    Tls(Tls<'a>),
    /// tlsproxy: `CONNECT from [A]:P`, `CONNECT to [A]:P`, `DISCONNECT [A]:P`
    Tlsproxy { act: TlsproxyAct, peer: Client<'a> },
    /// smtp: what TLS reporting was told of a session.
    Tlsrpt(Tlsrpt<'a>),
    /// smtpd: `SSL_accept error from C: why`; smtp: `SSL_connect error to C: why`
    TlsFailed {
        inbound: bool,
        peer: Client<'a>,
        why: &'a [u8],
    },
    /// anvil: `statistics: max connection rate 3/60s for (smtp:1.2.3.4) at ...`
    Anvil(Anvil<'a>),
    /// scache: `statistics: ...`
    Scache(&'a [u8]),
    /// verify: `cache ... cleanup`
    Verify(&'a [u8]),
    /// master, postfix-script and others: `daemon started`, `reload`, `terminating`, `refreshing`, ...
    Lifecycle(&'a [u8]),
    /// smtp, lmtp: remarks that are no delivery: `host H said: ...`, `connect to H: ...`, `lost connection ...`.
    Remote { text: &'a [u8] },
    /// Any line with a `warning:` prefix, typed as far as it is known.
    Warning(Warning<'a>),
    /// `error:`, `fatal:`, `panic:`
    Failure(&'a [u8]),
    /// A statement that is known and carries nothing to count.
    Info(&'a [u8]),
    /// Not understood. Kept, counted, listed.
    Unparsed(&'a [u8]),
}
