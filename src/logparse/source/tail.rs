//! One followed log: what to read next, through rotation, copytruncate and truncation.
//!
//! It is driven: [`Tail::scan`] does all that can be done now and returns. It starts no thread and waits
//! for nothing; [`super::follow`] does. The order of lines holds because a scan first asks how long
//! the current file is, then reads the files before it to their ends, and only then the current one up to
//! that length: whatever its writer wrote to an older file before it went over to this one comes first.

use super::MAX_LINE;
use super::error::SourceError;
use super::position::{Fingerprint, HEAD, Identity, Position, read_head};
use super::siblings::{self, Known, Sibling, heads_agree};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The size of one read(2), and so about the largest batch.
const BLOCK: usize = 256 * 1024;

/// How long a rotated file must have been silent, after its successor got its first line, before it is
/// closed: a writer that has not yet reopened its log still writes to it.
const GRACE: Duration = Duration::from_secs(30);

/// Whole lines of one log, each with its line end except the last line of a file that ended without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which of the followed logs, in the order they were given.
    pub source: usize,
    /// Its path.
    pub path: Arc<Path>,
    /// The lines.
    pub lines: Vec<u8>,
    /// The place behind these lines: store it once they have been dealt with.
    pub position: Position,
}

/// Where batches go; it answers whether it wants more.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Batch) -> super::Flow;

/// The state of one followed log.
#[derive(Debug)]
pub(super) struct Tail {
    source: usize,
    path: Arc<Path>,
    /// Rotated files that are not done with, the oldest first.
    retired: VecDeque<Reading>,
    /// The file at the path.
    current: Option<Reading>,
    /// Rotated files that need no reading any more.
    known: Vec<Known>,
}

/// Where to begin when no position is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    Front,
    End,
}

impl Tail {
    /// Opens the log, which may be missing, and finds the place to go on from.
    pub(super) fn open(
        source: usize,
        path: PathBuf,
        begin: Begin,
        stored: Option<&Position>,
    ) -> Result<Self, SourceError> {
        let mut tail = Self {
            source,
            path: path.into(),
            retired: VecDeque::new(),
            current: None,
            known: Vec::new(),
        };
        let siblings = siblings::list(&tail.path);
        tail.current = tail.open_path()?;
        let resumed = stored.is_some_and(|position| {
            tail.current
                .as_mut()
                .is_some_and(|current| current.resume(position))
        });
        match (stored, begin) {
            (Some(position), _) if !resumed => tail.resume_in(siblings, position),
            (None, Begin::End) => {
                tail.known = known(&siblings);
                if let Some(current) = &mut tail.current {
                    let failed = |e: io::Error| SourceError::new(&tail.path, &e);
                    current.skip_to_end().map_err(failed)?;
                }
            }
            _ => tail.known = known(&siblings),
        }
        Ok(tail)
    }

    /// The log's path.
    pub(super) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Reads all there is to read now. `Break` when the sink wants no more.
    pub(super) fn scan(&mut self, sink: Sink<'_>) -> Result<super::Flow, SourceError> {
        let path = Arc::clone(&self.path);
        let failed = |error: io::Error| SourceError::new(&path, &error);
        if self.current.is_none() {
            self.current = self.open_path()?;
            if self.current.is_some() {
                // It appeared, and may have been rotated since.
                self.queue_missed().map_err(failed)?;
            }
        }
        loop {
            let limit = match &self.current {
                Some(current) => current.file.metadata().map_err(failed)?.len(),
                None => 0,
            };
            if limit > 0 && self.current.as_ref().is_some_and(Reading::is_untouched) {
                // An empty file shows no trace of what was written to it, copied away and cut off since the
                // last look: only the copies do, and what is in them comes first.
                self.queue_missed().map_err(failed)?;
                if self.current.as_ref().is_some_and(Reading::is_untouched) {
                    continue;
                }
            }
            if self.drain_retired(limit > 0, sink).map_err(failed)? == super::Flow::Stop {
                return Ok(super::Flow::Stop);
            }
            let (source, path) = (self.source, &self.path);
            let Some(current) = &mut self.current else {
                return Ok(super::Flow::Continue);
            };
            match current.read_to(limit, source, path, sink).map_err(failed)? {
                Read::Stopped => return Ok(super::Flow::Stop),
                Read::Rewritten => {
                    self.restart_current().map_err(failed)?;
                    continue;
                }
                Read::AtEnd => {}
            }
            if !self.replaced()? {
                return Ok(super::Flow::Continue);
            }
        }
    }

