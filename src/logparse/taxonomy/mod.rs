//! The reject taxonomy: which kind of reject a text is. By text, never by code: codes are configurable
//! and `soft_bounce` changes them.
//!
//! In: the text behind the reply's codes (smtpd_check.c writes it). Out: a [`Category`]. Texts of access
//! tables and policy servers are the site's own; only greylisting, SPF, DKIM and DMARC are recognised
//! among them, by the words such servers use.

mod classify;
mod parts;

pub use parts::{Blocked, Parts};

use super::event::Verdict;

/// What kind of reject a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Category<'a> {
    /// `Relay access denied`
    RelayDenied,
    /// `blocked using ZONE` about the client's address.
    Rbl {
        /// The zone.
        zone: &'a [u8],
    },
    /// `blocked using ZONE` about a name (HELO, sender or recipient domain, client name).
    Rhsbl {
        /// The zone.
        zone: &'a [u8],
        /// Which name was looked up.
        class: Class,
        /// The name itself.
        what: &'a [u8],
    },
    /// `cannot find your reverse hostname`
    NoPtr,
    /// `cannot find your hostname`: no name, or one that does not point back.
    UnknownHost,
    /// `Helo command rejected: invalid ip address` or `Invalid name`
    HeloInvalid,
    /// `Helo command rejected: need fully-qualified hostname`
    HeloNonFqdn,
    /// `Helo command rejected: Host not found`
    HeloUnknown,
    /// `address rejected: need fully-qualified address`
    NonFqdn {
        /// Sender or recipient.
        class: Class,
    },
    /// `address rejected: Domain not found` or a malformed answer.
    UnknownDomain {
        /// Sender or recipient.
        class: Class,
    },
    /// `Domain D does not accept mail (nullMX)`
    NullMx {
        /// Sender or recipient.
        class: Class,
    },
    /// `User unknown [in TABLE]`
    UserUnknown {
        /// The address of the envelope it was about.
        class: Class,
        /// Which table did not have it.
        table: UserTable,
    },
    /// `undeliverable address: WHY`: an address probe failed.
    Undeliverable {
        /// Sender or recipient.
        class: Class,
    },
    /// `unverified address: WHY`: an address probe has no result yet.
    Unverified {
        /// Sender or recipient.
        class: Class,
    },
    /// `not owned by user U`, `not logged in`
    LoginMismatch,
    /// An access table's verdict, or plain `Access denied`.
    Access {
        /// What the table was asked about.
        class: Class,
    },
    /// Greylisting, by a policy server.
    Greylist,
    /// SPF, by a policy server.
    Spf,
    /// DKIM or DMARC, by a policy server.
    Dmarc,
    /// Another text under `Recipient address rejected:`: a policy server's or a table's own.
    Policy,
    /// `Improper use of SMTP command pipelining`
    Pipelining,
    /// `Multi-recipient bounce`
    MultiRecipientBounce,
    /// `Message size exceeds fixed limit` and kin.
    Size,
    /// `Insufficient system storage`
    Storage,
    /// `Session encryption is required`
    TlsRequired,
    /// `Temporary lookup failure`
    LookupFailure,
    /// `Server configuration error`, `queue file write error`
    ServerError,
    /// `Unable to look up mail exchanger information`, `Unable to verify host`
    MxLookup,
    /// `Try again later`, `Service unavailable` without more: a defer or reject by configuration.
    TryAgain,
    /// header_checks.
    Header,
    /// body_checks.
    Body,
    /// MIME structure or 8-bit errors.
    Mime,
    /// A content filter in front (smtpd_proxy_filter).
    Proxy,
    /// A milter.
    Milter,
    /// postscreen: `Service unavailable; client [A] blocked using ZONE`
    PostscreenDnsbl {
        /// The zone that weighed most.
        zone: &'a [u8],
    },
    /// postscreen: `Protocol error`
    PostscreenProtocol,
    /// postscreen: `Service currently unavailable`: a first contact after the deep tests, or the deny list.
    PostscreenUnavailable,
    /// postscreen: `too many connections`, `all server ports busy`
    PostscreenBusy,
    /// Not recognised: a site's own text.
    #[default]
    Other,
}

