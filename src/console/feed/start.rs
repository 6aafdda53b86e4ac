//! The beginning: which part of each log is read when.
//!
//! An admin wants the last hour, at once. So a followed log is cut where the last hour begins: what is younger
//! goes to the task in order, and what was written since with it; what is older is read at the same time by a
//! thread of its own into a model of its own, which is put before the other when it is done.

use super::LogLine;
use super::line::keep;
use super::model::Model;
use super::task::Work;
use crate::console::log::{MAX_BYTES, MAX_LINES};
use crate::logparse::source::{self, Content, Lines, Position, Positions};
use crate::logparse::{Line, Parser, Reference, seek};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::sync::mpsc;

/// What is shown first, in seconds: the overview's hour, and what its rings keep besides.
const RECENT: i64 = 2 * 3_600;

/// How one log is read.
pub(super) enum Entry {
    /// A file that grows.
    Followed(Followed),
    /// A compressed file: all of it lies before.
    Compressed,
    /// Standard input or another pipe: read as it comes.
    Pipe,
    /// Not there yet, or not readable: the follower says so and waits for it.
    Missing,
}

/// A file that grows, as it was at the start.
pub(super) struct Followed {
    file: File,
    /// Its size.
    pub size: u64,
    /// Where the recent part begins.
    pub recent: u64,
    reference: Reference,
}

impl Entry {
    /// Looks at a log.
    pub fn of(path: &Path) -> Self {
        let Ok(opened) = source::open(path) else {
            return Self::Missing;
        };
        let is_file = std::fs::metadata(path).is_ok_and(|m| m.is_file());
        match opened.content {
            // A file at standard input has no name to follow it by.
            Content::File(..) if path.as_os_str() == "-" => Self::Pipe,
            Content::File(file, size) => Self::Followed(Followed {
                file,
                size,
                recent: 0,
                reference: reference(opened.modified),
            }),
            Content::Stream(_) if is_file => Self::Compressed,
            Content::Stream(_) => Self::Pipe,
        }
    }

    /// The size of a followed log.
    pub fn size(&self) -> u64 {
        match self {
            Self::Followed(log) => log.size,
            _ => 0,
        }
    }

    /// What is known about the time of its lines.
    pub fn reference(&self) -> Reference {
        match self {
            Self::Followed(log) => log.reference,
            _ => Reference::now(),
        }
    }

    /// Where the recent part of a followed log begins.
    pub fn recent(&self) -> u64 {
        match self {
            Self::Followed(log) => log.recent,
            _ => 0,
        }
    }
}

/// Cuts the followed logs where the recent time begins that ends with the youngest of their lines. What cannot
/// be read is not cut: the follower will say why.
pub(super) fn cut(entries: &mut [Entry]) {
    let logs = || entries.iter().filter_map(Entry::followed);
    let last = logs()
        .filter_map(|log| seek::last_time(&log.file, log.size, log.reference).ok()?)
        .max();
    let Some(last) = last else { return };
    for entry in entries {
        if let Entry::Followed(log) = entry {
            let found = seek::offset_of(&log.file, log.size, last - RECENT, log.reference);
            log.recent = found.unwrap_or(0);
        }
    }
}

impl Entry {
    fn followed(&self) -> Option<&Followed> {
        match self {
            Self::Followed(log) => Some(log),
            _ => None,
        }
    }
}

/// Where the follower begins in each log.
pub(super) fn positions(paths: &[PathBuf], entries: &[Entry]) -> Positions {
    let place = |(path, entry): (&PathBuf, &Entry)| {
        let log = entry.followed()?;
        let position = Position::of(&log.file, log.recent).ok()?;
        Some((path.clone(), position))
    };
    Positions(paths.iter().zip(entries).filter_map(place).collect())
}

/// What lies before, and how far reading it has come.
pub(super) struct Older {
    parts: Vec<Part>,
    /// Bytes of files that are still to be read.
    pub remaining: Arc<AtomicU64>,
}

/// A stretch of a log.
struct Part {
    path: PathBuf,
    /// The first so many bytes of the open file, or all that the path decompresses to.
    plain: Option<(File, u64)>,
    reference: Reference,
}

