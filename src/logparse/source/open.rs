//! Opening a log for reading it once: a file, standard input, plain or gzip (told by content).

use super::error::SourceError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

/// A log opened for reading once.
pub struct Source {
    /// The bytes, decompressed.
    pub content: Content,
    /// When the file was last written: the year of stamps without one is inferred from it. `None` for a pipe.
    pub modified: Option<SystemTime>,
}

/// How the bytes can be had.
pub enum Content {
    /// A plain file of so many bytes: any part of it can be read, in any order, by any thread.
    File(File, u64),
    /// A pipe or a compressed file: from the front only.
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

/// gzip's magic number (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens `path`; `-` is standard input.
pub fn open(path: &Path) -> Result<Source, SourceError> {
    let fail = |error: io::Error| SourceError::new(path, &error);
    if path.as_os_str() == "-" {
        let content = detect(Box::new(io::stdin())).map_err(fail)?;
        return Ok(Source {
            content,
            modified: Some(SystemTime::now()),
        });
    }
    let mut file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if metadata.is_dir() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    let modified = metadata.modified().ok();
    let content = if metadata.is_file() {
        let mut magic = [0; 2];
        let is_gzip = read_start(&mut file, &mut magic).map_err(fail)? == 2 && magic == GZIP;
        file.rewind().map_err(fail)?;
        if is_gzip {
            Content::Stream(Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(
                256 * 1024,
                file,
            ))))
        } else {
            Content::File(file, metadata.len())
        }
    } else {
        detect(Box::new(file)).map_err(fail)?
    };
    Ok(Source { content, modified })
}

/// Looks at a stream's first bytes and puts them back in front.
fn detect(mut stream: Box<dyn Read + Send>) -> io::Result<Content> {
    let mut magic = [0; 2];
    let got = read_start(&mut stream, &mut magic)?;
    let whole = io::Cursor::new(magic[..got].to_vec()).chain(stream);
    Ok(Content::Stream(if got == 2 && magic == GZIP {
        Box::new(MultiGzDecoder::new(whole))
    } else {
        Box::new(whole)
    }))
}

fn read_start(stream: &mut impl Read, magic: &mut [u8; 2]) -> io::Result<usize> {
    let mut got = 0;
    while got < magic.len() {
        match stream.read(&mut magic[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// A part of a plain file, read by position so that several threads can share the file.
#[derive(Debug)]
pub struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Part<'_> {
    /// Where in the file the next read begins.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are still to be read.
    pub fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Gives away the second half of what is still to be read, cut at a line end; `None` when no line
    /// ends there.
    pub fn give_half(&mut self) -> io::Result<Option<Self>> {
        let middle = line_end(self.file, self.at + self.left() / 2, self.end)?;
        let given = (middle < self.end).then_some(Self {
            file: self.file,
            at: middle,
            end: self.end,
        });
        self.end = middle;
        Ok(given)
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let got = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// Cuts the first `size` bytes of a file into at most `count` parts that begin and end at line ends.
pub fn parts(file: &File, size: u64, count: u64) -> io::Result<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for i in 1..=count.max(1) {
        let end = if i == count.max(1) {
            size
        } else {
            line_end(file, size / count * i, size)?
        };
        if end > start {
            parts.push(Part {
                file,
                at: start,
                end,
            });
            start = end;
        }
    }
    Ok(parts)
}

/// The position behind the first line end at or after `at`, or `size`.
fn line_end(file: &File, mut at: u64, size: u64) -> io::Result<u64> {
    let mut block = [0; 4096];
    while at < size {
        let got = file.read_at(&mut block, at)?;
        if got == 0 {
            break;
        }
        if let Some(found) = memchr::memchr(b'\n', &block[..got]) {
            return Ok((at + found as u64 + 1).min(size));
        }
        at += got as u64;
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn gzip_is_known_by_its_content_not_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mail.log");
        let mut zipped = Vec::new();
        for text in ["one\n", "two\n"] {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            zipped.extend(encoder.finish().unwrap());
        }
        std::fs::write(&path, zipped).unwrap();
        let mut text = String::new();
        open(&path)
            .unwrap()
            .content
            .reader()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "one\ntwo\n", "all members of the file are read");
    }

    #[test]
    fn parts_cover_a_file_once_and_end_at_line_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let lines: Vec<String> = (0..1000).map(|i| format!("line {i}\n")).collect();
        let text = lines.concat();
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        for count in [1, 2, 3, 7, 5000] {
            let mut joined = String::new();
            for mut part in parts(&file, text.len() as u64, count).unwrap() {
                let mut piece = String::new();
                part.read_to_string(&mut piece).unwrap();
                assert!(piece.ends_with('\n'));
                joined.push_str(&piece);
            }
            assert_eq!(joined, text, "{count} parts");
        }
    }

    #[test]
    fn a_half_that_is_given_away_begins_at_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let lines: Vec<String> = (0..1000).map(|i| format!("line {i}\n")).collect();
        let text = lines.concat();
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        let mut whole = parts(&file, text.len() as u64, 1).unwrap();
        let mut begun = [0; 100];
        whole[0].read_exact(&mut begun).unwrap();
        let mut joined = begun.to_vec();
        let mut half = whole[0].give_half().unwrap().unwrap();
        assert!(half.left().abs_diff(whole[0].left()) < 30);
        whole[0].read_to_end(&mut joined).unwrap();
        assert_eq!(joined.last(), Some(&b'\n'));
        assert_eq!(joined.len() as u64, half.at());
        half.read_to_end(&mut joined).unwrap();
        assert_eq!(joined, text.as_bytes());
        assert!(half.give_half().unwrap().is_none());
    }

    #[test]
    fn a_directory_is_an_error_that_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let Err(error) = open(directory.path()) else {
            panic!("a directory was opened as a log");
        };
        assert_eq!(error.reason, "is a directory");
    }
}
