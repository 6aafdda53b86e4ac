//! The engine screen's state: how the mail server in view stands, its parameters, and what is being done to it.
//!
//! In: facts and results ([`task`]). Out: questions first, then requests. It is the same for a real Postfix and
//! the embedded engine.

pub(crate) mod task;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use task::{Answer, Facts, Request};

use super::action::Action;
use super::cursor::Cursor;
use super::layer::{Confirm, Field, FieldEvent, Layer, Popup, Scroll, Toast};
use super::message::Effect;
use super::pane::{Outcome, Pane, ReadOnly, Subject, Target, World};
use super::pattern::Pattern;
use super::theme::Role;
use crate::attach::Kind;
use crate::control::ExplainStep;
use task::Deed;

/// Rows that are no parameters: how it stands, six figures, the heading, and one row in full.
pub(crate) const CHROME: usize = 9;

/// Seconds between two looks.
const PAUSE: i64 = 5;

/// The pane.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    /// Where the user is.
    pub view: EngineView,
    /// How it stands; `None` before the first look.
    pub facts: Option<Facts>,
    /// What is being done.
    pub doing: Option<Deed>,
    filter: Option<Pattern>,
    looking: bool,
    next_look: i64,
    asked: String,
}

/// Where the user is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EngineView {
    /// The filter on parameters, as typed.
    pub filter: String,
    /// Place among them.
    pub cursor: Cursor,
    /// The parameter under the cursor.
    at: Option<String>,
}

impl Engine {
    /// Takes what a background task brings.
    pub fn receive(&mut self, answer: Answer, world: &World) -> Outcome {
        match answer {
            Answer::Look(facts) => {
                self.looking = false;
                self.next_look = world.now + PAUSE;
                self.facts = Some(*facts);
                let at = self.view.at.clone();
                let row = at.and_then(|at| self.parameters().iter().position(|p| p.0 == at));
                if let Some(row) = row {
                    self.view.cursor.follow(row);
                }
                Outcome::default()
            }
            Answer::Done { deed, well, output } => {
                self.doing = None;
                let mut outcome = ended(deed, well, output);
                outcome.effects = self.look();
                outcome
            }
            Answer::Explained(Ok(steps)) => explained(&self.asked, &steps),
            Answer::Explained(Err(error)) => Outcome::toast(Toast::bad(error)),
        }
    }

    /// An answered question's effects are carried out now.
    pub fn begin(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Engine(Request::Do(deed)) = effect {
                self.doing = Some(*deed);
            }
        }
    }

    /// The parameters that pass the filter.
    pub fn parameters(&self) -> Vec<&(String, String)> {
        let all = self.facts.iter().flat_map(|f| &f.parameters);
        all.filter(|(name, value)| {
            self.filter
                .as_ref()
                .is_none_or(|f| f.matches(format!("{name} = {value}").as_bytes()))
        })
        .collect()
    }

    /// The parameter under the cursor.
    pub fn chosen(&self) -> Option<&(String, String)> {
        self.parameters().get(self.view.cursor.row).copied()
    }

    fn look(&mut self) -> Vec<Effect> {
        if self.looking {
            return Vec::new();
        }
        self.looking = true;
        vec![Effect::Engine(Request::Look)]
    }

    fn ask(&self, deed: Deed, action: Action, world: &World) -> Outcome {
        if world.read_only == ReadOnly::Yes && deed != Deed::Check {
            let why = "read-only (mailtop was started with --read-only): nothing is changed";
            return Outcome::toast(Toast::bad(why));
        }
        if world.server.kind == Kind::LogOnly {
            let why = "only log files are in view (--config-dir or --engine names a mail server)";
            return Outcome::toast(Toast::bad(why));
        }
        if let Some(doing) = self.doing {
            let why = format!("{} is still under way", doing.word());
            return Outcome::toast(Toast::bad(why));
        }
        let word = deed.word();
        let mut body = vec![(Role::Title, consequence(deed).to_owned())];
        let running = self.facts.as_ref().and_then(|f| f.running);
        match (deed, running) {
            (Deed::Start, Some(true)) => body.push((Role::Warn, "it is running".to_owned())),
            (Deed::Stop | Deed::Reload | Deed::Flush, Some(false)) => {
                body.push((Role::Warn, "it is not running".to_owned()));
            }
            _ => {}
        }
        let dir = world.server.config_dir.as_ref();
        let dir = dir.map_or_else(|| "DIR".to_owned(), |d| d.display().to_string());
        body.push((Role::Text, String::new()));
        body.push((
            Role::Dim,
            match world.server.kind {
                Kind::Engine => format!("the same as: mailtop engine {word} --config-dir {dir}"),
                _ => format!("the same as: postfix -c {dir} {word}"),
            },
        ));
        let answer = match world.keymap.shown(action).as_str() {
            "y" => "ok",
            _ => "y",
        };
        Outcome::layer(Layer::Confirm(Confirm {
            title: format!("{word} the mail server?"),
            body,
            answer: answer.to_owned(),
            typed: String::new(),
            word,
            accept: vec![Effect::Engine(Request::Do(deed))],
            scroll: Scroll::default(),
        }))
    }
}

