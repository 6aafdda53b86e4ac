//! The top row: the screens with their keys, and what is attached.

use super::pen::Pen;
use super::text;
use crate::attach::Kind;
use crate::console::pane::ReadOnly;
use crate::console::screen::Screen;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    pen.tint(area, Role::Bar);
    let mut x = area.x;
    // On a narrow terminal only the screen in view is named.
    let narrow = area.width < 72;
    for (n, screen) in Screen::ALL.into_iter().enumerate() {
        let here = screen == state.screen;
        let label = if narrow && !here {
            format!(" {}", n + 1)
        } else {
            format!(" {} {}", n + 1, screen.title())
        };
        let role = if here { Role::Tab } else { Role::Bar };
        let room = area.right().saturating_sub(x);
        x = pen.put(x, area.y, room, &label, role);
        if here {
            x = pen.put(x, area.y, area.right().saturating_sub(x), " ", role);
        }
    }
    let what = server(state);
    let room = area.right().saturating_sub(x + 1);
    let used = text::width(&what).min(room);
    pen.put(area.right() - used, area.y, used, &what, Role::Bar);
}

fn server(state: &State) -> String {
    let kind = match state.world.server.kind {
        Kind::Postfix => "Postfix",
        Kind::Engine => "engine",
        Kind::LogOnly => "log only",
    };
    match state.world.read_only {
        ReadOnly::Yes => format!("{kind}, read-only "),
        ReadOnly::No => format!("{kind} "),
    }
}
