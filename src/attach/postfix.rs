//! A real Postfix: its directories, its log, and whether it runs.
//!
//! In: a configuration directory. Out: what main.cf says of queue and log, through postconf(1) where it is
//! installed, else by reading main.cf; and whether the master daemon is alive. Nothing here starts or
//! changes anything.

use super::{AttachError, Environment, Kind, Server, access};
use crate::logparse::source::Journal;
use rustix::fs::FlockOperation;
use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How much of each end of a log is looked at for a line of Postfix: about 500 lines.
const GLANCE: u64 = 64 * 1024;

/// What main.cf says about where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installation {
    pub config_dir: PathBuf,
    pub queue_dir: PathBuf,
    pub maillog_file: Option<PathBuf>,
}

/// Reads what `dir` says; parameters that are not there have Postfix's defaults.
pub(super) fn inspect(dir: &Path, host: &Environment) -> Installation {
    let mut values = ask_postconf(dir, host).unwrap_or_else(|| {
        read_main_cf(&std::fs::read_to_string(dir.join("main.cf")).unwrap_or_default())
    });
    let mut take = |name: &str| values.remove(name).filter(|value| !value.is_empty());
    Installation {
        config_dir: dir.to_owned(),
        queue_dir: take("queue_directory")
            .map_or_else(|| "/var/spool/postfix".into(), PathBuf::from),
        maillog_file: take("maillog_file").map(PathBuf::from),
    }
}

/// Postfix on this host, when it runs or has left lines in its log.
pub(super) fn discover(host: &Environment) -> Result<Option<Server>, AttachError> {
    let installed = host.postfix_config_dir.join("main.cf").exists();
    let found = inspect(&host.postfix_config_dir, host);
    if installed && is_running(&found.queue_dir) {
        let log = log(&found, host)?;
        return Ok(Some(server(&found, log, host)));
    }
    let Some(log) = log_of(&found, host) else {
        // Debian and Fedora write no log files by themselves: the journal has it all.
        return Ok(journal(host).map(|journal| server(&found, Log::Journal(journal), host)));
    };
    match has_postfix_lines(&log) {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(server(&found, Log::File(log), host))),
        // A closed log on a host without Postfix is somebody else's.
        Err(_) if !installed => Ok(None),
        Err(_) => access::readable(&log, host).map(|()| None),
    }
}

/// Where a Postfix logs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Log {
    File(PathBuf),
    Journal(Journal),
    /// Nowhere that is known, or where the user says.
    Elsewhere,
}

/// The log to follow: the file, else the journal when it has lines of Postfix.
pub(super) fn log(found: &Installation, host: &Environment) -> Result<Log, AttachError> {
    Ok(match log_of(found, host) {
        Some(log) => {
            access::readable(&log, host)?;
            Log::File(log)
        }
        None => journal(host).map_or(Log::Elsewhere, Log::Journal),
    })
}

/// This host's journal, when there is one with lines of Postfix in it.
fn journal(host: &Environment) -> Option<Journal> {
    let journalctl = host
        .path
        .iter()
        .map(|path| path.join("journalctl"))
        .find(|path| path.is_file())?;
    let journal = Journal {
        journalctl,
        ..Journal::host()
    };
    journal.has_postfix().then_some(journal)
}

fn log_of(found: &Installation, host: &Environment) -> Option<PathBuf> {
    // /dev/stdout is how containers log: there is no file to read then.
    let configured = found
        .maillog_file
        .iter()
        .filter(|path| !path.starts_with("/dev"));
    configured
        .chain(&host.log_candidates)
        .find(|path| path.exists())
        .cloned()
}

/// The server with words about how it was found.
pub(super) fn server(found: &Installation, log: Log, host: &Environment) -> Server {
    let state = if is_running(&found.queue_dir) {
        "is running"
    } else {
        "is stopped; its log and its queue are shown"
    };
    let words = match &log {
        Log::Elsewhere => format!(
            "No log file was found (looked for maillog_file of main.cf and {}): name it with --log FILE.",
            host.log_candidates
                .iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Log::File(log) => format!("Log: {}.", log.display()),
        Log::Journal(_) => "Log: the systemd journal.".to_owned(),
    };
    let (logs, journal) = match log {
        Log::File(log) => (vec![log], None),
        Log::Journal(journal) => (Vec::new(), Some(journal)),
        Log::Elsewhere => (Vec::new(), None),
    };
    Server {
        kind: Kind::Postfix,
        config_dir: Some(found.config_dir.clone()),
        queue_dir: Some(found.queue_dir.clone()),
        logs,
        journal,
        notice: format!(
            "Postfix with {}/main.cf {state}. {words}",
            found.config_dir.display()
        ),
    }
}

/// Whether the master daemon of this queue directory is alive: it holds a lock on `pid/master.pid` as long as
/// it lives (master/master.c), so a file left over by a crash does not mislead.
pub(super) fn is_running(queue_dir: &Path) -> bool {
    match std::fs::File::open(queue_dir.join("pid/master.pid")) {
        Ok(file) => matches!(
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared),
            Err(rustix::io::Errno::WOULDBLOCK)
        ),
        // The file is root's alone: an ordinary user looks at the processes instead.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            a_master_lives(Path::new("/proc"))
        }
        Err(_) => false,
    }
}

