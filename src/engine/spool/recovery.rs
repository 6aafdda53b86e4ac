//! What a start finds after the last run ended, however it ended.
//!
//! Runs before anything is accepted or delivered, by the one process that holds the master lock, so
//! everything found belongs to the past.

use super::{COMPLETE, Spool, SpoolError, directory_name};
use crate::queue::QueueName;
use std::os::unix::fs::MetadataExt as _;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Unfinished files removed from incoming/: nobody was told 250 for them.
    pub incomplete: usize,
    /// Messages moved from active/ back to incoming/: their deliveries were under way.
    pub active: usize,
}

impl Spool {
    /// Removes unfinished files and takes the active queue back.
    pub fn recover(&self) -> Result<Recovered, SpoolError> {
        let mut recovered = Recovered::default();
        let incoming = self
            .inner
            .directory
            .join(directory_name(QueueName::Incoming));
        for entry in std::fs::read_dir(&incoming).map_err(SpoolError::at(&incoming))? {
            let entry = entry.map_err(SpoolError::at(&incoming))?;
            let path = entry.path();
            let meta = entry.metadata().map_err(SpoolError::at(&path))?;
            if meta.is_file() && meta.mode() & COMPLETE != COMPLETE {
                std::fs::remove_file(&path).map_err(SpoolError::at(&path))?;
                recovered.incomplete += 1;
            }
        }
        for (id, _) in self.scan(QueueName::Active)? {
            self.move_to(QueueName::Active, QueueName::Incoming, &id)?;
            recovered.active += 1;
        }
        Ok(recovered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message, spool};
    use super::*;

    #[test]
    fn unfinished_goes_active_comes_back_complete_stays() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(dir.path());
        let waiting = message(&spool, &["a@b.test"]);
        let active = message(&spool, &["a@b.test"]);
        spool.activate(QueueName::Incoming, &active).unwrap();
        // What kill -9 leaves: a file without its mode.
        std::mem::forget(spool.create().unwrap());
        std::fs::write(dir.path().join("incoming/99.1"), "").unwrap();
        let recovered = spool.recover().unwrap();
        assert_eq!((recovered.incomplete, recovered.active), (2, 1));
        let mut found: Vec<_> = spool.scan(QueueName::Incoming).unwrap();
        found.sort();
        let mut expected = [waiting, active];
        expected.sort();
        assert_eq!(
            found.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
    }
}
