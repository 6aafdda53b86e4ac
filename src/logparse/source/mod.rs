//! Where log lines come from.
//!
//! In: paths. Out: lines, as bytes. Reading once ([`open`], [`Lines`]), following for ever
//! ([`Follower`]) and looking back from the end ([`History`]). Files are read with read(2) into a
//! buffer, never mapped: a log that is truncated under a mapping is a SIGBUS. Nothing here knows what a
//! line means.

mod compressed;
mod error;
mod follow;
mod head;
mod history;
mod input;
pub mod journal;
mod lines;
mod open;
mod parts;
mod peek;
mod position;
mod siblings;
mod tail;

pub use error::SourceError;
pub use follow::{Flow, FollowOptions, Follower, Notice, Start, Watch};
pub use head::{Head, head};
pub use history::History;
pub use input::Input;
pub use journal::Journal;
pub use lines::{Lines, MAX_LINE};
pub use open::{Content, Source, Trouble, open};
pub use parts::{Part, parts};
pub use position::{Fingerprint, Position, Positions};
pub use tail::Batch;
