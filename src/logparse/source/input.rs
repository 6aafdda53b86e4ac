//! One log that is to be read once, before it is opened for that.

use super::error::SourceError;
use super::open::{Source, opened};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A log to be read once: a path, or a file that is open already, so that no rotation can take it away
/// before its turn comes.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    file: Option<File>,
}

impl Input {
    /// A file that was opened when it was found; `path` is what it was called then.
    pub fn held(path: PathBuf, file: File) -> Self {
        Self {
            path,
            file: Some(file),
        }
    }

    /// What the log is called: `-` is standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for reading, as [`super::open`] does.
    pub fn open(self) -> Result<Source, SourceError> {
        match self.file {
            Some(file) => opened(&self.path, file),
            None => super::open(&self.path),
        }
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}
