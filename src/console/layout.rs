//! How the rows of a frame are shared: one for the tabs at the top, one for the keys at the bottom.

/// Smaller than this, a frame is one line.
pub(crate) const SMALLEST: (u16, u16) = (40, 10);

/// Rows left for a screen's body on a terminal with this many.
pub(crate) fn body_rows(rows: u16) -> u16 {
    rows.saturating_sub(2)
}
