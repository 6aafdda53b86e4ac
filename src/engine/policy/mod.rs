//! Access restrictions of smtpd(8): who may connect, greet, send, and to whom.
//!
//! In: the parameters, DNS, and what the client has said so far ([`Subject`]). Out: a [`Decision`]: permit, or
//! the reply to give, what to log and what the tables asked for. One file per restriction family; the order
//! and the meaning are SMTPD_ACCESS_README's. Nothing here writes to the client or to the log.

mod access;
mod destination;
mod dnsbl;
mod evaluate;
mod explain;
mod hostname;
pub mod networks;
mod unlisted;
pub mod words;

pub use evaluate::{Action, Decision, Note, Reject, check};
pub use explain::explain;

use super::smtpd::Client;

/// Where in the dialogue a question is asked; the log's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the greeting; only with `smtpd_delay_reject = no`.
    Connect,
    /// HELO.
    Helo,
    /// EHLO.
    Ehlo,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// VRFY: as RCPT.
    Vrfy,
    /// DATA.
    Data,
    /// After the final dot.
    EndOfData,
    /// ETRN.
    Etrn,
}

impl Stage {
    /// The log's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Helo => "HELO",
            Self::Ehlo => "EHLO",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Vrfy => "VRFY",
            Self::Data => "DATA",
            Self::EndOfData => "END-OF-MESSAGE",
            Self::Etrn => "ETRN",
        }
    }
}

/// Whether the client kept to the order of RFC 2920 so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pipelining {
    /// It waited where it must.
    #[default]
    Proper,
    /// It sent commands ahead where it must not.
    Improper,
}

/// What is known when a question is asked.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The client.
    pub client: Client,
    /// HELO or EHLO name, when it gave one.
    pub helo: Option<String>,
    /// Envelope sender, bare; `None` before MAIL.
    pub sender: Option<String>,
    /// The recipient in question, bare.
    pub recipient: Option<String>,
    /// Recipients accepted so far.
    pub recipient_count: usize,
    /// Whether the client pipelined where it must not.
    pub pipelining: Pipelining,
}

#[cfg(test)]
mod tests;