impl Older {
    /// What the entries have before their recent parts, the oldest log first.
    pub fn of(paths: &[PathBuf], entries: &[Entry]) -> Self {
        let mut parts = Vec::new();
        for (path, entry) in paths.iter().zip(entries) {
            let (plain, reference) = match entry {
                Entry::Followed(log) if log.recent > 0 => match log.file.try_clone() {
                    Ok(file) => (Some((file, log.recent)), log.reference),
                    Err(_) => continue,
                },
                Entry::Compressed => (None, Reference::now()),
                _ => continue,
            };
            parts.push(Part {
                path: path.clone(),
                plain,
                reference,
            });
        }
        let bytes = entries.iter().map(Entry::recent).sum();
        Self {
            parts,
            remaining: Arc::new(AtomicU64::new(bytes)),
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Reads it all into a model, and tells; gives up when nobody listens any more.
    pub fn read(self, works: &mpsc::Sender<Work>) {
        let mut model = Model::default();
        let mut tail = Tail::default();
        for part in self.parts {
            let result = read_part(part, &mut model, &mut tail, &self.remaining, works);
            match result {
                Ok(Reading::Done) => {}
                Ok(Reading::NobodyListens) => return,
                Err(problem) => {
                    if works.blocking_send(Work::Problem(problem)).is_err() {
                        return;
                    }
                }
            }
        }
        self.remaining.store(0, Ordering::Relaxed);
        // Nobody listens when it fails: then nobody misses it.
        let _ = works.blocking_send(Work::Older(Box::new(model), tail.lines.into()));
    }
}

enum Reading {
    Done,
    NobodyListens,
}

fn read_part(
    part: Part,
    model: &mut Model,
    tail: &mut Tail,
    remaining: &AtomicU64,
    works: &mpsc::Sender<Work>,
) -> Result<Reading, String> {
    // The screen has the last lines of plain files already.
    let keeps_tail = part.plain.is_none();
    let mut damage = None;
    let (input, reference): (Box<dyn Read + Send>, _) = if let Some((file, size)) = part.plain {
        (Box::new(FromStart { file, at: 0, size }), part.reference)
    } else {
        let opened = source::open(&part.path).map_err(|error| error.to_string())?;
        let reference = reference(opened.modified);
        damage = Some(opened.damage);
        (opened.content.reader(), reference)
    };
    let mut lines = Lines::new(input);
    let mut parser = Parser::new(reference);
    let mut since = 0;
    loop {
        let raw = match lines.next_raw() {
            Ok(Some(raw)) => raw,
            Ok(None) => break,
            Err(error) => return Err(format!("{}: {error}", part.path.display())),
        };
        since += raw.line.len() as u64 + 1;
        let text = raw.line;
        let line = parser.read(raw);
        model.line(&line);
        if keeps_tail {
            tail.push(text, &line);
        }
        if since >= PROGRESS {
            if works.is_closed() {
                return Ok(Reading::NobodyListens);
            }
            let _ = remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(since))
            });
            since = 0;
        }
    }
    // An entry of several lines may end with its file; its pieces were shown as what they are.
    let line = parser.finish();
    model.line(&line);
    if keeps_tail && matches!(line, Line::Postfix(_)) {
        tail.push(&[], &line);
    }
    if let Some(error) = damage.and_then(|damage| damage.take()) {
        // What could be read counts all the same. Nobody listens any more: nobody is told.
        let _ = works.blocking_send(Work::Problem(error.to_string()));
    }
    Ok(Reading::Done)
}

/// Bytes between two looks at whether anybody still wants it.
const PROGRESS: u64 = 1 << 20;

/// A file's first bytes, by position: the follower's offset in the same file is its own.
struct FromStart {
    file: File,
    at: u64,
    size: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::os::unix::fs::FileExt as _;
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let got = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// The last lines of what was read, as many as the log screen keeps.
#[derive(Default)]
struct Tail {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, raw: &[u8], line: &Line<'_>) {
        if matches!(line, Line::Empty) {
            return;
        }
        let line = keep(raw, line);
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(gone) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= gone.text.len();
        }
    }
}

/// The year of a log's stamps: by its age.
pub(super) fn reference(modified: Option<SystemTime>) -> Reference {
    let now = Reference::now();
    modified
        .and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok())
        .and_then(|t| i64::try_from(t.as_secs()).ok())
        .map_or(now, |time| Reference { time, ..now })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = "__REALTIME_TIMESTAMP=1795337400000000\n_HOSTNAME=mx\n\
        SYSLOG_IDENTIFIER=postfix/qmgr\nSYSLOG_PID=7\nMESSAGE=4jXMkR1TwwznJht: removed\n";

    #[test]
    fn an_entry_that_ends_with_its_file_is_the_last_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("export");
        std::fs::write(&path, format!("{EXPORT}\n{EXPORT}")).unwrap();
        let part = Part {
            path,
            plain: None,
            reference: Reference::now(),
        };
        let (mut model, mut tail) = (Model::default(), Tail::default());
        let (works, _inbox) = mpsc::channel(1);
        let read = read_part(part, &mut model, &mut tail, &AtomicU64::new(0), &works);
        assert!(matches!(read, Ok(Reading::Done)));
        let decoded = tail.lines.iter().filter(|line| line.second.is_some());
        assert_eq!(decoded.count(), 2);
    }
}
