//! The check: every target against every list that can answer about it, findings as they come.
//!
//! In: targets, lists, a resolver. Out: a channel of [`Finding`]s, in the order of their arrival. Each list is
//! examined once a run and kind of target before anything is believed of it, at most a window of questions is
//! under way, and a list that keeps silent is given up after three of them.

use super::health::{Health, Report, examine};
use super::verdict::judge;
use super::{Kind, List, Target, Verdict};
use crate::dns::{Dns, DnsError, Families};
use futures_util::StreamExt as _;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, mpsc};

/// The widest window: more questions at once lose packets instead of time.
pub const WIDEST_WINDOW: usize = 64;

/// Time-outs in a row after which a list is not asked again in this run.
const PATIENCE: u32 = 3;

/// The most TXT records kept, and the most characters of each: lists write one line.
const TXT_RECORDS: usize = 4;
const TXT_LENGTH: usize = 400;

/// How a run is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Questions under way at one time, 1 to [`WIDEST_WINDOW`].
    pub window: usize,
    /// The resolver's name for the evidence.
    pub resolver: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window: 48,
            resolver: "system".to_owned(),
        }
    }
}

/// What was asked and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The question, with the zone's key masked.
    pub query: String,
    /// The raw answers.
    pub answers: Vec<IpAddr>,
    /// The list's reasons, safe to show.
    pub txt: Vec<String>,
    /// How long the answer took.
    pub latency: Duration,
    /// Seconds the answer may be kept.
    pub ttl: Option<u32>,
    /// The resolver asked.
    pub resolver: String,
    /// More about the verdict.
    pub remark: Option<String>,
}

/// What one list says about one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The target.
    pub target: Target,
    /// The list's zone, its key masked.
    pub zone: String,
    /// Where to ask for removal.
    pub delist: Option<String>,
    /// The judgement.
    pub verdict: Verdict,
    /// What it rests on.
    pub evidence: Evidence,
}

impl Finding {
    /// One JSON object, the members as in the types.
    pub fn to_json(&self) -> serde_json::Value {
        let (codes, meanings) = match &self.verdict {
            Verdict::Listed { codes, meanings } | Verdict::Allowed { codes, meanings } => {
                (codes.clone(), meanings.clone())
            }
            Verdict::Blocked { meaning } => (vec![], vec![meaning.clone()]),
            _ => (vec![], vec![]),
        };
        let evidence = &self.evidence;
        json!({
            "target": self.target.to_string(),
            "zone": self.zone,
            "verdict": self.verdict.word(),
            "codes": codes,
            "meanings": meanings,
            "txt": evidence.txt,
            "query": evidence.query,
            "answers": evidence.answers,
            "latency_ms": evidence.latency.as_secs_f64() * 1000.0,
            "ttl": evidence.ttl,
            "resolver": evidence.resolver,
            "remark": evidence.remark,
            "delist": self.delist,
        })
    }
}

/// Starts a check and returns the channel its findings come through; it closes when all are there. Dropping
/// the receiver ends the check. Must be called within a tokio runtime.
pub fn run(
    targets: Vec<Target>,
    lists: Vec<List>,
    dns: Dns,
    options: Options,
) -> mpsc::Receiver<Finding> {
    // As many as can be under way: a slow reader stops the questions, not the memory.
    let (sender, receiver) = mpsc::channel(WIDEST_WINDOW);
    tokio::spawn(async move {
        let window = options.window.clamp(1, WIDEST_WINDOW);
        let lists: Vec<Arc<Asked>> = lists.into_iter().map(Asked::new).collect();
        let jobs = targets.into_iter().flat_map(move |target| {
            let kind = target.kind();
            lists
                .clone()
                .into_iter()
                .filter(move |asked| asked.list.entry.kinds.contains(&kind))
                .map(move |asked| (target.clone(), asked))
        });
        let mut findings = std::pin::pin!(
            futures_util::stream::iter(jobs)
                .map(|(target, asked)| one(target, asked, &dns, &options.resolver))
                .buffer_unordered(window)
        );
        while let Some(finding) = findings.next().await {
            if sender.send(finding).await.is_err() {
                break;
            }
        }
    });
    receiver
}

