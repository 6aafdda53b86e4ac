//! The further passes: all lines of the messages that were found, and of the messages that belong to them.
//!
//! In: the queue ids of the first pass. Out: their lines, in order. Each id is searched in the stretch of the
//! logs where it was met, then outwards in steps that double, until its beginning (`client=`, pickup) stands in
//! front and its end (`removed`) behind: what lies beyond is another message of that id. An id that was
//! never removed is searched to the ends of the logs. Lines met on the way name further messages.
//! Bounded: so many ids a search, so many lines an id, its first and its last.

use super::Question;
use super::logs::{Logs, Place};
use super::sweep::{self, Hit, Kept, Swept, line_around};
use super::term::{self, Term};
use crate::logparse::event::{Delivery, Event, QueueAct, Status, Verdict};
use crate::logparse::source::SourceError;
use crate::logparse::{Line, Parser, Record};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Quarries of one search, unless more messages are asked for: ids, clients and message-ids. A chain of re-injections and bounces has a dozen;
/// an alias that goes to hundreds of addresses makes hundreds.
const MOST_QUARRIES: usize = 3_000;
/// Quarries that are searched with the fastest automaton: it takes some kilobytes each.
const MOST_DENSE: usize = 1_000;
/// Quarries up to which looking for their first bytes beforehand helps: of more, some begin everywhere.
const MOST_PREFILTERED: usize = 16;
/// Lines kept from the beginning of one id, and as many from its end.
const MOST_LINES: usize = 2_000;
/// Other messages that one message-id leads to.
const MOST_SAME: usize = 50;

/// A message-id of fewer bytes is no help.
const SHORTEST: usize = 6;
/// Deliveries of one message around which a content filter's way back is looked for.
const MOST_SENT: usize = 20;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Stamps of whole seconds, and lines written a little out of order.
const BLUR: i64 = 2 * SECOND;
/// A next hop queues a message before it answers, and smtp(8) waits ten minutes for that answer
/// (smtp_data_done_timeout); the rest is for clocks that differ.
const ANSWER: i64 = 15 * MINUTE;
/// A message-id line whose `client=` stands this far before it does not exist (smtpd_timeout is 5 minutes).
const SPEECH: i64 = HOUR;
/// A message that cleanup never gave to the queue manager is given up after a day: its client went away.
const STILLBORN: i64 = DAY;
/// How long before a message its client's refusals are looked for: greylisting lasts minutes to hours.
const GREYLIST: i64 = 6 * HOUR;
/// The same where lines of refusals were found by the term itself: only postscreen's word is wanted.
const DOORSTEP: i64 = 10 * MINUTE;

/// What was found: lines in order of their place, and what was left out.
#[derive(Debug, Default)]
pub struct Found {
    /// All lines.
    pub lines: BTreeMap<Place, Kept>,
    /// The ids whose lines these are.
    pub ids: FxHashMap<Box<[u8]>, Option<LeftOut>>,
    /// Whether the bound on quarries was met.
    pub crowded: bool,
}

/// Lines of one id beyond the bound, all between its first and its last ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many lines.
    pub lines: u64,
    /// Deliveries among them.
    pub sent: u64,
    /// Deferrals among them.
    pub deferred: u64,
    /// Bounces among them.
    pub bounced: u64,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Quarry {
    /// Lines of an id and lines that name it.
    Id(Box<[u8]>),
    /// Refusals, postscreen's decisions and the beginnings of sessions of a client.
    Client(Box<[u8]>),
    /// Other ids with this message-id.
    MessageId(Box<[u8]>),
}

impl Quarry {
    fn needle(&self) -> Vec<u8> {
        match self {
            Self::Id(text) | Self::MessageId(text) => text.to_vec(),
            Self::Client(ip) => [b"[", &**ip, b"]"].concat(),
        }
    }
}

/// How far a quarry has been searched.
#[derive(Debug)]
struct Progress {
    /// The period searched.
    window: (i64, i64),
    /// Chunks that were searched.
    done: Vec<u64>,
    /// Chunks to search in this round.
    todo: Vec<u64>,
    /// How many chunks the next step takes.
    step: usize,
    lines: Lines,
}

/// What a line means for the search of its id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Its source; whether that is a client on a loopback address, as content filters are.
    Begins {
        loopback: bool,
    },
    MessageId(Box<[u8]>),
    /// `removed`, or cleanup threw it away.
    Ends,
    Delivery(Status),
    /// It is in the queue.
    Queued,
    /// Another message's line names it.
    Named,
    Other,
}

