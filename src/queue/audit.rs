//! The audit log: one JSON line for each act, appended to `mailtop/audit.log` in the XDG state directory.
//!
//! In: a [`Record`]. Out: the file's path, or why it could not be written; the act itself is not undone for
//! that (a full disk is a reason to act), but the caller says it loudly.

use super::{Action, Entry};
use crate::control::{ActResult, Outcome};
use etcetera::base_strategy::{BaseStrategy as _, Xdg};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// One act.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// When, RFC 3339 with offset.
    pub time: String,
    /// The user's name.
    pub user: String,
    /// Who became root by sudo(8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// This host.
    pub host: String,
    /// What was done.
    pub action: Action,
    /// By which choice the messages were named.
    pub selector: &'a str,
    /// Why, in the user's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The mail server's queue directory or configuration directory.
    pub server: String,
    /// Each message with its result.
    pub messages: Vec<Message<'a>>,
}

/// One message of an act.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// Queue id.
    pub id: &'a str,
    /// Envelope sender.
    pub sender: &'a str,
    /// Arrival, seconds since the epoch.
    pub arrival_time: i64,
    /// What happened.
    pub outcome: Outcome,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

/// The messages of a record: entries and their results, in the same order.
pub fn messages<'a>(entries: &'a [Entry], results: &'a [ActResult]) -> Vec<Message<'a>> {
    entries
        .iter()
        .zip(results)
        .map(|(entry, result)| Message {
            id: &entry.queue_id,
            sender: &entry.sender,
            arrival_time: entry.arrival_time,
            outcome: result.outcome,
            detail: result.detail.as_deref(),
        })
        .collect()
}

/// Where the audit log of this user lies.
pub fn path() -> Option<PathBuf> {
    let state = Xdg::new().ok()?.state_dir()?;
    Some(state.join("mailtop").join("audit.log"))
}

/// Appends a record to the log at `path`, readable by its owner alone: it names senders.
pub fn append(path: &Path, record: &Record<'_>) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    // One write(2) in append mode: lines of several processes do not mix.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?
        .write_all(&line)
}

/// The name of the user of this process, from the environment; the number when it is not there.
pub fn user() -> String {
    ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Who became root by sudo(8), if so.
pub fn sudo_user() -> Option<String> {
    std::env::var("SUDO_USER")
        .ok()
        .filter(|name| !name.is_empty())
}

/// This host's name.
pub fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_an_act() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/audit.log");
        let record = Record {
            time: "2026-11-22T14:00:00+00:00".into(),
            user: "root".into(),
            sudo_user: Some("ann".into()),
            host: "mx".into(),
            action: Action::Hold,
            selector: "sender\nx",
            reason: None,
            server: "/q".into(),
            messages: vec![Message {
                id: "A1B2C3D",
                sender: "a@b",
                arrival_time: 1,
                outcome: Outcome::Done,
                detail: None,
            }],
        };
        append(&path, &record).unwrap();
        append(&path, &record).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let value: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(value["action"], "hold");
        assert_eq!(value["sudo_user"], "ann");
        assert_eq!(value["messages"][0]["outcome"], "done");
    }
}
