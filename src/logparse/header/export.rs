//! Entries that take several lines: `journalctl -o export` (its form is in systemd's Journal Export Formats:
//! `NAME=value` lines up to an empty one, and for values with control characters the name, a length of 64
//! bits, little-endian, and the bytes) and `journalctl -o json-pretty`.
//!
//! In: one raw line after another. Out: whether the entry takes it, and its fields at its end. Bytes of a
//! value are counted, so nothing that a value holds can end it or pass for a line. Memory is bounded:
//! fields that make no log line are not kept.

use super::super::raw::Raw;
use super::journal::{Field, Fields};
use memchr::{memchr, memmem};

/// The longest value that is skipped: what systemd itself takes (DATA_SIZE_MAX). A longer one is no length.
const LONGEST: u64 = 768 * 1024 * 1024;
/// The longest object of json-pretty that is kept.
const LONGEST_OBJECT: usize = super::super::source::MAX_LINE;
/// The longest name of a field (journald's own bound).
const LONGEST_NAME: usize = 64;

/// An entry being read.
#[derive(Debug, Clone)]
pub struct Entry {
    state: State,
    /// What was read of it.
    pub fields: Fields,
    /// The text of a json-pretty object.
    pub object: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between fields.
    Fields,
    /// In the eight bytes of a length.
    Length {
        field: Option<Field>,
        bytes: [u8; 8],
        count: usize,
    },
    /// In a value, so many bytes from its end.
    Value { field: Option<Field>, left: u64 },
    /// In an object.
    Object,
}

/// What becomes of a line while an entry is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is a piece of the entry.
    Piece,
    /// It ends the entry.
    Whole,
    /// It begins another entry without the empty line between.
    Next,
    /// It belongs to no entry: this one is broken off.
    Foreign,
    /// The entry makes no sense from here on.
    Damaged,
}

impl Entry {
    /// The entry that a line begins.
    pub fn begin(line: &[u8]) -> Option<Self> {
        let mut entry = Self {
            state: State::Fields,
            fields: Fields::default(),
            object: Vec::new(),
        };
        if line == b"{" {
            entry.state = State::Object;
            entry.object.push(b'{');
            return Some(entry);
        }
        let (name, value) = assignment(line)?;
        // Names without an underscore in front are whatever programs like: only the usual ones are believed.
        let known = name.starts_with(b"_")
            || name.starts_with(b"SYSLOG_")
            || name == b"MESSAGE"
            || name == b"PRIORITY";
        known.then(|| {
            entry.set(name, value);
            entry
        })
    }

    /// Takes a line.
    pub fn take(&mut self, raw: Raw<'_>) -> Taken {
        match self.state {
            State::Fields => self.take_field(super::super::without_end(raw.line)),
            State::Object => self.take_piece(super::super::without_end(raw.line)),
            State::Length { .. } | State::Value { .. } => {
                // Without its end the line is exact; the end is put back.
                let line = raw.line.strip_suffix(b"\n").unwrap_or(raw.line);
                let done = self
                    .feed(line)
                    .and_then(|()| self.skip(raw.dropped))
                    .and_then(|()| self.feed(b"\n"));
                if done.is_some() {
                    Taken::Piece
                } else {
                    Taken::Damaged
                }
            }
        }
    }

    /// Whether the entry may end here, at the end of the input.
    pub fn may_end(&self) -> bool {
        self.state == State::Fields
    }

    fn take_field(&mut self, line: &[u8]) -> Taken {
        if line.is_empty() {
            return Taken::Whole;
        }
        if let Some((name, value)) = assignment(line) {
            if name == b"__CURSOR" && !self.fields.is_empty() {
                return Taken::Next;
            }
            self.set(name, value);
            return Taken::Piece;
        }
        if !is_name(line) {
            return Taken::Foreign;
        }
        let field = self.fresh(line);
        self.state = State::Length {
            field,
            bytes: [0; 8],
            count: 0,
        };
        Taken::Piece
    }

    fn take_piece(&mut self, line: &[u8]) -> Taken {
        let inside = matches!(line.first(), Some(b'\t' | b' ' | b'}' | b']'));
        if !inside || self.object.len() + line.len() > LONGEST_OBJECT {
            return Taken::Foreign;
        }
        self.object.push(b'\n');
        if line.starts_with(b"}") {
            self.object.push(b'}');
            return Taken::Whole;
        }
        self.object.extend_from_slice(line);
        Taken::Piece
    }

    fn set(&mut self, name: &[u8], value: &[u8]) {
        if let Some(field) = self.fresh(name) {
            self.fields.append(field, value);
        }
    }

    /// The place of a field that is needed and not set yet: of several values the first counts.
    fn fresh(&mut self, name: &[u8]) -> Option<Field> {
        let field = Field::named(name).filter(|field| !self.fields.has(*field))?;
        self.fields.start(field);
        Some(field)
    }

    /// Takes bytes of a length or a value, and the line end behind a value.
    fn feed(&mut self, mut bytes: &[u8]) -> Option<()> {
        while let Some((first, behind)) = bytes.split_first() {
            match &mut self.state {
                State::Length {
                    field,
                    bytes: length,
                    count,
                } => {
                    length[*count] = *first;
                    *count += 1;
                    bytes = behind;
                    if *count == length.len() {
                        let left = u64::from_le_bytes(*length);
                        (left <= LONGEST).then_some(())?;
                        self.state = State::Value {
                            field: *field,
                            left,
                        };
                    }
                }
                State::Value { left: 0, .. } => {
                    (*first == b'\n' && behind.is_empty()).then_some(())?;
                    self.state = State::Fields;
                    return Some(());
                }
                State::Value { field, left } => {
                    let now = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    if let Some(field) = field {
                        self.fields.append(*field, &bytes[..now]);
                    }
                    *left -= now as u64;
                    bytes = &bytes[now..];
                }
                State::Fields | State::Object => return None,
            }
        }
        Some(())
    }

    /// Takes bytes that a reader of lines did not keep.
    fn skip(&mut self, dropped: u64) -> Option<()> {
        if dropped > 0 {
            let State::Value { left, .. } = &mut self.state else {
                return None;
            };
            *left = left.checked_sub(dropped)?;
        }
        Some(())
    }
}

/// `NAME=value`.
fn assignment(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'=', &line[..line.len().min(LONGEST_NAME + 1)])?;
    is_name(&line[..end]).then(|| (&line[..end], &line[end + 1..]))
}

fn is_name(text: &[u8]) -> bool {
    text.len() <= LONGEST_NAME
        && matches!(text.first(), Some(b'A'..=b'Z' | b'_'))
        && text
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

/// Whether a part of a log holds entries of several lines: such a log is read from its front only, because
/// from the middle of a value nobody can tell what is a line.
pub fn holds_entries(text: &[u8]) -> bool {
    let begins =
        |needle: &[u8]| memmem::find_iter(text, needle).any(|at| at == 0 || text[at - 1] == b'\n');
    begins(b"__CURSOR=")
        || begins(b"__REALTIME_TIMESTAMP=")
        || begins(b"MESSAGE=")
        || begins(b"\t\"__CURSOR\"")
}
