//! Hold, release, requeue, delete: what postsuper(1) does, with its log lines.
//!
//! Blocking. In: messages that the manager has set aside. Out: what became of each. Just before acting the
//! message is compared with what the caller saw, because short ids are used again.

use super::{finish, result};
use crate::control::{ActResult, Guard, Outcome};
use crate::engine::Site;
use crate::engine::maillog::Session;
use crate::engine::spool::{LoadError, LogQueue, Message, Spool, SpoolError};
use crate::engine::submit::{self, Submission};
use crate::queue::format::writer::NewRecipient;
use crate::queue::{Action, QueueName};
use std::time::SystemTime;

/// Acts on messages that are not being delivered, and logs them as one run of postsuper.
pub(super) fn act_all(
    site: &Site,
    spool: &Spool,
    action: Action,
    guards: &[Guard],
) -> Vec<ActResult> {
    let log = site.log.session("postsuper");
    let results: Vec<_> = guards
        .iter()
        .map(|guard| match spool.find(&guard.id) {
            Some(queue) => act(site, spool, &log, action, guard, queue),
            None => result(&guard.id, Outcome::Missing, None),
        })
        .collect();
    let done = results
        .iter()
        .filter(|r| r.outcome == Outcome::Done)
        .count();
    summary(&log, action, done);
    results
}

/// Acts on one message in that queue.
pub(super) fn act(
    site: &Site,
    spool: &Spool,
    log: &Session,
    action: Action,
    guard: &Guard,
    queue: QueueName,
) -> ActResult {
    let id = guard.id.as_str();
    match try_act(site, spool, log, action, guard, queue) {
        Ok(result) => result,
        Err(error) if error.is_missing() => result(id, Outcome::Missing, None),
        Err(error) => result(id, Outcome::Refused, Some(&error.to_string())),
    }
}

fn try_act(
    site: &Site,
    spool: &Spool,
    log: &Session,
    action: Action,
    guard: &Guard,
    queue: QueueName,
) -> Result<ActResult, SpoolError> {
    let id = guard.id.as_str();
    let message = match spool.load(queue, id) {
        Ok(message) => Some(message),
        // What is not understood can still be removed or held.
        Err(LoadError::Corrupt(_) | LoadError::Incomplete) => None,
        Err(LoadError::Missing) => return Ok(result(id, Outcome::Missing, None)),
        Err(LoadError::Spool(error)) => return Err(error),
    };
    if !matches(guard, message.as_ref()) {
        let detail = "another message has this id now";
        return Ok(result(id, Outcome::Changed, Some(detail)));
    }
    match (action, queue) {
        (Action::Hold, QueueName::Hold) | (Action::Flush, _) => {}
        (Action::Hold, QueueName::Corrupt) => {
            return Ok(result(id, Outcome::Refused, Some("in the corrupt queue")));
        }
        (Action::Hold, _) => {
            spool.move_to(queue, QueueName::Hold, id)?;
            log.queue(id, format_args!("placed on hold"));
        }
        (Action::Release, QueueName::Hold) => {
            spool.defer(QueueName::Hold, id, SystemTime::now())?;
            log.queue(id, format_args!("released from hold"));
        }
        (Action::Release, _) => return Ok(result(id, Outcome::Refused, Some("not on hold"))),
        (Action::Delete, _) => {
            spool.remove(queue, id)?;
            spool.remove_log(LogQueue::Bounce, id)?;
            log.queue(id, format_args!("removed"));
        }
        (Action::Requeue, _) => {
            let Some(message) = &message else {
                let detail = "the queue file cannot be understood";
                return Ok(result(id, Outcome::Refused, Some(detail)));
            };
            return requeue(site, spool, log, message, queue);
        }
    }
    Ok(result(id, Outcome::Done, None))
}

