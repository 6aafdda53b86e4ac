//! From lines to answers: the lives of the messages, joined into chains, and what was refused before them.
//!
//! In: the lines that the passes found. Out: an [`Answer`], whose texts are as logged. It reads no files and
//! draws nothing.

use super::Question;
use super::hunt::{Found, LeftOut, is_loopback};
use super::logs::Logs;
use super::sweep::{Kept, Newest, Others, Swept};
use crate::logparse::event::{Event, PostscreenKind, Verdict};
use crate::logparse::life::{Life, Messages, Relation, Source};
use crate::logparse::source::SourceError;
use crate::logparse::{Line, Record, Stamp};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

/// Messages put together at once: more than the passes can find.
const MOST_LIVES: usize = 200_000;
/// How long before a message postscreen's word on its client counts (microseconds): a pass lasts longer, but was
/// given for another visit.
const DOORSTEP: i64 = 600_000_000;
/// How far from its message a refusal in the same session may stand (microseconds).
const SESSION: i64 = 900_000_000;
/// postscreen's decisions told of one visit.
const MOST_DECISIONS: usize = 10;
/// Refusals told of one client, sender and recipient: the newest.
const MOST_REFUSALS: usize = 100;

/// What tracing found.
#[derive(Debug, Default)]
pub struct Answer {
    /// Messages with those that belong to them, and refusals, by the time they began.
    pub blocks: Vec<Block>,
    /// Matching messages beyond the limit, older than those told.
    pub more: u64,
    /// Whether `more` is only about right.
    pub about: bool,
    /// Whether some messages that belong to these were left out.
    pub crowded: bool,
    /// Matching lines about no message, by kind: how many, when first and last.
    pub others: Others,
    /// The newest of these.
    pub remarks: Vec<Remark>,
    /// What was searched.
    pub searched: Searched,
    /// The logs that could not be read, or not to their ends.
    pub problems: Vec<SourceError>,
}

impl Answer {
    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.others.is_empty()
    }
}

/// What was searched.
#[derive(Debug, Default)]
pub struct Searched {
    /// The logs.
    pub files: Vec<PathBuf>,
    /// Lines read.
    pub lines: u64,
    /// First and last stamp, microseconds, where there were any.
    pub period: Option<(i64, i64)>,
}

/// A line about no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// When.
    pub time: Stamp,
    /// Who said it: the tag.
    pub tag: Box<str>,
    /// The text behind the tag.
    pub text: Box<str>,
}

/// One part of the answer.
#[derive(Debug)]
pub enum Block {
    /// Messages that belong together.
    Chain(Chain),
    /// Refusals that no message followed.
    Refused(Refused),
}

impl Block {
    fn begins(&self) -> Stamp {
        match self {
            Self::Chain(chain) => chain.members.first().map(|m| m.life.first),
            Self::Refused(refused) => refused.attempts.first().map(|r| r.time),
        }
        .unwrap_or_default()
    }
}

/// Messages that belong together, in the order of a walk through their tree.
#[derive(Debug, Default)]
pub struct Chain {
    /// The messages; the first is where it began.
    pub members: Vec<Member>,
}

/// A message in its chain.
#[derive(Debug)]
pub struct Member {
    /// Its life.
    pub life: Life,
    /// How deep in the tree.
    pub depth: usize,
    /// How it came from the message above it.
    pub relation: Option<Relation>,
    /// Whether it is one of those asked for.
    pub matched: bool,
    /// Lines that were left out of its middle.
    pub left_out: Option<LeftOut>,
    /// Refusals of the same client, sender and recipient before it: greylisting.
    pub before: Vec<Refusal>,
    /// Other refusals in its session.
    pub session: Vec<Refusal>,
    /// Which session that is.
    came_in: Option<Session>,
    /// postscreen's decisions when its client came.
    pub decisions: Vec<Remark>,
}

/// Refusals of one client, sender and recipient that no message followed.
#[derive(Debug, Default)]
pub struct Refused {
    /// Oldest first, at most [`MOST_REFUSALS`].
    pub attempts: Vec<Refusal>,
    /// Older ones.
    pub more: u64,
}

/// One command that was refused before there was a queue id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub time: Stamp,
    /// The host that logged it.
    pub host: Box<str>,
    /// `smtpd` or `postscreen`.
    pub service: Box<str>,
    /// Its process.
    pub pid: u32,
    /// `reject`, `milter_reject`, `hold`, ...
    pub verdict: &'static str,
    /// Whether the client was turned away.
    pub turned_away: bool,
    /// The client's name.
    pub name: Box<str>,
    /// Its address.
    pub ip: Box<str>,
    /// The SMTP command.
    pub stage: Box<str>,
    /// The reply, with its codes.
    pub reply: Box<str>,
    /// Envelope sender.
    pub from: Option<Box<str>>,
    /// Envelope recipient.
    pub to: Option<Box<str>>,
    /// HELO name.
    pub helo: Option<Box<str>>,
    /// In which session.
    session: Session,
    /// Whether the line is one of those asked for.
    matched: bool,
}

