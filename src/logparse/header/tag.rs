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

/// The tags read lately: a log has few, and each line has one.
#[derive(Debug, Clone)]
pub struct Tags {
    known: [Known; SLOTS],
}

/// Places for tags; two that want the same one take turns.
const SLOTS: usize = 32;

/// The longest tag that is remembered.
const LONGEST: usize = 40;

/// Where the service begins in most tags, behind `postfix/`: what tells tags apart.
const TELLING: std::ops::Range<usize> = 9..13;

/// A tag that a process id follows.
#[derive(Debug, Clone, Copy)]
struct Known {
    text: [u8; LONGEST],
    /// 0 is none.
    length: usize,
    /// Where the first element ends and the last one begins.
    instance: usize,
    service: usize,
    daemon: Daemon,
}

impl Default for Tags {
    fn default() -> Self {
        let none = Known {
            text: [0; LONGEST],
            length: 0,
            instance: 0,
            service: 0,
            daemon: Daemon::Control,
        };
        Self {
            known: [none; SLOTS],
        }
    }
}

impl Tags {
    /// Reads the tag as [`read`] does.
    #[inline]
    pub fn read<'a>(&mut self, rest: &'a [u8]) -> Option<Tag<'a>> {
        let Some(slot) = slot(rest) else {
            return read(rest);
        };
        let known = &self.known[slot];
        if known.length > 0
            && rest.get(known.length) == Some(&b'[')
            && rest[..known.length] == known.text[..known.length]
        {
            let tag = &rest[..known.length];
            let (pid, text) = process(&rest[known.length..])?;
            return Some(Tag {
                tag,
                instance: &tag[..known.instance],
                service: &tag[known.service..],
                daemon: known.daemon,
                pid,
                text,
            });
        }
        self.learn(slot, rest)
    }

    fn learn<'a>(&mut self, slot: usize, rest: &'a [u8]) -> Option<Tag<'a>> {
        let tag = read(rest)?;
        let length = tag.tag.len();
        if length <= LONGEST && rest.get(length) == Some(&b'[') {
            let known = &mut self.known[slot];
            known.text[..length].copy_from_slice(tag.tag);
            known.length = length;
            known.instance = tag.instance.len();
            known.service = length - tag.service.len();
            known.daemon = tag.daemon;
        }
        Some(tag)
    }
}

/// The place of a tag; `None` for one that is too short.
#[inline]
fn slot(rest: &[u8]) -> Option<usize> {
    let telling: [u8; 4] = rest.get(TELLING)?.try_into().ok()?;
    // Fibonacci hashing: the upper bits of the product are the mixed ones.
    let mixed = u32::from_le_bytes(telling).wrapping_mul(0x9e37_79b1);
    Some(mixed as usize >> (u32::BITS - SLOTS.ilog2()))
}

/// `[pid]:`, `:` or (Zimbra) `[pid]` alone, and the text behind.
fn process(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (pid, rest) = match rest {
        [b'[', inner @ ..] => {
            let (pid, behind) = pid(inner)?;
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

/// A process id; what is longer than one is read as any number is.
#[inline]
fn pid(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0;
    for (at, byte) in text.iter().take(9).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (at > 0).then(|| (value, &text[at..]));
        }
        value = value * 10 + u32::from(digit);
    }
    number32(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_seen_before_is_read_as_the_first_time() {
        let mut tags = Tags::default();
        for _ in 0..2 {
            for line in [
                "postfix/smtpd[331]: x",
                "postfix/smtp[331]: x",
                "postfix/smtpd: x",
                "postfix/smtpd[58176] x",
                "postfix/smtpd[x]: y",
                "postfix/smtpd[1",
                "postfix/smtpd[4294967295]: x",
                "postfix/smtpd[99999999999]: x",
                "postfix/submission/smtpd[1]: x",
                "postfix-out/smtp[1]: x",
                "a-very-long-syslog-name-indeed-longer-than-that/smtp[1]: x",
                "dovecot: imap-login[1]: x",
                "postfix[1]: x",
                "",
            ] {
                assert_eq!(tags.read(line.as_bytes()), read(line.as_bytes()), "{line}");
            }
        }
    }

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
