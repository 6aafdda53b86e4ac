//! The report against the real log, small logs with their expected totals, and hostile input.

use crate::peers::{mailtop, run_ok};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use unicode_width::UnicodeWidthStr as _;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn real_log() -> PathBuf {
    data("postfix-3.7.11.log.gz")
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&run_ok(command).stdout).unwrap()
}

fn text(command: &mut Command) -> String {
    String::from_utf8(run_ok(command).stdout).unwrap()
}

/// Fails unless the totals have these values.
fn assert_totals(report: &Value, expected: &[(&str, u64)]) {
    for (name, value) in expected {
        assert_eq!(
            report["totals"][name], *value,
            "{name} of {}",
            report["totals"]
        );
    }
}

#[test]
fn the_real_logs_first_instance() {
    let report = json(
        mailtop()
            .args(["--report", "--json", "--instance", "postfix"])
            .arg(real_log()),
    );
    assert_totals(
        &report,
        &[
            ("received", 2606),
            ("delivered", 4690),
            ("forwarded", 6),
            ("deferrals", 1912),
            ("bounced", 323),
        ],
    );
}

#[test]
fn the_whole_real_log() {
    let report = json(mailtop().args(["report", "--json"]).arg(real_log()));
    assert_totals(&report, &[("delivered", 5183), ("forwarded", 6)]);
    let lines = &report["lines"];
    assert_eq!(lines["read"], 41_943);
    let unparsed = lines["unparsed"].as_u64().unwrap();
    assert!(unparsed * 100 <= 41_943, "{lines}");
    let sum: u64 = ["parsed", "unparsed", "other"]
        .iter()
        .map(|k| lines[k].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 41_943);
}

#[test]
fn the_json_has_exactly_the_documented_keys() {
    let report = json(mailtop().args(["report", "--json"]).arg(real_log()));
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(
        keys(&report),
        "asked bounces by_day by_hour changed_causes changes clients connections deferrals delays \
         delays_by_part destination_delays discards dnsbl dnsbl_overlap domains holds hours_of_day \
         lifecycle limits lines logs period postscreen queue queue_destinations recipients \
         recipients_by_bytes reject_warnings rejects remarks sasl_failures sasl_reasons sasl_users \
         schema senders senders_by_bytes sending_hosts smtpd_by_host smtpd_by_hour surges tls \
         tls_deliveries totals unparsed warnings"
    );
    assert_eq!(keys(&report["period"]), "from to");
    assert_eq!(keys(&report["lines"]), "other parsed read unparsed");
    assert_eq!(
        keys(&report["totals"]),
        "bounced bytes_delivered bytes_received deferrals deferred delivered discarded expired \
         forwarded held probes received recipient_hosts recipients reinjected reject_warnings \
         rejected senders sending_hosts unsized"
    );
    assert_eq!(keys(&report["delays"]), "avg count max p50 p90 p95 p99 sum");
    assert_eq!(
        keys(&report["rejects"][0]),
        "by count examples first last percent reason"
    );
    for list in [
        "by_hour",
        "rejects",
        "deferrals",
        "bounces",
        "senders",
        "recipients",
        "domains",
        "clients",
        "dnsbl",
        "warnings",
    ] {
        assert!(!report[list].as_array().unwrap().is_empty(), "{list}");
    }
    chrono::DateTime::parse_from_rfc3339(report["period"]["from"].as_str().unwrap()).unwrap();
    let by_hour = report["by_hour"].as_array().unwrap();
    let delivered: u64 = by_hour
        .iter()
        .map(|h| h["delivered"].as_u64().unwrap())
        .sum();
    assert_eq!(delivered, 5183);
}

/// Several files, standard input and a plain copy are the same log.
#[test]
fn sources_of_every_kind_give_the_same_report() {
    let directory = tempfile::tempdir().unwrap();
    let zipped = std::fs::read(real_log()).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::MultiGzDecoder::new(&zipped[..]),
        &mut plain,
    )
    .unwrap();
    let half = plain[..plain.len() / 2]
        .iter()
        .rposition(|b| *b == b'\n')
        .unwrap()
        + 1;
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let whole = write("mail.log", &plain);
    let old = write("mail.log.1", &plain[..half]);
    let new = write("mail.log.0", &plain[half..]);
    let expected = json(
        mailtop()
            .args(["report", "--json", "--top", "0"])
            .arg(&whole),
    );
    let mut expected = expected;
    expected["logs"] = Value::Null;
    // The files' names differ, and nothing else may.
    let run = |command: &mut Command| {
        let mut report = json(command.args(["report", "--json", "--top", "0"]));
        report["logs"] = Value::Null;
        report
    };
    let two = run(mailtop().arg("--log").arg(&old).arg(&new));
    assert_eq!(two, expected, "two files");
    let piped = run(mailtop()
        .args(["--log", "-"])
        .stdin(std::fs::File::open(real_log()).unwrap()));
    assert_eq!(piped["totals"], expected["totals"], "gzip through a pipe");
    assert_eq!(run(mailtop().arg("--log").arg(&whole)), expected);
}

