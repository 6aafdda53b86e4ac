//! The overview's state: the newest figures, and which of its rows is chosen.

use super::action::Action;
use super::cursor::Cursor;
use super::feed::{About, Figures, Request, Watch};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};
use super::pattern::of_cause;
use super::screen::Screen;
use crate::attach::Kind;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    /// The newest figures; `None` before the first.
    pub figures: Option<Figures>,
    /// Place among [`Overview::rows`].
    pub cursor: Cursor,
    /// Whether there is a queue, whose depth is shown.
    has_queue: bool,
}

/// A row that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// A diagnosis, by its place.
    Finding(usize),
    /// A reject reason.
    Reject(usize),
    /// A deferral cause.
    Deferral(usize),
}

impl Overview {
    /// Takes the newest figures.
    pub fn receive(&mut self, figures: Figures) {
        self.figures = Some(figures);
    }

    /// The rows the cursor moves over, in the order they are shown.
    pub fn rows(&self) -> Vec<Row> {
        let Some(figures) = &self.figures else {
            return Vec::new();
        };
        let findings = (0..figures.diagnoses.len()).map(Row::Finding);
        let rejects = (0..figures.rejects.len()).map(Row::Reject);
        let deferrals = (0..figures.deferrals.len()).map(Row::Deferral);
        findings.chain(rejects).chain(deferrals).collect()
    }

    /// The row the cursor is on.
    pub fn chosen(&self) -> Option<Row> {
        self.rows().get(self.cursor.row).cloned()
    }
}

impl Pane for Overview {
    type View = Cursor;

    fn view(&self) -> Cursor {
        self.cursor
    }

    fn restore(&mut self, view: Cursor, _world: &World) -> Vec<Effect> {
        self.cursor = view;
        vec![Effect::Feed(Request::Watch(Watch::Overview))]
    }

    fn enter(&mut self, _target: Option<Target>, world: &World) -> Vec<Effect> {
        self.has_queue = world.server.kind != Kind::LogOnly;
        vec![Effect::Feed(Request::Watch(Watch::Overview))]
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        let len = self.rows().len();
        if action == Action::Open {
            return self.open();
        }
        self.cursor.act(action, len, world.rows());
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        let Some(figures) = &self.figures else {
            return Subject::default();
        };
        let text = match self.chosen() {
            Some(Row::Finding(at)) => {
                let finding = &figures.diagnoses[at];
                let (client, address) = match &finding.about {
                    About::Client(client) => (Some(client.clone()), None),
                    About::Domain(name) | About::Zone(name) => (None, Some(name.clone())),
                    About::Queue | About::Log => (None, None),
                };
                return Subject {
                    client,
                    address,
                    line: Some(format!("{}: {}", finding.text, finding.remedy)),
                    ..Subject::default()
                };
            }
            Some(Row::Reject(at)) => figures.rejects[at].0.clone(),
            Some(Row::Deferral(at)) => figures.deferrals[at].0.clone(),
            None => return Subject::default(),
        };
        Subject {
            text: Some(of_cause(&text)),
            line: Some(text),
            ..Subject::default()
        }
    }

    /// The queue is looked at now and then.
    fn ages(&self) -> bool {
        self.has_queue
    }

    fn settle(&mut self, world: &World) {
        self.cursor.settle(self.rows().len(), world.rows());
    }
}

impl Overview {
    fn open(&self) -> Outcome {
        let go = match (self.chosen(), &self.figures) {
            (Some(Row::Finding(at)), Some(figures)) => match &figures.diagnoses[at].about {
                About::Domain(domain) => Some(Target::Find(format!("to:{domain} is:deferred"))),
                About::Client(client) => Some(Target::Lines(client.clone())),
                About::Zone(zone) => Some(Target::Lines(zone.clone())),
                About::Queue => Some(Target::QueueEntry(String::new())),
                About::Log => Some(Target::Lines("/(warning|error|fatal|panic): /".to_owned())),
            },
            (Some(Row::Reject(at)), Some(figures)) => {
                Some(Target::RejectsBecause(figures.rejects[at].0.clone()))
            }
            (Some(Row::Deferral(at)), Some(figures)) => {
                Some(Target::Lines(of_cause(&figures.deferrals[at].0)))
            }
            _ => None,
        };
        debug_assert!(go.as_ref().is_none_or(|t| t.screen() != Screen::Overview));
        Outcome {
            go,
            ..Outcome::default()
        }
    }
}
