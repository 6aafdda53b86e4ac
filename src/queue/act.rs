//! Acting on messages: hold, release, requeue, delete, flush.
//!
//! In: a server, an action and the entries as the user saw them. Out: a [`Report`] with a result for each, the
//! equivalent command line, and a line in the audit log. Whoever a message has become since it was seen is
//! looked at just before; what is no longer the same is left alone. How it is done is in `postfix.rs`
//! (postsuper, the flush socket) and `engine.rs` (the control socket); who may ask at all is the caller's.

use super::identity::{self, Sight};
use super::{Action, Entry, QueueError, QueueName, audit, engine, postfix};
use crate::attach::{Kind, Server};
use crate::control::{ActResult, Guard, Outcome, Request};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the engine may take for one batch: deletes wait for the disk, 6 ms each on a slow one.
const ENGINE_PATIENCE: Duration = Duration::from_mins(10);

/// Messages in one request to the engine: a guard has some hundred bytes and the engine reads 16 MiB a line.
const ENGINE_BATCH: usize = 10_000;

/// Why an act is done, for the audit log.
#[derive(Debug, Clone, Default)]
pub struct Why {
    /// By which choice the messages were named: `sender x and older than 7200 s`, `marked by hand`.
    pub selector: String,
    /// The user's reason, when one was given.
    pub reason: Option<String>,
    /// The audit log, when it is not [`audit::path`].
    pub audit_log: Option<PathBuf>,
}

/// What became of an act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One result an entry, in the order of the entries.
    pub results: Vec<ActResult>,
    /// The command line that does the same.
    pub command: String,
    /// Why the act is not in the audit log, when it is not.
    pub audit_problem: Option<String>,
}

impl Report {
    /// How many results have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.results.iter().filter(|r| r.outcome == outcome).count()
    }
}

/// [`act_because`] without words about why.
pub fn act(server: &Server, action: Action, entries: &[Entry]) -> Report {
    act_because(server, action, entries, &Why::default())
}

/// Does `action` to each of `entries` that still is what it was.
pub fn act_because(server: &Server, action: Action, entries: &[Entry], why: &Why) -> Report {
    let results = match server.kind {
        _ if entries.is_empty() => Vec::new(),
        Kind::Postfix => through_postfix(server, action, entries),
        Kind::Engine => through_engine(server, action, entries),
        Kind::LogOnly => refuse_all(entries, &QueueError::NoQueue),
    };
    let ids: Vec<&str> = entries.iter().map(|e| e.queue_id.as_str()).collect();
    let mut report = Report {
        results,
        command: equivalent(server, action, &ids),
        audit_problem: None,
    };
    report.audit_problem = record(server, action, entries, &report.results, why).err();
    report
}

/// Tries all deferred mail now; returns the equivalent command line. It is in the audit log as a flush of
/// no named message.
pub fn flush_all(server: &Server, why: &Why) -> Result<Report, QueueError> {
    let command = match server.kind {
        Kind::Postfix => postfix::flush_all(server)?,
        Kind::Engine => {
            let request = Request::Flush { ids: Vec::new() };
            engine::Client::connect(engine_dir(server)?)?.ask(&request)?;
            equivalent(server, Action::Flush, &["--all"])
        }
        Kind::LogOnly => return Err(QueueError::NoQueue),
    };
    Ok(Report {
        results: Vec::new(),
        command,
        audit_problem: record(server, Action::Flush, &[], &[], why).err(),
    })
}

/// The command line that does the same to these ids; long lists stand for themselves.
pub fn equivalent(server: &Server, action: Action, ids: &[&str]) -> String {
    match server.kind {
        Kind::Engine => {
            let dir = server.config_dir.as_deref().unwrap_or(Path::new("DIR"));
            let ids = match ids {
                [] => "-".to_owned(),
                few if few.len() <= 3 => few.join(" "),
                many => format!("- # {} ids on standard input", many.len()),
            };
            let dir = postfix::quoted(dir);
            format!("mailtop queue {} --config-dir {dir} {ids}", action.as_str())
        }
        _ => postfix::equivalent(server, action, ids),
    }
}

