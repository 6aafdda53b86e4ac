//! The rejects screen's state: what is counted by what, within what, and where the cursor is.

use super::action::Action;
use super::cursor::Cursor;
use super::feed::{Grouping, RejectAnswer, RejectQuery, RejectRow, Request, Watch};
use super::layer::{Field, FieldEvent};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};
use super::pattern::Pattern;

/// Rows that are no values: the groupings, the hours, the column heads.
pub(crate) const CHROME: usize = 4;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Rejects {
    /// Where the user is.
    pub view: RejectsView,
    /// The newest answer.
    pub answer: RejectAnswer,
    filter: Option<Pattern>,
    ticket: u64,
}

/// Where the user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RejectsView {
    /// What is asked.
    pub query: RejectQuery,
    /// The filter on the values, as typed.
    pub filter: String,
    /// The order.
    pub sort: Sort,
    /// Place among the shown rows.
    pub cursor: Cursor,
    /// The value under the cursor.
    at: Option<String>,
}

/// The order of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    /// Most first.
    #[default]
    Count,
    /// Last seen first.
    Last,
    /// By the value.
    Value,
}

impl Sort {
    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Last => "last seen",
            Self::Value => "value",
        }
    }
}

impl Rejects {
    /// Takes an answer, unless a newer question is under way.
    pub fn receive(&mut self, answer: RejectAnswer) {
        if answer.ticket == self.ticket {
            self.answer = answer;
            self.order();
        }
    }

    /// The rows shown: those that pass the filter, in order.
    pub fn rows(&self) -> Vec<&RejectRow> {
        self.answer
            .rows
            .iter()
            .filter(|r| {
                self.filter
                    .as_ref()
                    .is_none_or(|f| f.matches(r.value.as_bytes()))
            })
            .collect()
    }

    fn order(&mut self) {
        let rows = &mut self.answer.rows;
        match (self.view.sort, self.view.query.by) {
            // Hours are a time line: their own order says more than their counts.
            (Sort::Count, Grouping::Hour) | (Sort::Value, _) => {
                rows.sort_by(|a, b| a.value.cmp(&b.value));
            }
            (Sort::Count, _) => {
                rows.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
            }
            (Sort::Last, _) => rows.sort_by(|a, b| b.last.cmp(&a.last).then(a.value.cmp(&b.value))),
        }
        if let Some(at) = &self.view.at {
            let row = self.rows().iter().position(|r| r.value == *at);
            if let Some(row) = row {
                self.view.cursor.follow(row);
            }
        }
    }

    fn ask(&mut self) -> Vec<Effect> {
        self.ticket += 1;
        vec![
            Effect::Feed(Request::Watch(Watch::Rejects)),
            Effect::Feed(Request::Rejects {
                ticket: self.ticket,
                query: self.view.query.clone(),
            }),
        ]
    }

    fn look(&mut self, query: RejectQuery) -> Vec<Effect> {
        self.view = RejectsView {
            query,
            sort: self.view.sort,
            ..RejectsView::default()
        };
        self.filter = None;
        self.ask()
    }

    fn regroup(&mut self, step: usize) -> Vec<Effect> {
        let all = Grouping::ALL;
        let here = all
            .iter()
            .position(|g| *g == self.view.query.by)
            .unwrap_or(0);
        let mut query = self.view.query.clone();
        // A grouping that is already fixed to one value has nothing to count.
        let free = |g: &Grouping| !query.within.iter().any(|(fixed, _)| fixed == g);
        let next = (1..=all.len())
            .map(|n| all[(here + n * step) % all.len()])
            .find(free);
        query.by = next.unwrap_or_default();
        self.look(query)
    }

    fn chosen(&self) -> Option<&RejectRow> {
        self.rows().get(self.view.cursor.row).copied()
    }

    /// Narrows to the value under the cursor, and counts by the next thing worth knowing.
    fn drill(&mut self) -> Outcome {
        let Some(row) = self.chosen() else {
            return Outcome::default();
        };
        let by = self.view.query.by;
        if by == Grouping::Client {
            return Outcome {
                go: Some(Target::Lines(row.value.clone())),
                ..Outcome::default()
            };
        }
        let mut query = self.view.query.clone();
        query.within.push((by, row.value.clone()));
        let next = [Grouping::Client, Grouping::Reason, Grouping::Recipient]
            .into_iter()
            .find(|g| !query.within.iter().any(|(fixed, _)| fixed == g));
        query.by = next.unwrap_or(Grouping::Hour);
        Outcome::step(self.look(query))
    }
}

impl Pane for Rejects {
    type View = RejectsView;

    fn view(&self) -> RejectsView {
        self.view.clone()
    }

    fn restore(&mut self, view: RejectsView, _world: &World) -> Vec<Effect> {
        self.filter = Pattern::new(&view.filter).ok().flatten();
        self.view = view;
        self.ask()
    }

    fn enter(&mut self, target: Option<Target>, _world: &World) -> Vec<Effect> {
        let within = match target {
            Some(Target::RejectsOf(client)) => (Grouping::Client, client),
            Some(Target::RejectsBecause(reason)) => (Grouping::Reason, reason),
            _ => return self.ask(),
        };
        let by = match within.0 {
            Grouping::Client => Grouping::Reason,
            _ => Grouping::Client,
        };
        self.look(RejectQuery {
            by,
            within: vec![within],
        })
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        match action {
            Action::Group | Action::Right => return Outcome::effects(self.regroup(1)),
            Action::GroupBack | Action::Left | Action::LeftHjkl => {
                return Outcome::effects(self.regroup(Grouping::ALL.len() - 1));
            }
            Action::Sort => {
                self.view.sort = match self.view.sort {
                    Sort::Count => Sort::Last,
                    Sort::Last => Sort::Value,
                    Sort::Value => Sort::Count,
                };
                self.order();
            }
            Action::Open => return self.drill(),
            action => {
                let page = world.rows().saturating_sub(CHROME);
                let len = self.rows().len();
                self.view.cursor.act(action, len, page);
                self.view.at = self.chosen().map(|r| r.value.clone());
            }
        }
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        let Some(row) = self.chosen() else {
            return Subject::default();
        };
        let fixed = |by: Grouping| {
            self.view
                .query
                .within
                .iter()
                .find(|(g, _)| *g == by)
                .map(|(_, v)| v.clone())
        };
        let value = row.value.clone();
        let by = self.view.query.by;
        Subject {
            client: match by {
                Grouping::Client => Some(value.clone()),
                _ => fixed(Grouping::Client),
            },
            address: matches!(by, Grouping::SenderDomain | Grouping::Recipient)
                .then(|| value.clone()),
            text: matches!(
                by,
                Grouping::Zone | Grouping::Helo | Grouping::SenderDomain | Grouping::Recipient
            )
            .then(|| value.clone()),
            line: Some(format!("{} {}", row.count, value)),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        (field == Field::Filter).then(|| self.view.filter.clone())
    }

    fn field(
        &mut self,
        _field: Field,
        _event: FieldEvent,
        text: &str,
        _world: &World,
    ) -> Result<Vec<Effect>, String> {
        self.filter = Pattern::new(text)?;
        text.clone_into(&mut self.view.filter);
        Ok(Vec::new())
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        let len = self.rows().len();
        self.view.cursor.settle(len, page);
    }
}
