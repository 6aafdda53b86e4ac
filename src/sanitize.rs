//! The one room through which hostile text passes on its way to a terminal, a report or a file.
//!
//! In: bytes from mail, logs, queue files, DNS answers or a remote SMTP server. Out: text with no
//! control character, no escape sequence, no bidirectional override and no invisible format
//! character, one line. It knows nothing of who asks or where the text goes; every sink in
//! `report/`, `views/`, `commands/` and the error messages calls it.

use std::borrow::Cow;

/// Makes `bytes` safe to show on one line.
///
/// Invalid UTF-8 becomes U+FFFD; every control character (C0, DEL, C1), line and paragraph
/// separator, bidirectional control and other invisible format character becomes `?`, as Postfix
/// itself prints what it does not trust; a tab becomes one space. The result borrows when nothing
/// had to change, so the common case costs one scan.
pub fn line(bytes: &[u8]) -> Cow<'_, str> {
    if bytes.iter().all(|b| (0x20..0x7f).contains(b)) {
        // Printable ASCII only: valid UTF-8 by construction, so the lossy conversion borrows.
        return String::from_utf8_lossy(bytes);
    }
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => str_line(text),
        Cow::Owned(text) => Cow::Owned(str_line(&text).into_owned()),
    }
}

/// [`line`] for text that is already UTF-8.
pub fn str_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| match c {
                '\t' => ' ',
                c if is_hostile(c) => '?',
                c => c,
            })
            .collect(),
    )
}

/// Whether a character could move the cursor, start an escape sequence, reorder or hide text.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}' // soft hyphen: invisible
            | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' // zero width, LRM, RLM
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{202A}'..='\u{202E}' // bidirectional embeddings and overrides
            | '\u{2060}'..='\u{206F}' // word joiner, isolates, deprecated format characters
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}' // tags and supplementary variation selectors
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_ascii_is_borrowed() {
        assert!(matches!(line(b"from=<a@b.example>"), Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_controls_and_overrides_do_not_pass() {
        let hostile = "a\x1b[31mred\x07\r\n\u{9b}2J\u{202e}evil\u{2066}\u{200b}\u{e0041}\tz";
        let shown = line(hostile.as_bytes());
        assert_eq!(shown, "a?[31mred????2J?evil??? z");
        assert!(!shown.chars().any(is_hostile));
    }

    #[test]
    fn invalid_utf8_is_marked_and_kept_apart() {
        assert_eq!(line(b"x\xff\x9by"), "x\u{fffd}\u{fffd}y");
    }

    #[test]
    fn real_letters_stay() {
        assert_eq!(line("jörg@用户.example".as_bytes()), "jörg@用户.example");
    }
}
