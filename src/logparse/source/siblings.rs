//! The rotated files beside a log: `mail.log.1`, `mail.log-20261122`. A follower that slept through a
//! rotation finds there what it has not read.

use super::position::{Identity, read_head};
use std::ffi::OsString;
use std::fs::{DirEntry, File};
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::Path;
use std::time::SystemTime;

/// One rotated file, open, so that another rotation cannot take it away.
#[derive(Debug)]
pub(super) struct Sibling {
    pub file: File,
    pub identity: Identity,
    pub head: Vec<u8>,
    pub size: u64,
    modified: SystemTime,
    /// The number of `.N`; higher is older. 0 for dated names.
    number: u64,
}

impl Sibling {
    /// What remains known of it after it is closed.
    pub(super) fn known(&self) -> Known {
        Known {
            identity: self.identity,
            head: self.head.clone(),
        }
    }

    /// Whether it was last written after `other`.
    pub(super) fn newer_than(&self, other: &Self) -> bool {
        (self.modified, std::cmp::Reverse(self.number))
            > (other.modified, std::cmp::Reverse(other.number))
    }
}

/// A file that was seen before.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub identity: Identity,
    pub head: Vec<u8>,
}

impl Known {
    /// Whether it is that file: the same inode, and the same first bytes as far as both had any.
    pub(super) fn is(&self, sibling: &Sibling) -> bool {
        self.identity == sibling.identity && heads_agree(&self.head, &sibling.head)
    }
}

/// Whether one head is the beginning of the other.
pub(super) fn heads_agree(a: &[u8], b: &[u8]) -> bool {
    let shorter = a.len().min(b.len());
    a[..shorter] == b[..shorter]
}

/// All plain rotated files beside `path`, the oldest first. What cannot be read is left out: there is
/// nothing to be had from it.
pub(super) fn list(path: &Path) -> Vec<Sibling> {
    let mut siblings: Vec<Sibling> = Vec::new();
    for (entry, number) in entries(path) {
        if let Some(sibling) = open(&entry.path(), number)
            && siblings.iter().all(|s| s.identity != sibling.identity)
        {
            siblings.push(sibling);
        }
    }
    siblings.sort_by(|a, b| {
        (a.modified, std::cmp::Reverse(a.number)).cmp(&(b.modified, std::cmp::Reverse(b.number)))
    });
    siblings
}

/// Names and inodes of the rotated files, and the log's own inode: two equal answers mean that no rename
/// came between.
pub(super) fn names(path: &Path) -> (Option<u64>, Vec<(OsString, u64)>) {
    let mut names: Vec<_> = entries(path)
        .map(|(entry, _)| (entry.file_name(), entry.ino()))
        .collect();
    names.sort();
    (std::fs::metadata(path).ok().map(|m| m.ino()), names)
}

/// Directory entries of rotated files, with their numbers.
fn entries(path: &Path) -> impl Iterator<Item = (DirEntry, u64)> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let other = entry.file_name();
        let suffix = other
            .as_encoded_bytes()
            .strip_prefix(name.as_encoded_bytes())?;
        let number = rotation_number(suffix)?;
        Some((entry, number))
    })
}

/// `.1` gives 1, `-20261122` gives 0; other endings are no plain rotated file.
fn rotation_number(suffix: &[u8]) -> Option<u64> {
    let (first, rest) = suffix.split_first()?;
    let text = std::str::from_utf8(rest).ok()?;
    match first {
        b'.' => text.parse().ok(),
        b'-' | b'_' if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => Some(0),
        _ => None,
    }
}

fn open(path: &Path, number: u64) -> Option<Sibling> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() {
        return None;
    }
    Some(Sibling {
        identity: Identity::of(&metadata),
        head: read_head(&file, u64::MAX).ok()?,
        size: metadata.len(),
        modified: metadata.modified().ok()?,
        number,
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_rotated_names_count() {
        assert_eq!(rotation_number(b".1"), Some(1));
        assert_eq!(rotation_number(b"-20261122"), Some(0));
        for other in [&b""[..], b".gz", b".1.gz", b".bak", b"-old", b"x"] {
            assert_eq!(rotation_number(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_oldest_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        for (name, age) in [("log.1", 10), ("log.2", 20), ("log.10", 30)] {
            let file = directory.path().join(name);
            std::fs::write(&file, name).unwrap();
            let when = SystemTime::now() - std::time::Duration::from_secs(age);
            File::options()
                .write(true)
                .open(&file)
                .unwrap()
                .set_modified(when)
                .unwrap();
        }
        let heads: Vec<Vec<u8>> = list(&path).into_iter().map(|s| s.head).collect();
        assert_eq!(
            heads,
            vec![b"log.10".to_vec(), b"log.2".to_vec(), b"log.1".to_vec()]
        );
    }
}
