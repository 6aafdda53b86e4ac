//! The help of a screen: what it answers, and its keys from the table.

use super::pen::Pen;
use super::popup::{body, centred};
use crate::console::action::{Scope, TABLE};
use crate::console::layer::Scroll;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Draws it over the body.
pub(super) fn render(state: &State, scroll: Scroll, pen: &mut Pen<'_>, area: Rect) {
    let title = format!("{}: {}", state.screen.title(), state.screen.question());
    let inner = pen.frame(centred(area, 76, area.height), &title);
    let mut lines = Vec::new();
    let own = |scope: Scope| scope != Scope::Everywhere;
    for wanted in [true, false] {
        let entries = TABLE
            .iter()
            .filter(|e| e.scope.covers(state.screen) && own(e.scope) == wanted);
        for entry in entries {
            let keys: Vec<_> = state
                .world
                .keymap
                .keys(entry.action)
                .iter()
                .map(ToString::to_string)
                .collect();
            if !keys.is_empty() {
                lines.push((Role::Key, format!("{:<14}", keys.join(" ")), entry.help));
            }
        }
        if wanted {
            lines.push((Role::Dim, String::new(), ""));
        }
    }
    let (top, shown) = body(lines.len(), scroll, inner.height);
    for (y, (role, keys, help)) in (inner.y..).zip(&lines[top..top + shown]) {
        let x = pen.put(inner.x, y, inner.width, keys, *role);
        pen.put(
            x + 1,
            y,
            inner.right().saturating_sub(x + 1),
            help,
            Role::Text,
        );
    }
}
