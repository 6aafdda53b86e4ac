//! The messages screen: the list of what was found, or one message from client to mailbox.

use super::log::{draw_line, tone};
use super::pen::Pen;
use super::table::{Chosen, Column, Table, Width, left, right};
use super::text;
use crate::console::action::Action;
use crate::console::feed::{Life, Step};
use crate::console::messages::{CHROME, LifeRow, Messages};
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

const NARROW: [Column; 5] = [
    left("time", Width::Fixed(15)),
    left("sender", Width::Share(4)),
    left("recipient", Width::Share(4)),
    right("size", Width::Fixed(5)),
    left("status", Width::Fixed(12)),
];

const WIDE: [Column; 7] = [
    left("time", Width::Fixed(15)),
    left("queue id", Width::Fixed(16)),
    left("sender", Width::Share(4)),
    left("recipient", Width::Share(4)),
    left("client", Width::Fixed(24)),
    right("size", Width::Fixed(5)),
    left("status", Width::Fixed(14)),
];

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let messages = &state.panes.messages;
    match &messages.view.open {
        Some(id) => open(state, id, messages, pen, area),
        None => list(state, messages, pen, area),
    }
}

fn list(state: &State, messages: &Messages, pen: &mut Pen<'_>, area: Rect) {
    let find = state.world.keymap.shown(Action::Find);
    let found = &messages.found;
    let what = if messages.view.text.is_empty() {
        format!(
            "{} messages; {find} finds by sender, recipient, id, client, status",
            text::count(found.known as u64)
        )
    } else {
        format!(
            "{} of {} messages match {}",
            text::count(found.total as u64),
            text::count(found.known as u64),
            messages.view.text
        )
    };
    let order = format!(", {} first", messages.view.sort.title());
    pen.pieces(
        area.x + 1,
        area.y,
        area.width - 1,
        &[(&what, Role::Dim), (&order, Role::Dim)],
    );
    let columns: &[Column] = if area.width >= 120 { &WIDE } else { &NARROW };
    let table = Table::new(columns, area);
    table.heads(pen, area.y + 1);
    let page = usize::from(area.height).saturating_sub(CHROME);
    let cursor = messages.view.cursor;
    for (y, at) in (area.y + 2..).zip(cursor.visible(found.rows.len(), page)) {
        let row = &found.rows[at];
        let time = text::stamp(row.time, state.world.offset);
        let (sign, role) = tone(row.tone, pen);
        let status = format!("{sign} {}", row.status);
        let size = text::bytes(row.size);
        let sender = if row.sender.is_empty() {
            "<>"
        } else {
            &row.sender
        };
        let recipient = match row.recipients {
            0 | 1 => row.recipient.clone(),
            n => format!("{} +{}", row.recipient, n - 1),
        };
        let chosen = Chosen::from(at == cursor.row);
        let (time, size) = ((time.as_str(), Role::Dim), (size.as_str(), Role::Dim));
        let (sender, recipient) = ((sender, Role::Text), (recipient.as_str(), Role::Text));
        let status = (status.as_str(), role);
        if area.width >= 120 {
            let id = (row.queue_id.as_str(), Role::Link);
            let client = (row.client.as_str(), Role::Text);
            let cells = [time, id, sender, recipient, client, size, status];
            table.row(pen, y, &cells, chosen);
        } else {
            table.row(pen, y, &[time, sender, recipient, size, status], chosen);
        }
    }
    if found.rows.is_empty() {
        pen.put(
            area.x + 1,
            area.y + 2,
            area.width - 1,
            "no message matches",
            Role::Dim,
        );
    }
}

