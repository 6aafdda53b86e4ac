//! What the console and the log's task say to each other: plain values, no borrowed lines.

use crate::queue::Entry;
use std::sync::Arc;

/// What the console asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// Messages that match; the ticket comes back with the answer, so that a late answer to an old question is known.
    Find {
        /// Counts questions.
        ticket: u64,
        /// What was typed; empty finds the newest.
        text: String,
    },
    /// The life of one message.
    Life {
        /// Its queue id.
        queue_id: String,
    },
    /// Rejects, grouped and narrowed.
    Rejects {
        /// Counts questions.
        ticket: u64,
        /// How.
        query: RejectQuery,
    },
    /// What lies in the queue now: the overview's depth by age and the diagnoses are made from it.
    Queue(Arc<Vec<Entry>>),
    /// Which figures are looked at; others need not be made.
    Watch(Watch),
}

/// What is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Watch {
    /// The overview.
    #[default]
    Overview,
    /// The messages.
    Messages,
    /// The rejects.
    Rejects,
    /// Nothing of the log but its lines.
    Lines,
}

/// What the task tells.
#[derive(Debug)]
pub(crate) enum News {
    /// Log lines.
    Lines(Batch),
    /// The overview's figures.
    Figures(Box<Figures>),
    /// The answer to [`Request::Find`].
    Found(Found),
    /// The answer to [`Request::Life`].
    Life(Box<Life>),
    /// The answer to [`Request::Rejects`].
    Rejects(RejectAnswer),
    /// Something the user must know: a log that vanished.
    Trouble(String),
}

/// Lines, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Where they belong.
    pub place: Where,
}

/// Whether a batch came after or before what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Where {
    /// New lines.
    #[default]
    After,
    /// History, read backwards.
    Before,
}

/// One log line as it is kept for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// The line, raw: it is sanitised when drawn.
    pub text: Box<[u8]>,
    /// What it means for mail.
    pub tone: Tone,
    /// Where the queue id stands in the text: start and length.
    pub queue_id: Option<(u16, u8)>,
    /// Where the client's address stands in the text: start and length.
    pub client: Option<(u16, u8)>,
    /// Where the text after the header begins.
    pub body: u16,
    /// The second of the log's day, and where the service (`smtpd`) stands: for narrow screens.
    pub second: Option<u32>,
    /// Where the service's name stands in the text: start and length.
    pub service: Option<(u16, u8)>,
}

/// What a line means for mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Delivered.
    Sent,
    /// Deferred.
    Deferred,
    /// Bounced or expired.
    Bounced,
    /// Rejected.
    Rejected,
    /// Held, discarded, or otherwise interfered with.
    Noted,
    /// A warning.
    Warning,
    /// An error, fatal or panic.
    Failure,
    /// Another program's line, or not understood.
    Foreign,
}

/// The overview's figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Figures {
    /// Seconds east of UTC that the log's clock shows.
    pub offset: i32,
    /// The end of the hour that is shown, seconds since the epoch: now, or the last stamp of an old log.
    pub hour_to: i64,
    /// Whether that is now.
    pub live: bool,
    /// Events a minute over the last hour, oldest first.
    pub rates: Rates<Vec<u64>>,
    /// All that was read.
    pub totals: Rates<u64>,
    /// Delays of deliveries, seconds.
    pub delays: Option<DelayFigures>,
    /// Top reject reasons.
    pub rejects: Vec<(String, u64)>,
    /// Top deferral causes.
    pub deferrals: Vec<(String, u64)>,
    /// How much too high the counts of rejects and of deferral causes may be: 0 unless there are very many.
    pub errors: [u64; 2],
    /// What is wrong, and what to do.
    pub diagnoses: Vec<Finding>,
    /// How far reading has come.
    pub reading: Reading,
    /// Messages in the queue by age; `None` when the queue is not known.
    pub waiting: Option<QueueAges>,
}

/// Messages in the queue by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct QueueAges {
    /// Counts, each younger than the age of its label in [`QueueAges::LABELS`].
    pub counts: [u64; 5],
    /// On hold, of all ages.
    pub held: u64,
    /// Age of the oldest, seconds.
    pub oldest: i64,
}

