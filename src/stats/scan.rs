//! Whole logs into one summary, over all processors.
//!
//! A plain file is cut at line ends into one part a processor, and a processor that is done takes half of
//! what another has left; each part has its own parser and its own summary, and these are merged in the
//! order of the parts. A pipe or a compressed file is decompressed in one thread and parsed in another.

use super::summary::{Scope, Sections, Summary};
use crate::logparse::source::{self, Content, Input, Lines, Part, SourceError};
use crate::logparse::{Line, Parser, Record, Reference};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Below this many bytes a part is not worth a thread and a merge.
const SMALLEST_PART: u64 = 4 * 1024 * 1024;

/// Below this many bytes it is not worth a merge to take half of another thread's part.
const SMALLEST_HALF: u64 = 16 * 1024 * 1024;

/// Which lines count.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this instance (`syslog_name`).
    pub instance: Option<Vec<u8>>,
    /// Not before this point in time, microseconds since the epoch.
    pub since: Option<i64>,
    /// Only before this point in time, microseconds since the epoch.
    pub until: Option<i64>,
    /// What is filled besides the totals, causes and lists that every report has.
    pub sections: Sections,
}

/// What was read, and what could not be.
#[derive(Debug)]
pub struct Scanned {
    /// The settled summary of everything that could be read.
    pub summary: Summary,
    /// The logs that could not be read, or not to their ends: the summary lacks what they hold.
    pub problems: Vec<SourceError>,
}

/// Reads the logs, oldest first. An error when not one of them could be opened.
pub fn files(inputs: Vec<Input>, filter: &Filter) -> Result<Scanned, SourceError> {
    let mut whole: Option<Summary> = None;
    let mut problems = Vec::new();
    for input in inputs {
        let path = input.path().to_owned();
        let opened = match input.open() {
            Ok(opened) => opened,
            Err(error) => {
                problems.push(error);
                continue;
            }
        };
        let reference = reference(opened.modified);
        let fail = |error: io::Error| SourceError::new(&path, &error);
        let first = if whole.is_none() {
            Summary::new
        } else {
            Summary::continuing
        };
        for part in parts(opened.content, first, reference, filter).map_err(fail)? {
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => whole.merge(part),
            }
        }
        problems.extend(opened.damage.take());
    }
    if whole.is_none() && !problems.is_empty() {
        return Err(problems.swap_remove(0));
    }
    let mut summary = whole.unwrap_or_default();
    summary.settle();
    Ok(Scanned { summary, problems })
}

/// Reads one stream into a settled summary.
pub fn stream(input: impl Read, reference: Reference, filter: &Filter) -> io::Result<Summary> {
    let mut summary = Summary::new().wanting(filter.sections);
    read_lines(&mut summary, input, &mut Parser::new(reference), filter)?;
    summary.settle();
    Ok(summary)
}

fn reference(modified: Option<SystemTime>) -> Reference {
    modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .map_or_else(Reference::now, Reference::at)
}

/// The summaries of a log's parts, in order; `first` makes the first one's.
fn parts(
    content: Content,
    first: fn() -> Summary,
    reference: Reference,
    filter: &Filter,
) -> io::Result<Vec<Summary>> {
    match content {
        Content::File(file, size) => {
            let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
            let count = threads.min(size / SMALLEST_PART).max(1);
            let shared = Shared::new(source::parts(&file, size, count)?);
            let read = |at: u64, part: &Mutex<Part<'_>>| {
                let summary = if at == 0 {
                    first()
                } else {
                    Summary::continuing()
                };
                let summary = summary.wanting(filter.sections);
                read_part(summary, part, reference, filter)
            };
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..count)
                    .map(|_| scope.spawn(|| shared.work(read)))
                    .collect();
                let mut done = Vec::new();
                for worker in workers {
                    done.extend(join(worker)?);
                }
                done.sort_by_key(|(at, _)| *at);
                Ok(done.into_iter().map(|(_, summary)| summary).collect())
            })
        }
        Content::Stream(stream) => {
            let first = first().wanting(filter.sections);
            piped(first, stream, reference, filter).map(|summary| vec![summary])
        }
    }
}

/// The result of a worker; its panic goes on in the caller.
fn join<T>(worker: std::thread::ScopedJoinHandle<'_, T>) -> T {
    worker
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The parts of a plain file while threads read them. A thread that is done takes half of what the
/// slowest one has left: all end together, however busy the machine is with other things.
struct Shared<'f> {
    parts: Mutex<Parts<'f>>,
}

struct Parts<'f> {
    /// Parts that nobody reads yet.
    waiting: Vec<Part<'f>>,
    /// Parts being read. Their readers hold the lock for one read(2) at a time, and never the outer one
    /// meanwhile.
    reading: Vec<Arc<Mutex<Part<'f>>>>,
}

impl<'f> Shared<'f> {
    fn new(mut parts: Vec<Part<'f>>) -> Self {
        parts.reverse();
        Self {
            parts: Mutex::new(Parts {
                waiting: parts,
                reading: Vec::new(),
            }),
        }
    }

