//! A place in a list: the row the cursor is on and the first row shown.
//!
//! The selection is by identity where rows move: a pane keeps the key of the row under the cursor and calls
//! [`Cursor::follow`] with its new place after the rows changed.

use super::action::Action;

/// Cursor and scroll position. Rows are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// The row the cursor is on.
    pub row: usize,
    /// The first row shown.
    pub top: usize,
}

impl Cursor {
    /// Moves on a list of `len` rows of which `page` are shown; false when the action does not move.
    pub fn act(&mut self, action: Action, len: usize, page: usize) -> bool {
        let page = page.max(1);
        let last = len.saturating_sub(1);
        let to = match action {
            Action::Up => self.row.saturating_sub(1),
            Action::Down => self.row + 1,
            Action::PageUp => self.row.saturating_sub(page),
            Action::PageDown => self.row + page,
            Action::HalfUp => self.row.saturating_sub(page.div_ceil(2)),
            Action::HalfDown => self.row + page.div_ceil(2),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        self.row = to.min(last);
        self.settle(len, page);
        true
    }

    /// Brings cursor and scroll position back into a list of `len` rows of which `page` are shown.
    pub fn settle(&mut self, len: usize, page: usize) {
        let page = page.max(1);
        self.row = self.row.min(len.saturating_sub(1));
        self.top = self
            .top
            .min(self.row)
            .max((self.row + 1).saturating_sub(page))
            .min(len.saturating_sub(page));
    }

    /// The row that was under the cursor is now `row`; it stays at the same height on the screen.
    pub fn follow(&mut self, row: usize) {
        let height = self.row - self.top.min(self.row);
        self.row = row;
        self.top = row.saturating_sub(height);
    }

    /// The rows to draw.
    pub fn visible(&self, len: usize, page: usize) -> std::ops::Range<usize> {
        let start = self.top.min(len);
        start..(start + page).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_the_list_and_on_the_page() {
        let mut cursor = Cursor::default();
        for (action, len, page) in [
            (Action::Down, 0, 10),
            (Action::Bottom, 100, 10),
            (Action::PageDown, 100, 10),
            (Action::HalfUp, 100, 10),
            (Action::Up, 3, 0),
            (Action::Top, 100, 10),
        ] {
            assert!(cursor.act(action, len, page));
            assert!(cursor.row <= len.saturating_sub(1));
            assert!(cursor.top <= cursor.row && cursor.row < cursor.top + page.max(1));
        }
        assert!(!cursor.act(Action::Quit, 3, 3));
    }

    #[test]
    fn a_row_that_moves_keeps_its_height() {
        let mut cursor = Cursor { row: 12, top: 10 };
        cursor.follow(32);
        assert_eq!(cursor, Cursor { row: 32, top: 30 });
        cursor.settle(5, 4);
        assert_eq!(cursor, Cursor { row: 4, top: 1 });
    }
}
