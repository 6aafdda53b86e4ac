//! The first pass: every line that is meant, in all logs, over all processors.
//!
//! In: the logs and what is traced. Out: the queue ids those lines are about and when ([`Hit`]), the lines of
//! clients that were refused before their mail had an id, and what else matched. Only lines that hold the term
//! are parsed. Bounded: of a term that half the log holds, the newest are kept and the others counted.

use super::Question;
use super::logs::{Chunk, Logs, Place};
use super::term::Needle;
use crate::logparse::event::Event;
use crate::logparse::source::SourceError;
use crate::logparse::{Line, Parser, Record};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Queue ids that a thread remembers; beyond, the older half is only counted. About 100 bytes each.
const MOST_IDS: usize = 200_000;
/// Refusals whose lines are kept, the newest; about 300 bytes each.
const MOST_REFUSALS: usize = 10_000;
/// Other lines that are kept, the newest.
const MOST_REMARKS: usize = 100;
/// Kinds of other lines that are counted apart; the parser knows fewer.
const MOST_KINDS: usize = 200;
/// As much of a line as is kept: Postfix's own end near 2 kB.
pub(super) const LONGEST: usize = 16 * 1024;

/// A line that was kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// When, microseconds.
    pub time: i64,
    /// Where.
    pub place: Place,
    /// The line, at most [`LONGEST`] bytes.
    pub line: Box<[u8]>,
}

impl Kept {
    pub(super) fn new(time: i64, place: Place, line: &[u8]) -> Self {
        let line = &line[..line.len().min(LONGEST)];
        Self {
            time,
            place,
            line: line.into(),
        }
    }
}

/// When the lines of an id that are meant were written, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// Lines about no message, by their kind: how many, when first and last.
pub type Others = BTreeMap<&'static str, (u64, i64, i64)>;

/// What the first pass found.
#[derive(Debug, Default)]
pub struct Swept {
    /// By queue id.
    pub ids: FxHashMap<Box<[u8]>, Hit>,
    /// Ids beyond the bound; those forgotten for want of room may be counted again.
    pub more_ids: u64,
    /// Whether any was forgotten so.
    pub forgot: bool,
    /// Lines of refusals, the newest, in order of time.
    pub refusals: Newest,
    /// Other lines that are meant.
    pub remarks: Newest,
    /// The same by kind.
    pub others: Others,
    /// Lines read.
    pub lines: u64,
    /// Bytes read, decompressed.
    pub bytes: u64,
}

/// The newest lines of many.
#[derive(Debug, Default)]
pub struct Newest {
    /// Those that are kept.
    pub kept: Vec<Kept>,
    /// How many there were.
    pub count: u64,
}

impl Newest {
    fn push(&mut self, kept: Kept, most: usize) {
        self.count += 1;
        self.kept.push(kept);
        if self.kept.len() >= 2 * most {
            self.cut(most);
        }
    }

    fn cut(&mut self, most: usize) {
        self.kept.sort_unstable();
        let over = self.kept.len().saturating_sub(most);
        self.kept.drain(..over);
    }

    fn merge(&mut self, other: Self, most: usize) {
        self.count += other.count;
        self.kept.extend(other.kept);
        self.cut(most);
    }
}

/// Reads all logs once.
pub fn sweep(logs: &mut Logs, question: &Question) -> Result<Swept, SourceError> {
    let order = order(logs, question);
    let needle = question.term.needle();
    let (times, swept) = {
        let logs = &*logs;
        let workers = in_parallel(&order, |next| {
            let mut worker = Worker::new(logs, question, &needle);
            while let Some(chunk) = next() {
                worker.chunk(chunk)?;
            }
            Ok((worker.times, worker.swept))
        })?;
        let mut times = Vec::new();
        let mut whole = Swept::default();
        for (theirs, swept) in workers {
            times.extend(theirs);
            whole.merge(swept);
        }
        (times, whole)
    };
    for (chunk, time) in times {
        logs.set_time(chunk, time);
    }
    Ok(swept)
}

/// The chunks to read: the long ones first, none that lies outside the period.
fn order(logs: &Logs, question: &Question) -> Vec<usize> {
    let from = question.since.unwrap_or(i64::MIN);
    let to = question.until.unwrap_or(i64::MAX);
    let chunks = logs.chunks();
    let mut order: Vec<usize> = (0..chunks.len())
        .filter(|at| chunks[*at].overlaps(from.saturating_sub(SLACK), to.saturating_add(SLACK)))
        .collect();
    order.sort_by_key(|at| !logs.is_packed(&chunks[*at]));
    order
}

/// Lines of several processes and hosts do not stand exactly in the order of their stamps (microseconds).
pub(super) const SLACK: i64 = 3_600_000_000;

/// Runs `work` on every processor; each takes its next item from the list until none is left.
pub(super) fn in_parallel<T: Send>(
    items: &[usize],
    work: impl Fn(&dyn Fn() -> Option<usize>) -> Result<T, SourceError> + Sync,
) -> Result<Vec<T>, SourceError> {
    let taken = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let next = || {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        items.get(taken.fetch_add(1, Ordering::Relaxed)).copied()
    };
    let run = || {
        let done = work(&next);
        failed.fetch_or(done.is_err(), Ordering::Relaxed);
        done
    };
    let count = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(items.len());
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..count).map(|_| scope.spawn(run)).collect();
        let mut done = vec![run()];
        for other in others {
            done.push(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        done.into_iter().collect()
    })
}

