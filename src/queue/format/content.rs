//! The message in a queue file: headers, empty line, body.
//!
//! In: a file. Out: pieces of lines as they lie in the records, or the whole message with LF line ends.
//! Edits by Milters are pointers and padding, followed and skipped by the scanner.

use super::record::{ReadAt, Scanner, kind};
use super::{Envelope, FormatError};
use std::io::Write;

/// A piece of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes, without a line end.
    pub data: &'a [u8],
    /// Whether the line ends here; the file breaks lines longer than `line_length_limit` into pieces.
    pub ends_line: bool,
}

/// Reads the content piece by piece.
#[derive(Debug)]
pub struct ContentReader<'s, S: ?Sized> {
    scanner: Scanner<'s, S>,
    ended: bool,
}

impl<'s, S: ReadAt + ?Sized> ContentReader<'s, S> {
    /// Starts at the content of the file whose envelope was read.
    pub fn new(source: &'s S, envelope: &Envelope) -> Result<Self, FormatError> {
        let mut scanner = Scanner::new(source);
        match envelope.size {
            Some(size) if size.data_offset > 0 => scanner.seek(size.data_offset),
            // No size record to tell where (a `maildrop` file): pass the envelope.
            _ => loop {
                match scanner.next_record()? {
                    Some(record) if record.kind == kind::MESSAGE => break,
                    Some(_) => {}
                    None => return Err(FormatError::Incomplete),
                }
            },
        }
        Ok(Self {
            scanner,
            ended: false,
        })
    }

    /// The next piece; `None` at the end of the content.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, FormatError> {
        if self.ended {
            return Ok(None);
        }
        let Some(record) = self.scanner.next_record()? else {
            return Err(FormatError::Incomplete);
        };
        match record.kind {
            kind::NORMAL => Ok(Some(Piece {
                data: record.data,
                ends_line: true,
            })),
            kind::CONTINUED => Ok(Some(Piece {
                data: record.data,
                ends_line: false,
            })),
            kind::EXTRACTED => {
                self.ended = true;
                Ok(None)
            }
            other => Err(FormatError::Unexpected {
                kind: other as char,
                offset: record.offset,
            }),
        }
    }
}

/// Copies the message to `out` with LF line ends, at most `limit` bytes; returns whether it was all.
pub fn copy<S: ReadAt + ?Sized>(
    source: &S,
    envelope: &Envelope,
    out: &mut impl Write,
    limit: u64,
) -> Result<bool, FormatError> {
    let mut reader = ContentReader::new(source, envelope)?;
    let mut left = limit;
    while let Some(piece) = reader.next_piece()? {
        let wanted = piece.data.len() as u64 + u64::from(piece.ends_line);
        if wanted > left {
            let part = usize::try_from(left).unwrap_or(usize::MAX);
            out.write_all(&piece.data[..piece.data.len().min(part)])?;
            return Ok(false);
        }
        left -= wanted;
        out.write_all(piece.data)?;
        if piece.ends_line {
            out.write_all(b"\n")?;
        }
    }
    Ok(true)
}

/// The message, at most `limit` bytes of it.
pub fn read<S: ReadAt + ?Sized>(
    source: &S,
    envelope: &Envelope,
    limit: u64,
) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    copy(source, envelope, &mut out, limit)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::envelope::Detail;
    use super::super::record::put;
    use super::*;

    fn maildrop_file() -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, b'T', b"1795357055 239934");
        put(&mut out, b'S', b"");
        put(&mut out, b'R', b"r@c.test");
        put(&mut out, b'M', b"");
        put(&mut out, b'N', b"Subject: x");
        put(&mut out, b'N', b"");
        put(&mut out, b'L', b"half a line, ");
        put(&mut out, b'w', b"  0");
        put(&mut out, b'N', b"and its end");
        put(&mut out, b'X', b"");
        put(&mut out, b'E', b"");
        out
    }

    #[test]
    fn lines_are_joined_and_padding_is_nothing() {
        let bytes = maildrop_file();
        let envelope = Envelope::read(&bytes, Detail::Full).unwrap();
        assert_eq!(
            read(&bytes, &envelope, u64::MAX).unwrap(),
            b"Subject: x\n\nhalf a line, and its end\n"
        );
    }

    #[test]
    fn the_limit_holds() {
        let bytes = maildrop_file();
        let envelope = Envelope::read(&bytes, Detail::Full).unwrap();
        for limit in 0..40 {
            let mut out = Vec::new();
            let all = copy(&bytes, &envelope, &mut out, limit).unwrap();
            assert!(out.len() as u64 <= limit);
            assert_eq!(all, limit >= 37, "{limit}");
        }
    }

    #[test]
    fn a_cut_file_says_so() {
        let mut bytes = maildrop_file();
        let envelope = Envelope::read(&bytes, Detail::Full).unwrap();
        bytes.truncate(bytes.len() - 4);
        assert!(matches!(
            read(&bytes, &envelope, u64::MAX),
            Err(FormatError::Incomplete)
        ));
    }
}
