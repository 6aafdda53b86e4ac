//! The log screen's state: a bounded ring of lines, what of it is shown, and where the cursor is.

use super::action::Action;
use super::cursor::Cursor;
use super::feed::{Batch, LogLine, Request, Watch, Where};
use super::layer::{Field, FieldEvent, Layer, Popup, Scroll, Toast};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};
use super::pattern::Pattern;
use super::theme::Role;
use std::collections::VecDeque;

/// Most lines kept; with [`MAX_BYTES`] the ring stays under 7 MB, a quarter of what the whole program may use.
pub(crate) const MAX_LINES: usize = 30_000;
/// Most bytes of text kept.
pub(crate) const MAX_BYTES: usize = 5 << 20;
/// Lines tested against a filter before the loop gets a turn: about a millisecond.
const SLICE: i64 = 4_000;
/// Lines of one message shown at most.
const ABOUT: usize = 2_000;
/// Rows of the screen that are not lines: the state line at its top.
pub(crate) const CHROME: usize = 1;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Log {
    ring: VecDeque<LogLine>,
    /// The number of the ring's first line. Numbers count up; history read backwards has negative ones.
    first: i64,
    bytes: usize,
    /// Where the user is.
    pub view: LogView,
    filter: Option<Pattern>,
    /// What is searched for.
    pub search: Option<Pattern>,
    /// With a filter: numbers of the lines that match, in order.
    matched: VecDeque<i64>,
    /// Lines before this number are still to be tested against the filter.
    untested: i64,
    /// Place among the rows.
    pub cursor: Cursor,
}

/// Where the user is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogView {
    /// Whether the newest line is kept in view.
    pub follow: Follow,
    /// The number of the line under the cursor.
    pub at: i64,
    /// Columns scrolled to the right.
    pub column: usize,
    /// The filter as typed.
    pub filter: String,
    /// The search as typed.
    pub search: String,
}

/// Whether the newest line is kept in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// The cursor is on the newest line.
    Newest,
    /// The cursor stays on its line.
    Paused,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            follow: Follow::Newest,
            at: 0,
            column: 0,
            filter: String::new(),
            search: String::new(),
        }
    }
}

impl Log {
    /// How many rows there are: lines that pass the filter.
    pub fn len(&self) -> usize {
        match self.filter {
            Some(_) => self.matched.len(),
            None => self.ring.len(),
        }
    }

    /// How many lines are kept.
    pub fn kept(&self) -> usize {
        self.ring.len()
    }

    /// Whether some lines are not yet tested against the filter.
    pub fn scanning(&self) -> bool {
        self.filter.is_some() && self.untested > self.first
    }

    /// The line of a row.
    pub fn row(&self, row: usize) -> Option<&LogLine> {
        self.line(self.number(row)?)
    }

    /// The kept lines that mention a queue id, oldest first.
    pub fn about(&self, queue_id: &str) -> Vec<LogLine> {
        let finder = memchr::memmem::Finder::new(queue_id);
        self.ring
            .iter()
            .filter(|line| !queue_id.is_empty() && finder.find(&line.text).is_some())
            .take(ABOUT)
            .cloned()
            .collect()
    }

    /// Rows newer than the cursor's.
    pub fn behind(&self) -> usize {
        self.len().saturating_sub(self.cursor.row + 1)
    }

    fn number(&self, row: usize) -> Option<i64> {
        match self.filter {
            Some(_) => self.matched.get(row).copied(),
            None => (row < self.ring.len()).then(|| self.first + signed(row)),
        }
    }

    fn line(&self, number: i64) -> Option<&LogLine> {
        let at = usize::try_from(number - self.first).ok()?;
        self.ring.get(at)
    }

    fn end(&self) -> i64 {
        self.first + signed(self.ring.len())
    }

    /// Takes lines in; history that would push out newer lines is let go.
    pub fn receive(&mut self, batch: Batch) -> Vec<Effect> {
        match batch.place {
            Where::After => {
                for line in batch.lines {
                    if self.filter.as_ref().is_some_and(|f| f.matches(&line.text)) {
                        self.matched.push_back(self.end());
                    }
                    self.bytes += line.text.len();
                    self.ring.push_back(line);
                }
                self.shrink();
                Vec::new()
            }
            Where::Before => {
                for line in batch.lines.into_iter().rev() {
                    if self.ring.len() >= MAX_LINES || self.bytes + line.text.len() > MAX_BYTES {
                        break;
                    }
                    self.bytes += line.text.len();
                    self.ring.push_front(line);
                    self.first -= 1;
                }
                if self.scanning() {
                    vec![Effect::Again]
                } else {
                    Vec::new()
                }
            }
        }
    }

