//! The engine's log: Postfix's lines to the letter.
//!
//! In: a service, a session's process number and a text. Out: one line `Nov 22 08:48:35 host
//! postfix/smtpd[331]: text` appended to `maillog_file`. Process numbers are unique among live sessions,
//! because tools pair connect and disconnect by them. It knows nothing of mail.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest text of one line in bytes; Postfix's msg_logger cuts at the same length (`%.2000s`).
const TEXT_LIMIT: usize = 2000;

/// Process numbers are handed out below this, the kernel's own upper bound (proc(5), pid_max).
const NUMBER_LIMIT: u32 = 4_194_304;

/// The first number after a wrap: low numbers look like a system's daemons.
const NUMBER_FIRST: u32 = 300;

/// How a line's time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamp {
    /// `Nov 22 08:48:35`, local time: what Postfix's postlogd writes.
    #[default]
    Traditional,
    /// `2026-11-22T08:48:35.123456+01:00`, as rsyslog's default file format.
    Rfc3339,
}

/// The log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source} (maillog_file must be in a directory this user may write to)")]
pub struct MaillogError {
    path: PathBuf,
    source: io::Error,
}

/// A handle on the log; cheap to clone, safe from any task.
#[derive(Clone)]
pub struct Maillog {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// `mx` of `mx.example.test`: Postfix's own logger strips the domain.
    host: String,
    syslog_name: String,
    stamp: Stamp,
    /// Held for one stat and one write.
    file: Mutex<Open>,
    /// Held for a look at a set.
    numbers: Mutex<Numbers>,
}

struct Open {
    file: File,
    /// Device and inode, to notice that the file was renamed or removed under us.
    identity: (u64, u64),
}

struct Numbers {
    next: u32,
    live: HashSet<u32>,
}

impl Maillog {
    /// Opens (or creates, mode 0644 less the umask) the log at `path` for appending.
    ///
    /// `myhostname` loses its domain as in Postfix; `syslog_name` is `postfix` unless main.cf says otherwise.
    pub fn open(
        path: &Path,
        myhostname: &str,
        syslog_name: &str,
        stamp: Stamp,
    ) -> Result<Self, MaillogError> {
        let file = open_append(path).map_err(|source| MaillogError {
            path: path.to_owned(),
            source,
        })?;
        let host = myhostname.split('.').next().unwrap_or(myhostname);
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                host: printable(host),
                syslog_name: printable(syslog_name),
                stamp,
                file: Mutex::new(file),
                numbers: Mutex::new(Numbers {
                    // After our own number, so that a restarted engine does not repeat the last run's sessions.
                    next: std::process::id().saturating_add(1),
                    live: HashSet::new(),
                }),
            }),
        })
    }

    /// The file lines go to.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// A new session of `service` (`smtpd`, `cleanup`, `submission/smtpd`, ...) with a process number that no
    /// other live session has. The number is given back when the session is dropped, and not handed out
    /// again until all others had their turn.
    pub fn session(&self, service: &str) -> Session {
        let mut numbers = lock(&self.inner.numbers);
        // Bounded: there are always fewer live sessions than numbers, since each needs memory of its own.
        let number = loop {
            if numbers.next >= NUMBER_LIMIT {
                numbers.next = NUMBER_FIRST;
            }
            let number = numbers.next;
            numbers.next += 1;
            if numbers.live.insert(number) {
                break number;
            }
        };
        drop(numbers);
        Session {
            log: self.clone(),
            service: Arc::from(service),
            number: Arc::new(Number {
                log: self.clone(),
                number,
            }),
        }
    }

    /// A session under this process's real number, as Postfix's master has.
    pub fn process(&self, service: &str) -> Session {
        let number = std::process::id();
        lock(&self.inner.numbers).live.insert(number);
        Session {
            log: self.clone(),
            service: Arc::from(service),
            number: Arc::new(Number {
                log: self.clone(),
                number,
            }),
        }
    }

    fn write(&self, service: &str, number: u32, text: &str) {
        let now = chrono::Local::now();
        let stamp = match self.inner.stamp {
            Stamp::Traditional => now.format("%b %e %H:%M:%S").to_string(),
            Stamp::Rfc3339 => now.format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
        };
        let (host, name) = (&self.inner.host, &self.inner.syslog_name);
        let text = printable(cut(text));
        // `postfix/submission/smtpd`: a service that brings its own syslog_name is written as it is.
        let line = if service.starts_with("postfix/") {
            format!("{stamp} {host} {service}[{number}]: {text}\n")
        } else {
            format!("{stamp} {host} {name}/{service}[{number}]: {text}\n")
        };
        let mut open = lock(&self.inner.file);
        if self.moved_away(&open)
            && let Ok(fresh) = open_append(&self.inner.path)
        {
            *open = fresh;
        }
        // One write(2) a line with O_APPEND: readers never see half of one. A full disk must not stop
        // the mail; the line then goes to standard error, which is all that is left.
        if open.file.write_all(line.as_bytes()).is_err() {
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn moved_away(&self, open: &Open) -> bool {
        std::fs::metadata(&self.inner.path)
            .map_or(true, |now| (now.dev(), now.ino()) != open.identity)
    }
}

/// One process's worth of log lines: an SMTP session, one delivery, the queue manager. Clones share the number.
#[derive(Clone)]
pub struct Session {
    log: Maillog,
    service: Arc<str>,
    number: Arc<Number>,
}

struct Number {
    log: Maillog,
    number: u32,
}

impl Drop for Number {
    fn drop(&mut self) {
        lock(&self.log.inner.numbers).live.remove(&self.number);
    }
}

impl Session {
    /// The process number in brackets.
    pub fn number(&self) -> u32 {
        self.number.number
    }

    /// The log this session writes to.
    pub fn log(&self) -> &Maillog {
        &self.log
    }

    /// A line as it is.
    pub fn info(&self, text: fmt::Arguments<'_>) {
        self.emit(text);
    }

    /// `QID: text`.
    pub fn queue(&self, id: &str, text: fmt::Arguments<'_>) {
        self.emit(format_args!("{id}: {text}"));
    }

    /// `warning: text`.
    pub fn warning(&self, text: fmt::Arguments<'_>) {
        self.emit(format_args!("warning: {text}"));
    }

    /// `error: text`.
    pub fn error(&self, text: fmt::Arguments<'_>) {
        self.emit(format_args!("error: {text}"));
    }

    /// `fatal: text`; ending is the caller's business.
    pub fn fatal(&self, text: fmt::Arguments<'_>) {
        self.emit(format_args!("fatal: {text}"));
    }

    fn emit(&self, text: fmt::Arguments<'_>) {
        match text.as_str() {
            Some(text) => self.log.write(&self.service, self.number(), text),
            None => self
                .log
                .write(&self.service, self.number(), &text.to_string()),
        }
    }
}

fn open_append(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)?;
    let meta = file.metadata()?;
    Ok(Open {
        file,
        identity: (meta.dev(), meta.ino()),
    })
}

