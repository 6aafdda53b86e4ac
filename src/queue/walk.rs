//! Our own walk of the queue directories, for a process that may read them.
//!
//! In: a queue directory. Out: [`Entry`]s, and what could not be understood. Each directory is read in the
//! order of its inodes (looking files up in another order costs a cold disk a seek each), the envelope from the
//! first block of each file, the reasons in a pass of their own over `defer/`, on several threads.

use super::format::address::quote;
use super::format::envelope::{Detail, Envelope};
use super::format::record::{BLOCK, Scanner};
use super::format::{QueueId, log};
use super::{Entry, QueueName, Reasons, Recipient};
use rustc_hash::FxHashMap;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Files taken by a thread at once: small enough to share evenly, large enough to lock rarely.
const BATCH: usize = 128;

/// At most this many threads: a queue lies on one disk, and the machine has mail to deliver.
const MAX_THREADS: usize = 8;

/// The deepest directories looked into: `hash_queue_depth` is 16 at most.
const MAX_DEPTH: usize = 16;

/// A defer log longer than this is read no further: it has a block a recipient.
const MAX_LOG: usize = 16 << 20;

/// The bits of a queue file's mode: complete; forced to expire by `postsuper -e`.
const READY: u32 = 0o700;
const EXPIRE: u32 = 0o010;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    /// The messages.
    pub entries: Vec<Entry>,
    /// Files that are no sound queue files, each with what is wrong.
    pub problems: Vec<String>,
}

/// The queues in the order in which mail flows, so that a message that moves on during the walk is seen twice
/// rather than never; the later sight counts.
const ORDER: [QueueName; 6] = [
    QueueName::Maildrop,
    QueueName::Incoming,
    QueueName::Active,
    QueueName::Deferred,
    QueueName::Hold,
    QueueName::Corrupt,
];

/// Walks the queues below `queue_directory`. Fails when a queue's directory may not be read; a queue whose
/// directory does not exist is empty.
pub fn walk(queue_directory: &Path, reasons: Reasons) -> io::Result<Found> {
    let mut places = Places::default();
    for queue in ORDER {
        places.list(queue_directory.join(queue.as_str()), queue, 0)?;
    }
    let found = Mutex::new(Found::default());
    parallel(&places.files, |batch| {
        let mut part = Found::default();
        let mut buffer = Vec::with_capacity(BLOCK);
        for file in batch {
            match entry(&places, file, &mut buffer) {
                Ok(Some(entry)) => part.entries.push(entry),
                Ok(None) => {}
                Err(reason) => part.problems.push(format!(
                    "{}: {reason}",
                    places.directories[file.directory]
                        .path
                        .join(&file.name)
                        .display()
                )),
            }
        }
        let mut all = found.lock().unwrap_or_else(PoisonError::into_inner);
        all.entries.append(&mut part.entries);
        all.problems.append(&mut part.problems);
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    keep_last_sight(&mut found.entries);
    if reasons == Reasons::Yes {
        add_reasons(queue_directory, &mut found.entries)?;
    }
    found
        .entries
        .sort_unstable_by(|a, b| (a.arrival_time, &a.queue_id).cmp(&(b.arrival_time, &b.queue_id)));
    Ok(found)
}

/// Reads the entry of one file that lies in `queue`; `None` when it is gone or not ready.
pub(super) fn entry_at(path: &Path, queue: QueueName) -> io::Result<Option<Entry>> {
    let Some(file) = open_file(path)? else {
        return Ok(None);
    };
    let id = path.file_name().unwrap_or_default().to_string_lossy();
    read_entry(&file, queue, &id, &mut Vec::new()).map_err(|reason| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {reason}", path.display()),
        )
    })
}

/// Opens one queue file; `None` when there is none.
pub(super) fn open_file(path: &Path) -> io::Result<Option<File>> {
    match rustix::fs::open(path, OPEN, Mode::empty()) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Never through a symbolic link and never waiting for a FIFO's writer: users write into `maildrop`.
const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// The directories and files of a walk.
#[derive(Default)]
struct Places {
    directories: Vec<Directory>,
    files: Vec<Place>,
}

struct Directory {
    path: PathBuf,
    queue: QueueName,
    handle: OwnedFd,
}

/// A file: its directory by index, its name.
struct Place {
    directory: usize,
    name: String,
}

impl Places {
    /// Lists a directory and those below it, each directory's files in the order of their inodes.
    fn list(&mut self, path: PathBuf, queue: QueueName, depth: usize) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(error) => return Err(named(&path, error)),
        };
        let mut files = Vec::new();
        let mut below = Vec::new();
        for item in rustix::fs::Dir::read_from(&handle).map_err(|error| named(&path, error))? {
            let item = item.map_err(|error| named(&path, error))?;
            let Ok(name) = item.file_name().to_str() else {
                continue;
            };
            if !QueueId::is_valid(name) {
                continue;
            }
            // Hash directories are one character; some file systems do not tell the type.
            let is_directory = match item.file_type() {
                FileType::Directory => true,
                FileType::Unknown => rustix::fs::statat(&handle, name, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir()),
                _ => false,
            };
            if is_directory {
                below.push(path.join(name));
            } else {
                files.push((item.ino(), name.to_owned()));
            }
        }
        files.sort_unstable();
        let directory = self.directories.len();
        self.directories.push(Directory {
            path,
            queue,
            handle,
        });
        self.files
            .extend(files.into_iter().map(|(_, name)| Place { directory, name }));
        if depth < MAX_DEPTH {
            below.sort();
            for path in below {
                self.list(path, queue, depth + 1)?;
            }
        }
        Ok(())
    }

    fn open(&self, place: &Place) -> rustix::io::Result<File> {
        let directory = &self.directories[place.directory].handle;
        rustix::fs::openat(directory, &place.name, OPEN, Mode::empty()).map(File::from)
    }
}

