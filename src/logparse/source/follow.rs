//! Following logs for ever: one thread that wakes when a log changes and hands over whole lines.
//!
//! notify(7)'s events wake it; because they can be lost (network file systems, a watch that could not be
//! set) it also looks by itself now and then. It ends when the sink says so or the [`Follower`] is dropped.

use super::error::SourceError;
use super::journal::follow::Brake;
use super::journal::{Journal, Period};
use super::position::Positions;
use super::tail::{Batch, Begin, Tail};
use notify::Watcher as _;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often to look when notify watches: only a safety net.
const SAFETY: Duration = Duration::from_secs(5);
/// How often to look when notify cannot watch.
const POLL: Duration = Duration::from_millis(250);

/// Where to begin in a log without a stored position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With its first line.
    Beginning,
    /// With the next line that is written.
    #[default]
    End,
}

/// How changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// By notify, or by looking four times a second where it cannot watch.
    #[default]
    Notify,
    /// By looking this often.
    Poll(Duration),
}

/// How to follow.
#[derive(Debug, Clone, Default)]
pub struct FollowOptions {
    /// Where to begin without a stored position. A log that appears later begins at its front.
    pub start: Start,
    /// Where an earlier run left off.
    pub positions: Positions,
    /// How changes are noticed.
    pub watch: Watch,
}

/// The sink's answer: whether it wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the thread.
    Stop,
}

/// What the follower tells.
#[derive(Debug)]
pub enum Notice {
    /// New lines.
    Lines(Batch),
    /// A log cannot be read now; it is tried again. Told once until it can be read again.
    Problem(SourceError),
    /// Everything that was in the logs at the start has been handed over. Told once.
    CaughtUp,
}