/// Postfix's `printable(text, '?')`: what could forge a line or drive a terminal becomes `?`; letters beyond
/// ASCII stay, as with `smtputf8_enable = yes`.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if crate::sanitize::is_hostile(c) {
                '?'
            } else {
                c
            }
        })
        .collect()
}

/// At most [`TEXT_LIMIT`] bytes, cut between characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A panic elsewhere while the lock was held leaves these values whole: going on is right.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(dir: &tempfile::TempDir) -> Maillog {
        let path = dir.path().join("mail.log");
        Maillog::open(&path, "mx.example.test", "postfix", Stamp::Traditional).unwrap()
    }

    fn lines(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_line_is_postfix_s() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        let session = log.session("smtpd");
        session.info(format_args!("connect from {}", "localhost[127.0.0.1]"));
        session.queue("4A", format_args!("removed"));
        session.warning(format_args!("x\r\nNov 22 forged\x1b[2J é"));
        let n = session.number();
        let lines = lines(log.path());
        assert_eq!(
            &lines[0][15..],
            format!(" mx postfix/smtpd[{n}]: connect from localhost[127.0.0.1]")
        );
        assert!(lines[1].ends_with("]: 4A: removed"));
        assert!(lines[2].ends_with(": warning: x??Nov 22 forged?[2J é"));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn live_numbers_differ_and_freed_ones_wait() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        let first = log.session("smtpd");
        let freed = {
            let second = log.session("smtpd");
            assert_ne!(first.number(), second.number());
            second.number()
        };
        let third = log.session("smtpd");
        assert_ne!(third.number(), freed);
        assert_ne!(third.number(), first.number());
    }

    #[test]
    fn numbers_wrap_around_the_live() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        lock(&log.inner.numbers).next = NUMBER_LIMIT - 1;
        let last = log.session("a");
        assert_eq!(last.number(), NUMBER_LIMIT - 1);
        let first = log.session("a");
        assert_eq!(first.number(), NUMBER_FIRST);
        lock(&log.inner.numbers).next = NUMBER_LIMIT - 1;
        assert_eq!(log.session("a").number(), NUMBER_FIRST + 1);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(2000);
        assert_eq!(cut(&text).len(), TEXT_LIMIT);
        assert_eq!(cut(&text[..2]), "é");
        assert_eq!(cut(&format!("a{text}")).len(), TEXT_LIMIT - 1);
    }

    #[test]
    fn a_renamed_or_removed_log_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(&dir);
        let session = log.session("qmgr");
        session.info(format_args!("one"));
        let old = dir.path().join("mail.log.1");
        std::fs::rename(log.path(), &old).unwrap();
        session.info(format_args!("two"));
        std::fs::remove_file(log.path()).unwrap();
        session.info(format_args!("three"));
        assert!(lines(&old)[0].ends_with(": one"));
        assert_eq!(lines(&old).len(), 1);
        let now = lines(log.path());
        assert_eq!(now.len(), 1);
        assert!(now[0].ends_with(": three"));
    }

    #[test]
    fn rfc3339_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Maillog::open(&path, "mx", "postfix", Stamp::Rfc3339).unwrap();
        log.session("qmgr").info(format_args!("x"));
        let line = lines(&path).remove(0);
        let stamp = line.split(' ').next().unwrap();
        assert!(
            chrono::DateTime::parse_from_rfc3339(stamp).is_ok(),
            "{stamp}"
        );
    }
}
