//! The typed event: what one Postfix log line says, borrowing from the line.
//!
//! Members carry Postfix's own names. Addresses come without their angle brackets and otherwise raw
//! (quoted local parts keep their quotes). Whatever is text here is hostile: it passes
//! [`crate::sanitize`] before anyone sees it.

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

/// A remote client as Postfix writes it: `name[address]` or `name[address]:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Client<'a> {
    /// The verified name, or `unknown`.
    pub name: &'a [u8],
    /// The address without brackets, or `unknown`.
    pub ip: &'a [u8],
    /// The port, where it was logged.
    pub port: Option<u16>,
}

/// The four parts of a delivery's delay, in hundredths of a second: before the queue manager, in the
/// queue manager, connection setup, transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delays {
    /// Time before the queue manager, including message transmission.
    pub before_qmgr: u64,
    /// Time in the queue manager.
    pub in_qmgr: u64,
    /// Connection setup, including DNS, HELO and TLS.
    pub conn_setup: u64,
    /// Message transmission.
    pub transmission: u64,
}

/// `status=` of a delivery line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Delivered.
    Sent,
    /// To be tried again.
    Deferred,
    /// Failed for good.
    Bounced,
    /// Would have bounced but for soft_bounce (counts as deferred).
    SoftBounce,
    /// An address probe that succeeded: not mail.
    Deliverable,
    /// An address probe that failed: not mail.
    Undeliverable,
    /// `expanded`, `delivered`, `relayed` and others seen only with traces: not a delivery attempt.
    Other,
}

/// One delivery attempt for one recipient (global/log_adhoc.c).
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<'a> {
    /// Recipient.
    pub to: &'a [u8],
    /// Recipient before aliases, when it differs.
    pub orig_to: Option<&'a [u8]>,
    /// Where it went: `none`, `local`, `host[ip]:port`, a transport's name, ...
    pub relay: &'a [u8],
    /// How often the connection was used, where logged.
    pub conn_use: Option<u32>,
    /// Total delay in hundredths of a second.
    pub delay: u64,
    /// Its four parts.
    pub delays: Delays,
    /// The text of delay= and delays= as logged, for output that must be verbatim.
    pub delay_text: &'a [u8],
    /// See `delay_text`.
    pub delays_text: &'a [u8],
    /// TLS policy and result (Postfix 3.11 and later).
    pub tls: Option<&'a [u8]>,
    /// Enhanced status code, `2.0.0`.
    pub dsn: &'a [u8],
    /// What became of it.
    pub status: Status,
    /// `status=` as logged.
    pub status_text: &'a [u8],
    /// The text in parentheses.
    pub reason: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// Whether this is a local forward (`forwarded as NEWID`): an attempt that succeeded, but no mailbox.
    pub fn is_forward(&self) -> bool {
        self.reason.starts_with(b"forwarded as ")
    }

    /// The id under which the next hop queued it, from `queued as ID`, when the reply has one.
    pub fn queued_as(&self) -> Option<&'a [u8]> {
        let at = super::text::find(self.reason, b"queued as ")? + b"queued as ".len();
        let rest = &self.reason[at..];
        let end = rest
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    }
}

/// What smtpd, postscreen, cleanup or a milter did to a client's command or to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// `reject:`
    Reject,
    /// `reject_warning:` (warn_if_reject)
    RejectWarning,
    /// `milter-reject:`
    MilterReject,
    /// `hold:`
    Hold,
    /// `discard:`
    Discard,
    /// `redirect:`
    Redirect,
    /// `filter:`
    Filter,
    /// `bcc:`
    Bcc,
    /// `warn:` or `warning:` (header_checks WARN)
    Warn,
    /// `info:`
    Info,
    /// `delay:`
    Delay,
    /// `hangup:`
    Hangup,
    /// `prepend:`
    Prepend,
    /// `replace:`
    Replace,
    /// `strip:`
    Strip,
    /// `pass:`
    Pass,
    /// `abort:`
    Abort,
    /// `proxy-accept:`
    ProxyAccept,
    /// `proxy-reject:`
    ProxyReject,
    /// `milter-hold:` (a milter's quarantine)
    MilterHold,
    /// `milter-discard:`
    MilterDiscard,
    /// Other `milter-*:` words.
    MilterOther,
}

