//! The second level of the causes: which hosts, domains or addresses are behind each.

use super::Summary;
use crate::logparse::event::Reject;
use crate::logparse::taxonomy::{Category, Class};
use crate::stats::causes::{Cause, Causes, domain};
use crate::stats::names::Table;
use rustc_hash::FxHashMap;

/// What became of mail that has a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Attempts that were deferred; below the causes stand recipients' domains.
    Deferral,
    /// Recipients that bounced; likewise.
    Bounce,
    /// Rejects; below the causes stands what the reject was about (see [`Summary::detail`]).
    Reject,
    /// Reject warnings.
    RejectWarning,
    /// Messages put on hold.
    Hold,
    /// Messages discarded.
    Discard,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Deferral,
        Self::Bounce,
        Self::Reject,
        Self::RejectWarning,
        Self::Hold,
        Self::Discard,
    ];
}

/// A cause and who is behind it.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The cause's name.
    pub reason: &'a [u8],
    /// Its counts and examples.
    pub cause: &'a Cause,
    /// Who is behind it, the most frequent first.
    pub members: Vec<(&'a [u8], u64)>,
    /// How many distinct ones there are.
    pub distinct: usize,
}

/// Pairs of a cause and a name, by outcome.
#[derive(Debug, Clone, Default)]
pub struct Details {
    pairs: [FxHashMap<(u32, u32), u32>; Outcome::ALL.len()],
    /// The names below rejects, holds and discards; those below deferrals and bounces are the destinations.
    names: Table<()>,
}

impl Details {
    pub(super) fn add(&mut self, outcome: Outcome, cause: u32, name: u32, times: u64) {
        let count = self.pairs[outcome as usize]
            .entry((cause, name))
            .or_default();
        *count = count.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    pub(super) fn name(&mut self, name: &[u8]) -> u32 {
        self.names.number(name)
    }

    /// `causes` and `destinations` say where the other's rows went.
    pub(super) fn merge(
        &mut self,
        other: Self,
        causes: &[Vec<u32>; Outcome::ALL.len()],
        destinations: &[u32],
    ) {
        let own = self.names.merge(other.names, |(), ()| ());
        for (outcome, pairs) in Outcome::ALL.into_iter().zip(other.pairs) {
            let names: &[u32] = match outcome {
                Outcome::Deferral | Outcome::Bounce => destinations,
                _ => &own,
            };
            let mine = &mut self.pairs[outcome as usize];
            mine.reserve(pairs.len());
            for ((cause, name), times) in pairs {
                let key = (
                    causes[outcome as usize][cause as usize],
                    names[name as usize],
                );
                let count = mine.entry(key).or_default();
                *count = count.saturating_add(times);
            }
        }
    }
}

impl Summary {
    /// The causes of an outcome.
    pub fn causes(&self, outcome: Outcome) -> &Causes {
        match outcome {
            Outcome::Deferral => &self.deferrals,
            Outcome::Bounce => &self.bounces,
            Outcome::Reject => &self.rejects,
            Outcome::RejectWarning => &self.reject_warnings,
            Outcome::Hold => &self.holds,
            Outcome::Discard => &self.discards,
        }
    }

    pub(super) fn causes_mut(&mut self, outcome: Outcome) -> &mut Causes {
        match outcome {
            Outcome::Deferral => &mut self.deferrals,
            Outcome::Bounce => &mut self.bounces,
            Outcome::Reject => &mut self.rejects,
            Outcome::RejectWarning => &mut self.reject_warnings,
            Outcome::Hold => &mut self.holds,
            Outcome::Discard => &mut self.discards,
        }
    }

    /// The `reasons` most frequent causes, each with the `members` most frequent ones below it. Below a
    /// reject stand the recipient's domain where relaying was refused, the recipient or the sender's domain
    /// where these were the reason, and otherwise the client's name, or its address when it has none.
    pub fn detail(&self, outcome: Outcome, reasons: usize, members: usize) -> Vec<Group<'_>> {
        let top = self.causes(outcome).numbered(reasons);
        let at: FxHashMap<u32, usize> = top.iter().enumerate().map(|(i, t)| (t.0, i)).collect();
        let mut groups: Vec<Group<'_>> = top
            .iter()
            .map(|(_, reason, cause)| Group {
                reason,
                cause,
                members: Vec::new(),
                distinct: 0,
            })
            .collect();
        for ((cause, name), times) in &self.details.pairs[outcome as usize] {
            if let Some(at) = at.get(cause) {
                let name = match outcome {
                    Outcome::Deferral | Outcome::Bounce => self.destinations.name(*name),
                    _ => self.details.names.name(*name),
                };
                groups[*at].members.push((name, u64::from(*times)));
            }
        }
        for group in &mut groups {
            group.distinct = group.members.len();
            group
                .members
                .sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            group.members.truncate(members);
        }
        groups
    }
}

/// What stands below a reject's cause.
pub(super) fn subject<'a>(reject: &Reject<'a>, host: &'a [u8]) -> &'a [u8] {
    let sender = || reject.from.map(|from| domain(from).unwrap_or(from));
    let found = match reject.category {
        Category::RelayDenied => reject.to.map(|to| domain(to).unwrap_or(to)),
        Category::NonFqdn { class }
        | Category::UnknownDomain { class }
        | Category::NullMx { class }
        | Category::UserUnknown { class, .. }
        | Category::Undeliverable { class }
        | Category::Unverified { class }
        | Category::Access { class }
        | Category::Rhsbl { class, .. } => match class {
            Class::Sender => sender(),
            Class::Recipient => reject.to,
            _ => None,
        },
        Category::LoginMismatch => sender(),
        _ => None,
    };
    match found {
        Some(b"") => b"<>",
        Some(name) => name,
        None => host,
    }
}
