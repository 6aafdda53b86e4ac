//! The queue screen's state: what was read, what is shown of it, what is marked, and the message that is open.
//!
//! In: readings of the queue and results of acts ([`task`]). Out: requests for them. Cursor, marks and the open
//! message hold to a message ([`Ident`]), never to a row. Nothing is acted on without a question ([`acts`]).

mod acts;
pub(crate) mod list;
mod opened;
pub(crate) mod task;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use list::{Ident, List, Marks};
pub(crate) use opened::Opened;
pub(crate) use task::{Answer, Request};

use super::action::Action;
use super::cursor::Cursor;
use super::layer::{Field, FieldEvent, Toast};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};
use super::pattern::Pattern;
use crate::attach::Kind;
use crate::queue::{Entry, Way};
use acts::Undo;
use task::Reading;

/// Rows that are no messages: state, column heads, and two rows about the message under the cursor.
pub(crate) const CHROME: usize = 4;

/// Seconds between two readings of a small queue.
const PAUSE: f64 = 3.0;
/// A large queue is read so seldom that reading takes at most this part of the time.
const SHARE: f64 = 0.1;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Where the user is.
    pub view: QueueView,
    /// The queue and its rows.
    pub list: List,
    /// The chosen messages.
    pub marks: Marks,
    /// How the queue was read last; `None` before the first time.
    pub source: Option<Source>,
    /// The message that is open, once it was read.
    pub opened: Option<Opened>,
    /// Whether an act is under way.
    pub acting: bool,
    filter: Option<Pattern>,
    /// The marks before a range was begun, and where it began.
    range: Option<(Marks, Ident)>,
    undo: Option<Undo>,
    reading: bool,
    /// Something was done while a reading was under way: it may show the queue before that.
    stale: bool,
    next_read: f64,
    /// A reading that came while a question was open.
    waiting: Option<Reading>,
}

/// How the queue was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    /// By which way; `None` when it could not be read.
    pub way: Option<Way>,
    /// Why not in a better way, or not at all.
    pub why: Option<String>,
    /// Files that could not be understood.
    pub problems: Vec<String>,
    /// Why this process may not act, when it may not.
    pub powerless: Option<&'static str>,
}

/// Where the user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueView {
    /// The filter, as typed.
    pub filter: String,
    /// The order.
    pub sort: Sort,
    /// By what the rows are gathered.
    pub group: Grouping,
    /// The groups that were gone into.
    pub within: Vec<(Grouping, String)>,
    /// Which columns are shown.
    pub columns: Columns,
    /// Place in the list.
    pub cursor: Cursor,
    /// What is under the cursor.
    at: Option<At>,
    /// The message that is open.
    pub open: Option<Ident>,
    /// The first line of its text that is shown.
    pub top: usize,
    /// Columns of its text that are scrolled away.
    pub left: usize,
}

/// What is under the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Message(Ident),
    Group(String),
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    /// Oldest first; of groups, the largest.
    #[default]
    Oldest,
    /// Newest first; of groups, the oldest.
    Newest,
    /// Largest first.
    Size,
    /// By sender; of groups, by name, as the next two.
    Sender,
    /// By recipient, domain first.
    Recipient,
    /// By reason.
    Reason,
    /// Those tried soonest first.
    NextTry,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Oldest => Self::Newest,
            Self::Newest => Self::Size,
            Self::Size => Self::Sender,
            Self::Sender => Self::Recipient,
            Self::Recipient => Self::Reason,
            Self::Reason => Self::NextTry,
            Self::NextTry => Self::Oldest,
        }
    }

    /// Groups have four orders: count, age, size, name.
    fn next_of_groups(self) -> Self {
        match self {
            Self::Oldest | Self::NextTry => Self::Newest,
            Self::Newest => Self::Size,
            Self::Size => Self::Sender,
            Self::Sender | Self::Recipient | Self::Reason => Self::Oldest,
        }
    }

    /// Its name on the screen.
    pub fn title(self, group: Grouping) -> &'static str {
        match (self, group) {
            (Self::Newest, Grouping::None) => "newest first",
            (Self::Size, _) => "largest first",
            (Self::Sender, Grouping::None) => "by sender",
            (Self::Recipient, Grouping::None) => "by recipient",
            (Self::Reason, Grouping::None) => "by reason",
            (Self::NextTry, Grouping::None) => "by next try",
            (Self::Oldest, Grouping::None) | (_, Grouping::Age) | (Self::Newest, _) => {
                "oldest first"
            }
            (Self::Oldest | Self::NextTry, _) => "most first",
            (Self::Sender | Self::Recipient | Self::Reason, _) => "by name",
        }
    }
}

