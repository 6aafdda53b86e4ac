//! The log's task itself: reads what was, follows what comes, keeps the figures, answers questions.
//!
//! Order at the start: the last lines of the logs, read backwards, so that the log screen is filled at once;
//! then the recent hours in order, and what is appended since; meanwhile a thread reads what is older, and its
//! model is put before this one ([`super::start`]). Lines already shown are not sent twice: each log's size at
//! the start is where the follower's lines become news.

use super::line::keep;
use super::model::Model;
use super::start::{self, Entry, Older};
use super::{Batch, LogLine, News, Request, Watch, Where};
use crate::console::log::{MAX_BYTES, MAX_LINES};
use crate::console::message::Message;
use crate::logparse::source::journal::Period;
use crate::logparse::source::{
    self, Flow, FollowOptions, Follower, History, Journal, Lines, Notice, Positions, SourceError,
    Start,
};
use crate::logparse::{Line, Parser, Raw};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Between two sendings of lines: what a screen at eight frames a second can show.
const LINES_EVERY: Duration = Duration::from_millis(100);
/// Between two sendings of figures, and between two answers to a question that stands.
const FIGURES_EVERY: Duration = Duration::from_millis(500);
/// Blocks read ahead of the parser: a few, so that a stop is noticed soon.
const AHEAD: usize = 4;
/// Bytes of a compressed log or a pipe handed over at a time.
const BLOCK: usize = 256 * 1024;

/// What the reading threads hand over.
pub(super) enum Work {
    /// Whole lines of a log, and the place behind them where the log is a file that is followed.
    Block {
        source: usize,
        bytes: Vec<u8>,
        end: Option<u64>,
    },
    /// The follower of the logs that grow.
    Following(Follower),
    /// What lies before the recent hours, and the last lines of it that the screen does not have.
    Older(Box<Model>, Vec<LogLine>),
    /// A log cannot be read.
    Problem(String),
    /// The beginning is done; only what is appended comes now.
    CaughtUp,
}

/// One log.
struct Log {
    parser: Parser,
    /// Lines up to here were already sent to the screen.
    sent: u64,
    /// The size at the start and how much of it was read, for the progress.
    size: u64,
    read: u64,
}

/// The task's state.
pub(super) struct Task {
    outbox: mpsc::Sender<Message>,
    logs: Vec<Log>,
    model: Model,
    pending: Vec<LogLine>,
    pending_bytes: usize,
    lines_at: Instant,
    figures_at: Instant,
    minute_at: Instant,
    changed: bool,
    /// Bytes that the thread which reads what is older has still to read.
    older: Arc<AtomicU64>,
    /// The question whose answer is in view: asked again when there is something new.
    standing: Option<Request>,
    /// Kept so that it goes on; it ends when dropped.
    follower: Option<Follower>,
}

/// Runs until the console is gone.
pub(super) async fn run(
    mut paths: Vec<PathBuf>,
    journal: Option<Journal>,
    mut requests: mpsc::UnboundedReceiver<Request>,
    outbox: mpsc::Sender<Message>,
) {
    let mut entries: Vec<_> = paths.iter().map(|path| Entry::of(path)).collect();
    if journal.is_some() {
        // The journal is the log then: it has a parser like any other, and like a pipe no file to look back in.
        paths = vec![PathBuf::from("-")];
        entries = vec![Entry::Pipe];
    }
    let mut task = Task::new(&entries, outbox);
    if task.look_back(&paths, &entries).await.is_none() {
        return;
    }
    start::cut(&mut entries);
    task.begin_at(&entries);
    let older = Older::of(&paths, &entries);
    task.older = Arc::clone(&older.remaining);
    let positions = start::positions(&paths, &entries);
    let (works, mut inbox) = mpsc::channel(AHEAD);
    // Both end with the inbox: their next send fails.
    if !older.is_empty() {
        let works = works.clone();
        let _older = std::thread::Builder::new()
            .name("older log".to_owned())
            .spawn(move || older.read(&works));
    }
    let _reader = std::thread::Builder::new()
        .name("log reader".to_owned())
        .spawn(move || match journal {
            Some(journal) => follow_journal(journal, &works),
            None => read(paths, &entries, positions, &works),
        });
    let mut reading = true;
    loop {
        if task.publish().await.is_none() {
            return;
        }
        tokio::select! {
            biased;
            request = requests.recv() => {
                let Some(request) = request else { return };
                if task.answer(request).await.is_none() { return }
            }
            work = inbox.recv(), if reading => match work {
                Some(work) => if task.take(work).await.is_none() { return },
                None => reading = false,
            },
            () = tokio::time::sleep_until(task.due()) => {}
        }
    }
}

