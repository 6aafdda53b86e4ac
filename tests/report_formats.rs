//! The report's formats: golden files, the same figures everywhere, hostile text, options, exit statuses.

use crate::peers::{mailtop, program, run_ok};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use unicode_width::UnicodeWidthStr;

const SMALL: &str = "tests/data/report/small.log";

/// mailtop in the project's directory: the report names its logs as they were given.
fn report(args: &[&str]) -> Command {
    let mut command = mailtop();
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("report")
        .args(args);
    command
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(run_ok(command).stdout).unwrap()
}

fn failed(output: &Output, status: i32) -> String {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A log of these lines.
fn log(lines: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    std::fs::write(&path, lines).unwrap();
    (directory, path)
}

/// Each format of the small log is the file beside it. `UPDATE_GOLDEN=1 cargo test golden` writes them anew.
#[test]
fn golden_files() {
    for (name, args) in [
        ("small.txt", &[][..]),
        (
            "small-full.txt",
            &[
                "--verbose-messages",
                "--zero-fill",
                "--problems-first",
                "--smtpd-stats",
                "--extended-detail",
            ],
        ),
        ("small.json", &["--json"]),
        ("small.html", &["--html"]),
        ("small.prom", &["--prometheus"]),
        ("rejects.csv", &["--csv", "rejects"]),
        ("domains.csv", &["--csv", "domains"]),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/report")
            .join(name);
        let found = stdout(report(args).arg(SMALL));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        let different = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
        assert!(found == expected, "{name}: {different:?}\n{found}");
    }
}

fn real_log() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/postfix-3.7.11.log.gz")
}

/// Names with their labels, and values, of a text in Prometheus' exposition format. It fails on whatever
/// the format's description forbids.
fn exposition(text: &str) -> BTreeMap<String, f64> {
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut samples = BTreeMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(rest.contains(' '), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "summary"].contains(&kind), "{line}");
            assert!(types.insert(name, kind).is_none(), "twice: {line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{line}"
        );
        let family = [
            name,
            name.trim_end_matches("_sum"),
            name.trim_end_matches("_count"),
        ];
        assert!(
            family.iter().any(|name| types.contains_key(name)),
            "no TYPE: {line}"
        );
        if let Some(labels) = series.strip_prefix(name).filter(|l| !l.is_empty()) {
            labels_are_well_formed(labels);
        }
        let former = samples.insert(series.to_owned(), value.parse().unwrap());
        assert!(former.is_none(), "twice: {line}");
    }
    samples
}

fn labels_are_well_formed(labels: &str) {
    let inner = labels
        .strip_prefix('{')
        .and_then(|l| l.strip_suffix('}'))
        .unwrap();
    let mut rest = inner;
    loop {
        let (name, after) = rest.split_once("=\"").expect(inner);
        assert!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{inner}"
        );
        let mut escaped = false;
        let end = after.find(|c| {
            let end = c == '"' && !escaped;
            assert!(!escaped || matches!(c, '\\' | '"' | 'n'), "{inner}");
            escaped = c == '\\' && !escaped;
            end
        });
        rest = &after[end.expect(inner) + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return assert!(rest.is_empty(), "{inner}"),
        }
    }
}

/// A sample that counts things, as the number it was printed from.
fn whole(sample: f64) -> Option<u64> {
    sample.to_string().parse().ok()
}

