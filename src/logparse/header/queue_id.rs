//! The queue id at the start of a message, in both forms that Postfix writes (global/mail_queue.h).
//!
//! Short: microseconds (five hexadecimal digits) and the inode in hexadecimal, upper case. Long: seconds
//! in base 52 (six or more digits), microseconds in base 52 (four), `z`, the inode in base 51. Both forms
//! mix in one log (`enable_long_queue_ids`), so each line is looked at by itself.

/// Longer than any id: 64-bit inodes take 16 hexadecimal or 12 base-51 digits.
const LONGEST: usize = 32;
/// Where the inode's `z` can stand at the earliest: six digits of seconds, four of microseconds.
const FIRST_Z: usize = 10;

/// The id and what follows `ID: `.
pub fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let window = &text[..text.len().min(LONGEST + 1)];
    let end = window.iter().position(|b| !b.is_ascii_alphanumeric())?;
    if !text[end..].starts_with(b": ") || !is_queue_id(&text[..end]) {
        return None;
    }
    Some((&text[..end], &text[end + 2..]))
}

/// Whether a word has the form of a queue id.
pub fn is_queue_id(word: &[u8]) -> bool {
    is_short(word) || is_long(word)
}

fn is_short(word: &[u8]) -> bool {
    (6..=LONGEST).contains(&word.len())
        && word.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
}

fn is_long(word: &[u8]) -> bool {
    (FIRST_Z + 2..=LONGEST).contains(&word.len())
        && word.iter().all(|b| {
            b.is_ascii_alphanumeric()
                && !matches!(b | 0x20, b'a' | b'e' | b'i' | b'o' | b'u')
        })
        // Base 51 has no z, so the last z is the separator.
        && memchr::memrchr(b'z', word).is_some_and(|z| z >= FIRST_Z && z + 1 < word.len())
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
