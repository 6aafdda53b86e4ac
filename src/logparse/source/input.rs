//! One log that is to be read once, before it is opened for that.

use super::error::SourceError;
use super::journal::{Journal, Period};
use super::open::{Source, opened};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A log to be read once: a path, a file that is open already (so that no rotation can take it away
/// before its turn comes), or a journal.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    Path,
    File(File),
    Journal(Journal, Period),
}

impl Input {
    /// A file that was opened when it was found; `path` is what it was called then.
    pub fn held(path: PathBuf, file: File) -> Self {
        Self {
            path,
            what: What::File(file),
        }
    }

    /// A period of a journal.
    pub fn journal(journal: Journal, period: Period) -> Self {
        Self {
            path: journal.name().to_owned(),
            what: What::Journal(journal, period),
        }
    }

    /// What the log is called: `-` is standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for reading, as [`super::open`] does.
    pub fn open(self) -> Result<Source, SourceError> {
        match self.what {
            What::File(file) => opened(&self.path, file),
            What::Path => super::open(&self.path),
            What::Journal(journal, period) => journal.open(period),
        }
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            what: What::Path,
        }
    }
}
