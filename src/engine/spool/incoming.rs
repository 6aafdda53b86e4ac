//! A new message, from its first byte to the promise.
//!
//! In: envelope and lines. Out: a durable file in incoming/ (or hold/), or nothing at all: dropping without
//! [`Incoming::commit`] removes the file. Only after `commit` returned may anybody say 250.

use super::{Spool, SpoolError};
use crate::queue::QueueName;
use crate::queue::format::QueueId;
use crate::queue::format::envelope::SizeRecord;
use crate::queue::format::writer::{ContentWriter, Head, NewRecipient, QueueFileWriter};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Tells temporary names of one process apart; their uniqueness matters only until the rename.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// What makes a new file's *name* durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameSync {
    /// fsync of the file: ext4, xfs, btrfs and f2fs write a new file's directory entry with it, in the same
    /// journal transaction. A second fsync would only wait for other sessions' renames.
    WithFile,
    /// fsync of the directory too: what POSIX asks for on file systems that promise no more.
    Directory,
}

impl NameSync {
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        // statfs(2)'s magic numbers.
        const JOURNALS: [i64; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010];
        let kind = rustix::fs::statfs(directory)?.f_type;
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_lossless,
            reason = "the member's type differs between platforms"
        )]
        let kind = kind as i64;
        Ok(if JOURNALS.contains(&kind) {
            Self::WithFile
        } else {
            Self::Directory
        })
    }
}

/// A message that is being written.
pub struct Incoming {
    spool: Spool,
    id: String,
    arrival: (i64, u32),
    path: PathBuf,
    state: State,
    queue: QueueName,
    line_length_limit: usize,
}

enum State {
    Fresh(File),
    Content(ContentWriter<File>),
    /// Committed, or an I/O error ate the writer.
    Gone,
}

/// A message that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Queue id.
    pub id: String,
    /// The sizes that the file says.
    pub size: SizeRecord,
}

