//! The choice of messages on the command line: ids and selectors, all of which must hold.

use crate::queue::format::QueueId;
use crate::queue::select::{self, Expr, Pattern, SelectError, Test};
use crate::queue::{Entry, Listing, Reasons};
use std::collections::BTreeSet;
use std::io::BufRead as _;

/// Which messages. All that is given must hold. TEXT is looked for anywhere, without regard to case;
/// `/TEXT/` is a regular expression.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Choice {
    /// Queue ids; `-` reads them from standard input, one a line.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// The envelope sender has TEXT; `<>` is the null sender.
    #[arg(long, value_name = "TEXT")]
    pub sender: Option<String>,
    /// A recipient has TEXT.
    #[arg(long, value_name = "TEXT")]
    pub recipient: Option<String>,
    /// A recipient's domain is DOMAIN; `.DOMAIN` takes those below it too.
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// A reason of deferral has TEXT.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// In the queue for longer than AGE: 30m, 2h, 1d, 1w.
    #[arg(long, value_name = "AGE")]
    pub older_than: Option<String>,
    /// In the queue for less than AGE.
    #[arg(long, value_name = "AGE")]
    pub younger_than: Option<String>,
    /// More than SIZE bytes: 500, 10k, 5M.
    #[arg(long, value_name = "SIZE")]
    pub larger_than: Option<String>,
    /// Fewer than SIZE bytes.
    #[arg(long, value_name = "SIZE")]
    pub smaller_than: Option<String>,
    /// In this queue: maildrop, incoming, active, deferred, hold, corrupt.
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,
    /// Every message.
    #[arg(long)]
    pub all: bool,
}

/// What a choice comes to.
pub(super) struct Chosen {
    /// The listing, its entries the chosen ones.
    pub listing: Listing,
    /// Ids that were named and are not in the queue.
    pub missing: Vec<String>,
    /// The choice in words.
    pub selector: String,
}

impl Choice {
    /// The ids, those from standard input read.
    pub fn with_standard_input(&self) -> anyhow::Result<Self> {
        let mut choice = self.clone();
        if self.ids.iter().any(|id| id == "-") {
            choice.ids.retain(|id| id != "-");
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                // `*` and `!` are mailq's marks behind an id.
                let id = line.trim().trim_end_matches(['*', '!', '#']);
                if !id.is_empty() {
                    choice.ids.push(id.to_owned());
                }
            }
            anyhow::ensure!(
                !choice.ids.is_empty(),
                "no queue id on standard input: nothing is chosen"
            );
        }
        Ok(choice)
    }

    /// The choice as an expression; `None` when nothing was given.
    pub fn expr(&self) -> anyhow::Result<Option<Expr>> {
        let mut tests = self.texts()?;
        for (age, test) in [
            (&self.older_than, Test::OlderThan as fn(_) -> _),
            (&self.younger_than, Test::YoungerThan),
        ] {
            if let Some(age) = age {
                tests.push(test(select::parse_age(age)?));
            }
        }
        for (size, test) in [
            (&self.larger_than, Test::LargerThan as fn(_) -> _),
            (&self.smaller_than, Test::SmallerThan),
        ] {
            if let Some(size) = size {
                tests.push(test(select::parse_size(size)?));
            }
        }
        if let Some(queue) = &self.queue {
            tests.push(Test::Queue(select::parse_queue(queue)?));
        }
        if !self.ids.is_empty() {
            if let Some(wrong) = self.ids.iter().find(|id| !QueueId::is_valid(id)) {
                anyhow::bail!("{wrong}: not a queue id");
            }
            let sorted: BTreeSet<&String> = self.ids.iter().collect();
            tests.push(Test::Ids(sorted.into_iter().cloned().collect()));
        }
        Ok(match tests.len() {
            0 if self.all => Some(Expr::All),
            0 => None,
            1 => tests.pop().map(Expr::Test),
            _ => Some(Expr::And(tests.into_iter().map(Expr::Test).collect())),
        })
    }

    fn texts(&self) -> Result<Vec<Test>, SelectError> {
        let mut tests = Vec::new();
        for (text, test) in [
            (&self.sender, Test::Sender as fn(_) -> _),
            (&self.recipient, Test::Recipient),
            (&self.domain, Test::Domain),
            (&self.reason, Test::Reason),
        ] {
            if let Some(text) = text {
                tests.push(test(Pattern::new(text)?));
            }
        }
        Ok(tests)
    }

    /// Whether the list must have reasons for this choice.
    pub fn reasons(&self) -> Reasons {
        if self.reason.is_some() {
            Reasons::Yes
        } else {
            Reasons::No
        }
    }

    /// Keeps what is chosen of a listing; everything when nothing was given.
    pub fn apply(&self, mut listing: Listing, now: i64) -> anyhow::Result<Chosen> {
        let expr = self.expr()?.unwrap_or(Expr::All);
        let there: BTreeSet<&str> = listing
            .entries
            .iter()
            .map(|e| e.queue_id.as_str())
            .collect();
        let missing = self
            .ids
            .iter()
            .filter(|id| !there.contains(id.as_str()))
            .cloned()
            .collect();
        listing
            .entries
            .retain(|entry: &Entry| expr.matches(entry, now));
        Ok(Chosen {
            listing,
            missing,
            selector: expr.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_given_must_hold() {
        let choice = Choice {
            sender: Some("a".into()),
            older_than: Some("2h".into()),
            queue: Some("deferred".into()),
            ids: vec!["B1".into(), "A1".into(), "B1".into()],
            ..Choice::default()
        };
        assert_eq!(
            choice.expr().unwrap().unwrap().to_string(),
            "sender a and older than 7200 s and queue deferred and 2 ids"
        );
    }

    #[test]
    fn nothing_is_never_everything() {
        assert!(Choice::default().expr().unwrap().is_none());
        let all = Choice {
            all: true,
            ..Choice::default()
        };
        assert_eq!(all.expr().unwrap().unwrap().to_string(), "all");
        for wrong in [
            Choice {
                sender: Some(String::new()),
                ..Choice::default()
            },
            Choice {
                older_than: Some("soon".into()),
                ..Choice::default()
            },
            Choice {
                queue: Some("defer".into()),
                ..Choice::default()
            },
            Choice {
                ids: vec!["../x".into()],
                ..Choice::default()
            },
        ] {
            assert!(wrong.expr().is_err(), "{wrong:?}");
        }
    }
}
