//! The block list screen: a table of lists for one target, a matrix for several, and the details of one answer.

use super::pen::Pen;
use super::table::{Chosen, Table, Width, left, right};
use super::text;
use crate::console::action::Action;
use crate::console::rbl::{CHROME, DETAILS, Rbl, meaning, words};
use crate::console::state::State;
use crate::console::theme::Role;
use crate::rbl::{Finding, Verdict};
use ratatui::layout::Rect;

/// Draws it.
pub(super) fn render(state: &State, pen: &mut Pen<'_>, area: Rect) {
    let rbl = &state.panes.rbl;
    head(state, rbl, pen, area);
    let details = u16::try_from(DETAILS).unwrap_or(0);
    let list = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1 + details),
        ..area
    };
    if rbl.view.open.is_some() {
        table(state, rbl, pen, list);
    } else if !rbl.view.targets.is_empty() {
        matrix(rbl, pen, list);
    }
    let foot = Rect {
        y: area.bottom().saturating_sub(details),
        height: details.min(area.height),
        ..area
    };
    if let Some(finding) = rbl.chosen() {
        detail(finding, pen, foot);
    }
}

fn head(state: &State, rbl: &Rbl, pen: &mut Pen<'_>, area: Rect) {
    let key = |action| state.world.keymap.shown(action);
    let progress = &rbl.progress;
    let room = area.width.saturating_sub(1);
    if rbl.view.targets.is_empty() {
        let line = format!(
            "{} asks about addresses, networks or domains; {} tests the lists themselves",
            key(Action::Lookup),
            key(Action::ListHealth)
        );
        let why = match &progress.ended {
            Some(error) => format!("{} {error}  ", pen.glyphs().bad()),
            None => String::new(),
        };
        pen.pieces(
            area.x + 1,
            area.y,
            room,
            &[(&why, Role::Bad), (&line, Role::Dim)],
        );
        return;
    }
    let what = match &rbl.view.open {
        Some(target) => target.to_string(),
        None => rbl.view.text.clone(),
    };
    let shown: Vec<&Finding> = match &rbl.view.open {
        Some(target) => rbl.found.get(target).into_iter().flatten().collect(),
        None => rbl.found.values().flatten().collect(),
    };
    let listed = count(&shown, |v| matches!(v, Verdict::Listed { .. }));
    let unknown = count(&shown, |v| !v.is_conclusive());
    let listed_role = if listed > 0 { Role::Bad } else { Role::Good };
    let listed = format!("  listed {listed}");
    let unknown = format!(", without verdict {unknown}, of {}", shown.len());
    let mut rest = match (progress.running, &progress.ended) {
        (true, _) => format!("  {} of {} asked", progress.come, progress.expected),
        (false, Some(why)) => format!("  {why}"),
        (false, None) => format!("  by {}", progress.resolver),
    };
    if !rbl.view.filter.is_empty() {
        rest = format!("{rest}, matching {}", rbl.view.filter);
    }
    let public = match progress.public {
        Some(who) => format!("  {who} is a public resolver: lists refuse it"),
        None => String::new(),
    };
    pen.pieces(
        area.x + 1,
        area.y,
        room,
        &[
            (&what, Role::Link),
            (&listed, listed_role),
            (&unknown, Role::Text),
            (&rest, Role::Dim),
            (&public, Role::Warn),
        ],
    );
}

fn count(findings: &[&Finding], is: impl Fn(&Verdict) -> bool) -> usize {
    findings.iter().filter(|f| is(&f.verdict)).count()
}

/// A verdict's sign and look: a listing and a list that cannot say differ in sign, word and colour.
fn sign(verdict: &Verdict, pen: &Pen<'_>) -> (&'static str, Role) {
    let glyphs = pen.glyphs();
    match verdict {
        Verdict::Listed { .. } => (glyphs.bad(), Role::Bad),
        Verdict::Clean => (glyphs.good(), Role::Good),
        Verdict::Allowed { .. } => ("A", Role::Good),
        Verdict::Blocked { .. } => ("B", Role::Warn),
        Verdict::Hijacked => ("H", Role::Warn),
        Verdict::World => ("W", Role::Warn),
        Verdict::Dead => ("D", Role::Dim),
        Verdict::Refused => ("R", Role::Warn),
        Verdict::ServFail => ("S", Role::Warn),
        Verdict::Timeout => ("T", Role::Warn),
    }
}

