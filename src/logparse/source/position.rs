//! Where in which file a reader stands, so that a later run goes on there.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// How many of a file's first bytes tell it from its successors: the first line with its time.
pub(super) const HEAD: usize = 256;

/// A place in a log: everything before it has been handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Device of the file.
    pub device: u64,
    /// Inode of the file.
    pub inode: u64,
    /// Bytes handed over, always at the start of a line.
    pub offset: u64,
    /// The file's first bytes: an inode number is used again after its file is gone.
    pub fingerprint: Fingerprint,
    /// In a journal: journalctl's cursor of the last entry handed over. Nothing else but `offset`, the bytes
    /// handed over, counts there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Position {
    /// The place `offset`, a line's start, in an open file.
    pub fn of(file: &File, offset: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            offset,
            fingerprint: Fingerprint::of(&read_head(file, offset)?),
            cursor: None,
        })
    }
}

/// A hash of a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many bytes were hashed, at most 256.
    pub length: u64,
    /// FNV-1a, 64 bits: the same on every machine and in every version.
    pub hash: u64,
}

impl Fingerprint {
    /// The fingerprint of these bytes.
    pub fn of(head: &[u8]) -> Self {
        let hash = head.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self {
            length: head.len() as u64,
            hash,
        }
    }

    /// Whether a file that begins with `head` may be the one this was taken from.
    pub(super) fn matches(self, head: &[u8]) -> bool {
        usize::try_from(self.length).is_ok_and(|length| {
            head.get(..length)
                .is_some_and(|start| Self::of(start) == self)
        })
    }
}

/// The positions of several logs by path, as they are kept in a file of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Positions(pub BTreeMap<PathBuf, Position>);

impl Positions {
    /// Reads what [`Positions::save`] wrote; a missing file is no positions.
    pub fn load(path: &Path) -> io::Result<Self> {
        match std::fs::read(path) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes a new file and renames it into place, so that a crash leaves the old one or the new one.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}", std::process::id()));
        std::fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&temporary, path)
    }
}

/// The first bytes of a file, at most [`HEAD`] and at most `limit`.
pub(super) fn read_head(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD.min(usize::try_from(limit).unwrap_or(HEAD))];
    let mut got = 0;
    while got < head.len() {
        match file.read_at(&mut head[got..], got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(got);
    Ok(head)
}

/// A file's identity while it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub device: u64,
    pub inode: u64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("positions.json");
        assert_eq!(Positions::load(&path).unwrap(), Positions::default());
        let mut positions = Positions::default();
        positions.0.insert(
            "/var/log/mail.log".into(),
            Position {
                device: 1,
                inode: 2,
                offset: 3,
                fingerprint: Fingerprint::of(b"Nov 22"),
                cursor: None,
            },
        );
        positions.save(&path).unwrap();
        assert_eq!(Positions::load(&path).unwrap(), positions);
    }

    #[test]
    fn a_fingerprint_knows_a_file_that_has_grown_but_not_another() {
        let fingerprint = Fingerprint::of(b"Nov 22 08");
        assert!(fingerprint.matches(b"Nov 22 08:48:34 fire"));
        assert!(!fingerprint.matches(b"Nov 23 08:48:34 fire"));
        assert!(!fingerprint.matches(b"Nov 22"));
    }
}
