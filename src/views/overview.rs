//! The overview: rates of the last hour, delays, diagnoses, the top reasons.

use super::pen::Pen;
use super::text;
use crate::console::feed::{DelayFigures, Figures, Finding, QueueAges, Reading};
use crate::console::overview::Row;
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Columns of a rate's label and of its counts.
const LABEL: u16 = 11;
const COUNTS: u16 = 18;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let mut y = notice(state, pen, area);
    let Some(figures) = &state.panes.overview.figures else {
        pen.put(area.x + 1, y, area.width - 1, "reading the log", Role::Dim);
        return;
    };
    let chosen = state.panes.overview.chosen();
    y = rates(figures, pen, Rect { y, ..area });
    y = delays(figures, pen, Rect { y, ..area });
    y = queue(figures, pen, Rect { y, ..area });
    let left = area.bottom().saturating_sub(y);
    // Diagnoses take what they need but leave half of what is left to the reasons.
    let room = (left / 2).max(2);
    y = findings(
        &figures.diagnoses,
        chosen.as_ref(),
        pen,
        Rect {
            y,
            height: room.min(left),
            ..area
        },
    );
    let rest = Rect {
        y,
        height: area.bottom().saturating_sub(y),
        ..area
    };
    reasons(figures, chosen.as_ref(), pen, rest);
}

/// What is attached, how it was found, what to do next; and how far reading has come.
fn notice(state: &State, pen: &mut Pen<'_>, area: Rect) -> u16 {
    let width = area.width.saturating_sub(2);
    let clean = crate::sanitize::str_line(&state.world.server.notice);
    let most = notice_lines(state, area.height);
    let mut y = area.y;
    for line in text::wrap(&clean, width).into_iter().take(most) {
        pen.put(area.x + 1, y, width, &line, Role::Dim);
        y += 1;
    }
    if let Some(figures) = &state.panes.overview.figures {
        let line = reading(&figures.reading, figures.offset);
        pen.put(area.x + 1, y, width, &line, Role::Dim);
        y += 1;
    }
    y
}

/// A server without mail yet has room for the whole notice, and a newcomer needs its last words; later it must
/// not push the figures down.
fn notice_lines(state: &State, height: u16) -> usize {
    let quiet = state.panes.overview.figures.as_ref().is_none_or(|figures| {
        let totals = &figures.totals;
        totals.received + totals.sent + totals.deferred + totals.bounced + totals.rejected == 0
    });
    match height {
        20.. if quiet => 6,
        30.. => 3,
        _ => 2,
    }
}

fn reading(reading: &Reading, offset: i32) -> String {
    let noun = if reading.lines == 1 { "line" } else { "lines" };
    let mut line = format!("{} {noun}", text::count(reading.lines));
    if let Some((from, to)) = reading.span {
        line = format!(
            "{line}, {} to {}",
            text::stamp(from, offset),
            text::stamp(to, offset)
        );
    }
    if reading.unparsed > 0 {
        line = format!("{line}, {} not understood", text::count(reading.unparsed));
    }
    if reading.remaining > 0 {
        line = format!(
            "{line}, {}B still to be read",
            text::bytes(reading.remaining)
        );
    }
    line
}

