//! Charts as inline SVG: traffic over time, delays, reasons. Colours are classes, so that the page's style
//! decides about dark and light.

use super::escaped;
use crate::report::Report;
use crate::report::figures::{count, duration, whole};
use crate::report::section::Section;
use std::fmt::Write as _;

/// The coordinates of a chart that is as wide as the page, which scales it.
const PAGE: f64 = 900.0;
/// The same of one that stands beside another.
const WIDTH: f64 = 450.0;
const HEIGHT: f64 = 150.0;
/// Room for the scale's figures and for the times below.
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;

/// So many times fit below a chart.
const TIMES: usize = 4;

/// More hours than this are shown as days: a bar needs a few pixels.
const HOURS: usize = 24 * 7;

/// More bars than this do not fit: neighbours are added up.
const BARS: usize = 300;

/// A figure over time: column, class of its colour, word.
type Series = (&'static str, &'static str, &'static str);

/// The charts of traffic: figures are stacked only where they count the same thing and exclude each
/// other, so that a bar's height means something.
const CHARTS: [(&str, &[Series]); 4] = [
    ("Messages received", &[("received", "in", "received")]),
    (
        "Recipients",
        &[
            ("delivered", "good", "delivered"),
            ("forwarded", "in", "forwarded"),
            ("bounced", "bad", "bounced"),
        ],
    ),
    (
        "Delivery attempts deferred",
        &[("deferrals", "warn", "deferred")],
    ),
    ("Rejects", &[("rejected", "bad", "rejected")]),
];

/// Traffic by hour, or by day for long periods: a small chart for each thing counted.
pub(super) fn traffic(report: &Report, out: &mut String) {
    let hourly = report
        .section("by_hour")
        .filter(|section| section.rows.len() <= HOURS);
    let (section, what) = match hourly {
        Some(section) => (section, "hour"),
        None => match report.section("by_day") {
            Some(section) => (section, "day"),
            None => return,
        },
    };
    if section.rows.len() < 2 {
        return;
    }
    out.push_str("<div class=\"charts\">\n");
    for (title, series) in CHARTS {
        stacked(section, what, title, series, out);
    }
    out.push_str("</div>\n");
}

/// One chart; none where all is 0.
fn stacked(section: &Section, what: &str, title: &str, series: &[Series], out: &mut String) {
    let bars = bars(section, what, series);
    let most = bars
        .iter()
        .map(|(_, v)| v.iter().sum::<f64>())
        .fold(0.0, f64::max);
    if most == 0.0 {
        return;
    }
    let title = format!("{title} by {what}");
    let _ = write!(out, "<figure>\n<figcaption>{title}");
    for (at, (_, class, word)) in series.iter().enumerate() {
        // A colour needs its word only beside others, and only where there is some of it.
        if series.len() > 1 && bars.iter().any(|(_, values)| values[at] > 0.0) {
            let _ = write!(out, " <i class=\"key {class}\"></i>{word}");
        }
    }
    out.push_str("</figcaption>\n");
    open(out, WIDTH, HEIGHT, &title);
    let height = HEIGHT - BOTTOM - TOP;
    scale(out, most, height, tick);
    let step = (WIDTH - LEFT) / bars.len() as f64;
    let wide = (step - 1.0).max(step * 0.8);
    let every = bars.len().div_ceil(TIMES);
    for (at, (name, values)) in bars.iter().enumerate() {
        let x = LEFT + step * at as f64;
        let mut y = TOP + height;
        let _ = write!(out, "<g><title>{}", escaped(name));
        for ((_, _, word), value) in series.iter().zip(values) {
            let _ = write!(out, ", {word} {}", count(whole(*value)));
        }
        out.push_str("</title>");
        for ((_, class, _), value) in series.iter().zip(values).filter(|(_, v)| **v > 0.0) {
            let tall = value / most * height;
            y -= tall;
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\"/>"
            );
        }
        out.push_str("</g>\n");
        if at % every == 0 {
            let below = HEIGHT - 8.0;
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{below:.1}\">{}</text>",
                escaped(name)
            );
        }
    }
    out.push_str("</svg>\n</figure>\n");
}

