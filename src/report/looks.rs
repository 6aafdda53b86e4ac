//! What a file without a Postfix line looks like, and what to try instead.
//!
//! In: its first bytes, decompressed. Out: a sentence. It guesses, and says so.

/// A guess and a remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What it looks like: `a mailbox`.
    pub like: &'static str,
    /// What to try.
    pub remedy: &'static str,
}

/// So many bytes are enough to tell.
pub const HEAD: usize = 4096;

const JOURNAL: &str = "journalctl -u 'postfix*' -o short-iso | mailtop --report --log -";

/// What these first bytes of a file look like.
pub fn like(head: &[u8]) -> Look {
    let look = |like, remedy| Look { like, remedy };
    let starts = |magic: &[u8]| head.starts_with(magic);
    if head.is_empty() {
        return look(
            "an empty file",
            "look where Postfix logs: postconf maillog_file, or /etc/rsyslog.conf; perhaps the journal (mailtop --report --journal)",
        );
    }
    if starts(b"LPKSHHRH") {
        return look("a binary journal of systemd", JOURNAL);
    }
    for (magic, like) in [
        (&b"\x7fELF"[..], "a program"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"SQLite format 3", "an SQLite database"),
        (b"%PDF", "a PDF document"),
    ] {
        if starts(magic) {
            return look(like, "name a mail log, such as /var/log/mail.log");
        }
    }
    if head.get(257..262) == Some(b"ustar") {
        return look("a tar archive", "unpack it and name the logs in it");
    }
    if starts(b"From ") || starts(b"Return-Path:") || starts(b"Received:") {
        return look(
            "mail, not a log of it",
            "name a mail log, such as /var/log/mail.log",
        );
    }
    let nul = memchr::memchr_iter(0, head).count();
    if nul * 10 > head.len() {
        return look("binary data", "name a mail log, such as /var/log/mail.log");
    }
    let lower = head.to_ascii_lowercase();
    let has = |text: &[u8]| memchr::memmem::find(&lower, text).is_some();
    if has(b"<html") || has(b"<!doctype") {
        return look("a web page", "name a mail log, such as /var/log/mail.log");
    }
    if has(b"\" 200 ") || has(b"get /") {
        return look(
            "a web server's log",
            "name a mail log, such as /var/log/mail.log",
        );
    }
    for (sign, like) in [
        (&b"exim"[..], "a log of Exim"),
        (b"sendmail[", "a log of Sendmail"),
        (b"sm-mta[", "a log of Sendmail"),
        (b"opensmtpd", "a log of OpenSMTPD"),
        (b"smtpd[", "a log of another mail server"),
        (b"dovecot", "a log of Dovecot"),
    ] {
        if has(sign) {
            return look(
                like,
                "name Postfix's log; mailtop reads no other mail server's",
            );
        }
    }
    if has(b"]: ") || has(b"kernel:") {
        return look(
            "a log of other programs",
            "name the log in which Postfix writes: postconf maillog_file, or grep -l postfix /var/log/*",
        );
    }
    look(
        "no log that mailtop knows",
        "mailtop parse --unparsed FILE shows its lines",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_are_recognised() {
        for (head, word) in [
            (&b""[..], "empty"),
            (b"LPKSHHRH\0\0\0\0", "journal"),
            (b"\x7fELF\x02\x01", "program"),
            (b"From joe@a.example Mon Nov 23\nReceived: x\n", "mail"),
            (
                b"127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5\n",
                "web server",
            ),
            (b"Nov 22 08:00:00 mx kernel: eth0: up\n", "other programs"),
            (b"Nov 22 08:00:00 mx dovecot: imap-login: x\n", "Dovecot"),
            (b"\0\0\0\0\0\0\0\0abc", "binary"),
            (b"lorem ipsum\n", "no log"),
        ] {
            let look = like(head);
            assert!(look.like.contains(word), "{look:?}");
            assert!(!look.remedy.is_empty());
        }
    }
}
