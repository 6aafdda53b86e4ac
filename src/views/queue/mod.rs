//! The queue screen.

use super::pen::Pen;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    pen.put(
        area.x + 1,
        area.y,
        area.width - 1,
        state.screen.question(),
        Role::Dim,
    );
}
