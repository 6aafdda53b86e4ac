//! Opening a log for reading it once: a file, standard input, plain or compressed (told by content, never by
//! name), or a file of the systemd journal.

use super::compressed::{Format, MAGIC, Members, foreign};
use super::error::SourceError;
use super::journal::{Journal, Period, SIGNATURE};
use super::peek::Peek;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A log opened for reading once.
pub struct Source {
    /// The bytes, decompressed.
    pub content: Content,
    /// When the log was last written, as near as can be told: the year of stamps without one is inferred
    /// from it. `None` for a pipe.
    pub modified: Option<SystemTime>,
    /// What was found wrong while reading: to be asked once the content has been read to its end.
    pub damage: Trouble,
}

/// How the bytes can be had.
pub enum Content {
    /// A plain file of so many bytes: any part of it can be read, in any order, by any thread.
    File(File, u64),
    /// A pipe or a compressed file: from the front only. An archive that is damaged ends where the damage
    /// is, as if that were its end; [`Source::damage`] tells.
    Stream(Box<dyn Read + Send>),
}

impl Content {
    /// The bytes from the front.
    pub fn reader(self) -> Box<dyn Read + Send> {
        match self {
            Self::File(file, _) => Box::new(file),
            Self::Stream(stream) => stream,
        }
    }
}

/// What a reader found wrong with its log, shared between the reader (often in a thread of its own) and
/// whoever tells the user.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<SourceError>>>);

impl Trouble {
    /// What is wrong, if anything is; asked a second time, nothing.
    pub fn take(&self) -> Option<SourceError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes what is wrong; the first finding stays.
    pub(super) fn note(&self, error: SourceError) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.get_or_insert(error);
    }
}

/// Opens `path`; `-` is standard input.
pub fn open(path: &Path) -> Result<Source, SourceError> {
    let fail = |error: io::Error| SourceError::new(path, &error);
    let file = if path.as_os_str() == "-" {
        // The descriptor itself: a file at standard input is as good as one that was named.
        File::from(io::stdin().as_fd().try_clone_to_owned().map_err(fail)?)
    } else {
        File::open(path).map_err(fail)?
    };
    opened(path, file)
}

/// The log in a file that is open already.
pub(super) fn opened(path: &Path, mut file: File) -> Result<Source, SourceError> {
    let fail = |error: io::Error| SourceError::new(path, &error);
    let metadata = file.metadata().map_err(fail)?;
    if metadata.is_dir() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    let damage = Trouble::default();
    // Standard input may have been read in part by another program before us.
    if !metadata.is_file() || (path.as_os_str() == "-" && file.stream_position().map_err(fail)? > 0)
    {
        let mut input = Peek::new(file);
        let format = format(path, input.peek(MAGIC).map_err(fail)?)?;
        let content = match format {
            Some(_) => archive(input, path, &damage),
            None => Content::Stream(Box::new(input)),
        };
        return Ok(Source {
            content,
            modified: (path.as_os_str() == "-").then(SystemTime::now),
            damage,
        });
    }
    let mut start = [0; MAGIC];
    let got = read_start(&file, &mut start).map_err(fail)?;
    if start.starts_with(SIGNATURE) {
        return Journal::at(path.to_owned()).open(Period::default());
    }
    let format = format(path, &start[..got])?;
    let modified = last_write(format, &metadata, &start);
    file.rewind().map_err(fail)?;
    let content = match format {
        Some(_) => archive(Peek::new(file), path, &damage),
        None => Content::File(file, metadata.len()),
    };
    Ok(Source {
        content,
        modified,
        damage,
    })
}

/// The format of a log that begins so; an error for one that is not read.
pub(super) fn format(path: &Path, start: &[u8]) -> Result<Option<Format>, SourceError> {
    if let Some((name, program)) = foreign(start) {
        return Err(SourceError {
            path: path.to_owned(),
            reason: format!("is compressed by {name}, which mailtop does not read"),
            remedy: format!("{program} {} | mailtop report -", path.display()),
            kind: io::ErrorKind::Unsupported,
        });
    }
    Ok(Format::of(start))
}

