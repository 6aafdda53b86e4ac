//! The counting rules of docs/counting.md: small logs with what mailtop and its peers say of them, and the
//! real log's figures against plain counts of its lines.
//!
//! Each `tests/data/counting/NAME.expected` is a table of the totals that matter there: mailtop's,
//! pflogsumm's and logwatch's, `-` where a program has no such figure. The peers are run, so the document's
//! words about them stay true.

use crate::peers::run_ok;
use mailtop::logparse::Reference;
use mailtop::stats::Summary;
use mailtop::stats::histogram::Part;
use mailtop::stats::scan::{self, Filter};
use mailtop::stats::series::Hour;
use mailtop::stats::summary::{Direction, Fate, Outcome, Section, Sections};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// 2027-01-02: after every stamp of the small logs, also of those without a year.
const READ_AT: i64 = 1_798_848_000;

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/counting")
}

fn summary(log: &[u8]) -> Summary {
    scan::stream(log, Reference::at(READ_AT), &Filter::default()).unwrap()
}

/// A figure by name; the hours' and days' names have two parts.
type Figures = BTreeMap<String, u64>;

fn ours(log: &[u8]) -> Figures {
    let summary = summary(log);
    assert_eq!(summary.lines.unparsed, 0);
    let mut figures: Figures = summary
        .totals()
        .named()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    for (hour, counts) in summary.series.hours() {
        figures.insert(format!("received@{}", hour_name(hour)), counts.received);
        figures.insert(format!("delivered@{}", hour_name(hour)), counts.delivered);
    }
    for (day, counts) in summary.series.days() {
        figures.insert(format!("received@{}", date(day)), counts.received);
        figures.insert(format!("delivered@{}", date(day)), counts.delivered);
    }
    figures
}

fn date(day: i64) -> String {
    let time = chrono::DateTime::from_timestamp(day * 86_400, 0).unwrap();
    time.format("%Y-%m-%d").to_string()
}

fn hour_name(hour: Hour) -> String {
    let (day, of_day) = (date(hour.day()), hour.of_day());
    format!("{day}T{of_day:02}{:+03}", hour.offset / 3600)
}

/// The output of a peer that reads the log from its standard input.
fn peer(program: &str, arguments: &[&str], log: &Path) -> String {
    let mut command = Command::new(program);
    let input = std::fs::File::open(log).unwrap();
    command.args(arguments).stdin(Stdio::from(input));
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program}: {error}; install it: apt-get install pflogsumm logwatch")
    });
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A number as the peers print it in small reports, without a unit.
fn number(text: &str) -> Option<u64> {
    text.replace(',', "").parse().ok()
}

/// pflogsumm's grand totals under our names.
fn pflogsumm(log: &Path) -> Figures {
    let names = [
        ("received", "received"),
        ("delivered", "delivered"),
        ("forwarded", "forwarded"),
        ("deferred", "deferred"),
        ("bounced", "bounced"),
        ("rejected", "rejected"),
        ("reject warnings", "reject_warnings"),
        ("held", "held"),
        ("discarded", "discarded"),
        ("bytes received", "bytes_received"),
        ("bytes delivered", "bytes_delivered"),
        ("senders", "senders"),
        ("sending hosts/domains", "sending_hosts"),
        ("recipients", "recipients"),
        ("recipient hosts/domains", "recipient_hosts"),
    ];
    let report = peer("/usr/sbin/pflogsumm", &[], log);
    let mut figures = Figures::from([("deferrals".to_owned(), 0)]);
    for line in report.lines().take_while(|line| !line.starts_with("Per-")) {
        let Some((value, name)) = line.trim().split_once(' ') else {
            continue;
        };
        let (name, more) = name.trim().split_once('(').unwrap_or((name, ""));
        if let Some((_, ours)) = names.iter().find(|(theirs, _)| *theirs == name.trim()) {
            figures.insert((*ours).to_owned(), number(value).unwrap());
        }
        if let Some((deferrals, _)) = more.split_once("deferrals") {
            figures.insert("deferrals".to_owned(), number(deferrals.trim()).unwrap());
        }
    }
    figures
}

