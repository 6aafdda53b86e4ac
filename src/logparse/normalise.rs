//! Reason texts made comparable: what differs from one mail to the next is replaced by a placeholder.
//!
//! In: a reject text, a delivery's reason or a warning. Out: a short text that is the same for every
//! occurrence of the same cause, fit as a key of a bounded map. Deterministic, of bounded length, lossy
//! on invalid UTF-8; whoever prints it still sanitises it.

use super::header::queue_id::is_queue_id;

/// No reason is longer than this many bytes; what follows rarely tells causes apart.
const LONGEST: usize = 160;

/// The reason with addresses, hosts, ids, quoted texts, links and numbers replaced.
///
/// SMTP reply codes and enhanced status codes stay: they are the cause's own.
pub fn reason(text: &[u8]) -> String {
    let mut out = Out::default();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() && out.text.len() < LONGEST {
        rest = match rest[0] {
            b' ' | b'\t' => {
                out.blank();
                rest.trim_ascii_start()
            }
            b'<' => bracketed(rest, b'>', "<address>", &mut out),
            b'"' => bracketed(rest, b'"', "\"text\"", &mut out),
            b'[' => bracketed(rest, b']', "[ip]", &mut out),
            b'(' | b')' | b';' | b',' | b'{' | b'}' | b'=' => {
                out.push_byte(rest[0]);
                &rest[1..]
            }
            _ => word(rest, &mut out),
        };
    }
    out.finish()
}

/// The text being built.
#[derive(Default)]
struct Out {
    text: Vec<u8>,
}

impl Out {
    fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    fn push_byte(&mut self, byte: u8) {
        self.text.push(byte);
    }

    /// One blank, however many there were.
    fn blank(&mut self) {
        if !self.text.is_empty() && self.text.last() != Some(&b' ') {
            self.text.push(b' ');
        }
    }

    fn finish(mut self) -> String {
        self.text.truncate(LONGEST);
        let text = String::from_utf8_lossy(self.text.trim_ascii_end());
        // A cut inside a character leaves a mark that would depend on where it was cut.
        text.trim_end_matches('\u{fffd}').to_owned()
    }
}

/// Replaces what stands in brackets or quotes; without an end, the opening one stays as it is.
fn bracketed<'a>(text: &'a [u8], close: u8, placeholder: &str, out: &mut Out) -> &'a [u8] {
    let Some(end) = memchr::memchr(close, &text[1..]) else {
        out.push_byte(text[0]);
        return &text[1..];
    };
    out.push(placeholder.as_bytes());
    let rest = &text[end + 2..];
    match rest {
        // `host[ip]:25`: the port is not a cause.
        [b':', digits @ ..] if close == b']' => {
            let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
            if count > 0 { &digits[count..] } else { rest }
        }
        _ => rest,
    }
}

/// One word, up to a blank or a bracket, with its punctuation kept.
fn word<'a>(text: &'a [u8], out: &mut Out) -> &'a [u8] {
    let end = text
        .iter()
        .position(|b| {
            matches!(
                b,
                b' ' | b'\t'
                    | b'<'
                    | b'>'
                    | b'"'
                    | b'['
                    | b'('
                    | b')'
                    | b';'
                    | b','
                    | b'{'
                    | b'}'
                    | b'='
            )
        })
        .unwrap_or(text.len())
        .max(1);
    let (whole, rest) = text.split_at(end);
    let core = whole
        .iter()
        .rposition(|b| !matches!(b, b'.' | b':' | b'!' | b'?' | b'\''))
        .map_or(0, |last| last + 1);
    let (core, tail) = whole.split_at(core);
    // The name before `[ip]` is a host whatever it looks like.
    let placeholder = if rest.first() == Some(&b'[') && !core.is_empty() {
        Some("host")
    } else {
        replaced(core, out.text.is_empty() || out.text.ends_with(b": "))
    };
    match placeholder {
        Some(placeholder) => out.push(placeholder.as_bytes()),
        None => out.push(core),
    }
    out.push(tail);
    rest
}

