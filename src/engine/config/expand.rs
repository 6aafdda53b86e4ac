//! `$name` expansion, as Postfix's mac_expand does it.
//!
//! In: a text and a way to look names up. Out: the expanded text or why it cannot be. `$name`, `${name}`,
//! `$(name)`, `${name?text}`, `${name:text}`, `${name?{yes}:{no}}`, `${{a} == {b} ? {yes} : {no}}`, `$$`.
//! It knows no parameter.

/// Deeper than any sane nesting; a parameter that names itself ends here.
const MAX_DEPTH: usize = 100;

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// `${` without its `}`.
    #[error("truncated macro reference: \"{0}\"")]
    Truncated(String),
    /// Parameters that refer to each other in a circle.
    #[error("macro processing loop with parameter {0}")]
    Loop(String),
    /// An expression that is none.
    #[error("bad macro expression: \"{0}\"")]
    Expression(String),
}

/// Expands `text`; `lookup` gives a name's unexpanded value, `None` when it is not defined (then it is empty).
pub fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    expand_at(text, lookup, 0)
}

fn expand_at(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, ExpandError> {
    if depth > MAX_DEPTH {
        return Err(ExpandError::Loop(text.chars().take(60).collect()));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if rest.starts_with(['{', '(']) {
            let length = balanced(rest).ok_or_else(|| ExpandError::Truncated(rest.to_owned()))?;
            out.push_str(&braced(&rest[1..length - 1], lookup, depth)?);
            rest = &rest[length..];
        } else {
            let length = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            if length == 0 {
                out.push('$');
            } else {
                out.push_str(&value(&rest[..length], lookup, depth)?);
            }
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The names a text refers to, for finding parameters that nothing uses.
pub fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'$' {
            let mut start = at + 1;
            if matches!(bytes.get(start), Some(b'{' | b'(')) {
                start += 1;
            }
            let length = bytes[start.min(bytes.len())..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            if length > 0 {
                found.push(text[start..start + length].to_owned());
            }
            at = start + length.max(1);
        } else {
            at += 1;
        }
    }
    found
}

fn value(
    name: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, ExpandError> {
    match lookup(name) {
        Some(text) => expand_at(&text, lookup, depth + 1),
        None => Ok(String::new()),
    }
}

/// What stands between the braces of `${...}`.
fn braced(
    inner: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, ExpandError> {
    if inner.trim_start().starts_with('{') {
        return expression(inner, lookup, depth);
    }
    let inner = inner.trim_start();
    let length = inner
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(inner.len());
    let (name, rest) = inner.split_at(length);
    let rest = rest.trim_start();
    let current = value(name, lookup, depth)?;
    if rest.is_empty() {
        return Ok(current);
    }
    let choice = choose(rest, !current.is_empty())?;
    expand_at(&choice, lookup, depth + 1)
}

/// `?text`, `:text`, `?{yes}`, `?{yes}:{no}`, `:{no}`.
fn choose(text: &str, filled: bool) -> Result<String, ExpandError> {
    let bad = || ExpandError::Expression(text.to_owned());
    if let Some(yes) = text.strip_prefix('?') {
        let trimmed = yes.trim_start();
        if !trimmed.starts_with('{') {
            return Ok(if filled {
                yes.to_owned()
            } else {
                String::new()
            });
        }
        let length = balanced(trimmed).ok_or_else(bad)?;
        let after = trimmed[length..].trim_start();
        if filled {
            return Ok(trimmed[1..length - 1].to_owned());
        }
        return match after.strip_prefix(':').map(str::trim_start) {
            None if after.is_empty() => Ok(String::new()),
            Some(no) => braces_or_text(no).ok_or_else(bad),
            None => Err(bad()),
        };
    }
    let no = text.strip_prefix(':').ok_or_else(bad)?;
    if filled {
        Ok(String::new())
    } else {
        braces_or_text(no).ok_or_else(bad)
    }
}

fn braces_or_text(text: &str) -> Option<String> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with('{') {
        return Some(text.to_owned());
    }
    let length = balanced(trimmed)?;
    Some(trimmed[1..length - 1].to_owned())
}

/// `{a} op {b} ? {yes} : {no}`.
fn expression(
    inner: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, ExpandError> {
    let bad = || ExpandError::Expression(inner.to_owned());
    let text = inner.trim_start();
    let length = balanced(text).ok_or_else(bad)?;
    let left = expand_at(text[1..length - 1].trim(), lookup, depth + 1)?;
    let rest = text[length..].trim_start();
    let brace = rest.find('{').ok_or_else(bad)?;
    let operator = rest[..brace].trim();
    let rest = &rest[brace..];
    let length = balanced(rest).ok_or_else(bad)?;
    let right = expand_at(rest[1..length - 1].trim(), lookup, depth + 1)?;
    let truth = compare(operator, &left, &right).ok_or_else(bad)?;
    let choice = choose(rest[length..].trim_start(), truth)?;
    // The choice is trimmed: blanks around the words inside the braces do not count.
    Ok(expand_at(&choice, lookup, depth + 1)?.trim().to_owned())
}

fn compare(operator: &str, left: &str, right: &str) -> Option<bool> {
    use std::cmp::Ordering;
    let (operator, level) = match operator.strip_suffix("level") {
        Some(operator) => (operator.trim_end(), true),
        None => (operator, false),
    };
    let order = if level {
        let version = |text: &str| -> Vec<u32> {
            text.split('.')
                .map(|part| part.parse().unwrap_or(0))
                .collect()
        };
        version(left).cmp(&version(right))
    } else {
        match (left.parse::<i64>(), right.parse::<i64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            _ => left.cmp(right),
        }
    };
    Some(match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        _ => return None,
    })
}

/// The length of the balanced `{...}` or `(...)` that `text` starts with.
fn balanced(text: &str) -> Option<usize> {
    let (open, close) = match text.bytes().next()? {
        b'{' => (b'{', b'}'),
        b'(' => (b'(', b')'),
        _ => return None,
    };
    let mut depth = 0usize;
    for (index, byte) in text.bytes().enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(index + 1);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<String, ExpandError> {
        expand(text, &|name| {
            Some(match name {
                "a" => "alpha".to_owned(),
                "b" => "$a!".to_owned(),
                "empty" => String::new(),
                "compatibility_level" => "3.6".to_owned(),
                "loop" => "x$loop".to_owned(),
                _ => return None,
            })
        })
    }

    #[test]
    fn all_the_forms() {
        for (text, expected) in [
            ("$a.$b", "alpha.alpha!"),
            ("${a}x$(a)", "alphaxalpha"),
            ("${a?yes}${empty?no}${none?no}", "yes"),
            ("${a:no}${empty:yes}", "yes"),
            ("${a?{x}:{y}}${none?{x}:{y}}", "xy"),
            ("${a?{$b}:{y}}", "alpha!"),
            ("$$a $ 5", "$a $ 5"),
            ("${empty?{1}:{3}}s", "3s"),
            ("${{$compatibility_level} <level {1} ? {yes} : {no}}", "no"),
            ("${{$a} == {alpha} ? {yes} : {no}}", "yes"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn circles_and_torsos_are_errors() {
        assert!(matches!(run("$loop"), Err(ExpandError::Loop(_))));
        assert!(matches!(run("${a"), Err(ExpandError::Truncated(_))));
        assert!(matches!(
            run("${{a} ~ {b}?x}"),
            Err(ExpandError::Expression(_))
        ));
    }

    #[test]
    fn names_are_found() {
        assert_eq!(names("$a ${b?$c} $(d) $ $$e"), ["a", "b", "c", "d"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[${}()?:a-c=< ü]{0,40}") {
            let _ = run(&text);
            let _ = names(&text);
        }
    }
}
