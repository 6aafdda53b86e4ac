//! Queue ids, both forms.
//!
//! Short: five hex digits of microseconds, then the inode in hex; it repeats. Long
//! (`enable_long_queue_ids`): the seconds in base 52, four digits of microseconds in base 52, `z`, the
//! inode in base 51; it alone tells the arrival time. postconf(5) names the parameter, the alphabet is the
//! digits and the consonants.

/// The digits of long ids: no vowel, so that no word appears; base 51 leaves out the final `z`.
const ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/// Between the time and the inode of a long id.
const SEPARATOR: u8 = b'z';

/// The least width of the seconds in a long id, and the exact width of its microseconds.
const SECONDS_WIDTH: usize = 6;
const MICROS_WIDTH: usize = 4;

/// The width of the microseconds in a short id.
const SHORT_MICROS_WIDTH: usize = 5;

/// The longest file name that Postfix takes for a queue id.
const MAX_LENGTH: usize = 255;

/// A queue id taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueId {
    /// The form that repeats.
    Short {
        /// Microseconds of the arrival.
        micros: u32,
        /// The queue file's inode.
        inode: u64,
    },
    /// The form that does not repeat.
    Long {
        /// Seconds since the epoch of the arrival.
        seconds: u64,
        /// Microseconds of the arrival.
        micros: u32,
        /// The queue file's inode.
        inode: u64,
    },
}

impl QueueId {
    /// The text of a short id: `%05X` microseconds, `%X` inode.
    pub fn short(micros: u32, inode: u64) -> String {
        format!("{micros:05X}{inode:X}")
    }

    /// The text of a long id.
    pub fn long(seconds: u64, micros: u32, inode: u64) -> String {
        let mut text = String::with_capacity(20);
        encode(&mut text, seconds, 52, SECONDS_WIDTH);
        encode(&mut text, u64::from(micros), 52, MICROS_WIDTH);
        text.push(SEPARATOR as char);
        encode(&mut text, inode, 51, 1);
        text
    }

    /// Takes an id apart; `None` when it has neither form.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if let Some(at) = separator(bytes) {
            let (time, inode) = (&bytes[..at], &bytes[at + 1..]);
            let (seconds, micros) = time.split_at(at - MICROS_WIDTH);
            return Some(Self::Long {
                seconds: decode(seconds, 52)?,
                micros: micros_of(decode(micros, 52)?)?,
                inode: decode(inode, 51)?,
            });
        }
        if bytes.len() <= SHORT_MICROS_WIDTH || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let (micros, inode) = text.split_at(SHORT_MICROS_WIDTH);
        Some(Self::Short {
            micros: micros_of(u64::from_str_radix(micros, 16).ok()?)?,
            inode: u64::from_str_radix(inode, 16).ok()?,
        })
    }

    /// Whether Postfix would take `text` for a queue id: letters, digits and `_`, not too long. Nothing else
    /// ever reaches a command or a path.
    pub fn is_valid(text: &str) -> bool {
        !text.is_empty()
            && text.len() <= MAX_LENGTH
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    /// The arrival time, seconds since the epoch, when the id tells it.
    pub fn arrival(&self) -> Option<i64> {
        match *self {
            Self::Short { .. } => None,
            Self::Long { seconds, .. } => i64::try_from(seconds).ok(),
        }
    }

    /// The inode the queue file had when it was named.
    pub fn inode(&self) -> u64 {
        match *self {
            Self::Short { inode, .. } | Self::Long { inode, .. } => inode,
        }
    }

    /// Microseconds of the arrival.
    pub fn micros(&self) -> u32 {
        match *self {
            Self::Short { micros, .. } | Self::Long { micros, .. } => micros,
        }
    }
}

/// Where the time ends in a long id. The last `z` decides, and it must leave room for the time.
pub(super) fn separator(id: &[u8]) -> Option<usize> {
    id.iter()
        .rposition(|&b| b == SEPARATOR)
        .filter(|&at| at >= SECONDS_WIDTH + MICROS_WIDTH)
}

/// The five hex digits by which a long id is hashed into directories: its microseconds.
pub(super) fn hash_text(id: &[u8], separator: usize) -> String {
    let digits = &id[separator - MICROS_WIDTH..separator];
    format!("{:05X}", decode(digits, 52).unwrap_or(0))
}

fn micros_of(value: u64) -> Option<u32> {
    // Five hex digits and four base-52 digits both reach further than a second has microseconds.
    u32::try_from(value).ok().filter(|&m| m < 1_000_000)
}

fn encode(text: &mut String, mut value: u64, base: u64, width: usize) {
    let mut digits = [b'0'; 16];
    let mut length = 0;
    while value > 0 {
        digits[length] = ALPHABET[usize::try_from(value % base).unwrap_or(0)];
        value /= base;
        length += 1;
    }
    for at in (0..length.max(width)).rev() {
        text.push(digits[at] as char);
    }
}

fn decode(digits: &[u8], base: u64) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = ALPHABET.iter().position(|d| d == digit)? as u64;
        if digit >= base {
            return None;
        }
        value.checked_mul(base)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_id_made_by_postfix() {
        assert_eq!(
            QueueId::long(1_795_336_319, 210_752, 5_482_189),
            "4jXMkR1TwwznJht"
        );
        let id = QueueId::parse("4jXMkR1TwwznJht").unwrap();
        assert_eq!(id.arrival(), Some(1_795_336_319));
        assert_eq!((id.micros(), id.inode()), (210_752, 5_482_189));
    }

    #[test]
    fn a_short_id_made_by_postfix() {
        // Inode 10010801 at microsecond 773476.
        assert_eq!(QueueId::short(773_476, 10_010_801), "BCD6498C0B1");
        let id = QueueId::parse("BCD6498C0B1").unwrap();
        assert_eq!(
            (id.micros(), id.inode(), id.arrival()),
            (773_476, 10_010_801, None)
        );
    }

    #[test]
    fn what_is_no_id() {
        for text in [
            "",
            "../etc",
            "A B",
            "é",
            "ABC",
            "FFFFF1",
            "4jXMkR1Twwz",
            "4jXMkR1Twwz!",
        ] {
            assert_eq!(QueueId::parse(text), None, "{text}");
        }
        assert!(QueueId::is_valid("example_com"));
        for text in ["", "a/b", "a.b", "a\nb", "-d", &"A".repeat(256)] {
            assert!(!QueueId::is_valid(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_round_trip(seconds in 0u64..1 << 40, micros in 0u32..1_000_000, inode in any::<u64>()) {
            let long = QueueId::long(seconds, micros, inode);
            prop_assert!(QueueId::is_valid(&long));
            prop_assert_eq!(QueueId::parse(&long), Some(QueueId::Long { seconds, micros, inode }));
            let short = QueueId::short(micros, inode);
            prop_assert_eq!(QueueId::parse(&short), Some(QueueId::Short { micros, inode }));
        }

        #[test]
        fn any_text_is_taken_or_refused(text in "\\PC{0,40}") {
            let _ = QueueId::parse(&text);
        }
    }
}
