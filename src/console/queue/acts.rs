//! Acts of the queue screen: the question before, the results after, and the way back.
//!
//! A question shows what it would touch and the command line that does the same; it acts on the messages as they
//! were when it was asked, and the task looks at each of them once more.

use super::list::{domain, sender};
use super::{Grouping, Ident, Queue, Request};
use crate::console::action::Action as Key;
use crate::console::layer::{Confirm, Layer, Popup, Scroll, Toast};
use crate::console::message::Effect;
use crate::console::pane::{Outcome, ReadOnly, World};
use crate::console::theme::Role;
use crate::control::Outcome as Became;
use crate::queue::act::{Report, equivalent};
use crate::queue::{Action, Entry, QueueName};
use std::collections::HashMap;

/// Results listed one by one before the rest is only counted.
const LISTED: usize = 200;

/// What would undo the last act.
#[derive(Debug, Clone)]
pub(crate) enum Undo {
    /// The other of hold and release, on these messages.
    Act(Action, Vec<Entry>),
    /// Nothing can: why.
    Impossible(&'static str),
}

/// The messages an act is about, and how they were chosen.
struct Chosen {
    entries: Vec<Entry>,
    words: String,
    selector: String,
    /// How many of them the filter or a group hides from view.
    hidden: usize,
}

impl Queue {
    /// Asks before an act.
    pub(super) fn ask(&mut self, key: Key, world: &World) -> Outcome {
        if world.read_only == ReadOnly::Yes {
            return refuse("read-only (mailtop was started with --read-only): nothing is changed");
        }
        if self.acting {
            return refuse("the last act is still under way");
        }
        let action = match key {
            Key::Flush => Action::Flush,
            Key::Hold => Action::Hold,
            Key::Release => Action::Release,
            Key::Requeue => Action::Requeue,
            Key::Delete => Action::Delete,
            Key::FlushAll => return self.ask_flush_all(world),
            _ => return self.ask_undo(world),
        };
        match self.choose(world) {
            Some(chosen) => self.question(action, key, chosen, world),
            None => refuse("there is no message here"),
        }
    }

    fn choose(&self, world: &World) -> Option<Chosen> {
        if let Some(entry) = self.chosen().filter(|_| self.view.open.is_some()) {
            return Some(one(entry));
        }
        if self.marks.len() > 0 {
            let entries: Vec<Entry> = self
                .list
                .entries
                .iter()
                .filter(|e| self.marks.contains(e))
                .cloned()
                .collect();
            let seen = self.list.shown().filter(|e| self.marks.contains(e)).count();
            return Some(Chosen {
                words: "marked".to_owned(),
                selector: "marked by hand".to_owned(),
                hidden: entries.len() - seen,
                entries,
            });
        }
        if let Some(group) = self.chosen_group() {
            let by = self.view.group;
            let entries: Vec<Entry> = self
                .list
                .members(by, &group.key, world.now)
                .cloned()
                .collect();
            let unfiltered = self.members_hidden(by, &group.key, world);
            let group_name = format!("{} {}", by.title(), group.key);
            return Some(Chosen {
                words: match unfiltered {
                    0 => group_name,
                    n => format!("{group_name} ({n} more do not match the filter and stay)"),
                },
                selector: self.selector(by, &group.key),
                hidden: 0,
                entries,
            });
        }
        self.chosen().map(one)
    }

    /// Members of a group that the filter leaves out: they are not acted on.
    fn members_hidden(&self, by: Grouping, key: &str, world: &World) -> usize {
        let Some(filter) = self.filter() else {
            return 0;
        };
        let mut all = super::List {
            entries: Vec::new(),
            ..super::List::default()
        };
        let view = super::QueueView {
            within: self.view.within.clone(),
            ..super::QueueView::default()
        };
        all.entries.clone_from(&self.list.entries);
        all.arrange(&view, None, world.now);
        all.members(by, key, world.now)
            .filter(|e| !super::list::matches(e, filter))
            .count()
    }

    fn selector(&self, by: Grouping, key: &str) -> String {
        let mut parts: Vec<String> = self
            .view
            .within
            .iter()
            .map(|(by, key)| format!("{} {key}", by.title()))
            .collect();
        parts.push(format!("{} {key}", by.title()));
        if !self.view.filter.is_empty() {
            parts.push(format!("matching {}", self.view.filter));
        }
        parts.join(" and ")
    }

