//! The spool: a queue directory in Postfix's layout, and every change of it.
//!
//! In: messages to keep ([`Spool::create`]) and moves between queues. Out: files that Postfix's own tools
//! read, and the ids of new mail for the scheduler. All methods block and belong on blocking threads. What
//! a record means is `queue::format`'s business; when something is tried again is the scheduler's.
//!
//! What must hold: a message exists in exactly one queue at any moment (moves are single renames); a file
//! counts only with mode 0700, which it gets after its last record; nothing that cannot be understood is
//! removed, it goes to corrupt/.

mod arrivals;
mod incoming;
mod logs;
mod recovery;

pub use arrivals::Arrived;
pub use incoming::{Committed, Incoming};
pub use logs::LogQueue;

use super::EngineError;
use super::config::Params;
use super::privilege::{self, Account};
use crate::queue::QueueName;
use crate::queue::format::envelope::{Detail, Ending};
use crate::queue::format::layout::Layout;
use crate::queue::format::{Envelope, FormatError, QueueId};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A file of these permission bits is complete: the owner's execute bit is Postfix's mark of a message.
const COMPLETE: u32 = 0o700;

/// Why a change of the spool failed; the path says where.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct SpoolError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl SpoolError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the file was not there: delivered, removed or renamed meanwhile.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Why a queue file cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there (any more).
    #[error("no such message")]
    Missing,
    /// It is being written: not a message yet.
    #[error("incomplete")]
    Incomplete,
    /// It makes no sense; the text says why.
    #[error("{0}")]
    Corrupt(FormatError),
    /// The file system failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// A handle on the queue directory; cheap to clone.
#[derive(Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    layout: Layout,
    long_ids: bool,
    /// Who owns new files, when we are root.
    owner: Option<Account>,
    name_sync: incoming::NameSync,
    arrivals: arrivals::Arrivals,
    /// Messages made since the start.
    committed: std::sync::atomic::AtomicU64,
}

/// A message opened for delivery.
#[derive(Debug)]
pub struct Message {
    /// Queue id.
    pub id: String,
    /// The queue file, open for reading and marking.
    pub file: File,
    /// Its envelope.
    pub envelope: Envelope,
}

impl Message {
    /// Arrival time.
    pub fn arrival(&self) -> SystemTime {
        let (seconds, micros) = self.envelope.arrival.unwrap_or_default();
        let seconds = u64::try_from(seconds).unwrap_or(0);
        SystemTime::UNIX_EPOCH
            + Duration::from_secs(seconds)
            + Duration::from_micros(micros.min(999_999).into())
    }

    /// The envelope sender as text; empty is the null sender.
    pub fn sender(&self) -> String {
        let sender = self.envelope.sender.as_deref().unwrap_or_default();
        String::from_utf8_lossy(sender).into_owned()
    }

    /// Bytes of content records: Postfix's message size.
    pub fn size(&self) -> u64 {
        self.envelope.size.map_or(0, |size| size.data_size)
    }
}

impl Spool {
    /// Opens the queue directory of `params`, making its directories where they are missing.
    pub fn open(params: &Params) -> Result<Self, EngineError> {
        let directory = params.queue_directory.clone();
        super::setup::queue_directories(&directory)?;
        let owner = if privilege::is_root() {
            Some(privilege::account(&params.mail_owner).ok_or_else(|| {
                EngineError::Other(format!(
                    "mail_owner = {}: no such user (try: adduser --system --group {0})",
                    params.mail_owner
                ))
            })?)
        } else {
            None
        };
        if let Some(owner) = &owner {
            let ours = super::setup::QUEUE_DIRECTORIES.iter().map(|(name, _)| name);
            for name in ours.filter(|name| **name != "pid") {
                let path = directory.join(name);
                chown(&path, owner).map_err(|e| EngineError::at(&path, e))?;
            }
        }
        let layout = layout(params);
        let name_sync = incoming::NameSync::of(&directory.join("incoming"))
            .map_err(|e| EngineError::at(&directory, e))?;
        Ok(Self {
            inner: Arc::new(Inner {
                directory,
                layout,
                long_ids: params.enable_long_queue_ids,
                owner,
                name_sync,
                arrivals: arrivals::Arrivals::default(),
                committed: std::sync::atomic::AtomicU64::new(0),
            }),
        })
    }

