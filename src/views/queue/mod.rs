//! The queue screen: the list of messages, groups of them, or one message that is open.

mod groups;
mod opened;

use super::pen::Pen;
use super::table::{Chosen, Column, Table, Width, left, right};
use super::text;
use crate::console::queue::list::{reason, sender};
use crate::console::queue::{CHROME, Columns, Grouping, Queue};
use crate::console::state::State;
use crate::console::theme::Role;
use crate::console::words::age;
use crate::queue::{Entry, QueueName};
use ratatui::layout::Rect;

/// From this width on everything has a column.
const WIDE: u16 = 120;

/// One cell's text and look.
type Cell = (String, Role);

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let queue = &state.panes.queue;
    if queue.view.open.is_some() {
        opened::render(state, queue, pen, area);
        return;
    }
    head(queue, pen, area);
    let list = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(3),
        ..area
    };
    match queue.view.group {
        Grouping::None => messages(state, queue, pen, list),
        _ => groups::render(state, queue, pen, list),
    }
    if queue.len() == 0 {
        let why = nothing(queue);
        pen.put(list.x + 2, list.y + 1, list.width - 2, why, Role::Dim);
    }
    let foot = Rect {
        y: area.bottom().saturating_sub(2),
        height: 2,
        ..area
    };
    match queue.chosen() {
        Some(entry) => about(state, entry, pen, foot),
        None => groups::about(state, queue, pen, foot),
    }
}

/// Why no row is shown.
fn nothing(queue: &Queue) -> &'static str {
    match &queue.source {
        None => "the queue is being read",
        Some(source) if source.way.is_none() => "",
        _ if queue.list.entries.is_empty() => "the queue is empty",
        _ => "no message matches the filter",
    }
}

/// The first row: how many, of what, in which order, and how it was read.
fn head(queue: &Queue, pen: &mut Pen<'_>, area: Rect) {
    let view = &queue.view;
    let (shown, all) = (queue.list.rows.len(), queue.list.entries.len());
    let mut line = if shown == all {
        format!("{} messages", text::count(all as u64))
    } else {
        let (shown, all) = (text::count(shown as u64), text::count(all as u64));
        format!("{shown} of {all}")
    };
    for (by, key) in &view.within {
        line = format!("{line}, {} {key}", by.title());
    }
    if !view.filter.is_empty() {
        line = format!("{line}, matching {}", view.filter);
    }
    if view.group != Grouping::None {
        line = format!("{line}, by {}", view.group.title());
    }
    line = format!("{line}, {}", view.sort.title(view.group));
    let marked = match queue.marks.len() {
        0 => String::new(),
        n => format!("  {} {n} marked", pen.glyphs().mark()),
    };
    let doing = match (queue.acting, queue.is_ranging()) {
        (true, _) => "  working",
        (false, true) => "  marking a range",
        _ => "",
    };
    let (way, role) = way(queue);
    let room = area.width.saturating_sub(2);
    // How the queue is read matters less than what is in it.
    let for_way = text::width(&way).min(room / 2);
    let x = pen.pieces(
        area.x + 1,
        area.y,
        room.saturating_sub(for_way + 1),
        &[
            (&line, Role::Text),
            (&marked, Role::Mark),
            (doing, Role::Info),
        ],
    );
    let room = area.right().saturating_sub(x + 2);
    pen.put_right(x + 1, area.y, room, &way, role);
}

fn way(queue: &Queue) -> Cell {
    let Some(source) = &queue.source else {
        return ("reading".to_owned(), Role::Dim);
    };
    match (source.way, &source.why) {
        (None, Some(why)) => (why.clone(), Role::Bad),
        (Some(way), Some(why)) => (format!("by {} ({why})", way.as_str()), Role::Warn),
        (Some(way), None) => match source.problems.len() {
            0 => (format!("by {}", way.as_str()), Role::Dim),
            n => (format!("by {}, {n} unreadable", way.as_str()), Role::Warn),
        },
        (None, None) => (String::new(), Role::Dim),
    }
}

fn messages(state: &State, queue: &Queue, pen: &mut Pen<'_>, area: Rect) {
    let columns = columns(area.width, queue.view.columns);
    let table = Table::new(&columns, area);
    table.heads(pen, area.y);
    let page = usize::from(area.height + 3).saturating_sub(CHROME);
    let cursor = queue.view.cursor;
    for (y, row) in (area.y + 1..).zip(cursor.visible(queue.len(), page)) {
        let Some(entry) = queue.list.entry(row) else {
            break;
        };
        let marked = queue.marks.contains(entry);
        let cells = cells(state, queue, entry, marked, area.width, pen);
        let cells: Vec<(&str, Role)> = cells
            .iter()
            .map(|(text, role)| (text.as_str(), if marked { Role::Mark } else { *role }))
            .collect();
        table.row(pen, y, &cells, Chosen::from(row == cursor.row));
    }
}