/// A running follower; dropping it ends its thread.
#[derive(Debug)]
pub struct Follower {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// How a thread is told to end.
#[derive(Debug)]
enum Stop {
    /// The reader of files: a flag, and a wake-up so that it looks at it.
    Files(Arc<AtomicBool>, SyncSender<()>),
    /// The reader of a journal: its journalctl ends.
    Journal(Brake),
}

impl Follower {
    /// Follows `paths`, which may be missing yet. `sink` runs in the follower's thread: it may block
    /// (a bounded channel's `blocking_send`), which only delays reading.
    pub fn spawn(
        paths: Vec<PathBuf>,
        options: &FollowOptions,
        sink: impl FnMut(Notice) -> Flow + Send + 'static,
    ) -> Result<Self, SourceError> {
        let begin = match options.start {
            Start::Beginning => Begin::Front,
            Start::End => Begin::End,
        };
        // A full channel of one already means "look": further wake-ups add nothing.
        let (waker, woken) = sync_channel(1);
        // The watch comes first: what changes after the files were opened is noticed.
        let watcher = match options.watch {
            Watch::Notify => watch(&paths, waker.clone()),
            Watch::Poll(_) => None,
        };
        let patience = match (options.watch, &watcher) {
            (Watch::Poll(every), _) => every,
            (Watch::Notify, Some(_)) => SAFETY,
            (Watch::Notify, None) => POLL,
        };
        let tails = paths
            .into_iter()
            .enumerate()
            .map(|(i, path)| {
                let stored = options.positions.0.get(&path).cloned();
                Tail::open(i, path, begin, stored.as_ref())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("follow".to_owned())
            .spawn({
                let stop = Arc::clone(&stop);
                move || {
                    // The watcher lives as long as the thread that it wakes.
                    let _watcher = watcher;
                    run(tails, &woken, patience, &stop, sink);
                }
            })
            .map_err(|error| SourceError::new(Path::new("follow"), &error))?;
        Ok(Self {
            stop: Stop::Files(stop, waker),
            thread: Some(thread),
        })
    }

    /// Follows a journal through `journalctl --follow`. [`Start::Beginning`] begins with the first entry
    /// of `past`, [`Start::End`] with the next one that is logged; a stored position with the one behind it.
    /// There is no watching: journalctl tells by itself.
    pub fn journal(
        journal: Journal,
        past: Period,
        options: &FollowOptions,
        sink: impl FnMut(Notice) -> Flow + Send + 'static,
    ) -> Result<Self, SourceError> {
        super::journal::follow::spawn(journal, past, options, sink)
    }

    pub(super) fn of_journal(brake: Brake, thread: JoinHandle<()>) -> Self {
        Self {
            stop: Stop::Journal(brake),
            thread: Some(thread),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        match &self.stop {
            Stop::Files(stop, waker) => {
                stop.store(true, Ordering::Relaxed);
                // Full means it is about to wake anyway.
                let _ = waker.try_send(());
            }
            Stop::Journal(brake) => brake.pull(),
        }
        // The sink may block on a channel that nobody reads any more; waiting for it could hang, so the
        // thread ends by itself at its next look. A finished one is joined.
        if let Some(thread) = self.thread.take()
            && thread.is_finished()
        {
            let _ = thread.join();
        }
    }
}

/// Watches the directories of `paths`; `None` when one of them cannot be watched.
fn watch(paths: &[PathBuf], waker: SyncSender<()>) -> Option<notify::RecommendedWatcher> {
    // What is appended to a link's target is told of where the target lies, under its own name.
    let targets = paths.iter().filter_map(|path| {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
        is_link.then(|| std::fs::canonicalize(path).ok()).flatten()
    });
    let paths: Vec<PathBuf> = targets.chain(paths.iter().cloned()).collect();
    // Other files' events in the same directory (/var/log) are none of our business, but a rotated
    // file is still written to: its name begins with the log's.
    let names: Vec<OsString> = paths
        .iter()
        .filter_map(|path| path.file_name().map(ToOwned::to_owned))
        .collect();
    let ours = move |path: &PathBuf| {
        path.file_name().is_none_or(|name| {
            names
                .iter()
                .any(|ours| name.as_encoded_bytes().starts_with(ours.as_encoded_bytes()))
        })
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let relevant = match &event {
            Ok(event) => {
                !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(&ours))
            }
            Err(_) => true,
        };
        if relevant {
            let _ = waker.try_send(());
        }
    })
    .ok()?;
    let directories: BTreeSet<PathBuf> = paths.iter().map(|path| directory_of(path)).collect();
    for directory in directories {
        watcher
            .watch(&directory, notify::RecursiveMode::NonRecursive)
            .ok()?;
    }
    Some(watcher)
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn run(
    mut tails: Vec<Tail>,
    woken: &Receiver<()>,
    patience: Duration,
    stop: &AtomicBool,
    mut sink: impl FnMut(Notice) -> Flow,
) {
    let mut troubled: BTreeSet<PathBuf> = BTreeSet::new();
    let mut caught_up = false;
    // Whether the watch told of what is read now, and how long to wait for it.
    let mut told = true;
    let mut wait = patience;
    while !stop.load(Ordering::Relaxed) {
        let mut came = false;
        for tail in &mut tails {
            let scanned = tail.scan(&mut |batch| {
                came = true;
                if stop.load(Ordering::Relaxed) {
                    Flow::Stop
                } else {
                    sink(Notice::Lines(batch))
                }
            });
            let flow = match scanned {
                Ok(flow) => {
                    troubled.remove(&**tail.path());
                    flow
                }
                Err(error) if troubled.insert(tail.path().to_path_buf()) => {
                    sink(Notice::Problem(error))
                }
                Err(_) => Flow::Continue,
            };
            if flow == Flow::Stop {
                return;
            }
        }
        if !caught_up {
            caught_up = true;
            if sink(Notice::CaughtUp) == Flow::Stop {
                return;
            }
        }
        // Lines that nothing told of: the watch is blind (a network file system, a directory that was
        // removed and made anew), so we look often ourselves until it tells of something again.
        if came && !told {
            wait = patience.min(POLL);
        }
        told = match woken.recv_timeout(wait) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if told {
            wait = patience;
        }
    }
}