/// Puts the answer together.
pub fn tell(logs: &Logs, question: &Question, swept: Swept, found: Found) -> Answer {
    let period = period(logs);
    let mut story = Story {
        question,
        ids: &found.ids,
        messages: Messages::new(MOST_LIVES),
        matched: FxHashSet::default(),
        refusals: Vec::new(),
        decisions: Vec::new(),
        begun: FxHashMap::default(),
        sessions: FxHashMap::default(),
    };
    let mut lines = found.lines;
    let earlier = swept.refusals.count - swept.refusals.kept.len() as u64;
    lines.extend(
        swept
            .refusals
            .kept
            .into_iter()
            .map(|kept| (kept.place, kept)),
    );
    in_order_of_time(lines, |kept| story.line(logs, kept));
    story.messages.settle();
    let remarks = remarks(logs, swept.remarks);
    let mut answer = Answer {
        blocks: story.blocks(),
        more: swept.more_ids,
        about: swept.forgot,
        crowded: found.crowded,
        others: swept.others,
        remarks,
        searched: Searched {
            files: logs.paths().map(ToOwned::to_owned).collect(),
            lines: swept.lines,
            period,
        },
        problems: logs.problems(),
    };
    answer.blocks.sort_by_key(Block::begins);
    let over = answer.blocks.len().saturating_sub(question.limit);
    answer.more += over as u64 + earlier;
    answer.blocks.drain(..over);
    answer
}

fn period(logs: &Logs) -> Option<(i64, i64)> {
    let times = || logs.chunks().iter().map(|chunk| chunk.time);
    let first = times()
        .map(|time| time.0)
        .filter(|t| *t != i64::MIN)
        .min()?;
    let last = times()
        .map(|time| time.1)
        .filter(|t| *t != i64::MAX)
        .max()?;
    Some((first, last.max(first)))
}

/// Gives lines of several logs by time, each log's own lines in their order.
fn in_order_of_time(lines: BTreeMap<super::logs::Place, Kept>, mut each: impl FnMut(&Kept)) {
    let mut logs: BTreeMap<usize, VecDeque<Kept>> = BTreeMap::new();
    for (place, kept) in lines {
        logs.entry(place.log).or_default().push_back(kept);
    }
    let next = |logs: &BTreeMap<usize, VecDeque<Kept>>| {
        logs.iter()
            .filter_map(|(log, lines)| Some((lines.front()?.time, *log)))
            .min()
    };
    while let Some((_, log)) = next(&logs) {
        if let Some(kept) = logs.get_mut(&log).and_then(VecDeque::pop_front) {
            each(&kept);
        }
    }
}

fn remarks(logs: &Logs, newest: Newest) -> Vec<Remark> {
    let mut kept = newest.kept;
    kept.sort_unstable();
    kept.iter()
        .filter_map(|kept| {
            let mut parser = logs.parser(kept.place.log);
            match parser.line(&kept.line) {
                Line::Postfix(record) => Some(remark(&record)),
                _ => None,
            }
        })
        .collect()
}

fn remark(record: &Record<'_>) -> Remark {
    Remark {
        time: record.time,
        tag: text(record.tag),
        text: text(record.text),
    }
}

struct Story<'s> {
    question: &'s Question,
    ids: &'s FxHashMap<Box<[u8]>, Option<LeftOut>>,
    messages: Messages,
    /// Serials of the messages asked for.
    matched: FxHashSet<i64>,
    refusals: Vec<Refusal>,
    /// Client and what postscreen said.
    decisions: Vec<(Box<str>, Remark)>,
    /// By host and process, how many sessions of the clients in question began.
    begun: FxHashMap<(Box<str>, u32), u32>,
    /// The session each message came in.
    sessions: FxHashMap<i64, Session>,
}

/// A process serves one client after the other: host, process, and the how manieth.
type Session = (Box<str>, u32, u32);

