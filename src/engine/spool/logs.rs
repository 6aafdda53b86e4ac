//! The defer, bounce and trace logs beside the queue, in bounce(8)'s format.

use super::{Spool, SpoolError};
use crate::queue::format::log::{self, LogEntry};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogQueue {
    /// Why recipients were deferred at the last try.
    Defer,
    /// Which recipients failed for good; the sender has not been told yet.
    Bounce,
    /// What became of recipients whose sender asked (not written by this version, removed when met).
    Trace,
}

impl LogQueue {
    fn directory(self) -> &'static str {
        match self {
            Self::Defer => "defer",
            Self::Bounce => "bounce",
            Self::Trace => "trace",
        }
    }
}

impl Spool {
    /// Appends one recipient's entry. A bounce log is durable when this returns: the recipient is marked
    /// done afterwards, and the log is then all that remembers it.
    pub fn append_log(
        &self,
        queue: LogQueue,
        id: &str,
        entry: &LogEntry,
    ) -> Result<(), SpoolError> {
        let path = self.named_path(queue.directory(), id);
        let open = || {
            OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)
        };
        let mut file = match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_parent(&path)?;
                open()
            }
            other => other,
        }
        .map_err(SpoolError::at(&path))?;
        let mut write = || -> io::Result<()> {
            self.own(&path)?;
            file.write_all(entry.to_text().as_bytes())?;
            if queue == LogQueue::Bounce {
                file.sync_all()?;
            }
            Ok(())
        };
        write().map_err(SpoolError::at(&path))
    }

    /// The entries of a message's log; none when there is no log.
    pub fn read_log(&self, queue: LogQueue, id: &str) -> Result<Vec<LogEntry>, SpoolError> {
        let path = self.named_path(queue.directory(), id);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(log::parse(&bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(SpoolError::at(&path)(e)),
        }
    }

    /// Removes a message's log; none is no error.
    pub fn remove_log(&self, queue: LogQueue, id: &str) -> Result<(), SpoolError> {
        let path = self.named_path(queue.directory(), id);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(SpoolError::at(&path)(e)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::spool;
    use super::*;

    #[test]
    fn what_is_appended_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let entry = LogEntry {
            recipient: "a@b.test".into(),
            status: "4.4.1".into(),
            action: "delayed".into(),
            reason: "connect to b.test[127.0.0.1]:25: Connection refused".into(),
            ..LogEntry::default()
        };
        for queue in [LogQueue::Defer, LogQueue::Bounce] {
            spool.append_log(queue, "472CB98C1F6", &entry).unwrap();
            spool.append_log(queue, "472CB98C1F6", &entry).unwrap();
            let read = spool.read_log(queue, "472CB98C1F6").unwrap();
            assert_eq!(read.len(), 2);
            assert_eq!(read[0].reason, entry.reason);
            spool.remove_log(queue, "472CB98C1F6").unwrap();
            assert!(spool.read_log(queue, "472CB98C1F6").unwrap().is_empty());
            spool.remove_log(queue, "472CB98C1F6").unwrap();
        }
        assert!(dir.path().join("defer/4").is_dir());
    }
}
