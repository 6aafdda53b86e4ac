//! A journal followed for ever: a journalctl that is started again should it end.

use super::super::error::SourceError;
use super::super::follow::{Flow, FollowOptions, Follower, Notice, Start};
use super::super::position::{Fingerprint, Position};
use super::super::tail::Batch;
use super::child::{Child, Handle};
use super::entries::{Entries, Whole};
use super::{Journal, Period};
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One read(2) of journalctl's output.
const BLOCK: usize = 256 * 1024;

/// journalctl does not say where the past ends: so long a silence is taken for it.
const SILENCE: Duration = Duration::from_millis(300);

/// Before a journalctl that ended is started again.
const AGAIN: Duration = Duration::from_secs(2);

/// Ends the journalctl that runs now, or the one about to be started.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Brake {
    stopped: Arc<AtomicBool>,
    running: Arc<Mutex<Option<Handle>>>,
}

impl Brake {
    /// Stops for good.
    pub(in super::super) fn pull(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(child) = &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            child.kill();
        }
    }

    fn is_pulled(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// From now on it is this child that is stopped. One that comes too late is stopped at once.
    fn hold(&self, child: Handle) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_pulled() {
            child.kill();
        }
        *running = Some(child);
    }
}

/// Follows a journal: first what the period holds (or, with [`Start::End`], nothing of the past, or what came
/// behind the stored cursor), then what is logged.
pub(in super::super) fn spawn(
    journal: Journal,
    past: Period,
    options: &FollowOptions,
    sink: impl FnMut(Notice) -> Flow + Send + 'static,
) -> Result<Follower, SourceError> {
    let brake = Brake::default();
    let stored = options.positions.0.get(journal.name());
    let following = Following {
        cursor: stored.and_then(|position| position.cursor.clone()),
        offset: stored.map_or(0, |position| position.offset),
        start: options.start,
        past,
        brake: brake.clone(),
        path: journal.name().into(),
        journal,
        sink,
        is_caught_up: false,
    };
    // What fails at once is an error of the start.
    let child = following.start()?;
    let fail = |error: std::io::Error| SourceError::new(Path::new("follow"), &error);
    let thread = std::thread::Builder::new()
        .name("follow".to_owned())
        .spawn(move || following.run(child))
        .map_err(fail)?;
    Ok(Follower::of_journal(brake, thread))
}

struct Following<S> {
    journal: Journal,
    path: Arc<Path>,
    start: Start,
    past: Period,
    /// Behind the last entry that was handed over.
    cursor: Option<String>,
    /// Bytes handed over.
    offset: u64,
    brake: Brake,
    sink: S,
    is_caught_up: bool,
}

impl<S: FnMut(Notice) -> Flow> Following<S> {
    fn command(&self) -> Result<Command, SourceError> {
        let mut command = self.journal.command()?;
        command.arg("--follow");
        match (&self.cursor, self.start) {
            (Some(cursor), _) => {
                command.args(["--no-tail", "--after-cursor"]).arg(cursor);
            }
            (None, Start::End) => {
                command.arg("--lines=0");
            }
            (None, Start::Beginning) => {
                command.arg("--no-tail");
                if let Some(since) = self.past.since {
                    command.arg(format!("--since=@{}", since.div_euclid(1_000_000)));
                }
            }
        }
        self.journal.add_matches(&mut command);
        Ok(command)
    }

    fn start(&self) -> Result<Child, SourceError> {
        let child = Child::start(self.command()?, &self.journal)?;
        self.brake.hold(child.handle());
        Ok(child)
    }

    fn run(mut self, child: Child) {
        let mut child = Some(child);
        let mut told = false;
        while !self.brake.is_pulled() {
            let ended = match child.take().map_or_else(|| self.start(), Ok) {
                Ok(child) => match self.read(child) {
                    Some(ended) => ended,
                    None => return,
                },
                Err(error) => Err(error),
            };
            if self.brake.is_pulled() {
                return;
            }
            if let Err(error) = ended {
                if error.reason.contains("cursor") {
                    // Its journal is gone: what is there now is all new.
                    self.cursor = None;
                }
                if !std::mem::replace(&mut told, true)
                    && (self.sink)(Notice::Problem(error)) == Flow::Stop
                {
                    return;
                }
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Hands over what a child writes until it ends; `None` when the sink wants no more.
    fn read(&mut self, mut child: Child) -> Option<Result<(), SourceError>> {
        // Two blocks: journalctl goes on while the sink is busy.
        let (sender, blocks) = sync_channel::<Vec<u8>>(2);
        let reader = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let mut block = vec![0; BLOCK];
                while let Ok(got @ 1..) = child.read(&mut block) {
                    if sender.send(block[..got].to_vec()).is_err() {
                        // Dropped, the child is ended.
                        return None;
                    }
                }
                Some(child)
            });
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => return Some(Err(SourceError::new(&self.path, &error))),
        };
        self.hand_over(&blocks)?;
        drop(blocks);
        Some(match reader.join() {
            Ok(Some(child)) => child.end(),
            _ => Ok(()),
        })
    }

    fn hand_over(&mut self, blocks: &Receiver<Vec<u8>>) -> Option<()> {
        let mut entries = Entries::default();
        loop {
            let notice = match self.next(blocks) {
                Next::Block(block) => match entries.accept(&block) {
                    Some(whole) => Notice::Lines(self.batch(whole)),
                    None => continue,
                },
                Next::Silence => {
                    self.is_caught_up = true;
                    Notice::CaughtUp
                }
                Next::End => return Some(()),
            };
            if (self.sink)(notice) == Flow::Stop {
                self.brake.pull();
                return None;
            }
        }
    }

    fn next(&self, blocks: &Receiver<Vec<u8>>) -> Next {
        if self.is_caught_up {
            return blocks.recv().map_or(Next::End, Next::Block);
        }
        match blocks.recv_timeout(SILENCE) {
            Ok(block) => Next::Block(block),
            Err(RecvTimeoutError::Timeout) => Next::Silence,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    fn batch(&mut self, whole: Whole) -> Batch {
        self.offset += whole.bytes.len() as u64;
        if whole.cursor.is_some() {
            self.cursor.clone_from(&whole.cursor);
        }
        Batch {
            source: 0,
            path: Arc::clone(&self.path),
            lines: whole.bytes,
            position: Position {
                device: 0,
                inode: 0,
                offset: self.offset,
                fingerprint: Fingerprint::default(),
                cursor: whole.cursor,
            },
        }
    }
}

enum Next {
    Block(Vec<u8>),
    Silence,
    End,
}