impl Task {
    fn new(entries: &[Entry], outbox: mpsc::Sender<Message>) -> Self {
        let now = Instant::now();
        Self {
            outbox,
            logs: entries.iter().map(Log::new).collect(),
            older: Arc::default(),
            model: Model::default(),
            pending: Vec::new(),
            pending_bytes: 0,
            lines_at: now,
            figures_at: now,
            minute_at: now,
            changed: true,
            standing: None,
            follower: None,
        }
    }

    /// Sends the last lines of the logs, newest block first, until the screen's ring is full.
    async fn look_back(&mut self, paths: &[PathBuf], entries: &[Entry]) -> Option<()> {
        let (mut lines, mut bytes) = (0, 0);
        for ((log, path), entry) in self.logs.iter_mut().zip(paths).zip(entries).rev() {
            if !matches!(entry, Entry::Followed(_)) {
                continue;
            }
            // What cannot be read now is the follower's to report.
            let Ok(mut history) = History::open(path, Some(log.size)) else {
                continue;
            };
            while lines < MAX_LINES && bytes < MAX_BYTES {
                let Ok(Some(mut block)) = history.next_block() else {
                    break;
                };
                if log.sent == log.size {
                    // The newest line may still be being written: the follower hands it over whole.
                    let whole = memchr::memrchr(b'\n', &block).map_or(0, |at| at + 1);
                    log.sent -= (block.len() - whole) as u64;
                    block.truncate(whole);
                }
                let mut parser = log.parser.clone();
                let mut batch = Vec::new();
                for raw in Raw::lines(&block) {
                    let line = parser.read(raw);
                    if !matches!(line, Line::Partial) {
                        batch.push(keep(raw.line, &line));
                    }
                }
                lines += batch.len();
                bytes += block.len();
                let news = News::Lines(Batch {
                    lines: batch,
                    place: Where::Before,
                });
                self.outbox.send(Message::Feed(news)).await.ok()?;
            }
        }
        Some(())
    }

    /// Where the follower begins in each log: what lies before is read by another thread.
    fn begin_at(&mut self, entries: &[Entry]) {
        for (log, entry) in self.logs.iter_mut().zip(entries) {
            log.read = entry.recent();
        }
    }

    async fn take(&mut self, work: Work) -> Option<()> {
        match work {
            Work::Block { source, bytes, end } => self.block(source, &bytes, end),
            Work::Problem(text) => {
                let news = News::Trouble(text);
                self.outbox.send(Message::Feed(news)).await.ok()?;
            }
            Work::Following(follower) => self.follower = Some(follower),
            Work::Older(model, lines) => {
                self.model.prepend(*model);
                self.changed = true;
                let news = News::Lines(Batch {
                    lines,
                    place: Where::Before,
                });
                self.outbox.send(Message::Feed(news)).await.ok()?;
            }
            Work::CaughtUp => {
                for log in &mut self.logs {
                    log.read = log.size;
                }
                self.changed = true;
            }
        }
        Some(())
    }