fn open(state: &State, id: &str, messages: &Messages, pen: &mut Pen<'_>, area: Rect) {
    let width = area.width.saturating_sub(2);
    let Some(life) = &messages.life else {
        pen.pieces(
            area.x + 1,
            area.y,
            width,
            &[(id, Role::Link), (" is being looked up", Role::Dim)],
        );
        return;
    };
    if life.row.is_none() && life.lines.is_empty() {
        let line = format!(
            " is not in the part of the log that was read; {} goes back",
            state.world.keymap.shown(Action::Back)
        );
        pen.pieces(
            area.x + 1,
            area.y,
            width,
            &[(id, Role::Link), (&line, Role::Dim)],
        );
        return;
    }
    head(state, life, pen, area);
    let top = u16::try_from(Messages::life_chrome()).unwrap_or(0);
    let rows = life.rows();
    let page = usize::from(area.height.saturating_sub(top));
    let cursor = messages.view.inner;
    for (y, at) in (area.y + top..).zip(cursor.visible(rows.len(), page)) {
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        match rows[at] {
            LifeRow::Heading(title) => pen.heading(area.x + 1, y, width, title),
            LifeRow::Step(n) => step(&life.steps[n], life, state.world.offset, pen, place),
            LifeRow::Link(n) => {
                let (how, id) = &life.links[n];
                pen.pieces(
                    area.x + 3,
                    y,
                    width - 2,
                    &[(how, Role::Text), (" ", Role::Text), (id, Role::Link)],
                );
            }
            LifeRow::Line(n) => draw_line(&life.lines[n], 0, [None, None], pen, place),
        }
        if at == cursor.row {
            pen.cursor_row(place);
            let sign = pen.glyphs().cursor();
            pen.put(area.x, y, 1, sign, Role::Cursor);
        }
    }
}

/// The message's own figures, five rows and an empty one.
fn head(state: &State, life: &Life, pen: &mut Pen<'_>, area: Rect) {
    let width = area.width.saturating_sub(2);
    let row = life.row.clone().unwrap_or_default();
    let (sign, role) = tone(row.tone, pen);
    let sender = if row.sender.is_empty() {
        "<>".to_owned()
    } else {
        row.sender
    };
    let recipient = match row.recipients {
        0 | 1 => row.recipient,
        n => format!("{} and {} more", row.recipient, n - 1),
    };
    let status = format!("{sign} {}", row.status);
    let when = text::stamp(row.time, state.world.offset);
    let size = format!("{} bytes", text::count(row.size));
    let lines = [
        (
            "message   ",
            life.queue_id.as_str(),
            Role::Link,
            status.as_str(),
            role,
        ),
        (
            "arrived   ",
            when.as_str(),
            Role::Text,
            size.as_str(),
            Role::Dim,
        ),
        (
            "from      ",
            sender.as_str(),
            Role::Text,
            row.client.as_str(),
            Role::Dim,
        ),
        ("to        ", recipient.as_str(), Role::Text, "", Role::Dim),
        (
            "message-id",
            life.message_id.as_str(),
            Role::Text,
            "",
            Role::Dim,
        ),
    ];
    for (y, (label, value, role, more, more_role)) in (area.y..).zip(lines) {
        pen.pieces(
            area.x + 1,
            y,
            width,
            &[
                (label, Role::Dim),
                ("  ", Role::Dim),
                (value, role),
                ("  ", Role::Dim),
                (more, more_role),
            ],
        );
    }
}

fn step(step: &Step, life: &Life, offset: i32, pen: &mut Pen<'_>, place: Rect) {
    #[allow(clippy::cast_possible_truncation, reason = "a log's time in seconds")]
    let clock = text::clock(step.time.floor() as i64, offset);
    let began = life.steps.first().map_or(step.time, |s| s.time);
    let after = match step.time - began {
        d if d < 0.005 => String::new(),
        d => format!("+{}", text::duration(d)),
    };
    let (sign, role) = tone(step.tone, pen);
    let y = place.y;
    pen.put(place.x + 1, y, 8, &clock, Role::Dim);
    pen.put_right(place.x + 10, y, 8, &after, Role::Dim);
    pen.put(place.x + 19, y, 1, sign, role);
    let x = pen.put(place.x + 21, y, 14, &step.what, role);
    let mut room = place.right().saturating_sub(x + 2);
    if let Some(parts) = step.delays {
        let names = ["arrive", "queue", "connect", "send"];
        let most = (0..4).fold(0, |m, n| if parts[n] > parts[m] { n } else { m });
        let slow = format!(
            "most of it: {} {}",
            names[most],
            text::duration(parts[most])
        );
        if parts[most] >= 1.0 && room > 60 {
            let width = text::width(&slow);
            pen.put(place.right() - width - 1, y, width, &slow, Role::Warn);
            room -= width + 2;
        }
    }
    pen.put(x + 1, y, room, &step.detail, Role::Text);
}