    fn question(&self, action: Action, key: Key, chosen: Chosen, world: &World) -> Outcome {
        let all = chosen.entries.len();
        let entries: Vec<Entry> = chosen
            .entries
            .into_iter()
            .filter(|e| suits(action, e.queue_name))
            .collect();
        if entries.is_empty() {
            return refuse(unsuited(action));
        }
        let mut body = Vec::new();
        let what = match entries.len() {
            1 => "1 message".to_owned(),
            n => format!("{n} messages"),
        };
        let size: u64 = entries.iter().map(|e| e.message_size).sum();
        body.push((
            Role::Title,
            format!("{what}, {size} bytes: {}", chosen.words),
        ));
        if all > entries.len() {
            let rest = all - entries.len();
            body.push((
                Role::Dim,
                format!("{rest} more are left out: {}", unsuited(action)),
            ));
        }
        describe(&entries, world, &mut body);
        body.push(match chosen.hidden {
            0 => (Role::Dim, "none of them is hidden by the filter".to_owned()),
            n => (
                Role::Warn,
                format!("{n} of them are hidden: they do not match the filter in view"),
            ),
        });
        if let Some(why) = self.source.as_ref().and_then(|s| s.powerless)
            && action != Action::Flush
        {
            body.push((Role::Bad, format!("this will be refused: {why}")));
        }
        if action == Action::Delete {
            body.push((Role::Bad, "this cannot be undone".to_owned()));
        }
        if action == Action::Requeue {
            body.push((
                Role::Warn,
                "each gets a new queue id and passes cleanup and rewriting again".to_owned(),
            ));
        }
        let ids: Vec<&str> = entries.iter().map(|e| e.queue_id.as_str()).collect();
        let command = equivalent(&world.server, action, &ids);
        body.push((Role::Text, String::new()));
        body.push((Role::Dim, format!("the same as: {command}")));
        let answer = match (action, entries.len()) {
            (Action::Delete, n) if n > 1 => n.to_string(),
            _ => yes(key, world),
        };
        Outcome::layer(Layer::Confirm(Confirm {
            title: format!("{} {what}?", action.as_str()),
            body,
            answer,
            typed: String::new(),
            word: action.as_str(),
            accept: vec![Effect::Queue(Request::Act {
                action,
                entries,
                selector: chosen.selector,
            })],
            scroll: Scroll::default(),
        }))
    }

    fn ask_flush_all(&self, world: &World) -> Outcome {
        let waiting = self
            .list
            .entries
            .iter()
            .filter(|e| e.queue_name == QueueName::Deferred)
            .count();
        let command = equivalent(&world.server, Action::Flush, &[]);
        Outcome::layer(Layer::Confirm(Confirm {
            title: "flush the whole queue?".to_owned(),
            body: vec![
                (
                    Role::Title,
                    format!("{waiting} deferred messages are tried at once"),
                ),
                (
                    Role::Warn,
                    "mail for destinations that are down is deferred again, and costs time"
                        .to_owned(),
                ),
                (Role::Text, String::new()),
                (Role::Dim, format!("the same as: {command}")),
            ],
            answer: yes(Key::FlushAll, world),
            typed: String::new(),
            word: "flush",
            accept: vec![Effect::Queue(Request::FlushAll)],
            scroll: Scroll::default(),
        }))
    }

    fn ask_undo(&self, world: &World) -> Outcome {
        match &self.undo {
            None => refuse("nothing to undo: neither hold nor release was done here"),
            Some(Undo::Impossible(why)) => refuse(why),
            Some(Undo::Act(action, entries)) => {
                let chosen = Chosen {
                    entries: self.as_they_are(entries),
                    words: "of the last act".to_owned(),
                    selector: "undo of the last act".to_owned(),
                    hidden: 0,
                };
                if chosen.entries.is_empty() {
                    return refuse("none of the messages of the last act is in the queue any more");
                }
                self.question(*action, Key::Undo, chosen, world)
            }
        }
    }

    /// The messages as the last reading saw them.
    fn as_they_are(&self, entries: &[Entry]) -> Vec<Entry> {
        let by_id: HashMap<&str, &Entry> = self
            .list
            .entries
            .iter()
            .map(|e| (e.queue_id.as_str(), e))
            .collect();
        entries
            .iter()
            .filter_map(|e| by_id.get(e.queue_id.as_str()).copied().map(|now| (e, now)))
            .filter(|(e, now)| Ident::of(e).is(now))
            .map(|(_, now)| now.clone())
            .collect()
    }

    /// An answered question's effects are carried out now.
    pub fn begin(&mut self, effects: &[Effect]) {
        self.acting |= effects.iter().any(|effect| {
            matches!(
                effect,
                Effect::Queue(Request::Act { .. } | Request::FlushAll)
            )
        });
    }

    /// What became of an act.
    pub(super) fn acted(&mut self, action: Action, entries: &[Entry], report: &Report) -> Outcome {
        self.acting = false;
        let mut done = Vec::new();
        for (entry, result) in entries.iter().zip(&report.results) {
            if result.outcome == Became::Done {
                self.marks.remove(entry);
                done.push(entry.clone());
            }
        }
        if !done.is_empty() {
            self.undo = Some(match action {
                Action::Hold => Undo::Act(Action::Release, done),
                Action::Release => Undo::Act(Action::Hold, done),
                Action::Flush => Undo::Impossible("a flush cannot be undone"),
                Action::Requeue => Undo::Impossible("a requeue cannot be undone"),
                Action::Delete => Undo::Impossible("a delete cannot be undone"),
            });
        }
        let mut outcome = told(action, report);
        outcome.effects = self.read_after_act();
        outcome
    }

