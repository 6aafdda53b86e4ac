//! What changed between two periods: the report's `--compare`.
//!
//! In: the settled summaries of a period and of the equal one before it. Out: [`Changes`], each list with
//! what matters most first. Small numbers jump by themselves: what a Poisson process of the same rate would do now and then
//! is no change (see [`Difference::is_notable`]).

use super::causes::Causes;
use super::names::Table;
use super::summary::{Outcome, Summary, Surge, Tally};
use std::cmp::Reverse;

/// How many of the most frequent senders of the newer period are looked at.
const SENDERS: usize = 50;

/// A count in two periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Difference {
    /// In the older period.
    pub before: u64,
    /// In the newer one.
    pub now: u64,
}

impl Difference {
    /// What was added or, when negative, lost.
    pub fn absolute(&self) -> i64 {
        i64::try_from(i128::from(self.now) - i128::from(self.before)).unwrap_or(i64::MAX)
    }

    /// The change as a part of what was before, 0.5 for half as much again; `None` when nothing was before.
    pub fn relative(&self) -> Option<f64> {
        (self.before > 0).then(|| self.absolute() as f64 / self.before as f64)
    }

    /// Whether chance alone hardly explains it: the difference of two Poisson counts has their sum as its variance, and
    /// three standard deviations are asked for.
    pub fn is_notable(&self) -> bool {
        let difference = u128::from(self.before.abs_diff(self.now));
        difference * difference > 9 * (u128::from(self.before) + u128::from(self.now))
    }

    /// What kind of change it is; `None` when it is none that matters.
    pub fn kind(&self) -> Option<Kind> {
        match (self.before, self.now) {
            (0, 0) => None,
            (0, _) => Some(Kind::New),
            (_, 0) => Some(Kind::Gone),
            _ if !self.is_notable() => None,
            (before, now) if now > before => Some(Kind::Grown),
            _ => Some(Kind::Shrunk),
        }
    }

    fn size(&self) -> u64 {
        self.before.abs_diff(self.now)
    }
}

/// What kind of change something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was not there before.
    New,
    /// There is notably more of it.
    Grown,
    /// There is notably less of it.
    Shrunk,
    /// It is not there any more.
    Gone,
}

/// What there are causes of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// What became of mail.
    Mail(Outcome),
    /// Lines marked warning.
    Warning,
    /// Lines marked error.
    Error,
    /// Lines marked fatal.
    Fatal,
    /// Lines marked panic.
    Panic,
}

impl Of {
    /// All of them, the gravest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let mail = Outcome::ALL.into_iter().map(Self::Mail);
        [Self::Panic, Self::Fatal, Self::Error]
            .into_iter()
            .chain(mail)
            .chain([Self::Warning])
    }

    fn causes(self, summary: &Summary) -> &Causes {
        match self {
            Self::Mail(outcome) => summary.causes(outcome),
            Self::Warning => &summary.warnings,
            Self::Error => &summary.errors,
            Self::Fatal => &summary.fatals,
            Self::Panic => &summary.panics,
        }
    }

    /// Whether Postfix itself broke down: news however rare it is.
    fn is_grave(self) -> bool {
        matches!(self, Self::Panic | Self::Fatal)
    }
}

/// A cause that is new, gone, grown or shrunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CauseChange<'a> {
    /// What it is a cause of.
    pub of: Of,
    /// The cause's name.
    pub reason: &'a [u8],
    /// Its counts.
    pub count: Difference,
    /// What kind of change.
    pub kind: Kind,
}

/// A destination whose deferrals changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationChange<'a> {
    /// The domain.
    pub domain: &'a [u8],
    /// Deferred attempts.
    pub deferrals: Difference,
    /// Recipients delivered to.
    pub delivered: Difference,
    /// What kind of change the deferrals are.
    pub kind: Kind,
}

/// A sender who is among the most frequent and was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderChange<'a> {
    /// The address; empty for the null sender.
    pub sender: &'a [u8],
    /// Messages.
    pub messages: Difference,
    /// Whether new or grown.
    pub kind: Kind,
}

/// What changed.
#[derive(Debug, Clone)]
pub struct Changes<'a> {
    /// The grand totals under their names, in the report's order, changed or not.
    pub totals: Vec<(&'static str, Difference)>,
    /// Causes: panics and fatal errors, then the others, the largest change first.
    pub causes: Vec<CauseChange<'a>>,
    /// Destinations, those that defer now and did not before at the top.
    pub destinations: Vec<DestinationChange<'a>>,
    /// New or notably grown ones among the most frequent senders, the largest change first.
    pub senders: Vec<SenderChange<'a>>,
    /// The surges of the newer period.
    pub surges: Vec<Surge<'a>>,
}

/// Compares a period with the one before it; both summaries are settled.
pub fn compare<'a>(before: &'a Summary, now: &'a Summary) -> Changes<'a> {
    Changes {
        totals: totals(before, now),
        causes: causes(before, now),
        destinations: destinations(before, now),
        senders: senders(&before.senders, &now.senders),
        surges: now.surges(),
    }
}

fn totals(before: &Summary, now: &Summary) -> Vec<(&'static str, Difference)> {
    let (before, now) = (before.totals(), now.totals());
    before
        .named()
        .into_iter()
        .zip(now.named())
        .map(|((name, before), (_, now))| (name, Difference { before, now }))
        .collect()
}

