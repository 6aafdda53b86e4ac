//! The queue screen's state.

use super::action::Action;
use super::message::Effect;
use super::pane::{Outcome, Pane, Subject, Target, World};

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// What another screen asked to see here.
    pub target: Option<Target>,
}

impl Pane for Queue {
    type View = Option<Target>;

    fn view(&self) -> Self::View {
        self.target.clone()
    }

    fn restore(&mut self, view: Self::View, _world: &World) -> Vec<Effect> {
        self.target = view;
        Vec::new()
    }

    fn enter(&mut self, target: Option<Target>, _world: &World) -> Vec<Effect> {
        self.target = target;
        Vec::new()
    }

    fn act(&mut self, _action: Action, _world: &World) -> Outcome {
        Outcome::default()
    }

    fn subject(&self, _world: &World) -> Subject {
        Subject::default()
    }

    fn settle(&mut self, _world: &World) {}
}