fn through_postfix(server: &Server, action: Action, entries: &[Entry]) -> Vec<ActResult> {
    let mut results = Vec::with_capacity(entries.len());
    // The messages to act on, with their place in the results.
    let mut ready: Vec<(usize, Entry)> = Vec::new();
    for (at, (seen, sight)) in entries
        .iter()
        .zip(identity::look(server, entries))
        .enumerate()
    {
        let (outcome, detail) = match sight {
            Sight::Missing => (Outcome::Missing, None),
            Sight::Changed(what) => (Outcome::Changed, Some(what)),
            Sight::Unknown(reason) => (Outcome::Refused, Some(reason)),
            Sight::Same(now) => match fits(action, now.queue_name) {
                Fit::Already(what) => (Outcome::Done, Some(what.to_owned())),
                Fit::No(why) => (Outcome::Refused, Some(why.to_owned())),
                Fit::Yes => {
                    ready.push((at, now));
                    (Outcome::Refused, None)
                }
            },
        };
        results.push(result(seen, outcome, detail));
    }
    if ready.is_empty() {
        return results;
    }
    let (places, ready): (Vec<usize>, Vec<Entry>) = ready.into_iter().unzip();
    let done = match action {
        Action::Flush => postfix::flush(server, &ready),
        _ => postfix::postsuper(server, action, &ready),
    };
    for (at, result) in places.into_iter().zip(done) {
        results[at] = result;
    }
    results
}

/// Whether an action suits the queue a message lies in.
enum Fit {
    Yes,
    /// Nothing to do.
    Already(&'static str),
    No(&'static str),
}

fn fits(action: Action, queue: QueueName) -> Fit {
    use QueueName::{Active, Corrupt, Deferred, Hold, Incoming, Maildrop};
    match (action, queue) {
        (Action::Flush, Incoming | Active) => Fit::Already("it is being delivered"),
        (Action::Flush, Hold) => Fit::No("it is on hold: release it first"),
        (Action::Hold, Hold) => Fit::Already("it is on hold"),
        (Action::Release, Incoming | Active | Deferred) => Fit::No("it is not on hold"),
        (Action::Delete, _)
        | (Action::Flush, Deferred)
        | (Action::Hold | Action::Requeue, Incoming | Active | Deferred)
        | (Action::Release | Action::Requeue, Hold) => Fit::Yes,
        (_, Maildrop) => Fit::No("it has not been picked up yet: try again"),
        (_, Corrupt) => Fit::No("it is corrupt: it can only be deleted, or repaired by hand"),
    }
}

fn through_engine(server: &Server, action: Action, entries: &[Entry]) -> Vec<ActResult> {
    let mut results = Vec::with_capacity(entries.len());
    for batch in entries.chunks(ENGINE_BATCH) {
        match ask_engine(server, action, batch) {
            Ok(part) => results.extend(part),
            Err(error) => results.extend(refuse_all(batch, &error)),
        }
    }
    results
}

/// One request; the batch is not empty, because no ids would mean everything to a flush.
fn ask_engine(
    server: &Server,
    action: Action,
    batch: &[Entry],
) -> Result<Vec<ActResult>, QueueError> {
    let messages: Vec<Guard> = batch
        .iter()
        .map(|entry| Guard {
            id: entry.queue_id.clone(),
            arrival: Some(entry.arrival_time),
            sender: Some(entry.sender.clone()),
        })
        .collect();
    let request = match action {
        Action::Hold => Request::Hold { messages },
        Action::Release => Request::Release { messages },
        Action::Requeue => Request::Requeue { messages },
        Action::Delete => Request::Delete { messages },
        Action::Flush => Request::Flush {
            ids: messages.into_iter().map(|guard| guard.id).collect(),
        },
    };
    let mut client = engine::Client::connect_within(engine_dir(server)?, ENGINE_PATIENCE)?;
    let mut by_id: HashMap<String, ActResult> = client
        .ask(&request)?
        .results
        .into_iter()
        .map(|result| (result.id.clone(), result))
        .collect();
    Ok(batch
        .iter()
        .map(|entry| {
            by_id.remove(&entry.queue_id).unwrap_or_else(|| {
                let detail = "the engine did not say what became of it".to_owned();
                result(entry, Outcome::Refused, Some(detail))
            })
        })
        .collect())
}

fn engine_dir(server: &Server) -> Result<&Path, QueueError> {
    server.queue_dir.as_deref().ok_or(QueueError::NoQueue)
}

fn refuse_all(entries: &[Entry], error: &QueueError) -> Vec<ActResult> {
    entries
        .iter()
        .map(|entry| result(entry, Outcome::Refused, Some(error.to_string())))
        .collect()
}

/// A result for an entry.
pub(super) fn result(entry: &Entry, outcome: Outcome, detail: Option<String>) -> ActResult {
    ActResult {
        id: entry.queue_id.clone(),
        outcome,
        detail,
    }
}

fn record(
    server: &Server,
    action: Action,
    entries: &[Entry],
    results: &[ActResult],
    why: &Why,
) -> Result<(), String> {
    let path = why
        .audit_log
        .clone()
        .or_else(audit::path)
        .ok_or("no home directory for the audit log (try: set XDG_STATE_HOME)")?;
    let place = server.queue_dir.as_deref().or(server.config_dir.as_deref());
    let record = audit::Record {
        time: chrono::Local::now().to_rfc3339(),
        user: audit::user(),
        sudo_user: audit::sudo_user(),
        host: audit::host(),
        action,
        selector: &why.selector,
        reason: why.reason.as_deref(),
        server: place.map(|p| p.display().to_string()).unwrap_or_default(),
        messages: audit::messages(entries, results),
    };
    audit::append(&path, &record).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(kind: Kind, dir: &Path) -> Server {
        Server {
            kind,
            config_dir: Some("/srv/my mail/etc".into()),
            queue_dir: Some(dir.to_owned()),
            logs: Vec::new(),
            journal: None,
            notice: String::new(),
        }
    }

    fn entry(id: &str) -> Entry {
        Entry {
            queue_name: QueueName::Deferred,
            queue_id: id.into(),
            arrival_time: 1,
            message_size: 1,
            forced_expire: false,
            sender: String::new(),
            recipients: Vec::new(),
            next_try: None,
            inode: None,
        }
    }

    #[test]
    fn what_is_gone_or_no_id_is_left_alone_and_recorded() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("deferred")).unwrap();
        let log = dir.path().join("audit.log");
        let why = Why {
            selector: "by hand".into(),
            reason: Some("test".into()),
            audit_log: Some(log.clone()),
        };
        let server = server(Kind::Postfix, dir.path());
        let entries = [entry("A1B2C3D"), entry("../../etc/passwd")];
        let report = act_because(&server, Action::Delete, &entries, &why);
        assert_eq!(report.audit_problem, None);
        assert_eq!(report.results[0].outcome, Outcome::Missing);
        assert_eq!(report.results[1].outcome, Outcome::Refused);
        let line = std::fs::read_to_string(log).unwrap();
        assert!(
            line.contains("\"reason\":\"test\"") && line.contains("A1B2C3D"),
            "{line}"
        );
    }

