//! Acting on a real Postfix's queue: postsuper in batches, the flush socket, `postqueue`.
//!
//! In: entries that were just looked at. Out: a result for each. postsuper takes ids on standard input, any
//! number at once, and says on standard error which it acted on; for the others the queue is looked at again.

use super::act::result;
use super::identity;
use super::process;
use super::{Action, Entry, QueueError, QueueName, flush as socket};
use crate::attach::Server;
use crate::control::{ActResult, Outcome};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How long one postsuper may take: ten thousand deletes took 60 s.
const LIMIT: Duration = Duration::from_mins(15);

/// Ids for one postsuper that deletes, and how many run at once: each unlink waits for the file system's
/// journal, so four at once are three times as fast or better.
const DELETE_BATCH: usize = 500;
const DELETERS: usize = 4;

/// Where Postfix is when nothing else is said: no `-c` is shown then.
const DEFAULT_CONFIG_DIR: &str = "/etc/postfix";

/// Holds, releases, requeues or deletes; one result an entry, in their order.
pub(super) fn postsuper(server: &Server, action: Action, entries: &[Entry]) -> Vec<ActResult> {
    if !rustix::process::geteuid().is_root() {
        let why = "postsuper is for root alone (try: sudo mailtop)";
        return entries
            .iter()
            .map(|entry| result(entry, Outcome::Refused, Some(why.to_owned())))
            .collect();
    }
    let Some((option, verb)) = postsuper_option(action) else {
        return Vec::new();
    };
    let mut said = Said::default();
    // postsuper looks into four queues unless it is told; the others are named.
    let (usual, rest): (Vec<&Entry>, Vec<&Entry>) = entries
        .iter()
        .partition(|e| !matches!(e.queue_name, QueueName::Maildrop | QueueName::Corrupt));
    let batches = match action {
        Action::Delete => usual.chunks(DELETE_BATCH).collect::<Vec<_>>(),
        _ => vec![usual.as_slice()],
    };
    for round in batches.chunks(DELETERS) {
        thread::scope(|scope| {
            let running: Vec<_> = round
                .iter()
                .filter(|batch| !batch.is_empty())
                .map(|batch| scope.spawn(move || batch_of(server, option, verb, batch, &[])))
                .collect();
            for one in running {
                said.add(one.join().unwrap_or_default());
            }
        });
    }
    for queue in [QueueName::Maildrop, QueueName::Corrupt] {
        let there: Vec<&Entry> = rest
            .iter()
            .copied()
            .filter(|e| e.queue_name == queue)
            .collect();
        if !there.is_empty() {
            said.add(batch_of(server, option, verb, &there, &[queue.as_str()]));
        }
    }
    if let (Action::Requeue, Some(dir)) = (action, &server.queue_dir) {
        // pickup(8) looks into maildrop once a minute unless it is woken; that it is not costs only time.
        let _ = socket::wake(&dir.join("public/pickup"));
    }
    entries
        .iter()
        .map(|entry| said.result_of(server, entry))
        .collect()
}

fn postsuper_option(action: Action) -> Option<(&'static str, &'static str)> {
    match action {
        Action::Hold => Some(("-h", "placed on hold")),
        Action::Release => Some(("-H", "released from hold")),
        Action::Requeue => Some(("-r", "requeued")),
        Action::Delete => Some(("-d", "removed")),
        Action::Flush => None,
    }
}

/// What postsuper said.
#[derive(Debug, Default)]
struct Said {
    done: HashSet<String>,
    complaint: Option<String>,
}

impl Said {
    fn add(&mut self, other: Self) {
        self.done.extend(other.done);
        self.complaint = self.complaint.take().or(other.complaint);
    }

    fn result_of(&self, server: &Server, entry: &Entry) -> ActResult {
        if self.done.contains(&entry.queue_id) {
            return result(entry, Outcome::Done, None);
        }
        let there = server
            .queue_dir
            .as_deref()
            .map(|dir| identity::find(dir, &entry.queue_id, Some(entry.queue_name)));
        if let Some(Ok(None)) = there {
            return result(entry, Outcome::Missing, None);
        }
        let why = self.complaint.clone();
        let why = why.unwrap_or_else(|| "postsuper did not act on it".to_owned());
        result(entry, Outcome::Refused, Some(why))
    }
}

