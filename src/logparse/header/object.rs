//! A line that is a JSON object: an entry of `journalctl -o json` (json-sse, json-seq and json-pretty hold
//! the same), or a line of a container runtime's json-file, `{"log":"...\n","stream":"stdout","time":"..."}`.

use super::super::Stamp;
use super::super::clock::Clock;
use super::journal::{Field, Fields};
use super::json::{self, Text, Value};

/// What an object holds; the decoded text is in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A journal's entry: `host name[pid]: message`, the time and the host's length.
    Entry(Stamp, usize),
    /// A line that a container wrote, and when.
    Line(Option<Stamp>),
    /// Something else in JSON.
    Other,
}

/// Reads the object; `None` when it is damaged.
pub fn read(
    line: &[u8],
    clock: &mut Clock,
    fields: &mut Fields,
    out: &mut Vec<u8>,
) -> Option<Object> {
    fields.clear();
    let (mut log, mut time, mut damaged) = (None, None, false);
    let mut escaped = Vec::new();
    json::members(line, |key, value| {
        let name = key.plain().unwrap_or_else(|| {
            escaped.clear();
            key.append(&mut escaped);
            &escaped
        });
        match (name, value) {
            (b"log", Value::Text(text)) => log = Some(text),
            (b"time", Value::Text(text)) => time = text.plain(),
            _ => {
                if let Some(field) = Field::named(name) {
                    damaged |= set(fields, field, value).is_none();
                }
            }
        }
    })?;
    if damaged {
        return None;
    }
    if let Some(log) = log {
        return Some(Object::Line(container(log, time, clock, out)));
    }
    if !fields.has_message() {
        return Some(Object::Other);
    }
    let (time, host) = fields.write(clock, out)?;
    Some(Object::Entry(time, host))
}

fn set(fields: &mut Fields, field: Field, value: Value<'_>) -> Option<()> {
    let place = fields.start(field);
    match value {
        Value::Text(text) => text.append(place),
        Value::Array(array) => json::append_array(array, place)?,
        // journalctl writes null for what is too long to show.
        Value::Word(b"null") | Value::Object(_) => {}
        Value::Word(word) => place.extend_from_slice(word),
    }
    Some(())
}

fn container(
    log: Text<'_>,
    time: Option<&[u8]>,
    clock: &mut Clock,
    out: &mut Vec<u8>,
) -> Option<Stamp> {
    out.clear();
    log.append(out);
    while out.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
        out.pop();
    }
    let (time, _) = super::rfc3339::instant(time?)?;
    Some(local(time, clock))
}

/// A runtime's time in the log's own zone: runtimes write UTC whatever the clocks of host and container show.
pub fn local(time: Stamp, clock: &mut Clock) -> Stamp {
    if time.offset == 0 {
        clock.here(time.micros)
    } else {
        time
    }
}
