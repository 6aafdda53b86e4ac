//! Text within a width, in terminal columns.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width of every report: what cron's mail and an ordinary terminal show.
pub(crate) const WIDTH: usize = 80;

/// The text, cut to `width` columns with `...` at its end when it is longer.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = head(text, width.saturating_sub(3)).to_owned();
    out.push_str(&"..."[..width.min(3)]);
    out
}

/// As much of the text's beginning as fits into `width` columns.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// The text in lines of at most `width` columns, broken at blanks where possible.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    // Two columns hold any single character.
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while line.width() + word.width() > width {
            let piece = head(word, width - line.width());
            line.push_str(piece);
            word = &word[piece.len()..];
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_text_is_cut_and_wrapped() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc...");
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(lines("", 4), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked_and_nothing_is_lost(text in "[a-z 用户ö]{0,60}", width in 4usize..20) {
            let wrapped = lines(&text, width);
            for line in &wrapped {
                prop_assert!(line.width() <= width, "{line:?}");
            }
            let letters = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&wrapped.concat()), letters(&text));
            prop_assert!(cut(&text, width).width() <= width);
        }
    }
}
