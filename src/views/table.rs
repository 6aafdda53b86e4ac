//! Columns: heads and cells on the same places, widths shared out by what is left.

use super::pen::Pen;
use crate::console::theme::Role;
use ratatui::layout::Rect;

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its head.
    pub title: &'static str,
    /// Its width.
    pub width: Width,
    /// Where its text stands.
    pub align: Align,
}

/// How wide a column is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Width {
    /// So many columns of the terminal.
    Fixed(u16),
    /// A share of what is left.
    Share(u16),
}

/// Where text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// At the beginning: words.
    Left,
    /// At the end: numbers.
    Right,
}

/// A column of words.
pub(crate) const fn left(title: &'static str, width: Width) -> Column {
    Column {
        title,
        width,
        align: Align::Left,
    }
}

/// A column of numbers.
pub(crate) const fn right(title: &'static str, width: Width) -> Column {
    Column {
        title,
        width,
        align: Align::Right,
    }
}

/// A table's places on an area: where each column begins and how wide it is.
pub(crate) struct Table<'a> {
    columns: &'a [Column],
    places: Vec<(u16, u16)>,
    area: Rect,
}

impl<'a> Table<'a> {
    /// Shares the area out. The first column of the terminal is the cursor's.
    pub fn new(columns: &'a [Column], area: Rect) -> Self {
        let gaps = u16::try_from(columns.len()).unwrap_or(0);
        let fixed: u16 = columns
            .iter()
            .map(|c| match c.width {
                Width::Fixed(n) => n,
                Width::Share(_) => 0,
            })
            .sum();
        let shares: u16 = columns
            .iter()
            .map(|c| match c.width {
                Width::Fixed(_) => 0,
                Width::Share(n) => n,
            })
            .sum();
        let mut left = area.width.saturating_sub(fixed + gaps);
        let mut shares_left = shares;
        let mut x = area.x + 1;
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let width = match column.width {
                Width::Fixed(n) => n,
                Width::Share(n) => {
                    let part = u32::from(left) * u32::from(n) / u32::from(shares_left.max(1));
                    let part = u16::try_from(part).unwrap_or(left);
                    left -= part;
                    shares_left -= n;
                    part
                }
            };
            places.push((x, width));
            x += width + 1;
        }
        Self {
            columns,
            places,
            area,
        }
    }

    /// Draws the heads on row `y`.
    pub fn heads(&self, pen: &mut Pen<'_>, y: u16) {
        for (column, (x, width)) in self.columns.iter().zip(&self.places) {
            self.place(pen, *x, y, *width, column, column.title, Role::Title);
        }
    }

    /// Draws a row on row `y`; `cursor` is drawn over it when it is the chosen one.
    pub fn row(&self, pen: &mut Pen<'_>, y: u16, cells: &[(&str, Role)], chosen: Chosen) {
        for ((column, (x, width)), (text, role)) in self.columns.iter().zip(&self.places).zip(cells)
        {
            self.place(pen, *x, y, *width, column, text, *role);
        }
        if chosen == Chosen::Yes {
            let area = Rect {
                y,
                height: 1,
                ..self.area
            };
            pen.cursor_row(area);
            let sign = pen.glyphs().cursor();
            pen.put(self.area.x, y, 1, sign, Role::Cursor);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a place is three numbers")]
    fn place(
        &self,
        pen: &mut Pen<'_>,
        x: u16,
        y: u16,
        width: u16,
        column: &Column,
        text: &str,
        role: Role,
    ) {
        let width = width.min(self.area.right().saturating_sub(x));
        match column.align {
            Align::Left => {
                pen.put(x, y, width, text, role);
            }
            Align::Right => pen.put_right(x, y, width, text, role),
        }
    }
}

/// Whether a row is the one under the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl From<bool> for Chosen {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}
