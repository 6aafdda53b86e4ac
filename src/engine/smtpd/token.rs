//! A command line to words: blanks separate, `<...>`, `[...]` and `"..."` hold together, a colon ends
//! `FROM:` and `TO:` (smtpd_token).

/// The words of a command, and whether a quote or bracket in one was never closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The text, quotes and brackets kept.
    pub text: String,
    /// Unclosed `<`, `[` or `"`.
    pub broken: bool,
}

/// Splits a command line.
pub fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        if chars.peek().is_none() {
            return tokens;
        }
        let mut text = String::new();
        let mut broken = false;
        while let Some(c) = chars.next_if(|c| !c.is_ascii_whitespace()) {
            text.push(c);
            match c {
                '<' => broken |= !enclosed(&mut chars, &mut text, '<', '>'),
                '[' => broken |= !enclosed(&mut chars, &mut text, '[', ']'),
                '"' => broken |= !enclosed(&mut chars, &mut text, '"', '"'),
                // Only the words in front of the address end at a colon; `SIZE=1:2` stays whole.
                ':' if tokens.len() < 2 => break,
                '\\' => text.extend(chars.next()),
                _ => {}
            }
        }
        tokens.push(Token { text, broken });
    }
}

/// Copies up to and with the closing character; `false` when it never comes.
fn enclosed(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    text: &mut String,
    open: char,
    close: char,
) -> bool {
    let mut depth = 1usize;
    while let Some(c) = chars.next() {
        text.push(c);
        if c == '\\' {
            text.extend(chars.next());
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return true;
            }
        } else if c == open {
            depth += 1;
        } else if c == '"' && close != '"' && !enclosed(chars, text, '"', '"') {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        tokens(line).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn commands() {
        assert_eq!(
            words("MAIL FROM:<a b@c> SIZE=3"),
            ["MAIL", "FROM:", "<a b@c>", "SIZE=3"]
        );
        assert_eq!(
            words("MAIL FROM: <\"a>b\"@c>"),
            ["MAIL", "FROM:", "<\"a>b\"@c>"]
        );
        assert_eq!(words("  noop   x "), ["noop", "x"]);
        assert_eq!(words("Subject: hi"), ["Subject:", "hi"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert!(tokens("MAIL FROM:<a@b")[2].broken);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(line in "\\PC{0,60}") {
            let _ = tokens(&line);
        }
    }
}