    /// The queue directory.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Messages made since the start, bounces included.
    pub fn committed(&self) -> u64 {
        self.inner
            .committed
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Where the id's file would lie in the queue.
    pub fn path(&self, queue: QueueName, id: &str) -> PathBuf {
        self.named_path(directory_name(queue), id)
    }

    fn named_path(&self, queue: &str, id: &str) -> PathBuf {
        self.inner.layout.path(&self.inner.directory, queue, id)
    }

    /// The queue that holds the id now; `None` when no queue does, or the text is no queue id.
    pub fn find(&self, id: &str) -> Option<QueueName> {
        if !QueueId::is_valid(id) {
            return None;
        }
        // The order in which mail moves, so that a message that moves meanwhile is met.
        [
            QueueName::Incoming,
            QueueName::Active,
            QueueName::Deferred,
            QueueName::Hold,
            QueueName::Incoming,
            QueueName::Active,
            QueueName::Corrupt,
        ]
        .into_iter()
        .find(|&queue| {
            std::fs::symlink_metadata(self.path(queue, id))
                .is_ok_and(|meta| meta.is_file() && meta.mode() & COMPLETE == COMPLETE)
        })
    }

    /// Moves the message to active/ and opens it. A file that cannot be understood is moved to corrupt/.
    pub fn activate(&self, queue: QueueName, id: &str) -> Result<Message, LoadError> {
        let from = self.path(queue, id);
        let meta = match std::fs::symlink_metadata(&from) {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(LoadError::Missing),
            Err(e) => return Err(SpoolError::at(&from)(e).into()),
        };
        if !meta.is_file() || meta.mode() & COMPLETE != COMPLETE {
            return Err(LoadError::Incomplete);
        }
        match self.move_to(queue, QueueName::Active, id) {
            Ok(()) => {}
            Err(e) if e.is_missing() => return Err(LoadError::Missing),
            Err(e) => return Err(e.into()),
        }
        let loaded = self.load(QueueName::Active, id);
        if let Err(LoadError::Corrupt(_) | LoadError::Incomplete) = loaded {
            self.move_to(QueueName::Active, QueueName::Corrupt, id)?;
        }
        loaded
    }

    /// Opens a message where it lies.
    pub fn load(&self, queue: QueueName, id: &str) -> Result<Message, LoadError> {
        let path = self.path(queue, id);
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(LoadError::Missing),
            Err(e) => return Err(SpoolError::at(&path)(e).into()),
        };
        let envelope = Envelope::read(&file, Detail::Full).map_err(|e| match e {
            FormatError::Io(source) => LoadError::Spool(SpoolError::at(&path)(source)),
            other => LoadError::Corrupt(other),
        })?;
        if envelope.ending != Ending::Complete
            || envelope.sender.is_none()
            || envelope.arrival.is_none()
        {
            return Err(LoadError::Corrupt(FormatError::Incomplete));
        }
        Ok(Message {
            id: id.to_owned(),
            file,
            envelope,
        })
    }

    /// Bytes that mail_owner could still write.
    pub fn free(&self) -> Result<u64, SpoolError> {
        let found = rustix::fs::statvfs(&self.inner.directory)
            .map_err(|error| SpoolError::at(&self.inner.directory)(error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// One rename between two queues.
    pub fn move_to(&self, from: QueueName, to: QueueName, id: &str) -> Result<(), SpoolError> {
        let (from, to) = (self.path(from, id), self.path(to, id));
        match std::fs::rename(&from, &to) {
            // A hashed directory is made when first needed, as Postfix does.
            Err(e) if e.kind() == io::ErrorKind::NotFound && from.exists() => {
                self.make_parent(&to)?;
                std::fs::rename(&from, &to).map_err(SpoolError::at(&from))
            }
            other => other.map_err(SpoolError::at(&from)),
        }
    }

    /// Sets the time of the next try (a deferred file's mtime) and moves the message to deferred/.
    pub fn defer(&self, from: QueueName, id: &str, next: SystemTime) -> Result<(), SpoolError> {
        let path = self.path(from, id);
        let file = File::open(&path).map_err(SpoolError::at(&path))?;
        file.set_modified(next).map_err(SpoolError::at(&path))?;
        self.move_to(from, QueueName::Deferred, id)
    }

    /// Removes the message and its defer and trace logs.
    pub fn remove(&self, queue: QueueName, id: &str) -> Result<(), SpoolError> {
        // The file first: with the logs gone and the file there, a crash would leave mail without its reasons.
        let path = self.path(queue, id);
        std::fs::remove_file(&path).map_err(SpoolError::at(&path))?;
        self.remove_log(LogQueue::Defer, id)?;
        self.remove_log(LogQueue::Trace, id)
    }

    /// The complete messages of a queue with their modification times (deferred: the next try).
    pub fn scan(&self, queue: QueueName) -> Result<Vec<(String, SystemTime)>, SpoolError> {
        let mut found = Vec::new();
        let top = self.inner.directory.join(directory_name(queue));
        // Hashed directories have names of one character; no queue id is that short.
        let mut pending = vec![top];
        while let Some(directory) = pending.pop() {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(SpoolError::at(&directory)(e)),
            };
            for entry in entries {
                let entry = entry.map_err(SpoolError::at(&directory))?;
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let Ok(meta) = entry.metadata() else {
                    continue; // moved away meanwhile
                };
                if meta.is_dir() && name.len() == 1 {
                    pending.push(entry.path());
                } else if meta.is_file()
                    && meta.mode() & COMPLETE == COMPLETE
                    && QueueId::is_valid(&name)
                    && let Ok(modified) = meta.modified()
                {
                    found.push((name, modified));
                }
            }
        }
        Ok(found)
    }

    /// Waits until there is new mail in incoming/ and says which.
    pub async fn arrived(&self) -> Arrived {
        self.inner.arrivals.next().await
    }

    /// Tells the scheduler of a message that was put back into incoming/.
    pub fn announce(&self, id: &str) {
        self.inner.arrivals.push(id);
    }

    fn make_parent(&self, path: &Path) -> Result<(), SpoolError> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .and_then(|()| self.own(parent))
            .map_err(SpoolError::at(parent))
    }

    /// Gives a new file or directory to mail_owner when we are root.
    fn own(&self, path: &Path) -> io::Result<()> {
        match &self.inner.owner {
            Some(owner) => chown(path, owner),
            None => Ok(()),
        }
    }
}

/// The layout of the parameters; parameters that name no queue (made by hand, in tests) get Postfix's default.
fn layout(params: &Params) -> Layout {
    if params.hash_queue_names.is_empty() || params.hash_queue_depth == 0 {
        return Layout::default();
    }
    Layout {
        hashed: params.hash_queue_names.clone(),
        depth: params.hash_queue_depth.min(16),
    }
}

fn chown(path: &Path, owner: &Account) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(owner.uid), Some(owner.gid))
}

