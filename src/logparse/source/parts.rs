//! A plain file cut at line ends, so that several threads read it at once.
//!
//! A file with entries of several lines (`journalctl -o export`) is not cut where it holds them, and not at all
//! when it begins with them: a value may hold any bytes, so only a reader that comes from the front knows what
//! is a line. A cut before a `last message repeated` does no harm: a part tells what stands before it.

use super::super::header::export::holds_entries;
use super::super::raw::LOOK_BACK;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

/// A part of a plain file, read by position so that several threads can share the file.
#[derive(Debug)]
pub struct Part<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    whole: bool,
}

/// How far around a cut entries of several lines are looked for: longer than nearly all of them.
const AROUND: usize = 64 * 1024;

impl Part<'_> {
    /// Where in the file the next read begins.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are still to be read.
    pub fn left(&self) -> u64 {
        self.end - self.at
    }

    /// What stands before the next read, for what looks back.
    pub fn before(&self) -> io::Result<Vec<u8>> {
        // One byte more tells whether the first line is whole.
        let start = self.at.saturating_sub(LOOK_BACK as u64 + 1);
        read(self.file, start, self.at)
    }

    /// Gives away the second half of what is still to be read, cut at a line end; `None` when no line
    /// ends there.
    pub fn give_half(&mut self) -> io::Result<Option<Self>> {
        if self.whole {
            return Ok(None);
        }
        let middle = cut(self.file, self.at + self.left() / 2, self.end)?;
        let given = (middle < self.end).then_some(Self {
            file: self.file,
            at: middle,
            end: self.end,
            whole: false,
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
    let whole = holds_entries(&read(file, 0, size.min(AROUND as u64))?);
    let count = if whole { 1 } else { count };
    for i in 1..=count.max(1) {
        let end = if i == count.max(1) {
            size
        } else {
            cut(file, size / count * i, size)?
        };
        if end > start {
            parts.push(Part {
                file,
                at: start,
                end,
                whole,
            });
            start = end;
        }
    }
    Ok(parts)
}

/// The position of a cut behind the first line end at or after `at`, or `size` when none may be there.
fn cut(file: &File, at: u64, size: u64) -> io::Result<u64> {
    let end = line_end(file, at, size)?;
    if end < size {
        let from = end.saturating_sub(AROUND as u64);
        if holds_entries(&read(file, from, end + AROUND as u64)?) {
            return Ok(size);
        }
    }
    Ok(end)
}

/// The bytes between two positions, as far as there are any.
fn read(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let wanted = usize::try_from(to - from).unwrap_or(usize::MAX);
    let mut bytes = vec![0; wanted];
    let mut got = 0;
    while got < wanted {
        match file.read_at(&mut bytes[got..], from + got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(got);
    Ok(bytes)
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
    fn a_part_tells_what_stands_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let text = (0..9_000).fold(String::new(), |text, i| text + &format!("line {i}\n"));
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        for part in parts(&file, text.len() as u64, 20).unwrap() {
            let at = usize::try_from(part.at()).unwrap();
            let before = part.before().unwrap();
            assert!(text.as_bytes()[..at].ends_with(&before));
            assert_eq!(before.len(), at.min(LOOK_BACK + 1));
        }
    }

    #[test]
    fn entries_of_several_lines_are_not_cut() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let entry = "__CURSOR=x\n__REALTIME_TIMESTAMP=1795333715000000\nMESSAGE=x\n\n".repeat(100);
        let plain =
            "Nov 22 08:48:35 fire postfix/smtpd[1]: connect from x[192.0.2.1]\n".repeat(6_000);
        for (text, most) in [
            (entry.clone() + &plain, 1),
            (format!("{plain}{entry}{plain}"), 9),
        ] {
            std::fs::write(&path, &text).unwrap();
            let file = File::open(&path).unwrap();
            let mut cut = parts(&file, text.len() as u64, 8).unwrap();
            assert!(cut.len() <= most, "{}", cut.len());
            for part in &cut {
                let at = usize::try_from(part.at()).unwrap();
                assert!(at == 0 || text[at..].starts_with("Nov"), "{at}");
            }
            if most == 1 {
                assert!(cut[0].give_half().unwrap().is_none());
            } else {
                assert!(cut.len() > 2);
            }
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
