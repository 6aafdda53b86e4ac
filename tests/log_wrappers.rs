//! Line wrappers: whatever stands around Postfix's words, the report is the same.
//!
//! The real log is wrapped anew line by line in each way that loggers have, and in all of them mixed; tables of
//! lines have their expected records beside them; damaged and hostile bytes go through; files are cut everywhere.

use crate::peers::mailtop;
use flate2::read::GzDecoder;
use mailtop::logparse::source::Lines;
use mailtop::logparse::{Line, Parser, Record, Reference, Zone, json};
use mailtop::stats::summary::Summary;
use proptest::prelude::*;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A moment after the real log and the tables were written.
const WRITTEN: i64 = 1_795_340_000;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn parser() -> Parser {
    Parser::new(Reference::at(WRITTEN).in_zone(Zone::Fixed(0)))
}

/// A line of the real log, in parts.
#[derive(Debug)]
struct Said {
    /// Seconds since the epoch.
    time: i64,
    host: Vec<u8>,
    tag: Vec<u8>,
    pid: u32,
    text: Vec<u8>,
}

static SAID: LazyLock<Vec<Said>> = LazyLock::new(|| {
    let mut log = Vec::new();
    GzDecoder::new(fs::File::open(data("postfix-3.7.11.log.gz")).unwrap())
        .read_to_end(&mut log)
        .unwrap();
    let mut parser = parser();
    let lines = log.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines
        .map(|line| match parser.line(line) {
            Line::Postfix(record) => Said {
                time: record.time.seconds(),
                host: record.host.to_vec(),
                tag: record.tag.to_vec(),
                pid: record.pid,
                text: record.text.to_vec(),
            },
            other => panic!("{other:?}: {}", String::from_utf8_lossy(line)),
        })
        .collect()
});

/// Every way to wrap a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    Traditional,
    PaddedByNothing,
    YearBehind,
    YearInFront,
    Milliseconds,
    Iso,
    IsoZ,
    IsoComma,
    IsoBlank,
    IsoTruncated,
    ShortIso,
    ShortFull,
    ShortUnix,
    PriorityTraditional,
    PriorityIso,
    Rfc5424,
    Rfc5424Data,
    JournalJson,
    JournalJsonBytes,
    JournalJsonPretty,
    JournalExport,
    JournalExportBinary,
    DockerJson,
    DockerLogs,
    Compose,
    ComposeColour,
    Nested,
    Cri,
    BsdFacility,
    BsdNumbers,
    Busybox,
    Crlf,
    Nul,
}

const ALL: [Wrapper; 33] = {
    use Wrapper::*;
    [
        Traditional,
        PaddedByNothing,
        YearBehind,
        YearInFront,
        Milliseconds,
        Iso,
        IsoZ,
        IsoComma,
        IsoBlank,
        IsoTruncated,
        ShortIso,
        ShortFull,
        ShortUnix,
        PriorityTraditional,
        PriorityIso,
        Rfc5424,
        Rfc5424Data,
        JournalJson,
        JournalJsonBytes,
        JournalJsonPretty,
        JournalExport,
        JournalExportBinary,
        DockerJson,
        DockerLogs,
        Compose,
        ComposeColour,
        Nested,
        Cri,
        BsdFacility,
        BsdNumbers,
        Busybox,
        Crlf,
        Nul,
    ]
};

impl Said {
    fn at(&self, format: &str) -> Vec<u8> {
        let time = chrono::DateTime::from_timestamp(self.time, 0).unwrap();
        time.format(format).to_string().into_bytes()
    }

    /// The host's name, the tag and the text.
    fn rest(&self) -> Vec<u8> {
        [&self.host, &b" "[..], &self.tagged()].concat()
    }

    fn tagged(&self) -> Vec<u8> {
        [&self.tag, &self.process()[..], b": ", &self.text].concat()
    }

    fn process(&self) -> Vec<u8> {
        if self.pid == 0 {
            Vec::new()
        } else {
            format!("[{}]", self.pid).into_bytes()
        }
    }

