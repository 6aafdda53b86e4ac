//! The systemd journal as a log: read once, or followed, through journalctl(1) and its export format.
//!
//! In: which journal, and a period or a place to go on from. Out: the bytes that journalctl writes, as a
//! [`Source`] ([`Journal::open`]) or as batches of whole entries ([`follow`]). What a journal's file looks
//! like is journalctl's business, and what an entry means is the parser's. The child never outlives its
//! reader: it is killed and waited for.

mod child;
mod entries;
pub(super) mod follow;

use super::error::SourceError;
use super::open::{Content, Source, Trouble};
use child::Child;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A journal file's first bytes (Journal File Format, "Header").
pub(super) const SIGNATURE: &[u8; 8] = b"LPKSHHRH";

/// The fields that make a log line; journalctl gives an entry's time and cursor besides. Without this an
/// entry is four times as long, and journalctl that much slower.
const FIELDS: &str = "--output-fields=MESSAGE,PRIORITY,SYSLOG_FACILITY,SYSLOG_IDENTIFIER,SYSLOG_PID,SYSLOG_RAW,\
                      SYSLOG_TIMESTAMP,_PID,_COMM,_HOSTNAME,_SOURCE_REALTIME_TIMESTAMP,CONTAINER_NAME";

/// What may be Postfix in the journal of a whole host. Its own lines have the facility of mail (2) unless
/// main.cf's `syslog_facility` says otherwise; then the names of its daemons tell them, or the unit that
/// the distributions start it in (`/dev/stdout` as maillog_file ends there). The tag is no help:
/// `syslog_name` is free. `+` is "or"; the same field twice is "or", too.
const MATCHES: [&str; 31] = [
    "SYSLOG_FACILITY=2",
    "+",
    "_SYSTEMD_UNIT=postfix.service",
    "_SYSTEMD_UNIT=postfix@-.service",
    "+",
    "_COMM=master",
    "_COMM=anvil",
    "_COMM=bounce",
    "_COMM=cleanup",
    "_COMM=discard",
    "_COMM=dnsblog",
    "_COMM=error",
    "_COMM=flush",
    "_COMM=lmtp",
    "_COMM=local",
    "_COMM=oqmgr",
    "_COMM=pickup",
    "_COMM=pipe",
    "_COMM=postscreen",
    "_COMM=postlog",
    "_COMM=postsuper",
    "_COMM=proxymap",
    "_COMM=qmgr",
    "_COMM=qmqpd",
    "_COMM=scache",
    "_COMM=smtp",
    "_COMM=smtpd",
    "_COMM=tlsmgr",
    "_COMM=trivial-rewrite",
    "_COMM=verify",
    "_COMM=virtual",
];

/// Which journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This host's.
    Host,
    /// One file, or a directory of files. All that is in it is read: it was chosen by whoever named it.
    Path(PathBuf),
}

/// A journal and the program that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Which one.
    pub place: Place,
    /// journalctl(1), by name or path.
    pub journalctl: PathBuf,
}

/// A period, microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// Nothing before.
    pub since: Option<i64>,
    /// Only what is before.
    pub until: Option<i64>,
}

impl Journal {
    /// This host's journal.
    pub fn host() -> Self {
        Self {
            place: Place::Host,
            journalctl: "journalctl".into(),
        }
    }

    /// The journal in a file or a directory.
    pub fn at(path: PathBuf) -> Self {
        Self {
            place: Place::Path(path),
            journalctl: "journalctl".into(),
        }
    }

    /// What it is called in messages and in [`super::Positions`].
    pub fn name(&self) -> &Path {
        match &self.place {
            Place::Host => Path::new("journal"),
            Place::Path(path) => path,
        }
    }

    /// Opens it for reading once, oldest entry first. journalctl knows whole seconds: up to a second
    /// more than the period may come.
    pub fn open(&self, period: Period) -> Result<Source, SourceError> {
        let mut command = self.command()?;
        if let Some(since) = period.since {
            command.arg(format!("--since=@{}", since.div_euclid(1_000_000)));
        }
        if let Some(until) = period.until {
            command.arg(format!("--until=@{}", until.div_euclid(1_000_000) + 1));
        }
        self.add_matches(&mut command);
        let damage = Trouble::default();
        let mut child = Child::start(command, self)?;
        // An error that journalctl has at once is an error of the opening.
        let mut first = vec![0; 4096];
        let got = child
            .read(&mut first)
            .map_err(|error| SourceError::new(self.name(), &error))?;
        first.truncate(got);
        let child = if got == 0 {
            child.end()?;
            None
        } else {
            Some(child)
        };
        let rest = Reading {
            child,
            damage: damage.clone(),
        };
        Ok(Source {
            content: Content::Stream(Box::new(std::io::Cursor::new(first).chain(rest))),
            modified: None,
            damage,
        })
    }

    /// The command up to its matches.
    fn command(&self) -> Result<Command, SourceError> {
        let mut command = Command::new(&self.journalctl);
        command
            .args(["--output=export", "--no-pager", FIELDS])
            .stdin(Stdio::null());
        if let Place::Path(path) = &self.place {
            let metadata =
                std::fs::metadata(path).map_err(|error| SourceError::new(path, &error))?;
            command.arg(if metadata.is_dir() {
                "--directory"
            } else {
                "--file"
            });
            command.arg(path);
        }
        Ok(command)
    }

    fn add_matches(&self, command: &mut Command) {
        if self.place == Place::Host {
            command.args(MATCHES);
        }
    }

    /// Whether entries that look like Postfix's are among the last of this journal. False as well when there
    /// is no journal, or when this user may not read it.
    pub fn has_postfix(&self) -> bool {
        let mut command = Command::new(&self.journalctl);
        command
            .args(["--output=cat", "--no-pager", "--quiet", "--lines=500"])
            .arg("--output-fields=SYSLOG_IDENTIFIER")
            .stdin(Stdio::null());
        self.add_matches(&mut command);
        let Ok(child) = Child::start(command, self) else {
            return false;
        };
        let mut tags = Vec::new();
        // 500 tags; the bound is for a journalctl that does not know --output-fields.
        let _ = child.take(1024 * 1024).read_to_end(&mut tags);
        tags.split(|byte| *byte == b'\n')
            .any(|tag| tag.starts_with(b"postfix"))
    }
}

/// The output of a child to its end, and what the child says of that end.
struct Reading {
    child: Option<Child>,
    damage: Trouble,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(child) = &mut self.child else {
            return Ok(0);
        };
        let got = child.read(buffer)?;
        if got == 0
            && !buffer.is_empty()
            && let Some(child) = self.child.take()
            && let Err(error) = child.end()
        {
            self.damage.note(error);
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_journalctl_the_error_says_what_to_install() {
        let journal = Journal {
            place: Place::Host,
            journalctl: "/nonexistent/journalctl".into(),
        };
        let Err(error) = journal.open(Period::default()) else {
            panic!("opened");
        };
        let text = error.to_string();
        assert!(
            text.contains("journal: ") && text.contains("apt-get install systemd"),
            "{text}"
        );
        assert!(!journal.has_postfix());
    }

    #[test]
    fn a_journal_that_is_not_there_is_named() {
        let Err(error) = Journal::at("/nonexistent/x.journal".into()).open(Period::default())
        else {
            panic!("opened");
        };
        assert!(
            error
                .to_string()
                .starts_with("/nonexistent/x.journal: no such file"),
            "{error}"
        );
    }
}
