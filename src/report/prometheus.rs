//! The report in Prometheus' text exposition format, for node_exporter's textfile collector.
//!
//! In: the sections. Out: families of [`METRICS`], each with its HELP and TYPE. The figures are of one
//! period and go down again in the next: gauges, not counters. Labels come from logs, so their values are
//! escaped and each family has at most [`MOST`] of them. No time stamps: the collector refuses them.

use super::Report;
use super::section::{Cell, Section};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Values of a label at most: every one is a time series that somebody stores for years.
const MOST: usize = 50;

/// The longest label value, in characters.
const LONGEST: usize = 120;

/// One metric: which column of which section it is.
#[derive(Debug)]
pub struct Metric {
    /// Its name, with the unit at its end.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    section: &'static str,
    column: &'static str,
    /// Labels and the columns that their values come from.
    labels: &'static [(&'static str, &'static str)],
}

const fn total(name: &'static str, column: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        section: "totals",
        column,
        labels: &[],
    }
}

const fn by(
    name: &'static str,
    section: &'static str,
    column: &'static str,
    labels: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        help,
        section,
        column,
        labels,
    }
}

/// The metrics, but for the period and the delays.
pub const METRICS: &[Metric] = &[
    total(
        "mailtop_received_messages",
        "received",
        "Messages received in the period.",
    ),
    total(
        "mailtop_delivered_recipients",
        "delivered",
        "Recipients delivered to in the period.",
    ),
    total(
        "mailtop_forwarded_recipients",
        "forwarded",
        "Recipients forwarded by local(8) in the period.",
    ),
    total(
        "mailtop_deferred_messages",
        "deferred",
        "Messages deferred at least once in the period.",
    ),
    total(
        "mailtop_deferrals",
        "deferrals",
        "Delivery attempts deferred in the period.",
    ),
    total(
        "mailtop_bounced_recipients",
        "bounced",
        "Recipients bounced in the period.",
    ),
    total(
        "mailtop_rejects",
        "rejected",
        "Commands, connections and messages rejected in the period.",
    ),
    total(
        "mailtop_reject_warnings",
        "reject_warnings",
        "Reject warnings in the period.",
    ),
    total(
        "mailtop_held_messages",
        "held",
        "Messages put on hold in the period.",
    ),
    total(
        "mailtop_discarded_messages",
        "discarded",
        "Messages discarded in the period.",
    ),
    total(
        "mailtop_expired_messages",
        "expired",
        "Messages returned because they were too old.",
    ),
    total(
        "mailtop_received_bytes",
        "bytes_received",
        "Bytes of the messages received in the period.",
    ),
    total(
        "mailtop_delivered_bytes",
        "bytes_delivered",
        "Bytes delivered in the period, once a recipient.",
    ),
    total(
        "mailtop_senders",
        "senders",
        "Distinct envelope senders in the period.",
    ),
    total(
        "mailtop_recipients",
        "recipients",
        "Distinct recipients delivered to in the period.",
    ),
    by("mailtop_log_lines", "lines", "read", &[], "Log lines read."),
    by(
        "mailtop_log_unparsed_lines",
        "lines",
        "unparsed",
        &[],
        "Log lines that could not be read.",
    ),
    by(
        "mailtop_connections",
        "connections",
        "connections",
        &[],
        "Connections to smtpd(8) and postscreen(8).",
    ),
    by(
        "mailtop_rejects_by_reason",
        "rejects",
        "count",
        &[("reason", "reason")],
        "Rejects by normalised reason, the most frequent ones.",
    ),
    by(
        "mailtop_deferrals_by_reason",
        "deferrals",
        "count",
        &[("reason", "reason")],
        "Deferrals by normalised reason, the most frequent ones.",
    ),
    by(
        "mailtop_bounces_by_reason",
        "bounces",
        "count",
        &[("reason", "reason")],
        "Bounces by normalised reason, the most frequent ones.",
    ),
    by(
        "mailtop_warnings_by_reason",
        "warnings",
        "count",
        &[("reason", "reason")],
        "Warnings and errors by normalised text, the most frequent ones.",
    ),
    by(
        "mailtop_dnsbl_rejects",
        "dnsbl",
        "rejects",
        &[("zone", "zone")],
        "Rejects that name the block list.",
    ),
    by(
        "mailtop_dnsbl_listed",
        "dnsbl",
        "listed",
        &[("zone", "zone")],
        "Times that dnsblog(8) found a client listed.",
    ),
    by(
        "mailtop_dnsbl_errors",
        "dnsbl",
        "errors",
        &[("zone", "zone")],
        "Lookups in the block list that failed.",
    ),
    by(
        "mailtop_domain_delivered_recipients",
        "domains",
        "count",
        &[("domain", "domain")],
        "Recipients delivered to by domain, the busiest ones.",
    ),
    by(
        "mailtop_domain_deferrals",
        "domains",
        "deferrals",
        &[("domain", "domain")],
        "Deferrals by domain, the busiest ones.",
    ),
    by(
        "mailtop_domain_delay_average_seconds",
        "domains",
        "delay_avg",
        &[("domain", "domain")],
        "Average delay of deliveries by domain, the busiest ones.",
    ),
    by(
        "mailtop_domain_delay_sum_seconds",
        "domains",
        "delay_sum",
        &[("domain", "domain")],
        "Delays of deliveries together by domain, the busiest ones.",
    ),
    by(
        "mailtop_tls_connections",
        "tls",
        "count",
        &[
            ("direction", "direction"),
            ("trust", "trust"),
            ("protocol", "protocol"),
            ("cipher", "cipher"),
        ],
        "TLS connections by direction, trust, protocol and cipher.",
    ),
    by(
        "mailtop_sasl_client_failures",
        "sasl_failures",
        "count",
        &[("client", "client")],
        "Failed authentications by client, the most frequent ones.",
    ),
    by(
        "mailtop_postscreen_events",
        "postscreen",
        "count",
        &[("event", "event")],
        "What postscreen(8) logged.",
    ),
    by(
        "mailtop_queue_messages",
        "queue",
        "messages",
        &[],
        "Messages in the queue when the report was made.",
    ),
    by(
        "mailtop_queue_bytes",
        "queue",
        "bytes",
        &[],
        "Bytes in the queue when the report was made.",
    ),
];

