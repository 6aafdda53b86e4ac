//! Points in time and periods as people write them.

use chrono::{
    DateTime, Datelike as _, Days, Local, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone, Weekday,
};

/// A period: microseconds since the epoch, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Not before.
    pub since: Option<i64>,
    /// Only before.
    pub until: Option<i64>,
}

/// A text that names no time. It is quoted, so that an empty one is seen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "\"{0}\": no such time (try: 2026-11-22, \"2026-11-22 08:30\", 2026-11-22T08:30:00+01:00, 2h, 3d, today, yesterday)"
)]
pub struct NoSuchTime(String);

/// A text that names no period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "\"{0}\": no such period (try: today, yesterday, 2026-11-22, 2026-11, \"this week\", \"last month\", 2026-11-01..2026-11-15)"
)]
pub struct NoSuchPeriod(String);

/// How far a period is moved to be the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Whole days of the calendar: a day with a step of the clock is as long as its neighbour.
    Days(u64),
    Months(u32),
    Micros(i64),
}

/// A period and the one that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The period itself.
    pub span: Span,
    step: Step,
}

impl Period {
    /// From one point in time to another; `None` where it is open.
    pub fn between(since: Option<i64>, until: Option<i64>, now: DateTime<Local>) -> Self {
        let end = until.unwrap_or(now.timestamp_micros());
        let length = since.map_or(0, |since| end.saturating_sub(since));
        let days = whole_days(since, until);
        Self {
            span: Span { since, until },
            step: days.map_or(Step::Micros(length), Step::Days),
        }
    }

    /// The equal period before: yesterday for today, the week before for a week, the N hours before for N
    /// hours. Of a period that is not over only as much as of it has passed. `None` when it has no beginning.
    pub fn before(&self, now: DateTime<Local>) -> Option<Span> {
        let since = self.span.since?;
        let now = now.timestamp_micros();
        let until = self.span.until.unwrap_or(now);
        let end = if since < now { until.min(now) } else { until };
        let first = self.step.back(since)?;
        Some(Span {
            since: Some(first),
            until: Some(self.step.back(end)?.clamp(first, since)),
        })
    }
}

impl Step {
    /// A point in time, moved back.
    fn back(self, micros: i64) -> Option<i64> {
        let clock = || Some(Local.timestamp_micros(micros).single()?.naive_local());
        match self {
            Self::Micros(length) => micros.checked_sub(length),
            Self::Days(days) => local(clock()?.checked_sub_days(Days::new(days))?),
            Self::Months(months) => local(clock()?.checked_sub_months(Months::new(months))?),
        }
    }
}

/// How many days lie between two midnights of this machine's clock.
fn whole_days(since: Option<i64>, until: Option<i64>) -> Option<u64> {
    let date = |micros: i64| {
        let time = Local.timestamp_micros(micros).single()?.naive_local();
        (midnight(time.date()) == Some(micros)).then(|| time.date())
    };
    let days = (date(until?)? - date(since?)?).num_days();
    u64::try_from(days).ok().filter(|days| *days > 0)
}

/// On which day a week begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum WeekStart {
    /// ISO 8601.
    #[default]
    Monday,
    /// As in America, and in pflogsumm without --dow0mon.
    Sunday,
}

/// The period that `text` means: a day (`today`, `yesterday`, `2026-11-22`), a month (`2026-11`), `this week`,
/// `last week`, `this month`, `last month`, or a range of these or of points in time, `FROM..TO`, its last
/// day included.
pub fn period(text: &str, week: WeekStart, now: DateTime<Local>) -> Result<Period, NoSuchPeriod> {
    let trimmed = text.trim();
    let found = match trimmed.split_once("..") {
        Some((from, to)) => range(from, to, week, now),
        None => named(trimmed, week, now).or_else(|| {
            // pflogsumm separates two dates by a blank.
            let (from, to) = trimmed.split_once(' ')?;
            let date = |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
            (date(from) && date(to)).then(|| range(from, to, week, now))?
        }),
    };
    found.ok_or_else(|| NoSuchPeriod(text.to_owned()))
}

fn range(from: &str, to: &str, week: WeekStart, now: DateTime<Local>) -> Option<Period> {
    let (from, to) = (from.trim(), to.trim());
    let first = match named(from, week, now) {
        Some(period) => period.span.since?,
        None => point(from, now).ok()?,
    };
    let last = match named(to, week, now) {
        Some(period) => period.span.until?,
        None => point(to, now).ok()?,
    };
    (first < last).then(|| Period::between(Some(first), Some(last), now))
}

