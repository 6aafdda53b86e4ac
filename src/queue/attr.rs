//! The attribute protocol on Postfix's `public/` sockets: `name\0value\0` pairs, an empty name ends a list.
//!
//! In: a stream that some server writes. Out: pairs, of bounded length. It knows no names.

use std::io::{self, BufRead, ErrorKind, Read as _};

/// The longest name or value believed: Postfix's own readers stop at `line_length_limit` times some; a
/// delivery reason has a few kilobytes at most.
const LONGEST: u64 = 1 << 20;

/// One step of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A pair.
    Pair(Vec<u8>, Vec<u8>),
    /// The end of a list.
    End,
    /// The server closed the connection.
    Closed,
}

/// Reads the next step.
pub(super) fn next(stream: &mut impl BufRead) -> io::Result<Token> {
    let Some(name) = string(stream)? else {
        return Ok(Token::Closed);
    };
    if name.is_empty() {
        return Ok(Token::End);
    }
    let value = string(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
    Ok(Token::Pair(name, value))
}

/// Writes pairs and the end of the list.
pub(super) fn list(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in pairs {
        for text in [name, value] {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
    }
    out.push(0);
    out
}

/// Reads the greeting and checks which protocol the server speaks.
pub(super) fn expect_protocol(stream: &mut impl BufRead, protocol: &str) -> io::Result<()> {
    match next(stream)? {
        Token::Pair(name, value) if name == b"protocol" && value == protocol.as_bytes() => {}
        other => return Err(unexpected(&other)),
    }
    match next(stream)? {
        Token::End => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// An error that shows what the server said instead.
pub(super) fn unexpected(token: &Token) -> io::Error {
    let said = match token {
        Token::Pair(name, value) => format!(
            "{}={}",
            crate::sanitize::line(name),
            crate::sanitize::line(value)
        ),
        Token::End => "the end of a list".to_owned(),
        Token::Closed => "the end of the connection".to_owned(),
    };
    io::Error::new(ErrorKind::InvalidData, format!("unexpected answer: {said}"))
}

fn string(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    stream.take(LONGEST).read_until(0, &mut text)?;
    match text.pop() {
        None => Ok(None),
        Some(0) => Ok(Some(text)),
        Some(_) => Err(ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_written() {
        let bytes = list(&[("protocol", "p"), ("a", "")]);
        let mut stream = &bytes[..];
        assert_eq!(
            next(&mut stream).unwrap(),
            Token::Pair(b"protocol".into(), b"p".into())
        );
        assert_eq!(
            next(&mut stream).unwrap(),
            Token::Pair(b"a".into(), b"".into())
        );
        assert_eq!(next(&mut stream).unwrap(), Token::End);
        assert_eq!(next(&mut stream).unwrap(), Token::Closed);
        assert!(next(&mut &b"cut"[..]).is_err());
        assert!(next(&mut &b"name\0"[..]).is_err());
    }

    #[test]
    fn another_protocol_is_refused() {
        let bytes = list(&[("protocol", "queue_flush_protocol")]);
        assert!(expect_protocol(&mut &bytes[..], "queue_flush_protocol").is_ok());
        let error = expect_protocol(&mut &bytes[..], "x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unexpected answer: protocol=queue_flush_protocol"
        );
    }
}
