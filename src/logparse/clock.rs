//! Time of traditional stamps, which have neither year nor zone.
//!
//! In: month, day and time of day as logged, and a [`Reference`] the caller knows (a file's modification
//! time, or now). Out: a [`Stamp`]. The calendar of the zone is asked once an hour of log, never once a line.
//!
//! The year is the latest one that puts the stamp at most a day after the reference, so the answer for a
//! line does not depend on the lines before it, and a chunk from the middle of a file can be read alone.
//! A live reference moves on with the stamps it sees (and with [`Clock::advance`]), which carries a
//! follower over New Year. Limits: a traditional log that reaches back more than a year from its
//! modification time is placed within that one year, and stamps more than a day ahead of the reference
//! land in the year before. Logs that need better have RFC 3339 stamps.

use super::Stamp;
use chrono::{FixedOffset, Local, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone};

/// How far a stamp may lie ahead of the reference: clocks differ, and a file's modification time is
/// rounded; a day covers any zone mistaken for another.
const AHEAD: i64 = 86_400;
/// The length of a stamp whose day is padded: `Nov 22 08:48:35`.
pub const LONG: usize = 15;
/// Half of the hour that a daylight-saving step repeats: a step back by more than this inside the
/// repeated hour is its second run, by less it is lines out of order.
const STEP: i64 = 1_800;

/// The zone that a log's traditional stamps were written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// This machine's.
    #[default]
    Local,
    /// Seconds east of UTC.
    Fixed(i32),
    /// Clocks of a test: one step back from +2 h to +1 h at this point of local time (seconds).
    #[cfg(test)]
    StepBack(i64),
}

/// Whether the reference is an end (a file at rest) or moves on with what is read (a log being followed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Horizon {
    /// The reference stays.
    #[default]
    Fixed,
    /// The reference moves on with the stamps.
    Live,
}

/// What is known about a source's time: its last line is about this old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reference {
    /// Seconds since the epoch: a file's modification time, or now.
    pub time: i64,
    /// The zone of stamps that have none.
    pub zone: Zone,
    /// Whether time goes on while reading.
    pub horizon: Horizon,
}

impl Reference {
    /// For a file at rest: its modification time in seconds since the epoch.
    pub fn at(time: i64) -> Self {
        Self {
            time,
            ..Self::default()
        }
    }

    /// For a log being followed, or one whose age is not known.
    pub fn now() -> Self {
        Self {
            time: chrono::Utc::now().timestamp(),
            horizon: Horizon::Live,
            ..Self::default()
        }
    }

    /// The same in another zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }
}

/// Turns traditional stamps into points in time; one a source.
#[derive(Debug, Clone)]
pub struct Clock {
    reference: Reference,
    hour: Hour,
    /// The last point in time given out, seconds.
    previous: Option<i64>,
    /// The text of the last stamp and what it meant.
    known: Option<([u8; LONG], Stamp)>,
    /// The quarter of an hour, counted from the epoch, whose offset was last asked for, and the offset:
    /// zones change at no finer step.
    quarter: Option<(i64, i32)>,
}

/// What the calendar said about the hour last asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Hour {
    /// Year where the stamp has one, month, day and hour packed; 0 is none.
    key: u64,
    /// Start of the hour, seconds since the epoch.
    start: i64,
    /// Seconds east of UTC.
    offset: i32,
    /// The second run of an hour that a step back repeats: start and offset.
    again: Option<(i64, i32)>,
}

impl Clock {
    /// A clock for a source.
    pub fn new(reference: Reference) -> Self {
        Self {
            reference,
            hour: Hour::default(),
            previous: None,
            known: None,
            quarter: None,
        }
    }

    /// Tells a live clock what time it is; never moves it back.
    pub fn advance(&mut self, now: i64) {
        if now > self.reference.time {
            self.reference.time = now;
            // The same text may mean another year now.
            self.known = None;
        }
    }

    /// What the last stamp meant, when this one reads the same.
    pub fn known(&self, text: &[u8; LONG]) -> Option<Stamp> {
        self.known
            .filter(|known| known.0 == *text)
            .map(|known| known.1)
    }

    /// Remembers what a stamp means.
    pub fn know(&mut self, text: [u8; LONG], stamp: Stamp) {
        self.known = Some((text, stamp));
    }

