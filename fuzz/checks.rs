//! What must hold whatever the bytes are: the properties that the fuzz targets try to break, and that the
//! tests hold against the real log, the tables and every input that once broke one.

use mailtop::logparse::event::Event;
use mailtop::logparse::life::{Messages, Query};
use mailtop::logparse::source::Lines;
use mailtop::logparse::{Line, Parser, Record, Reference, Zone, json, normalise};
use mailtop::sanitize;

fn parser() -> Parser {
    Parser::new(Reference::at(1_795_340_000).in_zone(Zone::Fixed(0)))
}

/// Any bytes as one line: no panic; what comes out is valid JSON, and nothing of it can act on a terminal.
pub fn line(data: &[u8]) {
    let mut parser = parser();
    match parser.line(data) {
        Line::Postfix(record) => shown(&record),
        Line::Garbage => {
            let mut out = Vec::new();
            json::garbage(data, &mut out);
            is_json(&out);
        }
        Line::Other | Line::Empty | Line::Partial => {}
    }
}

/// Every form in which a record is shown.
fn shown(record: &Record<'_>) {
    let mut out = Vec::new();
    json::object(record, &mut out);
    is_json(&out);
    out.clear();
    json::plain(record, &mut out);
    is_safe(&out);
    assert!(normalise::reason(record.text).len() <= 3 * 160);
    match &record.event {
        Event::Delivery(delivery) => {
            let _ = (delivery.place(), delivery.queued_as());
            let _ = delivery.tls_policies().count();
        }
        Event::Reject(reject) => {
            let _ = (reject.parts(), reject.blocked());
        }
        Event::Disconnect { counters, .. } => {
            let _ = (counters.iter().count(), counters.notes());
        }
        _ => {}
    }
}

fn is_json(out: &[u8]) {
    let value: Result<serde_json::Value, _> = serde_json::from_slice(out);
    assert!(value.is_ok(), "{}", String::from_utf8_lossy(out));
}

/// UTF-8 on one line without a character that acts.
fn is_safe(out: &[u8]) {
    let text = std::str::from_utf8(out);
    assert!(text.is_ok(), "{}", String::from_utf8_lossy(out));
    let hostile = text.is_ok_and(|text| text.chars().any(sanitize::is_hostile));
    assert!(!hostile, "{}", String::from_utf8_lossy(out));
}

/// Any bytes as a file, cut into lines of a bounded length and parsed with one clock.
pub fn stream(data: &[u8]) {
    let mut parser = parser();
    let mut lines = Lines::with_max(data, 4096);
    let mut count = 0;
    while let Ok(Some(raw)) = lines.next_raw() {
        count += 1;
        if let Line::Postfix(record) = parser.read(raw) {
            shown(&record);
        }
    }
    assert!(count <= data.len());
}

/// The lives of messages over any bytes, few of them kept, and a look-up of what was in them.
pub fn life(data: &[u8]) {
    let mut parser = parser();
    let mut messages = Messages::new(8);
    let mut words = Vec::new();
    for line in data.split(|b| *b == b'\n') {
        if let Line::Postfix(record) = parser.line(line) {
            messages.observe(&record);
            words.extend(record.queue_id.map(<[u8]>::to_vec));
            record.event.fields(&mut |_, value| {
                if let mailtop::logparse::fields::Value::Text(text) = value {
                    words.push(text.to_vec());
                }
            });
        }
    }
    assert!(messages.len() <= 8);
    for word in words.iter().take(64) {
        let query = Query::new(&String::from_utf8_lossy(word));
        for life in messages.find(&query) {
            let _ = life.timeline();
        }
    }
}

/// What was printed is read as what is printed: printing is a projection, whatever was read before.
pub fn print(data: &[u8]) {
    let mut parser = parser();
    for line in data.split(|b| *b == b'\n') {
        let Line::Postfix(record) = parser.line(line) else {
            continue;
        };
        let mut head = b"2026-11-22T08:48:35+00:00 h ".to_vec();
        head.extend_from_slice(record.tag);
        head.extend_from_slice(b"[1]: ");
        let mut text = Vec::new();
        record.print(&mut text);
        // A line's end and a folded repetition are the wrapper's, not the text's.
        if text.is_empty() || text.ends_with(b"\r") || is_repetition(&text) {
            continue;
        }
        let mut again = self::parser();
        let whole = [&head[..], &text].concat();
        let Line::Postfix(record) = again.line(&whole) else {
            panic!("no record: {}", String::from_utf8_lossy(&whole));
        };
        let mut twice = Vec::new();
        record.print(&mut twice);
        assert!(
            text == twice,
            "{}\n{}",
            String::from_utf8_lossy(&text),
            String::from_utf8_lossy(&twice)
        );
    }
}

fn is_repetition(text: &[u8]) -> bool {
    text.starts_with(b"message repeated ") || text.starts_with(b"last message repeated ")
}