impl Story<'_> {
    fn line(&mut self, logs: &Logs, kept: &Kept) {
        let mut parser = logs.parser(kept.place.log);
        let Line::Postfix(record) = parser.line(&kept.line) else {
            return;
        };
        let matched = self.question.asks(&record, &kept.line);
        let process = (text(record.host), record.pid);
        let session = |begun: &FxHashMap<(Box<str>, u32), u32>| {
            let begun = begun.get(&process).copied().unwrap_or(0);
            (process.0.clone(), process.1, begun)
        };
        match (&record.event, record.queue_id) {
            (_, Some(id)) => {
                // Lines of ids that were only met by the way are not all there.
                if self.ids.contains_key(id)
                    && let Some(serial) = self.messages.observe(&record)
                {
                    if matched {
                        self.matched.insert(serial);
                    }
                    if matches!(record.event, Event::Client(_)) {
                        self.sessions.insert(serial, session(&self.begun));
                    }
                }
            }
            (Event::Connect(_), None) => *self.begun.entry(process).or_default() += 1,
            (Event::Reject(_), None) => {
                let session = session(&self.begun);
                self.refusals.extend(refusal(&record, session, matched));
            }
            (Event::Postscreen { kind, client, .. }, None) if decides(*kind) => {
                self.decisions.push((text(client.ip), remark(&record)));
            }
            _ => {}
        }
    }

    fn blocks(mut self) -> Vec<Block> {
        let tree = Tree::new(&self.messages);
        let mut chains: Vec<Chain> = tree
            .roots_of(&self.matched)
            .into_iter()
            .map(|root| self.chain(&tree, root))
            .collect();
        self.attach_refusals(&mut chains);
        self.attach_decisions(&mut chains);
        let refused = self.refused();
        let chains = chains.into_iter().map(Block::Chain);
        chains
            .chain(refused.into_iter().map(Block::Refused))
            .collect()
    }

    fn chain(&self, tree: &Tree, root: i64) -> Chain {
        let mut chain = Chain::default();
        let mut told = FxHashSet::default();
        let mut open = vec![(root, 0, None)];
        while let Some((serial, depth, relation)) = open.pop() {
            let Some(life) = self.messages.get(serial).filter(|_| told.insert(serial)) else {
                continue;
            };
            chain.members.push(Member {
                life: life.clone(),
                depth,
                relation,
                matched: self.matched.contains(&serial),
                left_out: self.ids.get(life.id.as_bytes()).copied().flatten(),
                before: Vec::new(),
                session: Vec::new(),
                came_in: self.sessions.get(&serial).cloned(),
                decisions: Vec::new(),
            });
            let children = tree.children.get(&serial).into_iter().flatten();
            open.extend(
                children
                    .rev()
                    .map(|(child, relation)| (*child, depth + 1, Some(*relation))),
            );
        }
        chain
    }

    /// Gives each message the refusals of its client that stand before it, and those of its session.
    fn attach_refusals(&mut self, chains: &mut [Chain]) {
        let mut by_ip: FxHashMap<Box<str>, Vec<&mut Member>> = FxHashMap::default();
        for member in chains.iter_mut().flat_map(|chain| &mut chain.members) {
            if let Some(ip) = member.life.client_ip()
                && !is_loopback(ip.as_bytes())
            {
                by_ip.entry(ip.into()).or_default().push(member);
            }
        }
        for members in by_ip.values_mut() {
            members.sort_by_key(|member| member.life.first);
        }
        self.refusals.retain(|refusal| {
            let Some(members) = by_ip.get_mut(&refusal.ip) else {
                return true;
            };
            if let Some(member) = members.iter_mut().find(|m| m.follows(refusal)) {
                member.before.push(refusal.clone());
                return false;
            }
            let near = |member: &Member| {
                (member.life.first.micros - refusal.time.micros).abs() < SESSION
                    && member.came_in.as_ref() == Some(&refusal.session)
            };
            match members.iter_mut().find(|m| near(m)) {
                Some(member) if !refusal.matched => {
                    member.session.push(refusal.clone());
                    false
                }
                _ => true,
            }
        });
    }

    fn attach_decisions(&self, chains: &mut [Chain]) {
        for member in chains.iter_mut().flat_map(|chain| &mut chain.members) {
            let Some(ip) = member.life.client_ip() else {
                continue;
            };
            let visit = member.life.first.micros - DOORSTEP..=member.life.first.micros;
            let mut decisions: Vec<Remark> = self
                .decisions
                .iter()
                .filter(|(client, remark)| **client == *ip && visit.contains(&remark.time.micros))
                .map(|(_, remark)| remark.clone())
                .collect();
            decisions.drain(..decisions.len().saturating_sub(MOST_DECISIONS));
            member.decisions = decisions;
        }
    }

    /// What is left of the refusals, where they are asked for.
    fn refused(self) -> Vec<Refused> {
        type Key = (Box<str>, Option<String>, Option<String>);
        let mut groups: BTreeMap<Key, Refused> = BTreeMap::new();
        for refusal in self.refusals.into_iter().filter(|r| r.matched) {
            let lower = |text: &Option<Box<str>>| text.as_ref().map(|t| t.to_ascii_lowercase());
            let key = (refusal.ip.clone(), lower(&refusal.from), lower(&refusal.to));
            let group = groups.entry(key).or_default();
            group.attempts.push(refusal);
            if group.attempts.len() > MOST_REFUSALS {
                group.attempts.remove(0);
                group.more += 1;
            }
        }
        groups.into_values().collect()
    }
}

