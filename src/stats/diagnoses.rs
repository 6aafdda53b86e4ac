//! What is wrong with a mail server, with counts and a next step.
//!
//! Each diagnosis is one entry of [`RULES`]: what to look for, its text for one and for many, and its
//! remedy. In: the live aggregate and the queue. Out: findings, the gravest first. It acts on nothing.

use super::causes::{domain, of_text};
use super::frequent::Frequent;
use super::live::Live;
use crate::queue::{Entry, QueueName};
use crate::sanitize;
use std::collections::BTreeMap;

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The live aggregate.
    pub live: &'a Live,
    /// What lies in the queue.
    pub queue: &'a [Entry],
    /// How many messages lay in the queue an hour ago, when that is known.
    pub queue_an_hour_ago: Option<u64>,
    /// Seconds since the epoch.
    pub now: i64,
    /// Block list zones in use that are known to be dead, or to list everybody (from the catalogue).
    pub bad_zones: &'a [&'a str],
}

/// How urgent a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Some mail suffers.
    Warning,
    /// Mail does not flow.
    Critical,
}

/// What a finding is about, so that a screen can go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A destination domain, in the queue.
    Domain(String),
    /// A client address.
    Client(String),
    /// A block list zone.
    Zone(String),
    /// The whole queue.
    Queue,
    /// The log.
    Log,
}

/// One finding: text and remedy are sanitised and fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The rule's name.
    pub rule: &'static str,
    /// How urgent it is.
    pub severity: Severity,
    /// How many messages, attempts or lines it concerns.
    pub count: u64,
    /// What is wrong.
    pub text: String,
    /// What to do next.
    pub remedy: String,
    /// What it is about.
    pub subject: Subject,
}