/// The lines of a quarry.
#[derive(Debug, Default)]
struct Lines {
    first: BTreeMap<Place, (Kept, Told)>,
    last: BTreeMap<Place, (Kept, Told)>,
    left_out: LeftOut,
    queued: bool,
    named: bool,
    /// It came from a loopback address, then.
    looped: Option<i64>,
    message_id: Option<Box<[u8]>>,
    /// Its first deliveries.
    sent: Vec<i64>,
    /// Its message-id was followed up, or leads as often elsewhere.
    followed: usize,
}

/// Somewhere else to look.
#[derive(Debug)]
struct Lead {
    quarry: Quarry,
    window: (i64, i64),
    /// The message-id that led there.
    same: Option<usize>,
}

impl Lead {
    fn new(quarry: Quarry, from: i64, to: i64) -> Self {
        Self {
            quarry,
            window: (from, to),
            same: None,
        }
    }

    fn id(id: &[u8], from: i64, to: i64) -> Self {
        Self::new(Quarry::Id(id.into()), from, to)
    }
}

/// The quarries by what they are.
#[derive(Debug, Default)]
struct Known {
    ids: ByText,
    clients: ByText,
    message_ids: ByText,
}

/// A text and the number of the quarry that it is.
type ByText = FxHashMap<Box<[u8]>, usize>;

impl Known {
    fn of(&mut self, quarry: &Quarry) -> (&mut ByText, Box<[u8]>) {
        match quarry {
            Quarry::Id(text) => (&mut self.ids, text.clone()),
            Quarry::Client(text) => (&mut self.clients, text.clone()),
            Quarry::MessageId(text) => (&mut self.message_ids, text.clone()),
        }
    }
}

/// One line that some quarry wants.
struct Met {
    quarry: usize,
    kept: Kept,
    told: Told,
}

/// Searches until nothing new comes.
pub fn hunt(logs: &Logs, question: &Question, swept: &mut Swept) -> Result<Found, SourceError> {
    let mut hunt = Hunt::new(logs, question);
    for (id, hit) in newest(swept, question.limit) {
        hunt.follow(&Lead::id(&id, hit.first - BLUR, hit.last + BLUR));
    }
    while hunt.round()? {}
    Ok(hunt.found())
}

/// The ids hit last, and what was hit when; the others are only counted.
fn newest(swept: &mut Swept, limit: usize) -> Vec<(Box<[u8]>, Hit)> {
    let mut ids: Vec<_> = swept.ids.drain().collect();
    ids.sort_unstable_by(|a, b| (b.1.last, &b.0).cmp(&(a.1.last, &a.0)));
    swept.more_ids += ids.len().saturating_sub(limit) as u64;
    ids.truncate(limit);
    ids
}

struct Hunt<'h> {
    logs: &'h Logs,
    /// Before a message, so long is looked for its client.
    before: i64,
    quarries: Vec<(Quarry, Progress)>,
    known: Known,
    /// When chunks begin, sorted.
    starts: Vec<i64>,
    /// So many quarries.
    most: usize,
    crowded: bool,
}

impl<'h> Hunt<'h> {
    fn new(logs: &'h Logs, question: &Question) -> Self {
        let mut starts: Vec<i64> = logs.chunks().iter().map(|chunk| chunk.time.0).collect();
        starts.sort_unstable();
        let before = match question.term {
            Term::Id(_) | Term::MessageId(_) => GREYLIST,
            _ => DOORSTEP,
        };
        Self {
            logs,
            before,
            quarries: Vec::new(),
            known: Known::default(),
            starts,
            // Each message asked for brings its client and its message-id.
            most: question
                .limit
                .saturating_mul(4)
                .clamp(MOST_QUARRIES, 64 * MOST_QUARRIES),
            crowded: false,
        }
    }

