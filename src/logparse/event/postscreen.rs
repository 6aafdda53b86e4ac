//! What postscreen(8) says about a client.

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
    BdatWithoutValidRcpt,
    Disconnect,
    Cache,
    Busy,
    Other,
}

/// Which words a line used (postconf(5), respectful_logging).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wording {
    /// `ALLOWLISTED`, `DENYLISTED`; and every line that has only one form.
    #[default]
    Current,
    /// `WHITELISTED`, `BLACKLISTED`: before 3.6, or respectful_logging = no.
    Old,
}

/// How a line about a client goes on behind the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logparse) enum Behind {
    /// Nothing.
    Nothing,
    /// ` to [server]:port`
    Server,
    /// `: text`
    Text,
    /// ` in tests before|after SMTP handshake`
    Tests,
    /// ` after COMMAND`
    Command,
    /// ` after COMMAND: text`
    CommandText,
}

impl PostscreenKind {
    /// How this kind's line goes on behind the client.
    pub(in crate::logparse) fn behind(self) -> Behind {
        match self {
            Self::Connect => Behind::Server,
            Self::Pregreet => Behind::Text,
            Self::Hangup => Behind::Tests,
            Self::CommandPipelining | Self::NonSmtpCommand => Behind::CommandText,
            Self::CommandTimeLimit
            | Self::CommandCountLimit
            | Self::CommandLengthLimit
            | Self::BareNewline => Behind::Command,
            _ => Behind::Nothing,
        }
    }
}
