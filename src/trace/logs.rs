//! The logs that are searched, cut into chunks that any thread can read at any time.
//!
//! In: paths. Out: [`Chunk`]s in the order of the logs, each with the time it covers, and their lines in blocks
//! ([`Logs::read`]). A plain file is read by position; a compressed one is one chunk, opened and decompressed
//! again each time it is needed, and so is one whose entries are encoded, which come out as plain lines;
//! standard input is put into an unnamed temporary file first. It knows nothing of what is searched for.

use crate::logparse::source::{self, Content, Input, Lines, MAX_LINE, SourceError};
use crate::logparse::{Line, Parser, Record, Reference};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a plain file that are read at once: they stay in a core's own cache while they are searched.
const CHUNK: u64 = 512 * 1024;
/// Bytes of a stream that are searched at once.
const BLOCK: usize = 512 * 1024;
/// Bytes from which a log's form is told.
const HEAD: usize = 4 * 1024;
/// How many lines of a chunk are tried for a stamp.
const TRIES: usize = 50;

/// Where a line stands: the number of its log and the byte it begins at, decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Which log.
    pub log: usize,
    /// Which byte.
    pub at: u64,
}

/// A stretch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Which log.
    pub log: usize,
    /// Lines that begin here or behind ...
    pub start: u64,
    /// ... and before here.
    pub end: u64,
    /// When its lines were written, as far as its ends tell: microseconds, earliest and latest. All of time
    /// when nothing tells.
    pub time: (i64, i64),
}

impl Chunk {
    /// Whether it may hold lines of this period.
    pub fn overlaps(&self, from: i64, to: i64) -> bool {
        self.time.0 <= to && self.time.1 >= from
    }
}

/// One log.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    kind: Kind,
    reference: Reference,
}

#[derive(Debug)]
enum Kind {
    /// Any part can be read.
    Plain(File, u64),
    /// Only from the front, again and again.
    Packed,
    /// The same; its entries do not stand there as lines that can be searched (JSON, journal exports).
    Encoded,
}

/// The logs of one search.
#[derive(Debug)]
pub struct Logs {
    logs: Vec<Log>,
    chunks: Vec<Chunk>,
    /// What was found wrong; noted by any thread, for a moment.
    problems: Mutex<Vec<SourceError>>,
}

impl Logs {
    /// Opens them, oldest first. An error when not one of them can be opened.
    pub fn open(inputs: Vec<Input>) -> Result<Self, SourceError> {
        let mut logs = Vec::new();
        let mut problems = Vec::new();
        for input in inputs {
            match open(input) {
                Ok(log) => logs.push(log),
                Err(error) => problems.push(error),
            }
        }
        if logs.is_empty() && !problems.is_empty() {
            return Err(problems.swap_remove(0));
        }
        let mut this = Self {
            chunks: cut(&logs),
            logs,
            problems: Mutex::new(problems),
        };
        this.date();
        Ok(this)
    }