    fn plain(&self, stamp: &str) -> Vec<u8> {
        [self.at(stamp), self.rest()].join(&b' ')
    }

    fn wrap(&self, wrapper: Wrapper, out: &mut Vec<u8>) {
        let traditional = "%b %e %H:%M:%S";
        let line = match wrapper {
            Wrapper::Traditional => self.plain(traditional),
            Wrapper::PaddedByNothing => self.plain("%b %-d %H:%M:%S"),
            Wrapper::YearBehind => self.plain("%b %e %Y %H:%M:%S"),
            Wrapper::YearInFront => self.plain("%Y %b %e %H:%M:%S"),
            Wrapper::Milliseconds => self.plain("%b %e %H:%M:%S.123"),
            Wrapper::Iso => self.plain("%Y-%m-%dT%H:%M:%S.572449+00:00"),
            Wrapper::IsoZ => self.plain("%Y-%m-%dT%H:%M:%SZ"),
            Wrapper::IsoComma => self.plain("%Y-%m-%dT%H:%M:%S,572+00:00"),
            Wrapper::IsoBlank => self.plain("%Y-%m-%d %H:%M:%S"),
            Wrapper::IsoTruncated => self.plain("%Y-%m-%dT%H:%M:%S+00:00")[1..].to_vec(),
            Wrapper::ShortIso => self.plain("%Y-%m-%dT%H:%M:%S+0000"),
            Wrapper::ShortFull => self.plain("%a %Y-%m-%d %H:%M:%S UTC"),
            Wrapper::ShortUnix => self.plain("%s.123456"),
            Wrapper::PriorityTraditional => [&b"<22>"[..], &self.plain(traditional)].concat(),
            Wrapper::PriorityIso => [&b"<22>"[..], &self.plain("%FT%T+00:00")].concat(),
            Wrapper::Rfc5424 => self.rfc5424(b"-"),
            Wrapper::Rfc5424Data => self.rfc5424(b"[x@1 a=\"b]\\\"\"][y]"),
            Wrapper::JournalJson | Wrapper::JournalJsonBytes => {
                self.journal_json(wrapper).into_bytes()
            }
            Wrapper::JournalJsonPretty => {
                let value: serde_json::Value =
                    serde_json::from_str(&self.journal_json(Wrapper::JournalJson)).unwrap();
                serde_json::to_string_pretty(&value).unwrap().into_bytes()
            }
            Wrapper::JournalExport | Wrapper::JournalExportBinary => self.export(wrapper),
            Wrapper::DockerJson => {
                let line = [self.plain(traditional), b"\n".to_vec()].concat();
                self.object(&line)
            }
            Wrapper::DockerLogs => [self.at("%FT%T.123456789Z "), self.plain(traditional)].concat(),
            Wrapper::Compose => [b"postfix-1  | ", &self.plain(traditional)[..]].concat(),
            Wrapper::ComposeColour => {
                [b"\x1b[36mpostfix-1  | \x1b[0m", &self.plain("%FT%TZ")[..]].concat()
            }
            Wrapper::Nested => {
                // The container's clock is two hours behind.
                let inner = Self {
                    time: self.time - 7_200,
                    host: self.host.clone(),
                    tag: self.tag.clone(),
                    text: self.text.clone(),
                    ..*self
                };
                let around = self.at("%b %d %H:%M:%S outer docker[32360]: ");
                [around, inner.plain(traditional)].concat()
            }
            Wrapper::Cri => [
                self.at("%FT%T.123456789Z stdout F "),
                self.plain(traditional),
            ]
            .concat(),
            Wrapper::BsdFacility => [self.at("%b %e %T <mail.info> "), self.rest()].concat(),
            Wrapper::BsdNumbers => [self.at("%b %e %T <2.6> "), self.rest()].concat(),
            Wrapper::Busybox => {
                let host = [&self.host, &b" mail.info "[..]].concat();
                [self.at("%b %e %T "), host, self.tagged()].concat()
            }
            Wrapper::Crlf => [self.plain(traditional), b"\r".to_vec()].concat(),
            Wrapper::Nul => [b"\0\0\0\0\0\0\0", &self.plain(traditional)[..]].concat(),
        };
        out.extend_from_slice(&line);
        out.push(b'\n');
    }