/// How many findings [`run`] will send.
pub fn expected(targets: &[Target], lists: &[List]) -> usize {
    targets
        .iter()
        .map(|target| {
            lists
                .iter()
                .filter(|list| list.entry.kinds.contains(&target.kind()))
                .count()
        })
        .sum()
}

/// A list during a run.
struct Asked {
    list: List,
    /// Its health for IPv4, IPv6 and domain targets: the first who needs it examines, the others wait.
    health: [OnceCell<Report>; 3],
    /// Time-outs in a row.
    silent: AtomicU32,
}

impl Asked {
    fn new(list: List) -> Arc<Self> {
        Arc::new(Self {
            list,
            health: [const { OnceCell::const_new() }; 3],
            silent: AtomicU32::new(0),
        })
    }

    async fn health(&self, kind: Kind, dns: &Dns) -> &Report {
        let cell = match kind {
            Kind::Ipv4 => &self.health[0],
            Kind::Ipv6 => &self.health[1],
            Kind::Domain => &self.health[2],
        };
        cell.get_or_init(|| examine(&self.list, kind, dns)).await
    }
}

async fn one(target: Target, asked: Arc<Asked>, dns: &Dns, resolver: &str) -> Finding {
    let start = Instant::now();
    let report = asked.health(target.kind(), dns).await;
    let evidence = Evidence {
        query: report.query.clone(),
        answers: report.answers.clone(),
        txt: Vec::new(),
        latency: start.elapsed(),
        ttl: None,
        resolver: resolver.to_owned(),
        remark: report.remark.as_deref().map(|text| asked.list.masked(text)),
    };
    let finding = |verdict, evidence| Finding {
        target: target.clone(),
        zone: asked.list.shown().to_owned(),
        delist: asked.list.entry.delist.clone(),
        verdict,
        evidence,
    };
    if let Health::Sick(verdict) = &report.health {
        return finding(verdict.clone(), evidence);
    }
    if asked.silent.load(Ordering::Relaxed) >= PATIENCE {
        let remark = Some(format!("no answer to {PATIENCE} questions in a row"));
        return finding(Verdict::Timeout, Evidence { remark, ..evidence });
    }
    let (verdict, evidence) = look_up(&target, &asked, dns, evidence).await;
    finding(verdict, evidence)
}

/// The look-up itself, on a list that is healthy.
async fn look_up(
    target: &Target,
    asked: &Asked,
    dns: &Dns,
    evidence: Evidence,
) -> (Verdict, Evidence) {
    let name = target.query(asked.list.zone());
    let start = Instant::now();
    let answer = dns.addresses(&name, Families::Ipv4).await;
    let latency = start.elapsed();
    if matches!(answer, Err(DnsError::Timeout)) {
        asked.silent.fetch_add(1, Ordering::Relaxed);
    } else {
        asked.silent.store(0, Ordering::Relaxed);
    }
    let ttl = answer.as_ref().ok().map(|answer| answer.ttl);
    let outcome = answer.map(|answer| answer.records);
    let (verdict, remark) = judge(&asked.list.entry, &outcome);
    let wants_reason = matches!(
        verdict,
        Verdict::Listed { .. } | Verdict::Allowed { .. } | Verdict::Blocked { .. }
    );
    let txt = if wants_reason {
        let reasons = reasons(&name, dns).await;
        reasons.iter().map(|text| asked.list.masked(text)).collect()
    } else {
        Vec::new()
    };
    let evidence = Evidence {
        query: target.query(asked.list.shown()),
        answers: outcome.unwrap_or_default(),
        txt,
        latency,
        ttl,
        remark: remark.map(|text| asked.list.masked(&text)),
        ..evidence
    };
    (verdict, evidence)
}

