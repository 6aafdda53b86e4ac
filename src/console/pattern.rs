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
    fn slashes_make_a_regex_and_errors_are_one_line() {
        let p = Pattern::new("/status=(sent|bounced)/").unwrap().unwrap();
        assert!(p.matches(b"status=bounced") && !p.matches(b"status=deferred"));
        assert_eq!(Pattern::new("").unwrap().map(|_| ()), None);
        let error = Pattern::new("/(").unwrap_err();
        assert_eq!(error, "unclosed group");
    }
}
