//! The console's whole state, and its one owner's tools: which screen, the way back, the layers.

use super::action::Action;
use super::layer::{Field, FieldEvent, Layer, Toast};
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, Trail, World};
use super::screen::Screen;
use super::{engine, log, messages, overview, queue, rbl, rejects};

/// Everything. Changed by `update` alone, read by the views.
#[derive(Debug)]
pub(crate) struct State {
    /// What every pane may read.
    pub world: World,
    /// The screen in view.
    pub screen: Screen,
    /// The way back, oldest first.
    pub trail: Vec<Place>,
    /// What lies over the screen, topmost last.
    pub layers: Vec<Layer>,
    /// A word to the user until the next key.
    pub toast: Option<Toast>,
    /// The screens' own states.
    pub panes: Panes,
}

/// One pane for each screen.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "each is the screen of its name")]
pub(crate) struct Panes {
    pub overview: overview::Overview,
    pub log: log::Log,
    pub messages: messages::Messages,
    pub rejects: rejects::Rejects,
    pub queue: queue::Queue,
    pub rbl: rbl::Rbl,
    pub engine: engine::Engine,
}

/// A screen as the user left it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    screen: Screen,
    view: View,
}

/// The view of one pane.
#[derive(Debug, Clone)]
enum View {
    Overview(<overview::Overview as Pane>::View),
    Log(<log::Log as Pane>::View),
    Messages(<messages::Messages as Pane>::View),
    Rejects(<rejects::Rejects as Pane>::View),
    Queue(<queue::Queue as Pane>::View),
    Rbl(<rbl::Rbl as Pane>::View),
    Engine(<engine::Engine as Pane>::View),
}

/// A way back longer than this forgets its beginning: nobody walks it, and views hold texts.
const TRAIL: usize = 50;

/// Runs an expression on the pane of the screen in view.
macro_rules! on_pane {
    ($state:expr, $screen:expr, $pane:ident => $body:expr) => {
        match $screen {
            Screen::Overview => {
                let $pane = &mut $state.panes.overview;
                $body
            }
            Screen::Log => {
                let $pane = &mut $state.panes.log;
                $body
            }
            Screen::Messages => {
                let $pane = &mut $state.panes.messages;
                $body
            }
            Screen::Rejects => {
                let $pane = &mut $state.panes.rejects;
                $body
            }
            Screen::Queue => {
                let $pane = &mut $state.panes.queue;
                $body
            }
            Screen::Rbl => {
                let $pane = &mut $state.panes.rbl;
                $body
            }
            Screen::Engine => {
                let $pane = &mut $state.panes.engine;
                $body
            }
        }
    };
}

impl State {
    /// A console that has seen nothing yet.
    pub fn new(world: World, screen: Screen) -> Self {
        Self {
            world,
            screen,
            trail: Vec::new(),
            layers: Vec::new(),
            toast: None,
            panes: Panes::default(),
        }
    }

    /// Goes to a screen, with something to show or as it was; the way back is remembered.
    pub fn go(&mut self, screen: Screen, target: Option<Target>) -> Vec<Effect> {
        if screen != self.screen || target.is_some() {
            self.remember();
        }
        self.screen = screen;
        on_pane!(self, screen, pane => pane.enter(target, &self.world))
    }

    /// Goes back the way the user came; `None` at its beginning.
    pub fn back(&mut self) -> Option<Vec<Effect>> {
        let Place { screen, view } = self.trail.pop()?;
        self.screen = screen;
        let (panes, world) = (&mut self.panes, &self.world);
        Some(match view {
            View::Overview(v) => panes.overview.restore(v, world),
            View::Log(v) => panes.log.restore(v, world),
            View::Messages(v) => panes.messages.restore(v, world),
            View::Rejects(v) => panes.rejects.restore(v, world),
            View::Queue(v) => panes.queue.restore(v, world),
            View::Rbl(v) => panes.rbl.restore(v, world),
            View::Engine(v) => panes.engine.restore(v, world),
        })
    }

    /// Gives an action to the screen in view.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let before = self.place();
        let screen = self.screen;
        let outcome = on_pane!(self, screen, pane => pane.act(action, &self.world));
        self.apply(outcome, before)
    }

    fn apply(&mut self, outcome: Outcome, before: Place) -> Vec<Effect> {
        let mut effects = outcome.effects;
        if outcome.leave_trail == Trail::Yes {
            self.push_trail(before);
        }
        if let Some(layer) = outcome.layer {
            self.layers.push(layer);
        }
        if let Some(toast) = outcome.toast {
            self.toast = Some(toast);
        }
        if let Some(target) = outcome.go {
            effects.extend(self.go(target.screen(), Some(target)));
        }
        effects
    }

    /// Whether a question waits for its answer.
    pub fn confirming(&self) -> bool {
        self.layers.iter().any(|l| matches!(l, Layer::Confirm(_)))
    }

    /// Shows what came of a background task; what the user is typing or answering stays on top.
    pub fn tell(&mut self, outcome: Outcome) -> Vec<Effect> {
        if let Some(layer) = outcome.layer {
            self.layers.insert(0, layer);
        }
        if let Some(toast) = outcome.toast {
            self.toast = Some(toast);
        }
        outcome.effects
    }

    /// What the row under the cursor is about.
    pub fn subject(&mut self) -> Subject {
        let screen = self.screen;
        on_pane!(self, screen, pane => pane.subject(&self.world))
    }

    /// The text a field of this screen starts with.
    pub fn field_text(&mut self, field: Field) -> Option<String> {
        let screen = self.screen;
        on_pane!(self, screen, pane => pane.field_text(field))
    }

    /// Gives a field's text to the screen in view.
    pub fn field(
        &mut self,
        field: Field,
        event: FieldEvent,
        text: &str,
    ) -> Result<Vec<Effect>, String> {
        let screen = self.screen;
        on_pane!(self, screen, pane => pane.field(field, event, text, &self.world))
    }

    /// A second passed.
    pub fn tick(&mut self) -> Vec<Effect> {
        let screen = self.screen;
        on_pane!(self, screen, pane => if pane.ages() { pane.tick(&self.world) } else { Vec::new() })
    }

    /// Whether the screen in view changes by time alone.
    pub fn ages(&mut self) -> bool {
        let screen = self.screen;
        on_pane!(self, screen, pane => pane.ages())
    }

    /// Brings every cursor of the screen in view back into its list.
    pub fn settle(&mut self) {
        let screen = self.screen;
        on_pane!(self, screen, pane => pane.settle(&self.world));
    }

    fn remember(&mut self) {
        let place = self.place();
        self.push_trail(place);
    }

    fn push_trail(&mut self, place: Place) {
        if self.trail.len() == TRAIL {
            self.trail.remove(0);
        }
        self.trail.push(place);
    }

    fn place(&self) -> Place {
        let panes = &self.panes;
        let view = match self.screen {
            Screen::Overview => View::Overview(panes.overview.view()),
            Screen::Log => View::Log(panes.log.view()),
            Screen::Messages => View::Messages(panes.messages.view()),
            Screen::Rejects => View::Rejects(panes.rejects.view()),
            Screen::Queue => View::Queue(panes.queue.view()),
            Screen::Rbl => View::Rbl(panes.rbl.view()),
            Screen::Engine => View::Engine(panes.engine.view()),
        };
        Place {
            screen: self.screen,
            view,
        }
    }
}
