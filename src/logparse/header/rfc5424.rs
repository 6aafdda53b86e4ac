//! `<22>1 2026-11-22T08:48:35.0+01:00 fire postfix/smtpd 331 - - text` (RFC 5424 section 6), also without the
//! priority, as some write it to files.

use super::super::Stamp;
use super::journal::Process;
use memchr::memchr;

/// Writes the line as `host name[pid]: text`; gives its time and the host's length. The priority is gone
/// already.
pub fn read(line: &[u8], out: &mut Vec<u8>) -> Option<(Option<Stamp>, usize)> {
    let rest = line.strip_prefix(b"1 ")?;
    let (time, rest) = word(rest)?;
    let time = match super::rfc3339::instant(time) {
        Some((time, [])) => Some(time),
        _ if time == b"-" => None,
        _ => return None,
    };
    let (host, rest) = word(rest)?;
    let (name, rest) = word(rest)?;
    let (pid, rest) = word(rest)?;
    let (_id, rest) = word(rest)?;
    let text = structured(rest)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let process = Process {
        host: known(host),
        name: known(name),
        pid: known(pid),
    };
    process.write(text.trim_ascii_start(), out);
    Some((time, process.host.len()))
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b' ', text).filter(|end| *end > 0)?;
    Some((&text[..end], &text[end + 1..]))
}

/// NILVALUE is nothing.
fn known(word: &[u8]) -> &[u8] {
    if word == b"-" { b"" } else { word }
}

/// Skips the structured data, `-` or `[id name="value"]` as often as there are elements; gives the message.
fn structured(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix(b"-") {
        rest = behind;
    } else {
        while let Some(element) = rest.strip_prefix(b"[") {
            rest = &element[element_end(element)?..];
        }
        if rest.len() == text.len() {
            return None;
        }
    }
    match rest {
        [] => Some(rest),
        [b' ', message @ ..] => Some(message),
        _ => None,
    }
}

/// The place behind an element's closing bracket: those in values are quoted or escaped.
fn element_end(element: &[u8]) -> Option<usize> {
    let (mut at, mut quoted) = (0, false);
    loop {
        match element.get(at)? {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<(Option<i64>, String)> {
        let mut out = Vec::new();
        let (time, host) = read(line.as_bytes(), &mut out)?;
        assert_eq!(out[host], b' ');
        Some((time.map(Stamp::seconds), String::from_utf8(out).unwrap()))
    }

    #[test]
    fn forms() {
        for (line, expected) in [
            (
                "fire postfix/smtpd 331 - - connect from x",
                "fire postfix/smtpd[331]: connect from x",
            ),
            (
                "fire postfix/smtpd 331 ID47 - \u{feff}connect",
                "fire postfix/smtpd[331]: connect",
            ),
            (
                "fire postfix/smtpd 331 - -  connect",
                "fire postfix/smtpd[331]: connect",
            ),
            (
                "fire postfix/smtpd - - [a@1 b=\"c]\\\"\\\\\" d=\"\"][e] connect",
                "fire postfix/smtpd: connect",
            ),
            ("- postfix/smtpd x - - connect", " postfix/smtpd: connect"),
            (
                "fire - - - - postfix/smtpd[331]: connect",
                "fire postfix/smtpd[331]: connect",
            ),
            ("fire postfix/smtpd 331 - -", "fire postfix/smtpd[331]: "),
        ] {
            let line = format!("1 2026-11-22T08:48:35.0+01:00 {line}");
            assert_eq!(
                told(&line),
                Some((Some(1_795_333_715), expected.into())),
                "{line}"
            );
        }
        assert_eq!(told("1 - h a 1 - - x"), Some((None, "h a[1]: x".into())));
        for bad in [
            "1 2026-11-22T08:48:35 h a 1 - - x",
            "1 2026-11-22T08:48:35Z h a 1 -",
            "1 2026-11-22T08:48:35Z h a 1 - [x",
            "1 2026-11-22T08:48:35Z h a 1 - -x",
            "1 2026-11-22T08:48:35Z h  1 - - x",
            "2 2026-11-22T08:48:35Z h a 1 - - x",
            "1 2026-11-22T08:48:35Z h a 1 - x y",
            "1 ",
            "",
        ] {
            assert_eq!(told(bad), None, "{bad}");
        }
    }
}
