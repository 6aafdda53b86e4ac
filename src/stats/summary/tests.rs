//! Merging is one pass: the real log and the small ones, cut anywhere.

use super::*;
use crate::logparse::{Parser, Reference};
use crate::report::{Options, Report};
use proptest::prelude::*;
use std::io::Read as _;
use std::sync::LazyLock;

fn reference() -> Reference {
    Reference::at(1_795_400_000)
}

static REAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let zipped = include_bytes!("../../../tests/data/postfix-3.7.11.log.gz");
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&zipped[..])
        .read_to_end(&mut text)
        .unwrap();
    text
});

/// Lines of the real log in which messages overlap, and every counting rule's.
static LINES: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let mut lines: Vec<&[u8]> = REAL.split(|b| *b == b'\n').collect();
    lines.truncate(3000);
    for rule in RULES {
        lines.extend(rule.split(|b| *b == b'\n'));
    }
    lines
});

const RULES: &[&[u8]] = &[
    include_bytes!("../../../tests/data/counting/received-once.log"),
    include_bytes!("../../../tests/data/counting/reinjected-by-queued-as.log"),
    include_bytes!("../../../tests/data/counting/reinjected-by-message-id.log"),
    include_bytes!("../../../tests/data/counting/reinjected-by-xforward.log"),
    include_bytes!("../../../tests/data/counting/reused-id.log"),
    include_bytes!("../../../tests/data/counting/repeated-and-soft.log"),
    include_bytes!("../../../tests/data/counting/requeued.log"),
    include_bytes!("../../../tests/data/counting/tls-field.log"),
    include_bytes!("../../../tests/data/counting/postscreen.log"),
    include_bytes!("../../../tests/data/counting/instances.log"),
    include_bytes!("../../../tests/data/counting/dst-step.log"),
    include_bytes!("connections.log"),
];

fn observe(summary: Summary, lines: &[&[u8]]) -> Summary {
    let mut summary = summary.wanting(Section::ALL.into_iter().collect());
    let mut parser = Parser::new(reference());
    for line in lines {
        summary.line(&parser.line(line));
    }
    summary
}

/// Everything that a summary tells, in an order that does not depend on how it came about.
#[derive(Debug, PartialEq)]
struct Told {
    report: Report,
    rows: Vec<String>,
}

fn told(mut summary: Summary) -> Told {
    summary.settle();
    let mut rows = Vec::new();
    for outcome in Outcome::ALL {
        for group in summary.detail(outcome, usize::MAX, usize::MAX) {
            rows.push(format!("{outcome:?} {group:?}"));
        }
    }
    let causes = [
        &summary.warnings,
        &summary.errors,
        &summary.fatals,
        &summary.panics,
        &summary.lifecycle,
        &summary.sasl.reasons,
    ];
    for causes in causes {
        rows.push(format!("{:?}", causes.top(usize::MAX)));
    }
    rows.push(format!("{:?}", summary.smtpd.all));
    rows.push(format!("{:?}", summary.smtpd.by_hour(&summary.series)));
    rows.push(format!(
        "{:?}",
        summary.smtpd.by_host.top(usize::MAX, |t| t.count)
    ));
    rows.push(format!("{:?}", summary.overlap.catches()));
    rows.push(format!(
        "{} {}",
        summary.overlap.clients(),
        summary.overlap.connections()
    ));
    rows.push(format!("{:?}", summary.tls.rows()));
    rows.push(format!(
        "{} {}",
        summary.tls.failed_inbound, summary.tls.failed_outbound
    ));
    rows.push(format!(
        "{:?}",
        summary.tls.deliveries.top(usize::MAX, |n| *n)
    ));
    rows.push(format!(
        "{:?}",
        summary.limits.exceeded.top(usize::MAX, |l| l.exceeded)
    ));
    rows.push(format!(
        "{:?}",
        summary.limits.clients.top(usize::MAX, |n| *n)
    ));
    rows.push(format!(
        "{:?}",
        summary.limits.peaks.top(usize::MAX, |n| *n)
    ));
    rows.push(format!(
        "{:?}",
        summary
            .sasl
            .users
            .top(usize::MAX, |u| (u.messages, u.failures))
    ));
    rows.push(format!(
        "{:?}",
        summary.sasl.failures.top(usize::MAX, |n| *n)
    ));
    rows.push(format!(
        "{:?}",
        summary
            .destinations
            .top(usize::MAX, |d| (d.delivered, d.deferrals))
    ));
    rows.push(format!("{:?}", summary.sent_by_hour()));
    let mut messages: Vec<_> = summary.messages().collect();
    messages.sort();
    rows.push(format!("{messages:?}"));
    rows.push(format!(
        "{:?} {}",
        summary.surges(),
        summary.unsized_messages
    ));
    Told {
        report: Report::new(&summary, &Options::unlimited()),
        rows,
    }
}

