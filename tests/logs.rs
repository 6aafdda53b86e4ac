//! Parsing logs: tables of lines with what each must come out as, the real log against independent counts,
//! hostile and damaged lines, and the command as a script uses it.

use crate::peers::{mailtop, run_ok};
use flate2::read::GzDecoder;
use mailtop::logparse::{Line, Parser, Reference, Zone, json};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A moment after the real log and the tables were written.
const WRITTEN: i64 = 1_795_340_000;

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

pub(crate) fn real_log() -> Vec<u8> {
    let mut log = Vec::new();
    GzDecoder::new(fs::File::open(data("postfix-3.7.11.log.gz")).unwrap())
        .read_to_end(&mut log)
        .unwrap();
    log
}

pub(crate) fn parser() -> Parser {
    Parser::new(Reference::at(WRITTEN).in_zone(Zone::Fixed(0)))
}

/// A line as the tables tell it: a record's JSON object, or the word for a line that is none.
fn told(line: &[u8], parser: &mut Parser) -> String {
    match parser.line(line) {
        Line::Postfix(record) => {
            let mut out = Vec::new();
            json::object(&record, &mut out);
            String::from_utf8(out).unwrap()
        }
        Line::Other => "\"other\"".into(),
        Line::Garbage => "\"garbage\"".into(),
        Line::Empty => "\"empty\"".into(),
        Line::Partial => "\"partial\"".into(),
    }
}

