//! The engine screen: how the mail server stands, and its parameters.

use super::pen::Pen;
use super::table::{Chosen, Table, Width, left};
use crate::attach::Kind;
use crate::console::engine::{CHROME, Engine, Facts};
use crate::console::state::State;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let engine = &state.panes.engine;
    let Some(facts) = &engine.facts else {
        pen.put(area.x + 1, area.y, area.width - 1, "being asked", Role::Dim);
        return;
    };
    standing(state, engine, facts, pen, area);
    for (y, (label, value)) in (area.y + 1..area.y + 7).zip(&facts.figures) {
        let label = format!("{label:8} ");
        let room = area.width.saturating_sub(1);
        pen.pieces(
            area.x + 1,
            y,
            room,
            &[(&label, Role::Dim), (value, Role::Text)],
        );
    }
    if let Some(warning) = facts.warnings.first() {
        let y = area.y + 1 + u16::try_from(facts.figures.len().min(5)).unwrap_or(5);
        let line = match facts.warnings.len() {
            1 => format!("! {warning}"),
            n => format!("! {warning} (and {} more: check lists them)", n - 1),
        };
        pen.put(area.x + 1, y, area.width - 1, &line, Role::Warn);
    }
    let list = Rect {
        y: area.y + 7,
        height: area.height.saturating_sub(8),
        ..area
    };
    parameters(state, engine, pen, list);
    if let Some((name, value)) = engine.chosen() {
        let y = area.bottom() - 1;
        let name = format!("{name} = ");
        let room = area.width.saturating_sub(1);
        pen.pieces(
            area.x + 1,
            y,
            room,
            &[(&name, Role::Link), (value, Role::Text)],
        );
    }
}

fn standing(state: &State, engine: &Engine, facts: &Facts, pen: &mut Pen<'_>, area: Rect) {
    let what = match state.world.server.kind {
        Kind::Postfix => "Postfix ",
        Kind::Engine => "The embedded engine ",
        Kind::LogOnly => "No mail server ",
    };
    let glyphs = pen.glyphs();
    let (stands, role) = match facts.running {
        Some(true) => (format!("{} runs", glyphs.good()), Role::Good),
        Some(false) => (format!("{} does not run", glyphs.bad()), Role::Bad),
        None => ("? may run".to_owned(), Role::Warn),
    };
    let doing = match engine.doing {
        Some(deed) => format!("  {} under way", deed.word()),
        None => String::new(),
    };
    let remark = format!("  {}", facts.remark);
    pen.pieces(
        area.x + 1,
        area.y,
        area.width.saturating_sub(1),
        &[
            (what, Role::Title),
            (&stands, role),
            (&doing, Role::Info),
            (&remark, Role::Dim),
        ],
    );
}

fn parameters(state: &State, engine: &Engine, pen: &mut Pen<'_>, area: Rect) {
    let shown = engine.parameters();
    let which = match state.world.server.kind {
        Kind::Engine => "parameters in force",
        _ => "parameters set in main.cf",
    };
    let heading = match engine.view.filter.as_str() {
        "" => format!("{} {which}", shown.len()),
        filter => format!("{} {which} match {filter}", shown.len()),
    };
    pen.heading(area.x + 1, area.y, area.width.saturating_sub(2), &heading);
    let columns = [left("", Width::Share(2)), left("", Width::Share(3))];
    let table = Table::new(&columns, area);
    let page = state.world.rows().saturating_sub(CHROME);
    let cursor = engine.view.cursor;
    for (y, row) in (area.y + 1..).zip(cursor.visible(shown.len(), page)) {
        let (name, value) = shown[row];
        let cells = [(name.as_str(), Role::Link), (value.as_str(), Role::Text)];
        table.row(pen, y, &cells, Chosen::from(row == cursor.row));
    }
}
