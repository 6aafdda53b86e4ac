//! The traditional stamp, `Nov 22 08:48:35` (RFC 3164 section 4.1.2): no year, no zone. The day is padded
//! with a blank, with nothing, or has two digits; some loggers add decimals to the second.

use super::super::Stamp;
use super::super::clock::{Clock, LONG};
use super::super::text::number32;
use super::two_digits;

/// Reads the stamp and what follows it.
pub fn read<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Stamp, &'a [u8])> {
    // A busy server writes many lines a second.
    let known = line
        .first_chunk()
        .and_then(|text| clock.known(text).map(|stamp| (stamp, LONG)));
    let (stamp, length) = match known {
        Some(known) => known,
        None => whole_seconds(line, clock)?,
    };
    let rest = &line[length..];
    match super::rfc3339::decimals(rest) {
        Some((micros, rest)) => {
            let micros = stamp.micros + micros;
            Some((Stamp { micros, ..stamp }, rest.strip_prefix(b" ")?))
        }
        None => Some((stamp, rest.strip_prefix(b" ")?)),
    }
}

/// Reads the stamp as far as its seconds, and how long it is.
fn whole_seconds(line: &[u8], clock: &mut Clock) -> Option<(Stamp, usize)> {
    let month = month(line.get(..3)?)?;
    if line.get(3) != Some(&b' ') {
        return None;
    }
    let (day, at) = match (line.get(4)?, line.get(5)?) {
        (b' ', d @ b'1'..=b'9') => (d - b'0', 6),
        (d @ b'1'..=b'9', b' ') => (d - b'0', 5),
        _ => (two_digits(line, 4)?, 6),
    };
    let time = line.get(at..at + 9)?;
    if time[0] != b' ' || time[3] != b':' || time[6] != b':' {
        return None;
    }
    let stamp = clock.local(
        month,
        day,
        two_digits(time, 1)?,
        two_digits(time, 4)?,
        two_digits(time, 7)?,
    )?;
    if let Some(text) = line.first_chunk()
        && at + 9 == LONG
    {
        clock.know(*text, stamp);
    }
    Some((stamp, at + 9))
}

/// The forms with a year, `Nov 22 2026 08:48:35` and `2026 Nov 22 08:48:35`.
pub fn with_year<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Stamp, &'a [u8])> {
    let (first, rest) = match year(line) {
        Some((year, rest)) => (Some(year), rest),
        None => (None, line),
    };
    let month = month(rest.get(..3)?)?;
    let (day, rest) = number32(rest[3..].trim_ascii_start())?;
    let rest = rest.strip_prefix(b" ")?;
    let (year, rest) = match first {
        Some(year) => (year, rest),
        None => year(rest)?,
    };
    if rest.get(2) != Some(&b':') || rest.get(5) != Some(&b':') {
        return None;
    }
    let time = (
        two_digits(rest, 0)?,
        two_digits(rest, 3)?,
        two_digits(rest, 6)?,
    );
    let stamp = clock.dated(year, (month, u8::try_from(day).ok()?), time)?;
    let (micros, rest) = super::rfc3339::decimals(&rest[8..]).unwrap_or((0, &rest[8..]));
    // Some put a colon behind the stamp.
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let micros = stamp.micros + micros;
    Some((Stamp { micros, ..stamp }, rest.strip_prefix(b" ")?))
}

/// Four digits and a blank.
fn year(text: &[u8]) -> Option<(u16, &[u8])> {
    let year = u16::from(two_digits(text, 0)?) * 100 + u16::from(two_digits(text, 2)?);
    Some((year, text[4..].strip_prefix(b" ")?))
}

/// The number of an English month's three letters.
pub fn month(name: &[u8]) -> Option<u8> {
    Some(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::clock::{Reference, Zone};
    use super::*;

    fn seconds(line: &str) -> Option<(i64, String)> {
        let mut clock = Clock::new(Reference::at(1_795_337_400).in_zone(Zone::Fixed(3_600)));
        read(line.as_bytes(), &mut clock)
            .map(|(s, rest)| (s.micros, String::from_utf8_lossy(rest).into_owned()))
    }

    #[test]
    fn days_in_three_forms() {
        let day = |text| seconds(text).map(|s| s.0 / 1_000_000);
        assert_eq!(day("Nov 22 08:48:35 fire x"), Some(1_795_333_715));
        assert_eq!(day("Nov  2 08:48:35 fire x"), Some(1_793_605_715));
        assert_eq!(day("Nov 2 08:48:35 fire x"), Some(1_793_605_715));
        assert_eq!(day("Nov 02 08:48:35 fire x"), Some(1_793_605_715));
    }

    #[test]
    fn the_same_text_means_the_same_again() {
        let mut clock = Clock::new(Reference::at(1_795_337_400).in_zone(Zone::Fixed(3_600)));
        assert_eq!(read(&[0; 40], &mut clock), None);
        for rest in [" fire x", ".25 fire x", " fire x"] {
            let line = format!("Nov 22 08:48:35{rest}");
            let (stamp, _) = read(line.as_bytes(), &mut clock).unwrap();
            assert_eq!(stamp.seconds(), 1_795_333_715);
            assert_eq!(stamp.micros % 1_000_000 != 0, rest.starts_with('.'));
        }
        assert_eq!(read(b"Nov 22 08:48:35x fire", &mut clock), None);
        assert_eq!(read(b"Nov 22 08:48:35", &mut clock), None);
    }

    #[test]
    fn decimals_are_kept() {
        assert_eq!(
            seconds("Nov 22 08:48:35.25 fire"),
            Some((1_795_333_715_250_000, "fire".into()))
        );
    }

    #[test]
    fn years_are_read_where_they_stand() {
        let mut clock = Clock::new(Reference::at(0).in_zone(Zone::Fixed(3_600)));
        for text in [
            "Nov 22 2026 08:48:35 fire",
            "Nov 22 2026 08:48:35: fire",
            "2026 Nov 22 08:48:35 fire",
            "2026 Nov 22 08:48:35.000 fire",
        ] {
            let (stamp, rest) = with_year(text.as_bytes(), &mut clock).unwrap();
            assert_eq!(
                (stamp.seconds(), rest),
                (1_795_333_715, &b"fire"[..]),
                "{text}"
            );
        }
        for text in ["Nov 2 2026 08:48:35 x", "2026 Nov  2 08:48:35 x"] {
            let stamp = with_year(text.as_bytes(), &mut clock).unwrap().0;
            assert_eq!(stamp.seconds(), 1_793_605_715, "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026 ",
            "2026 Nov",
            "2026 Nov 22",
            "2026 Nov 22 08:48:35",
            "Nov 22 2026 08:48:3",
            "Feb 29 2026 08:48:35 x",
            "Nov 300 2026 08:48:35 x",
        ] {
            assert_eq!(with_year(bad.as_bytes(), &mut clock), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_stamp() {
        for text in [
            "",
            "Nov",
            "Nov 22 08:48:3",
            "Nov 22 08:48:35",
            "Nov 32 08:48:35 x",
            "nov 22 08:48:35 x",
            "Nov 22 08-48-35 x",
            "Nov 22 25:48:35 x",
            "Nov 0 08:48:35 x",
            "Feb 31 00:00:00 x",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