fn table(state: &State, rbl: &Rbl, pen: &mut Pen<'_>, area: Rect) {
    let columns = [
        left("verdict", Width::Fixed(10)),
        left("list", Width::Share(2)),
        left("what it says", Width::Share(4)),
        right("time", Width::Fixed(6)),
    ];
    let table = Table::new(&columns, area);
    table.heads(pen, area.y);
    let page = state.world.rows().saturating_sub(CHROME);
    let rows = rbl.rows();
    let cursor = rbl.view.cursor;
    for (y, row) in (area.y + 1..).zip(cursor.visible(rows.len(), page)) {
        let finding = rows[row];
        let (sign, role) = sign(&finding.verdict, pen);
        let verdict = format!("{sign} {}", finding.verdict.word());
        let words = words(finding);
        let time = text::duration(finding.evidence.latency.as_secs_f64());
        let cells = [
            (verdict.as_str(), role),
            (finding.zone.as_str(), Role::Link),
            (words.as_str(), Role::Text),
            (time.as_str(), Role::Dim),
        ];
        table.row(pen, y, &cells, Chosen::from(row == cursor.row));
    }
    if rows.is_empty() {
        let why = match (rbl.progress.running, &rbl.progress.ended) {
            (true, _) => "the lists are being asked",
            (false, Some(_)) => "nothing was found out",
            (false, None) => "no list matches",
        };
        pen.put(area.x + 2, area.y + 1, area.width - 2, why, Role::Dim);
    }
}

/// Targets downwards, lists across: one sign a cell.
fn matrix(rbl: &Rbl, pen: &mut Pen<'_>, area: Rect) {
    let zones = rbl.zones();
    let name = 26.min(area.width / 3);
    let cells = usize::from(area.width.saturating_sub(name + 12));
    // The chosen column stays in view.
    let first = (rbl.view.column + 1).saturating_sub(cells);
    let x = area.x + 1 + name + 9;
    pen.put(area.x + 1, area.y, name, "target", Role::Title);
    pen.put_right(area.x + 1 + name, area.y, 7, "listed", Role::Title);
    let chosen = zones.get(rbl.view.column).copied().unwrap_or_default();
    let heading = format!("{} lists; here: {chosen}", zones.len());
    pen.put(
        x,
        area.y,
        area.right().saturating_sub(x),
        &heading,
        Role::Title,
    );
    let page = usize::from(area.height.saturating_sub(1));
    let cursor = rbl.view.row;
    for (y, row) in (area.y + 1..).zip(cursor.visible(rbl.view.targets.len(), page)) {
        let target = &rbl.view.targets[row];
        let here = row == cursor.row;
        let label = if here { pen.glyphs().cursor() } else { " " };
        pen.put(area.x, y, 1, label, Role::Cursor);
        let role = if here { Role::Cursor } else { Role::Text };
        pen.put(area.x + 1, y, name, &target.to_string(), role);
        let listed = rbl.found.get(target).map_or(0, |f| {
            f.iter()
                .filter(|f| matches!(f.verdict, Verdict::Listed { .. }))
                .count()
        });
        let role = if listed > 0 { Role::Bad } else { Role::Dim };
        pen.put_right(area.x + 1 + name, y, 7, &listed.to_string(), role);
        for (x, (at, zone)) in (x..).zip(zones.iter().enumerate().skip(first).take(cells)) {
            let (cell, role) = match rbl.cell(target, zone) {
                Some(finding) => sign(&finding.verdict, pen),
                None => (" ", Role::Dim),
            };
            let chosen = here && at == rbl.view.column;
            pen.put(x, y, 1, cell, if chosen { Role::Cursor } else { role });
        }
    }
}

/// One answer with everything it rests on.
fn detail(finding: &Finding, pen: &mut Pen<'_>, area: Rect) {
    let evidence = &finding.evidence;
    let title = format!("{} about {}", finding.zone, finding.target);
    pen.heading(area.x + 1, area.y, area.width.saturating_sub(2), &title);
    let (sign, role) = sign(&finding.verdict, pen);
    let verdict = format!(
        "{sign} {}: {}",
        finding.verdict.word(),
        meaning(&finding.verdict)
    );
    let answers: Vec<String> = evidence.answers.iter().map(ToString::to_string).collect();
    let answers = match answers.as_slice() {
        [] => "none".to_owned(),
        answers => answers.join(", "),
    };
    let raw = format!("{} {} {answers}", evidence.query, pen.glyphs().arrow());
    let ttl = evidence
        .ttl
        .map_or(String::new(), |t| format!(", kept {t}s"));
    let by = format!(
        "{} in {}{ttl}",
        evidence.resolver,
        text::duration(evidence.latency.as_secs_f64())
    );
    let says = words(finding);
    let rows = [
        ("", verdict.as_str(), role),
        ("says     ", says.as_str(), Role::Text),
        ("answer   ", raw.as_str(), Role::Text),
        ("resolver ", by.as_str(), Role::Dim),
        (
            "removal  ",
            finding.delist.as_deref().unwrap_or("no page is known"),
            Role::Link,
        ),
    ];
    for (y, (label, value, role)) in (area.y + 1..area.bottom()).zip(rows) {
        let room = area.width.saturating_sub(1);
        pen.pieces(area.x + 1, y, room, &[(label, Role::Dim), (value, role)]);
    }
}
