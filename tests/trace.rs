//! `mailtop trace`: each way that messages hang together, told from each of its ends; the real log; a real
//! Postfix; hostile and endless input.

use crate::peers::postfix::Postfix;
use crate::peers::smtp::swaks;
use crate::peers::{mailtop, run_ok};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use unicode_width::UnicodeWidthStr as _;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn log(name: &str) -> PathBuf {
    data(&format!("trace/{name}.log"))
}

fn trace(term: &str, files: &[&Path], options: &[&str]) -> Output {
    mailtop()
        .env("TZ", "UTC")
        .arg("trace")
        .arg(term)
        .args(files)
        .args(options)
        .output()
        .unwrap()
}

/// What tracing prints when it finds something.
fn found(term: &str, files: &[&Path], options: &[&str]) -> String {
    let output = trace(term, files, options);
    assert!(output.status.success(), "{term}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn objects(term: &str, files: &[&Path], options: &[&str]) -> Vec<Value> {
    found(term, files, &[options, &["--json"]].concat())
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The ids of the messages told, with the way each came from the one before.
fn ids(objects: &[Value]) -> Vec<String> {
    objects
        .iter()
        .filter(|object| object["kind"] == "message")
        .map(|object| match object["relation"].as_str() {
            Some(relation) => format!("{relation} {}", object["id"].as_str().unwrap()),
            None => object["id"].as_str().unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn each_join_is_told_as_expected() {
    for (name, term) in [
        ("filter", "a@a.example"),
        ("silent-filter", "3121054E111"),
        ("bounce", "4jXMkR1TwwznJh2"),
        ("requeue", "ops@b.example"),
        ("instances", "<m1@a.example>"),
        ("greylist", "b@b.example"),
        ("reused", "3121054E111"),
    ] {
        let mut text = found(term, &[&log(name)], &[]);
        // Stamps without a year belong to the year of the file, which a checkout makes new.
        for year in 2024..2040 {
            text = text.replace(&format!("Nov 22 {year}"), "Nov 22 YEAR");
        }
        let expected = data(&format!("trace/{name}.txt"));
        assert_eq!(
            text,
            std::fs::read_to_string(&expected).unwrap_or_default(),
            "{}",
            expected.display()
        );
        for line in text.lines() {
            assert!(line.width() <= 80, "{line}");
        }
    }
}

#[test]
fn a_chain_is_found_from_each_of_its_ends() {
    for (name, chain) in [
        ("filter", &["3121054E111", "re-injected as 3121054E112"][..]),
        (
            "silent-filter",
            &["3121054E111", "re-injected as 3121054E112"],
        ),
        (
            "bounce",
            &[
                "4jXMkR1TwwznJh2",
                "notification 4jXMkV6TwwznJh3",
                "forwarded as 4jXMkV6TwwznJh4",
            ],
        ),
        ("requeue", &["3121054E111", "requeued as 3121054E1AB"]),
        ("instances", &["3121054E111", "queued as 3121054E112"]),
    ] {
        for link in chain {
            let id = link.rsplit(' ').next().unwrap();
            assert_eq!(ids(&objects(id, &[&log(name)], &[])), chain, "{name} {id}");
        }
    }
}

#[test]
fn a_chain_spans_files_packed_files_and_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(log("filter")).unwrap();
    let cut = text.find("2026-11-22T08:00:02").unwrap();
    let (old, new) = (
        directory.path().join("log.1.gz"),
        directory.path().join("log"),
    );
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(&text.as_bytes()[..cut]).unwrap();
    std::fs::write(&old, zip.finish().unwrap()).unwrap();
    std::fs::write(&new, &text[cut..]).unwrap();
    let whole = found("3121054E112", &[&log("filter")], &[]);
    assert_eq!(found("3121054E112", &[&old, &new], &[]), whole);

    let mut child = mailtop()
        .env("TZ", "UTC")
        .args(["trace", "3121054E112", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), whole);
}

#[test]
fn encoded_logs_are_searched_as_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("json.log");
    let text = std::fs::read_to_string(log("filter")).unwrap();
    // As Docker's json-file driver writes it: angle brackets are escaped.
    let docker: Vec<String> = text
        .lines()
        .map(|line| {
            let line = line.replace('<', "\\u003c").replace('>', "\\u003e");
            format!("{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T08:00:00Z\"}}\n")
        })
        .collect();
    std::fs::write(&path, docker.concat()).unwrap();
    // As journalctl -o export does: an entry takes several lines.
    let export: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let (tag, message) = line.split_once(' ').unwrap().1.split_once(": ").unwrap();
            let (name, pid) = tag.strip_prefix("mx ").unwrap().split_once('[').unwrap();
            format!(
                "__CURSOR=s={at}\n__REALTIME_TIMESTAMP={}\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER={name}\n\
                 SYSLOG_PID={}\nMESSAGE={message}\n\n",
                1_795_334_400_000_000 + at as u64,
                pid.trim_end_matches(']')
            )
        })
        .collect();
    let journal = directory.path().join("export");
    std::fs::write(&journal, export.concat()).unwrap();
    let chain = ["3121054E111", "re-injected as 3121054E112"];
    for file in [&path, &journal] {
        let told = objects("<same@a.example>", &[file], &[]);
        assert_eq!(ids(&told), chain, "{}", file.display());
        let input = std::fs::File::open(file).unwrap();
        let output = mailtop()
            .args(["trace", "--json", "<same@a.example>", "-"])
            .stdin(input)
            .output()
            .unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), told.len(), "{}", file.display());
    }
}