    fn open_path(&self) -> Result<Option<Reading>, SourceError> {
        let opened = File::open(&self.path).and_then(|file| {
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(Reading::new(file, Identity::of(&metadata)))
        });
        match opened {
            Ok(reading) => Ok(Some(reading)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SourceError::new(&self.path, &error)),
        }
    }

    /// Finds the stored position's file among the rotated ones and queues it and all that came after it.
    fn resume_in(&mut self, siblings: Vec<Sibling>, position: &Position) {
        let found = siblings
            .iter()
            .rposition(|s| s.identity.inode == position.inode && is_at(s, position))
            .or_else(|| siblings.iter().rposition(|s| is_at(s, position)));
        self.known = known(&siblings);
        let Some(found) = found else {
            return;
        };
        let threshold = siblings
            .iter()
            .map(|s| s.newer_than(&siblings[found]))
            .collect::<Vec<_>>();
        for (i, (sibling, newer)) in siblings.into_iter().zip(threshold).enumerate() {
            if i == found {
                self.retired
                    .push_back(Reading::rotated(sibling, position.offset, Vec::new()));
            } else if newer {
                self.retired
                    .push_back(Reading::rotated(sibling, 0, Vec::new()));
            }
        }
    }

    /// Reads every retired file to its end, in order, and closes those that are done with.
    fn drain_retired(&mut self, has_successor: bool, sink: Sink<'_>) -> io::Result<super::Flow> {
        let count = self.retired.len();
        for (i, reading) in self.retired.iter_mut().enumerate() {
            // A retired file's end is wherever it ends now.
            if reading.read_to(u64::MAX, self.source, &self.path, sink)? == Read::Stopped {
                return Ok(super::Flow::Stop);
            }
            if (has_successor || i + 1 < count)
                && reading.flush(self.source, &self.path, sink) == super::Flow::Stop
            {
                return Ok(super::Flow::Stop);
            }
        }
        if has_successor {
            self.retired
                .retain(|reading| reading.last_data.elapsed() < GRACE);
        }
        Ok(super::Flow::Continue)
    }

    /// Whether another file lies at the path now; if so, the current one is retired and the new one opened.
    fn replaced(&mut self) -> Result<bool, SourceError> {
        let Some(current) = &self.current else {
            return Ok(false);
        };
        let there = match std::fs::metadata(&*self.path) {
            Ok(metadata) => Identity::of(&metadata),
            // Renamed away and not yet made anew: go on with the old one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(SourceError::new(&self.path, &error)),
        };
        if there == current.identity {
            return Ok(false);
        }
        let Some(new) = self.open_path()? else {
            return Ok(false);
        };
        if let Some(mut old) = self.current.replace(new) {
            old.last_data = Instant::now();
            self.known.push(old.known());
            self.retired.push_back(old);
        }
        self.queue_missed()
            .map_err(|error| SourceError::new(&self.path, &error))?;
        Ok(true)
    }

