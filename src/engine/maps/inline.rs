//! Tables written into main.cf itself: `inline:{ key=value, { key = text } }`, `static:{text}`, rules in braces.

use crate::engine::config::values;
use std::collections::HashMap;

/// The pairs of an inline table.
pub fn pairs(text: &str) -> Result<HashMap<String, String>, String> {
    let mut pairs = HashMap::new();
    for word in values::list(inside(text)?)? {
        let pair = unbrace(&word);
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("missing '=' after attribute name: \"{pair}\""))?;
        pairs.insert(super::fold(key.trim()), value.trim().to_owned());
    }
    Ok(pairs)
}

/// The rules of a pattern table in braces: `{ { /x/ REJECT }, { /y/ OK } }`.
pub fn rules(text: &str) -> Result<Vec<String>, String> {
    Ok(values::list(inside(text)?)?
        .iter()
        .map(|rule| unbrace(rule).to_owned())
        .collect())
}

/// A text without its outer braces and the blanks inside them.
pub fn unbrace(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .map_or(text, str::trim)
}

fn inside(text: &str) -> Result<&str, String> {
    let text = text.trim();
    text.strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .ok_or_else(|| format!("bad syntax: \"{text}\"; expected {{ name=value ... }}"))
}