/// What of the session a restriction looked at (smtpd_check.c's reply classes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `Client host`
    Client,
    /// `Unverified Client host`: the name that the address points to.
    ReverseClient,
    /// `Helo command`
    Helo,
    /// `Sender address`
    Sender,
    /// `Recipient address`
    Recipient,
    /// `Data command`
    Data,
    /// `End-of-data`
    EndOfData,
    /// `Etrn command`
    Etrn,
    /// `Client certificate` (check_ccert_access)
    Certificate,
    /// `SASL login name` (check_sasl_access)
    SaslLogin,
}

/// Which table did not know a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserTable {
    /// `local recipient table`
    Local,
    /// `virtual mailbox table`
    VirtualMailbox,
    /// `virtual alias table`
    VirtualAlias,
    /// `relay recipient table`
    RelayRecipient,
    /// Not said (show_user_unknown_table_name = no).
    Unsaid,
}

impl<'a> Category<'a> {
    /// The category of an smtpd reply's text, without its codes.
    pub fn of_reject(text: &'a [u8]) -> Self {
        classify::reply(text)
    }

    /// The category of an smtpd verdict.
    pub fn of_verdict(verdict: Verdict, stage: &[u8], text: &'a [u8]) -> Self {
        match verdict {
            Verdict::MilterReject
            | Verdict::MilterHold
            | Verdict::MilterDiscard
            | Verdict::MilterOther => Self::Milter,
            Verdict::ProxyAccept | Verdict::ProxyReject => Self::Proxy,
            Verdict::Reject if stage == b"BODY" => Self::Body,
            _ => Self::of_reject(text),
        }
    }

    /// The category of a content action of cleanup.
    pub fn of_content(stage: &[u8]) -> Self {
        match stage {
            b"body" => Self::Body,
            b"header" | b"nested" => Self::Header,
            _ => Self::Mime,
        }
    }

    /// The category of a postscreen reject.
    pub fn of_postscreen(text: &'a [u8]) -> Self {
        match text {
            b"Protocol error" => Self::PostscreenProtocol,
            b"Service currently unavailable" => Self::PostscreenUnavailable,
            b"too many connections" | b"all server ports busy" | b"all screening ports busy" => {
                Self::PostscreenBusy
            }
            _ => match classify::blocked(text).and_then(|category| category.zone()) {
                Some(zone) => Self::PostscreenDnsbl { zone },
                None => Self::Other,
            },
        }
    }