    /// The point in time of a local stamp without year; `None` when no such date exists.
    #[inline]
    pub fn local(&mut self, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Stamp> {
        self.civil(None, (month, day), (hour, minute, second))
    }

    /// The point in time of a local stamp with its year; `None` when no such date exists.
    pub fn dated(
        &mut self,
        year: u16,
        (month, day): (u8, u8),
        time: (u8, u8, u8),
    ) -> Option<Stamp> {
        self.civil(Some(year), (month, day), time)
    }

    /// A point in time that came without a zone of the log's own (microseconds since the epoch, UTC), shown
    /// in the zone of the stamps that have none.
    pub fn here(&mut self, micros: i64) -> Stamp {
        let seconds = micros.div_euclid(1_000_000);
        let quarter = seconds.div_euclid(900);
        let offset = match self.quarter {
            Some((known, offset)) if known == quarter => offset,
            _ => offset_at(self.reference.zone, seconds),
        };
        self.quarter = Some((quarter, offset));
        Stamp { micros, offset }
    }

    #[inline]
    fn civil(
        &mut self,
        year: Option<u16>,
        (month, day): (u8, u8),
        (hour, minute, second): (u8, u8, u8),
    ) -> Option<Stamp> {
        // 60 is a leap second.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let packed = u32::from(month) << 16 | u32::from(day) << 8 | u32::from(hour);
        let key = u64::from(year.unwrap_or(0)) << 32 | u64::from(packed);
        if key != self.hour.key {
            self.hour = self.look_up(year, (month, day), hour, key)?;
        }
        let within = i64::from(minute) * 60 + i64::from(second);
        let (mut start, mut offset) = (self.hour.start, self.hour.offset);
        if let Some(again) = self.hour.again
            && self
                .previous
                .is_some_and(|p| p >= again.0 || start + within < p - STEP)
        {
            (start, offset) = again;
        }
        let seconds = start + within;
        self.previous = Some(seconds);
        if self.reference.horizon == Horizon::Live {
            self.advance(seconds);
        }
        Some(Stamp {
            micros: seconds * 1_000_000,
            offset,
        })
    }

    /// Asks the calendar.
    #[cold]
    fn look_up(
        &self,
        year: Option<u16>,
        (month, day): (u8, u8),
        hour: u8,
        key: u64,
    ) -> Option<Hour> {
        if let Some(year) = year {
            let date = NaiveDate::from_ymd_opt(i32::from(year), month.into(), day.into())?;
            return Some(self.hour(date.and_hms_opt(hour.into(), 0, 0)?, key));
        }
        let latest = self.reference.time + AHEAD;
        let this_year = chrono::DateTime::from_timestamp(latest, 0)
            .map_or(1970, |t| chrono::Datelike::year(&t.naive_utc()));
        // One year on for zones ahead of UTC; eight back for the 29th of February.
        (this_year - 8..=this_year + 1).rev().find_map(|year| {
            let local = NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))?
                .and_hms_opt(u32::from(hour), 0, 0)?;
            Some(self.hour(local, key)).filter(|found| found.start <= latest)
        })
    }

    /// The hour that begins at this local time.
    fn hour(&self, local: NaiveDateTime, key: u64) -> Hour {
        let seconds = local.and_utc().timestamp();
        let (offset, second) = offsets(self.reference.zone, local);
        Hour {
            key,
            start: seconds - i64::from(offset),
            offset,
            again: second.map(|o| (seconds - i64::from(o), o)),
        }
    }
}

/// The zone's offset at a local time, and the second one when a step back repeats it.
fn offsets(zone: Zone, local: NaiveDateTime) -> (i32, Option<i32>) {
    let east = |o: FixedOffset| o.local_minus_utc();
    match zone {
        Zone::Fixed(offset) => (offset, None),
        Zone::Local => match Local.offset_from_local_datetime(&local) {
            MappedLocalTime::Single(o) => (east(o.fix()), None),
            MappedLocalTime::Ambiguous(a, b) => (east(a.fix()), Some(east(b.fix()))),
            // The hour that a step forward skips: logged by a clock that had not stepped yet.
            MappedLocalTime::None => {
                let before = local - chrono::TimeDelta::hours(2);
                (
                    Local
                        .offset_from_local_datetime(&before)
                        .earliest()
                        .map_or(0, |o| east(o.fix())),
                    None,
                )
            }
        },
        #[cfg(test)]
        Zone::StepBack(at) => match local.and_utc().timestamp() - at {
            i64::MIN..-3_600 => (7_200, None),
            -3_600..0 => (7_200, Some(3_600)),
            _ => (3_600, None),
        },
    }
}