#[test]
fn every_format_has_the_same_totals() {
    let json: Value =
        serde_json::from_slice(&run_ok(report(&["--json"]).arg(real_log())).stdout).unwrap();
    let totals = json["totals"].as_object().unwrap();
    let csv = stdout(report(&["--csv", "totals"]).arg(real_log()));
    let (names, values) = csv
        .trim_end()
        .split_once("\r\n")
        .or(csv.trim_end().split_once('\n'))
        .unwrap();
    for (name, value) in names.split(',').zip(values.split(',')) {
        assert_eq!(totals[name].as_u64(), value.parse().ok(), "{name}");
    }
    let metrics = exposition(&stdout(report(&["--prometheus"]).arg(real_log())));
    for (metric, name) in [
        ("mailtop_received_messages", "received"),
        ("mailtop_delivered_recipients", "delivered"),
        ("mailtop_deferrals", "deferrals"),
        ("mailtop_received_bytes", "bytes_received"),
        ("mailtop_rejects", "rejected"),
    ] {
        assert_eq!(whole(metrics[metric]), totals[name].as_u64(), "{metric}");
    }
    assert_eq!(
        whole(metrics["mailtop_delivery_delay_seconds_count{part=\"total\"}"]),
        totals["delivered"].as_u64()
    );
    let text = stdout(report(&[]).arg(real_log()));
    let html = stdout(report(&["--html"]).arg(real_log()));
    for figure in ["5,183", "2,034", "1,912"] {
        assert!(text.contains(figure), "{figure}");
        assert!(html.contains(&format!("<dd>{figure}</dd>")), "{figure}");
    }
    // The parts of every list are the whole, whatever the list.
    for (list, total) in [
        ("rejects", "rejected"),
        ("deferrals", "deferrals"),
        ("by_hour", "rejected"),
    ] {
        let all: Value = serde_json::from_slice(
            &run_ok(report(&["--json", "--top", "0"]).arg(real_log())).stdout,
        )
        .unwrap();
        let member = if list == "by_hour" {
            "rejected"
        } else {
            "count"
        };
        let sum: u64 = all[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r[member].as_u64().unwrap())
            .sum();
        assert_eq!(sum, totals[total].as_u64().unwrap(), "{list}");
    }
}

/// What strangers write, in every place of a line that a stranger fills.
fn hostile_log(text: &str) -> String {
    let stamp = "2026-11-22T08:00:00+00:00 mx postfix/";
    let lines = [
        format!("smtpd[1]: connect from {text}[192.0.2.1]"),
        format!(
            "smtpd[1]: 4F1A054E101: client={text}[192.0.2.1], sasl_method=PLAIN, sasl_username={text}"
        ),
        format!("cleanup[2]: 4F1A054E101: message-id=<{text}@a.example>"),
        format!(
            "qmgr[3]: 4F1A054E101: from=<{text}@{text}.example>, size=1000, nrcpt=1 (queue active)"
        ),
        format!(
            "smtp[4]: 4F1A054E101: to=<{text}@{text}.example>, orig_to=<{text}>, relay={text}[192.0.2.9]:25, delay=1, delays=0.1/0/0.4/0.5, dsn=2.0.0, status=sent (250 {text})"
        ),
        format!(
            "smtp[4]: 4F1A054E102: to=<{text}@d.example>, relay=none, delay=1, delays=0.1/0/0.4/0.5, dsn=4.0.0, status=deferred ({text})"
        ),
        format!(
            "smtp[4]: 4F1A054E103: to=<{text}@d.example>, relay=none, delay=1, delays=0.1/0/0.4/0.5, dsn=5.0.0, status=bounced ({text})"
        ),
        format!(
            "smtpd[1]: NOQUEUE: reject: RCPT from {text}[192.0.2.1]: 554 5.7.1 <{text}>: Relay access denied; from=<{text}@a.example> to=<{text}> proto=ESMTP helo=<{text}>"
        ),
        format!(
            "smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using {text}; from=<> to=<a@b.example> proto=ESMTP helo=<x>"
        ),
        format!(
            "smtpd[1]: warning: {text}[192.0.2.1]: SASL LOGIN authentication failed: {text}, sasl_username={text}"
        ),
        format!("smtpd[1]: fatal: {text}"),
        format!(
            "smtpd[1]: Anonymous TLS connection established from {text}[192.0.2.1]: {text} with cipher {text} (256/256 bits)"
        ),
        format!("master[1]: reload -- version {text}, configuration {text}"),
        format!("dnsblog[1]: addr 192.0.2.1 listed by domain {text} as 127.0.0.2"),
        format!("strange{text}[1]: {text}"),
    ];
    lines.iter().flat_map(|line| [stamp, line, "\n"]).collect()
}

