//! The messages screen's state: what was looked for, what was found, and the one message that is open.

use super::action::Action;
use super::cursor::Cursor;
use super::feed::{Found, Life, MessageRow, Request, Watch};
use super::layer::{Field, FieldEvent};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};
use std::cmp::Reverse;

/// Rows of the list that are not messages: the state line and the column heads.
pub(crate) const CHROME: usize = 2;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// Where the user is.
    pub view: MessagesView,
    /// What was found, in the order shown.
    pub found: Found,
    /// The open message; `None` while it is fetched.
    pub life: Option<Life>,
    ticket: u64,
}

/// Where the user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MessagesView {
    /// What was typed.
    pub text: String,
    /// The order of the list.
    pub sort: Sort,
    /// Place in the list.
    pub cursor: Cursor,
    /// The queue id under the cursor: the selection holds to it while rows come and go.
    at: Option<String>,
    /// The message that is open, by queue id.
    pub open: Option<String>,
    /// Place in the open message.
    pub inner: Cursor,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    /// Newest first.
    #[default]
    Time,
    /// Largest first.
    Size,
    /// By sender.
    Sender,
    /// By recipient.
    Recipient,
    /// What failed first.
    Status,
}

impl Sort {
    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Time => "newest",
            Self::Size => "size",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Status => "status",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Time => Self::Size,
            Self::Size => Self::Sender,
            Self::Sender => Self::Recipient,
            Self::Recipient => Self::Status,
            Self::Status => Self::Time,
        }
    }
}

/// A row of an open message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LifeRow {
    /// A heading or an empty line: the cursor passes over it.
    Heading(&'static str),
    /// A step of the timeline, by its place.
    Step(usize),
    /// A linked message, by its place.
    Link(usize),
    /// A log line, by its place.
    Line(usize),
}

impl Life {
    /// The rows shown below the message's own figures.
    pub fn rows(&self) -> Vec<LifeRow> {
        let mut rows = Vec::new();
        let mut block = |title, count: usize, row: fn(usize) -> LifeRow| {
            if count > 0 {
                rows.push(LifeRow::Heading(title));
                rows.extend((0..count).map(row));
            }
        };
        block("Timeline", self.steps.len(), LifeRow::Step);
        block("Linked messages", self.links.len(), LifeRow::Link);
        block("Log lines", self.lines.len(), LifeRow::Line);
        rows
    }
}

impl Messages {
    /// Takes what was found, unless a newer question is under way.
    pub fn found(&mut self, found: Found) {
        if found.ticket != self.ticket {
            return;
        }
        self.found = found;
        self.order();
    }

    /// Takes the life of the open message.
    pub fn life(&mut self, life: Life) {
        if self.view.open.as_deref() == Some(&life.queue_id) {
            self.life = Some(life);
        }
    }

    fn order(&mut self) {
        let rows = &mut self.found.rows;
        match self.view.sort {
            Sort::Time => rows.sort_by_key(|r| Reverse(r.time)),
            Sort::Size => rows.sort_by_key(|r| Reverse(r.size)),
            Sort::Sender => rows.sort_by(|a, b| a.sender.cmp(&b.sender)),
            Sort::Recipient => rows.sort_by(|a, b| a.recipient.cmp(&b.recipient)),
            Sort::Status => rows.sort_by_key(|r| Reverse(r.tone as u8)),
        }
        if let Some(at) = &self.view.at
            && let Some(row) = rows.iter().position(|r| r.queue_id == *at)
        {
            self.view.cursor.follow(row);
        }
    }

    fn ask(&mut self) -> Vec<Effect> {
        self.ticket += 1;
        vec![
            Effect::Feed(Request::Watch(Watch::Messages)),
            Effect::Feed(Request::Find {
                ticket: self.ticket,
                text: self.view.text.clone(),
            }),
        ]
    }

    fn open(&mut self, queue_id: String) -> Vec<Effect> {
        self.life = None;
        self.view.inner = Cursor::default();
        self.view.open = Some(queue_id.clone());
        vec![Effect::Feed(Request::Life { queue_id })]
    }

    /// The message under the cursor.
    pub fn chosen(&self) -> Option<&MessageRow> {
        self.found.rows.get(self.view.cursor.row)
    }

    fn life_row(&self) -> Option<LifeRow> {
        self.life.as_ref()?.rows().get(self.view.inner.row).copied()
    }

    /// Rows of an open message that are always shown: its own figures.
    pub fn life_chrome() -> usize {
        6
    }
}

impl Pane for Messages {
    type View = MessagesView;

    fn view(&self) -> MessagesView {
        self.view.clone()
    }

