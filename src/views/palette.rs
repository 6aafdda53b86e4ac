//! The palette: every action by part of its name.

use super::pen::Pen;
use super::popup::centred;
use super::table::{Chosen, Table, Width, left};
use super::text;
use crate::console::layer::Palette;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::{Position, Rect};

/// Draws it over the body; the answer is where the text cursor stands.
pub(super) fn render(
    state: &State,
    palette: &Palette,
    pen: &mut Pen<'_>,
    area: Rect,
) -> Option<Position> {
    let found = palette.found(state.screen);
    let height = u16::try_from(found.len().max(1) + 3)
        .unwrap_or(u16::MAX)
        .min(18);
    let inner = pen.frame(centred(area, 76, height), "every action");
    if inner.height < 2 {
        return None;
    }
    let x = pen.put(inner.x, inner.y, inner.width, ": ", Role::Key);
    let room = inner.right().saturating_sub(x + 1);
    let at = palette.input.visual_cursor();
    let scroll = (at + 1).saturating_sub(usize::from(room));
    let value = text::skip(palette.input.value(), scroll);
    pen.put(x, inner.y, room, value, Role::Input);
    let list = Rect {
        y: inner.y + 1,
        height: inner.height - 1,
        ..inner
    };
    if found.is_empty() {
        pen.put(list.x, list.y, list.width, "no such action", Role::Dim);
    }
    let columns = [
        left("", Width::Fixed(18)),
        left("", Width::Fixed(8)),
        left("", Width::Share(1)),
    ];
    let table = Table::new(&columns, list);
    let page = usize::from(list.height);
    let mut cursor = palette.cursor;
    cursor.settle(found.len(), page);
    for (y, row) in (list.y..).zip(cursor.visible(found.len(), page)) {
        let entry = found[row].entry();
        let key = state.world.keymap.shown(entry.action);
        let cells = [
            (entry.name, Role::Text),
            (key.as_str(), Role::Key),
            (entry.help, Role::Dim),
        ];
        table.row(pen, y, &cells, Chosen::from(row == cursor.row));
    }
    let at = u16::try_from(at - scroll).unwrap_or(0);
    Some(Position::new(
        x.saturating_add(at).min(inner.right()),
        inner.y,
    ))
}
