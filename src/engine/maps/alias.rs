//! Alias files (aliases(5)): `name: value, value, "|command"`.
//!
//! In: text. Out: pairs whose value is the right-hand side as written, and [`targets`] to take such a value
//! apart. What a target means is the local delivery agent's business.

use super::source::numbered_lines;
use std::collections::HashMap;

/// The pairs, and for each line that is none its number and text.
pub fn parse(text: &str) -> (HashMap<String, String>, Vec<(usize, String)>) {
    let mut pairs = HashMap::new();
    let mut bad = Vec::new();
    for (number, line) in numbered_lines(text) {
        match split(line.trim()) {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                pairs
                    .entry(super::fold(&name))
                    .or_insert_with(|| value.to_owned());
            }
            _ => bad.push((number, line)),
        }
    }
    (pairs, bad)
}

/// The comma-separated targets of a right-hand side, quotes removed: `a`, `|cmd args`, `/file`, `:include:/x`.
pub fn targets(value: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut target = String::new();
    let mut quoted = false;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => target.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => push(&mut targets, &mut target),
            c if c.is_whitespace() && !quoted && target.is_empty() => {}
            c => target.push(c),
        }
    }
    push(&mut targets, &mut target);
    targets
}

fn push(targets: &mut Vec<String>, target: &mut String) {
    let text = std::mem::take(target);
    let text = text.trim();
    if !text.is_empty() {
        targets.push(text.to_owned());
    }
}

/// Splits at the first colon outside quotes; the name loses its quotes.
fn split(line: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut quoted = false;
    let mut chars = line.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' if quoted => name.extend(chars.next().map(|(_, c)| c)),
            '"' => quoted = !quoted,
            ':' if !quoted => return Some((name.trim().to_owned(), line[index + 1..].trim())),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_targets() {
        let (pairs, bad) = parse(
            "# aliases\nPostmaster: root\n\"a b\": \"|/bin/x -a, b\", c@d\nlist: :include:/etc/list,\n  e\nnonsense\n",
        );
        assert_eq!(pairs["postmaster"], "root");
        assert_eq!(targets(&pairs["a b"]), ["|/bin/x -a, b", "c@d"]);
        assert_eq!(targets(&pairs["list"]), [":include:/etc/list", "e"]);
        assert_eq!(bad, [(6, "nonsense".to_owned())]);
    }
}