impl Member {
    /// Whether this is what became of a refused attempt: the same client, sender and recipient, later.
    fn follows(&self, refusal: &Refusal) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let from = match (&self.life.from, &refusal.from) {
            (Some(a), Some(b)) => same(a, b),
            _ => true,
        };
        let Some(to) = refusal.to.as_deref() else {
            return false;
        };
        from && refusal.time <= self.life.first
            && self.life.recipients.iter().any(|recipient| {
                same(&recipient.to, to)
                    || recipient
                        .orig_to
                        .as_deref()
                        .is_some_and(|orig| same(orig, to))
            })
    }
}

/// postscreen's lines that say what it thinks of a client.
fn decides(kind: PostscreenKind) -> bool {
    !matches!(
        kind,
        PostscreenKind::Connect
            | PostscreenKind::Disconnect
            | PostscreenKind::Cache
            | PostscreenKind::Other
    )
}

fn refusal(record: &Record<'_>, session: Session, matched: bool) -> Option<Refusal> {
    let Event::Reject(reject) = &record.event else {
        return None;
    };
    let code = match reject.code {
        0 => String::new(),
        code => format!("{code} "),
    };
    let dsn = match reject.dsn {
        b"" => String::new(),
        dsn => format!("{} ", text(dsn)),
    };
    Some(Refusal {
        time: record.time,
        host: text(record.host),
        service: text(record.service),
        pid: record.pid,
        verdict: reject.verdict.name(),
        turned_away: matches!(
            reject.verdict,
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject | Verdict::Hangup
        ),
        name: text(reject.client.name),
        ip: text(reject.client.ip),
        stage: text(reject.stage),
        reply: format!("{code}{dsn}{}", text(reject.reason)).into(),
        from: reject.from.map(text),
        to: reject.to.map(text),
        helo: reject.helo.map(text),
        session,
        matched,
    })
}

/// How the messages hang together.
struct Tree {
    /// By serial, the children's serials and how each came about.
    children: FxHashMap<i64, BTreeMap<i64, Relation>>,
    parent: FxHashMap<i64, i64>,
}

impl Tree {
    fn new(messages: &Messages) -> Self {
        let mut by_id: FxHashMap<&str, Vec<(i64, &Life)>> = FxHashMap::default();
        for (serial, life) in messages.iter() {
            by_id.entry(&life.id).or_default().push((serial, life));
        }
        let mut tree = Self {
            children: FxHashMap::default(),
            parent: FxHashMap::default(),
        };
        for (serial, life) in messages.iter() {
            for link in life.links.iter().filter(|link| leads_on(link.relation)) {
                let back = |other: &Life| {
                    other
                        .links
                        .iter()
                        .any(|b| b.id == life.id && b.relation == link.relation.reverse())
                };
                let child = by_id
                    .get(&*link.id)
                    .into_iter()
                    .flatten()
                    .filter(|(other, child)| *other != serial && back(child))
                    .min_by_key(|(_, child)| child.first.micros.abs_diff(life.last.micros));
                if let Some((child, _)) = child
                    && tree.root(serial) != *child
                    && !tree.parent.contains_key(child)
                {
                    tree.parent.insert(*child, serial);
                    let children = tree.children.entry(serial).or_default();
                    children.insert(*child, link.relation);
                }
            }
        }
        tree
    }

    fn root(&self, mut serial: i64) -> i64 {
        while let Some(parent) = self.parent.get(&serial) {
            serial = *parent;
        }
        serial
    }

    fn roots_of(&self, serials: &FxHashSet<i64>) -> BTreeSet<i64> {
        serials.iter().map(|serial| self.root(*serial)).collect()
    }
}

/// Whether a tie leads from a message to what came of it.
fn leads_on(relation: Relation) -> bool {
    matches!(
        relation,
        Relation::RequeuedAs
            | Relation::Notified
            | Relation::ForwardedAs
            | Relation::ReinjectedAs
            | Relation::QueuedAs
    )
}

/// Where a message came from, in words.
pub(super) fn source(life: &Life) -> Option<String> {
    match &life.source {
        Source::Unknown => None,
        Source::Client {
            name,
            ip,
            sasl_username,
            ..
        } => Some(match sasl_username {
            Some(user) => format!("{name}[{ip}], logged in as {user}"),
            None => format!("{name}[{ip}]"),
        }),
        Source::Pickup { uid, orig_id: None } => Some(format!("this host, user id {uid}")),
        Source::Pickup {
            orig_id: Some(id), ..
        } => Some(format!("requeued from {id}")),
        Source::Bounce { of } => Some(format!("a notification about {of}")),
        Source::Forward { of } => Some(format!("forwarded from {of}")),
    }
}

/// Owned text, lossy.
pub(super) fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}
