//! One JSON object (RFC 8259), as far as log lines need it: its members, one after another, without a tree.
//!
//! In: a text. Out: keys and values that borrow from it; strings are decoded on demand into the caller's
//! buffer. What a JSON parser accepts is read the same here (the tests compare). Read besides, because logs
//! have them: bytes that are no UTF-8, control characters, and halves of surrogate pairs, which become
//! U+FFFD. Nothing allocates and nothing recurses, so no nesting can exhaust anything.

use memchr::memchr2;

/// Brackets inside brackets deeper than this are no log line: a bit each, and what serde_json allows.
const DEEPEST: u32 = 127;

/// The inside of a string, not decoded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

/// A member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string.
    Text(Text<'a>),
    /// An array, with its brackets.
    Array(&'a [u8]),
    /// An object, with its brackets.
    Object(&'a [u8]),
    /// A number, `true`, `false` or `null`, as it is written.
    Word(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The string without decoding, when it has no escapes.
    pub fn plain(self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw)
    }

    /// Appends the string, decoded.
    pub fn append(self, out: &mut Vec<u8>) {
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest).filter(|_| self.escaped) {
            out.extend_from_slice(&rest[..at]);
            rest = escape(&rest[at + 1..], out);
        }
        out.extend_from_slice(rest);
    }
}

/// Calls `each` with every member; `None` when the text is not one whole object.
pub fn members<'a>(text: &'a [u8], mut each: impl FnMut(Text<'a>, Value<'a>)) -> Option<()> {
    let mut rest = blank(text).strip_prefix(b"{")?;
    rest = blank(rest);
    if let Some(behind) = rest.strip_prefix(b"}") {
        return blank(behind).is_empty().then_some(());
    }
    loop {
        let (key, behind) = string(blank(rest))?;
        let (value, behind) = value(blank(blank(behind).strip_prefix(b":")?))?;
        each(key, value);
        match blank(behind) {
            [b',', behind @ ..] => rest = behind,
            [b'}', behind @ ..] => return blank(behind).is_empty().then_some(()),
            _ => return None,
        }
    }
}

/// The first string or the bytes of an array: journalctl writes a field that is set several times as an
/// array of its values, and one that is no UTF-8 as an array of numbers.
pub fn append_array(array: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let inner = blank(array.strip_prefix(b"[")?);
    match inner.first()? {
        b'"' => {
            string(inner)?.0.append(out);
            Some(())
        }
        b'[' => bytes(&inner[1..], out),
        b'0'..=b'9' => bytes(inner, out),
        // Empty, or a value that was left out because it is too long.
        _ => Some(()),
    }
}

/// Numbers from 0 to 255 up to the closing bracket.
fn bytes(mut rest: &[u8], out: &mut Vec<u8>) -> Option<()> {
    loop {
        let (byte, behind) = super::super::text::number(blank(rest))?;
        out.push(u8::try_from(byte).ok()?);
        match blank(behind) {
            [b',', behind @ ..] => rest = behind,
            [b']', ..] => return Some(()),
            _ => return None,
        }
    }
}

fn blank(text: &[u8]) -> &[u8] {
    let blanks = text
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
        .count();
    &text[blanks..]
}

/// A string and what follows it.
fn string(text: &[u8]) -> Option<(Text<'_>, &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let (mut at, mut escaped) = (0, false);
    loop {
        at += memchr2(b'"', b'\\', inner.get(at..)?)?;
        if inner[at] == b'"' {
            let raw = &inner[..at];
            return Some((Text { raw, escaped }, &inner[at + 1..]));
        }
        escaped = true;
        at += match inner.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                unit(inner.get(at + 2..)?)?;
                6
            }
            _ => return None,
        };
    }
}

/// A value and what follows it.
fn value(text: &[u8]) -> Option<(Value<'_>, &[u8])> {
    Some(match text.first()? {
        b'"' => {
            let (text, rest) = string(text)?;
            (Value::Text(text), rest)
        }
        b'[' => {
            let (array, rest) = text.split_at(bracketed(text)?);
            (Value::Array(array), rest)
        }
        b'{' => {
            let (object, rest) = text.split_at(bracketed(text)?);
            (Value::Object(object), rest)
        }
        _ => {
            let is_word =
                |b: &&u8| matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.');
            let end = text.iter().take_while(is_word).count();
            let (word, rest) = text.split_at(end);
            let known = matches!(word, b"null" | b"true" | b"false");
            let number = matches!(word.first()?, b'0'..=b'9' | b'-');
            (known || number).then_some((Value::Word(word), rest))?
        }
    })
}

