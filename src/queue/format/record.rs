//! The record codec: one type byte, the data's length in 7-bit groups (low group first, the high bit says
//! that more follow), the data.
//!
//! In: anything that can be read at an offset. Out: [`Record`]s, with pointer records followed and padding
//! skipped on request. It knows the names of the types ([`kind`]) and nothing of their meaning.

use super::FormatError;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Record types, by what they carry (Postfix's `rec_type.h` has the same letters).
pub mod kind {
    /// Six fixed-width numbers about the whole file; the first record.
    pub const SIZE: u8 = b'C';
    /// Arrival time, `seconds microseconds`.
    pub const TIME: u8 = b'T';
    /// Creation time, seconds (written as the attribute `create_time` today).
    pub const CREATE_TIME: u8 = b'c';
    /// Full name of a local sender.
    pub const FULL_NAME: u8 = b'F';
    /// Inspector transport (historical).
    pub const INSPECTOR: u8 = b'I';
    /// In the envelope: the content filter's `transport:nexthop`.
    pub const FILTER: u8 = b'L';
    /// Envelope sender.
    pub const SENDER: u8 = b'S';
    /// A recipient that is done: `R` overwritten in place.
    pub const DONE: u8 = b'D';
    /// A recipient to be delivered.
    pub const RECIPIENT: u8 = b'R';
    /// The recipient as it was before address rewriting and aliases.
    pub const ORIGINAL_RECIPIENT: u8 = b'O';
    /// A recipient cancelled by a Milter.
    pub const CANCELLED: u8 = b'/';
    /// When to warn the sender of the delay, seconds; rewritten in place.
    pub const WARN_TIME: u8 = b'W';
    /// `name=value`.
    pub const ATTRIBUTE: u8 = b'A';
    /// A record that was killed in place.
    pub const KILLED: u8 = b'K';
    /// Redirect target.
    pub const REDIRECT: u8 = b'>';
    /// VERP delimiters.
    pub const VERP: u8 = b'V';
    /// The content starts after this record.
    pub const MESSAGE: u8 = b'M';
    /// In the content: a line without its end (the next record goes on).
    pub const CONTINUED: u8 = b'L';
    /// In the content: a line, or the end of one.
    pub const NORMAL: u8 = b'N';
    /// In the content: padding, no data.
    pub const PADDING: u8 = b'w';
    /// The extracted segment starts after this record.
    pub const EXTRACTED: u8 = b'X';
    /// Go on reading at the offset given; 0 means go on here.
    pub const POINTER: u8 = b'p';
    /// The end of the file's meaning.
    pub const END: u8 = b'E';
    /// DSN: RET flags (today an attribute, `ret_flags`).
    pub const DSN_RET: u8 = b'<';
    /// DSN: envelope id (today an attribute, `envelope_id`).
    pub const DSN_ENVID: u8 = b'i';
    /// DSN: original recipient (today an attribute, `dsn_orig_rcpt`).
    pub const DSN_ORIG_RCPT: u8 = b'o';
    /// DSN: notify flags (today an attribute, `notify_flags`).
    pub const DSN_NOTIFY: u8 = b'n';
}

/// Length groups a record may have: four, as Postfix reads it with 32-bit integers.
const MAX_LENGTH_GROUPS: u32 = 4;

/// The longest record accepted, in bytes. Postfix itself never writes one above `line_length_limit` (2,048)
/// but copies what users hand it; this keeps a hostile file from claiming 256 MiB of our memory.
pub const MAX_RECORD: usize = 1 << 20;

/// Bytes read at once: the first block of most files holds the whole envelope.
pub const BLOCK: usize = 4096;

/// Something readable at an offset: a file, or bytes in memory.
pub trait ReadAt {
    /// Reads into `buffer` from `offset`; 0 is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..))
            .unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buffer, offset)
    }
}

/// One record as it lies in the scanner's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The type, one of [`kind`].
    pub kind: u8,
    /// The data.
    pub data: &'a [u8],
    /// Where the record starts in the file.
    pub offset: u64,
}

/// Reads records one after the other, in blocks, following pointer records.
///
/// Every byte of a sound file is read at most once in one pass, whatever its pointers, so a pass that has
/// read more bytes than the highest offset it has seen runs in a loop and is ended.
#[derive(Debug)]
pub struct Scanner<'s, S: ?Sized> {
    source: &'s S,
    block: Vec<u8>,
    block_start: u64,
    position: u64,
    consumed: u64,
    highest: u64,
}

