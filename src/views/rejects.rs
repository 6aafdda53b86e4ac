//! The rejects screen: counted by one thing, within others, over the last day.

use super::pen::Pen;
use super::table::{Chosen, Table, Width, left, right};
use super::text;
use crate::console::feed::Grouping;
use crate::console::rejects::{CHROME, Rejects};
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let rejects = &state.panes.rejects;
    groupings(rejects, pen, area);
    within(
        rejects,
        pen,
        Rect {
            y: area.y + 1,
            ..area
        },
    );
    hours(
        rejects,
        pen,
        Rect {
            y: area.y + 2,
            ..area
        },
    );
    table(
        state,
        rejects,
        pen,
        Rect {
            y: area.y + 3,
            height: area.height.saturating_sub(3),
            ..area
        },
    );
}

fn groupings(rejects: &Rejects, pen: &mut Pen<'_>, area: Rect) {
    let mut x = pen.put(area.x + 1, area.y, area.width, "by", Role::Dim);
    for grouping in Grouping::ALL {
        let here = grouping == rejects.view.query.by;
        let role = if here { Role::Tab } else { Role::Dim };
        let room = area.right().saturating_sub(x + 1);
        let label = format!(" {} ", grouping.title());
        x = pen.put(x, area.y, room, &label, role);
    }
}

fn within(rejects: &Rejects, pen: &mut Pen<'_>, area: Rect) {
    let mut line = format!("{} rejects", text::count(rejects.answer.total));
    if rejects.answer.total != rejects.answer.of {
        line = format!("{line} of the newest {}", text::count(rejects.answer.of));
    }
    for (grouping, value) in &rejects.view.query.within {
        line = format!("{line}, {} {value}", grouping.title());
    }
    if !rejects.view.filter.is_empty() {
        line = format!("{line}, matching {}", rejects.view.filter);
    }
    line = format!("{line}, by {}", rejects.view.sort.title());
    if rejects.answer.error > 0 {
        let error = text::count(rejects.answer.error);
        line = format!("{line}; very many values: counts may be {error} too high");
    }
    pen.put(area.x + 1, area.y, area.width - 1, &line, Role::Text);
}

fn hours(rejects: &Rejects, pen: &mut Pen<'_>, area: Rect) {
    let hours = &rejects.answer.hours;
    if hours.is_empty() {
        return;
    }
    let x = pen.put(area.x + 1, area.y, 20, "last 24 hours ", Role::Dim);
    let each = ((area.right().saturating_sub(x + 12)) / 24).clamp(1, 4);
    let wide: Vec<u64> = hours
        .iter()
        .flat_map(|n| std::iter::repeat_n(*n, usize::from(each)))
        .collect();
    pen.spark(x, area.y, &wide, Role::Chart);
    let most = hours.iter().max().copied().unwrap_or(0);
    let peak = format!("peak {}/h", text::count(most));
    pen.put(x + 24 * each + 1, area.y, 20, &peak, Role::Dim);
}

fn table(state: &State, rejects: &Rejects, pen: &mut Pen<'_>, area: Rect) {
    let columns = [
        right("count", Width::Fixed(9)),
        right("share", Width::Fixed(5)),
        left(rejects.view.query.by.title(), Width::Share(3)),
        left("last seen", Width::Fixed(15)),
    ];
    let with_sample = [
        columns[0],
        columns[1],
        left(rejects.view.query.by.title(), Width::Share(2)),
        columns[3],
        left("for example", Width::Share(3)),
    ];
    let columns: &[_] = match area.width {
        120.. => &with_sample,
        60.. => &columns,
        _ => &columns[..3],
    };
    let table = Table::new(columns, area);
    table.heads(pen, area.y);
    let rows = rejects.rows();
    let page = usize::from(area.height + 3).saturating_sub(CHROME);
    let cursor = rejects.view.cursor;
    let total = rejects.answer.total.max(1) as f64;
    for (y, at) in (area.y + 1..).zip(cursor.visible(rows.len(), page)) {
        let row = rows[at];
        let count = text::count(row.count);
        let share = format!("{:.0}%", row.count as f64 / total * 100.0);
        let last = text::stamp(row.last, state.world.offset);
        let cells = [
            (count.as_str(), Role::Reject),
            (share.as_str(), Role::Dim),
            (&text::cause(&row.value), Role::Text),
            (last.as_str(), Role::Dim),
            (row.sample.as_str(), Role::Dim),
        ];
        let cells = &cells[..columns.len()];
        table.row(pen, y, cells, Chosen::from(at == cursor.row));
    }
    if rows.is_empty() {
        pen.put(
            area.x + 1,
            area.y + 1,
            area.width - 1,
            "no rejects",
            Role::Dim,
        );
    }
}
