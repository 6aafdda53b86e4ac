//! The address in a MAIL or RCPT command: RFC 5321's path, and the RFC 822 forms that Postfix lets pass when
//! `strict_rfc821_envelopes = no` (comments, a phrase, no angle brackets).

/// Why there is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// Not an address at all, or several.
    Syntax,
    /// Nothing where an address must be.
    Empty,
}

/// `strict_rfc821_envelopes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Only `<address>`.
    Strict,
    /// Also the forms of RFC 822.
    Lenient,
}

/// The bare address (source route dropped, quotes removed) of `text`; the empty string for `<>`.
pub fn extract(text: &str, strictness: Strictness) -> Result<String, AddressError> {
    let text = text.trim();
    if strictness == Strictness::Strict && !(text.starts_with('<') && text.ends_with('>')) {
        return Err(AddressError::Syntax);
    }
    let tokens = tokens(text)?;
    let inside = match tokens.iter().position(|t| *t == Token::Special('<')) {
        Some(open) => {
            let close = tokens
                .iter()
                .position(|t| *t == Token::Special('>'))
                .filter(|close| *close > open)
                .ok_or(AddressError::Syntax)?;
            // A phrase before; behind and inside nothing but brackets, which Postfix overlooks.
            let bracket = |t: &Token| matches!(t, Token::Special('<' | '>'));
            if !tokens[close..].iter().all(bracket)
                || (strictness == Strictness::Strict && open != 0)
            {
                return Err(AddressError::Syntax);
            }
            let start = tokens[open..close]
                .iter()
                .take_while(|t| bracket(t))
                .count();
            &tokens[open + start..close]
        }
        None => &tokens[..],
    };
    let path = skip_route(inside);
    let mut address = String::new();
    let mut previous_word = false;
    for token in path {
        match token {
            Token::Special(',' | ';' | '<' | '>') => return Err(AddressError::Syntax),
            Token::Special(c) => {
                address.push(*c);
                previous_word = false;
            }
            Token::Word(word) => {
                // Two words side by side: RFC 822 has a dot or an at sign between them.
                if previous_word {
                    return Err(AddressError::Syntax);
                }
                address.push_str(word);
                previous_word = true;
            }
        }
    }
    Ok(address)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Special(char),
}

/// `@a,@b:` in front of the address is history (RFC 5321 section 4.1.1.3: accepted and ignored).
fn skip_route(tokens: &[Token]) -> &[Token] {
    if tokens.first() != Some(&Token::Special('@')) {
        return tokens;
    }
    match tokens.iter().position(|t| *t == Token::Special(':')) {
        Some(colon) => &tokens[colon + 1..],
        None => tokens,
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, AddressError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' => comment(&mut chars)?,
            '"' => {
                let word = quoted(&mut chars, '"')?;
                tokens.push(Token::Word(word));
            }
            '[' => {
                let word = quoted(&mut chars, ']')?;
                tokens.push(Token::Word(format!("[{word}]")));
            }
            '<' | '>' | '@' | ',' | ';' | ':' | '.' => tokens.push(Token::Special(c)),
            ')' => return Err(AddressError::Syntax),
            c => {
                let mut word = String::new();
                let mut next = Some(c);
                while let Some(c) = next {
                    if c == '\\' {
                        word.extend(chars.next());
                    } else {
                        word.push(c);
                    }
                    next = chars.next_if(|c| {
                        !c.is_whitespace()
                            && !matches!(
                                c,
                                '(' | ')' | '"' | '[' | '<' | '>' | '@' | ',' | ';' | ':' | '.'
                            )
                    });
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn comment(chars: &mut Chars<'_>) -> Result<(), AddressError> {
    let mut depth = 1usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Err(AddressError::Syntax)
}

fn quoted(chars: &mut Chars<'_>, end: char) -> Result<String, AddressError> {
    let mut word = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' {
            word.extend(chars.next());
        } else if c == end {
            return Ok(word);
        } else {
            word.push(c);
        }
    }
    Err(AddressError::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_forms() {
        for (text, bare) in [
            ("<>", ""),
            ("<user@example.com>", "user@example.com"),
            ("user@example.com", "user@example.com"),
            ("<@a,@b:user@example.com>", "user@example.com"),
            ("<@a:user@example.com>", "user@example.com"),
            ("<\"a b\"@example.com>", "a b@example.com"),
            ("<\"x@y\"@example.com>", "x@y@example.com"),
            ("<a\\@b@c>", "a@b@c"),
            ("Some One <a@b> (comment)", "a@b"),
            ("<user@[127.0.0.1]>", "user@[127.0.0.1]"),
            ("<user%remote@me>", "user%remote@me"),
            ("<user>", "user"),
        ] {
            assert_eq!(
                extract(text, Strictness::Lenient).as_deref(),
                Ok(bare),
                "{text}"
            );
        }
    }

    #[test]
    fn broken_forms() {
        for text in [
            "<a b@c>",
            "<a@b> <c@d>",
            "<\"a@b>",
            "<(a@b>",
            "a@b, c@d",
            "<a@b",
        ] {
            assert!(extract(text, Strictness::Lenient).is_err(), "{text}");
        }
        assert!(extract("a@b", Strictness::Strict).is_err());
        assert!(extract("x <a@b>", Strictness::Strict).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[<>@:,.\"\\\\()\\[\\] a-cü%!]{0,30}") {
            let _ = extract(&text, Strictness::Lenient);
            let _ = extract(&text, Strictness::Strict);
        }
    }
}
