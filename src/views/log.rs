//! The log screen: one line a row, its header dim, its meaning a sign and a colour.

use super::pen::Pen;
use super::text;
use crate::console::feed::{LogLine, Tone};
use crate::console::log::{CHROME, Follow, Log};
use crate::console::pattern::Pattern;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let log = &state.panes.log;
    status(state, log, pen, Rect { height: 1, ..area });
    let page = usize::from(area.height).saturating_sub(CHROME);
    let filter = Pattern::new(&log.view.filter).ok().flatten();
    if log.len() == 0 {
        let why = match (log.kept(), log.scanning()) {
            (0, _) => "no log lines yet",
            (_, true) => "searching",
            _ => "no line matches the filter",
        };
        pen.put(
            area.x + 2,
            area.y + 1,
            area.width.saturating_sub(2),
            why,
            Role::Dim,
        );
    }
    let y = area.y + 1;
    for (y, row) in (y..).zip(log.cursor.visible(log.len(), page)) {
        let Some(line) = log.row(row) else { break };
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        let marks = [log.search.as_ref(), filter.as_ref()];
        draw_line(line, log.view.column, marks, pen, place);
        if row == log.cursor.row && log.view.follow == Follow::Paused {
            pen.cursor_row(place);
            let sign = pen.glyphs().cursor();
            pen.put(area.x, y, 1, sign, Role::Cursor);
        }
    }
}

fn status(state: &State, log: &Log, pen: &mut Pen<'_>, area: Rect) {
    let pause = state
        .world
        .keymap
        .shown(crate::console::action::Action::Pause);
    let mode = match log.view.follow {
        Follow::Newest => (format!(" {} following ", pen.glyphs().info()), Role::Good),
        Follow::Paused => (
            format!(
                " {} paused, {} newer ({pause} follows) ",
                pen.glyphs().paused(),
                text::count(log.behind() as u64)
            ),
            Role::Warn,
        ),
    };
    let lines = if log.view.filter.is_empty() {
        format!("{} lines ", text::count(log.kept() as u64))
    } else {
        format!(
            "{} of {} lines match {}{} ",
            text::count(log.len() as u64),
            text::count(log.kept() as u64),
            log.view.filter,
            if log.scanning() { ", searching" } else { "" }
        )
    };
    let mut pieces = vec![(mode.0.as_str(), mode.1), (lines.as_str(), Role::Dim)];
    let search = format!("search {} ", log.view.search);
    if !log.view.search.is_empty() {
        pieces.push((&search, Role::Dim));
    }
    let column = format!("from column {} ", log.view.column);
    if log.view.column > 0 {
        pieces.push((&column, Role::Dim));
    }
    pen.pieces(area.x, area.y, area.width, &pieces);
}

/// A tone's sign and look; the sign is there for eyes and terminals without colours.
pub(super) fn tone(tone: Tone, pen: &Pen<'_>) -> (&'static str, Role) {
    let glyphs = pen.glyphs();
    match tone {
        Tone::Plain => (" ", Role::Text),
        Tone::Foreign => (" ", Role::Dim),
        Tone::Sent => (glyphs.good(), Role::Good),
        Tone::Deferred => (glyphs.warn(), Role::Warn),
        Tone::Bounced | Tone::Failure => (glyphs.bad(), Role::Bad),
        Tone::Rejected => (glyphs.reject(), Role::Reject),
        Tone::Noted => (glyphs.info(), Role::Info),
        Tone::Warning => ("!", Role::Warn),
    }
}

/// Narrower than this, a line shows its time and service in place of its whole header.
const FULL_HEADER: u16 = 140;

/// Time and service; the answer is where the text begins, or `None` when the line has no such header.
fn short_header(line: &LogLine, pen: &mut Pen<'_>, area: Rect) -> Option<u16> {
    let second = line.second?;
    let (start, len) = line.service?;
    let start = usize::from(start);
    let service = line.text.get(start..start + usize::from(len))?;
    let clock = format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    pen.put(area.x + 3, area.y, 8, &clock, Role::Dim);
    pen.put_bytes(area.x + 12, area.y, 10, service, Role::Dim);
    Some(area.x + 23)
}

/// A delivery's outcome right behind its recipient, before the relay and the delays: at 80 columns it would be
/// beyond the edge. Other lines as they are.
fn outcome_first(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(relay) = text.find(", relay=") else {
        return text;
    };
    let Some(status) = text[relay..].find(", status=") else {
        return text;
    };
    let (head, rest) = text.split_at(relay);
    let (middle, status) = rest.split_at(status);
    Cow::Owned(format!("{head}{status}{middle}"))
}

/// Draws one log line on one row, scrolled by `column`.
pub(super) fn draw_line(
    line: &LogLine,
    column: usize,
    marks: [Option<&Pattern>; 2],
    pen: &mut Pen<'_>,
    area: Rect,
) {
    let (sign, role) = tone(line.tone, pen);
    pen.put(area.x + 1, area.y, 1, sign, role);
    let narrow = area.width < FULL_HEADER;
    let start = if narrow {
        short_header(line, pen, area)
    } else {
        None
    };
    let x = start.unwrap_or(area.x + 3);
    let room = area.right().saturating_sub(x);
    let body = usize::from(line.body).min(line.text.len());
    let (hidden, head) = match start {
        Some(_) => (body, 0),
        None => (0, body),
    };
    let shown = crate::sanitize::line(&line.text[hidden..]);
    let shown = if narrow { outcome_first(shown) } else { shown };
    // Sanitising may change the length in bytes, so the header is measured on its own.
    let head_columns = usize::from(text::width(&crate::sanitize::line(&line.text[..head])));
    let visible = text::skip(&shown, column);
    pen.put(x, area.y, room, visible, role);
    let dim = u16::try_from(head_columns.saturating_sub(column)).unwrap_or(u16::MAX);
    if role != Role::Dim {
        let header = Rect {
            x,
            width: dim.min(room),
            ..area
        };
        pen.tint(header, Role::Dim);
    }
    for pattern in marks.into_iter().flatten() {
        for place in pattern.places(visible) {
            let before = text::width(&visible[..place.start]);
            let width = text::width(&visible[place]);
            if before < room {
                let found = Rect {
                    x: x + before,
                    width: width.min(room - before),
                    ..area
                };
                pen.tint(found, Role::Match);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deliverys_outcome_comes_forward() {
        let line =
            "ID: to=<a@b.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (refused)";
        assert_eq!(
            outcome_first(Cow::Borrowed(line)),
            "ID: to=<a@b.example>, status=deferred (refused), relay=none, delay=1, dsn=4.4.1"
        );
        for other in ["", "ID: removed", "x, status=1, relay=2", "x, relay=2"] {
            assert_eq!(outcome_first(Cow::Borrowed(other)), other);
        }
    }
}