    /// A short label that does not change between versions.
    pub fn name(&self) -> &'static str {
        use Class::{Helo, Recipient, Sender};
        match self {
            Self::RelayDenied => "relay_denied",
            Self::Rbl { .. } => "rbl",
            Self::Rhsbl { class, .. } => match class {
                Class::ReverseClient => "rhsbl_reverse_client",
                Helo => "rhsbl_helo",
                Sender => "rhsbl_sender",
                Recipient => "rhsbl_recipient",
                _ => "rhsbl_client",
            },
            Self::NoPtr => "no_ptr",
            Self::UnknownHost => "unknown_host",
            Self::HeloInvalid => "helo_invalid",
            Self::HeloNonFqdn => "helo_non_fqdn",
            Self::HeloUnknown => "helo_unknown",
            Self::NonFqdn { class: Sender } => "sender_non_fqdn",
            Self::NonFqdn { .. } => "recipient_non_fqdn",
            Self::UnknownDomain { class: Sender } => "sender_domain_unknown",
            Self::UnknownDomain { .. } => "recipient_domain_unknown",
            Self::NullMx { class: Sender } => "sender_nullmx",
            Self::NullMx { .. } => "recipient_nullmx",
            Self::UserUnknown { class: Sender, .. } => "sender_unknown",
            Self::UserUnknown { table, .. } => table.name(),
            Self::Undeliverable { class: Sender } => "sender_undeliverable",
            Self::Undeliverable { .. } => "recipient_undeliverable",
            Self::Unverified { class: Sender } => "sender_unverified",
            Self::Unverified { .. } => "recipient_unverified",
            Self::LoginMismatch => "login_mismatch",
            Self::Access { class } => class.access_name(),
            Self::Greylist => "greylist",
            Self::Spf => "spf",
            Self::Dmarc => "dmarc",
            Self::Policy => "policy",
            Self::Pipelining => "pipelining",
            Self::MultiRecipientBounce => "multi_recipient_bounce",
            Self::Size => "size",
            Self::Storage => "storage",
            Self::TlsRequired => "tls_required",
            Self::LookupFailure => "lookup_failure",
            Self::ServerError => "server_error",
            Self::MxLookup => "mx_lookup",
            Self::TryAgain => "try_again",
            Self::Header => "header",
            Self::Body => "body",
            Self::Mime => "mime",
            Self::Proxy => "proxy",
            Self::Milter => "milter",
            Self::PostscreenDnsbl { .. } => "postscreen_dnsbl",
            Self::PostscreenProtocol => "postscreen_protocol",
            Self::PostscreenUnavailable => "postscreen_unavailable",
            Self::PostscreenBusy => "postscreen_busy",
            Self::Other => "other",
        }
    }

    /// The block list, when one was the cause.
    pub fn zone(&self) -> Option<&'a [u8]> {
        match self {
            Self::Rbl { zone } | Self::Rhsbl { zone, .. } | Self::PostscreenDnsbl { zone } => {
                Some(zone)
            }
            _ => None,
        }
    }

    /// The restriction that writes this text, or postscreen's parameter, as main.cf spells it
    /// (postconf(5)); `None` where several do, or none does.
    pub fn restriction(&self) -> Option<&'static str> {
        use Class::{Helo, Recipient, ReverseClient, Sender};
        Some(match self {
            Self::RelayDenied => "reject_unauth_destination",
            Self::Rbl { .. } => "reject_rbl_client",
            Self::Rhsbl { class, .. } => match class {
                ReverseClient => "reject_rhsbl_reverse_client",
                Helo => "reject_rhsbl_helo",
                Sender => "reject_rhsbl_sender",
                Recipient => "reject_rhsbl_recipient",
                _ => "reject_rhsbl_client",
            },
            Self::NoPtr => "reject_unknown_reverse_client_hostname",
            Self::UnknownHost => "reject_unknown_client_hostname",
            Self::HeloInvalid => "reject_invalid_helo_hostname",
            Self::HeloNonFqdn => "reject_non_fqdn_helo_hostname",
            Self::HeloUnknown => "reject_unknown_helo_hostname",
            Self::NonFqdn { class: Sender } => "reject_non_fqdn_sender",
            Self::NonFqdn { .. } => "reject_non_fqdn_recipient",
            Self::UnknownDomain { class: Sender } | Self::NullMx { class: Sender } => {
                "reject_unknown_sender_domain"
            }
            Self::UnknownDomain { .. } | Self::NullMx { .. } => "reject_unknown_recipient_domain",
            Self::UserUnknown { class: Sender, .. } => "reject_unlisted_sender",
            Self::UserUnknown { .. } => "reject_unlisted_recipient",
            Self::Undeliverable { class: Sender } | Self::Unverified { class: Sender } => {
                "reject_unverified_sender"
            }
            Self::Undeliverable { .. } | Self::Unverified { .. } => "reject_unverified_recipient",
            Self::LoginMismatch => "reject_sender_login_mismatch",
            Self::Pipelining => "reject_unauth_pipelining",
            Self::MultiRecipientBounce => "reject_multi_recipient_bounce",
            Self::TlsRequired => "reject_plaintext_session",
            Self::PostscreenDnsbl { .. } => "postscreen_dnsbl_sites",
            Self::Header => "header_checks",
            Self::Body => "body_checks",
            Self::Milter => "smtpd_milters",
            Self::Proxy => "smtpd_proxy_filter",
            Self::Size => "message_size_limit",
            _ => return None,
        })
    }
}

impl UserTable {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "user_unknown_local",
            Self::VirtualMailbox => "user_unknown_virtual_mailbox",
            Self::VirtualAlias => "user_unknown_virtual_alias",
            Self::RelayRecipient => "user_unknown_relay_recipient",
            Self::Unsaid => "user_unknown",
        }
    }
}

