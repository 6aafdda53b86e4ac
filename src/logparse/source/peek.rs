//! A buffered reader whose next bytes can be looked at without taking them.

use std::io::{self, BufRead, Read};

/// The size of one read(2).
const BLOCK: usize = 256 * 1024;

/// Reads ahead, and shows how many bytes are wanted, not only how many happen to be there.
#[derive(Debug)]
pub(super) struct Peek<R> {
    input: R,
    buffer: Vec<u8>,
    /// The unread part of the buffer is `start..end`.
    start: usize,
    end: usize,
}

impl<R: Read> Peek<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
        }
    }

    /// The next `count` bytes, or as many as there are before the end of the input.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < count.min(BLOCK) {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + count)])
    }

    /// Passes over bytes that are zero.
    pub(super) fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let block = self.fill_buf()?;
            let zeros = block.iter().position(|byte| *byte != 0);
            let count = zeros.unwrap_or(block.len());
            self.consume(count);
            if zeros.is_some() || count == 0 {
                return Ok(());
            }
        }
    }
}

impl<R: Read> BufRead for Peek<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.end = loop {
                match self.input.read(&mut self.buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= BLOCK {
            return self.input.read(out);
        }
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}
