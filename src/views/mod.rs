//! The screens as drawn, one file each. In: the console's state. Out: cells of a buffer.
//!
//! No I/O of any kind, and no change of state. Every text passes [`pen::Pen`], which sanitises it: nothing from
//! mail, logs or DNS reaches a cell any other way.

mod engine;
mod footer;
mod help;
mod log;
mod messages;
mod overview;
mod palette;
mod pen;
mod popup;
mod queue;
mod rbl;
mod rejects;
mod table;
mod tabs;
mod text;

use crate::console::layer::Layer;
use crate::console::layout::SMALLEST;
use crate::console::screen::Screen;
use crate::console::state::State;
use crate::console::theme::Role;
use pen::Pen;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Draws a frame; the answer is where the cursor of a text field stands.
pub(crate) fn render(state: &State, buffer: &mut Buffer) -> Option<Position> {
    let area = buffer.area;
    if area.is_empty() {
        return None;
    }
    let mut pen = Pen::new(buffer, &state.world);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        small(state, &mut pen, area);
        return None;
    }
    let [top, body, bottom] = parts(area);
    tabs::render(state, &mut pen, top);
    pen.keep_to(body);
    match state.screen {
        Screen::Overview => overview::render(state, &mut pen, body),
        Screen::Log => log::render(state, &mut pen, body),
        Screen::Messages => messages::render(state, &mut pen, body),
        Screen::Rejects => rejects::render(state, &mut pen, body),
        Screen::Queue => queue::render(state, &mut pen, body),
        Screen::Rbl => rbl::render(state, &mut pen, body),
        Screen::Engine => engine::render(state, &mut pen, body),
    }
    pen.keep_to(area);
    let mut cursor = footer::render(state, &mut pen, bottom);
    for layer in &state.layers {
        match layer {
            Layer::Help(scroll) => help::render(state, *scroll, &mut pen, body),
            Layer::Palette(palette) => {
                cursor = palette::render(state, palette, &mut pen, body);
            }
            Layer::Confirm(confirm) => popup::confirm(confirm, &mut pen, body),
            Layer::Popup(content) => popup::render(content, &mut pen, body),
            Layer::Prompt(_) => {}
        }
    }
    cursor
}

/// Tabs, body, footer.
fn parts(area: Rect) -> [Rect; 3] {
    let body = crate::console::layout::body_rows(area.height);
    [
        Rect { height: 1, ..area },
        Rect {
            y: area.y + 1,
            height: body,
            ..area
        },
        Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        },
    ]
}

/// What fits when nothing fits: the screen's name and the counts.
fn small(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let text = match &state.panes.overview.figures {
        Some(f) => format!(
            "mailtop: {} in, {} sent, {} deferred, {} bounced, {} rejected",
            f.totals.received,
            f.totals.sent,
            f.totals.deferred,
            f.totals.bounced,
            f.totals.rejected
        ),
        None => "mailtop: at least 40x10, please".to_owned(),
    };
    pen.put(area.x, area.y, area.width, &text, Role::Text);
}

#[cfg(test)]
mod acting_tests;
#[cfg(test)]
mod pictured;
#[cfg(test)]
mod tests;