    #[test]
    fn an_engine_that_does_not_run_refuses() {
        let dir = tempfile::tempdir().unwrap();
        let why = Why {
            audit_log: Some(dir.path().join("no/\0/path")),
            ..Why::default()
        };
        let server = server(Kind::Engine, dir.path());
        let report = act_because(&server, Action::Hold, &[entry("A1B2C3D")], &why);
        assert_eq!(report.count(Outcome::Refused), 1);
        assert!(
            report.results[0]
                .detail
                .as_deref()
                .unwrap()
                .contains("not running")
        );
        assert!(report.audit_problem.is_some());
        assert_eq!(
            report.command,
            "mailtop queue hold --config-dir '/srv/my mail/etc' A1B2C3D"
        );
    }

    #[test]
    fn equivalent_commands_are_postfix_s() {
        let server = server(Kind::Postfix, Path::new("/q"));
        let shown = |action, ids: &[&str]| equivalent(&server, action, ids);
        assert_eq!(
            shown(Action::Hold, &["A1", "B2"]),
            "postsuper -c '/srv/my mail/etc' -h A1 -h B2"
        );
        assert_eq!(
            shown(Action::Delete, &["A", "B", "C", "D"]),
            "postsuper -c '/srv/my mail/etc' -d - # 4 ids on standard input"
        );
        assert_eq!(
            shown(Action::Flush, &["A1"]),
            "postqueue -c '/srv/my mail/etc' -i A1"
        );
    }
}
