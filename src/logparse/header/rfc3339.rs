//! The stamp of RFC 3339, `2026-11-22T08:48:35.572449+00:00`: any number of decimals, `Z` or an offset
//! with or without its colon (journalctl's short-iso writes `+0100`).

use super::super::Stamp;
use super::super::clock::{Clock, days_from_civil};
use super::two_digits;

/// Reads the stamp and what follows it.
#[inline]
pub fn read(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (stamp, rest) = instant(line)?;
    Some((stamp, rest.strip_prefix(b" ")?))
}

/// A stamp whose first byte is lost (`021-02-06T10:57:57+01:00`): nobody logged before the year 2000.
pub fn truncated(line: &[u8]) -> Option<(Stamp, &[u8])> {
    // Longer than any stamp with nanoseconds.
    let mut whole = [b'2'; 64];
    let known = line.len().min(whole.len() - 1);
    whole[1..=known].copy_from_slice(&line[..known]);
    let (stamp, rest) = read(&whole[..=known])?;
    Some((stamp, &line[known - rest.len()..]))
}

/// A stamp without a zone (`2026-11-22 08:48:35`), which some templates write: local time.
pub fn zoneless<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Stamp, &'a [u8])> {
    let (year, date, time) = civil(line)?;
    let stamp = clock.dated(year, date, time)?;
    let (micros, rest) = decimals(&line[19..]).unwrap_or((0, &line[19..]));
    let micros = stamp.micros + micros;
    Some((Stamp { micros, ..stamp }, rest.strip_prefix(b" ")?))
}

/// Reads the stamp; what follows it may be anything.
#[inline]
pub fn instant(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (year, (month, day), (hour, minute, second)) = civil(line)?;
    let mut rest = &line[19..];
    let mut micros = 0;
    if let Some((decimals, behind)) = decimals(rest) {
        (micros, rest) = (decimals, behind);
    }
    let (offset, rest) = zone(rest)?;
    let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
    let local =
        days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let micros = (local - i64::from(offset)) * 1_000_000 + micros;
    Some((Stamp { micros, offset }, rest))
}

/// Year, month and day, hour, minute and second.
pub type Civil = (u16, (u8, u8), (u8, u8, u8));

/// `2026-11-22T08:48:35`.
#[inline]
pub fn civil(line: &[u8]) -> Option<Civil> {
    let head = line.get(..19)?;
    if head[4] != b'-'
        || head[7] != b'-'
        || !matches!(head[10], b'T' | b't' | b' ')
        || head[13] != b':'
        || head[16] != b':'
    {
        return None;
    }
    let year = u16::from(two_digits(head, 0)?) * 100 + u16::from(two_digits(head, 2)?);
    let (month, day) = (two_digits(head, 5)?, two_digits(head, 8)?);
    let (hour, minute, second) = (
        two_digits(head, 11)?,
        two_digits(head, 14)?,
        two_digits(head, 17)?,
    );
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    Some((year, (month, day), (hour, minute, second)))
}

/// `.572449` or `,572` in microseconds, any number of digits.
#[inline]
pub fn decimals(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else {
        return None;
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let micros = (0..6).fold(0, |sum, i| {
        let digit = if i < count { digits[i] - b'0' } else { 0 };
        sum * 10 + i64::from(digit)
    });
    Some((micros, &digits[count..]))
}

/// Seconds east of UTC.
#[inline]
fn zone(text: &[u8]) -> Option<(i32, &[u8])> {
    let sign = match text.first()? {
        b'Z' | b'z' => return Some((0, &text[1..])),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = two_digits(text, 1)?;
    let at = if text.get(3) == Some(&b':') { 4 } else { 3 };
    let minutes = two_digits(text, at)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((
        sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60),
        &text[at + 2..],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let t = |text: &str| read(text.as_bytes()).map(|(s, _)| (s.micros, s.offset));
        assert_eq!(
            t("2024-08-26T01:33:38.572449+00:00 h x"),
            Some((1_724_636_018_572_449, 0))
        );
        assert_eq!(
            t("2024-08-26T01:33:38Z h x"),
            Some((1_724_636_018_000_000, 0))
        );
        assert_eq!(
            t("2024-08-26T03:33:38.5+02:00 h x"),
            Some((1_724_636_018_500_000, 7_200))
        );
        assert_eq!(
            t("2024-08-26 03:33:38,5+02:00 h x"),
            Some((1_724_636_018_500_000, 7_200))
        );
        assert_eq!(
            t("2024-08-25T20:03:38-0530 h x"),
            Some((1_724_636_018_000_000, -19_800))
        );
        for bad in [
            "021-02-06T10:57:57+01:00 h",
            "2024-13-26T01:33:38Z h",
            "2024-08-26T01:33:38 h",
            "2024-08-26T01:33:38+0 h",
            "2024-08-26T01:33:38Z",
            "2024-08-26",
        ] {
            assert_eq!(t(bad), None, "{bad}");
        }
    }

    #[test]
    fn damaged_and_zoneless_stamps() {
        use super::super::super::clock::{Reference, Zone};
        let (stamp, rest) = truncated(b"021-02-06T10:57:57+01:00 h x").unwrap();
        assert_eq!((stamp.seconds(), stamp.offset), (1_612_605_477, 3_600));
        assert_eq!(rest, b"h x");
        let (stamp, rest) = truncated(b"021-02-06T10:57:57.123456789Z h").unwrap();
        assert_eq!((stamp.micros, rest), (1_612_609_077_123_456, &b"h"[..]));
        for bad in [&b""[..], b"021-02-06T10:57:57+01:00", &[b'0'; 100]] {
            assert_eq!(truncated(bad), None);
        }
        let mut clock = Clock::new(Reference::at(0).in_zone(Zone::Fixed(3_600)));
        let (stamp, rest) = zoneless(b"2024-08-26 02:33:38,25 h x", &mut clock).unwrap();
        assert_eq!((stamp.micros, stamp.offset), (1_724_636_018_250_000, 3_600));
        assert_eq!(rest, b"h x");
    }
}
