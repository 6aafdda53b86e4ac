//! The queue id at the start of a message, in both forms that Postfix writes (global/mail_queue.h).
//!
//! Short: microseconds (five hexadecimal digits) and the inode in hexadecimal, upper case. Long: seconds
//! in base 52 (six or more digits), microseconds in base 52 (four), `z`, the inode in base 51. Both forms
//! mix in one log (`enable_long_queue_ids`), so each line is looked at by itself.

/// Longer than any id: 64-bit inodes take 16 hexadecimal or 12 base-51 digits.
const LONGEST: usize = 32;
/// Five digits of microseconds and one of the inode.
const SHORTEST: usize = 6;
/// Where the inode's `z` can stand at the earliest: six digits of seconds, four of microseconds.
const FIRST_Z: usize = 10;

/// A digit of the short form.
const SHORT: u8 = 1;
/// A digit of the long form, or its `z`.
const LONG: u8 = 2;
/// Any other letter.
const LETTER: u8 = 4;

/// What each byte can be in an id; 0 ends a word.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            let mut class = LETTER;
            if matches!(byte, b'0'..=b'9' | b'A'..=b'F') {
                class |= SHORT;
            }
            if !matches!(byte | 0x20, b'a' | b'e' | b'i' | b'o' | b'u') {
                class |= LONG;
            }
            classes[byte as usize] = class;
        }
        byte += 1;
    }
    classes
};

/// The id and what follows `ID: `.
pub fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut forms = SHORT | LONG;
    let mut end = 0;
    loop {
        let class = CLASSES[usize::from(*text.get(end)?)];
        if class == 0 {
            break;
        }
        forms &= class;
        // Most words that are no id are told by their first vowel.
        if forms == 0 || end == LONGEST {
            return None;
        }
        end += 1;
    }
    let (word, rest) = text.split_at(end);
    has_form(word, forms).then_some((word, rest.strip_prefix(b": ")?))
}

/// Whether a word has the form of a queue id.
pub fn is_queue_id(word: &[u8]) -> bool {
    let all = |forms, byte: &u8| forms & CLASSES[usize::from(*byte)];
    word.len() <= LONGEST && has_form(word, word.iter().fold(SHORT | LONG, all))
}

/// Whether a word of digits of these forms is long enough, and has its `z` where it belongs.
fn has_form(word: &[u8], forms: u8) -> bool {
    (forms & SHORT != 0 && word.len() >= SHORTEST)
        || (forms & LONG != 0
            && word.len() >= FIRST_Z + 2
            // Base 51 has no z, so the last z is the separator.
            && memchr::memrchr(b'z', word).is_some_and(|z| z >= FIRST_Z && z + 1 < word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        for id in [
            "8921054E113",
            "C71221E1E6C",
            "123456",
            "4jXMkR1TwwznJht",
            "4jXN7p6bLfznvdj",
            "4jXN7H03nzznvrw",
        ] {
            assert!(is_queue_id(id.as_bytes()), "{id}");
        }
        assert_eq!(
            split(b"8921054E113: removed"),
            Some((&b"8921054E113"[..], &b"removed"[..]))
        );
    }

    #[test]
    fn words_are_no_ids() {
        for word in [
            "warning",
            "NOQUEUE",
            "12345",
            "statistics",
            "8921054e113",
            "4jXMkR1Twwznz",
            "ABCDEFG",
            "connect",
            "bcdfghjklmnp",
            "00000000000000000000000000000000000000000000",
            "",
        ] {
            assert!(!is_queue_id(word.as_bytes()), "{word}");
        }
        assert_eq!(split(b"8921054E113 removed"), None);
        assert_eq!(split(b"8921054E113:removed"), None);
        assert_eq!(split(b"8921054E113"), None);
    }
}
