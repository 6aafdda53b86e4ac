//! Dates as Postfix writes them into headers.

use chrono::{Local, TimeZone as _};

/// `Sun, 22 Nov 2026 14:17:06 +0000 (UTC)`; the zone's name only where it is certain.
pub fn mail_date(seconds: i64) -> String {
    let Some(time) = Local.timestamp_opt(seconds, 0).earliest() else {
        return String::new();
    };
    let text = time.format("%a, %e %b %Y %H:%M:%S %z").to_string();
    if time.offset().local_minus_utc() == 0 {
        format!("{text} (UTC)")
    } else {
        text
    }
}
