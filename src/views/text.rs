//! Words and numbers as people read them: cut to a width, grouped, with units.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The columns a text takes.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Cuts a text to a width; `ellipsis` (one column) says that something was cut.
pub(super) fn fit<'a>(text: &'a str, max: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let room = usize::from(max.saturating_sub(1));
    let mut used = 0;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > room
        })
        .map_or(text.len(), |(at, _)| at);
    if max == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{ellipsis}", &text[..end]))
}

/// Drops the first columns of a text.
pub(super) fn skip(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        if used >= columns {
            return &text[at..];
        }
        used += c.width().unwrap_or(0);
    }
    ""
}

/// Breaks a text into lines of at most `max` columns, at spaces where there are some.
pub(super) fn wrap(text: &str, max: u16) -> Vec<String> {
    let max = usize::from(max.max(1));
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let long = word.trim_end().width();
        if used > 0 && used + long > max {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            if used + w > max {
                if c == ' ' {
                    continue;
                }
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += w;
        }
    }
    lines
}

/// `1234567` as `1,234,567`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in at most five columns: `999`, `1.2k`, `34M`.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        format!("{value:.0}{}", UNITS[unit])
    } else {
        format!("{value:.1}{}", UNITS[unit])
    }
}

/// A normalised cause as short as it stays clear: without the address or host that stands before every cause of
/// its kind, and with what was refused as one word.
pub(super) fn cause(text: &str) -> Cow<'_, str> {
    const SHORT: [(&str, &str); 8] = [
        ("Helo command rejected: ", "HELO: "),
        ("Client host rejected: ", "client: "),
        ("Sender address rejected: ", "sender: "),
        ("Recipient address rejected: ", "recipient: "),
        ("Service unavailable; ", ""),
        ("connect to host[ip]: ", "connect: "),
        ("lost connection with host[ip] ", "lost connection "),
        ("conversation with host[ip] ", "conversation "),
    ];
    let said = ["<address>: ", "host host[ip] said: ", "host host[ip] "]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    let short = SHORT
        .iter()
        .find_map(|(long, short)| Some((said.strip_prefix(long)?, short)));
    match short {
        Some((rest, short)) => Cow::Owned(format!("{short}{rest}")),
        None => Cow::Borrowed(said),
    }
}

/// Seconds as `0.02s`, `1.4s`, `45s`, `3m10s`, `2h05m`, `4d03h`.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 0.995 {
        return format!("{seconds:.2}s");
    }
    if seconds < 9.95 {
        return format!("{seconds:.1}s");
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, positive, and saturating is what is wanted"
    )]
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// `Nov 22 08:48:35`, as the log writes it, `offset` seconds east of UTC.
pub(super) fn stamp(seconds: i64, offset: i32) -> String {
    at(seconds, offset).map_or_else(String::new, |t| t.format("%b %e %H:%M:%S").to_string())
}

/// `08:48:35`.
pub(super) fn clock(seconds: i64, offset: i32) -> String {
    at(seconds, offset).map_or_else(String::new, |t| t.format("%H:%M:%S").to_string())
}

fn at(seconds: i64, offset: i32) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    let zone = chrono::FixedOffset::east_opt(offset)?;
    Some(chrono::DateTime::from_timestamp(seconds, 0)?.with_timezone(&zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_columns_not_characters() {
        assert_eq!(fit("abcdef", 6, "…"), "abcdef");
        assert_eq!(fit("abcdef", 4, "…"), "abc…");
        assert_eq!(fit("用户x", 4, "…"), "用…");
        assert_eq!(fit("abc", 0, "…"), "");
        assert_eq!(skip("用户x", 2), "户x");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn causes_keep_what_tells_them_apart() {
        assert_eq!(
            cause("<address>: Relay access denied"),
            "Relay access denied"
        );
        assert_eq!(
            cause("<address>: Sender address rejected: Domain not found"),
            "sender: Domain not found"
        );
        assert_eq!(
            cause("connect to host[ip]: Connection timed out"),
            "connect: Connection timed out"
        );
        assert_eq!(cause("Mail loop"), "Mail loop");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999");
        assert_eq!(bytes(1_234), "1.2k");
        assert_eq!(bytes(35 << 20), "35M");
        assert_eq!(duration(0.021), "0.02s");
        assert_eq!(duration(45.2), "45s");
        assert_eq!(duration(190.0), "3m10s");
        assert_eq!(duration(7_500.0), "2h05m");
        assert_eq!(stamp(0, 3_600), "Jan  1 01:00:00");
    }
}
