//! Frames of the queue, block list and engine screens: at every size, and with hostile text in them.

use super::render;
use crate::console::message::Message;
use crate::console::queue::Answer;
use crate::console::queue::tests::{entry, read};
use crate::console::seed::{empty, press};
use crate::console::state::State;
use crate::console::update::update;
use crate::console::{engine, rbl};
use crate::control::{ActResult, Outcome};
use crate::queue::act::Report;
use crate::queue::{Action, Entry, QueueName};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn frame(state: &State) -> String {
    let (width, height) = state.world.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    render(state, &mut buffer);
    let mut lines = Vec::new();
    for y in 0..height {
        let row = (0..width).map(|x| buffer.cell((x, y)).map_or(" ", |c| c.symbol()));
        lines.push(row.collect::<String>().trim_end().to_owned());
    }
    lines.join("\n")
}

fn queue(size: (u16, u16), entries: Vec<Entry>) -> State {
    let mut state = empty(size);
    press(&mut state, &["5"]);
    read(&mut state, entries);
    state
}

fn opened(mut state: State, text: &[u8]) -> State {
    press(&mut state, &["Enter"]);
    let id = state.panes.queue.chosen().unwrap().queue_id.clone();
    let text = Ok(text.to_owned());
    update(&mut state, Message::Queue(Answer::Content { id, text }));
    state
}

fn scenes(size: (u16, u16)) -> Vec<(&'static str, State)> {
    let entries = || {
        let mut entries: Vec<Entry> = (0..9).rev().map(entry).collect();
        entries[1].queue_name = QueueName::Hold;
        entries[2].queue_name = QueueName::Active;
        entries[3].sender.clear();
        let more = entry(20).recipients.remove(0);
        entries[4].recipients.push(more);
        entries
    };
    let with = |keys: &[&str]| {
        let mut state = queue(size, entries());
        press(&mut state, keys);
        state
    };
    let text = b"From: user8@sender.example\nSubject: hello\n\nA body.\n";
    vec![
        ("queue", with(&["Space", "Space"])),
        ("queue_times", with(&["S", "S"])),
        ("queue_groups", with(&["z"])),
        ("queue_causes", with(&["z", "z"])),
        ("queue_delete", with(&["z", "d"])),
        ("queue_open", opened(queue(size, entries()), text)),
        ("rbl", rbl::tests::looked_up(size)),
        ("engine", engine::tests::seen(size)),
        ("engine_stop", {
            let mut state = engine::tests::seen(size);
            press(&mut state, &["x", "y"]);
            state
        }),
    ]
}

#[test]
fn frames_of_the_acting_screens() {
    for size in [(80, 24), (200, 60)] {
        for (name, state) in scenes(size) {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), frame(&state));
        }
    }
}

#[test]
fn no_size_panics_on_the_acting_screens() {
    for (_, mut state) in scenes((80, 24)) {
        for width in (1..45).chain([79, 119, 120, 200]) {
            for height in (1..16).chain([24, 60]) {
                update(&mut state, Message::Resize(width, height));
                frame(&state);
            }
        }
    }
}

#[test]
fn hostile_mail_reaches_no_cell_of_the_acting_screens() {
    const EVIL: &str = "x\x1b[2J\u{9b}31m\u{202e}y\u{200b}\x07\r";
    let mut bad = entry(1);
    EVIL.clone_into(&mut bad.sender);
    EVIL.clone_into(&mut bad.queue_id);
    bad.recipients[0].address = format!("{EVIL}@{EVIL}");
    bad.recipients[0].delay_reason = Some(EVIL.to_owned());
    let clean = |state: &State| {
        let shown = frame(state);
        for c in shown.chars().filter(|c| *c != '\n') {
            assert!(!crate::sanitize::is_hostile(c), "{c:?} in\n{shown}");
        }
    };
    let mut state = queue((200, 60), vec![bad.clone()]);
    for keys in [&["S"][..], &["z"], &["z"], &["z"], &["d"]] {
        press(&mut state, keys);
        clean(&state);
    }
    press(&mut state, &["Esc"]);
    let results = vec![ActResult {
        id: EVIL.to_owned(),
        outcome: Outcome::Refused,
        detail: Some(EVIL.to_owned()),
    }];
    let report = Report {
        results,
        ..Report::default()
    };
    let answer = Answer::Acted {
        action: Action::Hold,
        entries: vec![bad.clone()],
        report,
    };
    update(&mut state, Message::Queue(answer));
    clean(&state);
    let text = format!("Subject: {EVIL}\n\n{EVIL}\0\n\u{1b}]0;owned\x07");
    clean(&opened(queue((200, 60), vec![bad]), text.as_bytes()));
}
