//! Merging is one pass: the real log and the small ones, cut anywhere.

use super::*;
use crate::logparse::{Parser, Reference};
use crate::report::Report;
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
];

fn observe(mut summary: Summary, lines: &[&[u8]]) -> Summary {
    let mut parser = Parser::new(reference());
    for line in lines {
        summary.line(&parser.line(line));
    }
    summary
}

fn report(mut summary: Summary) -> Report {
    summary.settle();
    Report::new(&summary, 0)
}

static ONE_PASS: LazyLock<Report> = LazyLock::new(|| report(observe(Summary::new(), &LINES)));

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
        prop_assert_eq!(&report(whole), &*ONE_PASS);
    }

    /// A part may itself be merged of parts before it is merged into the whole.
    #[test]
    fn parts_may_be_merged_first(a in 0usize..3100, b in 0usize..3100) {
        let (a, b) = (a.min(b).min(LINES.len()), a.max(b).min(LINES.len()));
        let mut tail = observe(Summary::continuing(), &LINES[a..b]);
        tail.merge(observe(Summary::continuing(), &LINES[b..]));
        let mut whole = observe(Summary::new(), &LINES[..a]);
        whole.merge(tail);
        prop_assert_eq!(&report(whole), &*ONE_PASS);
    }
}

/// Every place where a small log can be cut.
#[test]
fn every_cut_of_every_rule() {
    for rule in RULES {
        let lines: Vec<&[u8]> = rule.split(|b| *b == b'\n').collect();
        let expected = report(observe(Summary::new(), &lines));
        for at in 0..=lines.len() {
            let mut whole = observe(Summary::new(), &lines[..at]);
            whole.merge(observe(Summary::continuing(), &lines[at..]));
            assert_eq!(report(whole), expected, "cut at line {at}");
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