    fn restore(&mut self, view: MessagesView, _world: &World) -> Vec<Effect> {
        self.view = view;
        let mut effects = self.ask();
        self.life = None;
        if let Some(queue_id) = self.view.open.clone() {
            effects.push(Effect::Feed(Request::Life { queue_id }));
        }
        effects
    }

    fn enter(&mut self, target: Option<Target>, _world: &World) -> Vec<Effect> {
        match target {
            Some(Target::Life { queue_id }) => self.open(queue_id),
            Some(Target::Find(text)) => {
                self.view = MessagesView {
                    text,
                    sort: self.view.sort,
                    ..MessagesView::default()
                };
                self.ask()
            }
            _ => self.ask(),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        if self.view.open.is_some() {
            return self.act_open(action, world);
        }
        match action {
            Action::Sort => {
                self.view.sort = self.view.sort.next();
                self.order();
            }
            Action::Open => {
                if let Some(row) = self.chosen() {
                    let queue_id = row.queue_id.clone();
                    return Outcome::step(self.open(queue_id));
                }
            }
            action => {
                let page = world.rows().saturating_sub(CHROME);
                self.view.cursor.act(action, self.found.rows.len(), page);
                self.view.at = self.chosen().map(|r| r.queue_id.clone());
            }
        }
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        if let Some(queue_id) = &self.view.open {
            let row = self.life.as_ref().and_then(|l| l.row.as_ref());
            return Subject {
                queue_id: Some(queue_id.clone()),
                client: row.map(|r| r.client.clone()).filter(|c| !c.is_empty()),
                line: self.life_line(),
                ..Subject::default()
            };
        }
        let Some(row) = self.chosen() else {
            return Subject::default();
        };
        Subject {
            queue_id: Some(row.queue_id.clone()),
            client: Some(row.client.clone()).filter(|c| !c.is_empty()),
            address: Some(row.sender.clone()).filter(|c| !c.is_empty()),
            line: Some(format!(
                "{} {} {} {}",
                row.queue_id, row.sender, row.recipient, row.status
            )),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        matches!(field, Field::Filter | Field::Find).then(|| self.view.text.clone())
    }

    fn field(
        &mut self,
        _field: Field,
        _event: FieldEvent,
        text: &str,
        _world: &World,
    ) -> Result<Vec<Effect>, String> {
        self.view = MessagesView {
            text: text.to_owned(),
            sort: self.view.sort,
            ..MessagesView::default()
        };
        self.life = None;
        Ok(self.ask())
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        self.view.cursor.settle(self.found.rows.len(), page);
        let page = world.rows().saturating_sub(Self::life_chrome());
        if let Some(life) = &self.life {
            let rows = life.rows();
            self.view.inner.settle(rows.len(), page);
            if matches!(rows.get(self.view.inner.row), Some(LifeRow::Heading(_))) {
                self.view.inner.row += 1;
                self.view.inner.settle(rows.len(), page);
            }
        }
    }
}

impl Messages {
    fn act_open(&mut self, action: Action, world: &World) -> Outcome {
        let Some(life) = &self.life else {
            return Outcome::default();
        };
        let rows = life.rows();
        let page = world.rows().saturating_sub(Self::life_chrome());
        if action == Action::Open {
            return match self.life_row() {
                Some(LifeRow::Link(at)) => {
                    let queue_id = life.links[at].1.clone();
                    Outcome::step(self.open(queue_id))
                }
                _ => self.whole_row(),
            };
        }
        self.view.inner.act(action, rows.len(), page);
        // Headings are passed over in the direction of the movement.
        if matches!(rows.get(self.view.inner.row), Some(LifeRow::Heading(_)))
            && matches!(action, Action::Up | Action::PageUp | Action::HalfUp)
            && self.view.inner.row > 0
        {
            self.view.inner.row -= 1;
        }
        Outcome::default()
    }

    /// The row under the cursor, whole: it may be longer than the screen is wide.
    fn whole_row(&self) -> Outcome {
        use super::layer::{Layer, Popup, Scroll};
        let Some(line) = self.life_line() else {
            return Outcome::default();
        };
        Outcome::layer(Layer::Popup(Popup {
            title: "in full".to_owned(),
            lines: vec![(super::theme::Role::Text, line)],
            scroll: Scroll::default(),
        }))
    }

    fn life_line(&self) -> Option<String> {
        let life = self.life.as_ref()?;
        Some(match self.life_row()? {
            LifeRow::Heading(title) => title.to_owned(),
            LifeRow::Step(at) => format!("{} {}", life.steps[at].what, life.steps[at].detail),
            LifeRow::Link(at) => format!("{} {}", life.links[at].0, life.links[at].1),
            LifeRow::Line(at) => crate::sanitize::line(&life.lines[at].text).into_owned(),
        })
    }
}