/// The zone's offset at a point in time.
fn offset_at(zone: Zone, seconds: i64) -> i32 {
    match zone {
        Zone::Fixed(offset) => offset,
        Zone::Local => chrono::DateTime::from_timestamp(seconds, 0).map_or(0, |time| {
            Local
                .offset_from_utc_datetime(&time.naive_utc())
                .fix()
                .local_minus_utc()
        }),
        #[cfg(test)]
        Zone::StepBack(at) if seconds < at - 7_200 => 7_200,
        #[cfg(test)]
        Zone::StepBack(_) => 3_600,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // March is month 0, so that the leap day ends the year.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of a number of days since 1970-01-01; the inverse of [`days_from_civil`].
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let (month, carry) = if m < 10 { (m + 3, 0) } else { (m - 9, 1) };
    (year + era * 400 + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(reference: &str) -> Reference {
        Reference::at(seconds(reference)).in_zone(Zone::Fixed(0))
    }

    fn seconds(text: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp()
    }

    fn at(clock: &mut Clock, m: u8, d: u8, h: u8, min: u8) -> String {
        let stamp = clock.local(m, d, h, min, 0).unwrap();
        chrono::DateTime::from_timestamp_micros(stamp.micros)
            .unwrap()
            .format("%Y-%m-%d %H:%M")
            .to_string()
    }

    #[test]
    fn the_year_is_the_latest_that_is_not_in_the_future() {
        let mut clock = Clock::new(utc("2026-03-10T12:00:00Z"));
        assert_eq!(at(&mut clock, 3, 10, 11, 0), "2026-03-10 11:00");
        assert_eq!(at(&mut clock, 3, 11, 11, 0), "2026-03-11 11:00");
        assert_eq!(at(&mut clock, 3, 12, 11, 0), "2025-03-12 11:00");
        assert_eq!(at(&mut clock, 12, 31, 23, 59), "2025-12-31 23:59");
        assert_eq!(at(&mut clock, 1, 1, 0, 0), "2026-01-01 00:00");
        assert_eq!(at(&mut clock, 2, 29, 0, 0), "2024-02-29 00:00");
        assert_eq!(clock.local(2, 30, 0, 0, 0), None);
        assert_eq!(clock.local(13, 1, 0, 0, 0), None);
        assert_eq!(clock.local(1, 1, 24, 0, 0), None);
    }

    #[test]
    fn a_follower_crosses_new_year_by_itself() {
        let mut reference = utc("2026-12-30T12:00:00Z");
        reference.horizon = Horizon::Live;
        let mut clock = Clock::new(reference);
        assert_eq!(at(&mut clock, 12, 31, 10, 0), "2026-12-31 10:00");
        assert_eq!(at(&mut clock, 1, 1, 0, 0), "2027-01-01 00:00");
        clock.advance(seconds("2027-01-09T00:00:00Z"));
        assert_eq!(at(&mut clock, 1, 9, 0, 0), "2027-01-09 00:00");
        assert_eq!(at(&mut clock, 12, 31, 23, 0), "2026-12-31 23:00");
    }

    #[test]
    fn the_hour_that_a_step_back_repeats_runs_twice() {
        // 03:00 +02:00 becomes 02:00 +01:00.
        let step = seconds("2026-10-25T03:00:00Z");
        let mut clock = Clock::new(Reference::at(step + 86_400).in_zone(Zone::StepBack(step)));
        assert_eq!(at(&mut clock, 10, 25, 2, 10), "2026-10-25 00:10");
        assert_eq!(at(&mut clock, 10, 25, 2, 59), "2026-10-25 00:59");
        assert_eq!(at(&mut clock, 10, 25, 2, 58), "2026-10-25 00:58");
        assert_eq!(at(&mut clock, 10, 25, 2, 0), "2026-10-25 01:00");
        assert_eq!(at(&mut clock, 10, 25, 2, 30), "2026-10-25 01:30");
        assert_eq!(at(&mut clock, 10, 25, 3, 0), "2026-10-25 02:00");
        // Out of order, from the second run.
        assert_eq!(at(&mut clock, 10, 25, 2, 59), "2026-10-25 01:59");
        assert_eq!(clock.local(10, 25, 2, 59, 0).unwrap().offset, 3_600);
    }

    #[test]
    fn a_year_that_is_told_is_believed() {
        let mut clock = Clock::new(utc("2026-03-10T12:00:00Z"));
        let mut year = |year, month, day| {
            let stamp = clock.dated(year, (month, day), (10, 0, 0))?;
            chrono::DateTime::from_timestamp_micros(stamp.micros).map(|t| t.to_rfc3339())
        };
        assert_eq!(
            year(2031, 3, 12),
            Some("2031-03-12T10:00:00+00:00".to_owned())
        );
        assert_eq!(
            year(1999, 3, 12),
            Some("1999-03-12T10:00:00+00:00".to_owned())
        );
        assert!(year(2024, 2, 29).is_some());
        assert_eq!(year(2023, 2, 29), None);
        assert_eq!(at(&mut clock, 3, 12, 10, 0), "2025-03-12 10:00");
    }

    #[test]
    fn a_point_in_time_is_shown_in_the_zone_of_the_log() {
        let step = seconds("2026-10-25T03:00:00Z");
        let mut clock = Clock::new(Reference::at(step).in_zone(Zone::StepBack(step)));
        let mut offset = |text| clock.here(seconds(text) * 1_000_000).offset;
        assert_eq!(offset("2026-10-25T00:59:59Z"), 7_200);
        assert_eq!(offset("2026-10-25T01:00:00Z"), 3_600);
        assert_eq!(offset("2026-10-25T00:59:59Z"), 7_200);
    }

    #[test]
    fn civil_days() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
        assert_eq!(days_from_civil(2026, 11, 22), 20_779);
        for days in [-719_468, -1, 0, 59, 60, 11_016, 11_017, 20_779, 47_541] {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