impl QueueAges {
    /// Upper ends of the ages, seconds; the last has none.
    pub const ENDS: [i64; 5] = [300, 3_600, 6 * 3_600, 86_400, i64::MAX];
    /// Their names.
    pub const LABELS: [&'static str; 5] = ["<5m", "<1h", "<6h", "<1d", "older"];
}

/// One value for each thing that happens to mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rates<T> {
    /// Messages taken in.
    pub received: T,
    /// Recipients delivered.
    pub sent: T,
    /// Delivery attempts deferred.
    pub deferred: T,
    /// Recipients bounced.
    pub bounced: T,
    /// Commands or messages rejected.
    pub rejected: T,
}

/// Quantiles of the delay, and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct DelayFigures {
    /// Half took at most this.
    pub p50: f64,
    /// 95 % took at most this.
    pub p95: f64,
    /// 99 % took at most this.
    pub p99: f64,
    /// The 95th percentile of each of the four parts of `delays=`.
    pub parts: [f64; 4],
}

/// A diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong, with its count.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Whether mail does not flow at all.
    pub grave: bool,
    /// Where one looks further.
    pub about: About,
}

/// What a diagnosis is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum About {
    /// A destination domain.
    Domain(String),
    /// A client.
    Client(String),
    /// A block list.
    Zone(String),
    /// The queue.
    Queue,
    /// The log.
    #[default]
    Log,
}

/// How far reading has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// Lines read.
    pub lines: u64,
    /// Lines of Postfix that were not understood.
    pub unparsed: u64,
    /// Bytes of history still to be read; 0 when it is complete.
    pub remaining: u64,
    /// The first and last stamp seen, seconds since the epoch.
    pub span: Option<(i64, i64)>,
}

/// Messages found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The question's ticket.
    pub ticket: u64,
    /// The rows, newest first, at most a screenful of screenfuls.
    pub rows: Vec<MessageRow>,
    /// How many matched in all.
    pub total: usize,
    /// How many were looked at.
    pub known: usize,
}

/// A message in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct MessageRow {
    /// Queue id.
    pub queue_id: String,
    /// First seen, seconds since the epoch.
    pub time: i64,
    /// Envelope sender.
    pub sender: String,
    /// First recipient.
    pub recipient: String,
    /// How many recipients.
    pub recipients: usize,
    /// Client address.
    pub client: String,
    /// Bytes.
    pub size: u64,
    /// Its state, as a tone and a word.
    pub tone: Tone,
    /// `sent`, `deferred`, ...
    pub status: String,
}

/// The life of one message.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Life {
    /// The queue id asked for.
    pub queue_id: String,
    /// The message; `None` when nothing is known.
    pub row: Option<MessageRow>,
    /// `message-id=`.
    pub message_id: String,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Other ids of its story: what it was requeued from or as, the bounce it caused.
    pub links: Vec<(String, String)>,
    /// Its log lines.
    pub lines: Vec<LogLine>,
}

/// One thing that happened to a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Step {
    /// Seconds since the epoch.
    pub time: f64,
    /// What it means.
    pub tone: Tone,
    /// A word: `received`, `sent`, ...
    pub what: String,
    /// The rest.
    pub detail: String,
    /// The four parts of the delay, seconds, where it was a delivery.
    pub delays: Option<[f64; 4]>,
}

/// How rejects are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RejectQuery {
    /// Counted by this.
    pub by: Grouping,
    /// Only those with these values.
    pub within: Vec<(Grouping, String)>,
}

/// What rejects are counted by.
pub(crate) use crate::stats::rejects::Dimension as Grouping;

/// Rejects, counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct RejectAnswer {
    /// The question's ticket.
    pub ticket: u64,
    /// Value, count and last time (seconds since the epoch), most first.
    pub rows: Vec<RejectRow>,
    /// How much too high a row's count may be: 0 unless there are very many values.
    pub error: u64,
    /// All rejects that match.
    pub total: u64,
    /// All rejects that were looked at: within a value, the newest ones.
    pub of: u64,
    /// Rejects an hour over the last day, oldest first.
    pub hours: Vec<u64>,
}

/// One value and how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RejectRow {
    /// The value.
    pub value: String,
    /// How often.
    pub count: u64,
    /// When last, seconds since the epoch.
    pub last: i64,
    /// One of its lines.
    pub sample: String,
}