impl Report {
    /// The exposition, one line feed behind every line.
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        self.period_metrics(&mut out);
        for metric in METRICS {
            if let Some(section) = self.section(metric.section)
                && !section.rows.is_empty()
            {
                family(&mut out, metric.name, "gauge", metric.help);
                samples(&mut out, metric, section);
            }
        }
        self.delay_metrics(&mut out);
        out
    }

    fn period_metrics(&self, out: &mut String) {
        let Some((from, to)) = self.period else {
            return;
        };
        for (name, help, stamp) in [
            (
                "mailtop_period_start_timestamp_seconds",
                "Time of the first line counted.",
                from,
            ),
            (
                "mailtop_period_end_timestamp_seconds",
                "Time of the last line counted.",
                to,
            ),
        ] {
            family(out, name, "gauge", help);
            let _ = writeln!(
                out,
                "{name} {}.{:06}",
                stamp.micros.div_euclid(1_000_000),
                stamp.micros.rem_euclid(1_000_000)
            );
        }
    }

    /// The delays of deliveries as a summary, a part each.
    fn delay_metrics(&self, out: &mut String) {
        let Some(section) = self.section("delays_by_part") else {
            return;
        };
        if section.rows.is_empty() {
            return;
        }
        let name = "mailtop_delivery_delay_seconds";
        let help = "Delays of deliveries, and of their parts.";
        family(out, name, "summary", help);
        for row in &section.rows {
            let number = |key: &str| section.cell(row, key).number();
            let part = escaped(section.cell(row, "part").text());
            for (quantile, key) in [
                ("0.5", "p50"),
                ("0.9", "p90"),
                ("0.95", "p95"),
                ("0.99", "p99"),
                ("1", "max"),
            ] {
                let value = number(key);
                let _ = writeln!(
                    out,
                    "{name}{{part=\"{part}\",quantile=\"{quantile}\"}} {value}"
                );
            }
            // The mean over several reports is exact only if the sums are.
            let _ = writeln!(out, "{name}_sum{{part=\"{part}\"}} {}", number("sum"));
            let _ = writeln!(out, "{name}_count{{part=\"{part}\"}} {}", number("count"));
        }
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let help = help.replace('\\', "\\\\");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn samples(out: &mut String, metric: &Metric, section: &Section) {
    // Texts that differ only behind the cut would be one series twice, which spoils the whole file.
    let mut seen = BTreeSet::new();
    for row in section.rows.iter().take(MOST) {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|(label, column)| {
                format!("{label}=\"{}\"", escaped(section.cell(row, column).text()))
            })
            .collect();
        let labels = labels.join(",");
        let value = match section.cell(row, metric.column) {
            Cell::Count(n) => n.to_string(),
            Cell::Real(n) => n.to_string(),
            _ => continue,
        };
        if !seen.insert(labels.clone()) {
            continue;
        }
        let _ = if labels.is_empty() {
            writeln!(out, "{} {value}", metric.name)
        } else {
            writeln!(out, "{}{{{labels}}} {value}", metric.name)
        };
    }
}

/// A label's value: `\`, `"` and line feeds escaped, as the exposition format asks.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sections;

    #[test]
    fn every_metric_is_a_column_that_exists() {
        for metric in METRICS {
            let spec = sections::named(metric.section).unwrap();
            assert!(spec.column(metric.column).is_some(), "{}", metric.name);
            for (_, column) in metric.labels {
                assert!(spec.column(column).is_some(), "{} {column}", metric.name);
            }
            assert!(metric.name.starts_with("mailtop_"));
        }
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(escaped(&"x".repeat(1000)).len(), LONGEST);
    }
}
