//! What every message changes: pure, no I/O, no clock. The loop sets `world.now` before it calls.

use super::action::Action;
use super::key::Key;
use super::layer::{Answer, Field, FieldEvent, Layer, Palette, Prompt, Scroll, Toast};
use super::message::{Effect, Message};
use super::pane::{Pane as _, Target};
use super::queue;
use super::screen::Screen;
use super::state::State;
use crate::attach::Kind;

/// Changes the state by one message; what it wants done comes back.
pub(crate) fn update(state: &mut State, message: Message) -> Vec<Effect> {
    let effects = match message {
        Message::Key(key) => on_key(state, key),
        Message::Paste(text) => on_paste(state, &text),
        Message::Resize(columns, rows) => {
            state.world.size = (columns, rows);
            Vec::new()
        }
        Message::Tick => on_tick(state),
        Message::Resumed => vec![Effect::Redraw],
        Message::Again => state.panes.log.scan_more(),
        Message::Terminate => vec![Effect::Quit],
        Message::SuspendAsked => vec![Effect::Suspend],
        Message::Feed(news) => on_news(state, news),
        Message::Queue(answer) => {
            let mut effects = depth(&answer);
            effects.extend(on_queue(state, answer));
            effects
        }
        Message::Rbl(answer) => {
            state.panes.rbl.receive(answer);
            Vec::new()
        }
        Message::Engine(answer) => {
            let outcome = state.panes.engine.receive(answer, &state.world);
            state.tell(outcome)
        }
    };
    if !state.confirming() {
        state.panes.queue.thaw(&state.world);
    }
    state.settle();
    effects
}

fn on_queue(state: &mut State, answer: super::queue::Answer) -> Vec<Effect> {
    use super::queue::Order;
    // What a question is about must not move under it.
    let order = if state.confirming() {
        Order::Frozen
    } else {
        Order::Live
    };
    let outcome = state.panes.queue.receive(answer, order, &state.world);
    state.tell(outcome)
}

/// Seconds between two looks at the queue for the overview's depth by age.
const DEPTH_EVERY: i64 = 10;

fn on_tick(state: &mut State) -> Vec<Effect> {
    let mut effects = state.tick();
    let known = state
        .panes
        .overview
        .figures
        .as_ref()
        .is_some_and(|f| f.waiting.is_some());
    if state.screen == Screen::Overview
        && state.world.server.kind != Kind::LogOnly
        && (!known || state.world.now % DEPTH_EVERY == 0)
    {
        effects.extend(state.panes.queue.tick(&state.world));
    }
    effects
}

/// What was read of the queue also goes to the log's task: depth by age and diagnoses are made there.
fn depth(answer: &queue::Answer) -> Vec<Effect> {
    match answer {
        queue::Answer::Read(queue::task::Reading {
            listing: Ok(listing),
            ..
        }) => {
            let entries = std::sync::Arc::new(listing.entries.clone());
            vec![Effect::Feed(super::feed::Request::Queue(entries))]
        }
        _ => Vec::new(),
    }
}

fn on_news(state: &mut State, news: super::feed::News) -> Vec<Effect> {
    use super::feed::News;
    match news {
        News::Lines(batch) => return state.panes.log.receive(batch),
        News::Figures(figures) => {
            state.world.offset = figures.offset;
            state.panes.overview.receive(*figures);
        }
        News::Found(found) => state.panes.messages.found(found),
        News::Life(mut life) => {
            life.lines = state.panes.log.about(&life.queue_id);
            state.panes.messages.life(*life);
        }
        News::Rejects(answer) => state.panes.rejects.receive(answer),
        News::Trouble(text) => state.toast = Some(Toast::bad(text)),
    }
    Vec::new()
}

fn on_key(state: &mut State, key: Key) -> Vec<Effect> {
    state.toast = None;
    let action = state.world.keymap.action(state.screen, key);
    // These hold under every layer: a terminal is repaired and left without closing anything first.
    let typing = state.layers.last().is_some_and(Layer::typing);
    match action {
        Some(Action::Redraw) => return vec![Effect::Redraw],
        Some(Action::Suspend) if key.typed().is_none() => return vec![Effect::Suspend],
        Some(Action::Quit) if key.typed().is_none() && !state.layers.is_empty() => {
            return cancel(state);
        }
        _ => {}
    }
    let page = state.world.rows();
    for at in (0..state.layers.len()).rev() {
        let layer = &mut state.layers[at];
        match layer.key(key, state.screen, &state.world.keymap, page) {
            Answer::Ignored => {}
            answer => return settle_layer(state, at, answer),
        }
    }
    match action {
        Some(action) if !typing => do_action(state, action),
        _ => Vec::new(),
    }
}

/// Ctrl-C on a layer: the same as Esc.
fn cancel(state: &mut State) -> Vec<Effect> {
    let at = state.layers.len() - 1;
    let esc = Key::parse("Esc").map(|esc| {
        let page = state.world.rows();
        state.layers[at].key(esc, state.screen, &state.world.keymap, page)
    });
    match esc {
        Some(answer) if answer != Answer::Consumed => settle_layer(state, at, answer),
        _ => {
            state.layers.truncate(at);
            Vec::new()
        }
    }
}

