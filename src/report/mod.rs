//! Reports from a [`crate::stats::Summary`]: text for people ([`text`]) and JSON for programs ([`json`]).
//!
//! In: a settled summary. Out: a [`Report`], whose texts are sanitised, and its two forms. It reads no
//! logs and knows no terminal: the text is 80 columns wide wherever it goes.

mod json;
mod text;
pub mod when;
pub(crate) mod wrap;

use crate::logparse::Stamp;
use crate::sanitize;
use crate::stats::causes::{Cause, Causes};
use crate::stats::delays::{DelayParts, Distribution};
use crate::stats::names::Table;
use crate::stats::series::{Counts, Hour};
use crate::stats::summary::{Destination, Direction, LineCounts, Summary, Tally, Totals, Zone};
use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde::Serialize;

/// The longest example that is shown, in bytes: a log line may be much longer.
const EXAMPLE: usize = 400;

/// Everything a report says, ready to be printed. Its JSON form has exactly these members.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// First and last stamp of the lines that were counted.
    pub period: Period,
    /// How many lines were read and understood.
    pub lines: LineCounts,
    /// The grand totals.
    pub totals: Totals,
    /// Every hour with lines, in order.
    pub by_hour: Vec<HourRow>,
    /// Why clients were rejected.
    pub rejects: Vec<CauseRow>,
    /// Why deliveries were deferred.
    pub deferrals: Vec<CauseRow>,
    /// Why mail bounced.
    pub bounces: Vec<CauseRow>,
    /// Senders, the most frequent first; those largest by bytes are among them.
    pub senders: Vec<AddressRow>,
    /// Recipients, likewise.
    pub recipients: Vec<AddressRow>,
    /// Recipients' domains.
    pub domains: Vec<DomainRow>,
    /// Clients, by messages received from them.
    pub clients: Vec<AddressRow>,
    /// DNS block lists.
    pub dnsbl: Vec<ZoneRow>,
    /// Delays of deliveries, in seconds.
    pub delays: DelayRow,
    /// Warnings, and lines marked error, fatal or panic.
    pub warnings: Vec<CauseRow>,
    /// What only the text shows.
    #[serde(skip)]
    more: More,
}

/// The parts of the text report that have no place in the JSON.
#[derive(Debug, Clone, PartialEq, Default)]
struct More {
    top: usize,
    hours: Vec<(Hour, Counts)>,
    senders_by_bytes: Vec<AddressRow>,
    recipients_by_bytes: Vec<AddressRow>,
    sending_hosts: Vec<AddressRow>,
    reject_warnings: Vec<CauseRow>,
    holds: Vec<CauseRow>,
    discards: Vec<CauseRow>,
    failures: Vec<CauseRow>,
    lifecycle: Vec<CauseRow>,
    delay_parts: Vec<(&'static str, DelayRow)>,
    reinjected: u64,
    probes: u64,
    /// Other counts: connections, TLS, postscreen, SASL.
    services: Vec<(String, u64)>,
}

/// A span of time, RFC 3339 with the log's own offset; `null` when no line was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "first and last")]
pub struct Period {
    pub from: Option<String>,
    pub to: Option<String>,
}

/// What happened in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HourRow {
    /// The hour's beginning, RFC 3339 with the log's own offset.
    pub hour: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A cause and how often it occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseRow {
    /// The normalised reason.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Up to three texts as they were logged.
    pub examples: Vec<String>,
}

/// An address, a host or a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressRow {
    /// The address; the null sender is `<>`.
    pub address: String,
    /// Messages or deliveries.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A recipient domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainRow {
    /// Its name.
    pub domain: String,
    /// Recipients delivered to.
    pub count: u64,
    /// Bytes delivered.
    pub bytes: u64,
    /// Attempts deferred.
    pub deferrals: u64,
    /// Recipients bounced.
    pub bounced: u64,
    /// Average delay of what was delivered, in seconds.
    pub delay_avg: f64,
    /// The longest delay of a delivery or deferral, in seconds.
    pub delay_max: f64,
}