fn consequence(deed: Deed) -> &'static str {
    match deed {
        Deed::Start => "it takes and delivers mail from then on",
        Deed::Stop => "no mail is taken or delivered until it is started again; the queue stays",
        Deed::Reload => "the configuration is read again; connections in progress are finished",
        Deed::Flush => "all deferred mail is tried at once",
        Deed::Check => "the configuration and the directories' owners and modes are looked at",
    }
}

fn ended(deed: Deed, well: bool, output: Vec<String>) -> Outcome {
    let word = deed.word();
    if well && output.is_empty() {
        let text = match deed {
            Deed::Check => "check: nothing is wrong".to_owned(),
            _ => format!("{word}: done"),
        };
        return Outcome::toast(Toast::info(text));
    }
    let role = if well { Role::Text } else { Role::Bad };
    let mut lines: Vec<(Role, String)> = output.into_iter().map(|line| (role, line)).collect();
    if lines.is_empty() {
        lines.push((Role::Bad, "it failed and did not say why".to_owned()));
    }
    let result = if well { "done" } else { "failed" };
    Outcome::layer(Layer::Popup(Popup {
        title: format!("{word}: {result}"),
        lines,
        scroll: Scroll::default(),
    }))
}

fn explained(asked: &str, steps: &[ExplainStep]) -> Outcome {
    let mut lines = vec![(Role::Dim, format!("client helo sender recipient: {asked}"))];
    let mut list = "";
    for step in steps {
        if step.list != list {
            list = &step.list;
            lines.push((Role::Title, list.to_owned()));
        }
        let role = match step.verdict.as_str() {
            "permit" => Role::Good,
            "reject" => Role::Bad,
            "defer" | "warn" => Role::Warn,
            _ => Role::Dim,
        };
        let line = format!("{:7} {}  {}", step.verdict, step.restriction, step.reason);
        lines.push((role, line));
    }
    if steps.is_empty() {
        lines.push((Role::Text, "no restriction has anything to say".to_owned()));
    }
    Outcome::layer(Layer::Popup(Popup {
        title: "what each restriction would say".to_owned(),
        lines,
        scroll: Scroll::default(),
    }))
}

impl Pane for Engine {
    type View = EngineView;

    fn view(&self) -> EngineView {
        self.view.clone()
    }

    fn restore(&mut self, view: EngineView, _world: &World) -> Vec<Effect> {
        self.filter = Pattern::new(&view.filter).ok().flatten();
        self.view = view;
        self.look()
    }

    fn enter(&mut self, _target: Option<Target>, _world: &World) -> Vec<Effect> {
        self.look()
    }

    fn act(&mut self, action: Action, world: &World) -> Outcome {
        let deed = match action {
            Action::Start => Deed::Start,
            Action::Stop => Deed::Stop,
            Action::Reload => Deed::Reload,
            Action::Flush => Deed::Flush,
            Action::Check => Deed::Check,
            action => {
                let page = world.rows().saturating_sub(CHROME);
                let len = self.parameters().len();
                self.view.cursor.act(action, len, page);
                self.view.at = self.chosen().map(|p| p.0.clone());
                return Outcome::default();
            }
        };
        self.ask(deed, action, world)
    }

    fn subject(&self, _world: &World) -> Subject {
        Subject {
            line: self
                .chosen()
                .map(|(name, value)| format!("{name} = {value}")),
            ..Subject::default()
        }
    }

    fn field_text(&self, field: Field) -> Option<String> {
        match field {
            Field::Filter => Some(self.view.filter.clone()),
            Field::Explain if self.asked.is_empty() => {
                Some("192.0.2.1 client.example sender@example.com postmaster".to_owned())
            }
            Field::Explain => Some(self.asked.clone()),
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
        if field != Field::Explain {
            self.filter = Pattern::new(text)?;
            text.clone_into(&mut self.view.filter);
            return Ok(Vec::new());
        }
        if event != FieldEvent::Done {
            return Ok(Vec::new());
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let [client, helo, sender, recipient] = words[..] else {
            return Err("four words: client helo sender recipient (<> is the null sender)".into());
        };
        text.clone_into(&mut self.asked);
        let bare = |address: &str| {
            let inner = address.strip_prefix('<').and_then(|a| a.strip_suffix('>'));
            inner.unwrap_or(address).to_owned()
        };
        Ok(vec![Effect::Engine(Request::Explain {
            client: client.to_owned(),
            helo: helo.to_owned(),
            sender: bare(sender),
            recipient: bare(recipient),
        })])
    }

    fn settle(&mut self, world: &World) {
        let page = world.rows().saturating_sub(CHROME);
        let len = self.parameters().len();
        self.view.cursor.settle(len, page);
    }

    fn tick(&mut self, world: &World) -> Vec<Effect> {
        if world.now < self.next_look || self.doing.is_some() {
            return Vec::new();
        }
        self.look()
    }

    fn ages(&self) -> bool {
        true
    }
}