    /// The current file was truncated or rewritten: what was not read may lie in the copy that
    /// copytruncate made; then it begins again from its front.
    fn restart_current(&mut self) -> io::Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let old = current.restart();
        let copy = self
            .settled_siblings()?
            .into_iter()
            .rev()
            .find(|s| !old.head.is_empty() && heads_agree(&s.head, &old.head));
        match copy {
            Some(copy) if copy.size >= old.offset => {
                self.known.push(copy.known());
                self.retired
                    .push_back(Reading::rotated(copy, old.offset, old.partial));
            }
            // We had read beyond the copy, or there is none: a partial line will not be completed.
            other => {
                self.known.extend(other.map(|copy| copy.known()));
                if let Some(current) = &mut self.current {
                    current.orphan = old.partial;
                }
            }
        }
        self.queue_missed()
    }

    /// Queues rotated files that were never seen as current: generations that came and went between
    /// two scans. To be called when the current file has just been opened or restarted.
    fn queue_missed(&mut self) -> io::Result<()> {
        let siblings = self.settled_siblings()?;
        let current = self.current.as_ref();
        for sibling in siblings {
            // An empty one has nothing to give, or is a copy that has just begun. One that begins as the
            // current file does is copytruncate's copy of it, before the truncation: should that come,
            // the current file's head will tell, and the copy is found then.
            let seen = sibling.head.is_empty()
                || self.known.iter().any(|known| known.is(&sibling))
                || current.is_some_and(|c| {
                    c.identity == sibling.identity
                        || (!c.head.is_empty() && heads_agree(&c.head, &sibling.head))
                });
            if !seen {
                self.known.push(sibling.known());
                self.retired
                    .push_back(Reading::rotated(sibling, 0, Vec::new()));
            }
        }
        self.forget();
        Ok(())
    }

    /// The rotated files, listed while neither they nor the current file's beginning changed.
    fn settled_siblings(&mut self) -> io::Result<Vec<Sibling>> {
        // A rotation is a handful of renames: it cannot go on for long.
        const TRIES: usize = 50;
        let mut siblings = Vec::new();
        for _ in 0..TRIES {
            let before = siblings::names(&self.path);
            if let Some(current) = &mut self.current {
                current.head = read_head(&current.file, u64::MAX)?;
            }
            siblings = siblings::list(&self.path);
            let same_head = match &self.current {
                Some(current) => {
                    let head = read_head(&current.file, u64::MAX)?;
                    head.is_empty() == current.head.is_empty() && head.starts_with(&current.head)
                }
                None => true,
            };
            if same_head && siblings::names(&self.path) == before {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(siblings)
    }

    /// Forgets files that are gone, so that the list stays as short as the directory.
    fn forget(&mut self) {
        if self.known.len() > 64 {
            let there = siblings::list(&self.path);
            self.known
                .retain(|known| there.iter().any(|sibling| known.is(sibling)));
        }
    }
}

fn known(siblings: &[Sibling]) -> Vec<Known> {
    siblings.iter().map(Sibling::known).collect()
}

fn is_at(sibling: &Sibling, position: &Position) -> bool {
    position.fingerprint.length > 0
        && position.fingerprint.matches(&sibling.head)
        && sibling.size >= position.offset
}

/// How a read ended.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// All there is has been handed over.
    AtEnd,
    /// The file no longer begins as it did, or is shorter than what was read of it.
    Rewritten,
    /// The sink wants no more.
    Stopped,
}

/// One open file and how far it was read.
#[derive(Debug)]
struct Reading {
    file: File,
    identity: Identity,
    /// Bytes read, including the partial line.
    offset: u64,
    /// The first bytes, as they were when they were read.
    head: Vec<u8>,
    /// The line that has no end yet.
    partial: Vec<u8>,
    /// A partial line of the content before a truncation, to be handed over as it is.
    orphan: Vec<u8>,
    /// Inside a line that was cut at [`MAX_LINE`].
    skipping: bool,
    /// When there was last something to read.
    last_data: Instant,
}

/// What a rewritten file was.
struct Before {
    offset: u64,
    head: Vec<u8>,
    partial: Vec<u8>,
}

impl Reading {
    fn new(file: File, identity: Identity) -> Self {
        Self {
            file,
            identity,
            offset: 0,
            head: Vec::new(),
            partial: Vec::new(),
            orphan: Vec::new(),
            skipping: false,
            last_data: Instant::now(),
        }
    }

    fn rotated(sibling: Sibling, offset: u64, partial: Vec<u8>) -> Self {
        let mut head = sibling.head;
        head.truncate(usize::try_from(offset).unwrap_or(HEAD));
        Self {
            offset,
            head,
            partial,
            ..Self::new(sibling.file, sibling.identity)
        }
    }

    fn known(&self) -> Known {
        Known {
            identity: self.identity,
            head: self.head.clone(),
        }
    }

    /// Whether nothing is known of its content yet.
    fn is_untouched(&self) -> bool {
        self.offset == 0 && self.head.is_empty()
    }

    /// Goes on at a stored position if this is its file.
    fn resume(&mut self, position: &Position) -> bool {
        let Ok(head) = read_head(&self.file, position.offset) else {
            return false;
        };
        let size = self.file.metadata().map_or(0, |m| m.len());
        let same = self.identity.inode == position.inode
            && position.fingerprint.matches(&head)
            && size >= position.offset;
        if same {
            self.offset = position.offset;
            self.head = head;
        }
        same
    }

