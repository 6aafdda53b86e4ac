//! Pop-ups: a text to read, and a question.

use super::pen::Pen;
use super::text;
use crate::console::layer::{Confirm, Popup, Scroll};
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// A rectangle of at most this size in the middle of an area.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Which of `len` lines are shown in `height` rows: the first, and how many.
pub(super) fn body(len: usize, scroll: Scroll, height: u16) -> (usize, usize) {
    let height = usize::from(height);
    let top = usize::from(scroll.top).min(len.saturating_sub(height));
    (top, height.min(len - top))
}

/// Draws a text to read.
pub(super) fn render(popup: &Popup, pen: &mut Pen<'_>, area: Rect) {
    let width = area.width.saturating_sub(4).min(140);
    let lines = wrapped(&popup.lines, width.saturating_sub(4));
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let inner = pen.frame(centred(area, width, height), &popup.title);
    let (top, shown) = body(lines.len(), popup.scroll, inner.height);
    for (y, (role, line)) in (inner.y..).zip(&lines[top..top + shown]) {
        pen.put(inner.x, y, inner.width, line, *role);
    }
}

/// Draws a question with the key that says yes.
pub(super) fn confirm(confirm: &Confirm, pen: &mut Pen<'_>, area: Rect) {
    let width = area.width.saturating_sub(4).min(90);
    let lines = wrapped(&confirm.body, width.saturating_sub(4));
    // The title, the body, an empty row, the keys.
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let inner = pen.frame(centred(area, width, height), &confirm.title);
    let room = inner.height.saturating_sub(2);
    let (top, shown) = body(lines.len(), confirm.scroll, room);
    for (y, (role, line)) in (inner.y..).zip(&lines[top..top + shown]) {
        pen.put(inner.x, y, inner.width, line, *role);
    }
    let y = inner.bottom().saturating_sub(1);
    let answered = [
        (confirm.typed.as_str(), Role::Input),
        ("  ", Role::Dim),
        ("Enter", Role::Key),
        (" ", Role::Dim),
        (confirm.word, Role::Bad),
    ];
    let open = [
        ("type ", Role::Dim),
        (confirm.answer.as_str(), Role::Key),
        (": ", Role::Dim),
        (confirm.typed.as_str(), Role::Input),
        ("_  then Enter to ", Role::Dim),
        (confirm.word, Role::Bad),
    ];
    let pieces: &[(&str, Role)] = if confirm.is_answered() {
        &answered
    } else {
        &open
    };
    let x = pen.pieces(inner.x, y, inner.width, pieces);
    pen.pieces(
        x,
        y,
        inner.right().saturating_sub(x),
        &[
            ("    ", Role::Dim),
            ("n", Role::Key),
            (" or ", Role::Dim),
            ("Esc", Role::Key),
            (" leaves all as it is", Role::Dim),
        ],
    );
}

fn wrapped(lines: &[(Role, String)], width: u16) -> Vec<(Role, String)> {
    lines
        .iter()
        .flat_map(|(role, line)| {
            let clean = crate::sanitize::str_line(line);
            text::wrap(&clean, width)
                .into_iter()
                .map(|part| (*role, part))
                .collect::<Vec<_>>()
        })
        .collect()
}
