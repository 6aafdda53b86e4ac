//! Where entries of the export format end (systemd's "Journal Export Formats"), so that a batch holds whole
//! ones and the cursor behind them.
//!
//! In: bytes as they come. Out: how many of them are whole entries, and the last one's cursor. Bytes of binary
//! values are counted and not looked at, so nothing in a message can pass for a cursor.

/// The longest value that is waited for: the bound that systemd itself has (DATA_SIZE_MAX) is 768 MiB, which
/// no mail log has. Beyond it the entry is broken off and the next empty line begins another.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The state between two pieces of a stream.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Bytes since the last whole entry.
    pending: Vec<u8>,
    /// How many of the pending bytes were looked at.
    seen: usize,
    /// The cursor of the pending entry, then of the last whole one.
    begun: Option<String>,
    cursor: Option<String>,
}

/// Whole entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub bytes: Vec<u8>,
    /// Where journalctl goes on behind them (`--after-cursor`).
    pub cursor: Option<String>,
}

impl Entries {
    /// Takes what came next; gives the entries that are whole now.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Option<Whole> {
        self.pending.extend_from_slice(bytes);
        let mut whole = 0;
        while let Some(field) = field(&self.pending[self.seen..]) {
            match field {
                Field::Text { length } => {
                    let line = &self.pending[self.seen..self.seen + length - 1];
                    if let Some(cursor) = line.strip_prefix(b"__CURSOR=") {
                        self.begun = Some(String::from_utf8_lossy(cursor).into_owned());
                    }
                    self.seen += length;
                }
                Field::Binary { length } => self.seen += length,
                Field::End => {
                    self.seen += 1;
                    whole = self.seen;
                    self.cursor = self.begun.take().or(self.cursor.take());
                }
            }
        }
        if whole == 0 {
            return None;
        }
        let rest = self.pending.split_off(whole);
        self.seen -= whole;
        Some(Whole {
            bytes: std::mem::replace(&mut self.pending, rest),
            cursor: self.cursor.clone(),
        })
    }
}

/// The next thing in an entry, with its length in bytes.
enum Field {
    Text { length: usize },
    Binary { length: usize },
    End,
}

/// `None` when it is not all there yet.
fn field(bytes: &[u8]) -> Option<Field> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = &bytes[..end];
    if line.is_empty() {
        return Some(Field::End);
    }
    let text = Some(Field::Text { length: end + 1 });
    if memchr::memchr(b'=', line).is_some() {
        return text;
    }
    let length = bytes.get(end + 1..end + 9)?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    if length > LONGEST {
        // No length at all: a line that is no field.
        return text;
    }
    let length = end + 9 + usize::try_from(length).ok()? + 1;
    (bytes.len() >= length).then_some(Field::Binary { length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(cursor: &str, message: &[u8]) -> Vec<u8> {
        let mut entry =
            format!("__CURSOR={cursor}\n__REALTIME_TIMESTAMP=1\nMESSAGE\n").into_bytes();
        entry.extend((message.len() as u64).to_le_bytes());
        entry.extend(message);
        entry.extend(b"\nPRIORITY=6\n\n");
        entry
    }

    #[test]
    fn entries_are_whole_however_they_come() {
        // A value of ten bytes has a line end in its length; the other one looks like an entry.
        let stream = [
            entry("a", b"0123456789"),
            entry("b", b"x\n\n__CURSOR=forged\n\n"),
            b"__CURSOR=c\nMESSAGE=plain\n\n".to_vec(),
        ];
        let all = stream.concat();
        for step in 1..all.len() {
            let mut entries = Entries::default();
            let mut out = Vec::new();
            let mut cursors = Vec::new();
            for piece in all.chunks(step) {
                if let Some(whole) = entries.accept(piece) {
                    assert!(whole.bytes.ends_with(b"\n\n"));
                    out.extend(whole.bytes);
                    cursors.extend(whole.cursor);
                }
            }
            assert_eq!(out, all, "step {step}");
            assert_eq!(cursors.last().map(String::as_str), Some("c"));
            assert!(!cursors.iter().any(|c| c == "forged"));
        }
    }

    #[test]
    fn what_is_no_field_does_not_stop_it() {
        let mut entries = Entries::default();
        let broken = [
            &b"nonsense\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n"[..],
            b"__CURSOR=a\n\n",
        ]
        .concat();
        let whole = entries.accept(&broken).unwrap();
        assert_eq!(whole.bytes, broken);
        assert_eq!(whole.cursor.as_deref(), Some("a"));
    }
}
