//! The report as one HTML file: tables, and charts as inline SVG.
//!
//! No script and no reference to anything outside, so that it can be mailed and opened anywhere; the
//! policy in its head says so to the browser as well. Light or dark as the reader's system is, and fit to be
//! printed. Every text of the log passes [`escaped`].

mod chart;

use super::Report;
use super::figures::{self, count};
use super::section::{Cell, Section, Shape, Unit};
use std::borrow::Cow;
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

impl Report {
    /// The whole document.
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(64 * 1024);
        out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        let _ = writeln!(out, "<title>{}</title>", escaped(&self.heading()));
        let _ = writeln!(out, "<style>\n{STYLE}</style>\n</head>\n<body>");
        self.header(&mut out);
        for section in self.shown() {
            let _ = writeln!(
                out,
                "<section id=\"{}\">\n<h2>{}</h2>",
                section.spec.key,
                escaped(section.spec.title)
            );
            let _ = writeln!(out, "<p>{}</p>", escaped(section.spec.about));
            match section.spec.key {
                "by_day" => chart::traffic(self, &mut out),
                "delays_by_part" => chart::delays(section, &mut out),
                "rejects" => chart::reasons(section, &mut out),
                // A log of one day has no section of days to put the chart in.
                "hours_of_day" if !self.has_days() => chart::traffic(self, &mut out),
                _ => {}
            }
            match section.spec.shape {
                Shape::Record => record(section, &mut out),
                Shape::List | Shape::Causes | Shape::Messages => table(section, &mut out),
            }
            out.push_str("</section>\n");
        }
        out.push_str("<footer>mailtop; docs/counting.md says how each figure is counted.</footer>\n</body>\n</html>\n");
        out
    }

    fn heading(&self) -> String {
        match self.period {
            Some((from, to)) => format!("Postfix log report, {}", figures::span(from, to)),
            None => "Postfix log report: no Postfix line in the period".to_owned(),
        }
    }

    fn has_days(&self) -> bool {
        self.shown().any(|section| section.spec.key == "by_day")
    }

    fn header(&self, out: &mut String) {
        out.push_str("<header>\n<h1>Postfix log report</h1>\n");
        let mut line = |class: &str, text: &str| {
            let _ = writeln!(out, "<p{class}>{}</p>", escaped(text));
        };
        match self.period {
            Some((from, to)) => line("", &figures::span(from, to)),
            None => line(" class=\"bad\"", "No Postfix line in the period."),
        }
        if let Some((from, to)) = self.period_before {
            line("", &format!("compared with {}", figures::span(from, to)));
        } else if self.origin.compared.is_some() {
            line(" class=\"bad\"", "No Postfix line in the period before.");
        }
        if !self.origin.logs.is_empty() {
            line("", &format!("of {}", self.origin.logs.join(", ")));
        }
        let unparsed = self.count("lines", "unparsed");
        if unparsed > 0 {
            let of = count(self.count("lines", "read"));
            line(
                " class=\"bad\"",
                &format!(
                    "{} of {of} lines could not be read; mailtop parse --unparsed FILE shows them.",
                    count(unparsed)
                ),
            );
        }
        for remark in &self.origin.remarks {
            line("", remark);
        }
        out.push_str("</header>\n<nav>");
        for section in self.shown() {
            let (key, title) = (section.spec.key, escaped(section.spec.title));
            let _ = write!(out, "<a href=\"#{key}\">{title}</a> ");
        }
        out.push_str("</nav>\n");
    }
}

fn record(section: &Section, out: &mut String) {
    out.push_str("<dl>\n");
    let cells = section.rows.iter().flatten();
    for (column, cell) in section.spec.columns.iter().zip(cells) {
        if column.head.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "<div title=\"{}\"><dt>{}</dt><dd>{}</dd></div>",
            escaped(column.about),
            escaped(column.head),
            escaped(&figures::shown(cell, column.unit))
        );
    }
    out.push_str("</dl>\n");
}

fn table(section: &Section, out: &mut String) {
    let columns = || {
        let named = section.spec.columns.iter().enumerate();
        // The examples of a reason stand below it.
        named.filter(|(at, column)| {
            !column.head.is_empty()
                && (section.spec.shape != Shape::Causes || *at == 0 || column.unit != Unit::Texts)
        })
    };
    out.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for (_, column) in columns() {
        let _ = write!(
            out,
            "<th{} title=\"{}\">{}</th>",
            class(column.unit),
            escaped(column.about),
            escaped(column.head)
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        out.push_str("<tr>");
        for (at, column) in columns() {
            let text = figures::shown(&row[at], column.unit);
            let _ = write!(out, "<td{}>{}", class(column.unit), escaped(&text));
            if at == 0 && section.spec.shape == Shape::Causes {
                for texts in row.iter().filter_map(texts) {
                    let _ = write!(out, "<small>{}</small>", escaped(&texts));
                }
            }
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if section.is_cut() {
        let _ = writeln!(
            out,
            "<p>{} of {}</p>",
            count(section.rows.len() as u64),
            count(section.all as u64)
        );
    }
}

fn texts(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Texts(texts) if !texts.is_empty() => Some(texts.join(" | ")),
        _ => None,
    }
}

fn class(unit: Unit) -> &'static str {
    match unit {
        Unit::Text | Unit::Texts => " class=\"t\"",
        _ => " class=\"n\"",
    }
}

/// Text as HTML has it, between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escaped("<script>alert(\"1&'2'\")</script>"),
            "&lt;script&gt;alert(&quot;1&amp;&#39;2&#39;&quot;)&lt;/script&gt;"
        );
        assert!(matches!(escaped("plain"), Cow::Borrowed(_)));
    }
}
