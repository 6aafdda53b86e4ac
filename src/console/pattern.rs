//! What a user typed to filter or search: a substring, or `/regex/`.

use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;

/// A compiled pattern. Without capital letters it ignores case.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Compiles what was typed; `None` when it is empty, an error that says what is wrong with a regex.
    pub fn new(typed: &str) -> Result<Option<Self>, String> {
        if typed.is_empty() || typed == "/" {
            return Ok(None);
        }
        let source = match typed.strip_prefix('/') {
            Some(regex) => regex.strip_suffix('/').unwrap_or(regex).to_owned(),
            None => regex::escape(typed),
        };
        RegexBuilder::new(&source)
            .case_insensitive(!typed.chars().any(char::is_uppercase))
            // Ten times what a long list of alternatives needs; a log is searched on the console's thread.
            .size_limit(4 << 20)
            .build()
            .map(|regex| Some(Self { regex }))
            .map_err(|error| last_line(&error.to_string()))
    }

    /// Whether it is in there.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Where it is in a text that is shown.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        self.regex
            .find_iter(text.as_bytes())
            .map(|m| m.range())
            .filter(|r| {
                !r.is_empty() && text.is_char_boundary(r.start) && text.is_char_boundary(r.end)
            })
            .collect()
    }
}

/// The filter that finds the lines of a normalised cause: its placeholders match anything.
pub(crate) fn of_cause(cause: &str) -> String {
    const PLACEHOLDERS: [&str; 10] = [
        "<address>",
        "\"text\"",
        "[ip]",
        "host",
        "ip",
        "id",
        "N",
        "url",
        "path",
        "address",
    ];
    let is_part = |c: char| c == ' ' || "(),;{}=".contains(c);
    let mut out = String::from("/");
    for word in cause.split_inclusive(is_part) {
        let end = word.trim_end_matches(is_part);
        let core = end.trim_end_matches([':', '.', '!', '?', '\'']);
        if PLACEHOLDERS.contains(&core) || core.ends_with("[ip]") {
            out.push_str(".*?");
            out.push_str(&regex::escape(&word[core.len()..]));
        } else {
            out.push_str(&regex::escape(word));
        }
    }
    out.push('/');
    out
}

/// The regex crate draws the pattern and an arrow; its last line says what is wrong.
fn last_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_substring_is_literal_and_smart_about_case() {
        let p = Pattern::new("a.b").unwrap().unwrap();
        assert!(p.matches(b"xA.By") && !p.matches(b"axb"));
        let p = Pattern::new("NOQUEUE").unwrap().unwrap();
        assert!(p.matches(b"NOQUEUE") && !p.matches(b"noqueue"));
    }

    #[test]
    fn a_cause_finds_its_lines() {
        for (text, other) in [
            (
                "host mx1.big.example[10.1.1.1]:25 said: 450 4.2.0 <r@big.example>: Greylisted, try in 300 seconds (in reply to RCPT TO command)",
                "said: 550 no",
            ),
            (
                "connect to mx.down.example[10.1.1.9]:25: Connection refused",
                "connect to x[10.1.1.9]:25: Connection timed out",
            ),
            ("unknown user: \"bob\"", "unknown host"),
        ] {
            let cause = crate::logparse::normalise::reason(text.as_bytes());
            let pattern = Pattern::new(&of_cause(&cause)).unwrap().unwrap();
            assert!(
                pattern.matches(text.as_bytes()),
                "{cause}: {}",
                of_cause(&cause)
            );
            assert!(!pattern.matches(other.as_bytes()), "{cause}");
        }
    }

    #[test]
    fn slashes_make_a_regex_and_errors_are_one_line() {
        let p = Pattern::new("/status=(sent|bounced)/").unwrap().unwrap();
        assert!(p.matches(b"status=bounced") && !p.matches(b"status=deferred"));
        assert_eq!(Pattern::new("").unwrap().map(|_| ()), None);
        let error = Pattern::new("/(").unwrap_err();
        assert_eq!(error, "unclosed group");
    }
}