#[test]
fn a_period_is_cut_out() {
    let log = data("counting/received-once.log");
    let totals = |args: &[&str]| {
        let output = mailtop()
            .args(["report", "--json"])
            .args(args)
            .arg(&log)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // A period without a line is told by the status, too.
        let empty = report["period"]["from"].is_null();
        assert_eq!(output.status.code(), Some(i32::from(empty)));
        report["totals"].clone()
    };
    let early = totals(&["--until", "2026-11-22T09:00:00+01:00"]);
    assert_eq!(
        (&early["received"], &early["delivered"]),
        (&1.into(), &0.into())
    );
    let late = totals(&["--since", "2026-11-22T09:00:00+01:00"]);
    assert_eq!(
        (&late["received"], &late["delivered"]),
        (&0.into(), &2.into())
    );
    // The size was told before the period; it is remembered.
    assert_eq!(late["bytes_delivered"], 4000);
    let wide = totals(&["--since", "2026-11-21", "--until", "2026-11-24"]);
    assert_eq!(wide["delivered"], 2);
    let none = totals(&["--since", "2027-01-01 12:00"]);
    assert_eq!(none["delivered"], 0);
    assert!(totals(&["today"])["received"].is_u64());
}

#[test]
fn a_period_that_ends_before_it_begins_is_an_error() {
    let output = mailtop()
        .args(["report", "--since", "2026-11-24", "--until", "2026-11-21"])
        .arg(data("counting/received-once.log"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.starts_with("mailtop: --since 2026-11-24 is not before --until 2026-11-21"),
        "{error}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn the_text_is_eighty_columns_wide() {
    let report = text(mailtop().arg("--report").arg(real_log()));
    for line in report.lines() {
        assert!(line.width() <= 80, "{} columns: {line}", line.width());
    }
    assert!(!report.contains('\x1b'));
    for part in [
        "Grand Totals",
        "5,183   delivered",
        "Per-Hour Traffic Summary",
        "Host/Domain Summary: Message Delivery",
        "Senders by message count",
        "Message Deferral Detail",
        "Message Bounce Detail",
        "Message Reject Detail",
        "Warnings",
        "41,943   read",
    ] {
        assert!(report.contains(part), "{part} is missing:\n{report}");
    }
}

#[test]
fn an_unreadable_file_is_an_error_with_path_reason_and_remedy() {
    let output = mailtop()
        .args(["report", "/nonexistent/mail.log"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("mailtop: /nonexistent/mail.log: no such file or directory (try: "),
        "{error}"
    );
    let directory = tempfile::tempdir().unwrap();
    let output = mailtop()
        .args(["--report", "--json"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("is a directory")
    );
}

/// As an ordinary user: root reads everything.
#[test]
fn a_forbidden_file_names_the_group_to_join() {
    let directory = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let log = directory.path().join("mail.log");
    std::fs::write(&log, "").unwrap();
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o640)).unwrap();
    let binary = directory.path().join("mailtop");
    std::fs::copy(env!("CARGO_BIN_EXE_mailtop"), &binary).unwrap();
    let mut command = Command::new(&binary);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&log, None, Some(4)).unwrap();
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
        std::os::unix::process::CommandExt::gid(&mut command, 65534);
    } else {
        std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o040)).unwrap();
    }
    let output = command.arg("report").arg(&log).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(": permission denied (try: "), "{error}");
    assert!(error.contains("usermod -aG"), "{error}");
}

#[test]
fn hostile_text_reaches_neither_form() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("mail.log");
    let mut bytes = Vec::new();
    for i in 0..50 {
        bytes.extend_from_slice(
            format!(
                "2026-11-22T08:00:00+00:00 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <\x1b[2J{i}>: Relay access denied; from=<\x1b]0;x\x07@\u{202e}evil.example> to=<\x1b[31m@x.example> proto=ESMTP helo=<\x08>\n\
                 2026-11-22T08:00:00+00:00 mx postfix/smtp[1]: 8021054E1{i:02}: to=<\x1b[2J{i}@\x1b[3m.example>, relay=none, delay=1, delays=0.1/0/0.4/0.5, dsn=4.0.0, status=deferred (\x1b[5mblink \u{9b}2J {})\n\
                 2026-11-22T08:00:00+00:00 mx postfix/\x1b[2Jsmtpd[1]: warning: \x1b[2J\n",
                "long ".repeat(200)
            )
            .as_bytes(),
        );
        bytes.extend_from_slice(b"\0\0\0\xff\xfe garbage\n");
    }
    std::fs::write(&log, bytes).unwrap();
    let csv = |section| vec!["report", "--csv", section];
    for args in [
        vec!["report"],
        vec!["report", "--verbose-messages", "--zero-fill", "--unparsed"],
        vec!["report", "--json"],
        vec!["report", "--html"],
        vec!["report", "--prometheus"],
        csv("rejects"),
        csv("deferrals"),
        csv("domains"),
        csv("warnings"),
        csv("unparsed"),
    ] {
        let report = text(mailtop().args(&args).arg(&log));
        let bad = report
            .chars()
            .find(|c| *c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c)));
        assert_eq!(bad, None, "{report}");
        // Escapes that JSON spells out would come alive in whatever decodes it.
        assert!(!report.contains("\\u001b") && !report.contains("\\u202e"));
        if args.len() == 1 {
            for line in report.lines() {
                assert!(line.width() <= 80, "{line}");
            }
        }
    }
}

#[test]
fn report_options_without_a_report_are_an_error() {
    let output = mailtop().arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("--json") && error.contains("--report"),
        "{error}"
    );
}
