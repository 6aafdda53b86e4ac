//! What BSD's syslogd(8) adds: `<mail.info>` or `<2.6>` behind the stamp (`-v`, `-vv`), and
//! `last message repeated N times` instead of lines. busybox puts `mail.info` behind the host.

use super::super::text::{after, number32};
use memchr::memchr;

/// The host and what follows it, behind a facility and level in brackets.
pub fn behind_facility<'a>(host: &[u8], rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let [b'<', inner @ .., b'>'] = host else {
        return None;
    };
    if !is_facility(inner) {
        return None;
    }
    let end = memchr(b' ', rest)?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// The tag behind a facility and level that follow the host.
pub fn behind_bare_facility(rest: &[u8]) -> Option<&[u8]> {
    let end = memchr(b' ', &rest[..rest.len().min(32)])?;
    let word = &rest[..end];
    let word = match word {
        [b'<', inner @ .., b'>'] => inner,
        _ => word,
    };
    is_facility(word).then(|| &rest[end + 1..])
}

/// `mail.info` or `2.6`.
fn is_facility(word: &[u8]) -> bool {
    let Some(dot) = memchr(b'.', word) else {
        return false;
    };
    let part = |part: &[u8]| {
        !part.is_empty()
            && (part.iter().all(u8::is_ascii_digit)
                || part
                    .iter()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    part(&word[..dot]) && part(&word[dot + 1..])
}

/// How many times the former line was repeated. Besides the plain words, newer ones say that syslogd itself
/// is speaking, and macOS puts dashes around.
pub fn last_message_repeated(text: &[u8]) -> Option<u32> {
    let text = match after(text, b"syslogd") {
        Some(rest) => &rest[memchr(b' ', rest)? + 1..],
        None => text,
    };
    let text = after(text, b"--- ").unwrap_or(text);
    let (times, rest) = number32(after(text, b"last message repeated ")?)?;
    let known = matches!(rest, b" times" | b" time" | b" times ---" | b" time ---");
    (known && times > 0).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities() {
        assert_eq!(
            behind_facility(b"<mail.info>", b"fire postfix/smtpd[1]: x"),
            Some((&b"fire"[..], &b"postfix/smtpd[1]: x"[..]))
        );
        assert!(behind_facility(b"<2.6>", b"fire x").is_some());
        assert!(behind_facility(b"<local0.notice>", b"fire x").is_some());
        for bad in [&b"<mail>"[..], b"mail.info", b"<.>", b"<a b.c>", b"<>"] {
            assert_eq!(behind_facility(bad, b"fire x"), None);
        }
        assert_eq!(
            behind_bare_facility(b"mail.info postfix[1]: x"),
            Some(&b"postfix[1]: x"[..])
        );
        assert_eq!(behind_bare_facility(b"postfix[1]: x"), None);
    }

    #[test]
    fn repetitions() {
        for (text, times) in [
            ("last message repeated 3 times", 3),
            ("last message repeated 1 time", 1),
            ("syslogd: last message repeated 12 times", 12),
            ("syslogd[88]: last message repeated 2 times", 2),
            ("--- last message repeated 2 times ---", 2),
        ] {
            assert_eq!(
                last_message_repeated(text.as_bytes()),
                Some(times),
                "{text}"
            );
        }
        for bad in [
            "last message repeated",
            "last message repeated 0 times",
            "last message repeated x times",
            "last message repeated 3 timesx",
            "syslogd",
            "",
        ] {
            assert_eq!(last_message_repeated(bad.as_bytes()), None, "{bad}");
        }
    }
}