/// A rule: `{count}`, `{what}` and `{why}` in its texts are filled in from what it found.
struct Rule {
    name: &'static str,
    severity: Severity,
    /// The text when the count is one.
    one: &'static str,
    /// The text for more.
    many: &'static str,
    remedy: &'static str,
    find: fn(&Evidence<'_>) -> Vec<Found>,
}

/// What a rule found.
struct Found {
    count: u64,
    what: String,
    why: String,
    subject: Subject,
}

/// Messages that wait for one destination with one cause before it is a diagnosis.
const STUCK: u64 = 5;
/// Failed authentications of one client before it is an attack.
const BRUTE_FORCE: u64 = 10;
/// Failed lookups in one zone before the list is in trouble.
const RBL_ERRORS: u64 = 5;
/// Bounces in ten minutes that make a storm, when they are also a fifth of what was tried.
const STORM: u64 = 50;
/// Messages that the queue must have grown by within an hour, when that also doubled it.
const GROWTH: u64 = 50;

/// All rules, the gravest first.
const RULES: &[Rule] = &[
    Rule {
        name: "storage",
        severity: Severity::Critical,
        one: "mail was refused or deferred once for lack of disk space",
        many: "mail was refused or deferred {count} times for lack of disk space",
        remedy: "df -h of the queue directory and mailboxes; free space, then postqueue -f",
        find: storage,
    },
    Rule {
        name: "transport-unavailable",
        severity: Severity::Critical,
        one: "1 delivery deferred: a content filter or transport is down ({why})",
        many: "{count} deliveries deferred: a content filter or transport is down ({why})",
        remedy: "start the filter, see master.cf and the log for its name; then postqueue -f",
        find: transport,
    },
    Rule {
        name: "process-died",
        severity: Severity::Critical,
        one: "a Postfix process failed: {what}",
        many: "Postfix processes failed {count} times: {what}",
        remedy: "read the lines before it in the log; postfix check",
        find: died,
    },
    Rule {
        name: "dead-destination",
        severity: Severity::Warning,
        one: "1 message waits for {what}: {why}",
        many: "{count} messages wait for {what}: {why}",
        remedy: "test the destination's MX; if it is gone for good, delete or bounce the group",
        find: stuck,
    },
    Rule {
        name: "bounce-storm",
        severity: Severity::Warning,
        one: "1 bounce within ten minutes",
        many: "{count} bounces within ten minutes: {why}",
        remedy: "find the sender (Messages, by status): a compromised account or a stale list",
        find: storm,
    },
    Rule {
        name: "queue-growing",
        severity: Severity::Warning,
        one: "the queue grew by 1 message within an hour",
        many: "the queue grew by {count} messages within an hour, to {what}",
        remedy: "group the queue by cause and by sender: one of them explains most of it",
        find: growing,
    },
    Rule {
        name: "bad-zone",
        severity: Severity::Warning,
        one: "block list {what} is dead or lists everybody; it was the cause of 1 reject",
        many: "block list {what} is dead or lists everybody; it was the cause of {count} rejects",
        remedy: "remove it from smtpd_*_restrictions and postscreen_dnsbl_sites, then reload",
        find: bad_zone,
    },
    Rule {
        name: "rbl-errors",
        severity: Severity::Warning,
        one: "1 lookup in block list {what} failed",
        many: "{count} lookups in block list {what} failed",
        remedy: "test the list (RBL screen); it may block your resolver: use one of your own",
        find: rbl_errors,
    },
    Rule {
        name: "sasl-brute-force",
        severity: Severity::Warning,
        one: "1 failed authentication from {what}",
        many: "{count} failed authentications from {what}",
        remedy: "block the address (firewall, fail2ban); smtpd_client_auth_rate_limit",
        find: brute_force,
    },
    Rule {
        name: "tls",
        severity: Severity::Warning,
        one: "1 TLS failure with {what}: {why}",
        many: "{count} TLS failures with {what}: {why}",
        remedy: "posttls-finger the peer; check both certificates and smtp_tls_security_level",
        find: tls,
    },
];

/// All findings, the gravest first, then the largest.
pub fn diagnose(evidence: &Evidence<'_>) -> Vec<Diagnosis> {
    let mut all: Vec<Diagnosis> = RULES
        .iter()
        .flat_map(|rule| {
            (rule.find)(evidence)
                .into_iter()
                .map(|found| rule.tell(found))
        })
        .collect();
    all.sort_by(|a, b| {
        (b.severity, b.count)
            .cmp(&(a.severity, a.count))
            .then_with(|| a.text.cmp(&b.text))
    });
    all
}

impl Rule {
    fn tell(&self, found: Found) -> Diagnosis {
        let template = if found.count == 1 {
            self.one
        } else {
            self.many
        };
        let text = template
            .replace("{count}", &found.count.to_string())
            .replace("{what}", &sanitize::str_line(&found.what))
            .replace("{why}", &sanitize::str_line(&found.why));
        Diagnosis {
            rule: self.name,
            severity: self.severity,
            count: found.count,
            text,
            remedy: self.remedy.to_owned(),
            subject: found.subject,
        }
    }
}

/// Deferred messages by destination domain and cause.
fn stuck(evidence: &Evidence<'_>) -> Vec<Found> {
    let mut groups: BTreeMap<(String, String), u64> = BTreeMap::new();
    let deferred = evidence
        .queue
        .iter()
        .filter(|e| e.queue_name == QueueName::Deferred);
    for entry in deferred {
        let mut seen: Vec<(String, String)> = entry
            .recipients
            .iter()
            .filter_map(|r| {
                let reason = r.delay_reason.as_deref()?;
                let domain = domain(r.address.as_bytes())?.to_ascii_lowercase();
                let cause = String::from_utf8_lossy(&of_text(reason.as_bytes())).into_owned();
                Some((String::from_utf8_lossy(&domain).into_owned(), cause))
            })
            .collect();
        seen.sort();
        seen.dedup();
        for group in seen {
            *groups.entry(group).or_default() += 1;
        }
    }
    groups
        .into_iter()
        .filter(|(_, count)| *count >= STUCK)
        .map(|((domain, cause), count)| Found {
            count,
            what: domain.clone(),
            why: cause,
            subject: Subject::Domain(domain),
        })
        .collect()
}

fn rbl_errors(evidence: &Evidence<'_>) -> Vec<Found> {
    frequent(&evidence.live.rbl_errors, RBL_ERRORS, Subject::Zone)
}

fn brute_force(evidence: &Evidence<'_>) -> Vec<Found> {
    frequent(&evidence.live.sasl_failures, BRUTE_FORCE, Subject::Client)
}

fn tls(evidence: &Evidence<'_>) -> Vec<Found> {
    frequent(&evidence.live.tls_failures, STUCK, |_| Subject::Log)
}

/// The names of a table that occurred often enough.
fn frequent(table: &Frequent, least: u64, subject: fn(String) -> Subject) -> Vec<Found> {
    table
        .top(10)
        .into_iter()
        .filter(|row| row.count >= least)
        .map(|row| {
            let name = String::from_utf8_lossy(row.name).into_owned();
            Found {
                count: row.count,
                what: name.clone(),
                why: String::from_utf8_lossy(&of_text(row.example)).into_owned(),
                subject: subject(name),
            }
        })
        .collect()
}

fn bad_zone(evidence: &Evidence<'_>) -> Vec<Found> {
    frequent(&evidence.live.rbl_hits, 1, Subject::Zone)
        .into_iter()
        .filter(|found| {
            let zone = found.what.trim_end_matches('.');
            evidence
                .bad_zones
                .iter()
                .any(|bad| bad.eq_ignore_ascii_case(zone))
        })
        .collect()
}

fn storm(evidence: &Evidence<'_>) -> Vec<Found> {
    let minutes = evidence.live.minutes.last(10, evidence.now);
    let bounced: u64 = minutes.iter().map(|f| f.bounced).sum();
    let sent: u64 = minutes.iter().map(|f| f.sent).sum();
    if bounced < STORM || bounced * 4 < sent {
        return Vec::new();
    }
    vec![Found {
        count: bounced,
        what: String::new(),
        why: evidence
            .live
            .bounces
            .top(1)
            .first()
            .map(|row| String::from_utf8_lossy(row.name).into_owned())
            .unwrap_or_default(),
        subject: Subject::Log,
    }]
}

fn growing(evidence: &Evidence<'_>) -> Vec<Found> {
    let now = evidence.queue.len() as u64;
    match evidence.queue_an_hour_ago {
        Some(before) if now >= before + GROWTH && now >= before * 2 => vec![Found {
            count: now - before,
            what: now.to_string(),
            why: String::new(),
            subject: Subject::Queue,
        }],
        _ => Vec::new(),
    }
}

fn storage(evidence: &Evidence<'_>) -> Vec<Found> {
    let texts: [&[u8]; 4] = [
        b"nsufficient system storage",
        b"No space left on device",
        b"Disk quota exceeded",
        b"not enough free space",
    ];
    let live = evidence.live;
    let count: u64 = [
        &live.deferrals,
        &live.rejects,
        &live.warnings,
        &live.failures,
    ]
    .into_iter()
    .map(|table| containing(table, &texts).0)
    .sum();
    one(count, String::new(), String::new())
}

fn transport(evidence: &Evidence<'_>) -> Vec<Found> {
    let texts: [&[u8]; 2] = [
        b"mail transport unavailable",
        b"unknown mail transport error",
    ];
    let (count, name) = containing(&evidence.live.deferrals, &texts);
    one(count, String::new(), name)
}

fn died(evidence: &Evidence<'_>) -> Vec<Found> {
    let texts: [&[u8]; 3] = [b"fatal: ", b"panic: ", b"killed by signal"];
    let (failed, first) = containing(&evidence.live.failures, &texts);
    let (killed, second) = containing(&evidence.live.warnings, &texts);
    one(
        failed + killed,
        if failed > 0 { first } else { second },
        String::new(),
    )
}

fn one(count: u64, what: String, why: String) -> Vec<Found> {
    if count == 0 {
        return Vec::new();
    }
    vec![Found {
        count,
        what,
        why,
        subject: Subject::Log,
    }]
}

/// How often causes with one of these texts occurred, and the most frequent one's name.
fn containing(table: &Frequent, texts: &[&[u8]]) -> (u64, String) {
    let hits: Vec<_> = table
        .top(usize::MAX)
        .into_iter()
        .filter(|row| {
            texts.iter().any(|text| {
                let has = |bytes: &[u8]| memchr::memmem::find(bytes, text).is_some();
                has(row.name) || has(row.example)
            })
        })
        .collect();
    let name = hits
        .first()
        .map(|row| String::from_utf8_lossy(row.name).into_owned())
        .unwrap_or_default();
    (hits.iter().map(|row| row.count).sum(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Line, Parser, Reference};
    use crate::queue::Recipient;

    fn live(lines: &[&str]) -> Live {
        let mut live = Live::new();
        let mut parser = Parser::new(Reference::at(1_795_400_000));
        for line in lines {
            if let Line::Postfix(record) =
                parser.line(format!("2026-11-22T08:48:35+00:00 mx postfix/{line}").as_bytes())
            {
                live.observe(&record);
            }
        }
        live
    }

    fn entry(to: &str, reason: &str) -> Entry {
        Entry {
            queue_name: QueueName::Deferred,
            queue_id: "8921054E113".into(),
            arrival_time: 0,
            message_size: 1,
            forced_expire: false,
            sender: String::new(),
            recipients: vec![Recipient {
                address: to.into(),
                delay_reason: Some(reason.into()),
            }],
            next_try: None,
            inode: None,
        }
    }

    fn found(live: &Live, queue: &[Entry], before: Option<u64>) -> Vec<Diagnosis> {
        diagnose(&Evidence {
            live,
            queue,
            queue_an_hour_ago: before,
            now: live.last.map_or(0, crate::logparse::Stamp::seconds),
            bad_zones: &["dead.zone.example"],
        })
    }

    #[test]
    fn a_quiet_server_has_no_diagnosis() {
        assert_eq!(found(&Live::new(), &[], None), []);
    }

    #[test]
    fn many_messages_for_one_dead_destination() {
        let queue: Vec<Entry> = (0..212)
            .map(|i| {
                entry(
                    &format!("u{i}@down.example"),
                    &format!(
                        "connect to mx.down.example[192.0.2.{}]:25: Connection refused",
                        i % 9
                    ),
                )
            })
            .collect();
        let all = found(&Live::new(), &queue, None);
        let first = all.first().unwrap();
        assert_eq!((first.rule, first.count), ("dead-destination", 212));
        assert!(
            first
                .text
                .starts_with("212 messages wait for down.example: connect to"),
            "{}",
            first.text
        );
        assert_eq!(first.subject, Subject::Domain("down.example".into()));
    }

    #[test]
    fn brute_force_dead_zones_and_failures_are_told() {
        let sasl = "smtpd[1]: warning: unknown[203.0.113.12]: SASL PLAIN authentication failed: authentication failure";
        let rbl = "smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using dead.zone.example; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<x>";
        let down = "qmgr[1]: 8921054E113: to=<a@b.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.3.0, status=deferred (mail transport unavailable)";
        let mut lines = vec![sasl; 12];
        lines.extend([rbl, down]);
        let rules: Vec<_> = found(&live(&lines), &[], None)
            .into_iter()
            .map(|d| (d.rule, d.count))
            .collect();
        assert_eq!(
            rules,
            [
                ("transport-unavailable", 1),
                ("sasl-brute-force", 12),
                ("bad-zone", 1)
            ]
        );
    }

    #[test]
    fn a_growing_queue_needs_to_grow_much() {
        let queue: Vec<Entry> = (0..100).map(|_| entry("a@b.example", "")).collect();
        let rules = |before| {
            found(&Live::new(), &queue, before)
                .iter()
                .filter(|d| d.rule == "queue-growing")
                .count()
        };
        assert_eq!((rules(Some(10)), rules(Some(90)), rules(None)), (1, 0, 0));
    }
}
