//! Choosing messages: a tree of tests evaluated on an [`Entry`].
//!
//! In: what the user asked for, as [`Expr`]. Out: yes or no for each entry. A text is looked for as a
//! substring without regard to case; a text between slashes (`/^bounce-/`) is a regular expression, also
//! without regard to case. Tests on recipients hold when one recipient satisfies them.

use super::{Entry, QueueName};
use regex::{Regex, RegexBuilder};
use std::fmt;
use std::time::Duration;

/// A choice of messages.
#[derive(Debug, Clone)]
pub enum Expr {
    /// Every message.
    All,
    /// All of these hold.
    And(Vec<Expr>),
    /// One of these holds.
    Or(Vec<Expr>),
    /// This does not hold.
    Not(Box<Expr>),
    /// One test.
    Test(Test),
}

/// One test on a message.
#[derive(Debug, Clone)]
pub enum Test {
    /// The envelope sender; `<>` is the null sender.
    Sender(Pattern),
    /// A recipient's address.
    Recipient(Pattern),
    /// A recipient's domain: the whole name; `.example.com` is it and everything below it.
    Domain(Pattern),
    /// A recipient's reason of deferral.
    Reason(Pattern),
    /// In the queue for longer than this.
    OlderThan(Duration),
    /// In the queue for less than this.
    YoungerThan(Duration),
    /// More bytes than this.
    LargerThan(u64),
    /// Fewer bytes than this.
    SmallerThan(u64),
    /// In this queue.
    Queue(QueueName),
    /// One of these ids, sorted.
    Ids(Vec<String>),
}

/// What a text is compared with.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As the user wrote it.
    text: String,
    kind: PatternKind,
}

#[derive(Debug, Clone)]
enum PatternKind {
    /// In lower case.
    Text(String),
    Regex(Regex),
}

/// Why a selector is no selector.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// An empty text would match everything.
    #[error("an empty text would match every message (try: --all, or '<>' for the null sender)")]
    Empty,
    /// Not a regular expression.
    #[error("{text}: not a regular expression: {reason}")]
    Regex {
        /// The user's text.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// Not an age.
    #[error("{text}: not an age (try: 30m, 2h, 1d, 1w)")]
    Age {
        /// The user's text.
        text: String,
    },
    /// Not a size.
    #[error("{text}: not a size (try: 500, 10k, 5M)")]
    Size {
        /// The user's text.
        text: String,
    },
    /// Not a queue.
    #[error("{text}: not a queue (try: maildrop, incoming, active, deferred, hold, corrupt)")]
    Queue {
        /// The user's text.
        text: String,
    },
}

impl Expr {
    /// Whether the message is chosen; `now` in seconds since the epoch.
    pub fn matches(&self, entry: &Entry, now: i64) -> bool {
        match self {
            Self::All => true,
            Self::And(all) => all.iter().all(|one| one.matches(entry, now)),
            Self::Or(any) => any.iter().any(|one| one.matches(entry, now)),
            Self::Not(one) => !one.matches(entry, now),
            Self::Test(test) => test.matches(entry, now),
        }
    }

    /// Whether the answer can depend on reasons of deferral, so that the list must have them.
    pub fn needs_reasons(&self) -> bool {
        match self {
            Self::All => false,
            Self::And(list) | Self::Or(list) => list.iter().any(Self::needs_reasons),
            Self::Not(one) => one.needs_reasons(),
            Self::Test(test) => matches!(test, Test::Reason(_)),
        }
    }
}

