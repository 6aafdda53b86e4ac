//! What lies over a screen: a stack, the topmost sees a key first and answers what came of it.

use super::action::{Action, TABLE};
use super::cursor::Cursor;
use super::key::Key;
use super::keymap::Keymap;
use super::message::Effect;
use super::screen::Screen;
use super::theme::Role;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

/// One layer.
#[derive(Debug)]
pub(crate) enum Layer {
    /// The keys of this screen.
    Help(Scroll),
    /// Every action, by name.
    Palette(Palette),
    /// A text field in the footer's place.
    Prompt(Prompt),
    /// A question whose answer acts.
    Confirm(Confirm),
    /// A text to read.
    Popup(Popup),
}

/// What a layer made of a key.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// Nothing: the layer below may have it.
    Ignored,
    /// It was for this layer.
    Consumed,
    /// The layer goes away.
    Close,
    /// The layer goes away and this is done.
    Do(Action),
    /// The text of a field changed, or is final; the layer stays while it changes.
    Field(Field, FieldEvent, String),
    /// The layer goes away and these are carried out.
    Run(Vec<Effect>),
}

/// The text fields there are; each pane knows its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Show only what matches.
    Filter,
    /// Go to what matches.
    Search,
    /// What message to look for.
    Find,
    /// What to look up in block lists.
    Lookup,
    /// What to explain: client, helo, sender, recipient.
    Explain,
}

impl Field {
    /// What stands before the field.
    pub fn label(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Search => "search",
            Self::Find => "find",
            Self::Lookup => "look up",
            Self::Explain => "client helo sender recipient",
        }
    }
}

/// What happened to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldEvent {
    /// A character more or less.
    Changed,
    /// Enter.
    Done,
    /// Esc: what was there before holds again.
    Cancelled,
}

/// A scroll position of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scroll {
    /// The first line shown.
    pub top: u16,
}

impl Scroll {
    fn key(&mut self, key: Key, keymap: &Keymap, screen: Screen) -> Answer {
        // Keys that open the pop-up close it too; everything else that is no movement is kept from the
        // screen below, which the reader does not see.
        match keymap.action(screen, key) {
            Some(Action::Up) => self.top = self.top.saturating_sub(1),
            Some(Action::Down) => self.top = self.top.saturating_add(1),
            Some(Action::PageUp | Action::HalfUp) => self.top = self.top.saturating_sub(10),
            Some(Action::PageDown | Action::HalfDown) => self.top = self.top.saturating_add(10),
            Some(Action::Top) => self.top = 0,
            Some(Action::Bottom) => self.top = u16::MAX,
            Some(Action::Back | Action::Help | Action::Quit | Action::Open) => {
                return Answer::Close;
            }
            _ => {}
        }
        Answer::Consumed
    }
}

/// The palette.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    /// What was typed.
    pub input: Input,
    /// Place in [`Palette::found`].
    pub cursor: Cursor,
}

impl Palette {
    /// The actions of this screen that match what was typed, best first; all when nothing was typed.
    pub fn found(&self, screen: Screen) -> Vec<Action> {
        use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
        let here = TABLE
            .iter()
            .filter(|e| e.scope.covers(screen) && e.action != Action::Palette);
        let typed = self.input.value().trim();
        if typed.is_empty() {
            return here.map(|e| e.action).collect();
        }
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = nucleo_matcher::Matcher::new(nucleo_matcher::Config::DEFAULT);
        let mut scratch = Vec::new();
        let mut scored: Vec<(u32, Action)> = here
            .filter_map(|e| {
                let mut score = |text: &str| {
                    pattern.score(
                        nucleo_matcher::Utf32Str::new(text, &mut scratch),
                        &mut matcher,
                    )
                };
                // A hit in the name counts double: the name is what people remember.
                let by_name = score(e.name).map(|s| 2 * s);
                by_name.max(score(e.help)).map(|s| (s, e.action))
            })
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().map(|(_, action)| action).collect()
    }

    fn key(&mut self, key: Key, event: KeyEvent, screen: Screen, page: usize) -> Answer {
        let len = self.found(screen).len();
        let step = match key {
            k if k.is(KeyCode::Esc) => return Answer::Close,
            k if k.is(KeyCode::Enter) => {
                let action = self.found(screen).get(self.cursor.row).copied();
                return action.map_or(Answer::Consumed, Answer::Do);
            }
            k if k.is(KeyCode::Up) => Some(Action::Up),
            k if k.is(KeyCode::Down) => Some(Action::Down),
            k if k.is(KeyCode::PageUp) => Some(Action::PageUp),
            k if k.is(KeyCode::PageDown) => Some(Action::PageDown),
            _ => None,
        };
        if let Some(step) = step {
            self.cursor.act(step, len, page);
        } else if self.input.handle_event(&Event::Key(event)).is_some() {
            self.cursor = Cursor::default();
        }
        Answer::Consumed
    }
}