    /// The logs that could not be read, or not to their ends.
    pub fn problems(&self) -> Vec<SourceError> {
        std::mem::take(&mut *self.problems.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Their names.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.logs.iter().map(|log| log.path.as_path())
    }

    /// All chunks; those of one log stand together and in order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// A parser for the lines of a log.
    pub fn parser(&self, log: usize) -> Parser {
        Parser::new(
            self.logs
                .get(log)
                .map_or_else(Reference::now, |log| log.reference),
        )
    }

    /// Gives whole lines in blocks, each with the place of its first byte. `buffer` is spare memory.
    pub fn read(
        &self,
        chunk: &Chunk,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(Place, &[u8]),
    ) -> Result<(), SourceError> {
        let Some(log) = self.logs.get(chunk.log) else {
            return Ok(());
        };
        match &log.kind {
            Kind::Plain(file, _) => match whole_lines(file, chunk, buffer) {
                Ok(Some((at, lines))) => {
                    each(Place { log: chunk.log, at }, lines);
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(error) => Err(SourceError::new(&log.path, &error)),
            },
            Kind::Packed | Kind::Encoded => {
                let opened = source::open(&log.path)?;
                let stream = opened.content.reader();
                let mut each = |at: u64, lines: &[u8]| each(Place { log: chunk.log, at }, lines);
                let read = match log.kind {
                    Kind::Encoded => {
                        decoded_blocks(stream, &mut self.parser(chunk.log), buffer, &mut each)
                    }
                    _ => stream_blocks(stream, buffer, &mut each),
                };
                read.map_err(|error| SourceError::new(&log.path, &error))?;
                if let Some(damage) = opened.damage.take() {
                    let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
                    // Each pass meets it.
                    if problems.iter().all(|known| known.path != damage.path) {
                        problems.push(damage);
                    }
                }
                Ok(())
            }
        }
    }

    /// A packed log has been read through: its lines are of this time.
    pub fn set_time(&mut self, chunk: usize, time: (i64, i64)) {
        if let Some(chunk) = self.chunks.get_mut(chunk)
            && !matches!(self.logs[chunk.log].kind, Kind::Plain(..))
        {
            chunk.time = time;
        }
    }

    /// Whether a chunk's time is known only after it has been read through.
    pub fn is_packed(&self, chunk: &Chunk) -> bool {
        !matches!(self.logs[chunk.log].kind, Kind::Plain(..))
    }

    /// Finds out when the chunks of plain files were written: from the first stamp in each to the first one
    /// behind it.
    fn date(&mut self) {
        let mut buffer = vec![0; 16 * 1024];
        let firsts: Vec<Option<i64>> = self
            .chunks
            .iter()
            .map(|chunk| self.first_stamp(chunk, &mut buffer))
            .collect();
        for at in 0..self.chunks.len() {
            let next = self
                .chunks
                .get(at + 1)
                .filter(|next| next.log == self.chunks[at].log)
                .and_then(|_| firsts[at + 1]);
            let Some(first) = firsts[at] else { continue };
            let last = match next {
                Some(next) => next,
                None => self
                    .last_stamp(&self.chunks[at], &mut buffer)
                    .unwrap_or(i64::MAX),
            };
            self.chunks[at].time = (first.min(last), first.max(last));
        }
    }

    /// The last stamp near the end of a chunk.
    fn last_stamp(&self, chunk: &Chunk, buffer: &mut [u8]) -> Option<i64> {
        let Kind::Plain(file, _) = &self.logs[chunk.log].kind else {
            return None;
        };
        let from = chunk.end.saturating_sub(buffer.len() as u64);
        let got = file.read_at(buffer, from).ok()?;
        let mut parser = self.parser(chunk.log);
        buffer[..got]
            .rsplit(|b| *b == b'\n')
            .take(TRIES)
            .find_map(|line| parser.header(line).map(|header| header.time.micros))
    }

    fn first_stamp(&self, chunk: &Chunk, buffer: &mut [u8]) -> Option<i64> {
        let Kind::Plain(file, _) = &self.logs[chunk.log].kind else {
            return None;
        };
        let from = chunk.start.saturating_sub(1);
        let got = file.read_at(buffer, from).ok()?;
        let mut lines = &buffer[..got];
        if chunk.start > 0 {
            let end = memchr::memchr(b'\n', lines)?;
            lines = &lines[end + 1..];
        }
        let mut parser = self.parser(chunk.log);
        lines
            .split(|b| *b == b'\n')
            .take(TRIES)
            .find_map(|line| parser.header(line).map(|header| header.time.micros))
    }
}

fn open(input: Input) -> Result<Log, SourceError> {
    let path = input.path().to_owned();
    let opened = input.open()?;
    let reference = reference(opened.modified);
    let again = std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
    let fail = |error: io::Error| SourceError::new(&path, &error);
    let kind = match opened.content {
        Content::File(file, size) => {
            let mut head = vec![0; HEAD];
            let got = file.read_at(&mut head, 0).map_err(fail)?;
            match (is_encoded(&head[..got]), again) {
                (false, _) => Kind::Plain(file, size),
                (true, true) => Kind::Encoded,
                (true, false) => spool(Box::new(file), reference).map_err(fail)?,
            }
        }
        Content::Stream(stream) if again => {
            let mut head = Vec::new();
            stream
                .take(HEAD as u64)
                .read_to_end(&mut head)
                .map_err(fail)?;
            if is_encoded(&head) {
                Kind::Encoded
            } else {
                Kind::Packed
            }
        }
        // A pipe can be read only once.
        Content::Stream(stream) => spool(stream, reference).map_err(fail)?,
    };
    Ok(Log {
        path,
        kind,
        reference,
    })
}

/// Puts a stream's lines into an unnamed file.
fn spool(mut stream: Box<dyn Read + Send>, reference: Reference) -> io::Result<Kind> {
    let mut head = Vec::new();
    stream.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let encoded = is_encoded(&head);
    let mut whole = io::Cursor::new(head).chain(stream);
    let mut file = tempfile::tempfile()?;
    let size = if encoded {
        let mut written = Ok(());
        let mut size = 0;
        let mut parser = Parser::new(reference);
        decoded_blocks(
            Box::new(whole),
            &mut parser,
            &mut Vec::new(),
            &mut |_, lines| {
                size += lines.len() as u64;
                if written.is_ok() {
                    written = file.write_all(lines);
                }
            },
        )?;
        written?;
        size
    } else {
        io::copy(&mut whole, &mut file)?
    };
    Ok(Kind::Plain(file, size))
}

/// The file's age tells the year of stamps that have none.
fn reference(modified: Option<SystemTime>) -> Reference {
    modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .map_or_else(Reference::now, Reference::at)
}

fn cut(logs: &[Log]) -> Vec<Chunk> {
    let always = (i64::MIN, i64::MAX);
    let mut chunks = Vec::new();
    for (at, log) in logs.iter().enumerate() {
        let (size, step) = match log.kind {
            Kind::Plain(_, size) => (size, CHUNK),
            Kind::Packed | Kind::Encoded => (u64::MAX, u64::MAX),
        };
        let mut start = 0;
        while start < size {
            let end = start.saturating_add(step).min(size);
            chunks.push(Chunk {
                log: at,
                start,
                end,
                time: always,
            });
            start = end;
        }
    }
    chunks
}

/// The lines that begin in a chunk, and where the first of them does.
fn whole_lines<'b>(
    file: &File,
    chunk: &Chunk,
    buffer: &'b mut Vec<u8>,
) -> io::Result<Option<(u64, &'b [u8])>> {
    // One byte more in front tells whether a line begins with the chunk.
    let from = chunk.start.saturating_sub(1);
    let length = usize::try_from(chunk.end - from).unwrap_or(usize::MAX);
    let mut got = fill(file, from, buffer, 0, length)?;
    let mut begin = 0;
    if chunk.start > 0 {
        let Some(end) = memchr::memchr(b'\n', &buffer[..got]) else {
            return Ok(None);
        };
        begin = end + 1;
        if begin >= length {
            return Ok(None);
        }
    }
    // The last line goes on behind the chunk.
    let mut searched = got.saturating_sub(1).max(begin);
    while got >= length && memchr::memchr(b'\n', &buffer[searched..got]).is_none() {
        let more = if got > length + MAX_LINE { 0 } else { 4096 };
        searched = got;
        let now = fill(file, from, buffer, got, more)?;
        if now == got {
            break;
        }
        got = now;
    }
    let end = memchr::memchr(b'\n', &buffer[searched..got]).map_or(got, |at| searched + at + 1);
    Ok((begin < end).then(|| (from + begin as u64, &buffer[begin..end])))
}

/// Reads `more` bytes behind the first `got` of the buffer, which stands at `from`; how many there are now.
fn fill(
    file: &File,
    from: u64,
    buffer: &mut Vec<u8>,
    got: usize,
    more: usize,
) -> io::Result<usize> {
    let wanted = got + more;
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    let mut got = got;
    while got < wanted {
        match file.read_at(&mut buffer[got..wanted], from + got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Whether entries are written so that their text does not stand in them as it is: JSON (one object a line) or
/// the journal's export format (systemd.io/JOURNAL_EXPORT_FORMATS), whose entries take several lines.
fn is_encoded(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    head.starts_with(b"{")
        || head.starts_with(b"__CURSOR=")
        || head.starts_with(b"__REALTIME_TIMESTAMP=")
}

/// The entries of an encoded log as plain lines, block by block.
fn decoded_blocks(
    stream: Box<dyn Read + Send>,
    parser: &mut Parser,
    buffer: &mut Vec<u8>,
    each: &mut dyn FnMut(u64, &[u8]),
) -> io::Result<()> {
    let mut at = 0;
    buffer.clear();
    let mut lines = Lines::new(stream);
    while let Some(raw) = lines.next_raw()? {
        if let Line::Postfix(record) = parser.read(raw) {
            plain(&record, buffer);
        }
        if buffer.len() >= BLOCK {
            each(at, buffer);
            at += buffer.len() as u64;
            buffer.clear();
        }
    }
    each(at, buffer);
    Ok(())
}

/// A record as a line with a stamp of RFC 3339.
fn plain(record: &Record<'_>, out: &mut Vec<u8>) {
    let time = super::words::local(record.time).unwrap_or_default();
    let stamp = time.to_rfc3339_opts(chrono::SecondsFormat::Micros, false);
    out.extend_from_slice(stamp.as_bytes());
    out.push(b' ');
    out.extend_from_slice(if record.host.is_empty() {
        b"-"
    } else {
        record.host
    });
    out.push(b' ');
    out.extend_from_slice(record.tag);
    out.extend_from_slice(format!("[{}]: ", record.pid).as_bytes());
    let start = out.len();
    out.extend_from_slice(record.text);
    for byte in out[start..].iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b' ';
    }
    out.push(b'\n');
}

/// Whole lines of a stream, block by block. A line longer than [`MAX_LINE`] comes in pieces.
fn stream_blocks(
    mut stream: Box<dyn Read + Send>,
    buffer: &mut Vec<u8>,
    each: &mut dyn FnMut(u64, &[u8]),
) -> io::Result<()> {
    let mut at = 0;
    let mut got = 0;
    loop {
        if buffer.len() < got + BLOCK {
            buffer.resize(got + BLOCK, 0);
        }
        let n = match stream.read(&mut buffer[got..]) {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let ended = n == 0;
        got += n;
        if !ended && got < BLOCK / 2 {
            continue;
        }
        let whole = if ended || got > MAX_LINE {
            got
        } else {
            memchr::memrchr(b'\n', &buffer[..got]).map_or(0, |end| end + 1)
        };
        if whole > 0 {
            each(at, &buffer[..whole]);
            buffer.copy_within(whole..got, 0);
            at += whole as u64;
            got -= whole;
        }
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(logs: &Logs) -> Vec<(u64, Vec<u8>)> {
        let mut buffer = Vec::new();
        let mut out = Vec::new();
        for chunk in logs.chunks() {
            logs.read(chunk, &mut buffer, &mut |place, block| {
                let mut at = place.at;
                for line in block.split_inclusive(|b| *b == b'\n') {
                    out.push((at, line.to_vec()));
                    at += line.len() as u64;
                }
            })
            .unwrap();
        }
        out
    }

    #[test]
    fn every_line_is_in_one_chunk_plain_and_packed() {
        let directory = tempfile::tempdir().unwrap();
        let mut text = Vec::new();
        for n in 0..60_000usize {
            let filler = "x".repeat(n % 97);
            writeln!(text, "Nov 22 08:48:35 mx postfix/smtpd[{n}]: {filler}").unwrap();
        }
        // A line longer than two chunks, and one without an end.
        text.extend(std::iter::repeat_n(b'y', 3 * 512 * 1024));
        text.extend_from_slice(b"\nthe end");
        let expected: Vec<_> = text
            .split_inclusive(|b| *b == b'\n')
            .scan(0, |at, line| {
                let here = *at;
                *at += line.len() as u64;
                Some((here, line.to_vec()))
            })
            .collect();
        let plain = directory.path().join("log");
        std::fs::write(&plain, &text).unwrap();
        let packed = directory.path().join("log.gz");
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(&text).unwrap();
        std::fs::write(&packed, zip.finish().unwrap()).unwrap();
        let logs = Logs::open(vec![plain.into()]).unwrap();
        assert!(logs.chunks().len() > 5);
        let whole: Vec<_> = lines_of(&logs);
        assert_eq!(whole.len(), 60_002);
        let short = |lines: &[(u64, Vec<u8>)]| -> Vec<(u64, usize)> {
            lines.iter().map(|(at, line)| (*at, line.len())).collect()
        };
        // The long line is cut where nobody looks.
        assert_eq!(short(&whole)[..60_000], short(&expected)[..60_000]);
        assert_eq!(whole.last(), expected.last());
        let logs = Logs::open(vec![packed.into()]).unwrap();
        assert_eq!(logs.chunks().len(), 1);
        assert_eq!(lines_of(&logs)[..60_000], expected[..60_000]);
    }

    #[test]
    fn chunks_know_their_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut text = Vec::new();
        for n in 0..30_000 {
            writeln!(
                text,
                "2026-11-22T{:02}:{:02}:00Z mx postfix/smtpd[1]: connect from a[192.0.2.1]",
                n / 60 % 24,
                n % 60
            )
            .unwrap();
        }
        std::fs::write(&path, text).unwrap();
        let logs = Logs::open(vec![path.into()]).unwrap();
        let day = 1_795_305_600_000_000;
        assert_eq!(logs.chunks()[0].time.0, day);
        assert!(logs.chunks()[1].time.0 > day);
        assert!(logs.chunks()[0].overlaps(day, day));
        assert!(!logs.chunks()[0].overlaps(day - 9, day - 1));
    }
}
