//! The report for people: pflogsumm's names and order, 80 columns, no colour, fit for cron's mail.

use super::wrap::{WIDTH, cut, lines};
use super::{AddressRow, CauseRow, DelayRow, Report};
use crate::stats::series::Counts;
use std::fmt::Write as _;

impl Report {
    /// The whole report.
    pub fn text(&self) -> String {
        let mut page = Page::default();
        self.head(&mut page);
        self.grand_totals(&mut page);
        self.per_day(&mut page);
        self.per_hour(&mut page);
        self.delivery_hosts(&mut page);
        self.address_lists(&mut page);
        self.delay_table(&mut page);
        self.block_lists(&mut page);
        self.details(&mut page);
        self.line_counts(&mut page);
        page.text
    }

    fn head(&self, page: &mut Page) {
        match (&self.period.from, &self.period.to) {
            (Some(from), Some(to)) => {
                page.line("Postfix log summary");
                page.line(&format!("from {from}"));
                page.line(&format!("to   {to}"));
            }
            _ => page.line("Postfix log summary: no Postfix line in the period"),
        }
    }

    fn grand_totals(&self, page: &mut Page) {
        let t = &self.totals;
        page.title("Grand Totals");
        page.line("messages");
        page.line("");
        // As pflogsumm: the share of what wanted in.
        let wanted = t.delivered + t.rejected + t.discarded;
        let percent = |n: u64| (n * 100).checked_div(wanted).unwrap_or(0);
        let deferrals = match t.deferrals {
            0 => "deferred".to_owned(),
            n => format!("deferred  ({n}  deferrals)"),
        };
        page.count(t.received, "received");
        page.count(t.delivered, "delivered");
        page.count(t.forwarded, "forwarded");
        page.count(t.deferred, &deferrals);
        page.count(t.bounced, "bounced");
        page.count(t.rejected, &format!("rejected ({}%)", percent(t.rejected)));
        page.count(t.reject_warnings, "reject warnings");
        page.count(t.held, "held");
        page.count(
            t.discarded,
            &format!("discarded ({}%)", percent(t.discarded)),
        );
        page.count(t.expired, "expired");
        page.line("");
        page.amount(t.bytes_received, "bytes received");
        page.amount(t.bytes_delivered, "bytes delivered");
        page.count(t.senders, "senders");
        page.count(t.sending_hosts, "sending hosts/domains");
        page.count(t.recipients, "recipients");
        page.count(t.recipient_hosts, "recipient hosts/domains");
        if self.more.reinjected > 0 {
            page.line("");
            page.count(
                self.more.reinjected,
                "brought back by a content filter (not received again)",
            );
        }
        if self.more.probes > 0 {
            page.count(self.more.probes, "address probes (not mail)");
        }
        self.services(page);
    }

    fn services(&self, page: &mut Page) {
        if self.more.services.is_empty() {
            return;
        }
        page.title("Services");
        for (name, count) in &self.more.services {
            page.count(*count, name);
        }
    }

    fn days(&self) -> Vec<(i64, Counts)> {
        let mut days: Vec<(i64, Counts)> = Vec::new();
        for (hour, counts) in &self.more.hours {
            match days.last_mut() {
                Some((day, sum)) if *day == hour.day() => *sum += *counts,
                _ => days.push((hour.day(), *counts)),
            }
        }
        days
    }

    fn per_day(&self, page: &mut Page) {
        let days = self.days();
        if days.len() < 2 {
            return;
        }
        page.title("Per-Day Traffic Summary");
        page.traffic_head("date");
        for (day, counts) in days {
            let date = chrono::DateTime::from_timestamp(day * 86_400, 0)
                .map(|d| d.format("%b %e %Y").to_string())
                .unwrap_or_default();
            page.traffic(&date, counts);
        }
    }

