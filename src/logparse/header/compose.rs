//! What tools put in front of a container's lines: `postfix-1  | `, in colour on a terminal (docker compose,
//! docker service logs), and `[pod/postfix-0/postfix] ` (kubectl logs --prefix).

use memchr::memchr;

/// A longer word in front is no container's name (docker's own are at most 255 bytes, services add a node).
const LONGEST: usize = 300;

/// The line behind the prefix.
pub fn read(line: &[u8]) -> Option<&[u8]> {
    let line = uncoloured(line);
    if line.starts_with(b"[pod/") {
        let end = memchr(b']', &line[..line.len().min(LONGEST)])?;
        return line[end + 1..].strip_prefix(b" ");
    }
    let is_name =
        |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'/');
    let name = line.iter().take(LONGEST).take_while(is_name).count();
    let rest = uncoloured(&line[name..]);
    let padded = uncoloured(rest.trim_ascii_start()).trim_ascii_start();
    if name == 0 || padded.len() == rest.len() {
        return None;
    }
    let inner = uncoloured(padded.strip_prefix(b"|")?);
    let inner = uncoloured(inner.strip_prefix(b" ").unwrap_or(inner));
    Some(inner.strip_suffix(b"\x1b[0m").unwrap_or(inner))
}

/// The text behind colours (ECMA-48 section 8.3.117, SGR).
fn uncoloured(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b"\x1b[") {
        let digits = rest
            .iter()
            .take_while(|b| matches!(b, b'0'..=b'9' | b';'))
            .count();
        match rest[digits..].strip_prefix(b"m") {
            Some(rest) => text = rest,
            None => break,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for line in [
            "postfix-mailcow-1  | Apr 10",
            "postfix_1  |Apr 10",
            "\x1b[36mpostfix-1  |\x1b[0m Apr 10",
            "\x1b[36mpostfix-1  | \x1b[0mApr 10",
            "\x1b[33;1mpostfix-1 \x1b[0m | \x1b[0mApr 10\x1b[0m",
            "mail_postfix.1.k2x@node-1    | Apr 10",
            "[pod/postfix-0/postfix] Apr 10",
        ] {
            let inner = read(line.as_bytes()).map(String::from_utf8_lossy);
            assert_eq!(inner.as_deref(), Some("Apr 10"), "{line:?}");
        }
        for bad in [
            "",
            "|",
            " | x",
            "postfix",
            "postfix|x",
            "a b | x",
            "[pod/x",
            "\x1b[36m",
            "\x1b[x",
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
