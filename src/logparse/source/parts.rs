//! A plain file cut at line ends, so that several threads read it at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

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
}