    /// Takes a lead up: a new quarry, or one more period for a known one.
    fn follow(&mut self, lead: &Lead) {
        let full = self.quarries.len() >= self.most;
        let (map, key) = self.known.of(&lead.quarry);
        let at = match map.get(&key) {
            Some(at) => *at,
            None if full => {
                self.crowded = true;
                return;
            }
            None => {
                if let Some((_, progress)) = lead.same.and_then(|at| self.quarries.get_mut(at)) {
                    progress.lines.followed += 1;
                    if progress.lines.followed > MOST_SAME {
                        return;
                    }
                }
                let at = self.quarries.len();
                map.insert(key, at);
                let words = self.logs.chunks().len().div_ceil(64);
                let progress = Progress {
                    window: lead.window,
                    done: vec![0; words],
                    todo: vec![0; words],
                    step: 1,
                    lines: Lines::default(),
                };
                self.quarries.push((lead.quarry.clone(), progress));
                at
            }
        };
        let logs = self.logs;
        if let Some((quarry, progress)) = self.quarries.get_mut(at) {
            let (from, to) = progress.window;
            // An id's lines may stand anywhere between two places where it was met.
            let window = match quarry {
                Quarry::Id(_) => (lead.window.0.min(from), lead.window.1.max(to)),
                _ => lead.window,
            };
            progress.search(logs, window);
        }
    }

    /// Searches what is to be searched; false when nothing was.
    fn round(&mut self) -> Result<bool, SourceError> {
        let active: Vec<usize> = (0..self.quarries.len())
            .filter(|at| self.quarries[*at].1.todo.iter().any(|word| *word != 0))
            .collect();
        let chunks: Vec<usize> = (0..self.logs.chunks().len())
            .filter(|chunk| {
                active
                    .iter()
                    .any(|at| has(&self.quarries[*at].1.todo, *chunk))
            })
            .collect();
        if chunks.is_empty() {
            return Ok(false);
        }
        let needles = active.iter().map(|at| self.quarries[*at].0.needle());
        // The automaton that looks at each byte once, unless it would grow beyond some ten megabytes.
        let kind = (active.len() <= MOST_DENSE).then_some(AhoCorasickKind::DFA);
        let Ok(searcher) = AhoCorasick::builder()
            .kind(kind)
            .prefilter(active.len() <= MOST_PREFILTERED)
            .build(needles)
        else {
            // Only with more states than 32 bits count.
            self.crowded = true;
            return Ok(false);
        };
        let met = Mutex::new(Gathered {
            quarries: &mut self.quarries,
            leads: Vec::new(),
        });
        let (logs, known, before) = (self.logs, &self.known, self.before);
        sweep::in_parallel(&chunks, |next| {
            let mut buffer = Vec::new();
            let mut reader = Reader {
                known,
                searcher: &searcher,
                before,
                lines: Vec::new(),
                leads: Vec::new(),
            };
            while let Some(at) = next() {
                let chunk = &logs.chunks()[at];
                let mut parser = logs.parser(chunk.log);
                logs.read(chunk, &mut buffer, &mut |place, block| {
                    reader.block(place, block, &mut parser);
                    if !reader.lines.is_empty() || !reader.leads.is_empty() {
                        let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
                        met.take(at, &mut reader);
                    }
                })?;
            }
            Ok(())
        })?;
        let leads = met
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .leads;
        for at in active {
            self.quarries[at].1.finish_round();
        }
        for lead in &leads {
            self.follow(lead);
        }
        for at in 0..self.quarries.len() {
            self.widen(at);
            for lead in self.same_message(at) {
                self.follow(&lead);
            }
        }
        Ok(true)
    }

    /// Where a message that has been found whole may stand under another id: content filters that say nothing
    /// of it keep its message-id.
    fn same_message(&mut self, at: usize) -> Vec<Lead> {
        let Some((Quarry::Id(_), progress)) = self.quarries.get_mut(at) else {
            return Vec::new();
        };
        let lines = &mut progress.lines;
        let whole = lines.wants(progress.window) == (false, false);
        let Some(id) = lines
            .message_id
            .clone()
            .filter(|id| whole && lines.followed == 0 && id.len() >= SHORTEST)
        else {
            return Vec::new();
        };
        lines.followed = 1;
        let before = lines
            .looped
            .filter(|_| !lines.named)
            .map(|time| (time - DAY, time + BLUR));
        let after = lines.sent.iter().map(|time| (time - ANSWER, time + MINUTE));
        after
            .chain(before)
            .map(|(from, to)| Lead::new(Quarry::MessageId(id.clone()), from, to))
            .collect()
    }

