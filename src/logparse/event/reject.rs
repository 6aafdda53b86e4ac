//! What smtpd, postscreen, cleanup or a milter did to a client's command or to a message.

use super::Client;
use crate::logparse::taxonomy::{Blocked, Category, Parts};

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
    /// `permit:` (smtpd_log_access_permit_actions)
    Permit,
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
    /// Other `milter-*:` words, among them milter_header_checks' `milter-header-ACTION`.
    MilterOther,
}

/// A reject (or another verdict) by smtpd or postscreen, or a content action by cleanup.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject<'a> {
    /// What was done.
    pub verdict: Verdict,
    /// The word for it as logged: several words mean one verdict.
    pub word: &'a [u8],
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
    /// HELO name: what the client said it is.
    pub helo: Option<&'a [u8]>,
    /// SASL mechanism, where logged (3.11 and later).
    pub sasl_method: Option<&'a [u8]>,
    /// SASL user name, where logged.
    pub sasl_username: Option<&'a [u8]>,
    /// SASL sender (RFC 4954's AUTH=), where logged (3.11 and later).
    pub sasl_sender: Option<&'a [u8]>,
    /// What kind of reject it is, from the text (see [`crate::logparse::taxonomy`]).
    pub category: Category<'a>,
}

impl<'a> Reject<'a> {
    /// A verdict of which only client and text are known.
    pub fn plain(verdict: Verdict, stage: &'a [u8], client: Client<'a>, reason: &'a [u8]) -> Self {
        Self {
            verdict,
            word: b"",
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
            sasl_method: None,
            sasl_username: None,
            sasl_sender: None,
            category: Category::Other,
        }
    }

    /// The reply's text taken apart: what of the session it is about, which address or name that was, and
    /// what is said about it.
    pub fn parts(&self) -> Parts<'a> {
        Parts::of(self.reason)
    }

    /// A block list's verdict taken apart, when the text is one.
    pub fn blocked(&self) -> Option<Blocked<'a>> {
        Blocked::of(self.reason)
    }
}