/// The placeholder of a word that changes from mail to mail.
fn replaced(word: &[u8], at_start: bool) -> Option<&'static str> {
    if word.is_empty()
        || !word
            .iter()
            .any(|b| b.is_ascii_digit() || matches!(b, b'.' | b'@' | b'/' | b':'))
    {
        return None;
    }
    if word.starts_with(b"http://") || word.starts_with(b"https://") {
        return Some("url");
    }
    if word.contains(&b'@') {
        return Some("address");
    }
    if is_status(word, at_start) {
        return None;
    }
    if word.iter().all(u8::is_ascii_digit) {
        return Some("N");
    }
    if is_ip(word) {
        return Some("ip");
    }
    if is_queue_id(word) || is_random(word) {
        return Some("id");
    }
    if word.starts_with(b"/") {
        return Some("path");
    }
    if is_host(word) {
        return Some("host");
    }
    // A word with a number in it: `12kB`, `port25`, `30s`.
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    (digits * 2 >= word.len()).then_some("N")
}

/// An SMTP reply code at the start of the text or behind a colon, or an enhanced status code anywhere.
fn is_status(word: &[u8], at_start: bool) -> bool {
    let word = word.strip_prefix(b"#").unwrap_or(word);
    match word {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => at_start,
        // `550-5.7.1`, as replies of several lines are joined.
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b'-', rest @ ..] => is_status(rest, at_start),
        [b'2' | b'4' | b'5', b'.', rest @ ..] => {
            rest.len() <= 7
                && memchr::memchr_iter(b'.', rest).count() == 1
                && rest.iter().all(|b| b.is_ascii_digit() || *b == b'.')
                && rest.first() != Some(&b'.')
                && rest.last() != Some(&b'.')
        }
        _ => false,
    }
}

fn is_ip(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|w| {
        w.parse::<std::net::IpAddr>().is_ok() || w.parse::<std::net::SocketAddr>().is_ok()
    })
}

/// Names with a dot inside and letters at the end: `mx1.bigmail.example`, but not `e.g` or `3.5`.
fn is_host(word: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', word) else {
        return false;
    };
    let (before, last) = (&word[..dot], &word[dot + 1..]);
    !before.is_empty()
        && last.len() >= 2
        && last.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && before
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Long words that mix letters and digits: ids of other servers.
fn is_random(word: &[u8]) -> bool {
    word.len() >= 10
        && word.iter().filter(|b| b.is_ascii_digit()).count() >= 3
        && word.iter().any(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'))
        && !word.contains(&b'.')
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_same_cause_gives_the_same_text() {
        for (text, normal) in [
            (
                "host mx1.bigmail.example[10.1.1.1]:25 said: 450 4.2.0 <remote1@bigmail.example>: Greylisted, try in 300 seconds (in reply to RCPT TO command)",
                "host host[ip] said: 450 4.2.0 <address>: Greylisted, try in N seconds (in reply to RCPT TO command)",
            ),
            (
                "connect to mx.down.example[10.1.1.9]:25: Connection refused",
                "connect to host[ip]: Connection refused",
            ),
            (
                "250 2.0.0 Ok: queued as 4jXN7p6bLfznvdj",
                "250 2.0.0 Ok: queued as id",
            ),
            (
                "Client host rejected: cannot find your hostname, [203.0.113.12]",
                "Client host rejected: cannot find your hostname, [ip]",
            ),
            ("unknown user: \"bob\"", "unknown user: \"text\""),
            (
                "Greylisted, see http://postgrey.example/help/a.html",
                "Greylisted, see url",
            ),
            (
                "157.100.51.198.broken.dnsbl.example: RBL lookup error: x",
                "host: RBL lookup error: x",
            ),
            (
                "hostname a-1.example does not resolve to address 2001:db8::1",
                "hostname host does not resolve to address ip",
            ),
            ("", ""),
        ] {
            assert_eq!(reason(text.as_bytes()), normal);
        }
    }

    #[test]
    fn bounded_whatever_comes() {
        let long = vec![0xc3u8; 10_000];
        assert!(reason(&long).len() <= 3 * super::LONGEST);
        assert_eq!(
            reason("é".repeat(300).as_bytes())
                .chars()
                .filter(|c| *c != 'é')
                .count(),
            0
        );
        assert!(reason(b"<<<<[[[\"\"\"(((").len() < 40);
    }
}
