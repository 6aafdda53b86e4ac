//! The bottom row: the text field that is open, a word to the user, or the keys of the screen.

use super::pen::Pen;
use super::text;
use crate::console::action::{Action, TABLE};
use crate::console::layer::{Layer, Prompt};
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::{Position, Rect};

/// Draws it; the answer is where the cursor of a text field stands.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) -> Option<Position> {
    if let Some(Layer::Prompt(prompt)) = state.layers.last() {
        return Some(field(prompt, pen, area));
    }
    if let Some(toast) = &state.toast {
        let sign = match toast.role {
            Role::Bad => pen.glyphs().bad(),
            _ => pen.glyphs().info(),
        };
        let line = format!(" {sign} {}", toast.text);
        pen.put(area.x, area.y, area.width, &line, toast.role);
        return None;
    }
    keys(state, pen, area);
    None
}

fn field(prompt: &Prompt, pen: &mut Pen<'_>, area: Rect) -> Position {
    let label = format!(" {}: ", prompt.field.label());
    let x = pen.put(area.x, area.y, area.width / 2, &label, Role::Key);
    let error = prompt
        .error
        .as_deref()
        .map(|e| format!("  {} {e}", pen.glyphs().bad()));
    let beside = error.as_deref().map_or(0, text::width).min(area.width / 2);
    let room = area.right().saturating_sub(x + beside + 1);
    let value = prompt.input.value();
    let cursor = prompt.input.visual_cursor();
    // Keep the cursor in view: scroll by what does not fit.
    let scroll = (cursor + 1).saturating_sub(usize::from(room));
    pen.put(x, area.y, room, text::skip(value, scroll), Role::Input);
    if let Some(error) = error {
        pen.put(area.right() - beside, area.y, beside, &error, Role::Bad);
    }
    let at = u16::try_from(cursor - scroll).unwrap_or(0);
    Position::new(x.saturating_add(at).min(area.right() - 1), area.y)
}

/// As many keys as fit; help and quit always do.
fn keys(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let shown = |action: Action| {
        let entry = action.entry();
        (state.world.keymap.shown(action), entry.short)
    };
    let always: Vec<_> = [Action::Help, Action::Palette, Action::Quit]
        .map(shown)
        .into();
    let cost = |keys: &[(String, &str)]| -> u16 {
        keys.iter()
            .map(|(key, word)| text::width(key) + text::width(word) + 3)
            .sum()
    };
    let mut room = area.width.saturating_sub(cost(&always));
    let here = TABLE
        .iter()
        .filter(|e| !e.short.is_empty() && e.scope.covers(state.screen))
        .filter(|e| !matches!(e.action, Action::Help | Action::Palette | Action::Quit))
        .map(|e| shown(e.action))
        .filter(|(key, _)| !key.is_empty());
    let mut line = Vec::new();
    for pair in here {
        let need = cost(std::slice::from_ref(&pair));
        if need > room {
            break;
        }
        room -= need;
        line.push(pair);
    }
    line.extend(always);
    let mut x = area.x;
    for (key, word) in &line {
        let room = area.right().saturating_sub(x);
        x = pen.pieces(
            x,
            area.y,
            room,
            &[
                (" ", Role::Dim),
                (key, Role::Key),
                (" ", Role::Dim),
                (word, Role::Dim),
                (" ", Role::Dim),
            ],
        );
    }
}
