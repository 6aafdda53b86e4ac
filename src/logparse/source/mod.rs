//! Where log lines come from.
//!
//! In: paths. Out: lines, as bytes. Reading once ([`open`], [`Lines`]), following for ever
//! ([`Follower`]) and looking back from the end ([`History`]). Files are read with read(2) into a
//! buffer, never mapped: a log that is truncated under a mapping is a SIGBUS. Nothing here knows what a
//! line means.

mod error;
mod follow;
mod history;
mod lines;
mod open;
mod position;
mod siblings;
mod tail;

pub use error::SourceError;
pub use follow::{Flow, FollowOptions, Follower, Notice, Start, Watch};
pub use history::History;
pub use lines::{Lines, MAX_LINE};
pub use open::{Content, Part, Source, open, parts};
pub use position::{Fingerprint, Position, Positions};
pub use tail::Batch;
