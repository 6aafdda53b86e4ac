//! Names that rotation gives: which files of a directory belong to a log.
//!
//! Known are numbers (`mail.log.1`, `mail.log.0`), dates (`mail.log-20261115`, `mail.log-20261115-1794700800`,
//! `maillog.20261115-000000` of postfix(1) logrotate, `mail.log-2026-11-15_03`), logrotate's `extension`
//! (`mail-20261115.log`, `mail.1.log`), and any of these with the ending of a compressor.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirEntryExt as _;
use std::path::{Path, PathBuf};

/// Endings of archives. They only make a file a candidate; what it is, its content tells.
const ARCHIVES: [&[u8]; 8] = [
    b".gz", b".xz", b".zst", b".bz2", b".Z", b".lz4", b".lzma", b".lz",
];

/// The files of a log; two equal listings mean that nothing was renamed between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// The live log first.
    pub paths: Vec<PathBuf>,
    inodes: Vec<(OsString, u64)>,
}

/// The files of the log at `live`: beside it and, where it is a link, beside what it leads to.
pub(super) fn of(live: &Path) -> Listing {
    let mut listing = Listing {
        paths: vec![live.to_owned()],
        inodes: Vec::new(),
    };
    add(&mut listing, live);
    if let Ok(target) = std::fs::canonicalize(live)
        && std::fs::symlink_metadata(live).is_ok_and(|m| m.is_symlink())
    {
        add(&mut listing, &target);
    }
    listing.inodes.sort();
    listing
}

fn add(listing: &mut Listing, live: &Path) {
    let directory = match live.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let Some(name) = live.file_name() else { return };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries {
        let other = entry.file_name();
        let is_live = other == name;
        if is_live || is_rotated(name.as_bytes(), other.as_bytes()) {
            // As the live log was named, so that messages name files as the user would.
            if !is_live {
                listing.paths.push(live.with_file_name(&other));
            }
            listing.inodes.push((other, entry.ino()));
        }
    }
}

/// Whether a file called `other` is one that a log called `name` was rotated to.
fn is_rotated(name: &[u8], other: &[u8]) -> bool {
    let plain = without_archive(other).unwrap_or(other);
    if plain == name {
        return plain != other;
    }
    if plain.strip_prefix(name).is_some_and(is_mark) {
        return true;
    }
    // logrotate's `extension .log`: the mark stands before the extension.
    let Some(dot) = memchr::memrchr(b'.', name).filter(|dot| *dot > 0) else {
        return false;
    };
    let (stem, extension) = name.split_at(dot);
    plain
        .strip_prefix(stem)
        .and_then(|rest| rest.strip_suffix(extension))
        .is_some_and(is_mark)
}

/// A number or a date behind its separator.
fn is_mark(mark: &[u8]) -> bool {
    let Some((b'.' | b'-' | b'_', rest)) = mark.split_first() else {
        return false;
    };
    rest.first().is_some_and(u8::is_ascii_digit)
        && rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"-_.:T".contains(byte))
}

fn without_archive(name: &[u8]) -> Option<&[u8]> {
    ARCHIVES
        .iter()
        .find_map(|ending| name.strip_suffix(*ending))
}

/// What an archive's file was called before it was compressed.
pub(super) fn uncompressed(path: &Path) -> Option<PathBuf> {
    let plain = without_archive(path.file_name()?.as_bytes())?;
    Some(path.with_file_name(OsStr::from_bytes(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotation_gives() {
        let all = [
            ("mail.log", "mail.log.1"),
            ("mail.log", "mail.log.0"),
            ("mail.log", "mail.log.2.gz"),
            ("mail.log", "mail.log.10.xz"),
            ("mail.log", "mail.log.3.zst"),
            ("mail.log", "mail.log.0.bz2"),
            ("mail.log", "mail.log.gz"),
            ("mail.log", "mail.log-20261115"),
            ("mail.log", "mail.log-20261115.gz"),
            ("mail.log", "mail.log-20261115-1794700800.gz"),
            ("mail.log", "mail.log-2026111503"),
            ("mail.log", "mail.log-2026-11-15T03:00"),
            ("mail.log", "mail-20261115.log.gz"),
            ("mail.log", "mail.1.log"),
            ("maillog", "maillog-20261115.zst"),
            ("maillog", "maillog.20261115-000000.gz"),
        ];
        for (log, rotated) in all {
            assert!(is_rotated(log.as_bytes(), rotated.as_bytes()), "{rotated}");
        }
    }

    #[test]
    fn other_names_are_other_files() {
        for other in [
            "mail.log",
            "mail.err.1",
            "mail.log.old",
            "mail.log.1.bak",
            "mail.log-",
            "mail.log.",
            "mail.log.gz.1x",
            "mail.log1",
            "xmail.log.1",
            "mail.info.1.gz",
            "mail..log",
        ] {
            assert!(!is_rotated(b"mail.log", other.as_bytes()), "{other}");
        }
    }
}
