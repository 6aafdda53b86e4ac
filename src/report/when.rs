//! Points in time as people write them.

use chrono::{DateTime, Days, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

/// A period: microseconds since the epoch, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Not before.
    pub since: Option<i64>,
    /// Only before.
    pub until: Option<i64>,
}

/// A text that names no time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0}: no such time (try: 2026-11-22, \"2026-11-22 08:30\", 2026-11-22T08:30:00+01:00, 2h, 3d, today, yesterday)"
)]
pub struct NoSuchTime(String);

/// The point in time that `text` means, in microseconds since the epoch: RFC 3339, a local date, a local
/// date and time, so long ago (`90s`, `30m`, `2h`, `3d`, `1w`), `now`, `today`, `yesterday` (their beginnings).
pub fn point(text: &str, now: DateTime<Local>) -> Result<i64, NoSuchTime> {
    let text = text.trim();
    let found = match text {
        "now" => Some(now.timestamp_micros()),
        _ => date(text, now)
            .and_then(midnight)
            .or_else(|| date_and_time(text))
            .or_else(|| ago(text, now)),
    };
    found.ok_or_else(|| NoSuchTime(text.to_owned()))
}

/// The day that `text` means: `today`, `yesterday` or a date.
pub fn day(text: &str, now: DateTime<Local>) -> Result<Span, NoSuchTime> {
    let span = || {
        let day = date(text.trim(), now)?;
        Some(Span {
            since: Some(midnight(day)?),
            until: Some(midnight(day.checked_add_days(Days::new(1))?)?),
        })
    };
    span().ok_or_else(|| NoSuchTime(text.to_owned()))
}

fn date(text: &str, now: DateTime<Local>) -> Option<NaiveDate> {
    match text {
        "today" => Some(now.date_naive()),
        "yesterday" => now.date_naive().checked_sub_days(Days::new(1)),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    }
}

fn midnight(day: NaiveDate) -> Option<i64> {
    local(day.and_time(NaiveTime::MIN))
}

fn date_and_time(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ]
    .into_iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .and_then(local)
}

/// A local time. Where a step of the clock makes it two, the first; where it makes it none, an hour later.
fn local(time: NaiveDateTime) -> Option<i64> {
    Local
        .from_local_datetime(&time)
        .earliest()
        .or_else(|| {
            Local
                .from_local_datetime(&(time + TimeDelta::hours(1)))
                .earliest()
        })
        .map(|time| time.timestamp_micros())
}

fn ago(text: &str, now: DateTime<Local>) -> Option<i64> {
    let unit = text.chars().last()?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let micros = count.checked_mul(seconds)?.checked_mul(1_000_000)?;
    (count >= 0).then(|| now.timestamp_micros().saturating_sub(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Local> {
        Local.with_ymd_and_hms(2026, 11, 22, 14, 30, 0).unwrap()
    }

    fn at(text: &str) -> String {
        let micros = point(text, now()).unwrap();
        Local
            .timestamp_micros(micros)
            .unwrap()
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(at("today"), "2026-11-22 00:00:00");
        assert_eq!(at("yesterday"), "2026-11-21 00:00:00");
        assert_eq!(at("2026-11-20"), "2026-11-20 00:00:00");
        assert_eq!(at("2026-11-20 08:15"), "2026-11-20 08:15:00");
        assert_eq!(at("2026-11-20T08:15:30"), "2026-11-20 08:15:30");
        assert_eq!(at("2h"), "2026-11-22 12:30:00");
        assert_eq!(at("3d"), "2026-11-19 14:30:00");
        assert_eq!(point("1970-01-01T01:00:00+01:00", now()), Ok(0));
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight() {
        let span = day("yesterday", now()).unwrap();
        assert_eq!(span.until, Some(point("today", now()).unwrap()));
        assert_eq!(span.since, Some(point("yesterday", now()).unwrap()));
    }

    #[test]
    fn nonsense_is_an_error_that_shows_the_forms() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "-3d",
            "d",
            "9999999999999999d",
            "3ö",
        ] {
            let error = point(text, now()).unwrap_err().to_string();
            assert!(error.contains("2026-11-22 08:30"), "{error}");
        }
        assert!(day("2h", now()).is_err());
    }
}