fn causes<'a>(before: &'a Summary, now: &'a Summary) -> Vec<CauseChange<'a>> {
    let mut changes = Vec::new();
    for of in Of::all() {
        let (old, new) = (of.causes(before), of.causes(now));
        let mut add = |reason, count: Difference| {
            if let Some(kind) = count.kind() {
                changes.push(CauseChange {
                    of,
                    reason,
                    count,
                    kind,
                });
            }
        };
        let count = |causes: &Causes, name: &[u8]| causes.get(name).map_or(0, |c| c.count);
        for (reason, cause) in new.iter() {
            let before = count(old, reason);
            let now = cause.count;
            add(reason, Difference { before, now });
        }
        for (reason, cause) in old.iter().filter(|(name, _)| new.get(name).is_none()) {
            let before = cause.count;
            add(reason, Difference { before, now: 0 });
        }
    }
    // Stable: of equal sizes, the graver stays first; each one's are sorted by name for that.
    changes.sort_by_key(|c| c.reason);
    changes.sort_by_key(|c| (!c.of.is_grave(), Reverse(c.count.size())));
    changes
}

fn destinations<'a>(before: &'a Summary, now: &'a Summary) -> Vec<DestinationChange<'a>> {
    let counts = |summary: &Summary, domain: &[u8]| {
        let row = summary.destinations.get(domain);
        row.map_or((0, 0), |d| (d.deferrals, d.delivered))
    };
    let change = |domain: &'a [u8]| {
        let (old, new) = (counts(before, domain), counts(now, domain));
        let deferrals = Difference {
            before: old.0,
            now: new.0,
        };
        Some(DestinationChange {
            domain,
            deferrals,
            delivered: Difference {
                before: old.1,
                now: new.1,
            },
            kind: deferrals.kind()?,
        })
    };
    let gone = before
        .destinations
        .iter()
        .filter(|(name, _)| now.destinations.get(name).is_none());
    let mut changes: Vec<_> = now
        .destinations
        .iter()
        .chain(gone)
        .filter_map(|(domain, _)| change(domain))
        .collect();
    changes.sort_by_key(|c| (c.kind, Reverse(c.deferrals.size()), c.domain));
    changes
}

fn senders<'a>(before: &Table<Tally>, now: &'a Table<Tally>) -> Vec<SenderChange<'a>> {
    let mut changes: Vec<_> = now
        .top(SENDERS, |sender| sender.count)
        .into_iter()
        .filter_map(|(sender, tally)| {
            let messages = Difference {
                before: before.get(sender).map_or(0, |t| t.count),
                now: tally.count,
            };
            let kind = messages.kind()?;
            matches!(kind, Kind::New | Kind::Grown).then_some(SenderChange {
                sender,
                messages,
                kind,
            })
        })
        .collect();
    changes.sort_by_key(|c| (Reverse(c.messages.size()), c.sender));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Parser, Reference};

    fn summary(lines: &[String]) -> Summary {
        let mut parser = Parser::new(Reference::at(1_795_400_000));
        let mut summary = Summary::new();
        for line in lines {
            summary.line(&parser.line(line.as_bytes()));
        }
        summary.settle();
        summary
    }

    fn delivery(i: usize, domain: &str, rest: &str) -> String {
        format!(
            "2026-11-22T08:00:00+00:00 mx postfix/smtp[1]: 8021054E{i:03}: to=<u@{domain}>, \
             relay=none, delay=1, delays=0.1/0/0.4/0.5, {rest}"
        )
    }

    #[test]
    fn chance_is_no_change() {
        let kind = |before, now| Difference { before, now }.kind();
        assert_eq!(kind(100, 110), None);
        assert_eq!(kind(3, 9), None);
        assert_eq!(kind(100, 150), Some(Kind::Grown));
        assert_eq!(kind(1000, 800), Some(Kind::Shrunk));
        assert_eq!(kind(0, 1), Some(Kind::New));
        assert_eq!(kind(1, 0), Some(Kind::Gone));
        assert_eq!(kind(0, 0), None);
        let half = Difference { before: 4, now: 2 };
        assert_eq!((half.absolute(), half.relative()), (-2, Some(-0.5)));
        assert_eq!(Difference::default().relative(), None);
    }

    #[test]
    fn new_causes_and_destinations_are_told() {
        let sent = "dsn=2.0.0, status=sent (250 ok)";
        let full = "dsn=4.2.2, status=deferred (mailbox full)";
        let refused = "dsn=4.4.1, status=deferred (connect to x.example[192.0.2.1]:25: refused)";
        let before: Vec<_> = (0..5)
            .map(|i| delivery(i, "a.example", full))
            .chain((5..9).map(|i| delivery(i, "b.example", sent)))
            .collect();
        let now: Vec<_> = (0..40)
            .map(|i| delivery(i, "b.example", refused))
            .chain((40..42).map(|i| delivery(i, "a.example", sent)))
            .collect();
        let (before, now) = (summary(&before), summary(&now));
        let changes = compare(&before, &now);
        let kinds: Vec<_> = changes.causes.iter().map(|c| (c.kind, c.count)).collect();
        assert_eq!(
            kinds,
            [
                (Kind::New, Difference { before: 0, now: 40 }),
                (Kind::Gone, Difference { before: 5, now: 0 }),
            ]
        );
        assert_eq!(changes.destinations[0].domain, b"b.example");
        assert_eq!(changes.destinations[0].kind, Kind::New);
        assert_eq!(changes.destinations[0].delivered.before, 4);
        assert_eq!(changes.destinations[1].kind, Kind::Gone);
        let total = |name| changes.totals.iter().find(|t| t.0 == name).unwrap().1;
        assert_eq!(total("delivered"), Difference { before: 4, now: 2 });
        assert_eq!(total("deferrals"), Difference { before: 5, now: 40 });
    }
}