fn on_paste(state: &mut State, text: &str) -> Vec<Effect> {
    let Some(at) = state.layers.len().checked_sub(1) else {
        // Pasted text on a screen would fire action keys.
        state.toast = Some(Toast::info("paste ignored: open a field first (/ or i)"));
        return Vec::new();
    };
    let answer = state.layers[at].paste(text);
    settle_layer(state, at, answer)
}

fn settle_layer(state: &mut State, at: usize, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Ignored | Answer::Consumed => Vec::new(),
        Answer::Close => {
            state.layers.truncate(at);
            Vec::new()
        }
        Answer::Do(action) => {
            state.layers.truncate(at);
            do_action(state, action)
        }
        Answer::Run(effects) => {
            state.layers.truncate(at);
            state.panes.queue.begin(&effects);
            state.panes.engine.begin(&effects);
            effects
        }
        Answer::Field(field, event, text) => on_field(state, at, field, event, &text),
    }
}

fn on_field(
    state: &mut State,
    at: usize,
    field: Field,
    event: FieldEvent,
    text: &str,
) -> Vec<Effect> {
    let result = state.field(field, event, text);
    let (effects, error) = match result {
        Ok(effects) => (effects, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let keep = event == FieldEvent::Changed || (event == FieldEvent::Done && error.is_some());
    if !keep {
        state.layers.truncate(at);
    } else if let Some(Layer::Prompt(prompt)) = state.layers.get_mut(at) {
        prompt.error = error;
    }
    effects
}

fn do_action(state: &mut State, action: Action) -> Vec<Effect> {
    if let Some(screen) = action.screen() {
        return state.go(screen, None);
    }
    match action {
        Action::Quit => vec![Effect::Quit],
        Action::Suspend => vec![Effect::Suspend],
        Action::Redraw => vec![Effect::Redraw],
        Action::NextScreen => state.go(state.screen.next(), None),
        Action::PreviousScreen => state.go(state.screen.previous(), None),
        Action::Back => back(state),
        Action::Help => layer(state, Layer::Help(Scroll::default())),
        Action::Palette => layer(state, Layer::Palette(Palette::default())),
        Action::Filter => field(state, Field::Filter),
        Action::Search => field(state, Field::Search),
        Action::Find => field(state, Field::Find),
        Action::Lookup => field(state, Field::Lookup),
        Action::Explain => field(state, Field::Explain),
        Action::Timeline
        | Action::ClientLists
        | Action::ClientRejects
        | Action::ClientMessages
        | Action::QueueEntry
        | Action::Lines => pivot(state, action),
        Action::Copy => copy(state),
        action => state.act(action),
    }
}

fn back(state: &mut State) -> Vec<Effect> {
    if let Some(effects) = state.back() {
        return effects;
    }
    let quit = state.world.keymap.shown(Action::Quit);
    state.toast = Some(Toast::info(format!(
        "this is where you started; {quit} leaves mailtop"
    )));
    Vec::new()
}

fn layer(state: &mut State, layer: Layer) -> Vec<Effect> {
    state.layers.push(layer);
    Vec::new()
}

fn field(state: &mut State, field: Field) -> Vec<Effect> {
    if let Some(text) = state.field_text(field) {
        state.layers.push(Layer::Prompt(Prompt::new(field, text)));
    }
    Vec::new()
}

fn pivot(state: &mut State, action: Action) -> Vec<Effect> {
    let subject = state.subject();
    let (target, lacks) = match action {
        Action::Timeline => (
            subject.queue_id.map(|queue_id| Target::Life { queue_id }),
            "queue id",
        ),
        Action::QueueEntry => (subject.queue_id.map(Target::QueueEntry), "queue id"),
        Action::ClientLists => (
            subject.client.or(subject.address).map(Target::Lists),
            "client address",
        ),
        Action::ClientRejects => (subject.client.map(Target::RejectsOf), "client address"),
        Action::ClientMessages => (
            subject
                .client
                .or(subject.address)
                .or(subject.queue_id)
                .map(Target::Find),
            "client or address",
        ),
        _ => (
            subject
                .queue_id
                .or(subject.text)
                .or(subject.client)
                .or(subject.address)
                .map(Target::Lines),
            "text to look for",
        ),
    };
    if let Some(target) = target {
        return state.go(target.screen(), Some(target));
    }
    state.toast = Some(Toast::info(format!("this row has no {lacks}")));
    Vec::new()
}

fn copy(state: &mut State) -> Vec<Effect> {
    let Some(line) = state.subject().line else {
        state.toast = Some(Toast::info("nothing to copy here"));
        return Vec::new();
    };
    state.toast = Some(Toast::info("copied"));
    vec![Effect::Copy(line)]
}