/// A sign for each queue, as postqueue shows them, and a word beside it where there is room.
fn lies_in(queue: QueueName) -> (&'static str, Role) {
    match queue {
        QueueName::Active => ("*", Role::Good),
        QueueName::Hold => ("!", Role::Info),
        QueueName::Incoming => ("+", Role::Good),
        QueueName::Maildrop => ("m", Role::Dim),
        QueueName::Deferred => (" ", Role::Warn),
        QueueName::Corrupt => ("?", Role::Bad),
    }
}

fn columns(width: u16, set: Columns) -> Vec<Column> {
    let mut columns = vec![left("", Width::Fixed(1))];
    if width >= WIDE {
        columns.extend([
            left("queue", Width::Fixed(9)),
            left("id", Width::Fixed(16)),
            right("age", Width::Fixed(5)),
            right("next", Width::Fixed(5)),
            right("size", Width::Fixed(5)),
            left("sender", Width::Share(3)),
            left("recipients", Width::Share(3)),
            left("reason", Width::Share(6)),
        ]);
        return columns;
    }
    columns.push(left("queue", Width::Fixed(6)));
    match set {
        Columns::All => columns.extend([
            left("id", Width::Fixed(11)),
            right("age", Width::Fixed(5)),
            right("size", Width::Fixed(4)),
            left("sender", Width::Share(4)),
            left("recipients", Width::Share(4)),
            left("reason", Width::Share(5)),
        ]),
        Columns::Reason => columns.extend([
            right("age", Width::Fixed(5)),
            left("recipients", Width::Share(2)),
            left("reason", Width::Share(5)),
        ]),
        Columns::Times => columns.extend([
            left("id", Width::Fixed(16)),
            left("arrival", Width::Fixed(15)),
            left("next try", Width::Fixed(15)),
            left("sender", Width::Share(1)),
        ]),
    }
    columns
}

fn cells(
    state: &State,
    queue: &Queue,
    entry: &Entry,
    marked: bool,
    width: u16,
    pen: &Pen<'_>,
) -> Vec<Cell> {
    let now = state.world.now;
    let mark = if marked { pen.glyphs().mark() } else { " " };
    let mark = (mark.to_owned(), Role::Mark);
    let (sign, role) = lies_in(entry.queue_name);
    let word = entry.queue_name.as_str();
    let expire = if entry.forced_expire { "#" } else { sign };
    let old = (age(now - entry.arrival_time), Role::Text);
    let id = (entry.queue_id.clone(), Role::Link);
    let size = (text::bytes(entry.message_size), Role::Dim);
    let from = (sender(entry).to_owned(), Role::Text);
    let to = (recipients(entry), Role::Text);
    let why = (reason(entry).to_owned(), Role::Dim);
    if width >= WIDE {
        let lies = (format!("{expire}{word}"), role);
        let next = (next_try(entry, now), Role::Dim);
        return vec![mark, lies, id, old, next, size, from, to, why];
    }
    let short: String = word.chars().take(5).collect();
    let lies = (format!("{expire}{short}"), role);
    match queue.view.columns {
        Columns::All => vec![mark, lies, id, old, size, from, to, why],
        Columns::Reason => vec![mark, lies, old, to, why],
        Columns::Times => {
            let stamp = |t| text::stamp(t, state.world.offset);
            let arrival = (stamp(entry.arrival_time), Role::Text);
            let next = (entry.next_try.map(stamp).unwrap_or_default(), Role::Text);
            vec![mark, lies, id, arrival, next, from]
        }
    }
}

/// The first recipient and how many more.
fn recipients(entry: &Entry) -> String {
    match entry.recipients.as_slice() {
        [] => "(none left)".to_owned(),
        [one] => one.address.clone(),
        [first, more @ ..] => format!("{} +{}", first.address, more.len()),
    }
}

/// How long until the next try.
fn next_try(entry: &Entry, now: i64) -> String {
    match (entry.queue_name, entry.next_try) {
        (QueueName::Deferred, Some(at)) if at <= now => "due".to_owned(),
        (QueueName::Deferred, Some(at)) => age(at - now),
        _ => String::new(),
    }
}

/// Two rows about the message under the cursor: who, and why it waits.
fn about(state: &State, entry: &Entry, pen: &mut Pen<'_>, area: Rect) {
    let arrival = text::stamp(entry.arrival_time, state.world.offset);
    let line = format!(
        " {} in {}, since {arrival}, from {} to {} ",
        entry.queue_id,
        entry.queue_name.as_str(),
        sender(entry),
        recipients(entry),
    );
    pen.heading(area.x, area.y, area.width, &line);
    let why = match reason(entry) {
        "" => "it has not been tried yet, or no reason is known",
        why => why,
    };
    pen.put(area.x + 1, area.y + 1, area.width - 1, why, Role::Warn);
}