pub(crate) fn tables() -> Vec<PathBuf> {
    fs::read_dir(data("lines"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect()
}

/// Each `tests/data/lines/NAME.log` has the expected objects, line by line, in `NAME.jsonl`.
#[test]
fn every_line_of_the_tables_comes_out_as_expected() {
    let tables = tables();
    assert!(tables.len() >= 8, "{tables:?}");
    let differences: Vec<String> = tables.iter().filter_map(|path| difference(path)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The first line of a table that comes out otherwise; what came out is kept beside the build.
fn difference(path: &Path) -> Option<String> {
    let input = fs::read(path).unwrap();
    let mut parser = parser();
    let lines: Vec<&[u8]> = input
        .strip_suffix(b"\n")
        .unwrap()
        .split(|b| *b == b'\n')
        .collect();
    let actual: Vec<String> = lines.iter().map(|line| told(line, &mut parser)).collect();
    let expected_path = path.with_extension("jsonl");
    let expected = fs::read_to_string(&expected_path).unwrap_or_default();
    let expected: Vec<&str> = expected.lines().collect();
    if actual == expected {
        return None;
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(expected_path.file_name().unwrap());
    fs::write(&kept, actual.join("\n") + "\n").unwrap();
    let at = (0..=actual.len().max(expected.len()))
        .find(|at| actual.get(*at).map(String::as_str) != expected.get(*at).copied())
        .unwrap();
    Some(format!(
        "{} line {}:\n{}\nexpected {}\n     got {}\nall that came out: {}",
        path.display(),
        at + 1,
        String::from_utf8_lossy(lines.get(at).unwrap_or(&&b""[..])),
        expected.get(at).unwrap_or(&"nothing"),
        actual.get(at).map_or("nothing", String::as_str),
        kept.display()
    ))
}

/// Occurrences of a string in the log's lines: the independent count.
fn lines_with(log: &[u8], needles: &[&str]) -> usize {
    log.split(|b| *b == b'\n')
        .filter(|line| {
            needles
                .iter()
                .all(|needle| memchr::memmem::find(line, needle.as_bytes()).is_some())
        })
        .count()
}

/// How often each kind (and each status, level, category) was found, and the lines not understood.
fn counted(log: &[u8]) -> (BTreeMap<String, usize>, Vec<String>) {
    let mut parser = parser();
    let mut counts = BTreeMap::new();
    let mut unparsed = Vec::new();
    for line in log.split(|b| *b == b'\n') {
        let text = told(line, &mut parser);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let Some(kind) = value["kind"].as_str() else {
            *counts.entry(value.to_string()).or_default() += 1;
            continue;
        };
        if kind == "unparsed" {
            unparsed.push(text.clone());
        }
        for key in [
            "kind",
            "status",
            "level",
            "category",
            "postscreen",
            "warning",
        ] {
            if let Some(word) = value[key].as_str() {
                *counts.entry(format!("{key} {word}")).or_default() += 1;
            }
        }
    }
    (counts, unparsed)
}

#[test]
fn the_real_log_is_understood_whole_and_counted_exactly() {
    let log = real_log();
    let (counts, unparsed) = counted(&log);
    assert_eq!(unparsed, Vec::<String>::new());
    for (key, needles) in [
        ("\"empty\"", &["\u{0}"][..]),
        ("kind connect", &["smtpd[", "]: connect from "]),
        ("kind disconnect", &["]: disconnect from "]),
        ("kind client", &[": client="]),
        ("kind queue_active", &["(queue active)"]),
        ("kind message_id", &["/cleanup[", ": message-id="]),
        ("kind removed", &["/qmgr[", ": removed"]),
        ("kind expired", &["expired, returned to sender"]),
        ("kind notification", &["non-delivery notification: "]),
        ("kind delivery", &[", delays="]),
        ("status sent", &[", status=sent ("]),
        ("status deferred", &[", status=deferred ("]),
        ("status bounced", &[", status=bounced ("]),
        ("status deliverable", &[", status=deliverable ("]),
        ("status undeliverable", &[", status=undeliverable ("]),
        ("kind reject", &[": reject: "]),
        ("kind reject_warning", &[": reject_warning: "]),
        ("kind milter_reject", &[": milter-reject: "]),
        ("kind hold", &[": hold: "]),
        ("kind proxy_accept", &["proxy-accept: "]),
        ("kind proxy_reject", &["proxy-reject: "]),
        ("category relay_denied", &["Relay access denied; "]),
        (
            "category rbl",
            &[": reject: RCPT", "; Client host [", "blocked using "],
        ),
        (
            "category postscreen_dnsbl",
            &["; client [", "blocked using "],
        ),
        (
            "category rhsbl_sender",
            &["; Sender address [", "blocked using "],
        ),
        (
            "category rhsbl_helo",
            &["; Helo command [", "blocked using "],
        ),
        (
            "category user_unknown_local",
            &["in local recipient table; "],
        ),
        ("category greylist", &["Greylisted"]),
        ("category no_ptr", &["cannot find your reverse hostname"]),
        ("category body", &["reject: body "]),
        ("category size", &["Message size exceeds"]),
        ("kind lost_connection", &["smtpd[", "lost connection after"]),
        ("kind timeout", &["]: timeout after"]),
        ("kind too_many_errors", &["too many errors after"]),
        ("kind improper_pipelining", &["improper command pipelining"]),
        ("kind tls", &[" TLS connection established "]),
        ("kind tls_failed", &["SSL_accept error"]),
        ("kind pickup", &["/pickup["]),
        ("kind dnsblog", &["/dnsblog["]),
        ("kind anvil", &["/anvil["]),
        ("kind scache", &["/scache["]),
        ("postscreen connect", &["postscreen[", "]: CONNECT from"]),
        ("postscreen pass_new", &["]: PASS NEW "]),
        ("postscreen pregreet", &["]: PREGREET "]),
        ("postscreen dnsbl_rank", &["]: DNSBL rank "]),
        ("postscreen hangup", &["]: HANGUP "]),
        ("level warning", &["]: warning: "]),
        ("level error", &["]: error: "]),
        ("warning sasl_failed", &[" authentication failed: "]),
        ("warning rbl_lookup", &["RBL lookup error: "]),
        (
            "warning hostname_mismatch",
            &["does not resolve to address"],
        ),
        ("warning limit_exceeded", &[" limit exceeded: "]),
    ] {
        let expected = match key {
            // The piece behind the last line's end.
            "\"empty\"" => 1,
            _ => lines_with(&log, needles),
        };
        assert!(expected > 0, "{key}: {needles:?} is not in the log");
        assert_eq!(counts.get(key), Some(&expected), "{key}");
    }
    let known: usize = counts
        .iter()
        .filter(|(k, _)| k.starts_with("kind "))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(known, log.split(|b| *b == b'\n').count() - 1);
}

/// What holds for a line however it was damaged.
fn check_damaged(line: &[u8]) {
    let mut parser = parser();
    if let Line::Postfix(record) = parser.line(line) {
        let mut out = Vec::new();
        json::object(&record, &mut out);
        let _: serde_json::Value = serde_json::from_slice(&out).unwrap();
        out.clear();
        json::plain(&record, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(mailtop::sanitize::is_hostile), "{text:?}");
        let mut messages = mailtop::logparse::life::Messages::new(2);
        messages.observe(&record);
        assert!(mailtop::logparse::normalise::reason(record.text).len() <= 3 * 160);
    }
}

#[test]
fn lines_cut_at_every_byte() {
    for table in fs::read_dir(data("lines")).unwrap() {
        let path = table.unwrap().path();
        if path.extension().is_some_and(|e| e == "log") {
            for line in fs::read(&path).unwrap().split(|b| *b == b'\n') {
                for end in 0..=line.len() {
                    check_damaged(&line[..end]);
                }
            }
        }
    }
}

#[test]
fn a_line_of_seventy_kilobytes() {
    for filler in [
        "x",
        "<",
        ">, ",
        "\"",
        "; from=<",
        " blocked using ",
        "]: ",
        "\"; ",
        "; \"",
        "> to=<",
        "a@b>, relay=",
    ] {
        let long = filler.repeat(70_000 / filler.len());
        for start in [
            "postfix/smtp[1]: 8921054E113: to=<",
            "postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <",
            "postfix/cleanup[1]: 8921054E113: reject: header ",
            "postfix/postscreen[1]: PREGREET 11 after 0 from [192.0.2.1]:1: ",
            "postfix/smtpd[1]: warning: ",
        ] {
            check_damaged(format!("Nov 22 08:48:35 fire {start}{long}").as_bytes());
        }
    }
}

fn real_lines() -> &'static [Vec<u8>] {
    static LINES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    LINES.get_or_init(|| {
        real_log()
            .split(|b| *b == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes replaced, removed and inserted anywhere in a real line.
    #[test]
    fn damaged_real_lines(
        line in 0..41_943usize,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<u8>(), 0..24usize), 1..6),
    ) {
        const PIECES: [&[u8]; 12] = [
            b"\"", b">", b"<", b"]: ", b", ", b"; from=<", b" helo=<", b"\0", b"\xff", b": ", b"[", b"status=",
        ];
        let mut line = real_lines()[line].clone();
        for (at, how, byte, piece) in edits {
            let at = at.index(line.len() + 1);
            match how {
                0 if at < line.len() => line[at] = byte,
                1 => drop(line.drain(at..(at + piece).min(line.len()))),
                _ => {
                    let bytes = PIECES.get(piece).copied().unwrap_or(&[]);
                    line.splice(at..at, bytes.iter().copied());
                }
            }
        }
        check_damaged(&line);
    }

    /// Anything at all behind a header.
    #[test]
    fn arbitrary_bodies(service in 0..8usize, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let service = ["smtpd", "smtp", "cleanup", "qmgr", "postscreen", "anvil", "bounce", "pickup"][service];
        let mut line = format!("Nov 22 08:48:35 fire postfix/{service}[1]: ").into_bytes();
        line.extend(body);
        check_damaged(&line);
    }
}

#[test]
fn the_command_reads_gzip_pipes_and_several_files() {
    let log = data("postfix-3.7.11.log.gz");
    let whole = run_ok(
        mailtop()
            .args(["parse", "--json"])
            .arg(&log)
            .env("TZ", "UTC"),
    );
    let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
    assert_eq!(lines(&whole.stdout), 41_943);
    let first: serde_json::Value =
        serde_json::from_slice(whole.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["kind"], "lifecycle");
    assert_eq!(first["instance"], "postfix");
    assert_eq!(first["queue_id"], serde_json::Value::Null);

    let twice = run_ok(
        mailtop()
            .args(["parse", "--instance", "postfix-out"])
            .args([&log, &log]),
    );
    let one = lines_with(&real_log(), &[" postfix-out/"]);
    assert_eq!(lines(&twice.stdout), 2 * one);

    let nothing = run_ok(mailtop().args(["parse", "--unparsed"]).arg(&log));
    assert_eq!(nothing.stdout, b"");
    assert_eq!(
        String::from_utf8(nothing.stderr).unwrap(),
        "0 of 41943 Postfix lines not understood; 0 lines without a header; 0 lines of other programs\n"
    );

    let mut child = mailtop()
        .args(["parse", "--json"])
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(
            b"2026-11-22T08:48:35+01:00 fire postfix/qmgr[1]: 8921054E113: removed\n\xff\xfe\n",
        )
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "{\"time\":\"2026-11-22T08:48:35+01:00\",\"host\":\"fire\",\"instance\":\"postfix\",\"service\":\"qmgr\",\"pid\":1,\"queue_id\":\"8921054E113\",\"kind\":\"removed\"}\n"
    );
}

#[test]
fn the_command_says_what_it_could_not_read() {
    let missing = mailtop()
        .args(["parse", "/nowhere/mail.log"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2));
    let message = String::from_utf8(missing.stderr).unwrap();
    assert!(
        message.contains("/nowhere/mail.log: no such file"),
        "{message}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let mut child = mailtop()
        .args(["parse", "--json"])
        .arg(data("postfix-3.7.11.log.gz"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[test]
fn what_was_not_understood_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    let lines = [
        "Nov 22 08:48:35 fire postfix/qmgr[1]: 8921054E113: removed",
        "Nov 22 08:48:35 fire postfix/qmgr[1]: words of a future version",
        "Nov 22 08:48:35 fire dovecot: imap-login: x",
        "\u{1b}[31mno header",
    ];
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let output = mailtop()
        .args(["parse", "--unparsed"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let name = path.display();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{name}:2: {}\n{name}:4: ?[31mno header\n", lines[1])
    );
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "1 of 2 Postfix lines not understood; 1 lines without a header; 1 lines of other programs\n"
    );
    let output = mailtop()
        .args(["parse", "--unparsed", "--json"])
        .arg(&path)
        .output()
        .unwrap();
    let first: serde_json::Value =
        serde_json::from_slice(output.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&first["kind"], &first["line"]),
        (&"unparsed".into(), &2.into())
    );
}