impl<'s, S: ReadAt + ?Sized> Scanner<'s, S> {
    /// A scanner at the start of the file.
    pub fn new(source: &'s S) -> Self {
        Self::with_buffer(source, Vec::new())
    }

    /// The same, with a buffer that was used before: a walk over many files allocates once.
    pub fn with_buffer(source: &'s S, mut block: Vec<u8>) -> Self {
        block.clear();
        Self {
            source,
            block,
            block_start: 0,
            position: 0,
            consumed: 0,
            highest: 0,
        }
    }

    /// Gives the buffer back for the next file.
    pub fn into_buffer(self) -> Vec<u8> {
        self.block
    }

    /// The offset of the next record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on at `offset`. A step back starts a new pass for the loop check.
    pub fn seek(&mut self, offset: u64) {
        if offset < self.position {
            self.consumed = 0;
            self.highest = 0;
        }
        self.position = offset;
    }

    /// The next record as it stands in the file, pointers and padding too; `None` at the file's end.
    pub fn next_raw(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        let span = self.advance()?;
        Ok(span.map(|span| self.record(&span)))
    }

    /// The next record with pointers followed and padding skipped, as Postfix's own readers see the file.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        loop {
            let Some(span) = self.advance()? else {
                return Ok(None);
            };
            match span.kind {
                kind::POINTER => match number(&self.block[span.data.clone()]) {
                    None => {
                        return Err(FormatError::BadPointer {
                            offset: span.offset,
                        });
                    }
                    // A placeholder: go on here.
                    Some(0) => {}
                    Some(target) => self.position = target,
                },
                kind::PADDING => {}
                _ => return Ok(Some(self.record(&span))),
            }
        }
    }

    fn record(&self, span: &Span) -> Record<'_> {
        Record {
            kind: span.kind,
            data: &self.block[span.data.clone()],
            offset: span.offset,
        }
    }

    /// Reads one record into the block and steps over it.
    fn advance(&mut self) -> Result<Option<Span>, FormatError> {
        let offset = self.position;
        let Some((length, head)) = self.header(offset)? else {
            return Ok(None);
        };
        let size = head + length;
        if self.fill(offset, size)? < size {
            return Err(FormatError::Truncated { offset });
        }
        self.position = offset.saturating_add(size as u64);
        self.consumed = self.consumed.saturating_add(size as u64);
        self.highest = self.highest.max(self.position);
        if self.consumed > self.highest {
            return Err(FormatError::BadPointer { offset });
        }
        let start = self.index(offset);
        Ok(Some(Span {
            kind: self.block[start],
            data: start + head..start + size,
            offset,
        }))
    }

    /// The data's length and the bytes before it; `None` at the file's end.
    fn header(&mut self, offset: u64) -> Result<Option<(usize, usize)>, FormatError> {
        if self.fill(offset, 1)? == 0 {
            return Ok(None);
        }
        let mut length = 0usize;
        for group in 0..MAX_LENGTH_GROUPS {
            let at = 1 + group as usize;
            if self.fill(offset, at + 1)? <= at {
                return Err(FormatError::Truncated { offset });
            }
            let byte = self.block[self.index(offset) + at];
            length |= usize::from(byte & 0x7f) << (7 * group);
            if byte & 0x80 == 0 {
                if length > MAX_RECORD {
                    return Err(FormatError::TooLong { offset });
                }
                return Ok(Some((length, at + 1)));
            }
        }
        Err(FormatError::TooLong { offset })
    }

    /// Where `offset` lies in the block; valid after [`Self::fill`] for that offset.
    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.block_start)).unwrap_or(usize::MAX)
    }

    /// Makes `wanted` bytes from `offset` available in the block; returns how many there are.
    fn fill(&mut self, offset: u64, wanted: usize) -> Result<usize, FormatError> {
        let block_end = self.block_start + self.block.len() as u64;
        if offset >= self.block_start && offset <= block_end {
            let available = usize::try_from(block_end - offset).unwrap_or(0);
            if available >= wanted {
                return Ok(available);
            }
            // Keep what the record has already; read on behind it.
            let start = self.index(offset);
            self.block.drain(..start);
        } else {
            self.block.clear();
        }
        self.block_start = offset;
        while self.block.len() < wanted {
            let have = self.block.len();
            let Some(read_at) = offset.checked_add(have as u64) else {
                break;
            };
            self.block.resize(have + (wanted - have).max(BLOCK), 0);
            let result = self.source.read_at(&mut self.block[have..], read_at);
            self.block.truncate(have + *result.as_ref().unwrap_or(&0));
            match result {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An offset beyond what the system can seek to is an end, not a failure of the disk.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.block.len())
    }
}