    /// Plans the next step of an id whose beginning or end is not known yet.
    fn widen(&mut self, at: usize) {
        let logs = self.logs;
        let Some((Quarry::Id(_), progress)) = self.quarries.get_mut(at) else {
            return;
        };
        let (mut from, mut to) = progress.window;
        let (back, on) = progress.lines.wants(progress.window);
        if !(back || on) || progress.todo.iter().any(|word| *word != 0) {
            return;
        }
        if back && from > i64::MIN {
            let here = self.starts.partition_point(|start| *start < from);
            from = match here.checked_sub(progress.step) {
                Some(earlier) => self.starts[earlier].min(from).saturating_sub(1),
                None => i64::MIN,
            };
        }
        if on && to < i64::MAX {
            let here = self.starts.partition_point(|start| *start <= to);
            to = match self.starts.get(here + progress.step) {
                Some(later) => *later,
                None => i64::MAX,
            };
        }
        progress.step *= 2;
        progress.search(logs, (from, to));
        if progress.todo.iter().all(|word| *word == 0) {
            // Nothing lies in between: go on to what does.
            self.widen(at);
        }
    }

    fn found(self) -> Found {
        let mut found = Found {
            crowded: self.crowded,
            ..Found::default()
        };
        for (quarry, progress) in self.quarries {
            let lines = progress.lines;
            if let Quarry::Id(id) = quarry {
                let left_out = (lines.left_out.lines > 0).then_some(lines.left_out);
                found.ids.insert(id, left_out);
            } else if matches!(quarry, Quarry::MessageId(_)) {
                continue;
            }
            let kept = lines.first.into_iter().chain(lines.last);
            found
                .lines
                .extend(kept.map(|(place, (kept, _))| (place, kept)));
        }
        found
    }
}

fn has(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

impl Progress {
    /// Marks the chunks of a period that were not searched yet.
    fn search(&mut self, logs: &Logs, window: (i64, i64)) {
        self.window = (self.window.0.min(window.0), self.window.1.max(window.1));
        for (at, chunk) in logs.chunks().iter().enumerate() {
            if chunk.overlaps(window.0, window.1) && !has(&self.done, at) {
                self.todo[at / 64] |= 1 << (at % 64);
            }
        }
    }

    fn finish_round(&mut self) {
        for (done, todo) in self.done.iter_mut().zip(&mut self.todo) {
            *done |= *todo;
            *todo = 0;
        }
    }
}

impl Lines {
    fn push(&mut self, kept: Kept, told: Told) {
        match &told {
            Told::Named => {
                self.named = true;
                return;
            }
            Told::Begins { loopback: true } => self.looped = Some(kept.time),
            Told::MessageId(id) => self.message_id = Some(id.clone()),
            Told::Delivery(status) => {
                self.queued = true;
                if *status == Status::Sent && self.sent.len() < MOST_SENT {
                    self.sent.push(kept.time);
                }
            }
            Told::Queued => self.queued = true,
            Told::Begins { .. } | Told::Ends | Told::Other => {}
        }
        let place = kept.place;
        match self.last.first_key_value() {
            Some((first, _)) if place > *first => self.last.insert(place, (kept, told)),
            _ => self.first.insert(place, (kept, told)),
        };
        if self.first.len() > MOST_LINES
            && let Some((place, line)) = self.first.pop_last()
        {
            self.last.insert(place, line);
        }
        if self.last.len() > MOST_LINES
            && let Some((_, (_, told))) = self.last.pop_first()
        {
            self.left_out.lines += 1;
            match told {
                Told::Delivery(Status::Sent) => self.left_out.sent += 1,
                Told::Delivery(Status::Deferred | Status::SoftBounce) => {
                    self.left_out.deferred += 1;
                }
                Told::Delivery(Status::Bounced) => self.left_out.bounced += 1,
                _ => {}
            }
        }
    }

    /// Whether the search must go on, back and forward in time.
    fn wants(&self, (from, to): (i64, i64)) -> (bool, bool) {
        let ends = self
            .first
            .first_key_value()
            .zip(self.last.last_key_value().or(self.first.last_key_value()));
        let Some(((_, (first, begins)), (_, (last, ended)))) = ends else {
            // Another server's id, or one of another time: it is not in these logs.
            return (false, false);
        };
        let begun = match begins {
            Told::Begins { .. } => from <= first.time - MINUTE,
            Told::MessageId(_) => from <= first.time - SPEECH,
            _ => false,
        };
        let over = match ended {
            Told::Ends => to >= first.time + ANSWER,
            _ => !self.queued && to >= last.time.saturating_add(STILLBORN),
        };
        (!begun && from > i64::MIN, !over && to < i64::MAX)
    }
}

/// What the threads of a round bring together.
struct Gathered<'g> {
    quarries: &'g mut Vec<(Quarry, Progress)>,
    leads: Vec<Lead>,
}

