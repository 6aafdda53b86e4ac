//! Times, sizes and delays in words.

use crate::logparse::Stamp;
use crate::logparse::event::Delays;
use chrono::{DateTime, FixedOffset, Utc};

/// What a delivery had behind it when it ended: a retry has waited in the deferred queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// The first one.
    First,
    /// A later one.
    Retry,
}

/// A stamp as the log's own clock showed it.
pub(super) fn local(stamp: Stamp) -> Option<DateTime<FixedOffset>> {
    let zone = FixedOffset::east_opt(stamp.offset)?;
    DateTime::<Utc>::from_timestamp_micros(stamp.micros).map(|time| time.with_timezone(&zone))
}

/// `Nov 22 2026`
pub(super) fn day(stamp: Stamp) -> String {
    local(stamp).map_or_else(String::new, |time| time.format("%b %e %Y").to_string())
}

/// `08:48:35`
pub(super) fn clock(stamp: Stamp) -> String {
    local(stamp).map_or_else(String::new, |time| time.format("%H:%M:%S").to_string())
}

/// Both.
pub(super) fn time(stamp: Stamp) -> String {
    format!("{} {}", day(stamp), clock(stamp))
}

/// Hundredths of a second: `0.26 s`, `5 min 1 s`, `2 h 3 min`, `4 d 2 h`.
pub(super) fn span(hundredths: u64) -> String {
    let seconds = hundredths / 100;
    let two = |a: u64, unit: &str, b: u64, smaller: &str| match b {
        0 => format!("{a} {unit}"),
        b => format!("{a} {unit} {b} {smaller}"),
    };
    match seconds {
        0..60 => match hundredths % 100 {
            0 => format!("{seconds} s"),
            rest if rest % 10 == 0 => format!("{seconds}.{} s", rest / 10),
            rest => format!("{seconds}.{rest:02} s"),
        },
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

/// Microseconds between two stamps in words.
pub(super) fn between(from: Stamp, to: Stamp) -> String {
    span(u64::try_from((to.micros - from.micros) / 10_000).unwrap_or(0))
}

/// `512 bytes`, `12.3 kB`, `1.2 MB`
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A count with its noun.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{} {many}", grouped(n)),
    }
}

/// `6,626,994`
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A delivery's delay, its four parts (postconf(5), delay_logging_resolution_limit) and which of them made most of
/// it.
pub(super) fn delays(delay: u64, delays: Delays, attempt: Try) -> String {
    let before = match attempt {
        Try::First => "before the queue manager",
        Try::Retry => "waiting for this retry",
    };
    let parts = [
        (before, delays.before_qmgr),
        ("in the queue", delays.in_qmgr),
        ("connecting", delays.conn_setup),
        ("transmitting", delays.transmission),
    ];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(_, part)| *part > 0)
        .map(|(name, part)| format!("{} {name}", span(*part)))
        .collect();
    let mut text = format!("took {}", span(delay));
    if shown.is_empty() {
        return text;
    }
    text.push_str(": ");
    text.push_str(&shown.join(", "));
    let sum: u64 = parts.iter().map(|(_, part)| part).sum();
    // Below a second nobody asks what took so long.
    if let Some((name, most)) = parts.iter().max_by_key(|(_, part)| *part)
        && shown.len() > 1
        && sum >= 100
        && most * 2 > sum
    {
        text.push_str("; mostly ");
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (hundredths, text) in [
            (0, "0 s"),
            (26, "0.26 s"),
            (150, "1.5 s"),
            (30_100, "5 min 1 s"),
            (360_000, "1 h"),
            (738_000, "2 h 3 min"),
            (36_000_000, "4 d 4 h"),
        ] {
            assert_eq!(span(hundredths), text);
        }
        assert_eq!(grouped(6_626_994), "6,626,994");
        assert_eq!(size(12_345), "12.3 kB");
    }

    #[test]
    fn the_part_that_dominates_is_named() {
        let parts = Delays {
            before_qmgr: 10,
            in_qmgr: 0,
            conn_setup: 40,
            transmission: 100,
        };
        assert_eq!(
            delays(150, parts, Try::First),
            "took 1.5 s: 0.1 s before the queue manager, 0.4 s connecting, 1 s transmitting; \
             mostly transmitting"
        );
        let waited = Delays {
            before_qmgr: 30_000,
            ..Delays::default()
        };
        assert_eq!(
            delays(30_000, waited, Try::Retry),
            "took 5 min: 5 min waiting for this retry"
        );
    }
}
