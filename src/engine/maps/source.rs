//! The text that postmap(1) compiles, and /etc/passwd: `key value` lines to pairs.

use std::collections::HashMap;

/// `key value`; blanks may stand inside a quoted key; keys are folded to lower case; the first of two wins.
pub fn parse(text: &str) -> HashMap<String, String> {
    let mut pairs = HashMap::new();
    for line in logical_lines(text) {
        let line = line.trim();
        let (key, value) = split_key(line);
        if !key.is_empty() && !value.is_empty() {
            pairs
                .entry(super::fold(&key))
                .or_insert_with(|| value.to_owned());
        }
    }
    pairs
}

/// Login name to the passwd line.
pub fn passwd(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| Some((line.split_once(':')?.0.to_owned(), line.to_owned())))
        .collect()
}

/// Comments and empty lines dropped, lines that start with a blank joined to the one before.
pub fn logical_lines(text: &str) -> Vec<String> {
    numbered_lines(text)
        .into_iter()
        .map(|(_, line)| line)
        .collect()
}

/// [`logical_lines`] with the line each starts on, from 1.
pub fn numbered_lines(text: &str) -> Vec<(usize, String)> {
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

fn split_key(line: &str) -> (String, &str) {
    let Some(rest) = line.strip_prefix('"') else {
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        return (line[..end].to_owned(), line[end..].trim());
    };
    let mut key = String::new();
    let mut chars = rest.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' => key.extend(chars.next().map(|(_, c)| c)),
            '"' => return (key, rest[index + 1..].trim()),
            c => key.push(c),
        }
    }
    (key, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_values_quotes_and_continuations() {
        let pairs = parse("# c\nA@b  one two\n  three\n\"x y\" z\nA@B other\nlonely\n");
        assert_eq!(pairs["a@b"], "one two  three");
        assert_eq!(pairs["x y"], "z");
        assert_eq!(pairs.len(), 2);
    }
}
