//! A log read backwards from its end, newest block first, so that the first frame need not wait for it.

use super::error::SourceError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The size of one block; a line longer than a block makes its block larger, up to [`super::MAX_LINE`].
const BLOCK: u64 = 256 * 1024;

/// Gives a file's lines in blocks, the newest block first; inside a block the lines stand in order.
#[derive(Debug)]
pub struct History {
    file: File,
    path: PathBuf,
    /// Everything from here on has been given.
    end: u64,
}

impl History {
    /// The lines of `path` that end at or before `end` (a position at a line's start), or all of them.
    pub fn open(path: &Path, end: Option<u64>) -> Result<Self, SourceError> {
        let fail = |error: io::Error| SourceError::new(path, &error);
        let file = File::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        Ok(Self {
            file,
            path: path.to_owned(),
            end: end.unwrap_or(size).min(size),
        })
    }

    /// Bytes that have not been given yet.
    pub fn remaining(&self) -> u64 {
        self.end
    }

    /// The next older block of whole lines, or `None` when the start of the file has been given.
    /// Only the newest block can end in a line without a line end.
    pub fn next_block(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let mut length = BLOCK;
        while self.end > 0 {
            let start = self.end.saturating_sub(length);
            let block = self
                .read(start)
                .map_err(|error| SourceError::new(&self.path, &error))?;
            if block.is_empty() {
                // The file was truncated under us: what is gone is gone.
                self.end = 0;
                return Ok(None);
            }
            if start == 0 {
                self.end = 0;
                return Ok(Some(block));
            }
            // The block's first line is only whole when a line end stands just before it, so it is cut
            // there; the line end that closes the block's last line does not count.
            let body = &block[..block.len() - 1];
            if let Some(at) = memchr::memchr(b'\n', body) {
                let kept = block[at + 1..].to_vec();
                self.end = start + at as u64 + 1;
                return Ok(Some(kept));
            }
            if length >= super::MAX_LINE as u64 {
                // A line beyond all bounds: give its end as a line of its own and go on.
                self.end = start;
                return Ok(Some(block));
            }
            length *= 2;
        }
        Ok(None)
    }

    fn read(&self, start: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.end - start).unwrap_or(usize::MAX);
        let mut block = vec![0; length];
        let mut got = 0;
        while got < length {
            match self.file.read_at(&mut block[got..], start + got as u64) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.truncate(got);
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backwards(text: &[u8], end: Option<u64>) -> Vec<Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, text).unwrap();
        let mut history = History::open(&path, end).unwrap();
        let mut blocks = Vec::new();
        while let Some(block) = history.next_block().unwrap() {
            blocks.push(block);
        }
        blocks
    }

    #[test]
    fn blocks_joined_in_reverse_are_the_file() {
        let lines: Vec<String> = (0..100_000).map(|i| format!("line number {i}\n")).collect();
        let text = lines.concat();
        let mut blocks = backwards(text.as_bytes(), None);
        assert!(blocks.len() > 3);
        assert!(blocks[0].ends_with(b"line number 99999\n"));
        for block in &blocks {
            assert!(block.starts_with(b"line number "));
        }
        blocks.reverse();
        assert_eq!(blocks.concat(), text.as_bytes());
    }

    #[test]
    fn long_lines_partial_ends_and_bounds() {
        let mut text = vec![b'x'; 700_000];
        text.extend_from_slice(b"\nshort\npartial");
        let mut blocks = backwards(&text, None);
        blocks.reverse();
        assert_eq!(blocks.concat(), text);
        assert_eq!(backwards(b"a\nb\n", Some(2)), vec![b"a\n".to_vec()]);
        assert!(backwards(b"", None).is_empty());
    }
}