/// A queue's directory below the queue directory.
fn directory_name(queue: QueueName) -> &'static str {
    match queue {
        QueueName::Maildrop => "maildrop",
        QueueName::Incoming => "incoming",
        QueueName::Active => "active",
        QueueName::Deferred => "deferred",
        QueueName::Hold => "hold",
        QueueName::Corrupt => "corrupt",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::queue::format::writer::{Head, NewRecipient};

    /// A spool in a directory of its own.
    pub(crate) fn spool(dir: &Path) -> Spool {
        let params = Params {
            queue_directory: dir.to_owned(),
            mail_owner: "root".into(),
            ..Params::default()
        };
        Spool::open(&params).unwrap()
    }

    /// A committed message.
    pub(crate) fn message(spool: &Spool, recipients: &[&str]) -> String {
        let mut incoming = spool.create().unwrap();
        let head = Head {
            arrival: incoming.arrival(),
            create_time: incoming.arrival().0,
            sender: b"a@a.test",
            ..Head::default()
        };
        let recipients: Vec<_> = recipients
            .iter()
            .map(|r| NewRecipient {
                address: r.as_bytes(),
                ..NewRecipient::default()
            })
            .collect();
        incoming.set_envelope(&head, &recipients).unwrap();
        incoming.put_line(b"Subject: x").unwrap();
        incoming.put_line(b"").unwrap();
        incoming.put_line(b"body").unwrap();
        incoming.commit(&[], &[]).unwrap().id
    }

    #[test]
    fn a_message_passes_through_the_queues() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let id = message(&spool, &["r@b.test"]);
        assert_eq!(spool.find(&id), Some(QueueName::Incoming));
        let opened = spool.activate(QueueName::Incoming, &id).unwrap();
        assert_eq!(opened.sender(), "a@a.test");
        assert_eq!(opened.envelope.recipients.len(), 1);
        let next = SystemTime::now() + Duration::from_mins(5);
        spool.defer(QueueName::Active, &id, next).unwrap();
        assert_eq!(spool.find(&id), Some(QueueName::Deferred));
        let found = spool.scan(QueueName::Deferred).unwrap();
        assert_eq!(found[0].0, id);
        assert!(found[0].1 > SystemTime::now() + Duration::from_secs(200));
        spool
            .move_to(QueueName::Deferred, QueueName::Hold, &id)
            .unwrap();
        assert_eq!(spool.find(&id), Some(QueueName::Hold));
        spool.remove(QueueName::Hold, &id).unwrap();
        assert_eq!(spool.find(&id), None);
        assert!(matches!(
            spool.activate(QueueName::Incoming, &id),
            Err(LoadError::Missing)
        ));
    }

    #[test]
    fn what_is_not_understood_goes_to_corrupt() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let id = message(&spool, &["r@b.test"]);
        let path = spool.path(QueueName::Incoming, &id);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        assert!(matches!(
            spool.activate(QueueName::Incoming, &id),
            Err(LoadError::Corrupt(_))
        ));
        assert_eq!(spool.find(&id), Some(QueueName::Corrupt));
    }

    #[test]
    fn no_path_is_made_of_a_bad_id() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        for id in ["", "../../etc/passwd", "a/b", "."] {
            assert_eq!(spool.find(id), None, "{id}");
        }
    }
}