/// One thread's part.
struct Worker<'w> {
    logs: &'w Logs,
    question: &'w Question,
    needle: &'w Needle,
    buffer: Vec<u8>,
    swept: Swept,
    /// Times of packed logs.
    times: Vec<(usize, (i64, i64))>,
}

impl<'w> Worker<'w> {
    fn new(logs: &'w Logs, question: &'w Question, needle: &'w Needle) -> Self {
        Self {
            logs,
            question,
            needle,
            buffer: Vec::new(),
            swept: Swept::default(),
            times: Vec::new(),
        }
    }

    fn chunk(&mut self, at: usize) -> Result<(), SourceError> {
        let chunk: &Chunk = &self.logs.chunks()[at];
        let packed = self.logs.is_packed(chunk);
        let mut parser = self.logs.parser(chunk.log);
        let mut time: Option<(i64, i64)> = None;
        let (swept, question, needle) = (&mut self.swept, self.question, self.needle);
        self.logs
            .read(chunk, &mut self.buffer, &mut |place, block| {
                swept.lines += memchr::memchr_iter(b'\n', block).count() as u64;
                swept.bytes += block.len() as u64;
                if packed {
                    widen(&mut time, block, &mut parser);
                }
                hits(needle, block, &mut |start, line| {
                    let place = Place {
                        at: place.at + start as u64,
                        ..place
                    };
                    if let Line::Postfix(record) = parser.line(line)
                        && question.asks(&record, line)
                    {
                        swept.take(&record, place, line);
                    }
                });
            })?;
        if let Some(time) = time {
            self.times.push((at, time));
        }
        Ok(())
    }
}

/// Takes the stamps of a block's first and last lines into account.
fn widen(time: &mut Option<(i64, i64)>, block: &[u8], parser: &mut Parser) {
    let lines = block.split(|b| *b == b'\n');
    let first = lines.clone().take(50).find_map(|l| stamp(l, parser));
    let last = lines.rev().take(50).find_map(|l| stamp(l, parser));
    for stamp in [first, last].into_iter().flatten() {
        let (from, to) = time.unwrap_or((stamp, stamp));
        *time = Some((from.min(stamp), to.max(stamp)));
    }
}

fn stamp(line: &[u8], parser: &mut Parser) -> Option<i64> {
    parser.header(line).map(|header| header.time.micros)
}

/// Gives the lines of a block that may be meant, and where in it they begin.
fn hits(needle: &Needle, block: &[u8], each: &mut dyn FnMut(usize, &[u8])) {
    let mut at = 0;
    while at < block.len() {
        let found = match needle {
            Needle::Exact(finder) => finder.find(&block[at..]).map(|found| at + found),
            Needle::Pattern(regex) => regex.find_at(block, at).map(|found| found.start()),
            Needle::Every => Some(at),
        };
        let Some(found) = found.filter(|found| *found < block.len()) else {
            return;
        };
        let (start, end) = line_around(block, found);
        each(start, &block[start..end]);
        at = end + 1;
    }
}

/// The bounds of the line that holds byte `at`, without its end.
pub(super) fn line_around(block: &[u8], at: usize) -> (usize, usize) {
    let start = memchr::memrchr(b'\n', &block[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end);
    (start, end)
}

impl Swept {
    fn take(&mut self, record: &Record<'_>, place: Place, line: &[u8]) {
        let time = record.time.micros;
        match (record.queue_id, &record.event) {
            (Some(id), _) => self.take_id(id, time),
            (None, Event::Reject(_)) => self
                .refusals
                .push(Kept::new(time, place, line), MOST_REFUSALS),
            (None, event) => {
                let kind = match event {
                    Event::Postscreen { kind, .. } => kind.name(),
                    other => other.kind(),
                };
                if self.others.len() < MOST_KINDS || self.others.contains_key(kind) {
                    let known = self.others.entry(kind).or_insert((0, time, time));
                    *known = (known.0 + 1, known.1.min(time), known.2.max(time));
                }
                self.remarks
                    .push(Kept::new(time, place, line), MOST_REMARKS);
            }
        }
    }

    fn take_id(&mut self, id: &[u8], time: i64) {
        if let Some(hit) = self.ids.get_mut(id) {
            hit.first = hit.first.min(time);
            hit.last = hit.last.max(time);
            return;
        }
        if self.ids.len() >= MOST_IDS {
            self.forget_older();
        }
        let hit = Hit {
            first: time,
            last: time,
        };
        self.ids.insert(id.into(), hit);
    }

    #[cold]
    fn forget_older(&mut self) {
        let mut times: Vec<i64> = self.ids.values().map(|hit| hit.last).collect();
        let (_, middle, _) = times.select_nth_unstable(MOST_IDS / 2);
        let middle = *middle;
        let before = self.ids.len();
        self.ids.retain(|_, hit| hit.last > middle);
        if self.ids.len() == before {
            self.ids.clear();
        }
        self.more_ids += (before - self.ids.len()) as u64;
        self.forgot = true;
    }

    fn merge(&mut self, other: Self) {
        for (id, hit) in other.ids {
            let known = self.ids.entry(id).or_insert(hit);
            known.first = known.first.min(hit.first);
            known.last = known.last.max(hit.last);
        }
        self.more_ids += other.more_ids;
        self.forgot |= other.forgot;
        self.refusals.merge(other.refusals, MOST_REFUSALS);
        self.remarks.merge(other.remarks, MOST_REMARKS);
        for (kind, (count, first, last)) in other.others {
            let known = self.others.entry(kind).or_insert((0, first, last));
            *known = (known.0 + count, known.1.min(first), known.2.max(last));
        }
        self.lines += other.lines;
        self.bytes += other.bytes;
    }
}
