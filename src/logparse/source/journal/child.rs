//! The journalctl process: started, read, ended. What it writes to standard error becomes our error.

use super::{Journal, SourceError};
use std::io::{self, Read};
use std::path::Path;
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// As much of standard error as is kept: journalctl's messages are a line or two.
const WORDS: usize = 4096;

/// A running journalctl. Dropped, it is killed and waited for.
pub(super) struct Child {
    name: std::path::PathBuf,
    process: Handle,
    output: ChildStdout,
    /// Reads standard error, so that a full pipe cannot hold the child up.
    words: Option<JoinHandle<Vec<u8>>>,
}

/// Ends a child from another thread than its reader's.
#[derive(Debug, Clone)]
pub(super) struct Handle(Arc<Mutex<std::process::Child>>);

impl Handle {
    /// Kills it; its reader sees the end of its output.
    pub(super) fn kill(&self) {
        // One that has ended already is as good.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    fn wait(&self) -> io::Result<ExitStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wait()
    }
}

impl Child {
    pub(super) fn start(mut command: Command, journal: &Journal) -> Result<Self, SourceError> {
        let name = journal.name();
        let fail = |error: io::Error| missing(name, &error);
        let mut child = command
            .env("LC_ALL", "C.UTF-8")
            .env("SYSTEMD_COLORS", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(fail(io::ErrorKind::BrokenPipe.into()));
        };
        let process = Handle(Arc::new(Mutex::new(child)));
        let words = std::thread::Builder::new()
            .name("journalctl".to_owned())
            .spawn(move || words(errors));
        match words {
            Ok(words) => Ok(Self {
                name: name.to_owned(),
                process,
                output,
                words: Some(words),
            }),
            Err(error) => {
                process.kill();
                let _ = process.wait();
                Err(fail(error))
            }
        }
    }

    /// For ending it from elsewhere.
    pub(super) fn handle(&self) -> Handle {
        self.process.clone()
    }

    /// Waits for its end, after the end of its output; what it complained of is the error.
    pub(super) fn end(mut self) -> Result<(), SourceError> {
        let status = self
            .process
            .wait()
            .map_err(|error| SourceError::new(&self.name, &error))?;
        let words = self.words.take().and_then(|thread| thread.join().ok());
        explain(&self.name, &words.unwrap_or_default(), status.success())
    }
}

impl Read for Child {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.output.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.kill();
        let _ = self.process.wait();
        if let Some(words) = self.words.take() {
            let _ = words.join();
        }
    }
}

fn words(mut errors: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut block = [0; 1024];
    while let Ok(got @ 1..) = errors.read(&mut block) {
        let room = WORDS - kept.len();
        kept.extend_from_slice(&block[..got.min(room)]);
    }
    kept
}

fn missing(name: &Path, error: &io::Error) -> SourceError {
    let (reason, remedy) = if error.kind() == io::ErrorKind::NotFound {
        (
            "journalctl is not installed, and it reads the journal".to_owned(),
            "apt-get install systemd, or name log files with --log FILE".to_owned(),
        )
    } else {
        (format!("journalctl: {error}"), String::new())
    };
    SourceError {
        path: name.to_owned(),
        reason,
        remedy,
        kind: error.kind(),
    }
}

/// What journalctl's words mean for its reader.
fn explain(name: &Path, words: &[u8], success: bool) -> Result<(), SourceError> {
    let words = String::from_utf8_lossy(words);
    let words = words.trim();
    let error = |kind, reason: &str, remedy: &str| {
        Err(SourceError {
            path: name.to_owned(),
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
            kind,
        })
    };
    if words.contains("insufficient permissions")
        || words.contains("not seeing messages from other users")
        || words.contains("Permission denied")
    {
        return error(
            io::ErrorKind::PermissionDenied,
            "this user may not read all of it",
            "sudo usermod -aG systemd-journal $USER, then log in again; the group adm will do as well",
        );
    }
    if words.contains("No journal files were") {
        return error(
            io::ErrorKind::NotFound,
            "there are no journal files",
            "systemctl status systemd-journald, or name log files with --log FILE",
        );
    }
    if success {
        return Ok(());
    }
    let reason = match words.lines().next_back() {
        Some(line) => format!("journalctl: {line}"),
        None => "journalctl ended with an error".to_owned(),
    };
    error(
        io::ErrorKind::Other,
        &reason,
        "journalctl --verify tells more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_journalctl_says_becomes_an_error_with_a_remedy() {
        let name = Path::new("journal");
        let text = |words: &str, success| {
            explain(name, words.as_bytes(), success)
                .err()
                .map(|e| e.to_string())
        };
        let hint = "Hint: You are currently not seeing messages from other users and the system.\n\
                    Users in groups 'adm', 'systemd-journal' can see all messages.\n";
        assert!(
            text(hint, true)
                .unwrap()
                .contains("usermod -aG systemd-journal")
        );
        let denied = "No journal files were opened due to insufficient permissions.\n";
        assert!(text(denied, false).unwrap().contains("usermod"));
        assert!(
            text("No journal files were found.\n", true)
                .unwrap()
                .contains("--log FILE")
        );
        assert!(
            text("Failed to seek to cursor: x\n", false)
                .unwrap()
                .contains("seek to cursor")
        );
        assert_eq!(text("", true), None);
        assert!(text("", false).is_some());
    }

    #[test]
    fn a_child_is_gone_when_it_is_dropped() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let child = Child::start(command, &Journal::host()).unwrap();
        let pid = child.process.0.lock().unwrap().id();
        drop(child);
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "no zombie either"
        );
    }
}