fn batch_of(server: &Server, option: &str, verb: &str, batch: &[&Entry], queues: &[&str]) -> Said {
    let mut command = on_instance("postsuper", server);
    command.args([option, "-"]).args(queues);
    let input: String = batch
        .iter()
        .flat_map(|e| [e.queue_id.as_str(), "\n"])
        .collect();
    match process::run(&mut command, input.as_bytes(), LIMIT) {
        Ok(ended) => Said {
            done: named_in(&ended.stderr, verb),
            complaint: (!ended.status.success()).then(|| ended.complaint()),
        },
        Err(error) => Said {
            done: HashSet::new(),
            complaint: Some(not_started("postsuper", &error)),
        },
    }
}

/// The ids in lines `postsuper: ID: VERB`.
fn named_in(stderr: &[u8], verb: &str) -> HashSet<String> {
    String::from_utf8_lossy(stderr)
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(": ")?;
            let (id, said) = rest.split_once(": ")?;
            (said == verb).then(|| id.to_owned())
        })
        .collect()
}

/// Tries messages now, over the flush socket, else with `postqueue -i`.
pub(super) fn flush(server: &Server, entries: &[Entry]) -> Vec<ActResult> {
    let path = server
        .queue_dir
        .as_ref()
        .map(|dir| dir.join("public/flush"));
    entries
        .iter()
        .map(|entry| {
            let asked = match &path {
                Some(path) => {
                    socket::send_file(path, &entry.queue_id).map_err(|error| error.to_string())
                }
                None => Err("no queue directory is known".to_owned()),
            };
            match asked.or_else(|_| postqueue(server, &["-i", &entry.queue_id])) {
                Ok(()) => result(entry, Outcome::Done, None),
                Err(reason) => result(entry, Outcome::Refused, Some(reason)),
            }
        })
        .collect()
}

/// Tries all deferred mail now; returns the command line.
pub(super) fn flush_all(server: &Server) -> Result<String, QueueError> {
    let command = format!("postqueue{} -f", shown_config(server));
    postqueue(server, &["-f"]).map_err(|reason| QueueError::Command {
        command: command.clone(),
        reason,
    })?;
    Ok(command)
}

fn postqueue(server: &Server, arguments: &[&str]) -> Result<(), String> {
    let mut command = on_instance("postqueue", server);
    let ended = process::run(command.args(arguments), b"", LIMIT)
        .map_err(|error| not_started("postqueue", &error))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(ended.complaint())
}

fn not_started(name: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return format!("{name}: not found (try: install Postfix, or put its sbin into PATH)");
    }
    format!("{name}: {error}")
}

/// One of Postfix's commands with `-c` when the configuration directory is known.
fn on_instance(name: &str, server: &Server) -> Command {
    let mut command = process::postfix_command(name);
    if let Some(dir) = &server.config_dir {
        // postsuper insists on an absolute path.
        let dir: PathBuf = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        command.arg("-c").arg(dir);
    }
    command
}

/// The command line for people; long lists stand for themselves.
pub(super) fn equivalent(server: &Server, action: Action, ids: &[&str]) -> String {
    let config = shown_config(server);
    let Some((option, _)) = postsuper_option(action) else {
        let lines: Vec<String> = match ids {
            [] => vec![format!("postqueue{config} -f")],
            few if few.len() <= 3 => few
                .iter()
                .map(|id| format!("postqueue{config} -i {id}"))
                .collect(),
            many => vec![format!(
                "xargs -n 1 postqueue{config} -i # {} ids on standard input",
                many.len()
            )],
        };
        return lines.join("; ");
    };
    if ids.is_empty() || ids.len() > 3 {
        return format!(
            "postsuper{config} {option} - # {} ids on standard input",
            ids.len()
        );
    }
    let named: String = ids.iter().flat_map(|id| [" ", option, " ", id]).collect();
    format!("postsuper{config}{named}")
}

fn shown_config(server: &Server) -> String {
    match &server.config_dir {
        Some(dir) if dir != Path::new(DEFAULT_CONFIG_DIR) => format!(" -c {}", quoted(dir)),
        _ => String::new(),
    }
}

/// A path as a shell takes it, safe to show.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let text = crate::sanitize::str_line(&text);
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postsuper_says_is_read() {
        let said = b"postsuper: 4jXWPC1kjFz1SRsX: placed on hold\npostsuper: warning: invalid mail queue id: bad id!\npostsuper: A1B2C3D: removed\npostsuper: Placed on hold: 1 message\n";
        let done = named_in(said, "placed on hold");
        assert_eq!(done.into_iter().collect::<Vec<_>>(), ["4jXWPC1kjFz1SRsX"]);
    }

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("/etc/postfix-2")), "/etc/postfix-2");
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