/// By what the rows are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Grouping {
    /// Each message is a row.
    #[default]
    None,
    /// Destination domain.
    Domain,
    /// The reason, with addresses and numbers left out.
    Cause,
    /// Sender.
    Sender,
    /// Age, in qshape's classes.
    Age,
}

impl Grouping {
    /// All of them, in the order of the key.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Domain,
        Self::Cause,
        Self::Sender,
        Self::Age,
    ];

    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "message",
            Self::Domain => "destination",
            Self::Cause => "cause",
            Self::Sender => "sender",
            Self::Age => "age",
        }
    }
}

/// Sets of columns for a terminal that has no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Columns {
    /// Something of everything.
    #[default]
    All,
    /// Recipient and reason, with room.
    Reason,
    /// Arrival and next try.
    Times,
}

/// Whether rows may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// They follow the queue.
    Live,
    /// A question is open: nothing moves under it.
    Frozen,
}

impl Queue {
    /// Takes what a background task brings.
    pub fn receive(&mut self, answer: Answer, order: Order, world: &World) -> Outcome {
        match answer {
            Answer::Read(reading) => {
                self.reading = false;
                self.next_read = world.now as f64 + PAUSE.max(reading.took / SHARE);
                if order == Order::Frozen {
                    self.waiting = Some(reading);
                } else {
                    self.take(reading, world);
                }
                if std::mem::take(&mut self.stale) {
                    return Outcome::effects(self.read());
                }
                Outcome::default()
            }
            Answer::Content { id, text } => {
                let wanted = self.view.open.as_ref().filter(|open| open.id == id);
                if wanted.is_some() {
                    self.opened = Some(Opened::new(text));
                }
                Outcome::default()
            }
            Answer::Acted {
                action,
                entries,
                report,
            } => self.acted(action, &entries, &report),
            Answer::FlushedAll(result) => self.flushed_all(result),
        }
    }

    /// Shows what came while a question was open.
    pub fn thaw(&mut self, world: &World) {
        if let Some(reading) = self.waiting.take() {
            self.take(reading, world);
        }
    }

    fn take(&mut self, reading: Reading, world: &World) {
        let powerless = reading.powerless;
        let source = match reading.listing {
            Ok(listing) => {
                let changed = self.list.take(listing.entries, &mut self.marks);
                // Messages grow older even when the queue stays as it is.
                if changed || self.view.group == Grouping::Age {
                    self.arrange(world);
                }
                Source {
                    way: Some(listing.way),
                    why: listing.why_not_better,
                    problems: listing.problems,
                    powerless,
                }
            }
            // What was read before stays in view, below the reason why there is nothing newer.
            Err(error) => Source {
                way: None,
                why: Some(error),
                problems: Vec::new(),
                powerless,
            },
        };
        self.source = Some(source);
    }

