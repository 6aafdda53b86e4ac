//! One message of the queue: who and where it is, then its text.

use super::super::pen::Pen;
use super::super::text;
use super::{next_try, reason, recipients, sender};
use crate::console::action::Action;
use crate::console::queue::Queue;
use crate::console::state::State;
use crate::console::theme::Role;
use crate::console::words::age;
use crate::queue::Entry;
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, queue: &Queue, pen: &mut Pen<'_>, area: Rect) {
    let id = queue.view.open.as_ref().map_or("", |open| &open.id);
    if let Some(entry) = queue.chosen() {
        facts(state, entry, pen, area);
    } else {
        let line = " is no longer in the queue: delivered, deleted or bounced";
        let room = area.width.saturating_sub(1);
        let pieces = [(id, Role::Link), (line, Role::Warn)];
        pen.pieces(area.x + 1, area.y, room, &pieces);
    }
    let Some(opened) = &queue.opened else {
        let place = area.y + 6;
        pen.put(area.x + 1, place, area.width - 1, "being read", Role::Dim);
        return;
    };
    let timeline = state.world.keymap.shown(Action::Timeline);
    let part = if opened.cut { ", its first 64 kB" } else { "" };
    let heading = format!("Text{part} ({timeline} shows its timeline)");
    pen.heading(
        area.x + 1,
        area.y + 5,
        area.width.saturating_sub(2),
        &heading,
    );
    let rows = area.y + 6..area.bottom();
    for (y, (role, line)) in rows.zip(opened.lines.iter().skip(queue.view.top)) {
        let visible = text::skip(line, queue.view.left);
        pen.put(area.x + 1, y, area.width - 1, visible, *role);
    }
}

fn facts(state: &State, entry: &Entry, pen: &mut Pen<'_>, area: Rect) {
    let now = state.world.now;
    let room = area.width.saturating_sub(1);
    let lies = format!(
        "  {}, {} bytes, age {}",
        entry.queue_name.as_str(),
        text::count(entry.message_size),
        age(now - entry.arrival_time)
    );
    let first = [(entry.queue_id.as_str(), Role::Link), (&lies, Role::Text)];
    pen.pieces(area.x + 1, area.y, room, &first);
    let arrival = text::stamp(entry.arrival_time, state.world.offset);
    let next = match next_try(entry, now).as_str() {
        "" => String::new(),
        "due" => ", due now".to_owned(),
        next => format!(", next try in {next}"),
    };
    let times = format!("{arrival}{next}");
    let to = recipients(entry);
    let rows = [
        ("from     ", sender(entry), Role::Text),
        ("to       ", to.as_str(), Role::Text),
        ("arrived  ", times.as_str(), Role::Text),
        ("reason   ", reason(entry), Role::Warn),
    ];
    for (y, (label, value, role)) in (area.y + 1..).zip(rows) {
        pen.pieces(area.x + 1, y, room, &[(label, Role::Dim), (value, role)]);
    }
}
