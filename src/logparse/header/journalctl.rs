//! What journalctl(1) writes besides the usual forms: `-o short-full` (`Sun 2026-11-22 08:48:35 CET`),
//! `-o short-unix` (`1795333715.123456`) and remarks of its own (`-- Boot 5c2a... --`).
//!
//! `-o with-unit` puts the unit's name where the program's was: which daemon spoke is lost there.

use super::super::Stamp;
use super::super::clock::Clock;
use super::super::text::number;
use super::Zone;
use super::rfc3339::{civil, decimals};
use memchr::memchr;

/// `Sun 2026-11-22 08:48:35 CET`, with or without decimals.
pub fn full<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Stamp, Zone, &'a [u8])> {
    let (b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun", rest) =
        line.split_at_checked(3)?
    else {
        return None;
    };
    let rest = rest.strip_prefix(b" ")?;
    let (year, date, time) = civil(rest)?;
    let (micros, rest) = decimals(&rest[19..]).unwrap_or((0, &rest[19..]));
    let rest = rest.strip_prefix(b" ")?;
    let end = memchr(b' ', rest)?;
    let (zone, rest) = (&rest[..end], &rest[end + 1..]);
    if zone == b"UTC" {
        let (month, day) = date;
        let days = super::super::clock::days_from_civil(year.into(), month.into(), day.into());
        let (hour, minute, second) = time;
        let seconds =
            days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        let micros = seconds * 1_000_000 + micros;
        return Some((Stamp { micros, offset: 0 }, Zone::Told, rest));
    }
    if !zone
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-'))
    {
        return None;
    }
    // journalctl writes in the reader's zone; its abbreviation says no more.
    let stamp = clock.dated(year, date, time)?;
    let micros = stamp.micros + micros;
    Some((Stamp { micros, ..stamp }, Zone::Assumed, rest))
}

/// `1795333715.123456`.
pub fn unix<'a>(line: &'a [u8], clock: &mut Clock) -> Option<(Stamp, &'a [u8])> {
    let (seconds, rest) = number(line)?;
    // From 2001 to 2286: anything shorter is a number that means something else.
    if !(1_000_000_000..10_000_000_000).contains(&seconds) {
        return None;
    }
    let (micros, rest) = decimals(rest)?;
    let micros = i64::try_from(seconds).ok()? * 1_000_000 + micros;
    Some((clock.here(micros), rest.strip_prefix(b" ")?))
}

/// `-- Boot ... --`, `-- No entries --`, `-- cursor: ...`, and the `==> FILE <==` of tail(1).
pub fn is_remark(line: &[u8]) -> bool {
    line.starts_with(b"-- ") || (line.starts_with(b"==> ") && line.ends_with(b" <=="))
}

#[cfg(test)]
mod tests {
    use super::super::super::clock::{self, Reference};
    use super::*;

    #[test]
    fn stamps_of_journalctl() {
        let mut clock = Clock::new(Reference::at(0).in_zone(clock::Zone::Fixed(3_600)));
        for (line, zone, micros) in [
            ("Sun 2026-11-22 08:48:35 CET fire x", Zone::Assumed, 0),
            (
                "Sun 2026-11-22 08:48:35.123456 +01 fire x",
                Zone::Assumed,
                123_456,
            ),
            ("Sun 2026-11-22 07:48:35 UTC fire x", Zone::Told, 0),
        ] {
            let (stamp, found, rest) = full(line.as_bytes(), &mut clock).unwrap();
            assert_eq!(stamp.micros, 1_795_333_715_000_000 + micros, "{line}");
            assert_eq!((found, rest), (zone, &b"fire x"[..]));
        }
        let (stamp, rest) = unix(b"1795333715.123456 fire x", &mut clock).unwrap();
        assert_eq!((stamp.micros, stamp.offset), (1_795_333_715_123_456, 3_600));
        assert_eq!(rest, b"fire x");
        for bad in [
            "Sun",
            "Son 2026-11-22 08:48:35 CET x",
            "Sun 2026-11-22 08:48:35 C:T x",
            "Sun 2026-11-22 08:48:35 ",
        ] {
            assert_eq!(full(bad.as_bytes(), &mut clock), None, "{bad}");
        }
        for bad in [
            "123.5 x",
            "1795333715 x",
            "1795333715.1",
            "99999999999999999999.1 x",
        ] {
            assert_eq!(unix(bad.as_bytes(), &mut clock), None, "{bad}");
        }
    }

    #[test]
    fn remarks() {
        assert!(is_remark(b"-- Boot 5c2a --"));
        assert!(is_remark(b"==> /var/log/mail.log <=="));
        assert!(!is_remark(b"--x"));
        assert!(!is_remark(b"==> x"));
    }
}