fn named(path: &Path, error: rustix::io::Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Runs `work` over batches of `items` on as many threads as the machine has cores, two at least: one can
/// read while the other waits for the disk.
fn parallel<T: Sync>(items: &[T], work: impl Fn(&[T]) + Sync) {
    let batches: Vec<&[T]> = items.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(batch);
        }
    };
    let threads = thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(2, MAX_THREADS)
        .min(batches.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
}

fn entry(places: &Places, place: &Place, buffer: &mut Vec<u8>) -> Result<Option<Entry>, String> {
    let file = match places.open(place) {
        Ok(file) => file,
        // Moved on or delivered meanwhile.
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(io::Error::from(error).to_string()),
    };
    let queue = places.directories[place.directory].queue;
    read_entry(&file, queue, &place.name, buffer)
}

fn read_entry(
    file: &File,
    queue: QueueName,
    id: &str,
    buffer: &mut Vec<u8>,
) -> Result<Option<Entry>, String> {
    let meta = file.metadata().map_err(|error| error.to_string())?;
    // A file without all of the owner's bits is still being written; in `corrupt` they were taken away.
    if !meta.is_file() || (meta.mode() & READY != READY && queue != QueueName::Corrupt) {
        return Ok(None);
    }
    let mut scanner = Scanner::with_buffer(file, std::mem::take(buffer));
    let envelope = Envelope::scan(&mut scanner, Detail::List);
    *buffer = scanner.into_buffer();
    let envelope = match envelope {
        Ok(envelope) => envelope,
        // That it is broken is why it lies there: it is still listed.
        Err(_) if queue == QueueName::Corrupt => Envelope::default(),
        Err(error) => return Err(error.to_string()),
    };
    let size = match (queue, envelope.size) {
        // The size record of a submitted file is the submitter's word.
        (QueueName::Maildrop, _) | (_, None) => meta.len(),
        (_, Some(size)) => size.data_size,
    };
    let recipients = envelope.todo().map(|recipient| Recipient {
        address: shown(&recipient.address),
        delay_reason: None,
    });
    Ok(Some(Entry {
        queue_name: queue,
        queue_id: id.to_owned(),
        arrival_time: envelope
            .arrival
            .map_or(meta.mtime(), |(seconds, _)| seconds),
        message_size: size,
        forced_expire: meta.mode() & EXPIRE != 0,
        recipients: recipients.collect(),
        sender: match envelope.sender.as_deref() {
            None | Some(b"") => String::new(),
            Some(sender) => quote(sender),
        },
        next_try: (queue == QueueName::Deferred).then(|| meta.mtime()),
        inode: Some(meta.ino()),
    }))
}

/// A recipient as postqueue(1) shows it.
fn shown(address: &[u8]) -> String {
    if address.is_empty() {
        super::showq::NULL_SENDER.to_owned()
    } else {
        quote(address)
    }
}

/// One entry an id: a message that moved during the walk is where it was seen last.
fn keep_last_sight(entries: &mut Vec<Entry>) {
    let mut last: FxHashMap<String, QueueName> = HashMap::default();
    for entry in entries.iter() {
        let queue = last
            .entry(entry.queue_id.clone())
            .or_insert(entry.queue_name);
        *queue = entry.queue_name.max(*queue);
    }
    if last.len() < entries.len() {
        entries.retain(|entry| last.get(&entry.queue_id) == Some(&entry.queue_name));
    }
}

/// Reads the defer logs in their own order and gives each recipient its reason.
fn add_reasons(queue_directory: &Path, entries: &mut [Entry]) -> io::Result<()> {
    let mut places = Places::default();
    // Logs have no queue of their own; they speak of deferred mail.
    places.list(queue_directory.join("defer"), QueueName::Deferred, 0)?;
    let wanted: FxHashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.queue_id.as_str(), at))
        .collect();
    let logs = Mutex::new(Vec::with_capacity(places.files.len()));
    parallel(&places.files, |batch| {
        let mut part = Vec::with_capacity(batch.len());
        let mut buffer = vec![0; BLOCK];
        for place in batch {
            let Some(&at) = wanted.get(place.name.as_str()) else {
                continue;
            };
            // A log that is gone or cannot be read leaves its message without a reason, as in postqueue.
            if let Ok(file) = places.open(place)
                && let Ok(length) = read_log(&file, &mut buffer)
            {
                part.push((at, log::reasons(&buffer[..length])));
            }
        }
        logs.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut part);
    });
    drop(wanted);
    for (at, logged) in logs.into_inner().unwrap_or_else(PoisonError::into_inner) {
        merge(&mut entries[at].recipients, logged);
    }
    Ok(())
}

