//! Finding a time in a log without reading the log: by halving.
//!
//! In: a plain file whose lines are in the order of their times, near enough. Out: the place where a line of
//! that time begins. A log that is out of order (two files put together, a clock set back) gives a place all
//! the same; callers must not rely on more than that lines behind it are likely to be that young.

use super::{Parser, Reference};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// One look into the file: enough for several hundred lines.
const PROBE: usize = 64 * 1024;

/// The offset of the first line at or after `time` (seconds since the epoch) in the first `size` bytes of a
/// plain log; `size` when there is none.
pub fn offset_of(file: &File, size: u64, time: i64, reference: Reference) -> io::Result<u64> {
    let probe = PROBE as u64;
    let (mut low, mut high) = (0, size);
    while high - low > probe {
        let middle = low + (high - low) / 2;
        // Lines without a time (garbage, another program's) say nothing: go on towards the beginning.
        match first_time(file, middle, high, reference)? {
            Some((_, found)) if found < time => low = middle,
            _ => high = middle,
        }
    }
    // The line that begins in the last gap, or the first after it.
    let mut at = low;
    while at < size {
        let block = read(file, at, size)?;
        let mut start = if at == 0 { 0 } else { after_line(&block) };
        let mut parser = Parser::new(reference);
        while let Some(end) = memchr::memchr(b'\n', &block[start..]) {
            let line = &block[start..start + end];
            if parser
                .header(line)
                .is_some_and(|h| h.time.seconds() >= time)
            {
                return Ok(at + start as u64);
            }
            start += end + 1;
        }
        if block.len() < PROBE {
            break;
        }
        // One byte back: the next block skips to the first line end it has, which may be this block's last byte.
        at += (start.max(PROBE / 2) as u64) - 1;
    }
    Ok(size)
}

/// The time of the last line that has one, seconds since the epoch.
pub fn last_time(file: &File, size: u64, reference: Reference) -> io::Result<Option<i64>> {
    let mut end = size;
    // A few blocks: a log whose last megabyte has no stamp has none that would help.
    for _ in 0..16 {
        let start = end.saturating_sub(PROBE as u64);
        let block = read(file, start, end)?;
        let mut parser = Parser::new(reference);
        let from = if start == 0 { 0 } else { after_line(&block) };
        let last = block[from..]
            .split(|b| *b == b'\n')
            .filter_map(|line| parser.header(line).map(|h| h.time.seconds()))
            .last();
        if last.is_some() || start == 0 {
            return Ok(last);
        }
        end = start + from as u64;
    }
    Ok(None)
}

/// The first line with a time that begins behind `at` and before `limit`, within one look.
fn first_time(
    file: &File,
    at: u64,
    limit: u64,
    reference: Reference,
) -> io::Result<Option<(u64, i64)>> {
    let block = read(file, at, limit)?;
    let mut parser = Parser::new(reference);
    let mut start = after_line(&block);
    while let Some(end) = memchr::memchr(b'\n', &block[start..]) {
        if let Some(header) = parser.header(&block[start..start + end]) {
            return Ok(Some((at + start as u64, header.time.seconds())));
        }
        start += end + 1;
    }
    Ok(None)
}

/// Where the first line begins that lies in the block from its start.
fn after_line(block: &[u8]) -> usize {
    memchr::memchr(b'\n', block).map_or(block.len(), |at| at + 1)
}

fn read(file: &File, at: u64, limit: u64) -> io::Result<Vec<u8>> {
    let wanted = usize::try_from(limit.saturating_sub(at))
        .unwrap_or(PROBE)
        .min(PROBE);
    let mut block = vec![0; wanted];
    let mut got = 0;
    while got < wanted {
        match file.read_at(&mut block[got..], at + got as u64) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    block.truncate(got);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    const START: i64 = 1_795_300_000;

    fn line(second: i64, padding: usize) -> String {
        let time = chrono::DateTime::from_timestamp(START + second, 0).unwrap();
        format!(
            "{} mx postfix/smtpd[1]: connect from a{}[192.0.2.1]\n",
            time.format("%Y-%m-%dT%H:%M:%S+00:00"),
            "x".repeat(padding)
        )
    }

    fn file_of(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_the_first_line_of_that_time(
            gaps in proptest::collection::vec((0i64..50, 0usize..3000), 1..400),
            wanted in 0i64..12_000,
        ) {
            let (mut text, mut second, mut expected) = (String::new(), 0, None);
            for (gap, padding) in gaps {
                second += gap;
                if second >= wanted && expected.is_none() {
                    expected = Some(text.len() as u64);
                }
                text += &line(second, padding);
            }
            let size = text.len() as u64;
            let found = offset_of(&file_of(&text), size, START + wanted, Reference::at(START + 20_000));
            prop_assert_eq!(found.unwrap(), expected.unwrap_or(size));
        }
    }

    #[test]
    fn garbage_hides_nothing() {
        let mut text = String::new();
        for second in 0..5000 {
            text += &line(second, 0);
            if second % 100 == 50 {
                text += &"\0".repeat(5000);
                text.push('\n');
            }
        }
        text += "cut";
        let file = file_of(&text);
        let size = text.len() as u64;
        let reference = Reference::at(START + 20_000);
        let at = offset_of(&file, size, START + 4000, reference).unwrap();
        let rest = &text[usize::try_from(at).unwrap()..];
        assert!(rest.starts_with(&line(4000, 0)));
        assert_eq!(
            last_time(&file, size, reference).unwrap(),
            Some(START + 4999)
        );
        assert_eq!(last_time(&file_of(""), 0, reference).unwrap(), None);
    }
}
