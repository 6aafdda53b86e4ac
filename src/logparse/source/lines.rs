//! Lines out of a byte stream: one buffer, lines borrowed from it, a bound on what one line may cost.

use super::super::raw::{LOOK_BACK, Raw};
use std::io::{self, Read};

/// The size of one read(2): large enough to hide the call, small enough to stay in the cache.
const BLOCK: usize = 64 * 1024;

/// The longest line that is kept whole. Postfix's own lines end near 2 kB; 70 kB ones have been seen.
pub const MAX_LINE: usize = 1024 * 1024;

/// Reads lines without copying those that lie inside one block.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// The unread part of the buffer is `start..end`; what was read before is in front of it, at least
    /// the last [`LOOK_BACK`] bytes.
    start: usize,
    end: usize,
    max_line: usize,
    truncated: u64,
}

impl<R: Read> Lines<R> {
    /// Lines of `input`; those longer than [`MAX_LINE`] are cut there.
    pub fn new(input: R) -> Self {
        Self::with_max(input, MAX_LINE)
    }

    /// Lines of `input`; those longer than `max_line` bytes are cut there.
    pub fn with_max(input: R, max_line: usize) -> Self {
        Self {
            input,
            buffer: vec![0; BLOCK + LOOK_BACK],
            start: 0,
            end: 0,
            max_line: max_line.max(1),
            truncated: 0,
        }
    }

    /// How many lines were cut because they were too long.
    pub fn truncated(&self) -> u64 {
        self.truncated
    }