/// Whether a process runs whose program is Postfix's `master`.
fn a_master_lives(proc: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(proc) else {
        return false;
    };
    entries.filter_map(Result::ok).any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| {
            let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
            program.ends_with(b"/master") && memchr::memmem::find(program, b"postfix").is_some()
        })
    })
}

/// Whether a log has a line of Postfix near its beginning or its end.
fn has_postfix_lines(log: &Path) -> std::io::Result<bool> {
    let mut file = std::fs::File::open(log)?;
    let length = file.metadata()?.len();
    for start in [0, length.saturating_sub(GLANCE)] {
        file.seek(SeekFrom::Start(start))?;
        let mut part = Vec::new();
        (&mut file).take(GLANCE).read_to_end(&mut part)?;
        if memchr::memmem::find(&part, b" postfix").is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `postconf -c DIR queue_directory maillog_file`; `None` when there is no postconf or it fails or hangs.
fn ask_postconf(dir: &Path, host: &Environment) -> Option<HashMap<String, String>> {
    let postconf = host
        .path
        .iter()
        .map(|path| path.join("postconf"))
        .find(|path| path.is_file())?;
    let mut child = Command::new(postconf)
        .arg("-c")
        .arg(dir)
        .args(["-x", "queue_directory", "maillog_file"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < host.patience => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut text = String::new();
    // Two lines fit into the pipe, so the child could end before they were read.
    child.stdout.take()?.read_to_string(&mut text).ok()?;
    status.success().then(|| read_main_cf(&text))
}

/// `name = value` lines with continuation lines (postconf(5)); `$name` is expanded from the same text.
pub(super) fn read_main_cf(text: &str) -> HashMap<String, String> {
    let mut logical: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match logical.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => logical.push(line.to_owned()),
        }
    }
    let raw: HashMap<String, String> = logical
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    raw.iter()
        .map(|(name, value)| (name.clone(), expand(value, &raw, 0)))
        .collect()
}

/// Replaces `$name`, `${name}` and `$(name)`; conditional forms are left to postconf.
fn expand(value: &str, values: &HashMap<String, String>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (open, close) = match after.chars().next() {
            Some('{' | '(') => (1, 1),
            _ => (0, 0),
        };
        let body = after.get(open..).unwrap_or_default();
        let end = body
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(body.len());
        let name = body.get(..end).unwrap_or_default();
        // Postfix gives up at 100 levels of `$name`; paths have one or two.
        if depth < 10
            && let Some(found) = values.get(name)
        {
            out.push_str(&expand(found, values, depth + 1));
        }
        rest = body.get(end + close..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_cf_is_read_without_postconf() {
        let values = read_main_cf(
            "# queue_directory = /wrong\nbase = /srv\nqueue_directory =\n   ${base}/spool\n\
             # a comment between\nmaillog_file = $(base)/log/$name\nbroken\n",
        );
        assert_eq!(values["queue_directory"], "/srv/spool");
        assert_eq!(values["maillog_file"], "/srv/log/");
    }

    #[test]
    fn expansion_of_itself_ends() {
        let values = read_main_cf("a = x$b\nb = y$a\nc = $\nd = ${\n");
        assert!(values["a"].starts_with("xy"));
        assert_eq!(values["c"], "");
        assert_eq!(values["d"], "");
    }

    #[test]
    fn a_pid_file_counts_only_while_it_is_locked() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_running(dir.path()));
        std::fs::create_dir(dir.path().join("pid")).unwrap();
        let file = std::fs::File::create(dir.path().join("pid/master.pid")).unwrap();
        assert!(!is_running(dir.path()), "left over by a crash");
        rustix::fs::flock(&file, FlockOperation::LockExclusive).unwrap();
        assert!(is_running(dir.path()));
    }

    #[test]
    fn a_master_is_found_among_the_processes() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, line) in [("1", "/sbin/init\0"), ("7", "/usr/bin/webmaster\0")] {
            std::fs::create_dir(proc.path().join(pid)).unwrap();
            std::fs::write(proc.path().join(pid).join("cmdline"), line).unwrap();
        }
        assert!(!a_master_lives(proc.path()));
        let line = "/usr/lib/postfix/sbin/master\0-w\0";
        std::fs::write(proc.path().join("7/cmdline"), line).unwrap();
        assert!(a_master_lives(proc.path()));
    }
}