/// The length of an array or object that the text begins with.
fn bracketed(text: &[u8]) -> Option<usize> {
    // One bit for each open bracket: set for a brace.
    let (mut open, mut depth) = (0u128, 0u32);
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => {
                let (_, rest) = string(&text[at..])?;
                at = text.len() - rest.len();
                continue;
            }
            bracket @ (b'[' | b'{') => {
                if depth == DEEPEST {
                    return None;
                }
                open = open << 1 | u128::from(*bracket == b'{');
                depth += 1;
            }
            bracket @ (b']' | b'}') => {
                if (open & 1 == 1) != (*bracket == b'}') {
                    return None;
                }
                open >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Decodes what follows a backslash, and gives what follows that.
fn escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((kind, rest)) = text.split_first() else {
        return text;
    };
    out.push(match kind {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(rest, out),
        other => *other,
    });
    rest
}

/// Decodes what follows `\u`, with the second half of a surrogate pair.
fn unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some(first) = unit(text) else {
        return text;
    };
    let mut rest = &text[4..];
    let mut code = first;
    if let 0xd800..=0xdbff = first
        && let Some(behind) = rest.strip_prefix(b"\\u")
        && let Some(second @ 0xdc00..=0xdfff) = unit(behind)
    {
        code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        rest = &behind[4..];
    }
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

/// Four hexadecimal digits.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as Tree;
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    /// The object as this module reads it: strings decoded, the rest as a JSON parser reads its text.
    fn read(text: &[u8]) -> Option<BTreeMap<String, Tree>> {
        let decoded = |text: Text| {
            let mut out = Vec::new();
            text.append(&mut out);
            String::from_utf8(out).unwrap()
        };
        let mut all = BTreeMap::new();
        members(text, |key, value| {
            let tree = match value {
                Value::Text(text) => Tree::String(decoded(text)),
                Value::Array(raw) | Value::Object(raw) | Value::Word(raw) => {
                    serde_json::from_slice(raw).unwrap()
                }
            };
            all.insert(decoded(key), tree);
        })?;
        Some(all)
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            any::<i64>().prop_map(Tree::from),
            // serde_json reads long fractions inexactly.
            any::<i32>().prop_map(|n| Tree::from(f64::from(n) / 4.0)),
            any::<String>().prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Tree::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn objects_read_as_serde_json_reads_them(
            map in prop::collection::btree_map(any::<String>(), tree(), 0..6),
            pretty: bool,
            ascii: bool,
        ) {
            let object = Tree::Object(map.clone().into_iter().collect());
            let mut text = if pretty {
                serde_json::to_string_pretty(&object).unwrap()
            } else {
                object.to_string()
            };
            if ascii {
                // All that is not ASCII as escapes, pairs of surrogates included.
                let mut escaped = String::new();
                for unit in text.encode_utf16() {
                    match char::from_u32(u32::from(unit)).filter(char::is_ascii) {
                        Some(c) => escaped.push(c),
                        None => write!(escaped, "\\u{unit:04X}").unwrap(),
                    }
                }
                text = escaped;
            }
            prop_assert_eq!(read(text.as_bytes()), Some(map), "{}", text);
        }

        #[test]
        fn what_serde_json_accepts_is_accepted(
            text in r#"\{("[a\\"/bu0-9dDc]{0,8}" ?: ?[\["\]\{\}:,0-9a\\ -]{0,8}[,\}]?){0,3}\}?"#
        ) {
            if let Ok(Tree::Object(object)) = serde_json::from_str(&text) {
                prop_assert_eq!(read(text.as_bytes()), Some(object.into_iter().collect()));
            }
        }

        #[test]
        fn any_bytes_are_safe(text: Vec<u8>, open in "[{\\[\"a:,\\\\u]{0,40}") {
            let mut out = Vec::new();
            for text in [&text[..], open.as_bytes(), &[b"{\"a\":", open.as_bytes()].concat()] {
                members(text, |key, value| {
                    key.append(&mut out);
                    match value {
                        Value::Text(text) => text.append(&mut out),
                        Value::Array(raw) => drop(append_array(raw, &mut out)),
                        _ => {}
                    }
                });
            }
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts_as_elsewhere() {
        let text = br#"{"a":1,"a":"2"}"#;
        let expected: BTreeMap<String, Tree> = serde_json::from_slice(text).unwrap();
        assert_eq!(read(text), Some(expected));
    }

    #[test]
    fn damaged_strings_are_read_as_far_as_they_say_something() {
        let mut out = Vec::new();
        members(
            b"{\"a\":\"\xff\x01\\ud800x\\udc00\\ud83d\\ude00\\ud800\\u0041\"}",
            |_, value| {
                if let Value::Text(text) = value {
                    text.append(&mut out);
                }
            },
        )
        .unwrap();
        assert_eq!(
            out,
            "\u{fffd}x\u{fffd}\u{1f600}\u{fffd}A"
                .bytes()
                .fold(vec![0xff, 1], |mut all, b| {
                    all.push(b);
                    all
                })
        );
    }

    #[test]
    fn what_is_no_whole_object() {
        for bad in [
            "",
            "{",
            "[]",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1",
            "{\"a\":\"x}",
            "{\"a\":[}",
            "{\"a\":[1}}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":nil}",
            "{a:1}",
        ] {
            assert_eq!(members(bad.as_bytes(), |_, _| {}), None, "{bad}");
        }
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(members(deep(127).as_bytes(), |_, _| {}), Some(()));
        assert_eq!(members(deep(128).as_bytes(), |_, _| {}), None);
        assert_eq!(members(deep(1_000_000).as_bytes(), |_, _| {}), None);
    }

    #[test]
    fn arrays_of_bytes_and_of_values() {
        let read = |text: &str| {
            let mut out = Vec::new();
            append_array(text.as_bytes(), &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(read("[104, 105]"), Some("hi".into()));
        assert_eq!(read("[ [104,105], \"x\" ]"), Some("hi".into()));
        assert_eq!(read("[\"a\\n\",\"b\"]"), Some("a\n".into()));
        assert_eq!(read("[]"), Some(String::new()));
        assert_eq!(read("[null,\"b\"]"), Some(String::new()));
        for bad in ["[256]", "[1", "[1 2]", "[1.5]", "[1,]", "x"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