    /// Filters, groups and orders anew; the cursor stays on what it was on.
    fn arrange(&mut self, world: &World) {
        self.list
            .arrange(&self.view, self.filter.as_ref(), world.now);
        let row = match &self.view.at {
            Some(At::Message(ident)) => self
                .list
                .rows
                .iter()
                .position(|at| ident.is(&self.list.entries[*at])),
            Some(At::Group(key)) => self.list.groups.iter().position(|g| g.key == *key),
            None => None,
        };
        if let Some(row) = row {
            self.view.cursor.follow(row);
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self.view.group {
            Grouping::None => self.list.rows.len(),
            _ => self.list.groups.len(),
        }
    }

    /// The message under the cursor, or the open one.
    pub fn chosen(&self) -> Option<&Entry> {
        if let Some(open) = &self.view.open {
            return self.list.find(open);
        }
        match self.view.group {
            Grouping::None => self.list.entry(self.view.cursor.row),
            _ => None,
        }
    }

    /// The group under the cursor.
    pub fn chosen_group(&self) -> Option<&list::Group> {
        match self.view.group {
            Grouping::None => None,
            _ => self.list.groups.get(self.view.cursor.row),
        }
    }

    /// Whether a range is being marked.
    pub fn is_ranging(&self) -> bool {
        self.range.is_some()
    }

    /// The filter in force.
    pub fn filter(&self) -> Option<&Pattern> {
        self.filter.as_ref()
    }

    fn read(&mut self) -> Vec<Effect> {
        if self.reading {
            return Vec::new();
        }
        self.reading = true;
        vec![Effect::Queue(Request::Read)]
    }

    /// Remembers what the cursor is on, and marks along when a range is open.
    fn moved(&mut self) {
        self.view.at = match self.chosen_group() {
            Some(group) => Some(At::Group(group.key.clone())),
            None => self
                .list
                .entry(self.view.cursor.row)
                .map(|entry| At::Message(Ident::of(entry))),
        };
        let Some((before, from)) = &self.range else {
            return;
        };
        let Some(from) = self.list.shown().position(|e| from.is(e)) else {
            return;
        };
        let here = self.view.cursor.row;
        self.marks = before.clone();
        for row in from.min(here)..=from.max(here) {
            if let Some(entry) = self.list.entry(row) {
                self.marks.add(entry);
            }
        }
    }

    fn mark(&mut self, world: &World) -> Outcome {
        let members: Vec<Entry> = match (self.chosen_group(), self.chosen()) {
            (Some(group), _) => {
                let key = group.key.clone();
                self.list
                    .members(self.view.group, &key, world.now)
                    .cloned()
                    .collect()
            }
            (None, Some(entry)) => vec![entry.clone()],
            (None, None) => return Outcome::default(),
        };
        let marked = members.iter().all(|e| self.marks.contains(e));
        for entry in &members {
            if marked {
                self.marks.remove(entry);
            } else {
                self.marks.add(entry);
            }
        }
        if self.view.open.is_none() {
            let page = world.rows().saturating_sub(CHROME);
            self.view.cursor.act(Action::Down, self.len(), page);
            self.moved();
        }
        Outcome::default()
    }

    fn mark_range(&mut self) -> Outcome {
        if self.range.take().is_some() {
            return Outcome::toast(Toast::info(format!("{} marked", self.marks.len())));
        }
        let Some(entry) = self.chosen().filter(|_| self.view.open.is_none()) else {
            return Outcome::toast(Toast::info("ranges are marked in the list of messages"));
        };
        let from = Ident::of(entry);
        self.range = Some((self.marks.clone(), from));
        self.moved();
        Outcome::default()
    }

    fn mark_all(&mut self) -> Outcome {
        let mut marks = std::mem::take(&mut self.marks);
        for entry in self.list.shown() {
            marks.add(entry);
        }
        self.marks = marks;
        self.range = None;
        Outcome::toast(Toast::info(format!("{} marked", self.marks.len())))
    }

    fn regroup(&mut self, step: usize, world: &World) -> Outcome {
        let at = Grouping::ALL
            .iter()
            .position(|g| *g == self.view.group)
            .unwrap_or(0);
        self.view.group = Grouping::ALL[(at + step) % Grouping::ALL.len()];
        self.view.cursor = Cursor::default();
        self.view.at = None;
        self.range = None;
        self.arrange(world);
        Outcome::default()
    }

    fn open(&mut self, world: &World) -> Outcome {
        if let Some(group) = self.chosen_group() {
            let key = group.key.clone();
            self.view.within.push((self.view.group, key));
            self.view.group = Grouping::None;
            self.view.cursor = Cursor::default();
            self.view.at = None;
            self.arrange(world);
            self.moved();
            return Outcome::step(Vec::new());
        }
        match self.chosen() {
            Some(entry) if self.view.open.is_none() => {
                let ident = Ident::of(entry);
                let effects = self.show(ident);
                Outcome::step(effects)
            }
            _ => Outcome::default(),
        }
    }

    fn show(&mut self, ident: Ident) -> Vec<Effect> {
        let id = ident.id.clone();
        self.opened = None;
        self.view.open = Some(ident);
        self.view.top = 0;
        self.view.left = 0;
        vec![Effect::Queue(Request::Content { id })]
    }

    fn act_opened(&mut self, action: Action, world: &World) {
        let page = world.rows().saturating_sub(opened::CHROME);
        let lines = self.opened.as_ref().map_or(0, |o| o.lines.len());
        // The text scrolls; a cursor row of its own would only cost a key press.
        let last = lines.saturating_sub(page);
        let mut cursor = Cursor {
            row: self.view.top,
            top: self.view.top,
        };
        match action {
            Action::Right => self.view.left += 8,
            Action::Left => self.view.left = self.view.left.saturating_sub(8),
            action => {
                cursor.act(action, last + 1, page);
            }
        }
        self.view.top = cursor.row;
    }
}

impl Pane for Queue {
    type View = QueueView;