    /// What became of a flush of everything.
    pub(super) fn flushed_all(&mut self, result: Result<Report, String>) -> Outcome {
        self.acting = false;
        let mut outcome = Outcome::toast(match result {
            Ok(report) => match report.audit_problem {
                None => Toast::info(format!("asked for: {}", report.command)),
                Some(problem) => {
                    Toast::bad(format!("flushed, but not in the audit log: {problem}"))
                }
            },
            Err(error) => Toast::bad(error),
        });
        outcome.effects = self.read_after_act();
        outcome
    }

    fn read_after_act(&mut self) -> Vec<Effect> {
        // A reading under way may have begun before the act.
        self.stale = self.reading;
        self.read()
    }
}

fn one(entry: &Entry) -> Chosen {
    Chosen {
        words: entry.queue_id.clone(),
        selector: "chosen by hand".to_owned(),
        hidden: 0,
        entries: vec![entry.clone()],
    }
}

fn refuse(why: &str) -> Outcome {
    Outcome::toast(Toast::bad(why))
}

/// `y`, unless that is the key that asked.
fn yes(key: Key, world: &World) -> String {
    match world.keymap.shown(key).as_str() {
        "y" => "ok",
        _ => "y",
    }
    .to_owned()
}

/// Whether an act changes anything for a message in this queue.
fn suits(action: Action, queue: QueueName) -> bool {
    match action {
        Action::Flush | Action::Hold => queue != QueueName::Hold,
        Action::Release => queue == QueueName::Hold,
        Action::Requeue | Action::Delete => true,
    }
}

fn unsuited(action: Action) -> &'static str {
    match action {
        Action::Release => "not on hold",
        Action::Flush => "on hold: release first",
        _ => "already on hold",
    }
}

/// Oldest, top senders, top destinations.
fn describe(entries: &[Entry], world: &World, body: &mut Vec<(Role, String)>) {
    if let Some(oldest) = entries.iter().min_by_key(|e| e.arrival_time) {
        let age = crate::console::words::age(world.now - oldest.arrival_time);
        let (id, from) = (&oldest.queue_id, sender(oldest));
        body.push((Role::Text, format!("oldest: {age}, {id} from {from}")));
    }
    let senders = top(entries.iter().map(|e| sender(e).to_owned()));
    body.push((Role::Text, format!("senders: {senders}")));
    let recipients = entries.iter().flat_map(|e| &e.recipients);
    let destinations = top(recipients.map(|r| domain(&r.address)));
    body.push((Role::Text, format!("destinations: {destinations}")));
}

/// The most frequent values with their counts.
fn top(values: impl Iterator<Item = String>) -> String {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let more = counts.len().saturating_sub(4);
    let mut parts: Vec<String> = counts
        .into_iter()
        .take(4)
        .map(|(value, count)| format!("{value} ({count})"))
        .collect();
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join(", ")
}

/// The results as a line, or as a list when not all went well.
fn told(action: Action, report: &Report) -> Outcome {
    let counts: Vec<String> = [
        (Became::Done, "done"),
        (Became::Missing, "no longer there"),
        (Became::Changed, "changed since and left alone"),
        (Became::Refused, "refused"),
    ]
    .into_iter()
    .filter_map(|(outcome, word)| match report.count(outcome) {
        0 => None,
        n => Some(format!("{n} {word}")),
    })
    .collect();
    let summary = format!("{}: {}", action.as_str(), counts.join(", "));
    let well = report.count(Became::Done) == report.results.len();
    if well && report.audit_problem.is_none() {
        return Outcome::toast(Toast::info(format!("{summary} ({})", report.command)));
    }
    let mut lines = vec![(Role::Title, summary)];
    if let Some(problem) = &report.audit_problem {
        lines.push((
            Role::Warn,
            format!("this act is not in the audit log: {problem}"),
        ));
    }
    let worst_first = [
        (Became::Refused, "refused", Role::Bad),
        (Became::Changed, "changed", Role::Warn),
        (Became::Missing, "missing", Role::Warn),
        (Became::Done, "done", Role::Good),
    ];
    for (outcome, word, role) in worst_first {
        let of_this = report.results.iter().filter(|r| r.outcome == outcome);
        lines.extend(of_this.map(|r| {
            let detail = r.detail.as_deref().unwrap_or_default();
            (role, format!("{word:8} {}  {detail}", r.id))
        }));
    }
    let rest = lines.len().saturating_sub(LISTED);
    lines.truncate(LISTED);
    if rest > 0 {
        lines.push((
            Role::Dim,
            format!("and {rest} more; the audit log has them all"),
        ));
    }
    lines.push((Role::Dim, format!("the same as: {}", report.command)));
    Outcome::layer(Layer::Popup(Popup {
        title: "not all was done".to_owned(),
        lines,
        scroll: Scroll::default(),
    }))
}
