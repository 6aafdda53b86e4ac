//! The pen: the one way to put text into a frame. It sanitises, cuts to the width and stays inside the frame.

use super::text;
use crate::console::glyphs::Glyphs;
use crate::console::pane::World;
use crate::console::theme::Role;
use crate::sanitize;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::borrow::Cow;

/// Draws on a buffer with the theme and signs in force.
pub(crate) struct Pen<'a> {
    buffer: &'a mut Buffer,
    /// Nothing is drawn outside.
    clip: Rect,
    /// What every view may read.
    pub world: &'a World,
}

impl<'a> Pen<'a> {
    /// A pen on a frame.
    pub fn new(buffer: &'a mut Buffer, world: &'a World) -> Self {
        let clip = buffer.area;
        Self {
            buffer,
            clip,
            world,
        }
    }

    /// Keeps everything drawn from here on inside an area.
    pub fn keep_to(&mut self, area: Rect) {
        self.clip = area.intersection(self.buffer.area);
    }

    /// The signs in force.
    pub fn glyphs(&self) -> Glyphs {
        self.world.glyphs
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.world.theme.style(role)
    }

    /// Writes text of at most `width` columns; the answer is the column after it.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.style(role);
        self.put_styled(x, y, width, text, style)
    }

    /// Writes text that ends at `x + width`.
    pub fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let used = text::width(&self.clean(text)).min(width);
        self.put(x + (width - used), y, used, text, role);
    }

    /// Writes raw bytes of a log or a message.
    pub fn put_bytes(&mut self, x: u16, y: u16, width: u16, bytes: &[u8], role: Role) -> u16 {
        self.put(x, y, width, &sanitize::line(bytes), role)
    }

    /// [`Pen::put`] with a style that is no single role's.
    pub fn put_styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.clip;
        if x < area.left() || x >= area.right() || y < area.top() || y >= area.bottom() {
            return x;
        }
        let width = width.min(area.right() - x);
        let clean = self.clean(text);
        let cut = text::fit(&clean, width, self.world.glyphs.ellipsis());
        self.buffer
            .set_stringn(x, y, cut, usize::from(width), style)
            .0
    }

    /// Several pieces one after the other, in at most `width` columns; the answer is the column after them.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[(&str, Role)]) -> u16 {
        let end = x.saturating_add(width);
        pieces.iter().fold(x, |at, (text, role)| {
            self.put(at, y, end.saturating_sub(at), text, *role)
        })
    }

    /// Gives cells a role's look and leaves their text.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        let area = area.intersection(self.clip);
        self.buffer.set_style(area, style);
    }

    /// The look of the row under the cursor: one look from end to end, so that it is found at a glance.
    pub fn cursor_row(&mut self, area: Rect) {
        let style = self.style(Role::Cursor);
        let area = area.intersection(self.clip);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.set_style(Style::reset().patch(style));
                }
            }
        }
    }

    /// Empties cells.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.clip);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// A heading with a rule to the end of the width.
    pub fn heading(&mut self, x: u16, y: u16, width: u16, title: &str) {
        let at = self.put(x, y, width, title, Role::Title);
        let end = x.saturating_add(width);
        if at + 1 < end {
            let rule = self.glyphs().rule().repeat(usize::from(end - at - 1));
            self.put(at + 1, y, end - at - 1, &rule, Role::Border);
        }
    }

    /// An empty box with a title; the answer is its inside.
    pub fn frame(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.clip);
        self.clear(area);
        if area.width < 4 || area.height < 3 {
            return Rect { height: 0, ..area };
        }
        let [nw, ne, sw, se] = self.glyphs().corners();
        let rule = self.glyphs().rule().repeat(usize::from(area.width - 2));
        for (y, left, right) in [(area.top(), nw, ne), (area.bottom() - 1, sw, se)] {
            let line = format!("{left}{rule}{right}");
            self.put(area.x, y, area.width, &line, Role::Border);
        }
        for y in area.top() + 1..area.bottom() - 1 {
            let bar = self.glyphs().bar();
            self.put(area.x, y, 1, bar, Role::Border);
            self.put(area.right() - 1, y, 1, bar, Role::Border);
        }
        let title = format!(" {title} ");
        self.put(area.x + 2, area.y, area.width - 4, &title, Role::Title);
        Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width - 4,
            height: area.height - 2,
        }
    }

    /// One column a value, as high as its share of the largest.
    pub fn spark(&mut self, x: u16, y: u16, values: &[u64], role: Role) {
        let most = values.iter().copied().max().unwrap_or(0).max(1);
        let signs = self.glyphs().heights();
        for (at, value) in (x..).zip(values) {
            if *value == 0 {
                continue;
            }
            let eighth = usize::try_from((value * 8).div_ceil(most)).unwrap_or(8);
            self.put(at, y, 1, signs[eighth.clamp(1, 8) - 1], role);
        }
    }

    /// What may be shown of a text: no control characters, and ASCII only where the terminal shows no more.
    fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let clean = sanitize::str_line(text);
        if self.world.glyphs == Glyphs::Ascii && !clean.is_ascii() {
            let ascii = clean.chars().map(|c| if c.is_ascii() { c } else { '?' });
            return Cow::Owned(ascii.collect());
        }
        clean
    }
}
