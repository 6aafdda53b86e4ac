//! Words of the console that state and views share.

/// An age in at most five columns. It changes once a minute at most, so that a screen at rest stays silent.
pub(crate) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        0..60 => "<1m".to_owned(),
        s @ 60..3_600 => format!("{}m", s / 60),
        s @ 3_600..36_000 => format!("{}h{:02}", s / 3_600, s % 3_600 / 60),
        s @ 36_000..86_400 => format!("{}h", s / 3_600),
        s @ 86_400..864_000 => format!("{}d{:02}", s / 86_400, s % 86_400 / 3_600),
        s => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [
            (-5, "<1m"),
            (59, "<1m"),
            (61, "1m"),
            (3_720, "1h02"),
            (50_000, "13h"),
            (90_000, "1d01"),
            (9_000_000, "104d"),
        ] {
            assert_eq!(age(seconds), text);
            assert!(text.len() <= 5);
        }
    }
}