static ONE_PASS: LazyLock<Told> = LazyLock::new(|| told(observe(Summary::new(), &LINES)));

static WHOLE: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| REAL.split(|b| *b == b'\n').collect());

static WHOLE_IN_ONE_PASS: LazyLock<Told> = LazyLock::new(|| told(observe(Summary::new(), &WHOLE)));

proptest! {
    // Each case reads the whole log.
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn the_real_log_in_parts_is_the_real_log(mut cuts in prop::collection::vec(0usize..42_000, 1..6)) {
        cuts.extend([0, WHOLE.len()]);
        cuts.sort_unstable();
        let mut whole = Summary::new();
        for pair in cuts.windows(2) {
            let part = &WHOLE[pair[0].min(WHOLE.len())..pair[1].min(WHOLE.len())];
            whole.merge(observe(Summary::continuing(), part));
        }
        prop_assert_eq!(&told(whole), &*WHOLE_IN_ONE_PASS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn parts_merged_in_order_are_one_pass(cuts in prop::collection::vec(0usize..3100, 1..8)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(LINES.len())).collect();
        cuts.extend([0, LINES.len()]);
        cuts.sort_unstable();
        let mut whole = Summary::new();
        for pair in cuts.windows(2) {
            whole.merge(observe(Summary::continuing(), &LINES[pair[0]..pair[1]]));
        }
        prop_assert_eq!(&told(whole), &*ONE_PASS);
    }

    /// A part may itself be merged of parts before it is merged into the whole.
    #[test]
    fn parts_may_be_merged_first(a in 0usize..3100, b in 0usize..3100) {
        let (a, b) = (a.min(b).min(LINES.len()), a.max(b).min(LINES.len()));
        let mut tail = observe(Summary::continuing(), &LINES[a..b]);
        tail.merge(observe(Summary::continuing(), &LINES[b..]));
        let mut whole = observe(Summary::new(), &LINES[..a]);
        whole.merge(tail);
        prop_assert_eq!(&told(whole), &*ONE_PASS);
    }
}

/// Every place where a small log can be cut.
#[test]
fn every_cut_of_every_rule() {
    for rule in RULES {
        let lines: Vec<&[u8]> = rule.split(|b| *b == b'\n').collect();
        let expected = told(observe(Summary::new(), &lines));
        for at in 0..=lines.len() {
            let mut whole = observe(Summary::new(), &lines[..at]);
            whole.merge(observe(Summary::continuing(), &lines[at..]));
            assert_eq!(told(whole), expected, "cut at line {at}");
        }
    }
}

#[test]
fn the_real_log_has_its_reinjections() {
    let lines: Vec<&[u8]> = REAL.split(|b| *b == b'\n').collect();
    let mut summary = observe(Summary::new(), &lines);
    summary.settle();
    assert_eq!(summary.reinjected, 116);
    assert_eq!(summary.totals().delivered, 5183);
}