/// A DNS block list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoneRow {
    /// Its zone.
    pub zone: String,
    /// Rejects and reject warnings that name it.
    pub count: u64,
    /// The rejects among them.
    pub rejects: u64,
    /// The reject warnings among them.
    pub reject_warnings: u64,
    /// Times that dnsblog(8) found a client listed.
    pub listed: u64,
    /// Lookups that failed.
    pub errors: u64,
}

/// Percentiles in seconds; all 0 when nothing was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[allow(missing_docs, reason = "percentiles")]
pub struct DelayRow {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

impl Report {
    /// The report of a settled summary, its lists cut after `top` rows (0: never).
    pub fn new(summary: &Summary, top: usize) -> Self {
        let top = if top == 0 { usize::MAX } else { top };
        let mut warnings = causes(&summary.warnings, top);
        for failures in [&summary.errors, &summary.fatals, &summary.panics] {
            warnings.extend(causes(failures, top));
        }
        warnings.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        Self {
            period: Period {
                from: summary.period.map(|(from, _)| rfc3339(from)),
                to: summary.period.map(|(_, to)| rfc3339(to)),
            },
            lines: summary.lines,
            totals: summary.totals(),
            by_hour: summary.series.hours().iter().map(hour_row).collect(),
            rejects: causes(&summary.rejects, top),
            deferrals: causes(&summary.deferrals, top),
            bounces: causes(&summary.bounces, top),
            senders: by_count_and_bytes(&summary.senders, top),
            recipients: by_count_and_bytes(&summary.recipients, top),
            domains: domains(&summary.destinations, top),
            clients: by_count_and_bytes(&summary.clients, top),
            dnsbl: zones(&summary.zones, top),
            delays: delay_row(&summary.delays.total),
            warnings,
            more: More::new(summary, top),
        }
    }
}

impl More {
    fn new(summary: &Summary, top: usize) -> Self {
        Self {
            top,
            hours: summary.series.hours(),
            senders_by_bytes: addresses(summary.senders.top(top, |t| t.bytes)),
            recipients_by_bytes: addresses(summary.recipients.top(top, |t| t.bytes)),
            sending_hosts: addresses(summary.sending_hosts.top(top, |t| t.count)),
            reject_warnings: causes(&summary.reject_warnings, top),
            holds: causes(&summary.holds, top),
            discards: causes(&summary.discards, top),
            failures: [&summary.panics, &summary.fatals, &summary.errors]
                .map(|failures| causes(failures, top))
                .concat(),
            lifecycle: causes(&summary.lifecycle, top),
            delay_parts: delay_parts(&summary.delays),
            reinjected: summary.reinjected,
            probes: summary.probes,
            services: services(summary),
        }
    }
}

/// Makes text of the log fit to be shown.
fn shown(text: &[u8]) -> String {
    let text = sanitize::line(text);
    if text.len() <= EXAMPLE {
        return text.into_owned();
    }
    let end = (0..=EXAMPLE).rev().find(|at| text.is_char_boundary(*at));
    format!("{}...", &text[..end.unwrap_or(0)])
}

fn rfc3339(stamp: Stamp) -> String {
    match (
        DateTime::from_timestamp_micros(stamp.micros),
        FixedOffset::east_opt(stamp.offset),
    ) {
        (Some(time), Some(offset)) => {
            let time = time.with_timezone(&offset);
            time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
        }
        _ => String::new(),
    }
}

fn hour_row((hour, counts): &(Hour, Counts)) -> HourRow {
    let start = Stamp {
        micros: (hour.local * 3600 - i64::from(hour.offset)) * 1_000_000,
        offset: hour.offset,
    };
    HourRow {
        hour: rfc3339(start),
        counts: *counts,
    }
}

fn causes(causes: &Causes, top: usize) -> Vec<CauseRow> {
    let row = |(name, cause): (&[u8], &Cause)| CauseRow {
        reason: shown(name),
        count: cause.count,
        examples: cause.examples.iter().map(|e| shown(e)).collect(),
    };
    causes.top(top).into_iter().map(row).collect()
}

fn addresses(rows: Vec<(&[u8], &Tally)>) -> Vec<AddressRow> {
    rows.into_iter()
        .map(|(name, tally)| AddressRow {
            address: if name.is_empty() {
                "<>".to_owned()
            } else {
                shown(name)
            },
            count: tally.count,
            bytes: tally.bytes,
        })
        .collect()
}

/// The `top` rows by count and the `top` rows by bytes, together, by count.
fn by_count_and_bytes(table: &Table<Tally>, top: usize) -> Vec<AddressRow> {
    let mut rows = table.top(top, |t| t.count);
    for row in table.top(top, |t| t.bytes) {
        if !rows.iter().any(|r| std::ptr::eq(r.1, row.1)) {
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(b.0)));
    addresses(rows)
}

fn domains(table: &Table<Destination>, top: usize) -> Vec<DomainRow> {
    let rows = table.top(top, |d| (d.delivered, d.deferrals, d.bounced));
    rows.into_iter()
        .map(|(name, d)| DomainRow {
            domain: shown(name),
            count: d.delivered,
            bytes: d.bytes,
            deferrals: d.deferrals,
            bounced: d.bounced,
            delay_avg: if d.delivered == 0 {
                0.0
            } else {
                (d.delay_sum as f64 / d.delivered as f64).round() / 100.0
            },
            delay_max: d.delay_max as f64 / 100.0,
        })
        .collect()
}

fn zones(table: &Table<Zone>, top: usize) -> Vec<ZoneRow> {
    table
        .top(top, |z| z.rejects + z.warnings + z.listed + z.errors)
        .into_iter()
        .map(|(name, z)| ZoneRow {
            zone: shown(name),
            count: z.rejects + z.warnings,
            rejects: z.rejects,
            reject_warnings: z.warnings,
            listed: z.listed,
            errors: z.errors,
        })
        .collect()
}

fn delay_row(delays: &Distribution) -> DelayRow {
    let seconds = |hundredths: Option<u64>| hundredths.unwrap_or(0) as f64 / 100.0;
    DelayRow {
        p50: seconds(delays.percentile(50)),
        p95: seconds(delays.percentile(95)),
        p99: seconds(delays.percentile(99)),
        max: seconds(delays.max()),
    }
}

fn delay_parts(delays: &DelayParts) -> Vec<(&'static str, DelayRow)> {
    [
        ("total", &delays.total),
        ("before queue manager", &delays.before_qmgr),
        ("in queue manager", &delays.in_qmgr),
        ("connection setup", &delays.conn_setup),
        ("transmission", &delays.transmission),
    ]
    .map(|(name, part)| (name, delay_row(part)))
    .to_vec()
}

fn services(summary: &Summary) -> Vec<(String, u64)> {
    let sum = |table: &Table<u64>| table.iter().map(|(_, n)| n).sum::<u64>();
    let mut all = vec![
        ("connections".to_owned(), summary.connections),
        (
            "messages of authenticated clients".to_owned(),
            summary.sasl.users.iter().map(|(_, u)| u.messages).sum(),
        ),
        (
            "failed authentications".to_owned(),
            sum(&summary.sasl.failures),
        ),
        (
            "failed TLS handshakes".to_owned(),
            summary.tls.failed_inbound + summary.tls.failed_outbound,
        ),
    ];
    for (direction, protocol, count) in summary.tls.by(|row| row.protocol) {
        let way = match direction {
            Direction::Inbound => "from clients",
            Direction::Outbound => "to servers",
        };
        all.push((format!("TLS sessions {way}, {}", shown(protocol)), count));
    }
    let mut postscreen: Vec<_> = summary
        .postscreen
        .iter()
        .map(|(kind, count)| {
            (
                format!("postscreen {}", words(&format!("{kind:?}"))),
                *count,
            )
        })
        .collect();
    postscreen.sort();
    all.extend(postscreen);
    all.retain(|(_, count)| *count > 0);
    all
}

/// `PassNew` as `PASS NEW`: the words that postscreen(8) writes.
fn words(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_uppercase());
    }
    out
}