#[test]
fn markup_is_text_in_html() {
    let evil = "<script>alert('\"1\"')</script><img/src=x>&amp;";
    let (_directory, path) = log(&hostile_log(evil));
    let html = stdout(report(&["--html", "--zero-fill", "--smtpd-stats", "--unparsed"]).arg(&path));
    assert!(html.contains("&lt;script&gt;"), "nothing of it was shown");
    // Every tag is one of ours.
    let ours = [
        "!DOCTYPE",
        "a",
        "body",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "g",
        "h1",
        "h2",
        "head",
        "header",
        "html",
        "i",
        "line",
        "meta",
        "nav",
        "p",
        "rect",
        "section",
        "small",
        "style",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
    ];
    for tag in html.split('<').skip(1) {
        let name = tag
            .trim_start_matches('/')
            .split([' ', '>', '\n'])
            .next()
            .unwrap();
        assert!(ours.contains(&name), "<{tag}");
    }
    for word in ["<script", "http://", "https://", "url(", "@import", " on"] {
        let style_end = html.find("</style>").unwrap();
        let found = html
            .match_indices(word)
            .any(|(at, _)| word != " on" && at > 0 && at < html.len());
        assert!(!found, "{word} at {style_end}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
}

/// Every control character, direction marks and invalid UTF-8, in every field and every format.
#[test]
fn nothing_raw_reaches_any_format() {
    let mut evil: String = ('\u{1}'..='\u{9f}')
        .filter(|c| c.is_control() && *c != '\n')
        .collect();
    evil.push_str("\u{202e}\u{2066}\u{200b}\u{feff}=cmd()");
    let mut bytes = hostile_log(&evil).into_bytes();
    bytes.extend(hostile_log("=1+2\u{0}").into_bytes());
    // Invalid UTF-8 wherever the text was.
    let invalid = hostile_log("INVALID").into_bytes();
    let broken: Vec<u8> = String::from_utf8(invalid)
        .unwrap()
        .split("INVALID")
        .flat_map(|part| [part.as_bytes(), b"\xff\xc3\x9b\xed\xa0\x80"].concat())
        .collect();
    bytes.extend(broken);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    std::fs::write(&path, bytes).unwrap();
    let names = stdout(&mut report(&["--csv", "list"]));
    let mut formats: Vec<Vec<&str>> = vec![
        vec![
            "--zero-fill",
            "--verbose-messages",
            "--smtpd-stats",
            "--unparsed",
            "-e",
        ],
        vec!["--json", "-e"],
        vec!["--html", "--zero-fill", "--unparsed", "-e"],
        vec!["--prometheus"],
    ];
    formats.extend(
        names
            .lines()
            .map(|line| vec!["--csv", line.split(' ').next().unwrap()]),
    );
    for args in formats {
        let text = stdout(report(&args).arg(&path));
        let bad = text.chars().find(|c| {
            (c.is_control() && !matches!(c, '\n' | '\r'))
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
        });
        assert_eq!(bad, None, "{args:?}\n{text}");
        assert!(
            !text.contains("\\u00") && !text.contains("\\u20"),
            "{args:?}"
        );
        if args.contains(&"--prometheus") {
            exposition(&text);
        }
        if args[0] == "--csv" {
            let mut reader = csv_fields(&text);
            assert!(
                !reader.any(|field| field.starts_with(['=', '+', '@'])),
                "{text}"
            );
        }
    }
}

/// The fields of a CSV without line ends inside of fields.
fn csv_fields(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().flat_map(|line| {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        fields
    })
}

/// A message to three recipients, one without a sender, one that was delivered twice over.
#[test]
fn every_message_is_told_when_asked() {
    let stamp = "2026-11-22T08:00:00+00:00 mx postfix/";
    let delivery = |id: &str, to: &str, rest: &str| {
        format!(
            "{stamp}smtp[4]: {id}: to=<{to}>, relay=x[192.0.2.1]:25, delay=1, delays=0.1/0/0.4/0.5, {rest}\n"
        )
    };
    let sent = "dsn=2.0.0, status=sent (250 ok)";
    let lines = [
        format!(
            "{stamp}qmgr[3]: 4F1A054E101: from=<Joe@b.example>, size=2048, nrcpt=3 (queue active)\n"
        ),
        delivery("4F1A054E101", "to@x.example", sent),
        delivery(
            "4F1A054E101",
            "on@x.example",
            "dsn=2.0.0, status=sent (forwarded as 4F1A054E109)",
        ),
        delivery(
            "4F1A054E101",
            "no@x.example",
            "dsn=5.0.0, status=bounced (550 no)",
        ),
        format!("{stamp}qmgr[3]: 4F1A054E101: removed\n"),
        format!(
            "{stamp}qmgr[3]: 4F1A054E102: from=<zoe@a.example>, size=10, nrcpt=1 (queue active)\n"
        ),
        delivery(
            "4F1A054E102",
            "later@x.example",
            "dsn=4.0.0, status=deferred (try again)",
        ),
        delivery("4F1A054E103", "lost@x.example", sent),
        "2026-11-22T08:00:00+00:00 mx last message repeated 1 time\n".to_owned(),
    ];
    let (_directory, path) = log(&lines.concat());
    let json: Value =
        serde_json::from_slice(&run_ok(report(&["--json", "-e", "-i"]).arg(&path)).stdout).unwrap();
    let expected = serde_json::json!([
        {"id": "4F1A054E102", "sender": "zoe@a.example", "size": 10, "delivered": [], "forwarded": [], "bounced": []},
        {"id": "4F1A054E101", "sender": "joe@b.example", "size": 2048, "delivered": ["to@x.example"],
         "forwarded": ["on@x.example"], "bounced": ["no@x.example"]},
        {"id": "4F1A054E103", "sender": null, "size": null, "delivered": ["lost@x.example (2)"], "forwarded": [],
         "bounced": []},
    ]);
    assert_eq!(json["messages"], expected);
    let csv = stdout(report(&["--csv", "messages"]).arg(&path));
    assert!(
        csv.contains("4F1A054E101,Joe@b.example,2048,to@x.example,on@x.example,no@x.example\n"),
        "{csv}"
    );
    let text = stdout(report(&["--extended-detail"]).arg(&path));
    let detail = text
        .split("Message Detail\n--------------\n")
        .nth(1)
        .unwrap();
    let shown = "    10  4F1A054E102  zoe@a.example\n\
                 \x20 2.0k  4F1A054E101  Joe@b.example\n\
                 \x20       delivered  to@x.example\n\
                 \x20       forwarded  on@x.example\n\
                 \x20       bounced    no@x.example\n\
                 \x20       4F1A054E103  (sender not in the log)\n\
                 \x20       delivered  lost@x.example (2)\n";
    assert!(detail.starts_with(shown), "{detail}");
    let html = stdout(report(&["--html", "-e"]).arg(&path));
    assert!(html.contains("<td class=\"t\">lost@x.example (2)</td>"));
    // Nobody else pays for it.
    for args in [
        &["--json"][..],
        &["--html"],
        &["--zero-fill"],
        &["-e", "--no-messages"],
    ] {
        let other = stdout(report(args).arg(&path));
        assert!(
            !other.contains("Message Detail\n-") && !other.contains("\"messages\""),
            "{args:?}"
        );
    }
}

/// Means over several reports are sums over counts: what is rounded before is wrong behind.
#[test]
fn sums_of_delays_are_exact() {
    let delivery = |(i, delay): (usize, &str)| {
        format!(
            "2026-11-22T08:00:00+00:00 mx postfix/smtp[4]: 4F1A054E10{i}: to=<a@d.example>, \
             relay=x[192.0.2.1]:25, delay={delay}, delays=0/0/0/{delay}, dsn=2.0.0, status=sent (ok)\n"
        )
    };
    let delays = ["0.01", "0.01", "0.02"].into_iter().enumerate();
    let lines: String = delays.map(delivery).collect();
    let (_directory, path) = log(&lines);
    let metrics = exposition(&stdout(report(&["--prometheus"]).arg(&path)));
    for series in [
        "mailtop_delivery_delay_seconds_sum{part=\"total\"}",
        "mailtop_delivery_delay_seconds_sum{part=\"transmission\"}",
        "mailtop_domain_delay_sum_seconds{domain=\"d.example\"}",
    ] {
        assert!((metrics[series] - 0.04).abs() < 1e-9, "{series}");
    }
}

#[test]
fn label_values_stay_few() {
    let delivery = |i: u32| {
        format!(
            "2026-11-22T08:00:00+00:00 mx postfix/smtp[4]: 4F1A054E{i:03}: to=<a@d{i}.example>, \
             relay=x[192.0.2.1]:25, delay=1, delays=0.1/0/0.4/0.5, dsn=2.0.0, status=sent (ok)\n"
        )
    };
    let lines: String = (0..500).map(delivery).collect();
    let (_directory, path) = log(&lines);
    let text = stdout(report(&["--prometheus", "--top", "0"]).arg(&path));
    let domains = exposition(&text)
        .keys()
        .filter(|k| k.starts_with("mailtop_domain_delivered_recipients{"))
        .count();
    assert_eq!(domains, 50);
}

#[test]
fn one_format_at_a_time_and_wrong_values_are_named() {
    let error = failed(&report(&["--json", "--html", SMALL]).output().unwrap(), 2);
    assert!(
        error.contains("--json") && error.contains("--html"),
        "{error}"
    );
    let error = failed(&report(&["--csv", "nonsense", SMALL]).output().unwrap(), 2);
    assert!(
        error.contains("\"nonsense\"") && error.contains("--csv list"),
        "{error}"
    );
    for (option, value) in [
        ("--since", ""),
        ("--until", "soon"),
        ("--day", ""),
        ("--day", "last year"),
    ] {
        let error = failed(&report(&[option, value, SMALL]).output().unwrap(), 2);
        assert!(
            error.starts_with(&format!("mailtop: {option}: \"{value}\": no such")),
            "{error}"
        );
        assert!(error.contains("2026-11-22"), "{error}");
    }
    let error = failed(&report(&["--compare", SMALL]).output().unwrap(), 2);
    assert!(error.contains("--compare --day today"), "{error}");
    let error = failed(&report(&["--width", "10", SMALL]).output().unwrap(), 2);
    assert!(error.contains("too narrow"), "{error}");
}

#[test]
fn a_file_is_written_whole_and_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.prom");
    let output = run_ok(report(&["--prometheus", "--output"]).arg(&path).arg(SMALL));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    exposition(&std::fs::read_to_string(&path).unwrap());
    let error = failed(
        &report(&["--output", "/nonexistent/x", SMALL])
            .output()
            .unwrap(),
        2,
    );
    assert!(error.contains("/nonexistent"), "{error}");
}

#[test]
fn nothing_of_postfix_is_said_plainly() {
    for (content, word) in [
        ("", "an empty file"),
        ("From joe@a.example Mon\nReceived: x\n", "mail, not a log"),
        (
            "Nov 22 08:00:00 mx kernel: eth0: up\n",
            "a log of other programs",
        ),
    ] {
        let (_directory, path) = log(content);
        let output = report(&[]).arg(&path).output().unwrap();
        assert_eq!(failed(&output, 1), "");
        let text = String::from_utf8(output.stdout).unwrap();
        let joined = text.replace('\n', " ");
        assert!(joined.contains("No Postfix line in the period."), "{text}");
        assert!(joined.contains(word) && joined.contains("(try: "), "{text}");
    }
    let output = report(&["--day", "2020-01-01", SMALL]).output().unwrap();
    failed(&output, 1);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("none of this period"), "{text}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = report(&["--json"])
        .arg(real_log())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(failed(&output, 0), "");
}

#[test]
fn what_changed_against_the_day_before() {
    // With offsets: this machine's zone must not matter.
    let args = [
        "--since",
        "2026-03-15T00:00:00+01:00",
        "--until",
        "2026-03-16T00:00:00+01:00",
        "--compare",
    ];
    let text = stdout(report(&args).arg(SMALL));
    let changed = text.find("What Changed").unwrap();
    assert!(changed < text.find("Grand Totals").unwrap());
    assert!(text.contains("compared with 2026-03-14"), "{text}");
    let json: Value =
        serde_json::from_slice(&run_ok(report(&args).arg("--json").arg(SMALL)).stdout).unwrap();
    let change = |figure: &str| {
        let rows = json["changes"].as_array().unwrap();
        let row = rows.iter().find(|r| r["figure"] == figure).unwrap();
        (
            row["before"].clone(),
            row["now"].clone(),
            row["change"].clone(),
        )
    };
    assert_eq!(change("delivered"), (1.into(), 0.into(), (-1).into()));
    assert_eq!(change("rejected"), (0.into(), 2.into(), 2.into()));
    assert!(
        json["period_before"]["from"]
            .as_str()
            .unwrap()
            .starts_with("2026-03-14T22:10:00")
    );
    let alone = stdout(report(&["--json"]).arg(SMALL));
    assert!(!alone.contains("period_before"));
}

/// What chance explains is no news; what is new, gone or far more is, and a panic stands first.
#[test]
fn reasons_that_changed_are_told() {
    let lines = |day: u32, warnings: &[(&str, usize)]| -> String {
        let each = warnings
            .iter()
            .flat_map(|(text, times)| std::iter::repeat_n(text, *times));
        let line = |text| format!("2026-11-{day}T08:00:00+00:00 mx postfix/smtpd[1]: {text}\n");
        each.map(line).collect()
    };
    let then = lines(
        21,
        &[
            ("warning: often so", 100),
            ("warning: grows", 10),
            ("warning: ends", 7),
        ],
    );
    let now = lines(
        22,
        &[
            ("warning: often so", 120),
            ("warning: grows", 90),
            ("warning: begins", 3),
            ("panic: no more", 1),
        ],
    );
    let (_directory, path) = log(&(then + &now));
    let json: Value = serde_json::from_slice(
        &run_ok(
            report(&[
                "--json",
                "--compare",
                "--since",
                "2026-11-22T00:00:00Z",
                "--until",
                "2026-11-23T00:00:00Z",
            ])
            .arg(&path),
        )
        .stdout,
    )
    .unwrap();
    let told: Vec<String> = json["changed_causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            let last = text("reason").rsplit(": ").next().unwrap().to_owned();
            format!(
                "{} {last}: {} {}",
                text("kind"),
                text("news"),
                row["change"]
            )
        })
        .collect();
    let expected = [
        "panic no more: new 1",
        "warning grows: grown 80",
        "warning ends: gone -7",
        "warning begins: new 3",
    ];
    assert_eq!(told, expected);
}