impl Spool {
    /// A new file in incoming/, mode 0600 (incomplete), named by its inode and the time as Postfix does.
    pub fn create(&self) -> Result<Incoming, SpoolError> {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        // The dot keeps it from being a queue id.
        let name = format!("{}.{serial}", std::process::id());
        let temporary = self.inner.directory.join("incoming").join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(SpoolError::at(&temporary))?;
        match self.name(&file, &temporary) {
            Ok((id, arrival, path)) => Ok(Incoming {
                spool: self.clone(),
                id,
                arrival,
                path,
                state: State::Fresh(file),
                queue: QueueName::Incoming,
                line_length_limit: crate::queue::format::writer::LINE_LENGTH_LIMIT,
            }),
            Err(error) => {
                let _ = std::fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    fn name(
        &self,
        file: &File,
        temporary: &Path,
    ) -> Result<(String, (i64, u32), PathBuf), SpoolError> {
        self.own(temporary).map_err(SpoolError::at(temporary))?;
        let inode = file.metadata().map_err(SpoolError::at(temporary))?.ino();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let id = if self.inner.long_ids {
            QueueId::long(now.as_secs(), now.subsec_micros(), inode)
        } else {
            QueueId::short(now.subsec_micros(), inode)
        };
        let path = self.path(QueueName::Incoming, &id);
        // No file of that name can exist: it would have the same inode.
        std::fs::rename(temporary, &path).map_err(SpoolError::at(temporary))?;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Ok((id, (seconds, now.subsec_micros()), path))
    }
}

impl Incoming {
    /// The queue id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the file was made: seconds since the epoch and microseconds. The envelope's `arrival`.
    pub fn arrival(&self) -> (i64, u32) {
        self.arrival
    }

    /// Content lines longer than this many bytes are broken into records (`line_length_limit`); before the envelope.
    pub fn set_line_length_limit(&mut self, limit: usize) {
        self.line_length_limit = limit;
    }

    /// On commit, the message goes to hold/ and not to incoming/.
    pub fn hold(&mut self) {
        self.queue = QueueName::Hold;
    }

    /// Writes the envelope; once, before the first line.
    pub fn set_envelope(
        &mut self,
        head: &Head<'_>,
        recipients: &[NewRecipient<'_>],
    ) -> Result<(), SpoolError> {
        let State::Fresh(file) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(self.misuse());
        };
        let write = || -> io::Result<ContentWriter<File>> {
            let mut writer = QueueFileWriter::start(file, head)?;
            for recipient in recipients {
                writer.recipient(recipient)?;
            }
            Ok(writer
                .content()?
                .with_line_length_limit(self.line_length_limit))
        };
        self.state = State::Content(write().map_err(SpoolError::at(&self.path))?);
        Ok(())
    }

    /// Writes one line of the message, without its line end.
    pub fn put_line(&mut self, line: &[u8]) -> Result<(), SpoolError> {
        self.with(|content| content.line(line))
    }

    /// Writes a piece of a line that [`Self::end_line`] will end.
    pub fn put_part(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        self.with(|content| content.part(part))
    }

    /// Ends the line begun with [`Self::put_part`].
    pub fn end_line(&mut self) -> Result<(), SpoolError> {
        self.with(ContentWriter::end_line)
    }

    /// Another content filter than the envelope's, found while the content was read.
    pub fn set_filter(&mut self, filter: &str) -> Result<(), SpoolError> {
        self.with(|content| {
            content.set_filter(filter.as_bytes());
            Ok(())
        })
    }

    /// All recipients to this address instead.
    pub fn set_redirect(&mut self, address: &str) -> Result<(), SpoolError> {
        self.with(|content| {
            content.set_redirect(address.as_bytes());
            Ok(())
        })
    }

    /// Bytes of content so far, as Postfix counts a message's size.
    pub fn size(&self) -> u64 {
        match &self.state {
            State::Content(content) => content.size(),
            _ => 0,
        }
    }

    /// Ends the file and makes it durable, in Postfix's order: last records, the size record in front, mode
    /// 0700, fsync, and then the scheduler hears of it. `attributes` and `recipients` go behind the content,
    /// where what was found in headers belongs.
    pub fn commit(
        mut self,
        attributes: &[(&str, &[u8])],
        recipients: &[NewRecipient<'_>],
    ) -> Result<Committed, SpoolError> {
        let State::Content(content) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(self.misuse());
        };
        let committed = self.finish(content, attributes, recipients);
        if let Err(error) = committed {
            // fsync failed: what is on the disk is unknown, and nobody was told 250.
            let _ = std::fs::remove_file(&self.path);
            return Err(error);
        }
        // From here on the message stays.
        self.spool.inner.committed.fetch_add(1, Ordering::Relaxed);
        let path = std::mem::take(&mut self.path);
        if self.queue == QueueName::Hold {
            // A crash before this rename leaves it in incoming/, where it would be delivered: the caller has
            // not said 250 yet, so the client sends again and no held message is lost.
            let moved = self
                .spool
                .move_to(QueueName::Incoming, QueueName::Hold, &self.id);
            if let Err(error) = moved {
                let _ = std::fs::remove_file(&path);
                return Err(error);
            }
        } else {
            self.spool.announce(&self.id);
        }
        committed
    }

    fn finish(
        &self,
        content: ContentWriter<File>,
        attributes: &[(&str, &[u8])],
        recipients: &[NewRecipient<'_>],
    ) -> Result<Committed, SpoolError> {
        let write = || -> io::Result<SizeRecord> {
            let (file, size) = content.finish(attributes, recipients)?;
            file.set_permissions(Permissions::from_mode(super::COMPLETE))?;
            file.sync_all()?;
            if self.spool.inner.name_sync == NameSync::Directory
                && let Some(directory) = self.path.parent()
            {
                File::open(directory)?.sync_all()?;
            }
            Ok(size)
        };
        Ok(Committed {
            size: write().map_err(SpoolError::at(&self.path))?,
            id: self.id.clone(),
        })
    }

    fn with(
        &mut self,
        write: impl FnOnce(&mut ContentWriter<File>) -> io::Result<()>,
    ) -> Result<(), SpoolError> {
        match &mut self.state {
            State::Content(content) => write(content).map_err(SpoolError::at(&self.path)),
            _ => Err(self.misuse()),
        }
    }

    fn misuse(&self) -> SpoolError {
        SpoolError::at(&self.path)(io::Error::other("written out of order"))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message, spool};
    use super::*;

    #[test]
    fn dropping_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let incoming = spool.create().unwrap();
        assert!(QueueId::parse(incoming.id()).is_some());
        drop(incoming);
        let left = std::fs::read_dir(dir.path().join("incoming")).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_committed_file_is_complete_and_named_by_its_inode() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let id = message(&spool, &["r@b.test"]);
        let meta = std::fs::metadata(spool.path(QueueName::Incoming, &id)).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o700);
        assert_eq!(QueueId::parse(&id).unwrap().inode(), meta.ino());
    }

    #[test]
    fn out_of_order_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let mut incoming = spool.create().unwrap();
        assert!(incoming.put_line(b"x").is_err());
        assert!(incoming.commit(&[], &[]).is_err());
    }

    #[test]
    fn held_mail_is_not_announced() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let mut incoming = spool.create().unwrap();
        incoming.hold();
        incoming.set_envelope(&Head::default(), &[]).unwrap();
        let id = incoming.commit(&[], &[]).unwrap().id;
        assert_eq!(spool.find(&id), Some(QueueName::Hold));
    }
}
