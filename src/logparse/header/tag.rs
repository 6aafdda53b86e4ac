//! The tag, `syslog_name[/...]/service[pid]:`, and whether it is Postfix's.
//!
//! `syslog_name` is whatever main.cf or master.cf says, so the last element decides: it is the program's
//! own name. A tag of one element is Postfix's only when it is `postfix` or `postfix-something`
//! (postfix-script, and the wrapper of 3.11 and later).

use super::super::daemon::Daemon;
use super::super::text::number32;
use memchr::{memchr, memchr3, memrchr};

/// A tag of Postfix, with the text behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The whole tag.
    pub tag: &'a [u8],
    /// Its first element.
    pub instance: &'a [u8],
    /// Its last element.
    pub service: &'a [u8],
    /// Which program that is.
    pub daemon: Daemon,
    /// Process id, 0 when there is none.
    pub pid: u32,
    /// What the program said.
    pub text: &'a [u8],
}

/// Reads the tag; `None` when it is another program's or no tag at all.
pub fn read(rest: &[u8]) -> Option<Tag<'_>> {
    let end = memchr3(b'[', b':', b' ', rest).unwrap_or(rest.len());
    let tag = &rest[..end];
    let first = memchr(b'/', tag);
    let instance = &tag[..first.unwrap_or(end)];
    let service = &tag[memrchr(b'/', tag).map_or(0, |last| last + 1)..];
    let daemon = if first.is_some() {
        Daemon::named(service)?
    } else if tag == b"postfix" || tag.starts_with(b"postfix-") {
        Daemon::Control
    } else {
        return None;
    };
    let (pid, text) = process(&rest[end..])?;
    Some(Tag {
        tag,
        instance,
        service,
        daemon,
        pid,
        text,
    })
}

/// `[pid]:`, `:` or (Zimbra) `[pid]` alone, and the text behind.
fn process(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (pid, rest) = match rest {
        [b'[', inner @ ..] => {
            let (pid, behind) = number32(inner)?;
            (pid, behind.strip_prefix(b"]")?)
        }
        _ => (0, rest),
    };
    let text = match rest {
        [b':', text @ ..] => text,
        [b' ', ..] if pid > 0 => rest,
        _ => return None,
    };
    Some((pid, text.strip_prefix(b" ").unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Option<(String, String, u32, String)> {
        let s = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        read(text.as_bytes()).map(|t| (s(t.instance), s(t.service), t.pid, s(t.text)))
    }

    #[test]
    fn any_syslog_name() {
        for (line, instance, service, pid) in [
            ("postfix/smtpd[331]: x", "postfix", "smtpd", 331),
            ("postfix-out/smtp[1]: x", "postfix-out", "smtp", 1),
            (
                "postfix-smo/submission/smtpd[22427]: x",
                "postfix-smo",
                "smtpd",
                22427,
            ),
            ("transfer/smtp[9]: x", "transfer", "smtp", 9),
            ("postfix[74]: x", "postfix", "postfix", 74),
            ("postfix-in: x", "postfix-in", "postfix-in", 0),
            ("postfix/smtpd[58176] x", "postfix", "smtpd", 58176),
            (
                "postfix/trivial-rewrite[5]: x",
                "postfix",
                "trivial-rewrite",
                5,
            ),
        ] {
            assert_eq!(
                read_text(line),
                Some((instance.into(), service.into(), pid, "x".into())),
                "{line}"
            );
        }
    }

    #[test]
    fn other_programs_are_not_postfix() {
        for line in [
            "dovecot: imap-login: x",
            "kernel: [1.2] x",
            "amavis[1]: (x)",
            "postfix",
            "smtpd[1]: x",
            "a/b[1]: x",
            "postfix/policyd-spf[1]: x",
            "postfix/smtpd[x]: y",
            "postfix/smtpd[1",
            "postfixadmin[1]: x",
            "",
        ] {
            assert_eq!(read_text(line), None, "{line}");
        }
    }
}