impl Test {
    /// Whether the message passes; `now` in seconds since the epoch.
    pub fn matches(&self, entry: &Entry, now: i64) -> bool {
        let age = now.saturating_sub(entry.arrival_time);
        let seconds = |limit: &Duration| i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        match self {
            Self::Sender(pattern) => {
                if pattern.text == "<>" {
                    return entry.sender.is_empty();
                }
                pattern.is_in(&entry.sender)
            }
            Self::Recipient(pattern) => entry.recipients.iter().any(|r| pattern.is_in(&r.address)),
            Self::Domain(pattern) => entry.recipients.iter().any(|r| {
                r.address
                    .rsplit_once('@')
                    .is_some_and(|(_, domain)| pattern.is_domain(domain))
            }),
            Self::Reason(pattern) => entry
                .recipients
                .iter()
                .filter_map(|r| r.delay_reason.as_deref())
                .any(|reason| pattern.is_in(reason)),
            Self::OlderThan(limit) => age > seconds(limit),
            Self::YoungerThan(limit) => age < seconds(limit),
            Self::LargerThan(bytes) => entry.message_size > *bytes,
            Self::SmallerThan(bytes) => entry.message_size < *bytes,
            Self::Queue(queue) => entry.queue_name == *queue,
            Self::Ids(ids) => ids.binary_search(&entry.queue_id).is_ok(),
        }
    }
}

impl Pattern {
    /// A substring, or between slashes a regular expression.
    pub fn new(text: &str) -> Result<Self, SelectError> {
        let inner = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        if text.is_empty() || inner.is_some_and(str::is_empty) {
            return Err(SelectError::Empty);
        }
        let kind = match inner {
            None => PatternKind::Text(text.to_lowercase()),
            Some(inner) => {
                let built = RegexBuilder::new(inner).case_insensitive(true).build();
                PatternKind::Regex(built.map_err(|error| SelectError::Regex {
                    text: text.to_owned(),
                    // The last line is the reason; those before draw the place.
                    reason: error.to_string().lines().last().unwrap_or("").to_owned(),
                })?)
            }
        };
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }

    /// Whether it is found in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        match &self.kind {
            PatternKind::Text(part) => contains_lowercase(text, part),
            PatternKind::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether it names `domain`: all of it, or with a dot in front it and everything below it.
    fn is_domain(&self, domain: &str) -> bool {
        let PatternKind::Text(name) = &self.kind else {
            return self.is_in(domain);
        };
        let domain = domain.to_lowercase();
        match name.strip_prefix('.') {
            Some(parent) => domain == parent || domain.ends_with(name.as_str()),
            None => domain == *name,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, list: &[Expr], word: &str| {
            for (at, one) in list.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                match one {
                    Self::Test(_) | Self::All => write!(f, "{one}")?,
                    _ => write!(f, "({one})")?,
                }
            }
            Ok(())
        };
        match self {
            Self::All => f.write_str("all"),
            Self::And(all) => list(f, all, "and"),
            Self::Or(any) => list(f, any, "or"),
            Self::Not(one) => write!(f, "not ({one})"),
            Self::Test(test) => write!(f, "{test}"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sender(pattern) => write!(f, "sender {pattern}"),
            Self::Recipient(pattern) => write!(f, "recipient {pattern}"),
            Self::Domain(pattern) => write!(f, "domain {pattern}"),
            Self::Reason(pattern) => write!(f, "reason {pattern}"),
            Self::OlderThan(age) => write!(f, "older than {} s", age.as_secs()),
            Self::YoungerThan(age) => write!(f, "younger than {} s", age.as_secs()),
            Self::LargerThan(bytes) => write!(f, "larger than {bytes}"),
            Self::SmallerThan(bytes) => write!(f, "smaller than {bytes}"),
            Self::Queue(queue) => write!(f, "queue {}", queue.as_str()),
            Self::Ids(ids) => match ids.as_slice() {
                [id] => write!(f, "id {id}"),
                ids => write!(f, "{} ids", ids.len()),
            },
        }
    }
}

/// `part` is in lower case; ASCII, which nearly everything is, is compared without a copy.
fn contains_lowercase(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.len() <= text.len()
        && text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

/// An age: a number with `s`, `m`, `h`, `d` or `w`; a number alone is seconds.
pub fn parse_age(text: &str) -> Result<Duration, SelectError> {
    let wrong = || SelectError::Age {
        text: text.to_owned(),
    };
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    count
        .checked_mul(unit)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

/// A size in bytes: a number with `k`, `M` or `G` (of 1,024).
pub fn parse_size(text: &str) -> Result<u64, SelectError> {
    let wrong = || SelectError::Size {
        text: text.to_owned(),
    };
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    count.checked_mul(unit).ok_or_else(wrong)
}

/// A queue by its name.
pub fn parse_queue(text: &str) -> Result<QueueName, SelectError> {
    QueueName::parse(text).ok_or_else(|| SelectError::Queue {
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Recipient;
    use super::*;

    fn entry() -> Entry {
        Entry {
            queue_name: QueueName::Deferred,
            queue_id: "4jXMkR1TwwznJht".into(),
            arrival_time: 1_000_000,
            message_size: 2048,
            forced_expire: false,
            sender: "Bounce-17@Lists.Example.com".into(),
            recipients: vec![
                Recipient {
                    address: "a@one.test".into(),
                    delay_reason: None,
                },
                Recipient {
                    address: "b@mail.Two.test".into(),
                    delay_reason: Some("connect to mx: Connection refused".into()),
                },
            ],
            next_try: None,
            inode: None,
        }
    }

    fn holds(test: &Test) -> bool {
        test.matches(&entry(), 1_000_000 + 7200)
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap()
    }

    #[test]
    fn texts_are_substrings_or_expressions_without_case() {
        assert!(holds(&Test::Sender(pattern("lists.example"))));
        assert!(holds(&Test::Sender(pattern("/^bounce-\\d+@/"))));
        assert!(!holds(&Test::Sender(pattern("^bounce"))));
        assert!(!holds(&Test::Sender(pattern("<>"))));
        assert!(holds(&Test::Recipient(pattern("B@MAIL"))));
        assert!(holds(&Test::Reason(pattern("connection REFUSED"))));
        let null = Entry {
            sender: String::new(),
            ..entry()
        };
        assert!(Test::Sender(pattern("<>")).matches(&null, 0));
        assert!(!Test::Sender(pattern("x")).matches(&null, 0));
    }

    #[test]
    fn domains_are_whole() {
        assert!(holds(&Test::Domain(pattern("one.test"))));
        assert!(!holds(&Test::Domain(pattern("two.test"))));
        assert!(holds(&Test::Domain(pattern(".two.test"))));
        assert!(!holds(&Test::Domain(pattern(".wo.test"))));
        assert!(holds(&Test::Domain(pattern("/^mail\\./"))));
    }

    #[test]
    fn ages_sizes_queues_and_ids() {
        assert!(holds(&Test::OlderThan(parse_age("1h").unwrap())));
        assert!(!holds(&Test::OlderThan(parse_age("2h").unwrap())));
        assert!(holds(&Test::YoungerThan(parse_age("1d").unwrap())));
        assert!(holds(&Test::LargerThan(parse_size("1k").unwrap())));
        assert!(!holds(&Test::SmallerThan(parse_size("2k").unwrap())));
        assert!(holds(&Test::Queue(parse_queue("deferred").unwrap())));
        assert!(holds(&Test::Ids(vec![
            "4jXMkR1TwwznJht".into(),
            "A".into()
        ])));
        for wrong in [
            "",
            "h",
            "2x",
            "-1h",
            "2 h",
            "99999999999999999999d",
            "99999999999999999w",
            "é",
        ] {
            assert!(parse_age(wrong).is_err(), "{wrong}");
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
        assert!(parse_queue("elsewhere").is_err());
    }

    #[test]
    fn what_is_no_selector() {
        for wrong in ["", "//", "/(/"] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
        assert!(Pattern::new("/").is_ok(), "one slash is a text");
    }

    #[test]
    fn trees_combine_and_show_themselves() {
        let sender = Expr::Test(Test::Sender(pattern("lists")));
        let young = Expr::Test(Test::YoungerThan(Duration::from_mins(1)));
        let both = Expr::And(vec![sender.clone(), Expr::Not(Box::new(young.clone()))]);
        assert!(both.matches(&entry(), 1_007_200));
        assert!(!Expr::And(vec![sender.clone(), young.clone()]).matches(&entry(), 1_007_200));
        assert!(Expr::Or(vec![sender, young]).matches(&entry(), 1_007_200));
        assert_eq!(
            both.to_string(),
            "sender lists and (not (younger than 60 s))"
        );
        assert!(Expr::Test(Test::Reason(pattern("x"))).needs_reasons() && !both.needs_reasons());
    }
}
