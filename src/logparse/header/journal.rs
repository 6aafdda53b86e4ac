//! The fields of a journal's entry (systemd.journal-fields(7)) that make a log line.
//!
//! In: fields by name, from JSON or from the export format. Out: the line as syslog would have written it:
//! time, host and `identifier[pid]: message`.
//!
//! The time is `_SOURCE_REALTIME_TIMESTAMP` where there is one: it is when Postfix said it, and what
//! `journalctl -o short` and rsyslog's imjournal write, so that the same entry read by either way is at
//! the same second. `__REALTIME_TIMESTAMP`, when journald received it, is later, much so after a boot.

use super::super::Stamp;
use super::super::clock::Clock;
use super::super::text::number;

const MESSAGE: usize = 0;
const IDENTIFIER: usize = 1;
const COMM: usize = 2;
const PID: usize = 3;
const OWN_PID: usize = 4;
const HOST: usize = 5;
const SOURCE_TIME: usize = 6;
const TIME: usize = 7;

const NAMES: [&[u8]; 8] = [
    b"MESSAGE",
    b"SYSLOG_IDENTIFIER",
    b"_COMM",
    b"SYSLOG_PID",
    b"_PID",
    b"_HOSTNAME",
    b"_SOURCE_REALTIME_TIMESTAMP",
    b"__REALTIME_TIMESTAMP",
];

/// The bound on a message, as on a line.
const LONGEST_MESSAGE: usize = super::super::source::MAX_LINE;
/// The bound on the other fields: host names and tags are far shorter.
const LONGEST: usize = 1024;
/// The year 9999 in microseconds: a later time is none.
const LATEST: u64 = 253_402_300_800_000_000;

/// One entry's fields.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    values: [Vec<u8>; 8],
    /// Which are set: a bit each. The values are kept when they are not, for their memory.
    set: u8,
}

/// Which of a line's fields it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(usize);

impl Field {
    /// A field by its name, when it is needed.
    pub fn named(name: &[u8]) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(Self)
    }

    fn longest(self) -> usize {
        if self.0 == MESSAGE {
            LONGEST_MESSAGE
        } else {
            LONGEST
        }
    }
}

impl Fields {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.set = 0;
    }

    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        self.set == 0
    }

    /// Whether the field is set.
    pub fn has(&self, field: Field) -> bool {
        self.set & 1 << field.0 != 0
    }

    /// Whether there is a message, though it may be empty.
    pub fn has_message(&self) -> bool {
        self.has(Field(MESSAGE))
    }

    /// Sets a field to nothing, and gives its place.
    pub fn start(&mut self, field: Field) -> &mut Vec<u8> {
        self.set |= 1 << field.0;
        let value = &mut self.values[field.0];
        value.clear();
        value
    }

    /// Appends to a field that was started, up to its bound.
    pub fn append(&mut self, field: Field, bytes: &[u8]) {
        let value = &mut self.values[field.0];
        let room = field.longest().saturating_sub(value.len());
        value.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn get(&self, field: usize) -> &[u8] {
        if self.has(Field(field)) {
            &self.values[field]
        } else {
            &[]
        }
    }

    /// Writes `host identifier[pid]: message`; `None` without a time. Gives the host's length.
    pub fn write(&self, clock: &mut Clock, out: &mut Vec<u8>) -> Option<(Stamp, usize)> {
        let micros = [SOURCE_TIME, TIME].into_iter().find_map(|field| {
            let (micros, rest) = number(self.get(field))?;
            (micros < LATEST && rest.is_empty()).then_some(micros)
        })?;
        let first = |a, b| {
            if self.get(a).is_empty() {
                self.get(b)
            } else {
                self.get(a)
            }
        };
        let process = Process {
            host: self.get(HOST),
            name: first(IDENTIFIER, COMM),
            pid: first(PID, OWN_PID),
        };
        process.write(self.get(MESSAGE), out);
        Some((clock.here(i64::try_from(micros).ok()?), process.host.len()))
    }
}

/// Who says something, from formats that tell each part by itself.
#[derive(Debug, Clone, Copy)]
pub struct Process<'a> {
    /// The host.
    pub host: &'a [u8],
    /// The name, which Postfix makes of `syslog_name` and its own.
    pub name: &'a [u8],
    /// The process id.
    pub pid: &'a [u8],
}

impl Process<'_> {
    /// Writes `host name[pid]: message` into the emptied buffer.
    pub fn write(&self, message: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.host);
        out.push(b' ');
        if !self.name.is_empty() {
            out.extend_from_slice(self.name);
            if !self.pid.is_empty() && self.pid.iter().all(u8::is_ascii_digit) {
                out.push(b'[');
                out.extend_from_slice(self.pid);
                out.push(b']');
            }
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(message);
    }
}
