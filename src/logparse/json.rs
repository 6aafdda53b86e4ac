//! A record as one JSON object on one line (RFC 8259), and as one line of text.
//!
//! In: a [`Record`]. Out: bytes appended to a buffer. Invalid UTF-8 becomes U+FFFD; characters that could
//! steer a terminal are written as `\u` escapes, so nothing is lost and nothing acts.

use super::fields::Value;
use super::{Record, Stamp};
use crate::sanitize::{self, is_hostile};
use std::io::Write as _;

/// Appends `{...}` without a line end.
pub fn object(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    time(record.time, out);
    out.extend_from_slice(b"\"");
    member("host", Value::Text(record.host), out);
    member("instance", Value::Text(record.instance), out);
    member("service", Value::Text(record.service), out);
    if record.tag.len() > record.instance.len() + 1 + record.service.len() {
        member("tag", Value::Text(record.tag), out);
    }
    member("pid", Value::Number(u64::from(record.pid)), out);
    match record.queue_id {
        Some(id) => member("queue_id", Value::Text(id), out),
        None => out.extend_from_slice(b",\"queue_id\":null"),
    }
    member("kind", Value::Word(record.event.kind()), out);
    if record.level != super::event::Level::Info {
        member("level", Value::Word(record.level.name()), out);
    }
    if record.repeat != 1 {
        member("repeat", Value::Number(u64::from(record.repeat)), out);
    }
    record
        .event
        .fields(&mut |name, value| member(name, value, out));
    out.push(b'}');
}

/// Appends an object for a line without a header.
pub fn garbage(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":null,\"queue_id\":null");
    member("kind", Value::Word("garbage"), out);
    member("text", Value::Text(line), out);
    out.push(b'}');
}

/// Adds to the object just appended where its line stands: a file's name and a line number, from 1.
pub fn place(file: &[u8], number: u64, out: &mut Vec<u8>) {
    if out.last() == Some(&b'}') {
        out.pop();
        member("file", Value::Text(file), out);
        member("line", Value::Number(number), out);
        out.push(b'}');
    }
}

/// Appends the record as text for people, safe to show.
pub fn plain(record: &Record<'_>, out: &mut Vec<u8>) {
    time(record.time, out);
    let place = [record.host, record.tag].map(sanitize::line);
    let id = record.queue_id.map_or("-".into(), sanitize::line);
    let _ = write!(
        out,
        " {} {}[{}] {id} {}",
        place[0],
        place[1],
        record.pid,
        record.event.kind()
    );
    record.event.fields(&mut |name, value| {
        let _ = match value {
            Value::Text(text) => write!(out, " {name}={}", sanitize::line(text)),
            Value::Word(word) => write!(out, " {name}={word}"),
            Value::Number(number) => write!(out, " {name}={number}"),
            Value::Seconds(hundredths) => {
                let _ = write!(out, " {name}=");
                seconds(hundredths, out);
                Ok(())
            }
        };
    });
}

/// `,"name":value`
fn member(name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    match value {
        Value::Text(text) => string(text, out),
        Value::Word(word) => string(word.as_bytes(), out),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Seconds(hundredths) => seconds(hundredths, out),
    }
}

/// Hundredths as a decimal number without trailing zeros.
fn seconds(hundredths: u64, out: &mut Vec<u8>) {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    let _ = match part {
        0 => write!(out, "{whole}"),
        p if p % 10 == 0 => write!(out, "{whole}.{}", p / 10),
        p => write!(out, "{whole}.{p:02}"),
    };
}

/// A JSON string.
fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    if text
        .iter()
        .all(|b| (0x20..0x7f).contains(b) && *b != b'"' && *b != b'\\')
    {
        out.extend_from_slice(text);
    } else {
        for c in String::from_utf8_lossy(text).chars() {
            character(c, out);
        }
    }
    out.push(b'"');
}

fn character(c: char, out: &mut Vec<u8>) {
    let _ = match c {
        '"' => out.write_all(b"\\\""),
        '\\' => out.write_all(b"\\\\"),
        '\n' => out.write_all(b"\\n"),
        '\r' => out.write_all(b"\\r"),
        '\t' => out.write_all(b"\\t"),
        c if is_hostile(c) => {
            let mut units = [0; 2];
            c.encode_utf16(&mut units)
                .iter()
                .try_for_each(|unit| write!(out, "\\u{unit:04x}"))
        }
        c => write!(out, "{c}"),
    };
}

/// RFC 3339 with the log's own offset; decimals only when the log had them.
fn time(stamp: Stamp, out: &mut Vec<u8>) {
    let local = stamp.seconds() + i64::from(stamp.offset);
    let (days, of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = super::clock::civil_from_days(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    );
    let micros = stamp.micros.rem_euclid(1_000_000);
    if micros > 0 {
        let _ = write!(out, ".{micros:06}");
    }
    let offset = stamp.offset.abs();
    let sign = if stamp.offset < 0 { '-' } else { '+' };
    let _ = write!(out, "{sign}{:02}:{:02}", offset / 3_600, offset / 60 % 60);
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Parser, Reference, Zone};
    use super::*;

    fn json(line: &[u8]) -> String {
        let mut parser = Parser::new(Reference::at(1_795_340_000).in_zone(Zone::Fixed(-12_600)));
        let Line::Postfix(record) = parser.line(line) else {
            panic!("no record: {}", String::from_utf8_lossy(line));
        };
        let mut out = Vec::new();
        object(&record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hostile_bytes_stay_inside_their_string() {
        let text =
            json(b"Nov 22 05:18:35 fire postfix/smtpd[1]: \x1b]0;\xff\"\\\0\xe2\x80\xae evil");
        assert_eq!(
            text,
            "{\"time\":\"2026-11-22T05:18:35-03:30\",\"host\":\"fire\",\"instance\":\"postfix\",\"service\":\"smtpd\",\"pid\":1,\"queue_id\":null,\"kind\":\"unparsed\",\"text\":\"\\u001b]0;\u{fffd}\\\"\\\\\\u0000\\u202e evil\"}"
        );
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["text"], "\u{1b}]0;\u{fffd}\"\\\0\u{202e} evil");
    }

    #[test]
    fn decimals_of_the_log_are_kept() {
        let text =
            json(b"2026-11-22T08:48:35.250001+01:00 fire postfix/qmgr[1]: 8921054E113: removed");
        assert!(
            text.starts_with("{\"time\":\"2026-11-22T08:48:35.250001+01:00\""),
            "{text}"
        );
        let mut out = Vec::new();
        for hundredths in [0, 5, 120, 1234, 12_300] {
            seconds(hundredths, &mut out);
            out.push(b' ');
        }
        assert_eq!(out, b"0 0.05 1.2 12.34 123 ");
    }
}
