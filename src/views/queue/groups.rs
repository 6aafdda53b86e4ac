//! Groups of queued messages, with their ages as qshape shows them.

use super::super::pen::Pen;
use super::super::table::{Chosen, Column, Table, Width, left, right};
use super::super::text;
use super::WIDE;
use crate::console::action::Action;
use crate::console::queue::list::Group;
use crate::console::queue::{CHROME, Grouping, Queue};
use crate::console::state::State;
use crate::console::theme::Role;
use crate::console::words::age;
use ratatui::layout::Rect;

/// Heads of the age columns: the minutes below which a message is counted there, as qshape has them.
const AGE_HEADS: [&str; 10] = [
    "5", "10", "20", "40", "80", "160", "320", "640", "1280", "more",
];

/// Draws them.
pub(super) fn render(state: &State, queue: &Queue, pen: &mut Pen<'_>, area: Rect) {
    let shape =
        area.width >= WIDE || matches!(queue.view.group, Grouping::Domain | Grouping::Sender);
    let columns = columns(area.width, shape, queue.view.group);
    let table = Table::new(&columns, area);
    table.heads(pen, area.y);
    let page = usize::from(area.height + 3).saturating_sub(CHROME);
    let cursor = queue.view.cursor;
    for (y, row) in (area.y + 1..).zip(cursor.visible(queue.len(), page)) {
        let Some(group) = queue.list.groups.get(row) else {
            break;
        };
        let marked = is_marked(state, queue, group);
        let mark = if marked { pen.glyphs().mark() } else { " " };
        let cells = cells(group, state.world.now, area.width, shape);
        let mut shown = vec![(mark, Role::Mark)];
        shown.extend(cells.iter().map(|(text, role)| (text.as_str(), *role)));
        table.row(pen, y, &shown, Chosen::from(row == cursor.row));
    }
}

fn is_marked(state: &State, queue: &Queue, group: &Group) -> bool {
    // Looking through the whole queue for each row shown would cost more than the sign is worth.
    queue.marks.len() >= group.count
        && queue
            .list
            .members(queue.view.group, &group.key, state.world.now)
            .all(|e| queue.marks.contains(e))
}

fn columns(width: u16, shape: bool, by: Grouping) -> Vec<Column> {
    let mut columns = vec![
        left("", Width::Fixed(1)),
        left(by.title(), Width::Share(1)),
        right("total", Width::Fixed(6)),
    ];
    if width >= WIDE || !shape {
        columns.extend([
            right("size", Width::Fixed(5)),
            right("oldest", Width::Fixed(6)),
        ]);
    }
    if shape {
        let each = if width >= WIDE { 6 } else { 4 };
        columns.extend(AGE_HEADS.map(|head| right(head, Width::Fixed(each))));
    }
    columns
}

fn cells(group: &Group, now: i64, width: u16, shape: bool) -> Vec<(String, Role)> {
    let mut cells = vec![
        (group.key.clone(), Role::Text),
        (text::count(group.count as u64), Role::Warn),
    ];
    if width >= WIDE || !shape {
        cells.push((text::bytes(group.size), Role::Dim));
        cells.push((age(now - group.oldest), Role::Text));
    }
    if shape {
        cells.extend(group.ages.iter().map(|n| match n {
            0 => (".".to_owned(), Role::Dim),
            n if *n >= 10_000 => (format!("{}k", n / 1000), Role::Text),
            n => (n.to_string(), Role::Text),
        }));
    }
    cells
}

/// Two rows about the group under the cursor, and what can be done with it.
pub(super) fn about(state: &State, queue: &Queue, pen: &mut Pen<'_>, area: Rect) {
    let Some(group) = queue.chosen_group() else {
        return;
    };
    let open = state.world.keymap.shown(Action::Open);
    let line = format!(
        " {} messages, {} bytes, oldest {}: {open} shows them, an act takes all ",
        text::count(group.count as u64),
        text::bytes(group.size),
        age(state.world.now - group.oldest)
    );
    pen.heading(area.x, area.y, area.width, &line);
    pen.put(
        area.x + 1,
        area.y + 1,
        area.width - 1,
        &group.key,
        Role::Warn,
    );
}
