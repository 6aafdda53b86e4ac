//! The beginning of a log, plain or compressed, without moving its file's offset.

use super::compressed::{Format, MAGIC, Members};
use super::error::SourceError;
use super::open::{format, last_write, read_start};
use super::peek::Peek;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

/// How a log begins.
#[derive(Debug, Clone)]
pub struct Head {
    /// The first bytes, decompressed; fewer than asked for where the log is shorter or its archive cut off.
    pub bytes: Vec<u8>,
    /// Whether they come out of an archive.
    pub is_compressed: bool,
    /// When the log was last written, as [`super::Source::modified`] has it.
    pub written: Option<SystemTime>,
}

impl Head {
    /// Whether both may be the beginning of one log: the one goes on as the other begins, and the shorter
    /// one has a whole line, which has a time in it that is not written twice.
    pub fn agrees(&self, other: &Self) -> bool {
        let length = self.bytes.len().min(other.bytes.len());
        let shared = &self.bytes[..length];
        shared == &other.bytes[..length] && memchr::memchr(b'\n', shared).is_some()
    }
}

/// The first bytes of an open log, at most `length`.
pub fn head(path: &Path, file: &File, length: usize) -> Result<Head, SourceError> {
    let fail = |error: io::Error| SourceError::new(path, &error);
    let mut start = [0; MAGIC];
    let got = read_start(file, &mut start).map_err(fail)?;
    let format: Option<Format> = format(path, &start[..got])?;
    let metadata = file.metadata().map_err(fail)?;
    let mut bytes = Vec::new();
    let input = At { file, at: 0 };
    if format.is_some() {
        // What is cut off or damaged gives less: whoever reads all of it will tell.
        let _ = Members::new(Peek::new(input))
            .take(length as u64)
            .read_to_end(&mut bytes);
    } else {
        input
            .take(length as u64)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
    }
    Ok(Head {
        bytes,
        is_compressed: format.is_some(),
        written: last_write(format, &metadata, &start),
    })
}

/// A file read by position.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}
