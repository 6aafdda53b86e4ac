//! Which files a report takes: the live log and the rotated ones that a period needs, oldest first, each once.
//!
//! In: the live log's path and the period. Out: open files ([`Input`]), so that a rotation after this takes
//! nothing away and counts nothing twice; and those that the period needs and that cannot be read. What a
//! file holds is known from its own lines: its first stamp, and the first stamp of the file behind it, or
//! the time it was last written. Names only say which files belong to the log ([`names`]).

mod names;

use super::source::{Head, Input, SourceError, head};
use super::{Parser, Reference};
use std::cmp::Reverse;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much of a file's beginning is looked at: its first stamp is there, and two files that agree in so much
/// hold the same log.
const GLANCE: usize = 64 * 1024;

/// How far lines may lie behind the first one of the next file, in microseconds: the hour that a
/// daylight-saving step repeats, and lines that a slow writer brings late.
const SLACK: i64 = 3_600 * 1_000_000;

/// How long before the period a file must have been written last to be left alone unopened, in
/// microseconds: a day, for clocks that were wrong.
const STALE: i64 = 86_400 * 1_000_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The logs to read, oldest first.
    pub inputs: Vec<Input>,
    /// Logs that the period needs and that cannot be opened.
    pub problems: Vec<SourceError>,
}

/// The logs that hold the period from `since` up to `until` (microseconds since the epoch), which are
/// those of the log at `live`. Without any bound it is the live log alone, as for every other reader of
/// logs. An error when there is nothing to read at all.
pub fn logs_for(live: &Path, since: Option<i64>, until: Option<i64>) -> Result<Found, SourceError> {
    if since.is_none() && until.is_none() {
        let file = File::open(live).map_err(|error| SourceError::new(live, &error))?;
        return Ok(Found {
            inputs: vec![Input::held(live.to_owned(), file)],
            problems: Vec::new(),
        });
    }
    let since = since.unwrap_or(i64::MIN);
    let until = until.unwrap_or(i64::MAX);
    let (logs, mut problems) = held(live, since);
    let mut logs = in_order(each_once(logs));
    if logs.is_empty() {
        return Err(if problems.is_empty() {
            SourceError::new(live, &std::io::ErrorKind::NotFound.into())
        } else {
            problems.swap_remove(0)
        });
    }
    // The live log is read even when nothing was logged in the period: it says so.
    let last = logs.pop();
    let mut next = last.as_ref().and_then(|log| log.first);
    let mut needed = Vec::new();
    for log in logs.into_iter().rev() {
        let first = log.first;
        if log.concerns(since, until, next) {
            needed.push(log);
        }
        next = first.or(next);
    }
    needed.reverse();
    needed.extend(last.filter(|log| needed.is_empty() || log.concerns(since, until, None)));
    let inputs = needed.into_iter().map(Log::input).collect();
    Ok(Found { inputs, problems })
}

/// One file of the log, open.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    /// Device and inode.
    identity: (u64, u64),
    size: u64,
    /// Last written, microseconds since the epoch.
    written: i64,
    head: Head,
    /// The first stamp, microseconds since the epoch.
    first: Option<i64>,
    is_live: bool,
}

impl Log {
    fn input(self) -> Input {
        Input::held(self.path, self.file)
    }

    /// Whether lines of the period may be in it; `next` is the first stamp of a file behind it.
    fn concerns(&self, since: i64, until: i64, next: Option<i64>) -> bool {
        let first = self.first.unwrap_or(i64::MIN);
        let last = match next {
            Some(next) if !self.is_live => next,
            // What is still written to ends when it ends.
            _ if self.is_live => i64::MAX,
            _ => self.written,
        };
        first < until && last.saturating_add(SLACK) >= since
    }

    /// Whether both hold the same log: a link, a copy, a compressed copy.
    fn is_twin_of(&self, other: &Self) -> bool {
        // An archive that was just begun shows nothing yet of the file that it is made from.
        let begun = |of: &Self, archive: &Self| {
            archive.head.bytes.is_empty()
                && names::uncompressed(&archive.path).as_ref() == Some(&of.path)
        };
        self.identity == other.identity
            || self.head.agrees(&other.head)
            || begun(self, other)
            || begun(other, self)
    }

    /// Which of two twins is read: the plain one, which is whole before its archive is and read faster;
    /// else the one that holds more; of archives, the one that was finished first.
    fn preference(&self) -> impl Ord {
        let plain = !self.head.is_compressed;
        let more = if plain { self.size } else { 0 };
        (plain, more, self.is_live, Reverse(self.written))
    }
}

/// Opens all files of the log that the period may need. A rotation meanwhile is a reason to look again: a
/// file whose name changed between the listing and the opening would be missed.
fn held(live: &Path, since: i64) -> (Vec<Log>, Vec<SourceError>) {
    // A rotation is a handful of renames: it cannot go on for long.
    const TRIES: usize = 20;
    let mut listed = names::of(live);
    for _ in 0..TRIES {
        let mut logs = Vec::new();
        let mut problems = Vec::new();
        for path in &listed.paths {
            match open(path, path.as_path() == live, since) {
                Ok(log) => logs.extend(log),
                Err(error) if error.kind == std::io::ErrorKind::NotFound => {}
                Err(error) => problems.push(error),
            }
        }
        let now = names::of(live);
        if now == listed {
            return (logs, problems);
        }
        listed = now;
    }
    let mut logs = Vec::new();
    for path in &listed.paths {
        logs.extend(open(path, path.as_path() == live, since).ok().flatten());
    }
    (logs, Vec::new())
}

/// Opens one; `None` when it is no file, or was written too long ago to matter.
fn open(path: &Path, is_live: bool, since: i64) -> Result<Option<Log>, SourceError> {
    let fail = |error: std::io::Error| SourceError::new(path, &error);
    // Before the open, which may be denied: an old file that nobody needs is no problem.
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() || (!is_live && last_written(&metadata).saturating_add(STALE) < since) {
        return Ok(None);
    }
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let head = head(path, &file, GLANCE)?;
    let reference = head.written.map_or_else(Reference::now, |time| {
        Reference::at(micros(time) / 1_000_000)
    });
    let first = first_stamp(&head.bytes, reference);
    Ok(Some(Log {
        path: path.to_owned(),
        identity: (metadata.dev(), metadata.ino()),
        size: metadata.len(),
        written: last_written(&metadata),
        head,
        first,
        is_live,
        file,
    }))
}

fn first_stamp(start: &[u8], reference: Reference) -> Option<i64> {
    let mut parser = Parser::new(reference);
    start
        .split(|byte| *byte == b'\n')
        .find_map(|line| parser.header(line).map(|header| header.time.micros))
}

fn last_written(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(i64::MAX, micros)
}

fn micros(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|age| i64::try_from(age.as_micros()).ok())
        .unwrap_or(0)
}

/// Leaves one of every set of files that hold the same log.
fn each_once(mut logs: Vec<Log>) -> Vec<Log> {
    logs.sort_by(|a, b| b.preference().cmp(&a.preference()));
    let mut once: Vec<Log> = Vec::new();
    for log in logs {
        match once.iter_mut().find(|kept| kept.is_twin_of(&log)) {
            // The live log's name stays with whichever of its twins is read.
            Some(kept) => kept.is_live |= log.is_live,
            None => once.push(log),
        }
    }
    once
}

/// Oldest first, by what the lines say; by the time of writing where they say nothing.
fn in_order(mut logs: Vec<Log>) -> Vec<Log> {
    logs.sort_by_key(|log| (log.first.unwrap_or(log.written), log.written, log.is_live));
    logs
}

#[cfg(test)]
mod tests;