    fn rfc5424(&self, structured: &[u8]) -> Vec<u8> {
        let pid = if self.pid == 0 {
            "-".to_owned()
        } else {
            self.pid.to_string()
        };
        let front = [b"<22>1 ".to_vec(), self.at("%FT%T.0+00:00"), vec![]].concat();
        [
            &front[..],
            &self.host,
            &self.tag,
            pid.as_bytes(),
            b"-",
            structured,
            &self.text,
        ]
        .join(&b' ')
    }

    /// The text of a JSON string; bytes that are no UTF-8 stand in it as they are.
    fn string(text: &[u8]) -> Vec<u8> {
        let mut out = b"\"".to_vec();
        for byte in text {
            match byte {
                b'"' | b'\\' => out.extend([b'\\', *byte]),
                0..=31 => out.extend(format!("\\u{byte:04x}").bytes()),
                _ => out.push(*byte),
            }
        }
        out.push(b'"');
        out
    }

    fn object(&self, line: &[u8]) -> Vec<u8> {
        let time = self.at("\",\"time\":\"%FT%T.123456789Z\"}");
        [
            b"{\"log\":",
            &Self::string(line)[..],
            b",\"stream\":\"stdout",
            &time,
        ]
        .concat()
    }

    fn micros(&self) -> i64 {
        self.time * 1_000_000 + 123_456
    }

    fn journal_json(&self, wrapper: Wrapper) -> String {
        let bytes =
            wrapper == Wrapper::JournalJsonBytes || std::str::from_utf8(&self.text).is_err();
        let message = if bytes {
            serde_json::json!(self.text)
        } else {
            serde_json::json!(String::from_utf8_lossy(&self.text))
        };
        let mut entry = serde_json::json!({
            "__CURSOR": "s=1;i=2",
            "__REALTIME_TIMESTAMP": (self.micros() + 5_000_000).to_string(),
            "_SOURCE_REALTIME_TIMESTAMP": self.micros().to_string(),
            "_HOSTNAME": String::from_utf8_lossy(&self.host),
            "SYSLOG_IDENTIFIER": [&*String::from_utf8_lossy(&self.tag), "second"],
            "PRIORITY": "6",
            "MESSAGE": message,
            "_CMDLINE": null,
        });
        if self.pid > 0 {
            entry["SYSLOG_PID"] = self.pid.to_string().into();
            entry["_PID"] = "1".into();
        }
        entry.to_string()
    }

    fn export(&self, wrapper: Wrapper) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(
            format!(
                "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP={}\n_BOOT_ID=1\n",
                self.micros()
            )
            .bytes(),
        );
        out.extend(
            [
                b"_HOSTNAME=",
                &self.host[..],
                b"\nSYSLOG_IDENTIFIER=",
                &self.tag,
                b"\n",
            ]
            .concat(),
        );
        if self.pid > 0 {
            out.extend(format!("_PID=1\nSYSLOG_PID={}\n", self.pid).bytes());
        }
        if wrapper == Wrapper::JournalExport {
            out.extend([b"MESSAGE=", &self.text[..], b"\n"].concat());
        } else {
            // What a value holds is no line.
            let forged = b"a\n\n__CURSOR=x\nNov 22 08:48:35 evil postfix/smtpd[1]: connect from a[192.0.2.1]\n\r\n";
            for (name, value) in [(&b"_CMDLINE"[..], &forged[..]), (b"MESSAGE", &self.text)] {
                out.extend(
                    [
                        name,
                        b"\n",
                        &(value.len() as u64).to_le_bytes(),
                        value,
                        b"\n",
                    ]
                    .concat(),
                );
            }
        }
        out
    }
}