    fn block(&mut self, source: usize, bytes: &[u8], end: Option<u64>) {
        let Some(log) = self.logs.get_mut(source) else {
            return;
        };
        log.parser.advance(chrono::Utc::now().timestamp());
        let mut at = end.map(|end| end.saturating_sub(bytes.len() as u64));
        if let (Some(at), Some(end)) = (at, end) {
            if at < log.read && at < log.sent {
                // Back to the beginning: the log was truncated or replaced, and everything in it is new, however
                // much of it comes at once.
                log.sent = 0;
            }
            log.read = end;
        }
        for raw in Raw::lines(bytes) {
            let line = log.parser.read(raw);
            self.model.line(&line);
            let is_new = at.is_none_or(|at| at >= log.sent);
            if is_new && !matches!(line, Line::Empty | Line::Partial) {
                let kept = keep(raw.line, &line);
                self.pending_bytes += kept.text.len();
                self.pending.push(kept);
            }
            at = at.map(|at| at + raw.line.len() as u64);
        }
        log.parser.remember(bytes);
        if self.pending.len() > MAX_LINES || self.pending_bytes > MAX_BYTES {
            // More than the ring holds waits: only its end will be seen.
            let keep = self.pending.len().min(MAX_LINES) / 2;
            self.pending.drain(..self.pending.len() - keep);
            self.pending_bytes = self.pending.iter().map(|l| l.text.len()).sum();
        }
        self.changed = true;
    }

    /// When something is to be sent: at the latest with the next minute, when the figures move on.
    fn due(&self) -> Instant {
        let mut due = self.minute_at;
        if self.changed {
            due = due.min(self.figures_at);
        }
        if !self.pending.is_empty() {
            due = due.min(self.lines_at);
        }
        due
    }

    /// Sends what is due.
    async fn publish(&mut self) -> Option<()> {
        let now = Instant::now();
        if !self.pending.is_empty() && now >= self.lines_at {
            let news = News::Lines(Batch {
                lines: std::mem::take(&mut self.pending),
                place: Where::After,
            });
            self.pending_bytes = 0;
            self.lines_at = now + LINES_EVERY;
            self.outbox.send(Message::Feed(news)).await.ok()?;
        }
        if now >= self.minute_at || (self.changed && now >= self.figures_at) {
            self.changed = false;
            let past = chrono::Utc::now().timestamp().rem_euclid(60).unsigned_abs();
            self.minute_at = now + Duration::from_secs(60 - past);
            let mut figures = self.model.figures(chrono::Utc::now().timestamp());
            figures.reading.remaining = self
                .logs
                .iter()
                .map(|log| log.size.saturating_sub(log.read))
                .chain([self.older.load(Ordering::Relaxed)])
                .sum();
            let news = News::Figures(Box::new(figures));
            self.outbox.send(Message::Feed(news)).await.ok()?;
            if let Some(request) = self.standing.clone() {
                self.reply(&request).await?;
            }
            self.figures_at = Instant::now() + FIGURES_EVERY;
        }
        Some(())
    }

    async fn answer(&mut self, request: Request) -> Option<()> {
        match request {
            Request::Watch(Watch::Overview) => self.changed = true,
            Request::Watch(_) => {}
            Request::Queue(entries) => {
                self.model.queue(entries, chrono::Utc::now().timestamp());
                self.changed = true;
                return Some(());
            }
            request => {
                self.reply(&request).await?;
                self.standing = Some(request);
                return Some(());
            }
        }
        self.standing = None;
        Some(())
    }

    async fn reply(&mut self, request: &Request) -> Option<()> {
        let news = match request {
            Request::Find { ticket, text } => News::Found(self.model.find(*ticket, text)),
            Request::Life { queue_id } => News::Life(Box::new(self.model.life(queue_id))),
            Request::Rejects { ticket, query } => {
                let now = chrono::Utc::now().timestamp();
                News::Rejects(self.model.rejects(*ticket, query, now))
            }
            Request::Watch(_) | Request::Queue(_) => return Some(()),
        };
        self.outbox.send(Message::Feed(news)).await.ok()
    }
}

impl Log {
    fn new(entry: &Entry) -> Self {
        let size = entry.size();
        Self {
            parser: Parser::new(entry.reference()),
            sent: size,
            size,
            read: 0,
        }
    }
}

