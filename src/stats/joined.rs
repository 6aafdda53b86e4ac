//! Names made of several parts, put together without an allocation.

use std::borrow::Cow;

/// The parts one behind another, in the buffer when they fit.
pub(super) fn joined<'b>(parts: &[&[u8]], buffer: &'b mut [u8; 320]) -> Cow<'b, [u8]> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > buffer.len() {
        return Cow::Owned(parts.concat());
    }
    let mut at = 0;
    for part in parts {
        buffer[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    Cow::Borrowed(&buffer[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_are_joined_too() {
        let long = [b'x'; 400];
        for part in [&long[..], b"short"] {
            let whole = [b"a", part, b"b"].concat();
            assert_eq!(*joined(&[b"a", part, b"b"], &mut [0; 320]), whole);
        }
    }
}