    fn view(&self) -> QueueView {
        self.view.clone()
    }

    fn restore(&mut self, view: QueueView, world: &World) -> Vec<Effect> {
        self.filter = Pattern::new(&view.filter).ok().flatten();
        self.view = view;
        self.range = None;
        self.opened = None;
        self.arrange(world);
        let mut effects = self.read();
        if let Some(open) = &self.view.open {
            effects.push(Effect::Queue(Request::Content {
                id: open.id.clone(),
            }));
        }
        effects
    }

    fn enter(&mut self, target: Option<Target>, world: &World) -> Vec<Effect> {
        if world.server.kind == Kind::LogOnly {
            return self.read();
        }
        if let Some(Target::QueueEntry(id)) = target {
            self.view = QueueView {
                sort: self.view.sort,
                columns: self.view.columns,
                ..QueueView::default()
            };
            // The entry may not have been read yet: the filter finds it as soon as it is.
            self.filter = Pattern::new(&id).ok().flatten();
            self.view.filter = id;
            self.range = None;
            self.opened = None;
            self.arrange(world);
        }
        self.read()
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        match action {
            Action::Flush
            | Action::FlushAll
            | Action::Hold
            | Action::Release
            | Action::Requeue
            | Action::Delete
            | Action::Undo => return self.ask(action, world),
            Action::Mark => return self.mark(world),
            Action::Unmark => {
                self.marks = Marks::default();
                self.range = None;
            }
            Action::Open | Action::Content => return self.open(world),
            action if self.view.open.is_some() => self.act_opened(action, world),
            Action::MarkRange => return self.mark_range(),
            Action::MarkAll => return self.mark_all(),
            Action::Group => return self.regroup(1, world),
            Action::GroupBack => return self.regroup(Grouping::ALL.len() - 1, world),
            Action::Sort => {
                self.view.sort = match self.view.group {
                    Grouping::None => self.view.sort.next(),
                    _ => self.view.sort.next_of_groups(),
                };
                self.arrange(world);
            }
            Action::Columns => {
                self.view.columns = match self.view.columns {
                    Columns::All => Columns::Reason,
                    Columns::Reason => Columns::Times,
                    Columns::Times => Columns::All,
                };
            }
            action => {
                let page = world.rows().saturating_sub(CHROME);
                if self.view.cursor.act(action, self.len(), page) {
                    self.moved();
                }
            }
        }
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        let open = self.view.open.as_ref().map(|open| open.id.clone());
        if let Some(group) = self.chosen_group() {
            return Subject {
                address: matches!(self.view.group, Grouping::Domain | Grouping::Sender)
                    .then(|| group.key.clone()),
                line: Some(group.key.clone()),
                ..Subject::default()
            };
        }
        let Some(entry) = self.chosen() else {
            return Subject {
                line: open.clone(),
                queue_id: open,
                ..Subject::default()
            };
        };
        Subject {
            queue_id: Some(entry.queue_id.clone()),
            address: entry.recipients.first().map(|r| r.address.clone()),
            line: Some(entry.queue_id.clone()),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        (field == Field::Filter && self.view.open.is_none()).then(|| self.view.filter.clone())
    }

    fn field(
        &mut self,
        _field: Field,
        _event: FieldEvent,
        text: &str,
        world: &World,
    ) -> Result<Vec<Effect>, String> {
        self.filter = Pattern::new(text)?;
        text.clone_into(&mut self.view.filter);
        self.range = None;
        self.arrange(world);
        Ok(Vec::new())
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        self.view.cursor.settle(self.len(), page);
        if self.view.at.is_none() && self.len() > 0 && self.view.open.is_none() {
            self.moved();
        }
        let lines = self.opened.as_ref().map_or(0, |o| o.lines.len());
        let page = world.rows().saturating_sub(opened::CHROME);
        self.view.top = self.view.top.min(lines.saturating_sub(page));
        let longest = self.opened.as_ref().map_or(0, |o| o.longest);
        self.view.left = self.view.left.min(longest);
    }

    fn tick(&mut self, world: &World) -> Vec<Effect> {
        if (world.now as f64) < self.next_read {
            return Vec::new();
        }
        self.read()
    }

    fn ages(&self) -> bool {
        true
    }
}
