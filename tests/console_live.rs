//! The console on the log of a real Postfix while mail goes through it, and while its log is rotated.

use crate::console::{Tty, console};
use crate::peers::postfix::Postfix;
use crate::peers::smtp::{SmtpSink, smtp_source, swaks};
use crate::peers::{mailtop, run_ok, wait_for};
use std::path::Path;

/// The number behind a word that begins a count: `following 46 lines`, ` 46 lines, `.
fn lines_shown(screen: &str, before: &str) -> Option<usize> {
    let row = screen.lines().find(|row| row.contains(" lines"))?;
    let (head, _) = row.split_once(" lines")?;
    let number = head.trim_end().rsplit(' ').next()?;
    row.contains(before)
        .then(|| number.replace(',', "").parse().ok())
        .flatten()
}

/// The overview's count of all deliveries: the last number of its row.
fn sent_shown(screen: &str) -> Option<u64> {
    let row = screen.lines().find(|row| row.contains("✓ sent "))?;
    // A cell that was drawn once stays as a blank behind it.
    row.split_whitespace()
        .next_back()?
        .replace(',', "")
        .parse()
        .ok()
}

fn lines_in(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.matches('\n').count())
}

/// Waits until both screens count as many lines as the logs have.
fn counts_all(tty: &mut Tty, logs: &[&Path]) {
    let written = || logs.iter().map(|path| lines_in(path)).sum::<usize>();
    tty.press("1");
    wait_for("the overview to count every line", || {
        (lines_shown(&tty.screen(), "")? == written()).then_some(())
    });
    tty.press("2");
    wait_for("the log screen to have every line", || {
        (lines_shown(&tty.screen(), "following")? == written()).then_some(())
    });
    tty.press("1");
}

fn send(postfix: &Postfix, count: &str) {
    let options = ["-c", "-s", "2", "-m", count, "-f", "ann@good.test"];
    smtp_source(
        postfix.port,
        &[&options[..], &["-t", "bob@far.test"]].concat(),
    );
}

fn send_to(postfix: &Postfix, recipient: &str) {
    let said = swaks(
        postfix.port,
        &[
            "--from",
            "ann@good.test",
            "--to",
            recipient,
            "--helo",
            "a.good.test",
        ],
    );
    assert!(said.status.success(), "{said:?}");
}

#[test]
fn a_real_postfix_is_followed_live_and_through_a_rotation() {
    let sink = SmtpSink::start(&[]);
    let postfix = Postfix::start(&format!("relayhost = {}\n", sink.relayhost()));
    let log = postfix.log_path();
    let mut tty = Tty::open(120, 30, console(&log, &[]));
    tty.sees("Last hour");

    send(&postfix, "5");
    wait_for("five deliveries", || {
        (sent_shown(&tty.screen())? == 5).then_some(())
    });
    send(&postfix, "20");
    wait_for("twenty more", || {
        (sent_shown(&tty.screen())? == 25).then_some(())
    });
    tty.press("2");
    tty.sees("following");
    send_to(&postfix, "carl@far.test");
    tty.sees("to=<carl@far.test>");
    counts_all(&mut tty, &[&log]);

    // As logrotate does it: another name, then the daemon is told.
    let old = log.with_extension("log.1");
    std::fs::rename(&log, &old).unwrap();
    send_to(&postfix, "dora@far.test");
    postfix.reconfigure(&["smtpd_banner = turned"]);
    send(&postfix, "10");
    send_to(&postfix, "emil@far.test");
    tty.press("1");
    wait_for("every delivery of both logs", || {
        (sent_shown(&tty.screen())? == 38).then_some(())
    });
    tty.press("2");
    tty.sees("to=<emil@far.test>");
    counts_all(&mut tty, &[&old, &log]);
    tty.press("q");
    assert!(tty.ends().0);
    assert_eq!(sink.wait_messages(38).len(), 38);

    let report = run_ok(mailtop().args(["--report", "--json"]).args([&old, &log]));
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["totals"]["delivered"], 38, "{report}");
    assert_eq!(report["totals"]["received"], 38, "{report}");
    assert_eq!(report["lines"]["read"], lines_in(&old) + lines_in(&log));
    assert_eq!(report["lines"]["unparsed"], 0, "{report}");
    assert!(lines_in(&log) > 0, "the daemon never turned to its new log");
}