fn rates(figures: &Figures, pen: &mut Pen<'_>, area: Rect) -> u16 {
    let (rates, totals) = (&figures.rates, &figures.totals);
    let spark = area.width.saturating_sub(LABEL + COUNTS + 2);
    let title = if figures.live {
        "Last hour, by minute".to_owned()
    } else {
        let to = text::stamp(figures.hour_to, figures.offset);
        format!("The log's last hour, to {to}, by minute")
    };
    pen.heading(area.x + 1, area.y, area.width.saturating_sub(2), &title);
    let counts = area.right().saturating_sub(COUNTS + 1);
    // As wide as the columns: the heading's rule must end before them.
    let heads = format!("{:>9}{:>9}", "hour", "all");
    pen.put(counts, area.y, COUNTS, &heads, Role::Title);
    let glyphs = pen.glyphs();
    let lines = [
        (
            " ",
            "received",
            &rates.received,
            totals.received,
            Role::Text,
        ),
        (glyphs.good(), "sent", &rates.sent, totals.sent, Role::Good),
        (
            glyphs.warn(),
            "deferred",
            &rates.deferred,
            totals.deferred,
            Role::Warn,
        ),
        (
            glyphs.bad(),
            "bounced",
            &rates.bounced,
            totals.bounced,
            Role::Bad,
        ),
        (
            glyphs.reject(),
            "rejected",
            &rates.rejected,
            totals.rejected,
            Role::Reject,
        ),
    ];
    let mut y = area.y + 1;
    for (sign, name, minutes, total, role) in lines {
        pen.pieces(
            area.x + 1,
            y,
            LABEL,
            &[(sign, role), (" ", role), (name, role)],
        );
        let columns = spread(minutes, spark);
        pen.spark(area.x + 1 + LABEL, y, &columns, role);
        let hour: u64 = minutes.iter().sum();
        pen.put_right(counts, y, 9, &text::count(hour), Role::Text);
        pen.put_right(counts + 9, y, 9, &text::count(total), Role::Dim);
        y += 1;
    }
    y
}

/// Sixty minutes on the columns there are: several minutes a column, or several columns a minute.
fn spread(minutes: &[u64], columns: u16) -> Vec<u64> {
    let columns = usize::from(columns);
    if minutes.is_empty() || columns == 0 {
        return Vec::new();
    }
    if columns >= minutes.len() {
        let wide = columns / minutes.len();
        return minutes
            .iter()
            .flat_map(|n| std::iter::repeat_n(*n, wide))
            .collect();
    }
    // The highest of the minutes that share a column: a peak stays a peak.
    (0..columns)
        .map(|at| {
            let (from, to) = (
                at * minutes.len() / columns,
                (at + 1) * minutes.len() / columns,
            );
            minutes[from..to].iter().copied().max().unwrap_or(0)
        })
        .collect()
}

fn delays(figures: &Figures, pen: &mut Pen<'_>, area: Rect) -> u16 {
    let Some(delays) = figures.delays else {
        return area.y;
    };
    let DelayFigures {
        p50,
        p95,
        p99,
        parts,
    } = delays;
    let quantiles = format!(
        "p50 {}  p95 {}  p99 {}",
        text::duration(p50),
        text::duration(p95),
        text::duration(p99)
    );
    let x = area.x + 3;
    let width = area.width - 4;
    pen.pieces(
        x,
        area.y,
        width,
        &[("delay    ", Role::Text), (&quantiles, Role::Text)],
    );
    // Both halves fit side by side with the longest of durations.
    let wide = area.width >= 120;
    let (mut x, y) = if wide {
        (x + 46, area.y)
    } else {
        (x + 9, area.y + 1)
    };
    x = pen.put(x, y, 12, "p95 of ", Role::Dim);
    let names = ["arrival ", "queue ", "connect ", "send "];
    let slowest = (1..4).fold(0, |most, n| if parts[n] > parts[most] { n } else { most });
    for (n, name) in names.into_iter().enumerate() {
        let room = area.right().saturating_sub(x + 1);
        let value = text::duration(parts[n]);
        let role = if n == slowest && parts[n] >= 1.0 {
            Role::Warn
        } else {
            Role::Text
        };
        x = pen.pieces(
            x,
            y,
            room,
            &[(name, Role::Dim), (&value, role), ("  ", Role::Dim)],
        );
    }
    y + 1
}

/// Depth of the queue by age.
fn queue(figures: &Figures, pen: &mut Pen<'_>, area: Rect) -> u16 {
    let Some(ages) = figures.waiting else {
        return area.y;
    };
    let total: u64 = ages.counts.iter().sum();
    let total_text = text::count(total);
    let mut x = pen.pieces(
        area.x + 3,
        area.y,
        area.width - 3,
        &[
            ("queue    ", Role::Text),
            (&total_text, Role::Text),
            ("  ", Role::Dim),
        ],
    );
    for (label, count) in QueueAges::LABELS.iter().zip(ages.counts) {
        let label = format!("{label} ");
        let count_text = text::count(count);
        let role = if count > 0 { Role::Warn } else { Role::Dim };
        let room = area.right().saturating_sub(x + 1);
        x = pen.pieces(
            x,
            area.y,
            room,
            &[(&label, Role::Dim), (&count_text, role), ("  ", Role::Dim)],
        );
    }
    let mut rest = String::new();
    if ages.held > 0 {
        rest = format!("held {}  ", text::count(ages.held));
    }
    if total > 0 {
        rest = format!("{rest}oldest {}", text::duration(ages.oldest as f64));
    }
    pen.put(
        x,
        area.y,
        area.right().saturating_sub(x + 1),
        &rest,
        Role::Dim,
    );
    area.y + 1
}

