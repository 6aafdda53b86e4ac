//! Hostile and damaged lines: nothing panics, nothing raw reaches a terminal, whatever the form of the
//! output. The fuzz targets' properties, held against what once broke them and against every table.

use crate::logs::{data, tables};
use crate::peers::{mailtop, run_ok};
use mailtop::sanitize;
use std::fs;
use std::io::Write as _;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Each file of `tests/data/hostile` is an input that a fuzz target or a reader once stumbled over.
#[test]
fn what_once_broke_the_parser() {
    let mut count = 0;
    for entry in fs::read_dir(data("hostile")).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        checks::line(&input);
        checks::stream(&input);
        checks::life(&input);
        checks::print(&input);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn the_tables_hold_the_fuzz_targets_properties() {
    for path in tables() {
        let table = fs::read(path).unwrap();
        checks::stream(&table);
        checks::life(&table);
        checks::print(&table);
        for line in table.split(|b| *b == b'\n') {
            for end in 0..=line.len() {
                checks::print(&line[..end]);
            }
        }
    }
}

/// Every control character, and what else steers a terminal, alone and in the sequences terminals know.
fn hostile_pieces() -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = (0..=0xffu8)
        .filter(|b| *b != b'\n' && (!b.is_ascii() || b.is_ascii_control()))
        .map(|b| vec![b])
        .collect();
    let characters = ('\u{80}'..='\u{9f}')
        .chain('\u{200b}'..='\u{200f}')
        .chain('\u{2028}'..='\u{202e}')
        .chain('\u{2060}'..='\u{206f}')
        .chain(['\u{ad}', '\u{61c}', '\u{feff}', '\u{fff9}', '\u{e0041}']);
    pieces.extend(characters.map(|c| c.to_string().into_bytes()));
    let sequences = [
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]52;c;eA==\x1b\\",
        "\x1bP+q\x1b\\",
        "\u{9b}2J",
        "\u{9d}0;x\u{9c}",
        "\x1bc",
        "\x08\x08\x08",
        "\r\x1b[K",
    ];
    pieces.extend(sequences.map(|s| s.as_bytes().to_vec()));
    pieces
}

/// Lines in which `@` stands for the hostile piece, one for each way of text into an output.
const PLACES: &[&str] = &[
    "Nov 22 08:48:35 fi@re postfix/smtpd[1]: connect from h@[192.0.2.1]",
    "Nov 22 08:48:35 fire po@st/smtpd[1]: NOQUEUE: reject: RCPT from h@[192.0.2.1]: 554 5.7.1 <x@>: Relay access denied; from=<a@> to=<x@> proto=ESMTP helo=<h@>",
    "Nov 22 08:48:35 fire postfix/smtp[1]: 8921054E113: to=<a@b>, relay=mx@[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 @ ok)",
    "Nov 22 08:48:35 fire postfix/cleanup[1]: 8921054E113: message-id=<a@b>",
    "Nov 22 08:48:35 fire postfix/cleanup[1]: 8921054E113: reject: header Subject: @ from h[192.0.2.1]; from=<a@> to=<b> proto=ESMTP helo=<@>: 5.7.1 @",
    "Nov 22 08:48:35 fire postfix/smtpd[1]: warning: @: SASL PLAIN authentication failed: @, sasl_username=@",
    "Nov 22 08:48:35 fire postfix/smtpd[1]: warning: any @ text",
    "Nov 22 08:48:35 fire postfix/postscreen[1]: PREGREET 3 after 0.1 from [192.0.2.1]:1: @",
    "Nov 22 08:48:35 fire postfix/smtpd[1]: words @ of a future version",
    "no header @ here",
];

#[test]
fn nothing_raw_comes_out_in_any_form() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    let mut file = fs::File::create(&path).unwrap();
    let mut count = 0;
    for piece in hostile_pieces() {
        for place in PLACES {
            for (at, part) in place.split('@').enumerate() {
                if at > 0 {
                    file.write_all(&piece).unwrap();
                }
                file.write_all(part.as_bytes()).unwrap();
            }
            file.write_all(b"\n").unwrap();
            count += 1;
        }
    }
    file.sync_all().unwrap();
    for arguments in [&["parse"][..], &["parse", "--json"]] {
        let output = run_ok(mailtop().args(arguments).arg(&path));
        let lines = safe_lines(&output.stdout);
        // Garbage is only listed when it is asked for.
        assert!(lines.len() > count / 2, "{} of {count}", lines.len());
        if arguments.contains(&"--json") {
            each_is_json(&lines);
        }
    }
    for arguments in [
        &["parse", "--unparsed"][..],
        &["parse", "--unparsed", "--json"],
    ] {
        let output = mailtop().args(arguments).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let lines = safe_lines(&output.stdout);
        assert!(
            lines.len() >= 2 * hostile_pieces().len() - 8,
            "{}",
            lines.len()
        );
        if arguments.contains(&"--json") {
            each_is_json(&lines);
        }
    }
}

/// The lines of an output, of which none holds a character that acts.
fn safe_lines(output: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(output).unwrap();
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    for line in &lines {
        assert!(!line.chars().any(sanitize::is_hostile), "{line:?}");
    }
    lines
}

fn each_is_json(lines: &[&str]) {
    for line in lines {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["kind"].is_string(), "{line}");
    }
}