/// A log read to its end: every record goes to `each`, other lines are named.
fn read(log: &[u8], mut each: impl FnMut(&Record<'_>)) -> (Summary, Vec<&'static str>) {
    let (mut summary, mut others) = (Summary::new(), Vec::new());
    let mut parser = parser();
    let mut take = |line: Line<'_>| {
        summary.line(&line);
        match &line {
            Line::Postfix(record) => each(record),
            Line::Partial => {}
            Line::Empty => others.push("empty"),
            Line::Other => others.push("other"),
            Line::Garbage => others.push("garbage"),
        }
    };
    Lines::new(log)
        .for_each(|raw| take(parser.read(raw)))
        .unwrap();
    take(parser.finish());
    assert_eq!(parser.lost(), 0);
    summary.settle();
    (summary, others)
}

fn wrapped(mut choose: impl FnMut(usize) -> Wrapper) -> Vec<u8> {
    let mut log = Vec::new();
    for (i, said) in SAID.iter().enumerate() {
        said.wrap(choose(i), &mut log);
    }
    log
}

/// What a summary counts.
fn totals(summary: &Summary) -> String {
    let period = summary
        .period
        .map(|(from, to)| (from.seconds(), to.seconds()));
    format!("{:?} {:?} {period:?}", summary.lines, summary.totals())
}

static PLAIN: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let log = wrapped(|_| Wrapper::Traditional);
    let (summary, _) = read(&log, |_| {});
    (log, totals(&summary))
});

/// Everything about a record is the same but its time's decimals and offset.
fn check(log: &[u8], name: &str) {
    let mut plain = PLAIN.0.split(|b| *b == b'\n');
    let mut parser = parser();
    let mut count = 0;
    let (summary, others) = read(log, |record| {
        count += 1;
        let line = plain.next().unwrap();
        let Line::Postfix(expected) = parser.line(line) else {
            panic!("{}", String::from_utf8_lossy(line));
        };
        assert_eq!(
            record.time.seconds(),
            expected.time.seconds(),
            "{name}, line {count}"
        );
        let time = record.time;
        assert_eq!(*record, Record { time, ..expected }, "{name}, line {count}");
    });
    assert_eq!(count, SAID.len(), "{name}");
    assert_eq!(others, Vec::<&str>::new(), "{name}");
    assert_eq!(totals(&summary), PLAIN.1, "{name}");
}

#[test]
fn the_same_events_in_any_wrapper_are_the_same_report() {
    std::thread::scope(|scope| {
        for half in ALL.chunks(ALL.len().div_ceil(2)) {
            scope.spawn(move || {
                for wrapper in half {
                    check(&wrapped(|_| *wrapper), &format!("{wrapper:?}"));
                }
            });
        }
    });
}

#[test]
fn wrappers_mix_in_one_file() {
    // Numbers without a pattern of their own: the same in every run (Knuth's multiplier).
    let mut state = 1u64;
    let log = wrapped(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ALL[usize::try_from(state >> 33).unwrap() % ALL.len()]
    });
    check(&log, "mixed");
}

/// A line as the tables tell it: a record's JSON object, or the word for a line that is none.
fn told(line: &Line<'_>) -> String {
    match line {
        Line::Postfix(record) => {
            let mut out = Vec::new();
            json::object(record, &mut out);
            String::from_utf8(out).unwrap()
        }
        Line::Other => "\"other\"".into(),
        Line::Garbage => "\"garbage\"".into(),
        Line::Empty => "\"empty\"".into(),
        Line::Partial => "\"partial\"".into(),
    }
}

/// Each `tests/data/wrappers/NAME.log` has the expected objects, line by line, in `NAME.jsonl`.
#[test]
fn every_wrapper_of_the_tables_comes_out_as_expected() {
    let mut differences = Vec::new();
    let mut tables = 0;
    for entry in fs::read_dir(data("wrappers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "log") {
            continue;
        }
        tables += 1;
        let log = fs::read(&path).unwrap();
        // An hour east, so that a zone that was taken for another shows.
        let mut parser = Parser::new(Reference::at(WRITTEN).in_zone(Zone::Fixed(3_600)));
        let mut found = Vec::new();
        Lines::new(&log[..])
            .for_each(|raw| found.push(told(&parser.read(raw))))
            .unwrap();
        let last = told(&parser.finish());
        if last != "\"partial\"" {
            found.push(last);
        }
        let expected = fs::read_to_string(path.with_extension("jsonl")).unwrap_or_default();
        let expected: Vec<&str> = expected.lines().collect();
        if found != expected {
            differences.push(format!("{}:\n{}", path.display(), found.join("\n")));
        }
    }
    assert!(tables >= 8, "{tables}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// How often each text was said, over all lines.
fn said(parser: &mut Parser, log: &[u8]) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    let mut take = |line: Line<'_>| {
        if let Line::Postfix(record) = line {
            all.push((
                String::from_utf8_lossy(record.text).into_owned(),
                record.repeat,
            ));
        }
    };
    Lines::new(log)
        .for_each(|raw| take(parser.read(raw)))
        .unwrap();
    take(parser.finish());
    all
}