#[test]
fn lists_are_as_long_as_asked_for() {
    let rows = |args: &[&str], list: &str| {
        let json: Value =
            serde_json::from_slice(&run_ok(report(args).arg("--json").arg(real_log())).stdout)
                .unwrap();
        json[list].as_array().map_or(0, Vec::len)
    };
    assert_eq!(rows(&["--detail", "3"], "rejects"), 3);
    assert_eq!(rows(&["--detail", "0"], "rejects"), 0);
    assert_eq!(
        rows(&["--detail", "0", "--reject-detail", "2"], "rejects"),
        2
    );
    assert_eq!(rows(&["-u", "4"], "senders"), 4);
    assert_eq!(rows(&["--hosts", "5"], "domains"), 5);
    assert!(rows(&["--top", "0"], "rejects") > 20);
    let off = stdout(report(&["--detail", "0", "--zero-fill"]).arg(SMALL));
    assert!(
        off.contains("Grand Totals") && !off.contains("Message Reject Detail"),
        "{off}"
    );
    let without = stdout(report(&["--no-rejects", "--no-totals"]).arg(SMALL));
    assert!(!without.contains("Message Reject Detail") && !without.contains("Grand Totals"));
    let first = stdout(report(&["--problems-first"]).arg(SMALL));
    assert!(first.find("Message Reject Detail") < first.find("Per-Hour"));
    let usual = stdout(report(&[]).arg(SMALL));
    assert!(usual.find("Message Reject Detail") > usual.find("Per-Hour"));
    assert!(!usual.contains("Message Hold Detail"));
    assert!(stdout(report(&["--zero-fill"]).arg(SMALL)).contains("Message Hold Detail"));
}

