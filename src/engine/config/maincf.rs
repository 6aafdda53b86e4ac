//! The text form of main.cf: logical lines, `name = value`.
//!
//! In: the file's text. Out: definitions with the line each starts on, and problems. It does not know any
//! parameter's name or meaning. postconf(5), section "the main.cf file format".

use super::{Problem, Severity};
use std::path::Path;

/// One `name = value` of main.cf, not expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The parameter.
    pub name: String,
    /// Its text, continuation lines joined.
    pub value: String,
    /// The line it starts on, from 1.
    pub line: usize,
}

/// A logical line and where it starts: comments and empty lines dropped, continuation lines joined with
/// the line ends removed and the leading blanks kept, as Postfix's readlline does.
pub fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some((_, logical)) if start.len() != line.len() => logical.push_str(line),
            _ => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

/// Reads main.cf. A later definition of the same name wins, with a warning.
pub fn parse(file: &Path, text: &str) -> (Vec<Definition>, Vec<Problem>) {
    let mut definitions: Vec<Definition> = Vec::new();
    let mut problems = Vec::new();
    for (line, logical) in logical_lines(text) {
        let mut problem = |severity, text: String, remedy: &str| {
            problems.push(Problem {
                severity,
                file: file.to_owned(),
                line,
                text,
                remedy: remedy.to_owned(),
            });
        };
        if logical.starts_with([' ', '\t']) {
            problem(
                Severity::Warning,
                format!(
                    "logical line must not start with whitespace: \"{}\"",
                    excerpt(&logical)
                ),
                "remove the blanks at the start of the line",
            );
            continue;
        }
        let Some((name, value)) = logical.split_once('=') else {
            problem(
                Severity::Error,
                format!(
                    "missing '=' after attribute name: \"{}\"",
                    excerpt(&logical)
                ),
                "write it as name = value",
            );
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.contains(char::is_whitespace) {
            problem(
                Severity::Error,
                format!("missing attribute name: \"{}\"", excerpt(&logical)),
                "write it as name = value",
            );
            continue;
        }
        if let Some(earlier) = definitions.iter().position(|d| d.name == name) {
            let earlier = definitions.remove(earlier);
            problem(
                Severity::Warning,
                format!(
                    "overriding earlier entry: {name}={} (line {})",
                    earlier.value, earlier.line
                ),
                "keep only one of the two definitions",
            );
        }
        definitions.push(Definition {
            name: name.to_owned(),
            value: value.to_owned(),
            line,
        });
    }
    (definitions, problems)
}

fn excerpt(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, usize)> {
        parse(Path::new("main.cf"), text)
            .0
            .into_iter()
            .map(|d| (d.name, d.value, d.line))
            .collect()
    }

    #[test]
    fn comments_and_continuations() {
        let text = "# head\na = 1,\n# inside\n\n   2,\n\t3\nb=\n";
        assert_eq!(
            pairs(text),
            vec![
                ("a".into(), "1,   2,\t3".into(), 2),
                ("b".into(), String::new(), 7)
            ]
        );
    }

    #[test]
    fn the_later_definition_wins_with_a_warning() {
        let (definitions, problems) = parse(Path::new("main.cf"), "a = 1\na = 2\n");
        assert_eq!(definitions.len(), 1);
        assert_eq!(definitions[0].value, "2");
        assert_eq!(problems[0].line, 2);
        assert!(problems[0].text.contains("overriding earlier entry: a=1"));
    }

    #[test]
    fn lines_that_are_no_definition_are_named() {
        let (definitions, problems) = parse(Path::new("main.cf"), " a = 1\nnonsense\n= x\nb = 2\n");
        assert_eq!(definitions.len(), 1);
        let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, vec![1, 2, 3]);
    }
}
