//! systemd-journal-remote: makes a real journal file out of entries in the export format.

use super::{run_ok, wait_for};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running systemd-journal-remote.
pub struct Remote {
    child: Child,
    journal: PathBuf,
}

impl Remote {
    /// Starts one that writes `journal`.
    pub fn start(journal: &Path) -> Self {
        let program = ["/usr/lib/systemd", "/lib/systemd"]
            .map(|dir| Path::new(dir).join("systemd-journal-remote"))
            .into_iter()
            .find(|path| path.exists())
            .expect(
                "systemd-journal-remote is missing: apt-get install -y systemd-journal-remote \
                 (tests/run does it)",
            );
        let child = Command::new(program)
            .arg("-o")
            .arg(journal)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            journal: journal.to_owned(),
        }
    }

    /// Hands it entries; it writes them soon.
    pub fn write(&mut self, entries: &[u8]) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(entries).unwrap();
        input.flush().unwrap();
    }

    /// Waits until the journal has so many entries.
    pub fn wait_for(&self, count: usize) {
        wait_for(&format!("{count} entries in the journal"), || {
            let output = Command::new("journalctl")
                .arg("--file")
                .arg(&self.journal)
                .args(["-o", "cat", "--quiet"])
                .output()
                .unwrap();
            let lines = memchr::memchr_iter(b'\n', &output.stdout).count();
            (lines >= count).then_some(())
        });
    }

    /// Ends its input and waits until all of it is written.
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "systemd-journal-remote: {status}");
        run_ok(
            Command::new("journalctl")
                .arg("--verify")
                .arg("--file")
                .arg(&self.journal),
        );
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of 22 November 2026 (`Nov 22 08:48:35 HOST TAG[PID]: TEXT`) as journal entries, one a microsecond
/// apart within a second.
pub fn entries(lines: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let header = String::from_utf8_lossy(line.get(..15).unwrap_or_default()).into_owned();
        let moment =
            chrono::NaiveDateTime::parse_from_str(&format!("2026 {header}"), "%Y %b %e %H:%M:%S");
        let moment = moment.unwrap_or_else(|e| panic!("{header}: {e}")).and_utc();
        let rest = &line[16..];
        let end = memchr::memmem::find(rest, b": ").unwrap();
        let (head, text) = (
            String::from_utf8_lossy(&rest[..end]).into_owned(),
            &rest[end + 2..],
        );
        let (host, tag) = head.split_once(' ').unwrap();
        let (name, pid) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
            Some((name, pid)) => (name, Some(pid)),
            None => (tag, None),
        };
        // The clock of boot must go on, too, or journalctl sorts the entries otherwise.
        let micros = moment.timestamp_micros() + i64::try_from(at % 1_000_000).unwrap();
        out.extend(
            format!(
                "__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={micros}\n\
                 _BOOT_ID=4e5a4ea2b9bd4bf0a9cf2b2e8a1e3a11\n_HOSTNAME={host}\nPRIORITY=6\n\
                 SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER={name}\n"
            )
            .bytes(),
        );
        if let Some(pid) = pid {
            out.extend(format!("SYSLOG_PID={pid}\n").bytes());
        }
        if text.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            out.extend(b"MESSAGE=");
            out.extend(text);
        } else {
            out.extend(b"MESSAGE\n");
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text);
        }
        out.extend(b"\n\n");
    }
    out
}