    /// Goes to the end; a last line without its end is left to be read whole.
    fn skip_to_end(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let mut end = size;
        let mut block = [0; 4096];
        while end > 0 {
            let start = end.saturating_sub(block.len() as u64);
            let length = usize::try_from(end - start).unwrap_or(block.len());
            let got = self.file.read_at(&mut block[..length], start)?;
            if let Some(at) = memchr::memrchr(b'\n', &block[..got]) {
                end = start + at as u64 + 1;
                break;
            }
            end = start;
        }
        self.offset = end;
        self.head = read_head(&self.file, end)?;
        Ok(())
    }

    fn restart(&mut self) -> Before {
        self.skipping = false;
        Before {
            offset: std::mem::take(&mut self.offset),
            head: std::mem::take(&mut self.head),
            partial: std::mem::take(&mut self.partial),
        }
    }

    fn read_to(
        &mut self,
        limit: u64,
        source: usize,
        path: &Arc<Path>,
        sink: Sink<'_>,
    ) -> io::Result<Read> {
        let mut block = Vec::new();
        loop {
            let wanted = usize::try_from(limit.saturating_sub(self.offset)).unwrap_or(BLOCK);
            block.resize(wanted.min(BLOCK), 0);
            let got = match self.file.read_at(&mut block, self.offset) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            // Asked after the read: had the file been rewritten before it, this would show.
            if self.was_rewritten()? {
                return Ok(Read::Rewritten);
            }
            if got == 0 {
                return Ok(Read::AtEnd);
            }
            self.last_data = Instant::now();
            if self.accept(&block[..got], source, path, sink) == super::Flow::Stop {
                return Ok(Read::Stopped);
            }
        }
    }

    fn was_rewritten(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.offset {
            return Ok(true);
        }
        Ok(read_head(&self.file, self.head.len() as u64)? != self.head)
    }

    /// Takes bytes that follow those already read; hands over the whole lines among them.
    fn accept(
        &mut self,
        bytes: &[u8],
        source: usize,
        path: &Arc<Path>,
        sink: Sink<'_>,
    ) -> super::Flow {
        // The head may know more than was read: it is read ahead when the file is opened.
        let known = (self.head.len() as u64).checked_sub(self.offset);
        if let Some(known) = known.and_then(|n| usize::try_from(n).ok())
            && known < bytes.len()
            && self.head.len() < HEAD
        {
            let end = bytes.len().min(known + HEAD - self.head.len());
            self.head.extend_from_slice(&bytes[known..end]);
        }
        self.offset += bytes.len() as u64;
        let mut lines = std::mem::take(&mut self.orphan);
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let (mut whole, rest) = bytes.split_at(whole);
        if self.skipping && !whole.is_empty() {
            let skipped = memchr::memchr(b'\n', whole).map_or(0, |at| at + 1);
            whole = &whole[skipped..];
            self.skipping = false;
        }
        if !whole.is_empty() {
            lines.append(&mut self.partial);
            lines.extend_from_slice(whole);
        }
        if !self.skipping {
            self.partial.extend_from_slice(rest);
            if self.partial.len() > MAX_LINE {
                self.partial.truncate(MAX_LINE);
                lines.append(&mut self.partial);
                lines.push(b'\n');
                self.skipping = true;
            }
        }
        self.hand_over(lines, source, path, sink)
    }

    /// Hands over a partial line that will not be completed.
    fn flush(&mut self, source: usize, path: &Arc<Path>, sink: Sink<'_>) -> super::Flow {
        let lines = std::mem::take(&mut self.partial);
        self.hand_over(lines, source, path, sink)
    }

    fn hand_over(
        &self,
        lines: Vec<u8>,
        source: usize,
        path: &Arc<Path>,
        sink: Sink<'_>,
    ) -> super::Flow {
        if lines.is_empty() {
            return super::Flow::Continue;
        }
        let offset = self.offset - self.partial.len() as u64;
        // Only what was handed over: a partial line may yet be cut off and written anew.
        let head = usize::try_from(offset).map_or(self.head.len(), |o| o.min(self.head.len()));
        sink(Batch {
            source,
            path: Arc::clone(path),
            lines,
            position: Position {
                device: self.identity.device,
                inode: self.identity.inode,
                offset,
                fingerprint: Fingerprint::of(&self.head[..head]),
                cursor: None,
            },
        })
    }
}

#[cfg(test)]
mod tests;