/// A text field.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// Whose field.
    pub field: Field,
    /// What was typed.
    pub input: Input,
    /// What was there before, for Esc.
    before: String,
    /// Why the text cannot be used, when it cannot.
    pub error: Option<String>,
}

impl Prompt {
    /// A field that starts with `text`.
    pub fn new(field: Field, text: String) -> Self {
        Self {
            field,
            before: text.clone(),
            input: Input::new(text),
            error: None,
        }
    }

    fn key(&mut self, key: Key, event: KeyEvent) -> Answer {
        if key.is(KeyCode::Esc) {
            return Answer::Field(self.field, FieldEvent::Cancelled, self.before.clone());
        }
        if key.is(KeyCode::Enter) {
            return Answer::Field(self.field, FieldEvent::Done, self.input.value().to_owned());
        }
        match self.input.handle_event(&Event::Key(event)) {
            Some(change) if change.value => Answer::Field(
                self.field,
                FieldEvent::Changed,
                self.input.value().to_owned(),
            ),
            _ => Answer::Consumed,
        }
    }
}

/// A question. It is answered by typing a word and then Enter: never by one key, and never by the key that
/// asked.
#[derive(Debug)]
pub(crate) struct Confirm {
    /// The question.
    pub title: String,
    /// What it is about: count, size, samples, the equivalent command. Sanitised when drawn.
    pub body: Vec<(Role, String)>,
    /// What is to be typed before Enter: `y`, or the count of a large and final act.
    pub answer: String,
    /// What was typed of it so far.
    pub typed: String,
    /// What it does, as a word beside the keys.
    pub word: &'static str,
    /// What is carried out then.
    pub accept: Vec<Effect>,
    /// Scroll position of the body.
    pub scroll: Scroll,
}

impl Confirm {
    /// Whether Enter would act now.
    pub fn is_answered(&self) -> bool {
        self.typed == self.answer
    }

    fn key(&mut self, key: Key, keymap: &Keymap, screen: Screen) -> Answer {
        if key.is(KeyCode::Esc) {
            return Answer::Close;
        }
        if key.is(KeyCode::Enter) {
            if self.is_answered() {
                return Answer::Run(std::mem::take(&mut self.accept));
            }
            return Answer::Consumed;
        }
        if key.is(KeyCode::Backspace) {
            self.typed.pop();
            return Answer::Consumed;
        }
        let Some(typed) = key.typed() else {
            return match self.scroll.key(key, keymap, screen) {
                Answer::Close => Answer::Close,
                _ => Answer::Consumed,
            };
        };
        if typed == 'n' {
            return Answer::Close;
        }
        if self.answer[self.typed.len().min(self.answer.len())..].starts_with(typed) {
            self.typed.push(typed);
        }
        Answer::Consumed
    }
}

/// A text to read.
#[derive(Debug)]
pub(crate) struct Popup {
    /// Its heading.
    pub title: String,
    /// Its lines. Sanitised when drawn.
    pub lines: Vec<(Role, String)>,
    /// Scroll position.
    pub scroll: Scroll,
}

impl Layer {
    /// Offers a key to the layer.
    pub fn key(&mut self, key: Key, screen: Screen, keymap: &Keymap, page: usize) -> Answer {
        match self {
            Self::Help(scroll) => scroll.key(key, keymap, screen),
            Self::Popup(popup) => popup.scroll.key(key, keymap, screen),
            Self::Confirm(confirm) => confirm.key(key, keymap, screen),
            Self::Palette(palette) => palette.key(key, key.event(), screen, page),
            Self::Prompt(prompt) => prompt.key(key, key.event()),
        }
    }

    /// Whether keys are text here: then no action key fires.
    pub fn typing(&self) -> bool {
        matches!(self, Self::Prompt(_) | Self::Palette(_))
    }

    /// Adds pasted text to a text field.
    pub fn paste(&mut self, text: &str) -> Answer {
        let mut answer = Answer::Consumed;
        for c in text.chars().filter(|c| !crate::sanitize::is_hostile(*c)) {
            let event = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            match self {
                Self::Prompt(prompt) => answer = prompt.key(Key::of(event), event),
                Self::Palette(palette) => {
                    palette.input.handle_event(&Event::Key(event));
                }
                _ => return Answer::Ignored,
            }
        }
        answer
    }
}

/// A short word to the user in the footer's place, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    /// How it is meant.
    pub role: Role,
    /// What it says. Sanitised when drawn.
    pub text: String,
}

impl Toast {
    /// Something was done, or is to be known.
    pub fn info(text: impl Into<String>) -> Self {
        Self {
            role: Role::Info,
            text: text.into(),
        }
    }

    /// Something could not be done.
    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            role: Role::Bad,
            text: text.into(),
        }
    }
}