    fn per_hour(&self, page: &mut Page) {
        let days = self.days().len().max(1) as u64;
        let mut hours = [Counts::default(); 24];
        for (hour, counts) in &self.more.hours {
            hours[hour.of_day()] += *counts;
        }
        page.title(if days > 1 {
            "Per-Hour Traffic Daily Average"
        } else {
            "Per-Hour Traffic Summary"
        });
        page.traffic_head("time");
        let average = |n: u64| (n + days / 2) / days;
        for (hour, counts) in hours.iter().enumerate() {
            page.traffic(
                &format!("{hour:02}00-{:02}00", hour + 1),
                Counts {
                    received: average(counts.received),
                    delivered: average(counts.delivered),
                    deferrals: average(counts.deferrals),
                    bounced: average(counts.bounced),
                    rejected: average(counts.rejected),
                    ..Counts::default()
                },
            );
        }
    }

    fn delivery_hosts(&self, page: &mut Page) {
        page.title(&limited(
            "Host/Domain Summary: Message Delivery",
            self.domains.len(),
            self.more.top,
        ));
        page.line(" sent cnt    bytes   defers  bounced avg dly max dly host/domain");
        page.line(" -------- -------- -------- -------- ------- ------- -----------");
        for row in &self.domains {
            page.line(&format!(
                " {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {}",
                row.count,
                bytes(row.bytes),
                row.deferrals,
                row.bounced,
                duration(row.delay_avg),
                duration(row.delay_max),
                row.domain
            ));
        }
        page.addresses(
            &limited(
                "Host/Domain Summary: Messages Received",
                self.more.sending_hosts.len(),
                self.more.top,
            ),
            &self.more.sending_hosts,
            Shown::Both,
        );
    }

    fn address_lists(&self, page: &mut Page) {
        let top = self.more.top;
        let first = |rows: &[AddressRow]| rows.iter().take(top).cloned().collect::<Vec<_>>();
        for (title, rows, what) in [
            (
                "Senders by message count",
                first(&self.senders),
                Shown::Count,
            ),
            (
                "Recipients by message count",
                first(&self.recipients),
                Shown::Count,
            ),
            (
                "Senders by message size",
                self.more.senders_by_bytes.clone(),
                Shown::Bytes,
            ),
            (
                "Recipients by message size",
                self.more.recipients_by_bytes.clone(),
                Shown::Bytes,
            ),
            (
                "Clients by message count",
                first(&self.clients),
                Shown::Both,
            ),
        ] {
            page.addresses(&limited(title, rows.len(), top), &rows, what);
        }
    }

    fn delay_table(&self, page: &mut Page) {
        page.title("Delivery Delays");
        page.line(&format!(
            " {:<22} {:>10} {:>10} {:>10} {:>10}",
            "", "p50", "p95", "p99", "max"
        ));
        for (name, DelayRow { p50, p95, p99, max }) in &self.more.delay_parts {
            page.line(&format!(
                " {name:<22} {:>10} {:>10} {:>10} {:>10}",
                duration(*p50),
                duration(*p95),
                duration(*p99),
                duration(*max)
            ));
        }
    }

    fn block_lists(&self, page: &mut Page) {
        if self.dnsbl.is_empty() {
            return;
        }
        page.title("DNS block lists");
        page.line("  rejects warnings   listed   errors zone");
        page.line(" -------- -------- -------- -------- ----");
        for row in &self.dnsbl {
            page.line(&format!(
                " {:>8} {:>8} {:>8} {:>8} {}",
                row.rejects, row.reject_warnings, row.listed, row.errors, row.zone
            ));
        }
    }

    fn details(&self, page: &mut Page) {
        page.causes("message deferral detail", &self.deferrals);
        page.causes("message bounce detail", &self.bounces);
        page.causes("message reject detail", &self.rejects);
        page.causes("message reject warning detail", &self.more.reject_warnings);
        page.causes("message hold detail", &self.more.holds);
        page.causes("message discard detail", &self.more.discards);
        let failed: Vec<&str> = self
            .more
            .failures
            .iter()
            .map(|f| f.reason.as_str())
            .collect();
        let warnings: Vec<CauseRow> = self
            .warnings
            .iter()
            .filter(|w| !failed.contains(&w.reason.as_str()))
            .cloned()
            .collect();
        page.causes("Warnings", &warnings);
        page.causes("Errors, fatal errors and panics", &self.more.failures);
        page.causes("Master daemon messages", &self.more.lifecycle);
    }