#[test]
fn the_width_is_what_was_asked_for_and_not_the_terminals() {
    let widest = |args: &[&str]| {
        let text = stdout(report(args).env("COLUMNS", "200").arg(real_log()));
        text.lines().map(UnicodeWidthStr::width).max().unwrap()
    };
    assert!(widest(&[]) <= 80);
    assert!(widest(&["--width", "50", "--verbose-messages"]) <= 50);
    assert!(widest(&["--width", "0"]) > 80);
}

#[test]
fn addresses_of_different_case_are_one_when_asked() {
    let line = |id: &str, from: &str| {
        format!(
            "2026-11-22T08:00:00+00:00 mx postfix/smtpd[1]: {id}: client=a.example[192.0.2.1]\n\
             2026-11-22T08:00:00+00:00 mx postfix/qmgr[3]: {id}: from=<{from}>, size=10, nrcpt=1 (queue active)\n"
        )
    };
    let lines = [
        line("4F1A054E101", "Joe@a.example"),
        line("4F1A054E102", "joe@a.example"),
        line("4F1A054E103", "l-return-1-x=y.example@a.example"),
        line("4F1A054E104", "l-return-2-x=y.example@a.example"),
    ];
    let (_directory, path) = log(&lines.concat());
    let senders = |args: &[&str]| {
        let json: Value =
            serde_json::from_slice(&run_ok(report(args).arg("--json").arg(&path)).stdout).unwrap();
        let rows = json["senders"].as_array().unwrap().len();
        assert_eq!(json["totals"]["senders"], rows);
        rows
    };
    assert_eq!(senders(&[]), 4);
    assert_eq!(senders(&["-i"]), 3);
    assert_eq!(senders(&["--verp-mung"]), 3);
    assert_eq!(senders(&["--verp-mung=2", "--ignore-case"]), 2);
}