/// The figures of logwatch's script for Postfix under our names; it prints only those that are not 0.
fn logwatch(log: &Path) -> Figures {
    let names = [
        ("Accepted", "received"),
        ("Delivered", "delivered"),
        ("Sent via SMTP", "delivered"),
        ("Sent via LMTP", "delivered"),
        ("Forwarded", "forwarded"),
        ("Deferred", "deferred"),
        ("Deferrals", "deferrals"),
        ("Bounced (local)", "bounced"),
        ("Bounced (remote)", "bounced"),
        ("Total 5xx Rejects", "rejected"),
        ("Total 4xx Rejects", "rejected"),
        ("Reject warnings (warn_if_reject)", "reject_warnings"),
        ("Placed on hold", "held"),
        ("Discarded", "discarded"),
        ("Expired and returned to sender", "expired"),
        ("Bytes accepted", "bytes_received"),
    ];
    let script = "/usr/share/logwatch/scripts/services/postfix";
    let report = peer("/usr/bin/perl", &[script, "--nodetail"], log);
    let mut figures: Figures = names.map(|(_, ours)| (ours.to_owned(), 0)).into();
    let summary = report
        .lines()
        .take_while(|line| !line.contains("Unmatched Entries"));
    for line in summary {
        let Some((value, rest)) = line.trim().split_once(' ') else {
            continue;
        };
        // The value comes again at the line's end, or a share does.
        let name = rest.trim().rsplit_once("  ").map_or(rest, |(name, _)| name);
        if let Some((_, ours)) = names.iter().find(|(theirs, _)| *theirs == name.trim()) {
            *figures.get_mut(*ours).unwrap() += number(value).unwrap();
        }
    }
    figures
}

/// Every rule: mailtop's figures, and what the peers make of the same lines.
#[test]
fn the_rules_and_what_the_peers_make_of_them() {
    let mut rules_seen = 0;
    for entry in std::fs::read_dir(rules()).unwrap() {
        let log = entry.unwrap().path();
        if log.extension().is_none_or(|e| e != "log") {
            continue;
        }
        rules_seen += 1;
        let expected = std::fs::read_to_string(log.with_extension("expected"))
            .unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let programs = [
            ("mailtop", ours(&std::fs::read(&log).unwrap())),
            ("pflogsumm", pflogsumm(&log)),
            ("logwatch", logwatch(&log)),
        ];
        let mut rows = 0;
        for line in expected.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split_whitespace();
            let name = columns.next().unwrap();
            for ((program, figures), value) in programs.iter().zip(columns) {
                if value != "-" {
                    let value: u64 = value.parse().unwrap();
                    let found = figures.get(name).copied();
                    let log = log.display();
                    assert_eq!(found, Some(value), "{name} of {program} in {log}");
                }
            }
            rows += 1;
        }
        assert!(rows > 0, "{} expects nothing", log.display());
    }
    assert!(rules_seen >= 25, "{rules_seen} rules");
}

/// The versions that docs/counting.md speaks of.
#[test]
fn the_peers_are_those_of_the_document() {
    let output = run_ok(Command::new("/usr/sbin/pflogsumm").arg("--version"));
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(version.contains("1.1.5"), "{version}");
}

/// Each log of the rules is named in the document, and each name in the document is a log.
#[test]
fn the_document_names_every_small_log() {
    let document = include_str!("../docs/counting.md");
    let logs: BTreeSet<String> = std::fs::read_dir(rules())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let named: BTreeSet<String> = document
        .split('`')
        .filter_map(|word| word.strip_suffix(".log"))
        .filter(|name| !name.contains(['/', '.']))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(named, logs);
}

static REAL: LazyLock<String> = LazyLock::new(|| {
    let zipped = include_bytes!("data/postfix-3.7.11.log.gz");
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&zipped[..])
        .read_to_end(&mut text)
        .unwrap();
    String::from_utf8_lossy(&text).into_owned()
});

