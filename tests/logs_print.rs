//! Printing events: what was read from a real Postfix comes out byte by byte, and any event that Postfix
//! can write is read again as itself.

use crate::logs::{parser, real_log, tables};
use crate::logs_events::{
    SCREENS, Said, delivery, others, queue, reject, screen, seconds, session, stuff, tls, warning,
};
use mailtop::logparse::print::{self, About};
use mailtop::logparse::{Line, Record};
use proptest::prelude::*;
use std::fs;

/// The text behind the tag as it was read and as it is printed; `None` for lines that are no record.
fn printed(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parser = parser();
    let Line::Postfix(record) = parser.line(line) else {
        return None;
    };
    let mut out = Vec::new();
    record.print(&mut out);
    Some((record.text.to_vec(), out))
}

/// Every line of it, not nearly every.
#[test]
fn the_real_log_is_printed_as_it_was_read() {
    let log = real_log();
    let mut differ = Vec::new();
    for line in log.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let (text, out) = printed(line).unwrap();
        if text != out {
            differ.push(format!(
                "{}\n{}",
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(&out)
            ));
        }
    }
    assert_eq!(differ, Vec::<String>::new());
}

/// Lines of the tables that are printed otherwise than they were read, and why.
const PRINTED_OTHERWISE: &[&str] = &[
    // Before 2.3 addresses had no brackets; they come out with them.
    "from=rory@host,",
    "to=rory@host.example,",
    // The blank before the empty reason was lost on the way; smtpd writes it.
    "authentication failed:",
    // The line was cut.
    "helo=<",
    "status=sent (cut off he",
    // smtpd before 3.11 wrote no semicolon behind this one.
    "Server local data error",
];

#[test]
fn the_tables_are_printed_as_they_were_read() {
    for path in tables() {
        for line in fs::read(&path).unwrap().split(|b| *b == b'\n') {
            let Some((text, out)) = printed(line) else {
                continue;
            };
            let (text, out) = (
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(&out),
            );
            assert!(
                text == out
                    || text.starts_with("message repeated ")
                    || PRINTED_OTHERWISE.iter().any(|known| text.contains(known)),
                "{}:\n{text}\n{out}",
                path.display()
            );
        }
    }
}

fn check(said: &Said<'_>) -> Result<(), TestCaseError> {
    let Said(service, level, about, event) = said;
    let mut line = format!("Nov 22 08:48:35 fire postfix/{service}[1]: ").into_bytes();
    let head = line.len();
    print::text(service.as_bytes(), *level, *about, event, &mut line);
    let mut parser = parser();
    let Line::Postfix(Record {
        event: again,
        level: level_again,
        queue_id,
        noqueue,
        ..
    }) = parser.line(&line)
    else {
        return Err(TestCaseError::fail("no record"));
    };
    let text = String::from_utf8_lossy(&line[head..]).into_owned();
    prop_assert_eq!(&again, event, "{}", text);
    prop_assert_eq!(level_again, *level);
    let about_again = match queue_id {
        Some(id) => About::Message(id),
        None if noqueue => About::NoQueue,
        None => About::Nothing,
    };
    prop_assert_eq!(about_again, *about);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_is_read_as_it_was_printed(s in stuff(), kind in 0..37usize) {
        let reason = [b"<", &s.to[..], b">: Recipient address rejected: ", &s.said].concat();
        let [a, b, c, d] = s.numbers.map(|n| seconds(u64::from(n)));
        let delays = format!("{a}/{b}/{c}/{d}");
        let said = match kind {
            0..5 => session(&s, kind),
            5..10 => reject(&s, kind, &reason),
            10..17 => queue(&s, kind),
            17 => delivery(&s, &a, &delays),
            18 => screen(&s, s.one_of(SCREENS)),
            19..23 => tls(&s, kind),
            23..32 => warning(&s, kind),
            _ => others(&s, kind),
        };
        check(&said)?;
    }
}