/// The reading thread: pipes first, since logs are given oldest first, then the follower.
fn read(paths: Vec<PathBuf>, entries: &[Entry], positions: Positions, works: &mpsc::Sender<Work>) {
    let mut followed = Vec::new();
    for (at, (path, entry)) in paths.into_iter().zip(entries).enumerate() {
        match entry {
            Entry::Followed(_) | Entry::Missing => followed.push((at, path)),
            Entry::Compressed => {}
            Entry::Pipe => {
                if stream(at, &path, works).is_none() {
                    return;
                }
            }
        }
    }
    if followed.is_empty() {
        let _ = works.blocking_send(Work::CaughtUp);
        return;
    }
    let (numbers, paths): (Vec<_>, Vec<_>) = followed.into_iter().unzip();
    let options = FollowOptions {
        start: Start::Beginning,
        positions,
        ..FollowOptions::default()
    };
    let sink = works.clone();
    let follower = Follower::spawn(paths, &options, move |notice| {
        let work = match notice {
            Notice::Lines(batch) => Work::Block {
                source: numbers.get(batch.source).copied().unwrap_or(0),
                end: Some(batch.position.offset),
                bytes: batch.lines,
            },
            Notice::Problem(error) => Work::Problem(error.to_string()),
            Notice::CaughtUp => Work::CaughtUp,
        };
        match sink.blocking_send(work) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    });
    keep_following(follower, works);
}

/// What the figures look back on in a journal: it may go back for months, and journalctl reads it slowly.
const JOURNAL_PAST: Duration = Duration::from_hours(24);

fn follow_journal(journal: Journal, works: &mpsc::Sender<Work>) {
    let since = chrono::Utc::now() - JOURNAL_PAST;
    let past = Period {
        since: Some(since.timestamp_micros()),
        until: None,
    };
    let options = FollowOptions {
        start: Start::Beginning,
        ..FollowOptions::default()
    };
    let sink = works.clone();
    let follower = Follower::journal(journal, past, &options, move |notice| {
        let work = match notice {
            Notice::Lines(batch) => Work::Block {
                source: 0,
                // There is no place in a file: whatever comes is new.
                end: None,
                bytes: batch.lines,
            },
            Notice::Problem(error) => Work::Problem(error.to_string()),
            Notice::CaughtUp => Work::CaughtUp,
        };
        match sink.blocking_send(work) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    });
    keep_following(follower, works);
}

/// A follower follows as long as it is kept.
fn keep_following(follower: Result<Follower, SourceError>, works: &mpsc::Sender<Work>) {
    let work = match follower {
        Ok(follower) => Work::Following(follower),
        Err(error) => Work::Problem(error.to_string()),
    };
    let _ = works.blocking_send(work);
}

fn stream(source: usize, path: &Path, works: &mpsc::Sender<Work>) -> Option<()> {
    let send = |bytes: &mut Vec<u8>| {
        let bytes = std::mem::take(bytes);
        works
            .blocking_send(Work::Block {
                source,
                bytes,
                end: None,
            })
            .ok()
    };
    let result = source::open(path).map(|s| (Lines::new(s.content.reader()), s.damage));
    let (mut lines, damage) = match result {
        Ok(opened) => opened,
        Err(error) => {
            return works.blocking_send(Work::Problem(error.to_string())).ok();
        }
    };
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        match lines.next_line() {
            Ok(Some(line)) => {
                block.extend_from_slice(line);
                if !block.ends_with(b"\n") {
                    block.push(b'\n');
                }
                // A pipe's line is shown when it comes; a file's lines may wait for their block.
                if block.len() >= BLOCK || path.as_os_str() == "-" {
                    send(&mut block)?;
                }
            }
            Ok(None) => {
                send(&mut block)?;
                return match damage.take() {
                    Some(error) => works.blocking_send(Work::Problem(error.to_string())).ok(),
                    None => Some(()),
                };
            }
            Err(error) => {
                send(&mut block)?;
                let text = format!("{}: {error}", path.display());
                return works.blocking_send(Work::Problem(text)).ok();
            }
        }
    }
}