/// pflogsumm's own list of options, from the program that Debian packages.
#[test]
fn every_option_of_pflogsumm_is_in_the_manual() {
    let pflogsumm = program("pflogsumm", "pflogsumm");
    let output = Command::new(pflogsumm).arg("--help").output().unwrap();
    let usage = [output.stdout, output.stderr].concat();
    let usage = String::from_utf8(usage).unwrap();
    let mut options: Vec<String> = usage
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect();
    options.extend(["-e", "-q", "-d", "-h", "-i", "-m", "-u"].map(str::to_owned));
    assert!(options.len() > 20, "{usage}");
    let manual = stdout(mailtop().arg("man"));
    let section = manual.split(".SH \"OPTIONS OF PFLOGSUMM\"").nth(1).unwrap();
    // 1.1.13 and later have more of them.
    options.extend(
        [
            "--colwidth",
            "--config",
            "--dow0mon",
            "--dump-config",
            "--pscrn-detail",
            "--pscrn-stats",
            "--rej-add-to",
            "--srs-mung",
            "--unprocd-file",
            "--use-orig-to",
            "-x",
        ]
        .map(str::to_owned),
    );
    for option in options {
        let entry = format!(".TP\n\\fB{}\\fR\n", option.replace('-', "\\-"));
        assert!(section.contains(&entry), "{option} is not in the manual");
    }
}

/// On a terminal there is colour, unless it is refused; nowhere else.
#[test]
fn colour_is_for_terminals_that_want_it() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use std::io::Read as _;
    let on_terminal = |variables: &[(&str, &str)]| {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mailtop"));
        command.args(["report", SMALL]);
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.env_remove("NO_COLOR");
        command.env("TERM", "xterm");
        for (name, value) in variables {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut text = Vec::new();
        // The end of a terminal whose program is gone is an error (EIO) on Linux.
        let _ = reader.read_to_end(&mut text);
        child.wait().unwrap();
        String::from_utf8(text).unwrap()
    };
    let coloured = on_terminal(&[]);
    assert!(
        coloured.contains("\x1b[1mGrand Totals\x1b[0m"),
        "{coloured}"
    );
    for refused in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = on_terminal(&[refused]);
        assert!(
            plain.contains("Grand Totals") && !plain.contains('\x1b'),
            "{plain}"
        );
    }
    assert!(!stdout(report(&[]).env("TERM", "xterm").arg(SMALL)).contains('\x1b'));
}