impl Class {
    /// What of the session it is, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ReverseClient => "reverse_client",
            Self::Helo => "helo",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::EndOfData => "end_of_data",
            Self::Etrn => "etrn",
            Self::Certificate => "certificate",
            Self::SaslLogin => "sasl_login",
        }
    }

    fn access_name(self) -> &'static str {
        match self {
            Self::Client => "access_client",
            Self::ReverseClient => "access_reverse_client",
            Self::Helo => "access_helo",
            Self::Sender => "access_sender",
            Self::Recipient => "access_recipient",
            Self::Data => "access_data",
            Self::EndOfData => "access_end_of_data",
            Self::Etrn => "access_etrn",
            Self::Certificate => "access_certificate",
            Self::SaslLogin => "access_sasl_login",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[(&str, &str)] = &[
        ("<a@b>: Relay access denied", "relay_denied"),
        (
            "Service unavailable; Client host [1.2.3.4] blocked using zen.example; why",
            "rbl",
        ),
        (
            "Service unavailable; Client host [2001:db8::1] blocked using zen.example",
            "rbl",
        ),
        (
            "Service unavailable; client [1.2.3.4] blocked using zen.example",
            "rbl",
        ),
        (
            "Service unavailable; Unverified Client host [a.b] blocked using z",
            "rhsbl_reverse_client",
        ),
        (
            "Service unavailable; Helo command [a.b] blocked using z",
            "rhsbl_helo",
        ),
        (
            "Service unavailable; Sender address [a@b] blocked using z",
            "rhsbl_sender",
        ),
        (
            "Client host rejected: cannot find your reverse hostname, [1.2.3.4]",
            "no_ptr",
        ),
        (
            "Client host rejected: cannot find your hostname, [1.2.3.4]",
            "unknown_host",
        ),
        ("<x>: Helo command rejected: Host not found", "helo_unknown"),
        ("<x>: Helo command rejected: Botnet", "access_helo"),
        (
            "<x>: Helo command rejected: need fully-qualified hostname",
            "helo_non_fqdn",
        ),
        (
            "<x>: Helo command rejected: invalid ip address",
            "helo_invalid",
        ),
        (
            "<x>: Sender address rejected: Domain not found",
            "sender_domain_unknown",
        ),
        (
            "<x>: Recipient address rejected: Domain not found",
            "recipient_domain_unknown",
        ),
        (
            "<x>: Sender address rejected: Domain n.example does not accept mail (nullMX)",
            "sender_nullmx",
        ),
        (
            "<x>: Recipient address rejected: User unknown in local recipient table",
            "user_unknown_local",
        ),
        (
            "<x>: Recipient address rejected: User unknown",
            "user_unknown",
        ),
        (
            "<x>: Recipient address rejected: Greylisted, see http://x",
            "greylist",
        ),
        (
            "<x>: Recipient address rejected: Message rejected due to: SPF fail",
            "spf",
        ),
        (
            "<x>: Recipient address rejected: Mail system maintenance",
            "policy",
        ),
        ("<x>: Client host rejected: Access denied", "access_client"),
        ("<x>: Client host triggers HOLD action", "access_client"),
        (
            "<x>: Sender address rejected: not owned by user bob",
            "login_mismatch",
        ),
        (
            "<x>: Sender address rejected: unverified address: host said no",
            "sender_unverified",
        ),
        (
            "<x>: Client host rejected: Improper use of SMTP command pipelining",
            "pipelining",
        ),
        (
            "<x>: Data command rejected: Multi-recipient bounce",
            "multi_recipient_bounce",
        ),
        ("Message size exceeds fixed limit", "size"),
        ("Server configuration error", "server_error"),
        ("<x>: Temporary lookup failure", "lookup_failure"),
        ("something else", "other"),
    ];

    #[test]
    fn texts_and_their_names() {
        for (text, name) in TEXTS {
            assert_eq!(Category::of_reject(text.as_bytes()).name(), *name, "{text}");
        }
    }

    #[test]
    fn a_subject_may_forge_another_reject() {
        let text = br#"<"x>: Relay access denied"@d>: Recipient address rejected: User unknown"#;
        assert_eq!(Category::of_reject(text).name(), "user_unknown");
    }

    #[test]
    fn zones() {
        let text =
            b"Service unavailable; Client host [1.2.3.4] blocked using zen.example=127.0.0.2; see";
        assert_eq!(Category::of_reject(text).zone(), Some(&b"zen.example"[..]));
        assert_eq!(Category::Greylist.zone(), None);
        assert_eq!(
            Category::RelayDenied.restriction(),
            Some("reject_unauth_destination")
        );
    }
}