    fn line_counts(&self, page: &mut Page) {
        page.title("Lines");
        page.count(self.lines.read, "read");
        page.count(self.lines.parsed, "understood");
        page.count(
            self.lines.unparsed,
            "not understood (mailtop parse shows them)",
        );
        page.count(self.lines.other, "of other programs or instances, or empty");
    }
}

/// Which figures a list of addresses shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Count,
    Bytes,
    Both,
}

/// The text as it grows; no line is wider than [`WIDTH`].
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(cut(line, WIDTH).trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.line("");
        self.line(title);
        self.line(&"-".repeat(title.len().min(WIDTH)));
    }

    fn count(&mut self, count: u64, what: &str) {
        self.line(&format!(" {count:>8}   {what}"));
    }

    fn amount(&mut self, amount: u64, what: &str) {
        self.line(&format!(" {:>8}   {what}", bytes(amount)));
    }

    fn traffic_head(&mut self, what: &str) {
        self.line(&format!(
            "    {what:<11} {:>11} {:>11} {:>11} {:>11} {:>11}",
            "received", "delivered", "deferred", "bounced", "rejected"
        ));
        self.line(&format!("    {}", "-".repeat(71)));
    }

    fn traffic(&mut self, when: &str, counts: Counts) {
        self.line(&format!(
            "    {when:<11} {:>11} {:>11} {:>11} {:>11} {:>11}",
            counts.received, counts.delivered, counts.deferrals, counts.bounced, counts.rejected
        ));
    }

    fn addresses(&mut self, title: &str, rows: &[AddressRow], what: Shown) {
        self.title(title);
        if what == Shown::Both {
            self.line("  msg cnt    bytes host/domain");
            self.line(" -------- -------- -----------");
        }
        for row in rows {
            let mut figures = String::new();
            if what != Shown::Bytes {
                let _ = write!(figures, " {:>8}", row.count);
            }
            if what != Shown::Count {
                let _ = write!(figures, " {:>8}", bytes(row.bytes));
            }
            self.line(&format!("{figures} {}", row.address));
        }
    }

    /// A section of causes; each is wrapped, so that nothing of it is lost.
    fn causes(&mut self, title: &str, rows: &[CauseRow]) {
        if rows.is_empty() {
            self.line("");
            self.line(&format!("{title}: none"));
            return;
        }
        self.title(title);
        for row in rows {
            let mut count = format!("{:>8}", row.count);
            for line in lines(&row.reason, WIDTH - 11) {
                self.line(&format!(" {count}  {line}"));
                count = " ".repeat(8);
            }
        }
    }
}

fn limited(title: &str, rows: usize, top: usize) -> String {
    if rows < top {
        title.to_owned()
    } else {
        format!("{title} (top {top})")
    }
}

/// Bytes as pflogsumm writes them: exact below 512 kB, then in k, m and g.
fn bytes(n: u64) -> String {
    const K: u64 = 1024;
    match n {
        0..524_288 => n.to_string(),
        524_288..536_870_912 => format!("{}k", (n + K / 2) / K),
        536_870_912..549_755_813_888 => format!("{}m", (n + K * K / 2) / (K * K)),
        _ => format!("{}g", n.saturating_add(K * K * K / 2) / (K * K * K)),
    }
}

/// Seconds as pflogsumm writes them: seconds, minutes or hours with one digit behind the point.
fn duration(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        format!("{:.1} m", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_columns() {
        assert_eq!(bytes(523_000), "523000");
        assert_eq!(bytes(44_553_216), "43509k");
        assert_eq!(bytes(10_u64.pow(12)), "931g");
        assert_eq!(duration(0.05), "0.05 s");
        assert_eq!(duration(119.0), "2.0 m");
        assert_eq!(duration(7200.0), "2.0 h");
        assert!(bytes(u64::MAX).len() < 13);
    }
}
