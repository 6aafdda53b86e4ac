//! `regexp:` and `pcre:` tables: `/pattern/flags value`, negation, `if`/`endif`, `$1` in the value.
//!
//! Both run on the regex crate. POSIX's leftmost-longest rule differs from its leftmost-first only in which
//! text a group takes when alternatives overlap, never in whether a line matches; back-references are not
//! possible and are told as a problem of the table. regexp_table(5), pcre_table(5).

use super::source::numbered_lines;
use regex::{Captures, Regex, RegexBuilder};

/// Which language the patterns are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// POSIX extended expressions.
    Posix,
    /// Perl's.
    Perl,
}

/// A pattern table in memory.
pub struct Patterns {
    rules: Vec<Rule>,
    problems: Vec<String>,
}

struct Rule {
    line: usize,
    pattern: Regex,
    negated: bool,
    action: Action,
}

enum Action {
    Value(String),
    /// `if`: when it does not match, go on after the `endif`, whose index this is.
    If(usize),
}

impl Patterns {
    /// The value of the first rule that matches, `$n` replaced.
    pub fn find(&self, key: &str) -> Option<String> {
        let mut index = 0;
        while let Some(rule) = self.rules.get(index) {
            index += 1;
            let captures = rule.pattern.captures(key);
            let matched = captures.is_some() != rule.negated;
            match &rule.action {
                Action::Value(value) if matched => {
                    return Some(substitute(value, captures.as_ref()));
                }
                Action::If(end) if !matched => index = *end,
                _ => {}
            }
        }
        None
    }

    /// The right-hand sides, each with its line.
    pub fn values(&self) -> impl Iterator<Item = (usize, &str)> {
        self.rules.iter().filter_map(|rule| match &rule.action {
            Action::Value(value) => Some((rule.line, value.as_str())),
            Action::If(_) => None,
        })
    }

    /// Lines that were skipped, each with Postfix's words for why.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Reads a table; a bad line is skipped with a problem, as Postfix does.
pub fn parse(name: &str, text: &str, flavour: Flavour) -> Patterns {
    let mut rules: Vec<Rule> = Vec::new();
    let mut problems = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (number, line) in numbered_lines(text) {
        let mut problem = |text: String| problems.push(format!("{name}, line {number}: {text}"));
        if line.starts_with(char::is_whitespace) {
            problem(format!(
                "logical line must not start with whitespace: \"{}\"",
                line.trim().chars().take(30).collect::<String>()
            ));
            continue;
        }
        let line = line.trim();
        let word = line
            .split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap_or("");
        if word.eq_ignore_ascii_case("endif") {
            match open.pop() {
                Some(start) => rules[start].action = Action::If(rules.len()),
                None => problem("ignoring ENDIF without matching IF".to_owned()),
            }
            continue;
        }
        let is_if = word.eq_ignore_ascii_case("if");
        let body = if is_if { line[2..].trim_start() } else { line };
        match rule(body, flavour) {
            Ok((pattern, negated, value)) => {
                let action = if is_if {
                    open.push(rules.len());
                    Action::If(usize::MAX)
                } else if value.is_empty() {
                    problem("using empty replacement text".to_owned());
                    continue;
                } else {
                    Action::Value(value)
                };
                rules.push(Rule {
                    line: number,
                    pattern,
                    negated,
                    action,
                });
            }
            Err(reason) => problem(format!("{reason}: skipping this rule")),
        }
    }
    if !open.is_empty() {
        problems.push(format!("{name}: IF without matching ENDIF"));
    }
    Patterns { rules, problems }
}

/// `[!]/pattern/flags value`.
fn rule(text: &str, flavour: Flavour) -> Result<(Regex, bool, String), String> {
    let negated = text.starts_with('!');
    let text = text.trim_start_matches('!').trim_start();
    let delimiter = text
        .chars()
        .next()
        .filter(|c| !c.is_alphanumeric() && !c.is_whitespace())
        .ok_or("no regexp: expected /pattern/flags text")?;
    let mut escaped = false;
    let end = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| {
            let here = *c == delimiter && !escaped;
            escaped = *c == '\\' && !escaped;
            here
        })
        .map(|(index, _)| index)
        .ok_or_else(|| format!("no closing regexp delimiter \"{delimiter}\""))?;
    let pattern = &text[delimiter.len_utf8()..end];
    let rest = &text[end + delimiter.len_utf8()..];
    let flags_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (mut fold, mut lines, mut dot_all, mut spaced) =
        (true, false, flavour == Flavour::Perl, false);
    for flag in rest[..flags_end].chars() {
        match (flag, flavour) {
            ('i', _) => fold = !fold,
            ('m', _) => lines = !lines,
            ('s', Flavour::Perl) => dot_all = !dot_all,
            ('x', Flavour::Perl) => spaced = !spaced,
            // In regexp tables `x` turns the extended syntax off, which nobody means.
            ('x', Flavour::Posix) => {
                return Err("basic expressions (flag x) are not supported".into());
            }
            (other, _) => return Err(format!("unknown regexp option \"{other}\"")),
        }
    }
    let source = match flavour {
        Flavour::Posix => from_posix(pattern),
        Flavour::Perl => pattern.to_owned(),
    };
    // POSIX's dot takes a newline; Postfix compiles pcre tables with PCRE_DOTALL.
    let dot_all = dot_all || (flavour == Flavour::Posix && !lines);
    let pattern = RegexBuilder::new(&source)
        .case_insensitive(fold)
        .multi_line(lines)
        .dot_matches_new_line(dot_all)
        .ignore_whitespace(spaced)
        .size_limit(8 << 20)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            format!(
                "error in regexp: {}",
                text.lines().last().unwrap_or("cannot be compiled")
            )
        })?;
    Ok((pattern, negated, rest[flags_end..].trim().to_owned()))
}

