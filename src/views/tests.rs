//! Frames of a seeded console: as text, as a map of looks, at every size, and with hostile text in them.

use super::render;
use crate::console::feed::{Batch, News, Where};
use crate::console::glyphs::Glyphs;
use crate::console::screen::Screen;
use crate::console::seed::{self, feed, filled, press, type_text};
use crate::console::state::State;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn frame(state: &State) -> Buffer {
    let (width, height) = state.world.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    render(state, &mut buffer);
    buffer
}

/// A frame's text, one line a row, without the blanks at the ends.
fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer.cell((x, y)).unwrap().symbol();
            line.push_str(symbol);
            x += super::text::width(symbol).max(1);
        }
        writeln!(out, "{}", line.trim_end()).unwrap();
    }
    out
}

/// A frame's looks: a letter for each, and what it stands for.
fn looks(buffer: &Buffer) -> String {
    let mut names = BTreeMap::new();
    let mut out = String::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = buffer.cell((x, y)).unwrap();
            let look = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
            let letter = if look.as_str() == "Reset on Reset NONE" {
                '.'
            } else {
                let next = u8::try_from(names.len()).unwrap() + b'a';
                *names.entry(look).or_insert(char::from(next))
            };
            out.push(letter);
        }
        out.push('\n');
    }
    let mut legend: Vec<_> = names.into_iter().map(|(look, l)| (l, look)).collect();
    legend.sort();
    for (letter, look) in legend {
        writeln!(out, "{letter} {look}").unwrap();
    }
    out
}

/// The consoles whose frames are looked at: each of the log's screens, and the layers.
fn scenes(size: (u16, u16)) -> Vec<(&'static str, State)> {
    let at = |keys: &[&str]| {
        let mut state = filled(size);
        press(&mut state, keys);
        state
    };
    let mut life = at(&["3", "Down", "Enter"]);
    feed(&mut life, News::Life(Box::new(seed::life())));
    let mut filtered = at(&["2", "/"]);
    type_text(&mut filtered, "status=");
    let mut palette = at(&["2", ":"]);
    type_text(&mut palette, "pau");
    vec![
        ("overview", at(&["1"])),
        ("overview_chosen", at(&["1", "Down", "Down"])),
        ("log", at(&["2"])),
        ("log_paused", at(&["2", "p", "Up", "Up"])),
        ("log_filter", filtered),
        ("messages", {
            let mut s = at(&["3"]);
            feed(&mut s, News::Found(seed::found(2)));
            s
        }),
        ("life", life),
        ("rejects", {
            let mut s = at(&["4"]);
            feed(&mut s, News::Rejects(seed::rejects(2)));
            s
        }),
        ("help", at(&["2", "?"])),
        ("palette", palette),
    ]
}

#[test]
fn frames() {
    for size in [(80, 24), (40, 12), (200, 60)] {
        for (name, state) in scenes(size) {
            let name = format!("{name}_{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, text(&frame(&state)));
        }
    }
}

#[test]
fn looks_of_the_log_and_the_overview() {
    for (name, state) in scenes((80, 24))
        .into_iter()
        .filter(|(n, _)| ["log_paused", "overview_chosen"].contains(n))
    {
        insta::assert_snapshot!(format!("looks_{name}"), looks(&frame(&state)));
    }
}

#[test]
fn no_size_panics() {
    for (_, mut state) in scenes((80, 24)) {
        for width in (1..45).chain([79, 80, 81, 120, 200, 500]) {
            for height in (1..14).chain([24, 60, 200]) {
                crate::console::update::update(
                    &mut state,
                    crate::console::message::Message::Resize(width, height),
                );
                frame(&state);
            }
        }
    }
    for screen in Screen::ALL {
        let mut state = seed::empty((80, 24));
        let key = (screen.index() + 1).to_string();
        press(&mut state, &[&key, "Down", "Enter", "?", "G"]);
        for size in [(1, 1), (1, 200), (200, 1), (39, 9), (40, 10), (41, 11)] {
            state.world.size = size;
            frame(&state);
        }
    }
}

#[test]
fn hostile_text_reaches_no_cell() {
    let evil = "Nov 22 08:49:01 fire postfix/smtpd[1]: NOQUEUE: reject: RCPT from evil\x1b[2J[203.0.113.77]: 554 5.7.1 \u{202e}x\u{9b}31m\u{7}; from=<a\u{200b}@\x1b]0;owned\x07> to=<b\x1bc@c> proto=SMTP helo=<\u{2066}\u{feff}>";
    let mut state = filled((200, 60));
    let lines = vec![
        seed::line(evil.as_bytes()),
        seed::line(b"\x00\xff\x9b\x1b[31m"),
    ];
    feed(
        &mut state,
        News::Lines(Batch {
            lines,
            place: Where::After,
        }),
    );
    let mut found = seed::found(2);
    evil.clone_into(&mut found.rows[0].sender);
    evil.clone_into(&mut found.rows[1].status);
    let mut rejects = seed::rejects(2);
    evil.clone_into(&mut rejects.rows[0].value);
    evil.clone_into(&mut rejects.rows[1].sample);
    let mut life = seed::life();
    evil.clone_into(&mut life.message_id);
    evil.clone_into(&mut life.steps[0].detail);
    evil.clone_into(&mut life.links[0].1);
    state.world.server.notice = evil.to_owned();
    let figures = state.panes.overview.figures.as_mut().unwrap();
    evil.clone_into(&mut figures.rejects[0].0);
    evil.clone_into(&mut figures.diagnoses[0].text);
    let clean = |state: &State| {
        let shown = text(&frame(state));
        assert!(shown.len() > 200);
        for c in shown.chars().filter(|c| *c != '\n') {
            assert!(!crate::sanitize::is_hostile(c), "{c:?} in\n{shown}");
        }
    };
    clean(&state);
    press(&mut state, &["2"]);
    clean(&state);
    press(&mut state, &["Up", "Enter"]);
    clean(&state);
    press(&mut state, &["Esc", "3"]);
    feed(&mut state, News::Found(found));
    clean(&state);
    press(&mut state, &["Down", "Enter"]);
    feed(&mut state, News::Life(Box::new(life)));
    clean(&state);
    press(&mut state, &["Enter"]);
    clean(&state);
    press(&mut state, &["Esc", "4"]);
    feed(&mut state, News::Rejects(rejects));
    clean(&state);
    crate::console::update::update(
        &mut state,
        crate::console::message::Message::Feed(News::Trouble(evil.to_owned())),
    );
    clean(&state);
}

#[test]
fn ascii_terminals_get_ascii() {
    for (name, mut state) in scenes((80, 24)) {
        state.world.glyphs = Glyphs::Ascii;
        let shown = text(&frame(&state));
        assert!(shown.is_ascii(), "{name}:\n{shown}");
    }
}

#[test]
fn states_differ_without_colours() {
    use crate::console::{color::Depth, theme::Theme};
    let mut state = filled((80, 24));
    state.world.theme = Theme::load("default", None, Depth::Mono).unwrap();
    press(&mut state, &["2"]);
    let shown = text(&frame(&state));
    let glyphs = Glyphs::Unicode;
    for sign in [glyphs.good(), glyphs.warn(), glyphs.bad(), glyphs.reject()] {
        assert!(shown.contains(sign), "{sign} in\n{shown}");
    }
}
