//! Reading the whole queue in the best way that this process may use.
//!
//! In: a [`Server`]. Out: a [`Listing`] that says which way it took and why not a better one. Postfix: own walk,
//! showq socket, `postqueue -j`. Engine: own walk, control socket, showq socket.

use super::engine::Client;
use super::{Entry, QueueError, postqueue, showq, walk};
use crate::attach::{Kind, Server};
use crate::control::Request;
use std::path::Path;

/// Whether the reasons of deferred mail are wanted; the walk is twice as fast without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reasons {
    /// With the reason of each recipient.
    Yes,
    /// Without, where that saves work.
    No,
}

/// A way to read the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// The queue files themselves.
    Walk,
    /// The engine's control socket.
    Control,
    /// The socket `public/showq`.
    Showq,
    /// The command `postqueue -j`.
    Postqueue,
}

impl Way {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Walk => "queue files",
            Self::Control => "control socket",
            Self::Showq => "showq socket",
            Self::Postqueue => "postqueue -j",
        }
    }
}

/// The queue as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The messages, oldest first.
    pub entries: Vec<Entry>,
    /// How it was read.
    pub way: Way,
    /// Why not in a better way; `None` when this is the best.
    pub why_not_better: Option<String>,
    /// Files or lines that could not be understood, each with the reason.
    pub problems: Vec<String>,
}

/// Reads the queue.
pub fn read(server: &Server, reasons: Reasons) -> Result<Listing, QueueError> {
    let queue_dir = server.queue_dir.as_deref();
    let ways: &[Way] = match (server.kind, queue_dir) {
        (Kind::LogOnly, _) => return Err(QueueError::NoQueue),
        (Kind::Postfix, None) => &[Way::Postqueue],
        (Kind::Postfix, Some(_)) => &[Way::Walk, Way::Showq, Way::Postqueue],
        (Kind::Engine, _) => &[Way::Walk, Way::Control, Way::Showq],
    };
    let mut tried = Vec::new();
    for &way in ways {
        match one_way(way, server, queue_dir.unwrap_or(Path::new("")), reasons) {
            Ok((mut entries, problems)) => {
                if way != Way::Walk {
                    entries.sort_by(|a, b| {
                        (a.arrival_time, &a.queue_id).cmp(&(b.arrival_time, &b.queue_id))
                    });
                }
                return Ok(Listing {
                    entries,
                    way,
                    why_not_better: (!tried.is_empty()).then(|| tried.join("; ")),
                    problems,
                });
            }
            Err(reason) => tried.push(format!("{}: {reason}", way.as_str())),
        }
    }
    Err(QueueError::Unreadable { tried })
}

type Found = (Vec<Entry>, Vec<String>);

fn one_way(way: Way, server: &Server, dir: &Path, reasons: Reasons) -> Result<Found, String> {
    match way {
        Way::Walk => {
            // A directory that is not there is no empty queue.
            std::fs::metadata(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
            let found = walk::walk(dir, reasons).map_err(|error| error.to_string())?;
            Ok((found.entries, found.problems))
        }
        Way::Control => {
            let mut client = Client::connect(dir).map_err(|error| error.to_string())?;
            let response = client
                .ask(&Request::List)
                .map_err(|error| error.to_string())?;
            Ok((response.list.unwrap_or_default(), Vec::new()))
        }
        Way::Showq => {
            let socket = dir.join("public/showq");
            let mut entries = Vec::new();
            showq::list(&socket, |entry| entries.push(entry))
                .map_err(|error| format!("{}: {error}", socket.display()))?;
            Ok((entries, Vec::new()))
        }
        Way::Postqueue => {
            let (entries, skipped) =
                postqueue::list(server.config_dir.as_deref()).map_err(|error| error.to_string())?;
            let problems = match skipped {
                0 => Vec::new(),
                n => vec![format!("{n} lines of postqueue -j were not understood")],
            };
            Ok((entries, problems))
        }
    }
}