/// The bars' names and values.
fn bars(section: &Section, what: &str, series: &[Series]) -> Vec<(String, Vec<f64>)> {
    let join = section.rows.len().div_ceil(BARS);
    section
        .rows
        .chunks(join.max(1))
        .map(|rows| {
            let first = section.cell(&rows[0], what).text();
            // `2026-11-22T08` is what an eye can take in below a bar.
            let name: String = first.chars().take(13).collect();
            let sum = |key: &str| rows.iter().map(|row| section.cell(row, key).number()).sum();
            let values = series.iter().map(|(key, ..)| sum(key)).collect();
            (name.replace('T', " "), values)
        })
        .collect()
}

/// Percentiles of the delay and its parts, on a logarithmic scale: from a hundredth of a second to days.
pub(super) fn delays(section: &Section, out: &mut String) {
    const ROW: f64 = 30.0;
    const NAMES: f64 = 170.0;
    let longest = section
        .rows
        .iter()
        .map(|row| section.cell(row, "max").number())
        .fold(0.0, f64::max);
    if longest <= 0.0 {
        return;
    }
    let least = 0.01_f64;
    let span = (longest.max(0.1) / least).ln();
    let at =
        |seconds: f64| NAMES + (seconds.max(least) / least).ln() / span * (PAGE - NAMES - 70.0);
    let height = ROW * section.rows.len() as f64 + 26.0;
    out.push_str("<figure>\n<figcaption>Delays, logarithmic");
    for (class, word) in [
        ("good", "to p50"),
        ("in", "to p95"),
        ("warn", "to the longest"),
    ] {
        let _ = write!(out, " <i class=\"key {class}\"></i>{word}");
    }
    out.push_str("</figcaption>\n");
    open(out, PAGE, height, "Delays of deliveries");
    for (row, cells) in section.rows.iter().enumerate() {
        let y = ROW * row as f64 + 4.0;
        let number = |key: &str| section.cell(cells, key).number();
        let name = section.cell(cells, "part").text();
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            escaped(name)
        );
        for (class, key) in [("warn", "max"), ("in", "p95"), ("good", "p50")] {
            let wide = at(number(key)) - NAMES;
            let _ = writeln!(
                out,
                "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"20\"><title>{key} {}</title></rect>",
                duration(number(key))
            );
        }
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            at(number("max")) + 6.0,
            y + 14.0,
            duration(number("max"))
        );
    }
    for tick in [
        0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0, 864_000.0,
    ] {
        if tick <= longest {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                at(tick),
                height - 6.0,
                duration(tick)
            );
        }
    }
    out.push_str("</svg>\n</figure>\n");
}

/// The most frequent reasons as bars.
pub(super) fn reasons(section: &Section, out: &mut String) {
    const ROW: f64 = 34.0;
    /// What an eye takes in at once.
    const MOST: usize = 10;
    let rows = &section.rows[..section.rows.len().min(MOST)];
    let most = rows
        .iter()
        .map(|row| section.cell(row, "count").number())
        .fold(0.0, f64::max);
    if most == 0.0 {
        return;
    }
    out.push_str("<figure>\n<figcaption>The most frequent reasons</figcaption>\n");
    open(
        out,
        PAGE,
        ROW * rows.len() as f64 + 4.0,
        "The most frequent reasons",
    );
    for (at, cells) in rows.iter().enumerate() {
        let y = ROW * at as f64;
        let value = section.cell(cells, "count");
        let reason: String = section
            .cell(cells, "reason")
            .text()
            .chars()
            .take(110)
            .collect();
        let wide = value.number() / most * (PAGE - 90.0);
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            y + 12.0,
            escaped(&reason)
        );
        let _ = writeln!(
            out,
            "<rect class=\"bad\" x=\"0\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"10\"/>",
            y + 17.0
        );
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            wide + 6.0,
            y + 26.0,
            count(value.count())
        );
    }
    out.push_str("</svg>\n</figure>\n");
}

fn open(out: &mut String, width: f64, height: f64, label: &str) {
    let label = escaped(label);
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">"
    );
}

/// A value of the scale; half of an odd number is none of the whole ones beside it.
fn tick(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 {
        format!("{value:.1}")
    } else {
        count(whole(value))
    }
}

/// Three lines across, with their values.
fn scale(out: &mut String, most: f64, height: f64, write: impl Fn(f64) -> String) {
    for part in [0.0, 0.5, 1.0] {
        let y = TOP + height * (1.0 - part);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            write(most * part)
        );
    }
}
