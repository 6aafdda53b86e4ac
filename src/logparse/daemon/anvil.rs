//! anvil(8): the largest rates and counts since the last report.

use super::super::event::{Anvil, Event};
use super::super::text::{after, cut, number, number32};
use super::put::{self, put};

/// What anvil counts.
const COUNTED: &[&[u8]] = &[
    b"connection rate",
    b"message rate",
    b"recipient rate",
    b"newtls rate",
    b"auth rate",
    b"connection count",
    b"cache size",
];

/// Reads `statistics: max WHAT rate N/60s for (SERVICE:ADDRESS) at TIME` and its kin.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let text = after(text, b"statistics: max ")?;
    let digit = text.iter().position(u8::is_ascii_digit)?;
    let what = text[..digit].strip_suffix(b" ")?;
    if !COUNTED.contains(&what) {
        return None;
    }
    let (value, rest) = number(&text[digit..])?;
    let (seconds, rest) = match after(rest, b"/") {
        Some(rest) => {
            let (seconds, rest) = number32(rest)?;
            (Some(seconds), after(rest, b"s")?)
        }
        None => (None, rest),
    };
    let (reached_by, rest) = match after(rest, b" for (") {
        Some(rest) => {
            let (reached_by, rest) = cut(rest, b")")?;
            (Some(reached_by), rest)
        }
        None => (None, rest),
    };
    Some(Event::Anvil(Anvil {
        what,
        value,
        seconds,
        reached_by,
        at: after(rest, b" at ")?,
    }))
}

/// Writes a statistic.
pub fn write(anvil: &Anvil<'_>, out: &mut Vec<u8>) {
    put(out, &[b"statistics: max ", anvil.what, b" "]);
    put::number(anvil.value, out);
    if let Some(seconds) = anvil.seconds {
        put(out, &[b"/"]);
        put::number(u64::from(seconds), out);
        put(out, &[b"s"]);
    }
    if let Some(reached_by) = anvil.reached_by {
        put(out, &[b" for (", reached_by, b")"]);
    }
    put(out, &[b" at ", anvil.at]);
}
