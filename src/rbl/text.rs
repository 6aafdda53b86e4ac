//! Findings as text for people: one line each as they come, and a summary sorted by what needs the reader.
//!
//! In: findings. Out: lines without a control character. It knows no terminal.

use super::{Finding, Status, Target, Verdict, find};
use std::fmt::Write as _;

/// How much a summary tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Listings and troubles; clean lists only as a count.
    Brief,
    /// Every list.
    Full,
}

/// One finding on one line, the target first.
pub fn line(finding: &Finding) -> String {
    format!("{} {}", finding.target, row(finding))
}

/// The findings of each target, worst first, with reasons and where to ask for removal.
///
/// `targets` gives the order; findings of targets not in it are left out.
pub fn summary(targets: &[Target], findings: &[Finding], detail: Detail) -> String {
    let mut out = String::new();
    for target in targets {
        let mut own: Vec<&Finding> = findings.iter().filter(|f| f.target == *target).collect();
        own.sort_by_key(|f| (f.verdict.rank(), f.zone.clone()));
        let _ = writeln!(out, "{target}: {}", verdict_line(&own));
        for finding in own {
            if detail == Detail::Brief && finding.verdict == Verdict::Clean {
                continue;
            }
            let _ = writeln!(out, "  {}", row(finding));
            for more in details(finding) {
                let _ = writeln!(out, "            {more}");
            }
        }
    }
    out
}

/// The counts: "listed on 1 of 38 lists, clean on 35, no verdict from 2".
fn verdict_line(findings: &[&Finding]) -> String {
    let count =
        |wanted: &dyn Fn(&Verdict) -> bool| findings.iter().filter(|f| wanted(&f.verdict)).count();
    let listed = count(&|v| matches!(v, Verdict::Listed { .. }));
    let allowed = count(&|v| matches!(v, Verdict::Allowed { .. }));
    let clean = count(&|v| *v == Verdict::Clean);
    let silent = count(&|v| !v.is_conclusive());
    let mut text = format!(
        "listed on {listed} of {} lists, clean on {clean}",
        findings.len()
    );
    if allowed > 0 {
        let _ = write!(text, ", allowed by {allowed}");
    }
    if silent > 0 {
        let _ = write!(text, ", no verdict from {silent}");
    }
    text
}

fn row(finding: &Finding) -> String {
    let word = finding.verdict.word().to_ascii_uppercase();
    let answers: Vec<String> = finding
        .evidence
        .answers
        .iter()
        .map(ToString::to_string)
        .collect();
    let meaning = match &finding.verdict {
        Verdict::Listed { meanings, .. } | Verdict::Allowed { meanings, .. } => meanings.join(", "),
        Verdict::Blocked { meaning } => meaning.clone(),
        _ => finding.evidence.remark.clone().unwrap_or_default(),
    };
    let text = format!(
        "{word:<9} {:<32} {:<12} {meaning}",
        finding.zone,
        answers.join(",")
    );
    crate::sanitize::str_line(text.trim_end()).into_owned()
}

/// What stands below a row: the list's reason, where to ask for removal, what is known of a sick list.
fn details(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    if let Verdict::Listed { .. } | Verdict::Blocked { .. } = finding.verdict {
        lines.extend(finding.evidence.txt.iter().cloned());
    }
    if let (Verdict::Listed { .. }, Some(delist)) = (&finding.verdict, &finding.delist) {
        lines.push(format!("removal: {delist}"));
    }
    if finding.verdict.is_conclusive() {
        return lines;
    }
    if !finding.evidence.answers.is_empty() {
        lines.push(format!("asked: {}", finding.evidence.query));
    }
    if let Some(entry) = find(&finding.zone)
        && matches!(entry.status, Status::Dead | Status::Moved)
    {
        let since = entry.since.as_deref().unwrap_or("long ago");
        let was = entry.was.as_deref().map(|was| format!(": {was}"));
        lines.push(match &entry.replacement {
            Some(zone) => format!("moved on {since}; use {zone}"),
            None => format!("dead since {since}{}", was.unwrap_or_default()),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbl::Evidence;
    use std::time::Duration;

    fn finding(zone: &str, verdict: Verdict, answers: &[&str]) -> Finding {
        Finding {
            target: Target::parse("192.0.2.1").unwrap().remove(0),
            zone: zone.to_owned(),
            delist: Some("https://remove.example/".to_owned()),
            verdict,
            evidence: Evidence {
                query: format!("1.2.0.192.{zone}"),
                answers: answers.iter().map(|a| a.parse().unwrap()).collect(),
                txt: vec!["a reason".to_owned()],
                latency: Duration::ZERO,
                ttl: None,
                resolver: "r".to_owned(),
                remark: None,
            },
        }
    }

    #[test]
    fn the_summary_begins_with_the_worst() {
        let listed = Verdict::Listed {
            codes: vec!["127.0.0.2".parse().unwrap()],
            meanings: vec!["spam".to_owned()],
        };
        let findings = [
            finding("clean.example", Verdict::Clean, &[]),
            finding("list.dsbl.org", Verdict::World, &["127.0.0.2"]),
            finding("bad.example", listed, &["127.0.0.2"]),
        ];
        let targets = [findings[0].target.clone()];
        let text = summary(&targets, &findings, Detail::Brief);
        assert_eq!(
            text,
            "192.0.2.1: listed on 1 of 3 lists, clean on 1, no verdict from 1\n  \
             LISTED    bad.example                      127.0.0.2    spam\n            \
             a reason\n            \
             removal: https://remove.example/\n  \
             WORLD     list.dsbl.org                    127.0.0.2\n            \
             asked: 1.2.0.192.list.dsbl.org\n            \
             dead since 2008-05: time-outs; since 20 August 2012 every address is listed\n"
        );
        let full = summary(&targets, &findings, Detail::Full);
        assert!(full.contains("CLEAN     clean.example"), "{full}");
    }
}