/// A reject (or another verdict) by smtpd or postscreen, or a content action by cleanup.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject<'a> {
    /// What was done.
    pub verdict: Verdict,
    /// `CONNECT`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `END-OF-MESSAGE`; for cleanup `header`, `body`, `content`, `mime-error`.
    pub stage: &'a [u8],
    /// The client.
    pub client: Client<'a>,
    /// SMTP reply code, 0 when the line has none.
    pub code: u16,
    /// Enhanced status code, empty when the line has none.
    pub dsn: &'a [u8],
    /// The reply's text after the codes (smtpd), or the optional text of a content action.
    pub reason: &'a [u8],
    /// For content actions: the header or body line that matched.
    pub matched: Option<&'a [u8]>,
    /// Envelope sender; `None` before MAIL.
    pub from: Option<&'a [u8]>,
    /// Envelope recipient; `None` before RCPT.
    pub to: Option<&'a [u8]>,
    /// `SMTP` or `ESMTP`.
    pub proto: Option<&'a [u8]>,
    /// HELO name.
    pub helo: Option<&'a [u8]>,
    /// SASL user name, where logged.
    pub sasl_username: Option<&'a [u8]>,
    /// What kind of reject it is, from the text (see [`super::taxonomy`]).
    pub category: super::taxonomy::Category<'a>,
}

impl<'a> Reject<'a> {
    /// A verdict of which only client and text are known.
    pub fn plain(verdict: Verdict, stage: &'a [u8], client: Client<'a>, reason: &'a [u8]) -> Self {
        Self {
            verdict,
            stage,
            client,
            code: 0,
            dsn: b"",
            reason,
            matched: None,
            from: None,
            to: None,
            proto: None,
            helo: None,
            sasl_username: None,
            category: super::taxonomy::Category::Other,
        }
    }
}

/// `QID: client=...`: a message gets its id from smtpd.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientLine<'a> {
    /// The client.
    pub client: Client<'a>,
    /// `sasl_method=`
    pub sasl_method: Option<&'a [u8]>,
    /// `sasl_username=`
    pub sasl_username: Option<&'a [u8]>,
    /// `sasl_sender=`
    pub sasl_sender: Option<&'a [u8]>,
    /// `orig_queue_id=`: a re-injection by a content filter.
    pub orig_queue_id: Option<&'a [u8]>,
    /// `orig_client=`
    pub orig_client: Option<Client<'a>>,
}

/// How an smtpd session broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionLoss {
    /// `lost connection after`
    LostConnection,
    /// `timeout after`
    Timeout,
    /// `too many errors after`
    TooManyErrors,
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

/// What a postscreen line says about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the word postscreen(8) writes")]
pub enum PostscreenKind {
    Connect,
    PassNew,
    PassOld,
    Allowlisted,
    Denylisted,
    AllowlistVeto,
    DnsblRank,
    Pregreet,
    Hangup,
    CommandPipelining,
    CommandTimeLimit,
    CommandCountLimit,
    CommandLengthLimit,
    NonSmtpCommand,
    BareNewline,
    DataWithoutValidRcpt,
    Disconnect,
    Cache,
    Busy,
    Other,
}

/// What a TLS line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tls<'a> {
    /// `Anonymous`, `Untrusted`, `Trusted`, `Verified`.
    pub trust: &'a [u8],
    /// Whether a session was reused rather than established.
    pub reused: bool,
    /// True for `from` (we are the server), false for `to`.
    pub inbound: bool,
    /// The peer.
    pub peer: Client<'a>,
    /// `TLSv1.3`
    pub protocol: &'a [u8],
    /// The cipher's name.
    pub cipher: &'a [u8],
    /// Bits of the key in use.
    pub bits: u32,
    /// The server name the client asked for (SNI), where logged.
    pub sni: Option<&'a [u8]>,
    /// Key exchange, signatures and digests, as logged.
    pub detail: &'a [u8],
}

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
    },
    /// `NAME: RBL lookup error: why`
    RblLookup { name: &'a [u8], why: &'a [u8] },
    /// `Illegal address syntax from C in MAIL command: <..>`
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
    /// `C: SASL M authentication failed: why[, sasl_username=U]`
    SaslFailed {
        client: Client<'a>,
        method: &'a [u8],
        why: &'a [u8],
        username: Option<&'a [u8]>,
    },
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
    /// Any other text.
    Other(&'a [u8]),
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
    /// `disconnect from C ehlo=1 ... commands=4`; `counters` is the text after the client.
    Disconnect {
        client: Client<'a>,
        counters: &'a [u8],
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
        data: &'a [u8],
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
    /// bounce: `QID: sender notification failed to A[: why]` (3.11)
    NotificationFailed { text: &'a [u8] },
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
        client: Client<'a>,
        value: u64,
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
    /// smtpd: `SSL_accept error from C: why`; smtp: `SSL_connect error to C: why`
    TlsFailed {
        inbound: bool,
        peer: Client<'a>,
        why: &'a [u8],
    },
    /// anvil: `statistics: max connection rate 3/60s for (smtp:1.2.3.4) at ...`
    Anvil {
        what: &'a [u8],
        value: u64,
        detail: &'a [u8],
    },
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