    fn shrink(&mut self) {
        while self.ring.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(line) = self.ring.pop_front() else {
                return;
            };
            self.bytes -= line.text.len();
            self.first += 1;
        }
        while self.matched.front().is_some_and(|n| *n < self.first) {
            self.matched.pop_front();
        }
    }

    /// Tests the next lines against the filter, newest first.
    pub fn scan_more(&mut self) -> Vec<Effect> {
        let Some(filter) = &self.filter else {
            return Vec::new();
        };
        let stop = self.first.max(self.untested - SLICE);
        while self.untested > stop {
            self.untested -= 1;
            let line = usize::try_from(self.untested - self.first)
                .ok()
                .and_then(|at| self.ring.get(at));
            if line.is_some_and(|l| filter.matches(&l.text)) {
                self.matched.push_front(self.untested);
            }
        }
        if self.scanning() {
            vec![Effect::Again]
        } else {
            Vec::new()
        }
    }

    fn set_filter(&mut self, typed: &str) -> Result<Vec<Effect>, String> {
        self.filter = Pattern::new(typed)?;
        typed.clone_into(&mut self.view.filter);
        self.matched.clear();
        self.untested = self.end();
        Ok(self.scan_more())
    }

    fn set_search(&mut self, typed: &str) -> Result<(), String> {
        self.search = Pattern::new(typed)?;
        typed.clone_into(&mut self.view.search);
        Ok(())
    }

    /// Goes to the next row that matches the search, or with a filter alone to the next row.
    fn find(&mut self, back: Direction) -> Option<Toast> {
        if self.search.is_none() && self.filter.is_none() {
            return Some(Toast::info("nothing searched for yet: type \\ and a text"));
        }
        let pattern = self.search.clone();
        let here = self.cursor.row;
        // Every row that a filter lets through is a match of it.
        let hit = |row: &usize| {
            let line = self.row(*row);
            line.is_some_and(|l| pattern.as_ref().is_none_or(|p| p.matches(&l.text)))
        };
        let found = match back {
            Direction::Newer => (here + 1..self.len()).find(hit),
            Direction::Older => (0..here).rev().find(hit),
        };
        match found {
            Some(row) => {
                self.move_to(row);
                None
            }
            None => Some(Toast::info(match back {
                Direction::Newer => "no newer match",
                Direction::Older => "no older match",
            })),
        }
    }

    fn move_to(&mut self, row: usize) {
        self.view.follow = Follow::Paused;
        if let Some(number) = self.number(row) {
            self.view.at = number;
        }
    }

    /// The row of the line under the cursor, or the nearest one after it.
    fn row_of(&self, number: i64) -> usize {
        match self.filter {
            Some(_) => self.matched.partition_point(|n| *n < number),
            None => usize::try_from(number - self.first).unwrap_or(0),
        }
    }

    fn toggle(&mut self) {
        self.view.follow = match self.view.follow {
            Follow::Newest => Follow::Paused,
            Follow::Paused => Follow::Newest,
        };
    }
}

/// Which way a search goes.
#[derive(Debug, Clone, Copy)]
enum Direction {
    Newer,
    Older,
}

impl Pane for Log {
    type View = LogView;

    fn view(&self) -> LogView {
        self.view.clone()
    }

    fn restore(&mut self, view: LogView, _world: &World) -> Vec<Effect> {
        let typed = view.filter.clone();
        let search = view.search.clone();
        self.view = view;
        // Both were compiled before.
        let _ = self.set_search(&search);
        self.set_filter(&typed).unwrap_or_default()
    }

    fn enter(&mut self, target: Option<Target>, _world: &World) -> Vec<Effect> {
        let mut effects = vec![Effect::Feed(Request::Watch(Watch::Lines))];
        if let Some(Target::Lines(text)) = target {
            self.view.column = 0;
            effects.extend(self.set_filter(&text).unwrap_or_default());
        }
        effects
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        let page = world.rows().saturating_sub(CHROME);
        match action {
            Action::Pause => self.toggle(),
            Action::Bottom => self.view.follow = Follow::Newest,
            Action::Left | Action::LeftHjkl => {
                self.view.column = self.view.column.saturating_sub(20);
            }
            Action::Right => self.view.column = (self.view.column + 20).min(4_000),
            Action::NextMatch | Action::PreviousMatch => {
                let direction = match action {
                    Action::NextMatch => Direction::Newer,
                    _ => Direction::Older,
                };
                return Outcome {
                    toast: self.find(direction),
                    ..Outcome::default()
                };
            }
            Action::Open => return self.open(world),
            action => {
                let before = self.cursor.row;
                if self.cursor.act(action, self.len(), page) && before != self.cursor.row {
                    self.move_to(self.cursor.row);
                }
            }
        }
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        let Some(line) = self.row(self.cursor.row) else {
            return Subject::default();
        };
        let cut = |place: Option<(u16, u8)>| {
            let (start, len) = place?;
            let range = usize::from(start)..usize::from(start) + usize::from(len);
            line.text
                .get(range)
                .map(|b| crate::sanitize::line(b).into_owned())
        };
        Subject {
            client: cut(line.client),
            queue_id: cut(line.queue_id),
            line: Some(crate::sanitize::line(&line.text).into_owned()),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        match field {
            Field::Filter => Some(self.view.filter.clone()),
            Field::Search => Some(self.view.search.clone()),
            _ => None,
        }
    }

    fn field(
        &mut self,
        field: Field,
        event: FieldEvent,
        text: &str,
        _world: &World,
    ) -> Result<Vec<Effect>, String> {
        match field {
            Field::Filter => self.set_filter(text),
            Field::Search => {
                self.set_search(text)?;
                if event == FieldEvent::Done && !text.is_empty() {
                    // From the newest backwards: what a reader of a live log looks for is recent.
                    self.find(Direction::Older);
                }
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        let len = self.len();
        match self.view.follow {
            Follow::Newest => {
                self.cursor.row = len.saturating_sub(1);
                self.cursor.top = len.saturating_sub(page);
            }
            Follow::Paused => self.cursor.follow(self.row_of(self.view.at)),
        }
        self.cursor.settle(len, page);
        if let Some(number) = self.number(self.cursor.row) {
            self.view.at = number;
        }
    }
}

impl Log {
    fn open(&self, world: &World) -> Outcome {
        let subject = self.subject(world);
        if let Some(queue_id) = subject.queue_id {
            return Outcome {
                go: Some(Target::Life { queue_id }),
                ..Outcome::default()
            };
        }
        let Some(line) = subject.line else {
            return Outcome::default();
        };
        Outcome::layer(Layer::Popup(Popup {
            title: "log line".to_owned(),
            lines: vec![(Role::Text, line)],
            scroll: Scroll::default(),
        }))
    }
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