static SUMMARY: LazyLock<Summary> = LazyLock::new(|| {
    let filter = Filter {
        sections: Section::ALL.into_iter().collect(),
        ..Filter::default()
    };
    scan::stream(REAL.as_bytes(), Reference::at(READ_AT), &filter).unwrap()
});

/// What stands between two texts.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    Some(rest.split_once(after).map_or(rest, |(text, _)| text))
}

/// Tag, process id and text of each line.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    REAL.lines().filter_map(|line| {
        let (head, text) = line.split_once("]: ")?;
        let (head, pid) = head.rsplit_once('[')?;
        Some((head.rsplit_once(' ')?.1, pid, text))
    })
}

fn seconds(line: &str) -> i64 {
    let time = line.split_whitespace().nth(2).unwrap();
    let parts: Vec<i64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    parts[0] * 3600 + parts[1] * 60 + parts[2]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn connections_are_paired_by_process() {
    let mut open: HashMap<(String, String), i64> = HashMap::new();
    let (mut count, mut sum, mut longest) = (0, 0, 0);
    let mut hosts: BTreeMap<String, u64> = BTreeMap::new();
    for line in REAL.lines() {
        let Some((head, rest)) = line.split_once("]: ") else {
            continue;
        };
        let Some((tag, pid)) = head.rsplit_once('[') else {
            continue;
        };
        if !tag.ends_with("/smtpd") {
            continue;
        }
        let words: Vec<&str> = tag.split_whitespace().collect();
        let instance = words[4].split('/').next().unwrap();
        let process = (format!("{} {instance}", words[3]), pid.to_owned());
        if rest.starts_with("connect from ") {
            open.insert(process, seconds(line));
        } else if let Some(client) = rest.strip_prefix("disconnect from ")
            && let Some(began) = open.remove(&process)
        {
            let time = u64::try_from(seconds(line) - began).unwrap();
            count += 1;
            sum += time;
            longest = longest.max(time);
            let (name, ip) = client.split_once('[').unwrap();
            let ip = ip.split_once(']').unwrap().0;
            let host = if name == "unknown" { ip } else { name };
            *hosts.entry(host.to_owned()).or_default() += 1;
        }
    }
    let smtpd = &SUMMARY.smtpd;
    assert!(count > 4000, "{count}");
    assert_eq!(smtpd.all.count, count);
    assert_eq!(smtpd.all.sum, sum * 1_000_000);
    assert_eq!(smtpd.all.max, longest * 1_000_000);
    let found: BTreeMap<String, u64> = smtpd
        .by_host
        .iter()
        .map(|(host, time)| (text(host), time.count))
        .collect();
    assert_eq!(found, hosts);
    let hours = smtpd.by_hour(&SUMMARY.series);
    assert_eq!(hours.iter().map(|(_, t)| t.count).sum::<u64>(), count);
}

#[test]
fn tls_sessions_by_direction_trust_protocol_and_cipher() {
    let mut expected: BTreeMap<(bool, String), u64> = BTreeMap::new();
    for (_, _, line) in lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.get(1..3) == Some(&["TLS", "connection"]) && !line.contains("message repeated") {
            let protocol = between(line, ": TLS", " with").unwrap();
            let cipher = between(line, "cipher ", " ").unwrap();
            let name = format!("{} TLS{protocol} {cipher}", words[0]);
            *expected.entry((words[4] == "from", name)).or_default() += 1;
        }
    }
    let found: BTreeMap<(bool, String), u64> = SUMMARY
        .tls
        .rows()
        .iter()
        .map(|row| {
            let name = [text(row.trust), text(row.protocol), text(row.cipher)].join(" ");
            ((row.direction == Direction::Inbound, name), row.count.count)
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

#[test]
fn lists_and_what_each_has_alone() {
    let mut lists: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut connections: BTreeMap<&str, u64> = BTreeMap::new();
    let mut condemned: BTreeMap<&str, u64> = BTreeMap::new();
    for (tag, _, line) in lines() {
        if tag.ends_with("/dnsblog") && line.contains(" listed by domain ") {
            let words: Vec<&str> = line.split_whitespace().collect();
            lists.entry(words[1]).or_default().insert(words[5]);
        } else if let Some(rest) = line.strip_prefix("CONNECT from [") {
            *connections
                .entry(rest.split(']').next().unwrap())
                .or_default() += 1;
        } else if line.starts_with("DNSBL rank ") {
            let address = between(line, "[", "]").unwrap();
            *condemned.entry(address).or_default() += 1;
        }
    }
    let (rows, all) = SUMMARY.overlap.catches();
    assert!(rows.len() >= 2, "{rows:?}");
    assert_eq!(all.clients, lists.len() as u64);
    assert_eq!(
        SUMMARY.overlap.connections(),
        connections.values().sum::<u64>()
    );
    let zero = 0;
    for (zone, catch) in rows {
        let zone = text(zone);
        let of = |alone: bool, counts: &BTreeMap<&str, u64>| -> u64 {
            lists
                .iter()
                .filter(|(_, zones)| zones.contains(&*zone) && (!alone || zones.len() == 1))
                .map(|(address, _)| counts.get(address).unwrap_or(&zero))
                .sum()
        };
        let one = lists.keys().map(|address| (*address, 1)).collect();
        assert_eq!(catch.clients, of(false, &one), "{zone}");
        assert_eq!(catch.clients_alone, of(true, &one), "{zone}");
        assert_eq!(catch.connections, of(false, &connections), "{zone}");
        assert_eq!(catch.connections_alone, of(true, &connections), "{zone}");
        assert_eq!(catch.condemned, of(false, &condemned), "{zone}");
        assert_eq!(catch.condemned_alone, of(true, &condemned), "{zone}");
    }
}

/// The four parts of each delivery to a domain, in hundredths of a second.
fn parts_of_deliveries() -> BTreeMap<String, Vec<[u64; 5]>> {
    let hundredths = |text: &str| -> u64 {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        whole.parse::<u64>().unwrap() * 100 + format!("{part:0<2}")[..2].parse::<u64>().unwrap()
    };
    let mut found: BTreeMap<String, Vec<[u64; 5]>> = BTreeMap::new();
    for (_, _, line) in lines() {
        if !line.contains(" status=sent (") || line.contains("status=sent (forwarded as") {
            continue;
        }
        let to = between(line, ": to=<", ">, ").unwrap();
        let domain = to.rsplit('@').next().unwrap().to_ascii_lowercase();
        let total = between(line, " delay=", ",").unwrap();
        let parts = between(line, " delays=", ",").unwrap();
        let mut values = [hundredths(total); 5];
        for (value, part) in values[1..].iter_mut().zip(parts.split('/')) {
            *value = hundredths(part);
        }
        found.entry(domain).or_default().push(values);
    }
    found
}

#[test]
fn delays_of_destinations_by_part() {
    let expected = parts_of_deliveries();
    assert!(expected.len() >= 8);
    for (domain, mut deliveries) in expected {
        let row = SUMMARY.destinations.get(domain.as_bytes()).unwrap();
        assert_eq!(row.delays.count(), deliveries.len() as u64, "{domain}");
        for (i, part) in Part::ALL.into_iter().enumerate() {
            deliveries.sort_unstable_by_key(|values| values[i]);
            let exact = |percent: usize| {
                deliveries[(deliveries.len() * percent).div_ceil(100).max(1) - 1][i]
            };
            let found = row.delays.quantiles(part);
            assert_eq!(found.max, exact(100), "{domain} {part:?}");
            for (found, exact) in [(found.p50, exact(50)), (found.p95, exact(95))] {
                assert!(
                    exact <= found && found <= exact + exact / 8,
                    "{domain} {part:?}: {found} for {exact}"
                );
            }
        }
    }
}

#[test]
fn the_second_level_adds_up_to_its_causes() {
    for outcome in Outcome::ALL {
        let groups = SUMMARY.detail(outcome, usize::MAX, usize::MAX);
        assert_eq!(groups.len(), SUMMARY.causes(outcome).len());
        for group in groups {
            let sum: u64 = group.members.iter().map(|(_, times)| times).sum();
            assert_eq!(sum, group.cause.count, "{}", text(group.reason));
            assert_eq!(group.distinct, group.members.len());
            assert!(group.cause.first <= group.cause.last);
        }
    }
    let mut deferred: BTreeMap<String, u64> = BTreeMap::new();
    let mut relays: BTreeMap<String, u64> = BTreeMap::new();
    for (_, _, line) in lines() {
        if line.contains(" status=deferred (") || line.contains(" status=SOFTBOUNCE (") {
            let to = between(line, ": to=<", ">, ").unwrap();
            let domain = to.rsplit('@').next().unwrap().to_ascii_lowercase();
            *deferred.entry(domain).or_default() += 1;
        }
        if line.contains(": reject: ") && line.contains(": Relay access denied; ") {
            let to = between(line, " to=<", "> proto=").unwrap();
            let domain = to.rsplit('@').next().unwrap().to_owned();
            *relays.entry(domain).or_default() += 1;
        }
    }
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for group in SUMMARY.detail(Outcome::Deferral, usize::MAX, usize::MAX) {
        for (domain, times) in group.members {
            *found.entry(text(domain)).or_default() += times;
        }
    }
    assert_eq!(found, deferred);
    let groups = SUMMARY.detail(Outcome::Reject, usize::MAX, usize::MAX);
    let relay = groups
        .iter()
        .find(|g| text(g.reason).contains("Relay access denied"))
        .unwrap();
    let found: BTreeMap<String, u64> = relay.members.iter().map(|(d, n)| (text(d), *n)).collect();
    assert_eq!(found, relays);
}

#[test]
fn authentication_by_user_and_client() {
    let mut users: BTreeMap<String, u64> = BTreeMap::new();
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    for (_, _, line) in lines() {
        if let Some(user) = between(line, ", sasl_username=", ", ")
            && line.contains(": client=")
        {
            *users.entry(user.to_owned()).or_default() += 1;
        }
        if line.starts_with("warning: ")
            && (line.contains(" authentication failed:")
                || line.contains(" authentication aborted"))
            && line.contains("]: SASL ")
        {
            let client = between(line, "[", "]").unwrap();
            *failures.entry(client.to_owned()).or_default() += 1;
        }
    }
    assert!(!users.is_empty() && !failures.is_empty());
    let found: BTreeMap<String, u64> = SUMMARY
        .sasl
        .users
        .iter()
        .filter(|(_, user)| user.messages > 0)
        .map(|(name, user)| (text(name), user.messages))
        .collect();
    assert_eq!(found, users);
    let found: BTreeMap<String, u64> = SUMMARY
        .sasl
        .failures
        .iter()
        .map(|(client, times)| (text(client), *times))
        .collect();
    assert_eq!(found, failures);
}

#[test]
fn limits_and_anvils_peaks() {
    let mut exceeded = 0;
    let mut peaks: BTreeMap<String, u64> = BTreeMap::new();
    for (tag, _, line) in lines() {
        exceeded += u64::from(line.starts_with("warning: ") && line.contains(" limit exceeded: "));
        if tag.ends_with("/anvil")
            && let Some(rest) = line.strip_prefix("statistics: max ")
        {
            let at = rest.find(|c: char| c.is_ascii_digit()).unwrap();
            let value = rest[at..].split(|c: char| !c.is_ascii_digit()).next();
            let value: u64 = value.unwrap().parse().unwrap();
            let peak = peaks.entry(rest[..at].trim().to_owned()).or_default();
            *peak = (*peak).max(value);
        }
    }
    let limits = &SUMMARY.limits;
    let found: u64 = limits.exceeded.iter().map(|(_, l)| l.exceeded).sum();
    assert!(exceeded > 0);
    assert_eq!(found, exceeded);
    assert_eq!(limits.clients.iter().map(|(_, n)| n).sum::<u64>(), exceeded);
    let found: BTreeMap<String, u64> = limits.peaks.iter().map(|(n, v)| (text(n), *v)).collect();
    assert_eq!(found, peaks);
}

/// A user of five recipients an hour who sends to two hundred in one.
#[test]
fn surges_are_measured_against_ones_own_hours() {
    let mut log = String::new();
    let mut message = |hour: usize, i: usize, client: &str, recipients: usize| {
        let id = format!("{:X}", 0x0080_0000_0000_usize + hour * 1000 + i);
        writeln!(
            log,
            "2026-11-22T{hour:02}:00:00+00:00 mx postfix/smtpd[1]: {id}: client={client}\n\
             2026-11-22T{hour:02}:00:00+00:00 mx postfix/qmgr[2]: {id}: from=<x@a.example>, size=1, \
             nrcpt={recipients} (queue active)"
        )
        .unwrap();
    };
    for hour in 0..6 {
        let recipients = if hour == 4 { 200 } else { 5 };
        message(
            hour,
            1,
            "pc[192.0.2.1], sasl_method=PLAIN, sasl_username=ann",
            recipients,
        );
        message(hour, 2, "list[192.0.2.2]", 300);
    }
    message(5, 3, "new[192.0.2.3]", 60);
    let summary = summary(log.as_bytes());
    let surges: Vec<_> = summary
        .surges()
        .iter()
        .map(|s| {
            (
                format!("{:?}", s.who),
                s.hour.of_day(),
                s.recipients,
                s.median,
            )
        })
        .collect();
    let user = format!("User({:?})", b"ann");
    let client = format!("Client({:?})", b"new[192.0.2.3]");
    assert_eq!(surges, [(user, 4, 200, 5), (client, 5, 60, 0)]);
}

/// Each delivery and bounce stands with its message.
#[test]
fn a_row_a_message() {
    let mut expected: BTreeMap<(String, String, Fate), u64> = BTreeMap::new();
    for (_, _, line) in lines() {
        let fate = if line.contains(" status=sent (forwarded as ") {
            Fate::Forwarded
        } else if line.contains(" status=sent (") {
            Fate::Delivered
        } else if line.contains(" status=bounced (") {
            Fate::Bounced
        } else {
            continue;
        };
        let (id, _) = line.split_once(": ").unwrap();
        let to = between(line, ": to=<", ">, ").unwrap();
        let (local, domain) = to.rsplit_once('@').unwrap_or((to, ""));
        let to = format!("{local}@{}", domain.to_ascii_lowercase());
        let key = (id.to_owned(), to.trim_end_matches('@').to_owned(), fate);
        *expected.entry(key).or_default() += 1;
    }
    let mut found: BTreeMap<(String, String, Fate), u64> = BTreeMap::new();
    let mut senders = BTreeSet::new();
    for message in SUMMARY.messages() {
        senders.extend(message.sender.map(text));
        for (to, fate, times) in message.recipients {
            *found.entry((text(message.id), text(to), fate)).or_default() += u64::from(times);
        }
    }
    assert_eq!(found, expected);
    assert!(senders.len() as u64 >= SUMMARY.totals().senders);
}

/// Without any section the totals are the same.
#[test]
fn sections_change_no_total() {
    let filter = Filter {
        sections: Sections::NONE,
        ..Filter::default()
    };
    let bare = scan::stream(REAL.as_bytes(), Reference::at(READ_AT), &filter).unwrap();
    assert_eq!(bare.totals(), SUMMARY.totals());
    assert_eq!(bare.smtpd.all.count, 0);
    assert!(bare.surges().is_empty());
    assert_eq!(bare.messages().count(), 0);
}