/// Where a record lies in the scanner's block.
struct Span {
    kind: u8,
    data: Range<usize>,
    offset: u64,
}

/// A decimal number with blanks around it, as the fixed-width fields have it.
pub fn number<T: std::str::FromStr>(data: &[u8]) -> Option<T> {
    let text = data.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Appends a record to `out`; returns the bytes written.
pub fn put(out: &mut Vec<u8>, kind: u8, data: &[u8]) -> usize {
    let before = out.len();
    out.push(kind);
    let mut rest = data.len();
    loop {
        let group = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            out.push(group);
            break;
        }
        out.push(group | 0x80);
    }
    out.extend_from_slice(data);
    out.len() - before
}

/// Writes a record to `out`; returns the bytes written.
pub fn write(out: &mut impl Write, kind: u8, data: &[u8]) -> io::Result<usize> {
    let mut head = Vec::with_capacity(6);
    // The head alone, with the length of the data that follows without a copy.
    head.push(kind);
    let mut rest = data.len();
    while rest > 0x7f {
        head.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    head.push(u8::try_from(rest).unwrap_or(0));
    out.write_all(&head)?;
    out.write_all(data)?;
    Ok(head.len() + data.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, FormatError> {
        let mut scanner = Scanner::new(bytes);
        let mut records = Vec::new();
        while let Some(record) = scanner.next_record()? {
            records.push((record.kind, record.data.to_vec()));
        }
        Ok(records)
    }

    #[test]
    fn lengths_are_groups_of_seven_bits_low_first() {
        let mut out = Vec::new();
        put(&mut out, b'N', &[b'x'; 300]);
        assert_eq!(out[..3], [b'N', 0xac, 0x02]);
        let mut written = Vec::new();
        assert_eq!(write(&mut written, b'N', &[b'x'; 300]).unwrap(), 303);
        assert_eq!(written, out);
        assert_eq!(all(&out).unwrap(), [(b'N', vec![b'x'; 300])]);
    }

    #[test]
    fn pointers_are_followed_and_padding_skipped() {
        let mut out = Vec::new();
        put(&mut out, b'p', format!("{:15}", 19 + 17).as_bytes()); // 0..17 -> 36
        put(&mut out, b'R', b""); // 17..19, skipped
        put(&mut out, b'p', format!("{:15}", 0).as_bytes()); // 19..36, skipped
        put(&mut out, b'R', b"there"); // 36
        put(&mut out, b'p', format!("{:15}", 0).as_bytes());
        put(&mut out, b'w', b"  0");
        put(&mut out, b'E', b"");
        assert_eq!(
            all(&out).unwrap(),
            [(b'R', b"there".to_vec()), (b'E', Vec::new())]
        );
    }

    #[test]
    fn a_loop_of_pointers_ends() {
        let mut out = Vec::new();
        put(&mut out, b'R', b"again");
        put(&mut out, b'p', format!("{:15}", 7).as_bytes());
        assert!(matches!(all(&out), Err(FormatError::BadPointer { .. })));
        let mut far = Vec::new();
        put(&mut far, b'p', u64::MAX.to_string().as_bytes());
        assert_eq!(all(&far).unwrap(), []);
    }

    #[test]
    fn bad_lengths_are_named() {
        assert!(matches!(
            all(b"N\xff\xff\xff\xff\x01"),
            Err(FormatError::TooLong { offset: 0 })
        ));
        assert!(matches!(
            all(b"N\xff\xff\xff\x7f"),
            Err(FormatError::TooLong { offset: 0 })
        ));
        assert!(matches!(
            all(b"N"),
            Err(FormatError::Truncated { offset: 0 })
        ));
        assert!(matches!(
            all(b"E\0N\x05abc"),
            Err(FormatError::Truncated { offset: 2 })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = all(&bytes);
        }

        #[test]
        fn what_is_written_is_read(records in proptest::collection::vec(
            (prop::sample::select(b"TASRNLE".to_vec()), proptest::collection::vec(any::<u8>(), 0..9000)), 0..8)) {
            let mut out = Vec::new();
            for (kind, data) in &records {
                put(&mut out, *kind, data);
            }
            prop_assert_eq!(all(&out).unwrap(), records);
        }
    }
}
