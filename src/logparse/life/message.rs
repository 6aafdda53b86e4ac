//! What is known of one message: the owned values that outlive their log lines.
//!
//! Texts are as logged (lossy on invalid UTF-8) and hostile: whoever shows them sanitises them.

use super::super::Stamp;
use super::super::event::{Delays, Status};

/// One message, from its source to its removal, under one queue id.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// The host that logged it.
    pub host: Box<str>,
    /// The instance's `syslog_name`.
    pub instance: Box<str>,
    /// Queue id.
    pub id: Box<str>,
    /// How many earlier messages had this id, as far as is known.
    pub generation: u32,
    /// First line seen.
    pub first: Stamp,
    /// Last line seen.
    pub last: Stamp,
    /// Where it came from.
    pub source: Source,
    /// Envelope sender; empty is the null sender, `None` not seen.
    pub from: Option<Box<str>>,
    /// `message-id=`, as logged.
    pub message_id: Option<Box<str>>,
    /// Bytes.
    pub size: Option<u64>,
    /// `nrcpt=`
    pub nrcpt: Option<u32>,
    /// HELO name, where a verdict told it.
    pub helo: Option<Box<str>>,
    /// Its recipients in the order seen, at most [`MOST_RECIPIENTS`].
    pub recipients: Vec<Recipient>,
    /// Recipients beyond that.
    pub more_recipients: u32,
    /// What happened besides deliveries, at most [`MOST_STEPS`].
    pub notes: Vec<Note>,
    /// Notes beyond that, left out of the middle.
    pub more_notes: u32,
    /// Other messages that belong to its story.
    pub links: Vec<Link>,
    /// What became of it, as far as the log tells.
    pub state: State,
    /// Counts what was observed, to keep the order of lines with equal stamps.
    pub(super) sequence: u32,
}

/// Lists of thousands of recipients exist; a screen shows the first ones and the count.
pub const MOST_RECIPIENTS: usize = 1_000;
/// A message deferred for five days is tried some hundred times.
pub const MOST_STEPS: usize = 500;

/// Where a message came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Source {
    /// Its first lines were not seen.
    #[default]
    Unknown,
    /// smtpd took it from a client.
    Client {
        /// The client's name, or `unknown`.
        name: Box<str>,
        /// Its address.
        ip: Box<str>,
        /// Who had logged in.
        sasl_username: Option<Box<str>>,
        /// The message a content filter gave back under this id.
        orig_queue_id: Option<Box<str>>,
    },
    /// sendmail on the host itself, or a requeue.
    Pickup {
        /// Who submitted it.
        uid: u64,
        /// The id before `postsuper -r`.
        orig_id: Option<Box<str>>,
    },
    /// A notification about another message.
    Bounce {
        /// That message.
        of: Box<str>,
    },
    /// Forwarded by local(8) for another message.
    Forward {
        /// That message.
        of: Box<str>,
    },
}

/// What became of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Being received.
    #[default]
    Incoming,
    /// In the active queue.
    Active,
    /// Some recipient waits for another try.
    Deferred,
    /// On hold.
    Held,
    /// Refused by cleanup, a milter or a content filter after it had its id.
    Rejected,
    /// Thrown away by an access table, header_checks or a milter.
    Discarded,
    /// Removed by an administrator.
    Deleted,
    /// Gone under another id.
    Requeued,
    /// Left the queue after its last recipient was dealt with.
    Done,
}

/// What a message, or one attempt, amounts to in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the word it shows")]
pub enum Outcome {
    Incoming,
    Active,
    Sent,
    Deferred,
    Bounced,
    Expired,
    Held,
    Rejected,
    Discarded,
    Deleted,
    Requeued,
    Probe,
}

impl Outcome {
    /// The word, as Postfix or an administrator would say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Active => "active",
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::Expired => "expired",
            Self::Held => "hold",
            Self::Rejected => "rejected",
            Self::Discarded => "discarded",
            Self::Deleted => "deleted",
            Self::Requeued => "requeued",
            Self::Probe => "probe",
        }
    }
}

/// One recipient and every attempt to deliver to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipient {
    /// The address.
    pub to: Box<str>,
    /// The address before aliases.
    pub orig_to: Option<Box<str>>,
    /// Attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Attempts beyond [`MOST_STEPS`], left out of the middle.
    pub more_attempts: u32,
}

impl Recipient {
    /// What the last attempt came to.
    pub fn status(&self) -> Option<Status> {
        self.attempts.last().map(|a| a.status)
    }
}