fn repetitions() -> Vec<u8> {
    let mut log = Vec::new();
    for i in 0..60_000 {
        let line = match i % 7 {
            3 => "Nov 22 08:48:36 fire last message repeated 3 times\n".to_owned(),
            4 if i % 2 == 0 => {
                "Nov 22 08:48:36 ice syslogd: last message repeated 2 times\n".to_owned()
            }
            5 => format!("Nov 22 08:48:36 ice postfix/smtpd[9]: connect from i{i}[192.0.2.2]\n"),
            _ => format!("Nov 22 08:48:35 fire postfix/smtpd[1]: connect from h{i}[192.0.2.1]\n"),
        };
        log.extend(line.bytes());
    }
    log
}

#[test]
fn the_parts_of_a_file_say_what_the_whole_says() {
    let mut export = Vec::new();
    for said in &SAID[..3_000] {
        said.wrap(Wrapper::JournalExportBinary, &mut export);
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, log) in [("repetitions", repetitions()), ("export", export)] {
        let path = directory.path().join(name);
        fs::write(&path, &log).unwrap();
        let file = fs::File::open(&path).unwrap();
        let whole = said(&mut parser(), &log);
        assert!(whole.iter().any(|(_, times)| *times > 1) == (name == "repetitions"));
        assert!(whole.len() >= 3_000);
        for count in [2, 3, 17, 400] {
            let mut joined = Vec::new();
            for mut part in
                mailtop::logparse::source::parts(&file, log.len() as u64, count).unwrap()
            {
                let mut parser = parser();
                parser.remember(&part.before().unwrap());
                let mut piece = Vec::new();
                part.read_to_end(&mut piece).unwrap();
                joined.extend(said(&mut parser, &piece));
            }
            assert!(joined == whole, "{name} in {count} parts");
        }
    }
}

#[test]
fn a_follower_that_is_given_blocks_knows_what_was_repeated() {
    let log = repetitions();
    let whole = said(&mut parser(), &log);
    let mut parser = parser();
    let mut joined = Vec::new();
    let mut rest = &log[..];
    for step in (1..).map(|i| i * 37 % 501) {
        let cut = rest
            .iter()
            .skip(step)
            .position(|b| *b == b'\n')
            .map_or(rest.len(), |at| step + at + 1);
        let (block, behind) = rest.split_at(cut);
        for raw in mailtop::logparse::Raw::lines(block) {
            if let Line::Postfix(record) = parser.read(raw) {
                joined.push((
                    String::from_utf8_lossy(record.text).into_owned(),
                    record.repeat,
                ));
            }
        }
        parser.remember(block);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    assert!(joined == whole);
}

/// The totals that the command reports of a log.
fn reported(log: &[u8]) -> serde_json::Value {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    fs::write(&path, log).unwrap();
    let output = mailtop()
        .args(["--report", "--json", "--log"])
        .arg(&path)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    report["totals"].clone()
}

#[test]
fn a_report_of_a_large_export_is_that_of_the_plain_log() {
    // Larger than the parts that threads take.
    let export = wrapped(|i| {
        if i % 2 == 0 {
            Wrapper::JournalExport
        } else {
            Wrapper::JournalExportBinary
        }
    });
    assert!(export.len() > 10 << 20);
    let expected = reported(&PLAIN.0);
    assert!(expected["received"].as_u64().unwrap() > 1_000, "{expected}");
    assert_eq!(reported(&export), expected);
}

/// Reads hostile bytes in every way there is.
fn survive(log: &[u8]) {
    let mut parser = parser();
    let check = |line: &Line<'_>| {
        let _ = told(line);
        if let Line::Postfix(record) = line {
            assert!(record.text.len() <= log.len().max(1 << 20));
            assert!(record.repeat > 0);
        }
    };
    Lines::with_max(log, 4_096)
        .for_each(|raw| check(&parser.read(raw)))
        .unwrap();
    check(&parser.finish());
    for line in log.split(|b| *b == b'\n') {
        let _ = parser.header(line);
    }
}