/// A day, a week or a month.
fn named(text: &str, week: WeekStart, now: DateTime<Local>) -> Option<Period> {
    let words = text.to_ascii_lowercase().replace(['-', '_'], " ");
    let today = now.date_naive();
    let weekday = match week {
        WeekStart::Monday => Weekday::Mon,
        WeekStart::Sunday => Weekday::Sun,
    };
    let monday = || {
        let since = today.weekday().days_since(weekday);
        today.checked_sub_days(Days::new(u64::from(since)))
    };
    let month = || today.with_day(1);
    match words.as_str() {
        "this week" => days(monday()?, 7),
        "last week" => days(monday()?.checked_sub_days(Days::new(7))?, 7),
        "this month" => one_month(month()?),
        "last month" => one_month(month()?.checked_sub_months(Months::new(1))?),
        _ => match date(text, now) {
            Some(day) => days(day, 1),
            None => one_month(NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?),
        },
    }
}

fn days(first: NaiveDate, count: u64) -> Option<Period> {
    let end = first.checked_add_days(Days::new(count))?;
    calendar(first, end, Step::Days(count))
}

fn one_month(first: NaiveDate) -> Option<Period> {
    calendar(
        first,
        first.checked_add_months(Months::new(1))?,
        Step::Months(1),
    )
}

fn calendar(first: NaiveDate, end: NaiveDate, step: Step) -> Option<Period> {
    Some(Period {
        span: Span {
            since: Some(midnight(first)?),
            until: Some(midnight(end)?),
        },
        step,
    })
}

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
        let span = |text| period(text, WeekStart::Monday, now()).unwrap().span;
        assert_eq!(
            span("yesterday").until,
            Some(point("today", now()).unwrap())
        );
        assert_eq!(
            span("yesterday").since,
            Some(point("yesterday", now()).unwrap())
        );
        assert_eq!(span("2026-11-21"), span("yesterday"));
    }

    fn spelled(text: &str, week: WeekStart) -> (String, String, String, String) {
        let period = period(text, week, now()).unwrap();
        let before = period.before(now()).unwrap();
        let show = |micros: Option<i64>| {
            Local
                .timestamp_micros(micros.unwrap())
                .unwrap()
                .format("%m-%d %H:%M")
                .to_string()
        };
        (
            show(period.span.since),
            show(period.span.until),
            show(before.since),
            show(before.until),
        )
    }

    #[test]
    fn weeks_months_and_ranges_with_the_equal_period_before() {
        // 2026-11-22 is a Sunday, and it is 14:30.
        for (text, week, expected) in [
            (
                "today",
                WeekStart::Monday,
                "11-22 00:00 11-23 00:00 11-21 00:00 11-21 14:30",
            ),
            (
                "yesterday",
                WeekStart::Monday,
                "11-21 00:00 11-22 00:00 11-20 00:00 11-21 00:00",
            ),
            (
                "this week",
                WeekStart::Monday,
                "11-16 00:00 11-23 00:00 11-09 00:00 11-15 14:30",
            ),
            (
                "this_week",
                WeekStart::Sunday,
                "11-22 00:00 11-29 00:00 11-15 00:00 11-15 14:30",
            ),
            (
                "last week",
                WeekStart::Monday,
                "11-09 00:00 11-16 00:00 11-02 00:00 11-09 00:00",
            ),
            (
                "this-month",
                WeekStart::Monday,
                "11-01 00:00 12-01 00:00 10-01 00:00 10-22 14:30",
            ),
            (
                "Last Month",
                WeekStart::Monday,
                "10-01 00:00 11-01 00:00 09-01 00:00 10-01 00:00",
            ),
            (
                "2026-10",
                WeekStart::Monday,
                "10-01 00:00 11-01 00:00 09-01 00:00 10-01 00:00",
            ),
            (
                "2026-11-01..2026-11-10",
                WeekStart::Monday,
                "11-01 00:00 11-11 00:00 10-22 00:00 11-01 00:00",
            ),
            (
                "2026-11-01 2026-11-10",
                WeekStart::Monday,
                "11-01 00:00 11-11 00:00 10-22 00:00 11-01 00:00",
            ),
            (
                "2026-11-20 08:00..2026-11-20 20:00",
                WeekStart::Monday,
                "11-20 08:00 11-20 20:00 11-19 20:00 11-20 08:00",
            ),
        ] {
            let (a, b, c, d) = spelled(text, week);
            assert_eq!(format!("{a} {b} {c} {d}"), expected, "{text}");
        }
        for text in [
            "",
            "2h",
            "last year",
            "2026-13",
            "2026-11-10..2026-11-01",
            "soon..",
            "..",
        ] {
            let error = period(text, WeekStart::Monday, now())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(&format!("\"{text}\": ")), "{error}");
        }
    }

    #[test]
    fn the_last_hours_are_compared_with_the_hours_before() {
        let since = point("24h", now()).unwrap();
        let before = Period::between(Some(since), None, now())
            .before(now())
            .unwrap();
        assert_eq!(before.until, Some(since));
        assert_eq!(before.since, Some(point("48h", now()).unwrap()));
        assert_eq!(
            Period::between(None, Some(since), now()).before(now()),
            None
        );
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
    }
}