/// One delivery attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// When it ended.
    pub time: Stamp,
    /// The delivery agent (`smtp`, `local`, ...).
    pub service: Box<str>,
    /// `relay=`
    pub relay: Box<str>,
    /// Hundredths of a second since the message arrived.
    pub delay: u64,
    /// Its four parts.
    pub delays: Delays,
    /// Enhanced status code.
    pub dsn: Box<str>,
    /// What it came to.
    pub status: Status,
    /// The text in parentheses.
    pub reason: Box<str>,
    /// `tls=` (3.11 and later).
    pub tls: Option<Box<str>>,
    /// Its place among the message's lines.
    pub(super) sequence: u32,
}

/// Something that happened besides a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When.
    pub time: Stamp,
    /// What, in one word: `client`, `queue active`, `reject`, `hold`, ...
    pub what: &'static str,
    /// What it amounts to for the message, where it does.
    pub outcome: Option<Outcome>,
    /// The rest.
    pub detail: Box<str>,
    /// Its place among the message's lines.
    pub(super) sequence: u32,
}

/// Another message of the same story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How it belongs.
    pub relation: Relation,
    /// Its queue id: here, or at the next hop.
    pub id: Box<str>,
}

/// How two messages belong together; read "this message ... the other".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// was requeued from
    RequeuedFrom,
    /// was requeued as
    RequeuedAs,
    /// is a notification about
    NotificationAbout,
    /// caused the notification
    Notified,
    /// was forwarded from
    ForwardedFrom,
    /// was forwarded as
    ForwardedAs,
    /// came back from a content filter, which had got it as
    ReinjectedFrom,
    /// came back from a content filter as
    ReinjectedAs,
    /// was queued by the next hop as
    QueuedAs,
    /// came from another instance here, where it was
    CameFrom,
}

impl Relation {
    /// The words.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequeuedFrom => "requeued from",
            Self::RequeuedAs => "requeued as",
            Self::NotificationAbout => "notification about",
            Self::Notified => "notification",
            Self::ForwardedFrom => "forwarded from",
            Self::ForwardedAs => "forwarded as",
            Self::ReinjectedFrom => "re-injected from",
            Self::ReinjectedAs => "re-injected as",
            Self::QueuedAs => "queued as",
            Self::CameFrom => "came from",
        }
    }

    /// The same seen from the other message.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::RequeuedFrom => Self::RequeuedAs,
            Self::RequeuedAs => Self::RequeuedFrom,
            Self::NotificationAbout => Self::Notified,
            Self::Notified => Self::NotificationAbout,
            Self::ForwardedFrom => Self::ForwardedAs,
            Self::ForwardedAs => Self::ForwardedFrom,
            Self::ReinjectedFrom => Self::ReinjectedAs,
            Self::ReinjectedAs => Self::ReinjectedFrom,
            Self::QueuedAs => Self::CameFrom,
            Self::CameFrom => Self::QueuedAs,
        }
    }
}

impl Life {
    /// What the message amounts to now, in one word.
    pub fn outcome(&self) -> Outcome {
        match self.state {
            State::Incoming => self.delivered().unwrap_or(Outcome::Incoming),
            State::Active => Outcome::Active,
            State::Deferred => Outcome::Deferred,
            State::Held => Outcome::Held,
            State::Rejected => Outcome::Rejected,
            State::Discarded => Outcome::Discarded,
            State::Deleted => Outcome::Deleted,
            State::Requeued => Outcome::Requeued,
            State::Done => self.delivered().unwrap_or(Outcome::Sent),
        }
    }

    /// Whether nothing more is to be expected of it.
    pub fn is_finished(&self) -> bool {
        matches!(
            self.state,
            State::Rejected | State::Discarded | State::Deleted | State::Requeued | State::Done
        )
    }

    /// The client's address, where a client brought it.
    pub fn client_ip(&self) -> Option<&str> {
        match &self.source {
            Source::Client { ip, .. } => Some(ip),
            _ => None,
        }
    }

    /// The worst that its recipients came to.
    fn delivered(&self) -> Option<Outcome> {
        let any = |wanted: Status| self.recipients.iter().any(|r| r.status() == Some(wanted));
        if self
            .notes
            .iter()
            .any(|n| n.outcome == Some(Outcome::Expired))
        {
            Some(Outcome::Expired)
        } else if any(Status::Bounced) {
            Some(Outcome::Bounced)
        } else if any(Status::Deferred) || any(Status::SoftBounce) {
            Some(Outcome::Deferred)
        } else if any(Status::Sent) {
            Some(Outcome::Sent)
        } else if any(Status::Deliverable) || any(Status::Undeliverable) {
            Some(Outcome::Probe)
        } else {
            None
        }
    }
}