/// Reads a log into the buffer, which grows as needed; one read for nearly all of them.
fn read_log(file: &File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        let n = file.read_at(&mut buffer[length..], length as u64)?;
        length += n;
        // A short read of a regular file is its end.
        if length < buffer.len() || buffer.len() >= MAX_LOG {
            return Ok(length);
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}

/// Gives each recipient its latest reason.
fn merge(recipients: &mut [Recipient], logged: Vec<(String, String)>) {
    if let [recipient] = recipients {
        // The most frequent case without a map.
        let mut latest_first = logged.into_iter().rev();
        let found = latest_first.find(|(address, _)| *address == recipient.address);
        recipient.delay_reason = found.map(|(_, reason)| reason);
        return;
    }
    let reasons: HashMap<String, String> = logged.into_iter().collect();
    for recipient in recipients {
        recipient.delay_reason = reasons.get(&recipient.address).cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::writer::{Head, NewRecipient, QueueFileWriter};
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    /// Puts a message into a queue below `spool`.
    fn put(spool: &Path, place: &str, sender: &[u8], recipients: &[&[u8]]) {
        let path = spool.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let head = Head {
            arrival: (1_795_357_055, 0),
            sender,
            ..Head::default()
        };
        let mut writer = QueueFileWriter::start(File::create(&path).unwrap(), &head).unwrap();
        for address in recipients {
            let recipient = NewRecipient {
                address,
                ..Default::default()
            };
            writer.recipient(&recipient).unwrap();
        }
        let mut content = writer.content().unwrap();
        content.line(b"Subject: x").unwrap();
        content.finish(&[], &[]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn queues_hashed_and_flat_with_reasons() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "active/A1B2C3D", b"", &[b"r@x.test"]);
        put(
            dir.path(),
            "deferred/B/C/BC12345",
            b"a b@s.test",
            &[b"q r@x.test", b"s@y.test"],
        );
        put(dir.path(), "hold/CD12345", b"h@s.test", &[b"r@x.test"]);
        fs::create_dir_all(dir.path().join("defer/B/C")).unwrap();
        fs::write(
            dir.path().join("defer/B/C/BC12345"),
            "\n<\"q r\"@x.test>: old\nrecipient=\"q r\"@x.test\nreason=refused\n\n",
        )
        .unwrap();
        let found = walk(dir.path(), Reasons::Yes).unwrap();
        assert_eq!(found.problems, Vec::<String>::new());
        let shown: Vec<_> = found
            .entries
            .iter()
            .map(|e| {
                (
                    e.queue_name,
                    e.queue_id.as_str(),
                    e.sender.as_str(),
                    e.message_size,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (QueueName::Active, "A1B2C3D", "", 12),
                (QueueName::Deferred, "BC12345", "\"a b\"@s.test", 12),
                (QueueName::Hold, "CD12345", "h@s.test", 12),
            ]
        );
        let recipients = &found.entries[1].recipients;
        assert_eq!(recipients[0].delay_reason.as_deref(), Some("refused"));
        assert_eq!(recipients[1].delay_reason, None);
        assert!(found.entries[1].next_try.is_some() && found.entries[0].next_try.is_none());
        let without = walk(dir.path(), Reasons::No).unwrap();
        assert_eq!(without.entries[1].recipients[0].delay_reason, None);
    }

    #[test]
    fn what_is_no_message_is_passed_over_or_named() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "incoming/A1B2C3D", b"", &[b"r@x.test"]);
        let path = dir.path().join("incoming/A1B2C3D");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("incoming/A1B2C3E")).unwrap();
        fs::write(dir.path().join("incoming/123.456"), "temporary").unwrap();
        fs::write(dir.path().join("incoming/A1B2C3F"), "rubbish").unwrap();
        let rubbish = dir.path().join("incoming/A1B2C3F");
        fs::set_permissions(&rubbish, fs::Permissions::from_mode(0o700)).unwrap();
        let found = walk(dir.path(), Reasons::Yes).unwrap();
        assert_eq!(found.entries, []);
        // The link is refused, the rubbish has no sound record.
        assert_eq!(found.problems.len(), 2, "{:?}", found.problems);
        assert!(found.problems.iter().all(|p| p.contains("incoming/A1B2C3")));
    }

    #[test]
    fn a_message_seen_twice_counts_once() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "active/A1B2C3D", b"", &[b"r@x.test"]);
        put(dir.path(), "deferred/A/A1B2C3D", b"", &[b"r@x.test"]);
        let found = walk(dir.path(), Reasons::No).unwrap();
        assert_eq!(found.entries.len(), 1);
        assert_eq!(found.entries[0].queue_name, QueueName::Deferred);
    }
}