    /// Reads parts until there are none left; each result with the place where its part began.
    fn work<T>(
        &self,
        read: impl Fn(u64, &Mutex<Part<'f>>) -> io::Result<T>,
    ) -> io::Result<Vec<(u64, T)>> {
        let mut done = Vec::new();
        while let Some(part) = self.next()? {
            let at = locked(&part).at();
            done.push((at, read(at, &part)?));
        }
        Ok(done)
    }

    fn next(&self) -> io::Result<Option<Arc<Mutex<Part<'f>>>>> {
        let mut parts = locked(&self.parts);
        let next = match parts.waiting.pop() {
            Some(part) => Some(part),
            None => half_of_the_largest(&parts.reading)?,
        };
        Ok(next.map(|part| {
            let part = Arc::new(Mutex::new(part));
            parts.reading.push(Arc::clone(&part));
            part
        }))
    }
}

fn half_of_the_largest<'f>(reading: &[Arc<Mutex<Part<'f>>>]) -> io::Result<Option<Part<'f>>> {
    let largest = reading.iter().max_by_key(|part| locked(part).left());
    let Some(mut part) = largest.map(|part| locked(part)) else {
        return Ok(None);
    };
    if part.left() < 2 * SMALLEST_HALF {
        return Ok(None);
    }
    part.give_half()
}

/// A lock whose other holder panicked still guards a position in a file that is right.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_part(
    mut summary: Summary,
    part: &Mutex<Part<'_>>,
    reference: Reference,
    filter: &Filter,
) -> io::Result<Summary> {
    struct Reader<'p, 'f>(&'p Mutex<Part<'f>>);
    impl Read for Reader<'_, '_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            locked(self.0).read(buffer)
        }
    }
    let mut parser = Parser::new(reference);
    parser.remember(&locked(part).before()?);
    read_lines(&mut summary, Reader(part), &mut parser, filter)?;
    Ok(summary)
}

/// Decompression and parsing in two threads.
fn piped(
    mut summary: Summary,
    mut stream: Box<dyn Read + Send>,
    reference: Reference,
    filter: &Filter,
) -> io::Result<Summary> {
    // Four blocks in flight: enough that neither thread waits for the other's hiccups.
    let (sender, receiver) = sync_channel::<io::Result<Vec<u8>>>(4);
    std::thread::scope(|scope| {
        scope.spawn(move || pump(&mut stream, &sender));
        read_lines(
            &mut summary,
            Blocks {
                receiver,
                block: Vec::new(),
                at: 0,
            },
            &mut Parser::new(reference),
            filter,
        )?;
        Ok(summary)
    })
}

fn pump(stream: &mut dyn Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::with_capacity(256 * 1024);
        let read = stream.take(256 * 1024).read_to_end(&mut block);
        let (last, message) = match read {
            Ok(0) => return,
            Ok(_) => (false, Ok(block)),
            Err(error) => (true, Err(error)),
        };
        // A closed channel means that the reader gave up: it has its own error.
        if sender.send(message).is_err() || last {
            return;
        }
    }
}

/// The other end of [`pump`].
struct Blocks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            match self.receiver.recv() {
                Ok(block) => {
                    self.block = block?;
                    self.at = 0;
                }
                Err(_) => return Ok(0),
            }
        }
        let n = buffer.len().min(self.block.len() - self.at);
        buffer[..n].copy_from_slice(&self.block[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

fn read_lines(
    summary: &mut Summary,
    input: impl Read,
    parser: &mut Parser,
    filter: &Filter,
) -> io::Result<()> {
    let mut lines = Lines::new(input);
    if filter.instance.is_none() && filter.since.is_none() && filter.until.is_none() {
        lines.for_each(|raw| summary.line(&parser.read(raw)))?;
        summary.line(&parser.finish());
    } else {
        lines.for_each(|raw| count(summary, &parser.read(raw), filter))?;
        count(summary, &parser.finish(), filter);
    }
    for _ in 0..parser.lost() {
        summary.line(&Line::Garbage);
    }
    Ok(())
}

fn count(summary: &mut Summary, line: &Line<'_>, filter: &Filter) {
    match line {
        Line::Postfix(record) => match filter.place(record) {
            Place::Counted => summary.line(line),
            Place::OtherInstance => summary.line(&Line::Other),
            Place::Before => summary.observe(record, Scope::Context),
            Place::After => {}
        },
        _ => summary.line(line),
    }
}

/// What a filter says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Counted,
    OtherInstance,
    Before,
    After,
}

impl Filter {
    fn place(&self, record: &Record<'_>) -> Place {
        if self.until.is_some_and(|until| record.time.micros >= until) {
            return Place::After;
        }
        let others = self
            .instance
            .as_deref()
            .is_some_and(|i| i != record.instance);
        match (
            others,
            self.since.is_some_and(|since| record.time.micros < since),
        ) {
            (true, true) => Place::After,
            (true, false) => Place::OtherInstance,
            (false, true) => Place::Before,
            (false, false) => Place::Counted,
        }
    }
}