fn archive(input: Peek<File>, path: &Path, damage: &Trouble) -> Content {
    Content::Stream(Box::new(Archive {
        members: Members::new(input),
        path: path.to_owned(),
        damage: damage.clone(),
    }))
}

/// The text of an archive, which ends at the damage if there is any.
struct Archive {
    members: Members<File>,
    path: PathBuf,
    damage: Trouble,
}

impl Read for Archive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.members.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.damage.note(SourceError::new(&self.path, &error));
                Ok(0)
            }
            result => result,
        }
    }
}

/// The time in gzip's header (RFC 1952 section 2.3.1): when the file that was compressed was last written.
fn gzip_time(start: &[u8; MAGIC]) -> Option<SystemTime> {
    // Zero is "not known" (`gzip -n`); Postfix was first released in 1998, and archives made to be
    // reproducible have small numbers there.
    const FIRST: u32 = 883_612_800;
    let seconds = u32::from_le_bytes([start[4], start[5], start[6], start[7]]);
    (seconds >= FIRST).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into()))
}

/// When the text of a .gz was last written. logrotate gives the .gz the time of the log, and that is the
/// better one: gzip's own is only the first member's, where archives were joined. But a copy (scp, a
/// download) is as young as the copying; half a year between the two can only come from that, and half a
/// year is far below what would move a stamp into another year.
fn written(metadata: &Metadata, inside: Option<SystemTime>) -> Option<SystemTime> {
    const COPIED: Duration = Duration::from_hours(180 * 24);
    let file = metadata.modified().ok();
    match (inside, file) {
        (Some(inside), Some(file)) if file.duration_since(inside).is_ok_and(|d| d > COPIED) => {
            Some(inside)
        }
        _ => file,
    }
}

/// When a log was last written, as near as can be told.
pub(super) fn last_write(
    format: Option<Format>,
    metadata: &Metadata,
    start: &[u8; MAGIC],
) -> Option<SystemTime> {
    match format {
        Some(Format::Gzip) => written(metadata, gzip_time(start)),
        _ => metadata.modified().ok(),
    }
}

/// A file's first bytes, by position.
pub(super) fn read_start(file: &File, start: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < start.len() {
        match file.read_at(&mut start[got..], got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use std::io::Write as _;

    /// A .gz whose header says when, in a file written when.
    fn gzip(inside: u32, file: u64) -> Option<SystemTime> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mail.log.2.gz");
        let out = File::create(&path).unwrap();
        let mut encoder = GzBuilder::new()
            .mtime(inside)
            .write(out, Compression::fast());
        encoder.write_all(b"one\n").unwrap();
        encoder
            .finish()
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(file))
            .unwrap();
        open(&path).unwrap().modified
    }

    #[test]
    fn the_time_of_a_gz_is_its_logs_and_not_its_copys() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let (log, soon, years) = (1_700_000_000, 1_700_090_000, 1_790_000_000);
        // logrotate keeps the log's own time, or compresses a day later.
        assert_eq!(gzip(1_700_000_000, log), at(log));
        assert_eq!(gzip(1_700_000_000, soon), at(soon));
        // Copied years later.
        assert_eq!(gzip(1_700_000_000, years), at(log));
        // gzip -n, and a made-up time.
        assert_eq!(gzip(0, soon), at(soon));
        assert_eq!(gzip(1, soon), at(soon));
    }

    #[test]
    fn a_directory_is_an_error_that_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let Err(error) = open(directory.path()) else {
            panic!("a directory was opened as a log");
        };
        assert_eq!(error.reason, "is a directory");
    }

    #[test]
    fn what_cannot_be_decompressed_names_the_program_that_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mail.log.2");
        std::fs::write(&path, b"\x04\x22\x4d\x18\x64\x40\xa7").unwrap();
        let Err(error) = open(&path) else {
            panic!("lz4 was taken for a log");
        };
        assert!(error.to_string().contains("try: lz4 -dc "), "{error}");
    }
}
