//! Figures as people read them: grouped thousands, k and M, durations, shares, times of the log's clock.

use super::section::{Cell, Unit};
use crate::logparse::Stamp;
use chrono::{DateTime, FixedOffset, SecondsFormat};

/// A count: `41,943`, and from a hundred millions on `123.4M`.
pub fn count(n: u64) -> String {
    const SCALES: [(u64, &str); 3] = [
        (1_000_000_000_000_000, "P"),
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
    ];
    match n {
        0..100_000_000 => grouped(n),
        100_000_000..1_000_000_000 => format!("{:.1}M", n as f64 / 1e6),
        _ => SCALES.iter().find(|(scale, _)| n >= *scale).map_or_else(
            || grouped(n),
            |(scale, unit)| format!("{:.1}{unit}", n as f64 / *scale as f64),
        ),
    }
}

/// A count in full, with commas between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in at most five characters, in powers of 1024: `512`, `9.8k`, `42M`.
pub fn bytes(n: u64) -> String {
    if n < 1000 {
        return n.to_string();
    }
    let mut value = n as f64 / 1024.0;
    for unit in ["k", "M", "G", "T", "P"] {
        if value < 9.95 {
            return format!("{value:.1}{unit}");
        }
        if value < 999.5 {
            return format!("{value:.0}{unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.0}E")
}

/// Seconds in at most six characters: `0.05s`, `12.3s`, `2m03s`, `1h05m`, `3d04h`.
pub fn duration(seconds: f64) -> String {
    // A delay beyond this is a broken clock's.
    let whole = whole(seconds.min(1e12));
    if seconds < 9.995 {
        format!("{:.2}s", seconds.max(0.0))
    } else if seconds < 59.95 {
        format!("{seconds:.1}s")
    } else if whole < 3600 {
        format!("{}m{:02}s", whole / 60, whole % 60)
    } else if whole < 86_400 {
        format!("{}h{:02}m", whole / 3600, whole % 3600 / 60)
    } else {
        format!("{}d{:02}h", whole / 86_400, whole % 86_400 / 3600)
    }
}

/// The nearest whole number; 0 for what is negative or no number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as saturates, and negative numbers are cut off before"
)]
pub fn whole(n: f64) -> u64 {
    n.max(0.0).round() as u64
}

/// A share that is known: `12.3%`, `100%`, and `<0.1%` for what would round to nothing.
pub fn percent(share: f64) -> String {
    if share <= 0.0 {
        "0%".to_owned()
    } else if share < 0.05 {
        "<0.1%".to_owned()
    } else if share >= 99.95 {
        format!("{share:.0}%")
    } else {
        format!("{share:.1}%")
    }
}

/// `part` of `whole` in percent with two digits behind the point; 0 of nothing is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 * 10_000.0 / whole as f64).round() / 100.0
}

/// A time of the log's own clock to the second: `2026-11-22 08:48:35`.
pub fn time(stamp: Stamp) -> String {
    local(stamp).map_or_else(String::new, |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// A span as short as it stays clear: the date of the end is left out when it is that of the beginning.
pub fn span(from: Stamp, to: Stamp) -> String {
    let (first, last) = (time(from), time(to));
    match (first.split_once(' '), last.split_once(' ')) {
        _ if first == last => first,
        (Some((day, _)), Some((same, clock))) if day == same => format!("{first} to {clock}"),
        _ => format!("{first} to {last}"),
    }
}

/// RFC 3339 with the log's own offset.
pub fn rfc3339(stamp: Stamp) -> String {
    local(stamp).map_or_else(String::new, |time| {
        time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
    })
}

fn local(stamp: Stamp) -> Option<DateTime<FixedOffset>> {
    let time = DateTime::from_timestamp_micros(stamp.micros)?;
    Some(time.with_timezone(&FixedOffset::east_opt(stamp.offset)?))
}

/// A cell for people; texts one behind another.
pub fn shown(cell: &Cell, unit: Unit) -> String {
    match (cell, unit) {
        (Cell::Count(n), Unit::Bytes) => bytes(*n),
        (Cell::Count(n), _) => count(*n),
        (Cell::Change(n), Unit::Bytes) => signed(*n, bytes),
        (Cell::Change(n), _) => signed(*n, count),
        (Cell::Real(n), Unit::Seconds) => duration(*n),
        (Cell::Real(n), Unit::Change) => format!("{n:+.1}%"),
        (Cell::Real(n), _) => percent(*n),
        (Cell::Time(stamp), _) => time(*stamp),
        (Cell::Text(text), _) => text.clone(),
        (Cell::Texts(texts), _) => texts.join(" | "),
        (Cell::None, _) => String::new(),
    }
}

fn signed(n: i64, write: fn(u64) -> String) -> String {
    let sign = match n {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", write(n.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (41_943, "41,943"),
            (12_345_678, "12,345,678"),
            (123_456_789, "123.5M"),
            (98_765_432_100, "98.8G"),
        ] {
            assert_eq!(count(n), text);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert!(count(u64::MAX).len() <= 10, "{}", count(u64::MAX));
    }

    #[test]
    fn bytes_and_durations_are_short() {
        assert_eq!(bytes(999), "999");
        assert_eq!(bytes(44_553_216), "42M");
        assert!(bytes(u64::MAX).len() <= 5);
        for (seconds, text) in [
            (0.0, "0.00s"),
            (0.05, "0.05s"),
            (12.3, "12.3s"),
            (59.96, "1m00s"),
            (119.0, "1m59s"),
            (7200.0, "2h00m"),
            (432_000.0, "5d00h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn shares_are_neither_hidden_nor_overstated() {
        assert_eq!(percent(share(1, 3)), "33.3%");
        assert_eq!(percent(0.01), "<0.1%");
        assert_eq!(percent(share(5, 5)), "100%");
        assert_eq!(percent(share(5, 0)), "0%");
    }

    #[test]
    fn a_span_names_its_day_once() {
        let at = |seconds: i64| Stamp {
            micros: seconds * 1_000_000,
            offset: 3600,
        };
        assert_eq!(span(at(0), at(0)), "1970-01-01 01:00:00");
        assert_eq!(span(at(0), at(60)), "1970-01-01 01:00:00 to 01:01:00");
        assert_eq!(
            span(at(0), at(86_400)),
            "1970-01-01 01:00:00 to 1970-01-02 01:00:00"
        );
        assert_eq!(rfc3339(at(0)), "1970-01-01T01:00:00+01:00");
    }
}
