//! The words by which scripts and reports know an event and its parts: stable, snake case.

use super::{
    Event, Level, Notification, PostscreenKind, QueueAct, SessionLoss, TlsproxyAct, Verdict,
    Warning,
};

impl Level {
    /// The prefix's word; `info` when there was none.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
            Self::Panic => "panic",
        }
    }
}

impl Verdict {
    /// The word in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::RejectWarning => "reject_warning",
            Self::MilterReject => "milter_reject",
            Self::Hold => "hold",
            Self::Discard => "discard",
            Self::Redirect => "redirect",
            Self::Filter => "filter",
            Self::Bcc => "bcc",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Delay => "delay",
            Self::Hangup => "hangup",
            Self::Prepend => "prepend",
            Self::Replace => "replace",
            Self::Strip => "strip",
            Self::Pass => "pass",
            Self::Permit => "permit",
            Self::Abort => "abort",
            Self::ProxyAccept => "proxy_accept",
            Self::ProxyReject => "proxy_reject",
            Self::MilterHold => "milter_hold",
            Self::MilterDiscard => "milter_discard",
            Self::MilterOther => "milter_other",
        }
    }
}

impl Notification {
    /// Which notification, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::SenderNonDelivery => "sender_non_delivery",
            Self::SenderDeliveryStatus => "sender_delivery_status",
            Self::SenderDelay => "sender_delay",
            Self::PostmasterNonDelivery => "postmaster_non_delivery",
            Self::PostmasterDelay => "postmaster_delay",
        }
    }
}

impl QueueAct {
    /// What was done, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Requeued => "requeued",
            Self::Hold => "placed_on_hold",
            Self::Released => "released_from_hold",
            Self::Expired => "expired",
        }
    }
}

impl SessionLoss {
    /// How the session ended, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::LostConnection => "lost_connection",
            Self::Timeout => "timeout",
            Self::TooManyErrors => "too_many_errors",
        }
    }
}

impl PostscreenKind {
    /// postscreen's words in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::PassNew => "pass_new",
            Self::PassOld => "pass_old",
            Self::Allowlisted => "allowlisted",
            Self::Denylisted => "denylisted",
            Self::AllowlistVeto => "allowlist_veto",
            Self::DnsblRank => "dnsbl_rank",
            Self::Pregreet => "pregreet",
            Self::Hangup => "hangup",
            Self::CommandPipelining => "command_pipelining",
            Self::CommandTimeLimit => "command_time_limit",
            Self::CommandCountLimit => "command_count_limit",
            Self::CommandLengthLimit => "command_length_limit",
            Self::NonSmtpCommand => "non_smtp_command",
            Self::BareNewline => "bare_newline",
            Self::DataWithoutValidRcpt => "data_without_valid_rcpt",
            Self::BdatWithoutValidRcpt => "bdat_without_valid_rcpt",
            Self::Disconnect => "disconnect",
            Self::Cache => "cache",
            Self::Busy => "busy",
            Self::Other => "other",
        }
    }
}

impl TlsproxyAct {
    /// What was done, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectFrom => "connect_from",
            Self::ConnectTo => "connect_to",
            Self::Disconnect => "disconnect",
        }
    }
}

impl Event<'_> {
    /// The kind's name: stable, snake case.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::SessionLost { kind, .. } => kind.name(),
            Self::ImproperPipelining { .. } => "improper_pipelining",
            Self::Client(_) => "client",
            Self::Reject(reject) => reject.verdict.name(),
            Self::MessageId { .. } => "message_id",
            Self::QueueActive { .. } => "queue_active",
            Self::Removed { .. } => "removed",
            Self::Expired { .. } => "expired",
            Self::Skipped => "skipped",
            Self::Delivery(_) => "delivery",
            Self::Notification { .. } => "notification",
            Self::NotificationFailed(_) => "notification_failed",
            Self::BounceFailed { .. } => "bounce_failed",
            Self::Pickup { .. } => "pickup",
            Self::Postsuper(_) => "postsuper",
            Self::PostsuperSummary { .. } => "postsuper_summary",
            Self::Postscreen { .. } => "postscreen",
            Self::Dnsblog { .. } => "dnsblog",
            Self::Tls(_) => "tls",
            Self::Tlsproxy { .. } => "tlsproxy",
            Self::Tlsrpt(_) => "tlsrpt",
            Self::TlsFailed { .. } => "tls_failed",
            Self::Anvil(_) => "anvil",
            Self::Scache(_) => "scache",
            Self::Verify(_) => "verify",
            Self::Lifecycle(_) => "lifecycle",
            Self::Remote { .. } => "remote",
            Self::Warning(_) => "warning",
            Self::Failure(_) => "failure",
            Self::Info(_) => "info",
            Self::Unparsed(_) => "unparsed",
        }
    }
}

impl Warning<'_> {
    /// The warning's kind in snake case: stable.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HostnameMismatch { .. } => "hostname_mismatch",
            Self::RblLookup { .. } => "rbl_lookup",
            Self::IllegalAddress { .. } => "illegal_address",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::SaslFailed { .. } => "sasl_failed",
            Self::SaslLibrary { .. } => "sasl_library",
            Self::TlsLibrary { .. } => "tls_library",
            Self::NonSmtpCommand { .. } => "non_smtp_command",
            Self::ProcessDied { .. } => "process_died",
            Self::NotificationFailed(_) => "notification_failed",
            Self::Other(_) => "other",
        }
    }
}