    /// The next line without its `\n`; the last one needs no line end. `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        Ok(self.next_raw()?.map(|raw| raw.line))
    }

    /// The same with what is known besides. A `\r` before the line's end is left: where bytes are counted
    /// it counts.
    pub fn next_raw(&mut self) -> io::Result<Option<Raw<'_>>> {
        let mut searched = self.start;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[searched..self.end]) {
                let line = self.start..searched + at;
                self.start = searched + at + 1;
                self.truncated += u64::from(line.len() > self.max_line);
                return Ok(Some(self.shown(line)));
            }
            if self.end - self.start >= self.max_line {
                return self.cut_long_line().map(Some);
            }
            let seen = self.end - self.start;
            if !self.fill()? {
                if seen == 0 {
                    return Ok(None);
                }
                let line = self.start..self.end;
                self.start = self.end;
                return Ok(Some(self.shown(line)));
            }
            searched = self.start + seen;
        }
    }

    /// Calls `each` for every line that is left.
    pub fn for_each(&mut self, mut each: impl FnMut(Raw<'_>)) -> io::Result<()> {
        while let Some(raw) = self.next_raw()? {
            each(raw);
        }
        Ok(())
    }

    #[inline]
    fn shown(&self, range: std::ops::Range<usize>) -> Raw<'_> {
        let kept = range.len().min(self.max_line);
        Raw {
            line: &self.buffer[range.start..range.start + kept],
            before: &self.buffer[..range.start],
            dropped: (range.len() - kept) as u64,
        }
    }

    /// Gives the first `max_line` bytes of a line that has no end in sight and skips the rest of it.
    fn cut_long_line(&mut self) -> io::Result<Raw<'_>> {
        self.truncated += 1;
        let mut kept = self.buffer[self.start..self.start + self.max_line].to_vec();
        self.start += self.max_line;
        let mut dropped = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                dropped += at as u64;
                self.start += at + 1;
                break;
            }
            dropped += (self.end - self.start) as u64;
            self.start = self.end;
            if !self.fill()? {
                break;
            }
        }
        // The kept bytes go in front of what is unread, in the same buffer.
        kept.push(b'\n');
        let unread = self.buffer[self.start..self.end].to_vec();
        self.buffer.clear();
        self.buffer.extend_from_slice(&kept);
        self.buffer.extend_from_slice(&unread);
        self.start = kept.len();
        self.end = self.buffer.len();
        Ok(Raw {
            line: &self.buffer[..self.max_line],
            before: &[],
            dropped,
        })
    }

    /// Reads another block behind the unread bytes; false at the end of the input.
    fn fill(&mut self) -> io::Result<bool> {
        if self.buffer.len() < self.end + BLOCK / 2 {
            let done = self.start.saturating_sub(LOOK_BACK);
            self.buffer.copy_within(done..self.end, 0);
            self.start -= done;
            self.end -= done;
        }
        if self.buffer.len() < self.end + BLOCK / 2 {
            self.buffer.resize(self.end + BLOCK, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(n) => {
                    self.end += n;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(input: impl Read, max: usize) -> (Vec<Vec<u8>>, u64) {
        let mut lines = Lines::with_max(input, max);
        let mut out = Vec::new();
        lines.for_each(|raw| out.push(raw.line.to_vec())).unwrap();
        (out, lines.truncated())
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(
            all(&b"a\r\n\nb"[..], 100).0,
            vec![b"a\r".to_vec(), b"".to_vec(), b"b".to_vec()]
        );
        assert!(all(&b""[..], 100).0.is_empty());
    }

    #[test]
    fn a_long_line_is_cut_and_counted_and_the_next_is_whole() {
        let mut input = vec![b'x'; 3 * BLOCK];
        input.extend_from_slice(b"\nnext\n");
        let (lines, truncated) = all(&input[..], 1000);
        assert_eq!(truncated, 1);
        assert_eq!(lines[0].len(), 1000);
        assert_eq!(lines[1], b"next");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_was_cut_off_is_counted() {
        for (length, rest) in [(10, &b"\nb\n"[..]), (3 * BLOCK, b"\nb"), (BLOCK, b"")] {
            let mut input = vec![b'x'; length];
            input.extend_from_slice(rest);
            let mut lines = Lines::with_max(&input[..], 4);
            let raw = lines.next_raw().unwrap().unwrap();
            assert_eq!((raw.line, raw.dropped), (&b"xxxx"[..], length as u64 - 4));
            if let Some(raw) = lines.next_raw().unwrap() {
                assert_eq!((raw.line, raw.dropped), (&b"b"[..], 0));
                assert!(raw.before.ends_with(b"\n"));
            }
        }
    }

    #[test]
    fn what_stands_before_a_line_is_kept_for_a_while() {
        let text: Vec<u8> = (0..60_000)
            .flat_map(|i| format!("line {i}\n").into_bytes())
            .collect();
        for step in [7_000, usize::MAX] {
            let mut lines = Lines::new(Trickle(&text, step));
            let mut at = 0;
            while let Some(raw) = lines.next_raw().unwrap() {
                assert!(raw.before.len() >= at.min(LOOK_BACK));
                assert!(text[..at].ends_with(raw.before));
                at += raw.line.len() + 1;
            }
            assert_eq!(at, text.len());
        }
    }

    #[test]
    fn lines_longer_than_a_block_stay_whole_below_the_bound() {
        let mut input = vec![b'x'; 2 * BLOCK + 7];
        input.push(b'\n');
        let (lines, truncated) = all(&input[..], MAX_LINE);
        assert_eq!((lines[0].len(), truncated), (2 * BLOCK + 7, 0));
    }

    /// A reader that gives as little as it likes.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    proptest! {
        #[test]
        fn any_bytes_split_as_the_standard_library_splits(input: Vec<u8>, step in 1usize..50) {
            let (lines, _) = all(Trickle(&input, step), MAX_LINE);
            let mut expected: Vec<&[u8]> = input.split(|b| *b == b'\n').collect();
            if expected.last().is_some_and(|l| l.is_empty()) {
                expected.pop();
            }
            let expected: Vec<Vec<u8>> = expected.into_iter().map(<[u8]>::to_vec).collect();
            prop_assert_eq!(lines, expected);
        }
    }
}
