//! What the state of every screen can do, and what one screen hands to another.

use super::action::Action;
use super::keymap::Keymap;
use super::layer::{Field, FieldEvent, Layer};
use super::message::Effect;
use super::screen::Screen;
use super::theme::Theme;
use super::{glyphs::Glyphs, layout};
use crate::attach::Server;

/// What every pane and view may read.
#[derive(Debug)]
pub(crate) struct World {
    /// The mail server in view.
    pub server: Server,
    /// `--read-only`: no act is offered or carried out.
    pub read_only: ReadOnly,
    /// The keys in force.
    pub keymap: Keymap,
    /// The looks in force.
    pub theme: Theme,
    /// The signs in force.
    pub glyphs: Glyphs,
    /// The terminal's columns and rows.
    pub size: (u16, u16),
    /// Seconds since the epoch, at the message being handled.
    pub now: i64,
    /// Seconds east of UTC, to show times as the log does.
    pub offset: i32,
}

impl World {
    /// The rows a screen's body has.
    pub fn rows(&self) -> usize {
        usize::from(layout::body_rows(self.size.1))
    }
}

/// Whether acts are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOnly {
    /// Look only.
    Yes,
    /// Acts are offered.
    No,
}

/// What a row is about, as far as it is known: what a pivot takes along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// A client's address.
    pub client: Option<String>,
    /// A queue id.
    pub queue_id: Option<String>,
    /// A sender, recipient or other address or domain.
    pub address: Option<String>,
    /// A text all its log lines contain.
    pub text: Option<String>,
    /// The row as text, for the clipboard.
    pub line: Option<String>,
}

/// Where a pivot goes, with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Log lines that contain a text.
    Lines(String),
    /// The life of a message.
    Life {
        /// Its queue id.
        queue_id: String,
    },
    /// Messages that match.
    Find(String),
    /// Rejects of a client address.
    RejectsOf(String),
    /// Rejects for a reason.
    RejectsBecause(String),
    /// Block list verdicts of an address or domain.
    Lists(String),
    /// The queue entry of a message.
    QueueEntry(String),
}

impl Target {
    /// The screen that shows it.
    pub fn screen(&self) -> Screen {
        match self {
            Self::Lines(_) => Screen::Log,
            Self::Life { .. } | Self::Find(_) => Screen::Messages,
            Self::RejectsOf(_) | Self::RejectsBecause(_) => Screen::Rejects,
            Self::Lists(_) => Screen::Rbl,
            Self::QueueEntry(_) => Screen::Queue,
        }
    }
}

/// What came of an action on a pane.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// To be carried out.
    pub effects: Vec<Effect>,
    /// To be laid over the screen.
    pub layer: Option<Layer>,
    /// To be shown; the way back is remembered.
    pub go: Option<Target>,
    /// To be told.
    pub toast: Option<super::layer::Toast>,
    /// Whether the pane's view before the action is a place to come back to.
    pub leave_trail: Trail,
}

/// Whether Esc comes back to where one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trail {
    /// A movement: not worth remembering.
    #[default]
    No,
    /// A step into something.
    Yes,
}

impl Outcome {
    /// Nothing but effects.
    pub fn effects(effects: Vec<Effect>) -> Self {
        Self {
            effects,
            ..Self::default()
        }
    }

    /// Nothing but a word to the user.
    pub fn toast(toast: super::layer::Toast) -> Self {
        Self {
            toast: Some(toast),
            ..Self::default()
        }
    }

    /// Nothing but a layer.
    pub fn layer(layer: Layer) -> Self {
        Self {
            layer: Some(layer),
            ..Self::default()
        }
    }

    /// A step into something in the same pane.
    pub fn step(effects: Vec<Effect>) -> Self {
        Self {
            effects,
            leave_trail: Trail::Yes,
            ..Self::default()
        }
    }
}

/// The state of one screen. Nothing here does I/O; wishes leave as effects.
pub(crate) trait Pane {
    /// Where the user is in this screen: what Esc restores. Data is no part of it.
    type View: Clone + std::fmt::Debug;

    /// The screen's view, to come back to.
    fn view(&self) -> Self::View;

    /// Comes back to a view; the effects fetch what it needs.
    fn restore(&mut self, view: Self::View, world: &World) -> Vec<Effect>;

    /// The screen came into view, perhaps with something to show.
    fn enter(&mut self, target: Option<Target>, world: &World) -> Vec<Effect>;

    /// An action of the table that the shell does not handle itself.
    fn act(&mut self, action: Action, world: &World) -> Outcome;

    /// What the row under the cursor is about.
    fn subject(&self, world: &World) -> Subject;

    /// The text a field of this screen starts with; `None` when the screen has no such field.
    fn field_text(&self, _field: Field) -> Option<String> {
        None
    }

    /// A field's text changed or is final. An error is shown beside the field, and the field stays open.
    fn field(
        &mut self,
        _field: Field,
        _event: FieldEvent,
        _text: &str,
        _world: &World,
    ) -> Result<Vec<Effect>, String> {
        Ok(Vec::new())
    }

    /// Brings cursors back into their lists after data, size or view changed.
    fn settle(&mut self, world: &World);

    /// A second passed while this screen is in view and [`Pane::ages`].
    fn tick(&mut self, _world: &World) -> Vec<Effect> {
        Vec::new()
    }

    /// Whether something on this screen changes by time alone.
    fn ages(&self) -> bool {
        false
    }
}
