//! DNS block lists: the catalogue, targets, one lookup, one verdict, the health of a list.
//!
//! In: addresses and domains as a user writes them, and a resolver. Out: [`Finding`]s, one for each target
//! and list, as they come. A verdict is never a plain yes or no: a list that refuses us, lists the whole
//! world or is dead says nothing about anybody ([`Verdict`]). It must not know how findings are shown.

mod catalogue;
pub mod check;
mod configured;
mod health;
mod lists;
mod public_resolvers;
mod target;
pub mod text;
mod verdict;

pub use catalogue::{Bit, Entry, Kind, Pattern, Status, built_in, dead, find, parse};
pub use check::{Evidence, Finding, Options, expected, run};
pub use configured::configured;
pub use health::Health;
pub use lists::{Keys, List, defaults, every, named};
pub use public_resolvers::public_resolver;
pub use target::{Target, TargetError};
pub use verdict::Verdict;
