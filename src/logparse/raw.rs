//! A line as it stands in its source: its bytes and what the reader knows besides.
//!
//! In: nothing. Out: [`Raw`], which readers of lines make and [`super::Parser::read`] takes. It knows of
//! no format.

/// How many bytes before a line are kept for `last message repeated N times`, which says nothing of what
/// was repeated: the former line, or on a host that collects for others the former line of that host. Some
/// hundred lines of Postfix.
pub const LOOK_BACK: usize = 16 * 1024;

/// A line in its source.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// The line, with or without its end (`\n`, `\r\n`).
    pub line: &'a [u8],
    /// What stands before it in the same source: the last [`LOOK_BACK`] bytes or more, or whole lines as
    /// far back as they are at hand.
    pub before: &'a [u8],
    /// How many bytes a reader with a bound cut off the line's end.
    pub dropped: u64,
}

impl<'a> Raw<'a> {
    /// A line of which nothing more is known.
    pub fn alone(line: &'a [u8]) -> Self {
        Self {
            line,
            before: &[],
            dropped: 0,
        }
    }

    /// The lines of a block, each with its end.
    pub fn lines(block: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let rest = block.get(start..).filter(|rest| !rest.is_empty())?;
            let end = start + memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let raw = Self {
                line: &block[start..end],
                before: &block[..start],
                dropped: 0,
            };
            start = end;
            Some(raw)
        })
    }
}

/// Adds to what is remembered of a source: the whole lines of its last [`LOOK_BACK`] bytes.
pub(super) fn remember(past: &mut Vec<u8>, bytes: &[u8]) {
    past.extend_from_slice(&bytes[bytes.len().saturating_sub(LOOK_BACK + 1)..]);
    let surplus = past.len().saturating_sub(LOOK_BACK);
    if surplus > 0 {
        let line =
            memchr::memchr(b'\n', &past[surplus..]).map_or(past.len(), |at| surplus + at + 1);
        past.drain(..line);
    }
}

/// The whole lines in the last [`LOOK_BACK`] bytes of `before`, and of `past` before it, the last one first.
pub(super) fn backwards<'a>(before: &'a [u8], past: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let (near, room) = window(before, LOOK_BACK);
    let (far, _) = window(past, room);
    lines_backwards(near).chain(lines_backwards(far))
}

/// The whole lines in the last `size` bytes, and how many bytes could be had besides.
fn window(text: &[u8], size: usize) -> (&[u8], usize) {
    let Some(surplus) = text.len().checked_sub(size) else {
        return (text, size - text.len());
    };
    let last = &text[surplus..];
    let line = memchr::memchr(b'\n', last).map_or(last.len(), |at| at + 1);
    (&last[line..], 0)
}

fn lines_backwards(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let line = rest.strip_suffix(b"\n").unwrap_or(rest);
        if rest.is_empty() {
            return None;
        }
        let start = memchr::memrchr(b'\n', line).map_or(0, |at| at + 1);
        rest = &rest[..start];
        Some(&line[start..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocks_lines_know_what_stands_before_them() {
        let lines: Vec<_> = Raw::lines(b"a\n\nb")
            .map(|raw| (raw.line, raw.before))
            .collect();
        assert_eq!(
            lines,
            [(&b"a\n"[..], &b""[..]), (b"\n", b"a\n"), (b"b", b"a\n\n")]
        );
        assert_eq!(Raw::lines(b"").count(), 0);
    }
}