/// A new message with the recipients that are left; the old one goes when the new one is durable.
fn requeue(
    site: &Site,
    spool: &Spool,
    log: &Session,
    message: &Message,
    queue: QueueName,
) -> Result<ActResult, SpoolError> {
    let id = message.id.as_str();
    let refused =
        |error: &dyn std::fmt::Display| Ok(result(id, Outcome::Refused, Some(&error.to_string())));
    if let Err(error) = finish::tell_failures(site, spool, message) {
        return refused(&error);
    }
    let envelope = &message.envelope;
    let recipients: Vec<_> = envelope
        .todo()
        .map(|r| NewRecipient {
            address: &r.address,
            original: &r.original,
            dsn_orig_rcpt: &r.dsn_orig_rcpt,
            notify: r.notify,
        })
        .collect();
    let kept = ["envelope_id", "ret_flags", "sasl_username"];
    let attributes: Vec<_> = kept
        .iter()
        .filter_map(|&name| Some((name, envelope.attribute(name)?)))
        .collect();
    let encoding = envelope.attribute("encoding").unwrap_or_default();
    let encoding = String::from_utf8_lossy(encoding);
    let submission = Submission {
        sender: envelope.sender.as_deref().unwrap_or_default(),
        recipients: &recipients,
        encoding: &encoding,
        attributes: &attributes,
        arrival: envelope.arrival,
    };
    let made = submit::submit(site, spool, &submission, |incoming| {
        let uid = rustix::process::geteuid().as_raw();
        let sender = finish::shown_sender(message);
        let pickup = site.log.session("pickup");
        let text = format_args!("uid={uid} from=<{sender}> orig_id={id}");
        pickup.queue(incoming.id(), text);
        for line in submit::received(site, incoming.id(), &format!(", from userid {uid}")) {
            incoming.put_line(line.as_bytes())?;
        }
        submit::copy_content(&message.file, envelope, incoming)
    });
    match made {
        Ok(new) => {
            spool.remove(queue, id)?;
            log.queue(id, format_args!("requeued"));
            Ok(result(id, Outcome::Done, Some(&new)))
        }
        Err(error) => refused(&error),
    }
}

/// Whether the message is the one the caller saw. An unreadable one is nobody's, unless nothing was said of it.
fn matches(guard: &Guard, message: Option<&Message>) -> bool {
    let Some(message) = message else {
        return guard.arrival.is_none() && guard.sender.is_none();
    };
    let arrival = message.envelope.arrival.map(|(seconds, _)| seconds);
    let sender = message.sender();
    guard.arrival.is_none_or(|seen| Some(seen) == arrival)
        && guard.sender.as_ref().is_none_or(|seen| {
            // Lists show the sender quoted, and the null sender as MAILER-DAEMON.
            *seen == sender
                || *seen == finish::shown_sender(message)
                || sender.is_empty() && seen == "MAILER-DAEMON"
        })
}

/// postsuper's last line.
pub(super) fn summary(log: &Session, action: Action, count: usize) {
    let what = match action {
        Action::Hold => "Placed on hold",
        Action::Release => "Released from hold",
        Action::Requeue => "Requeued",
        Action::Delete => "Deleted",
        Action::Flush => return,
    };
    let plural = if count == 1 { "" } else { "s" };
    log.info(format_args!("{what}: {count} message{plural}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::Params;
    use crate::engine::maillog::{Maillog, Stamp};
    use crate::engine::spool::tests::{message, spool};
    use std::sync::Arc;

    fn site(dir: &std::path::Path) -> Site {
        let log = Maillog::open(&dir.join("log"), "mx", "postfix", Stamp::default());
        Site {
            params: Arc::new(Params::for_tests(dir)),
            log: log.unwrap(),
            dns: Arc::new(crate::dns::StaticDns::default()),
        }
    }

    fn guard(id: &str) -> Guard {
        Guard {
            id: id.into(),
            arrival: None,
            sender: None,
        }
    }

    #[test]
    fn a_message_is_held_released_requeued_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(&dir.path().join("spool"));
        let site = site(dir.path());
        let id = message(&spool, &["a@b.test", "c@b.test"]);
        let act = |action, id: &str| act_all(&site, &spool, action, &[guard(id)]).remove(0);
        assert_eq!(act(Action::Release, &id).outcome, Outcome::Refused);
        assert_eq!(act(Action::Hold, &id).outcome, Outcome::Done);
        assert_eq!(spool.find(&id), Some(QueueName::Hold));
        assert_eq!(act(Action::Release, &id).outcome, Outcome::Done);
        assert_eq!(spool.find(&id), Some(QueueName::Deferred));
        let requeued = act(Action::Requeue, &id);
        let new = requeued.detail.unwrap();
        assert_eq!(spool.find(&id), None);
        let opened = spool.load(QueueName::Incoming, &new).unwrap();
        assert_eq!(opened.envelope.todo().count(), 2);
        assert_eq!(act(Action::Delete, &new).outcome, Outcome::Done);
        assert_eq!(act(Action::Delete, &new).outcome, Outcome::Missing);
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
        for words in [
            "placed on hold",
            "released from hold",
            "requeued",
            "orig_id=",
            "Deleted: 1 message",
        ] {
            assert!(log.contains(words), "{words}: {log}");
        }
    }

    #[test]
    fn another_message_with_the_id_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(&dir.path().join("spool"));
        let site = site(dir.path());
        let id = message(&spool, &["a@b.test"]);
        for (arrival, sender) in [(Some(1), None), (None, Some("other@a.test".to_owned()))] {
            let guard = Guard {
                id: id.clone(),
                arrival,
                sender,
            };
            let results = act_all(&site, &spool, Action::Delete, &[guard]);
            assert_eq!(results[0].outcome, Outcome::Changed);
        }
        assert_eq!(spool.find(&id), Some(QueueName::Incoming));
    }
}