fn tables() -> Vec<Vec<u8>> {
    ["wrappers", "lines"]
        .iter()
        .flat_map(|directory| fs::read_dir(data(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .map(|path| fs::read(path).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_go_through(log: Vec<u8>) {
        survive(&log);
    }

    #[test]
    fn lines_of_words_that_wrappers_know_go_through(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "<22>", "1 ", "2026-11-22T08:48:35Z ", "Nov 22 08:48:35 ", "{", "}", "\"log\":", "\"MESSAGE\":",
                "[", "]", "\"", "\\u", "\\", "d800", "1795333715000000", "fire ", "postfix/smtpd[1]: ", "docker[1]: ",
                "stdout F ", " | ", "\x1b[36m", "MESSAGE\n", "MESSAGE=", "__CURSOR=", "\u{5}\0\0\0\0\0\0\0", "\n", "\0",
                "last message repeated 3 times", "message repeated 2 times: [", "- ", ",", ":", "255", "<mail.info> ",
            ]),
            0..40,
        )
    ) {
        survive(words.concat().as_bytes());
    }

    #[test]
    fn damaged_tables_go_through(table in 0usize..100, cut in any::<prop::sample::Index>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        let tables = tables();
        let mut log = tables[table % tables.len()].clone();
        for (at, byte) in changes {
            let at = at.index(log.len());
            log[at] = byte;
        }
        log.truncate(cut.index(log.len() + 1));
        survive(&log);
    }
}

#[test]
fn a_hostile_entry_costs_bounded_memory_and_ends() {
    for length in [u64::MAX, 1 << 40, 768 << 20] {
        let mut log = b"__CURSOR=x\n__REALTIME_TIMESTAMP=1795333715000000\nMESSAGE\n".to_vec();
        log.extend(length.to_le_bytes());
        log.extend(b"x\n\n".repeat(1_000));
        survive(&log);
    }
    // A value that no reader keeps whole: what is behind it is read, what is in it is not.
    let value = b"x".repeat(3 << 20);
    let mut log = b"__CURSOR=x\n__REALTIME_TIMESTAMP=1795333715000000\nCOREDUMP\n".to_vec();
    log.extend((value.len() as u64).to_le_bytes());
    log.extend(&value);
    log.extend(b"\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE=connect from a[192.0.2.1]\n\n");
    log.extend(b"Nov 22 08:48:35 fire postfix/smtpd[1]: connect from b[192.0.2.1]\n");
    let texts: Vec<_> = said(&mut parser(), &log)
        .into_iter()
        .map(|(text, _)| text)
        .collect();
    assert_eq!(
        texts,
        ["connect from a[192.0.2.1]", "connect from b[192.0.2.1]"]
    );
    // A million numbers, a million brackets, a line of 70 kB, fields without end.
    for log in [
        [
            b"{\"MESSAGE\":[".to_vec(),
            b"120,".repeat(1_000_000),
            b"120]}".to_vec(),
        ]
        .concat(),
        [b"{\"MESSAGE\":".to_vec(), b"[".repeat(1_000_000)].concat(),
        [
            b"Nov 22 08:48:35 fire postfix/smtpd[1]: ".to_vec(),
            b"x".repeat(70_000),
        ]
        .concat(),
        b"_A=x\n".repeat(200_000),
        [b"{\n".to_vec(), b"\t\"a\" : \"x\",\n".repeat(200_000)].concat(),
    ] {
        survive(&log);
    }
}