#[test]
fn terms_are_known_by_their_form() {
    let log = log("greylist");
    for (term, messages) in [
        ("3121054E111", 1),
        ("B@B.Example", 1),
        ("@b.example", 1),
        ("a.example", 1),
        ("<m1@a.example>", 1),
        ("m1@a.example", 1),
        ("192.0.2.1", 1),
        ("192.0.2.0/24", 1),
        ("/message-id=<m[0-9]@/", 1),
        ("/^3121054E111: removed$/", 1),
        ("/nobody@b/", 0),
        ("203.0.113.9", 0),
    ] {
        let told = objects(term, &[&log], &[]);
        assert_eq!(ids(&told).len(), messages, "{term}");
        assert!(told.len() > 1, "{term}: a refusal at least");
    }
    for term in [
        "3121054E11",
        "b@b.exampl",
        "<m1@a.exampl>",
        "192.0.2.2",
        "/M1@/",
    ] {
        assert_eq!(trace(term, &[&log], &[]).status.code(), Some(1), "{term}");
    }
    for term in ["/(/", "two words", "", "word"] {
        assert_eq!(trace(term, &[&log], &[]).status.code(), Some(2), "{term}");
    }
}

#[test]
fn a_side_and_a_period_narrow_it_down() {
    let log = log("reused");
    let of = |options: &[&str]| ids(&objects("a@a.example", &[&log], options)).len();
    assert_eq!(of(&["--from"]), 1);
    assert_eq!(
        trace("a@a.example", &[&log], &["--to"]).status.code(),
        Some(1)
    );
    let generation = |options: &[&str]| {
        let told = objects("3121054E111", &[&log], options);
        let messages = told.iter().filter(|o| o["kind"] == "message");
        messages
            .map(|o| o["message_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = ("<first@a.example>", "<second@c.example>");
    assert_eq!(generation(&[]), [first, second]);
    assert_eq!(generation(&["--since", "2026-11-21"]), [second]);
    assert_eq!(generation(&["--until", "2026-11-21"]), [first]);
    assert_eq!(generation(&["--limit", "1"]), [second]);
    assert_eq!(
        trace("3121054E111", &[&log], &["--instance", "other"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn nothing_found_says_what_was_searched() {
    let log = log("filter");
    let output = trace("nobody@a.example", &[&log], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    for words in [
        "14 lines",
        "filter.log",
        "2026-11-22 08:00:00 to 2026-11-22 08:00:04",
        "try: ",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_real_log() {
    let log = data("postfix-3.7.11.log.gz");
    let requeued = objects("346A154E2AA", &[&log], &[]);
    assert!(
        ids(&requeued).contains(&"requeued as 7F9B054E173".to_owned()),
        "{:?}",
        ids(&requeued)
    );
    let forwarded = ids(&objects("AED3A54E18E", &[&log], &[]));
    assert_eq!(
        forwarded[..2],
        ["AAF3354E18C", "forwarded as AED3A54E18E"],
        "{forwarded:?}"
    );
    let refused = found("grey40@good.example", &[&log], &[]);
    assert!(refused.contains("Greylisted"), "{refused}");
    let many = objects("deimos.example", &[&log], &["--limit", "7"]);
    let summary = many.last().unwrap();
    assert!(summary["more"].as_u64().unwrap() > 1_000, "{summary}");
    for line in found("198.51.100.10", &[&log], &[]).lines() {
        assert!(line.width() <= 80, "{line}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let log = log("hostile");
    for term in ["203.0.113.9", "3121054E111", "spam.example", "/./"] {
        for options in [&[][..], &["--json"]] {
            let text = found(term, &[&log], options);
            let bad = text.chars().find(|c| *c != '\n' && c.is_control());
            assert_eq!(bad, None, "{text:?}");
        }
    }
    let output = trace("\u{1b}[2J@x.example", &[&log], &[]);
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn an_endless_message_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut text = String::from(
        "2026-11-22T08:00:00+00:00 mx postfix/smtpd[11]: 3121054E111: client=a.example[192.0.2.1]\n",
    );
    for n in 0..30_000 {
        writeln!(
            text,
            "2026-11-22T{:02}:{:02}:{:02}+00:00 mx postfix/smtp[14]: 3121054E111: to=<b{}@b.example>, \
             relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (timed out)",
            8 + n / 3600,
            n / 60 % 60,
            n % 60,
            n % 3
        )
        .unwrap();
    }
    std::fs::write(&path, text).unwrap();
    let text = found("3121054E111", &[&path], &[]);
    assert!(text.contains("29,961 more attempts"), "{text}");
    assert!(text.lines().count() < 300, "{text}");
}

#[test]
fn a_real_alias_is_followed_by_message_id() {
    let postfix = Postfix::start(
        "mydestination = lab.test\nalias_maps = inline:{team=far@far.test}\n\
         default_transport = discard\nlocal_recipient_maps =\n",
    );
    swaks(
        postfix.port,
        &[
            "--from",
            "a@b.test",
            "--to",
            "team@lab.test",
            "--header",
            "Message-Id: <traced@b.test>",
        ],
    );
    let first = postfix.wait_log(&["status=sent (forwarded as "]);
    let new = first
        .rsplit("forwarded as ")
        .next()
        .unwrap()
        .trim_end_matches(')');
    postfix.wait_log(&[new, ": removed"]);
    let told = objects("<traced@b.test>", &[&postfix.log_path()], &[]);
    let ids = ids(&told);
    assert_eq!(ids.len(), 2, "{told:#?}");
    assert_eq!(ids[1], format!("forwarded as {new}"));
    assert_eq!(told[1]["recipients"][0]["outcome"], "sent");
    assert_eq!(told[1]["recipients"][0]["to"], "far@far.test");
    run_ok(
        mailtop()
            .args(["trace", "far@far.test", "--to"])
            .arg(postfix.log_path()),
    );
}