/// The list's own words (RFC 5782 section 2.1); that there are none, or that they did not come, says nothing.
async fn reasons(name: &str, dns: &Dns) -> Vec<String> {
    let Ok(answer) = dns.txt(name).await else {
        return Vec::new();
    };
    answer
        .records
        .iter()
        .take(TXT_RECORDS)
        .map(|text| {
            crate::sanitize::line(text)
                .chars()
                .take(TXT_LENGTH)
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::StaticDns;
    use crate::rbl::named;
    use std::net::Ipv4Addr;

    fn healthy(zone: &str) -> StaticDns {
        StaticDns::new().address(&format!("2.0.0.127.{zone}"), Ipv4Addr::new(127, 0, 0, 2))
    }

    async fn all(mut findings: mpsc::Receiver<Finding>) -> Vec<Finding> {
        let mut all = Vec::new();
        while let Some(finding) = findings.recv().await {
            all.push(finding);
        }
        all
    }

    #[tokio::test]
    async fn a_listing_carries_its_evidence_and_no_key() {
        let zone = "k3y.zen.dq.spamhaus.net";
        let dns = healthy(zone)
            .address(&format!("9.2.0.192.{zone}"), Ipv4Addr::new(127, 0, 0, 4))
            .text(
                &format!("9.2.0.192.{zone}"),
                "see \u{1b}[31mhttps://example/",
            );
        let targets = Target::parse("192.0.2.9").unwrap();
        let lists = vec![named(zone)];
        assert_eq!(expected(&targets, &lists), 1);
        let found = all(run(targets, lists, Arc::new(dns), Options::default())).await;
        assert_eq!(found.len(), 1);
        let json = found[0].to_json();
        assert_eq!(json["verdict"], "listed");
        assert_eq!(json["query"], "9.2.0.192.KEY.zen.dq.spamhaus.net");
        assert_eq!(json["txt"][0], "see ?[31mhttps://example/");
        assert_eq!(json["codes"][0], "127.0.0.4");
        assert!(!json.to_string().contains("k3y"));
        assert!(!format!("{found:?}").contains("k3y"));
    }

    #[tokio::test]
    async fn health_is_asked_once_and_lists_only_about_what_they_know() {
        let dns = Arc::new(healthy("bl.spamcop.net"));
        let mut targets = Target::parse("192.0.2.0/28").unwrap();
        targets.extend(Target::parse("example.com").unwrap());
        let lists = vec![named("bl.spamcop.net")];
        let found = all(run(
            targets,
            lists,
            Arc::clone(&dns) as Dns,
            Options {
                window: 500,
                ..Options::default()
            },
        ))
        .await;
        assert_eq!(found.len(), 16);
        assert!(found.iter().all(|f| f.verdict == Verdict::Clean));
        let asked = dns.asked();
        let tests = asked.iter().filter(|n| n.starts_with("2.0.0.127."));
        assert_eq!(tests.count(), 1);
        assert_eq!(asked.len(), 18);
    }

    #[tokio::test]
    async fn a_silent_list_is_given_up() {
        let mut dns = healthy("bl.example");
        for last in 0..32 {
            dns = dns.failure(&format!("{last}.2.0.192.bl.example"), DnsError::Timeout);
        }
        let dns = Arc::new(dns);
        let targets = Target::parse("192.0.2.0/27").unwrap();
        let options = Options {
            window: 1,
            ..Options::default()
        };
        let found = all(run(
            targets,
            vec![named("bl.example")],
            Arc::clone(&dns) as Dns,
            options,
        ))
        .await;
        assert_eq!(found.len(), 32);
        assert!(found.iter().all(|f| f.verdict == Verdict::Timeout));
        assert_eq!(dns.asked().len(), 2 + PATIENCE as usize);
    }
}
