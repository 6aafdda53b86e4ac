//! Which logs a command reads: those named, those of `--log`, `--journal`, else the server's in view.

use super::Context;
use crate::attach::{self, Environment, Resolved};
use crate::logparse::rotated::{Found, logs_for};
use crate::logparse::source::journal::Period;
use crate::logparse::source::{Input, Journal, SourceError};
use std::path::PathBuf;

/// Logs that were chosen, before they are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Files that the user named: these and no others.
    Named(Vec<PathBuf>),
    /// The server's own: the rotated ones belong to them.
    Live(Vec<PathBuf>),
    /// A journal.
    Journal(Journal),
}

impl Chosen {
    /// FILE..., else `--log FILE...`, else `--journal`, else the log of the server in view. `None` when no
    /// server was found, or one without a log.
    pub fn of(context: &Context, files: Vec<PathBuf>) -> anyhow::Result<Option<Self>> {
        if let Some(named) = Self::named(context, files) {
            return Ok(Some(named));
        }
        Ok(
            match attach::resolve(&context.target, &Environment::of_this_process())? {
                Resolved::Server(server) if !server.logs.is_empty() => {
                    Some(Self::Live(server.logs))
                }
                Resolved::Server(server) => server.journal.map(Self::Journal),
                Resolved::StartEngine { .. } => None,
            },
        )
    }

    /// What the command line names.
    pub fn named(context: &Context, files: Vec<PathBuf>) -> Option<Self> {
        if !files.is_empty() {
            return Some(Self::Named(files));
        }
        if !context.target.log.is_empty() {
            return Some(Self::Named(context.target.log.clone()));
        }
        context.target.journal().map(Self::Journal)
    }

    /// The files that were chosen; a journal has none.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::Named(files) | Self::Live(files) => files,
            Self::Journal(_) => &[],
        }
    }

    /// The logs of a period, microseconds since the epoch; files that were named are all read.
    pub fn inputs(&self, since: Option<i64>, until: Option<i64>) -> Result<Found, SourceError> {
        match self {
            Self::Named(files) => Ok(Found {
                inputs: files.iter().cloned().map(Input::from).collect(),
                problems: Vec::new(),
            }),
            Self::Live(logs) => {
                let mut found = Found::default();
                for log in logs {
                    let more = logs_for(log, since, until)?;
                    found.inputs.extend(more.inputs);
                    found.problems.extend(more.problems);
                }
                Ok(found)
            }
            Self::Journal(journal) => Ok(Found {
                inputs: vec![Input::journal(journal.clone(), Period { since, until })],
                problems: Vec::new(),
            }),
        }
    }
}