fn findings(findings: &[Finding], chosen: Option<&Row>, pen: &mut Pen<'_>, area: Rect) -> u16 {
    if area.height < 2 {
        return area.y;
    }
    let width = area.width.saturating_sub(2);
    if findings.is_empty() {
        let sign = pen.glyphs().good();
        pen.pieces(
            area.x + 1,
            area.y,
            width,
            &[(sign, Role::Good), (" nothing stands out", Role::Dim)],
        );
        return area.y + 1;
    }
    pen.heading(area.x + 1, area.y, width, "What stands out");
    let two = usize::from(area.height - 1) >= 2 * findings.len();
    let mut y = area.y + 1;
    for (n, finding) in findings.iter().enumerate() {
        if y >= area.bottom() {
            break;
        }
        let place = Rect {
            y,
            height: 1,
            ..area
        };
        let (sign, role) = if finding.grave {
            (pen.glyphs().bad(), Role::Bad)
        } else {
            (pen.glyphs().warn(), Role::Warn)
        };
        let x = pen.pieces(
            area.x + 1,
            y,
            width,
            &[(sign, role), (" ", role), (&finding.text, role)],
        );
        if two {
            pen.put(
                area.x + 5,
                y + 1,
                width.saturating_sub(4),
                &finding.remedy,
                Role::Dim,
            );
        } else {
            let room = area.right().saturating_sub(x + 2);
            pen.put(x + 1, y, room, &finding.remedy, Role::Dim);
        }
        if chosen == Some(&Row::Finding(n)) {
            mark(pen, place);
        }
        y += if two { 2 } else { 1 };
    }
    y
}

fn reasons(figures: &Figures, chosen: Option<&Row>, pen: &mut Pen<'_>, area: Rect) {
    if area.height < 2 {
        return;
    }
    let half = area.width / 2;
    let [left, right] = [
        Rect {
            width: half,
            ..area
        },
        Rect {
            x: area.x + half,
            width: area.width - half,
            ..area
        },
    ];
    let lists = [
        (left, "Rejects", &figures.rejects, Role::Reject),
        (right, "Deferrals", &figures.deferrals, Role::Warn),
    ];
    for (n, (area, title, rows, role)) in lists.into_iter().enumerate() {
        let title = match figures.errors[n] {
            0 => title.to_owned(),
            error => format!("{title} (counts may be {} too high)", text::count(error)),
        };
        pen.heading(area.x + 1, area.y, area.width.saturating_sub(2), &title);
        if rows.is_empty() {
            pen.put(area.x + 1, area.y + 1, area.width - 1, "none", Role::Dim);
        }
        let places = (area.y + 1..area.bottom()).zip(rows.iter().enumerate());
        for (y, (at, (reason, count))) in places {
            let row = if n == 0 {
                Row::Reject(at)
            } else {
                Row::Deferral(at)
            };
            pen.put_right(area.x + 1, y, 7, &text::count(*count), role);
            let room = area.width.saturating_sub(10);
            pen.put(area.x + 9, y, room, &text::cause(reason), Role::Text);
            if chosen == Some(&row) {
                mark(
                    pen,
                    Rect {
                        y,
                        height: 1,
                        width: area.width - 1,
                        ..area
                    },
                );
            }
        }
    }
}

fn mark(pen: &mut Pen<'_>, place: Rect) {
    pen.cursor_row(place);
    let sign = pen.glyphs().cursor();
    pen.put(place.x, place.y, 1, sign, Role::Cursor);
}