/// What POSIX writes differently: inside brackets a backslash is itself, and `&`, `~`, `-` have no doubled meaning.
fn from_posix(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                // GNU's word edges.
                Some('<') => out.push_str("\\b{start}"),
                Some('>') => out.push_str("\\b{end}"),
                Some(c) if c.is_ascii_alphanumeric() => out.extend(['\\', c]),
                Some(c) => out.push_str(&regex::escape(&c.to_string())),
                None => out.push_str("\\\\"),
            },
            '[' => bracket(&mut chars, &mut out),
            c => out.push(c),
        }
    }
    out
}

fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            ']' if !first => break,
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '-' if !first && chars.peek() != Some(&']') => out.push('-'),
            ']' | '[' | '\\' | '&' | '~' | '-' | '^' => out.extend(['\\', c]),
            c => out.push(c),
        }
        first = false;
    }
    out.push(']');
}

/// `$1`, `${1}`, `$(1)`, `$$`.
fn substitute(text: &str, captures: Option<&Captures<'_>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let braced = rest.starts_with(['{', '(']);
        let digits = &rest[usize::from(braced)..];
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let group = digits[..length].parse::<usize>().ok();
        let Some(group) = group else {
            out.push('$');
            continue;
        };
        if let Some(found) = captures.and_then(|captures| captures.get(group)) {
            out.push_str(found.as_str());
        }
        rest = &digits[length..];
        if braced {
            rest = rest.strip_prefix(['}', ')']).unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_folding_groups_and_if() {
        let table = parse(
            "t",
            "/^Subject: (.*)viagra/ REJECT no ${1}$$\nif /^X-/\n/^X-(a|b)/i\tWARN $1\nendif\n!/^[A-Z]/i REJECT lower\n",
            Flavour::Posix,
        );
        assert!(table.problems().is_empty(), "{:?}", table.problems());
        assert_eq!(
            table.find("subject: cheap VIAGRA").as_deref(),
            Some("REJECT no cheap $")
        );
        assert_eq!(table.find("X-b: 1").as_deref(), Some("WARN b"));
        assert_eq!(table.find("X-B: 1"), None);
        assert_eq!(table.find("y").as_deref(), Some("REJECT lower"));
    }

    #[test]
    fn posix_brackets() {
        let table = parse(
            "t",
            "/^[]\\[:x]+$/ A\n/^[[:digit:]-]+$/ B\n",
            Flavour::Posix,
        );
        assert!(table.problems().is_empty(), "{:?}", table.problems());
        assert_eq!(table.find("]\\[:").as_deref(), Some("A"));
        assert_eq!(table.find("12-3").as_deref(), Some("B"));
    }

    #[test]
    fn the_how_tos_table_blocks_nothing_and_says_so() {
        let text = " /filename=\\\\\"?(.*)\\.(bat|exe)\\\\\"?$/\n   REJECT a\n /^Content-Type.*(exe))\n\"?\\s*$/\n      REJECT b\n";
        let table = parse("m", text, Flavour::Posix);
        assert_eq!(table.find("Content-Type: x; filename=a.exe"), None);
        assert!(table.problems()[0].contains("logical line must not start with whitespace"));
        assert!(table.problems().len() >= 2, "{:?}", table.problems());
    }

    #[test]
    fn back_references_are_a_problem() {
        let table = parse("t", "/(a)\\1/ X\n", Flavour::Posix);
        assert_eq!(table.problems().len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_table_panics(text in "\\PC{0,60}", key in "\\PC{0,20}") {
            let table = parse("t", &format!("/{text}\n!/{text}/ $1${{2}}\n"), Flavour::Posix);
            let _ = table.find(&key);
        }
    }
}
