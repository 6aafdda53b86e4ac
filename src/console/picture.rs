//! A frame as a picture: a buffer's cells become an SVG, for the README.
//!
//! Words are placed one by one, so that a viewer with another font keeps the columns; block and line signs
//! become rectangles, neighbours of one look a single one, so that bars and boxes have no gaps.

use super::color::{SIXTEEN, indexed};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// A cell's size in the picture.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
/// The default theme's stated colours.
const BACKGROUND: &str = "#1c1f26";
const FOREGROUND: &str = "#d0d0d0";

/// Draws a frame on a dark background.
pub fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (w, h) = (
        f64::from(area.width) * WIDTH,
        f64::from(area.height) * HEIGHT,
    );
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{:.0}\" viewBox=\"-12 -12 {:.1} {:.1}\" font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"14\" shape-rendering=\"crispEdges\">\n<rect x=\"-12\" y=\"-12\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n",
        w + 24.0,
        h + 24.0,
        w + 24.0,
        h + 24.0,
        w + 24.0,
        h + 24.0
    );
    for y in area.top()..area.bottom() {
        row(buffer, y, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn row(buffer: &Buffer, y: u16, out: &mut String) {
    let area = buffer.area;
    let top = f64::from(y - area.top()) * HEIGHT;
    let mut above = String::new();
    let (mut word, mut bar, mut under) = (Word::default(), Run::default(), Run::default());
    let mut x = area.left();
    while x < area.right() {
        let Some(cell) = buffer.cell((x, y)) else {
            break;
        };
        let left = f64::from(x - area.left()) * WIDTH;
        let (fg, bg) = colours(cell);
        let columns = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        if bg != BACKGROUND {
            let place = (left, top, f64::from(columns) * WIDTH, HEIGHT);
            under.push(place, &bg, out);
        }
        if let Some((dx, dy, w, h)) = block(cell.symbol()) {
            word.flush(top, &mut above);
            let place = (left + dx * WIDTH, top + dy * HEIGHT, w * WIDTH, h * HEIGHT);
            bar.push(place, &fg, &mut above);
        } else if cell.symbol() == " " {
            word.flush(top, &mut above);
        } else {
            let bold = cell.modifier.contains(Modifier::BOLD);
            word.push(cell.symbol(), left, fg, bold, top, &mut above);
        }
        x += columns;
    }
    under.flush(out);
    bar.flush(&mut above);
    word.flush(top, &mut above);
    out.push_str(&above);
}

/// Rectangles that touch, of one height and one colour: drawn as one, so that no seam shows between them.
#[derive(Default)]
struct Run {
    place: (f64, f64, f64, f64),
    fill: String,
}

impl Run {
    fn push(&mut self, place: (f64, f64, f64, f64), fill: &str, out: &mut String) {
        let (x, y, w, h) = self.place;
        let near = |a: f64, b: f64| (a - b).abs() < 0.01;
        let follows = near(x + w, place.0) && near(y, place.1) && near(h, place.3);
        if follows && self.fill == fill {
            self.place.2 += place.2;
            return;
        }
        self.flush(out);
        self.place = place;
        fill.clone_into(&mut self.fill);
    }

    fn flush(&mut self, out: &mut String) {
        if !self.fill.is_empty() {
            rectangle(out, self.place, &self.fill);
            self.fill.clear();
        }
    }
}

/// Characters that stand together in one look.
#[derive(Default)]
struct Word {
    text: String,
    left: f64,
    fg: String,
    bold: bool,
}

impl Word {
    fn push(
        &mut self,
        symbol: &str,
        left: f64,
        fg: String,
        bold: bool,
        top: f64,
        out: &mut String,
    ) {
        if !self.text.is_empty() && (self.fg != fg || self.bold != bold) {
            self.flush(top, out);
        }
        if self.text.is_empty() {
            (self.left, self.fg, self.bold) = (left, fg, bold);
        }
        self.text.push_str(symbol);
    }

    fn flush(&mut self, top: f64, out: &mut String) {
        if self.text.is_empty() {
            return;
        }
        let text = self
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let weight = if self.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let length = self.text.width() as f64 * WIDTH;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{weight}>{text}</text>",
            self.left,
            top + 13.5,
            self.fg
        );
        self.text.clear();
    }
}

fn rectangle(out: &mut String, (x, y, w, h): (f64, f64, f64, f64), fill: &str) {
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{fill}\"/>"
    );
}

/// The part of a cell that a block or line sign fills: x, y, width, height as shares of the cell.
fn block(symbol: &str) -> Option<(f64, f64, f64, f64)> {
    let c = symbol.chars().next()?;
    let eighths = |from: char| f64::from(u32::from(c) - u32::from(from) + 1) / 8.0;
    Some(match c {
        '▁'..='█' => {
            let h = eighths('▁');
            (0.0, 1.0 - h, 1.0, h)
        }
        // The left blocks count down: seven eighths first.
        '▉'..='▏' => (0.0, 0.0, 1.0 - eighths('▉'), 1.0),
        '─' => (0.0, 0.48, 1.0, 0.06),
        '│' => (0.46, 0.0, 0.1, 1.0),
        _ => return None,
    })
}

fn colours(cell: &Cell) -> (String, String) {
    let fg = hex(cell.fg, FOREGROUND);
    let bg = hex(cell.bg, BACKGROUND);
    if cell.modifier.contains(Modifier::REVERSED) {
        (bg, fg)
    } else {
        (fg, bg)
    }
}

fn hex(color: Color, default: &str) -> String {
    let (r, g, b) = match color {
        Color::Reset => return default.to_owned(),
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n) => indexed(n),
        named => match SIXTEEN.iter().find(|(_, c, _)| *c == named) {
            Some((_, _, rgb)) => *rgb,
            None => return default.to_owned(),
        },
    };
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn words_bars_and_colours_become_shapes() {
        let mut buffer = Buffer::with_lines(["a<b  ▄▌ x"]);
        buffer.set_style(
            ratatui::layout::Rect::new(0, 0, 3, 1),
            Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(196)),
        );
        let svg = svg(&buffer);
        assert!(
            svg.contains(">a&lt;b</text>") && svg.contains("#010203"),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#ff0000\""), "{svg}");
        // The half blocks: the lower half of one cell, the left half of the next.
        assert!(
            svg.contains("x=\"42.0\" y=\"9.0\" width=\"8.4\" height=\"9.0\""),
            "{svg}"
        );
        assert!(
            svg.contains("x=\"50.4\" y=\"0.0\" width=\"4.2\" height=\"18.0\""),
            "{svg}"
        );
        assert_eq!(svg.matches("<text").count(), 2);
    }
}
