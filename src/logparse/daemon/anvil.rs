//! anvil(8): the largest rates and counts since the last report.

use super::super::event::Event;
use super::super::text::{after, number};

/// Reads `statistics: max WHAT rate N/60s for (SERVICE:ADDRESS) at TIME` and its kin.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let text = after(text, b"statistics: max ")?;
    let digit = text.iter().position(u8::is_ascii_digit)?;
    let what = text[..digit].strip_suffix(b" ")?;
    let known = matches!(
        what,
        b"connection rate"
            | b"message rate"
            | b"recipient rate"
            | b"newtls rate"
            | b"auth rate"
            | b"connection count"
            | b"cache size"
    );
    let (value, detail) = number(&text[digit..])?;
    known.then(|| Event::Anvil {
        what,
        value,
        detail: detail.trim_ascii_start(),
    })
}