impl Gathered<'_> {
    fn take(&mut self, chunk: usize, reader: &mut Reader<'_>) {
        for met in reader.lines.drain(..) {
            if let Some((_, progress)) = self.quarries.get_mut(met.quarry)
                // Lines met by the way are met again when it is their turn.
                && has(&progress.todo, chunk)
            {
                progress.lines.push(met.kept, met.told);
            }
        }
        self.leads.append(&mut reader.leads);
    }
}

/// Reads one chunk.
struct Reader<'r> {
    known: &'r Known,
    searcher: &'r AhoCorasick,
    before: i64,
    lines: Vec<Met>,
    leads: Vec<Lead>,
}

impl Reader<'_> {
    /// Reads the lines of a block that hold anything looked for.
    fn block(&mut self, place: Place, block: &[u8], parser: &mut Parser) {
        let mut at = 0;
        while let Some(found) = self.searcher.find(&block[at..]) {
            let (start, end) = line_around(block, at + found.start());
            let line = &block[start..end];
            if let Line::Postfix(record) = parser.line(line) {
                let place = Place {
                    at: place.at + start as u64,
                    ..place
                };
                self.line(&record, place, line);
            }
            at = end + 1;
            if at >= block.len() {
                return;
            }
        }
    }

    fn line(&mut self, record: &Record<'_>, place: Place, line: &[u8]) {
        let known = self.known;
        let time = record.time.micros;
        let event = &record.event;
        let mut met = |quarry: usize, told| {
            self.lines.push(Met {
                quarry,
                kept: Kept::new(time, place, line),
                told,
            });
        };
        let Some(id) = record.queue_id else {
            let asked = matches!(
                event,
                Event::Reject(_) | Event::Postscreen { .. } | Event::Connect(_)
            );
            if let Some(client) = term::client(event).filter(|_| asked)
                && let Some(at) = known.clients.get(client.ip)
            {
                met(*at, Told::Other);
            }
            return;
        };
        let own = known.ids.get(id);
        if let Some(at) = own {
            met(*at, told(record));
        }
        if let Some(at) = term::named(event).and_then(|other| known.ids.get(other)) {
            met(*at, Told::Named);
            if own.is_none() {
                self.leads.push(Lead::id(id, time - BLUR, time + BLUR));
            }
        }
        if own.is_some() {
            self.lead_on(event, time);
        } else if let Event::MessageId { message_id, .. } = event
            && let Some(at) = known.message_ids.get(term::core(message_id))
        {
            self.leads.push(Lead {
                same: Some(*at),
                ..Lead::id(id, time - BLUR, time + BLUR)
            });
        }
    }

    /// Where else a line of a message leads.
    fn lead_on(&mut self, event: &Event<'_>, time: i64) {
        if let Some(other) = term::named(event) {
            // A requeued message's old lines stand before, everything else near this line.
            let back = match event {
                Event::Pickup { .. } => HOUR,
                _ => ANSWER,
            };
            self.leads.push(Lead::id(other, time - back, time + ANSWER));
        }
        if let Event::Client(line) = event
            && !is_loopback(line.client.ip)
        {
            self.leads.push(Lead::new(
                Quarry::Client(line.client.ip.into()),
                time - self.before,
                time + ANSWER,
            ));
        }
    }
}

fn told(record: &Record<'_>) -> Told {
    match &record.event {
        Event::Client(line) => Told::Begins {
            loopback: is_loopback(line.client.ip),
        },
        Event::Pickup { .. } => Told::Begins { loopback: false },
        Event::MessageId {
            message_id,
            resent: false,
        } => Told::MessageId(term::core(message_id).into()),
        Event::Removed { .. } | Event::Postsuper(QueueAct::Removed) => Told::Ends,
        Event::Reject(reject) => match reject.verdict {
            Verdict::Hold | Verdict::MilterHold => Told::Queued,
            Verdict::Reject | Verdict::MilterReject | Verdict::Discard | Verdict::MilterDiscard
                if record.service == b"cleanup" =>
            {
                Told::Ends
            }
            _ => Told::Other,
        },
        Event::Delivery(Delivery { status, .. }) => Told::Delivery(*status),
        Event::QueueActive { .. } | Event::Expired { .. } | Event::Postsuper(_) => Told::Queued,
        _ => Told::Other,
    }
}

/// Whether a client is on this host; `unknown` is as little help.
pub(super) fn is_loopback(ip: &[u8]) -> bool {
    ip.starts_with(b"127.") || ip == b"::1" || ip == b"unknown"
}
