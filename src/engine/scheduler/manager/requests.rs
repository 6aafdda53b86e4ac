//! What is asked of the queue manager from outside: acts on messages, and "try now".
//!
//! A message that is being delivered is not touched: what has not begun is withdrawn, and the act is done when
//! the rest has ended. All others are set aside (claimed) while a blocking thread works on their files.

use super::super::{acts, finish, result};
use super::{Event, Manager, Wanted};
use crate::control::{ActResult, Guard, Outcome};
use crate::engine::Site;
use crate::engine::maillog::Session;
use crate::engine::scheduler::finish::Left;
use crate::engine::spool::{Message, Spool};
use crate::queue::{Action, QueueName};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// How long an act waits for a delivery under way before it answers "as soon as this attempt ends".
const ACT_PATIENCE: Duration = Duration::from_secs(5);

impl Manager {
    pub(super) fn act(
        &mut self,
        action: Action,
        guards: Vec<Guard>,
        reply: oneshot::Sender<Vec<ActResult>>,
    ) {
        let mut results: Vec<Option<ActResult>> = vec![None; guards.len()];
        let mut later = Vec::new();
        let mut now = Vec::new();
        for (at, guard) in guards.into_iter().enumerate() {
            if self.claimed.contains(&guard.id) {
                let busy = result(
                    &guard.id,
                    Outcome::Refused,
                    Some("another change is under way"),
                );
                results[at] = Some(busy);
            } else if self.active.contains_key(&guard.id) {
                match self.want(action, &guard) {
                    Ok(answer) => later.push((at, guard.id, answer)),
                    Err(refused) => results[at] = Some(refused),
                }
            } else {
                self.claimed.insert(guard.id.clone());
                now.push((at, guard));
            }
        }
        let (site, spool, events) = (self.site.clone(), self.spool.clone(), self.events.clone());
        tokio::spawn(async move {
            let (places, guards): (Vec<usize>, Vec<Guard>) = now.into_iter().unzip();
            let ids: Vec<String> = guards.iter().map(|guard| guard.id.clone()).collect();
            let work = move || acts::act_all(&site, &spool, action, &guards);
            let done = tokio::task::spawn_blocking(work).await.unwrap_or_default();
            let _ = events.send(Event::Acted(ids));
            for (at, done) in places.into_iter().zip(done) {
                results[at] = Some(done);
            }
            let deadline = tokio::time::Instant::now() + ACT_PATIENCE;
            for (at, id, answer) in later {
                let detail = "being delivered: done as soon as this attempt ends";
                results[at] = Some(match tokio::time::timeout_at(deadline, answer).await {
                    Ok(Ok(done)) => done,
                    Ok(Err(_)) => result(&id, Outcome::Missing, None),
                    Err(_) => result(&id, Outcome::Done, Some(detail)),
                });
            }
            let _ = reply.send(results.into_iter().flatten().collect());
        });
    }

    /// Notes an act on an active message and withdraws what has not begun.
    fn want(
        &mut self,
        action: Action,
        guard: &Guard,
    ) -> Result<oneshot::Receiver<ActResult>, ActResult> {
        let refused = |why| Err(result(&guard.id, Outcome::Refused, Some(why)));
        let Some(active) = self.active.get_mut(&guard.id) else {
            return refused("gone");
        };
        if action == Action::Release {
            return refused("not on hold");
        }
        if active.wanted.is_some() || active.ending {
            return refused("the attempt is ending: try again");
        }
        let (reply, answer) = oneshot::channel();
        active.wanted = Some(Wanted {
            action,
            guard: guard.clone(),
            reply,
        });
        let loaded = active.message.is_some();
        for route in &active.routes {
            if let Some(destination) = self.destinations.get_mut(route) {
                let before = destination.queue.len();
                destination.queue.retain(|entry| entry.id != guard.id);
                active.pending -= before - destination.queue.len();
            }
        }
        if loaded && active.pending == 0 {
            self.end(&guard.id);
        }
        Ok(answer)
    }

    pub(super) fn flush(&mut self, ids: Vec<String>, reply: oneshot::Sender<Vec<ActResult>>) {
        self.revive(|_| true);
        if ids.is_empty() {
            // Far enough in the future for every retry time.
            let always = SystemTime::now() + Duration::from_hours(10 * 365 * 24);
            self.scan(QueueName::Deferred, always);
            let _ = reply.send(Vec::new());
            return;
        }
        let (spool, events) = (self.spool.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let (mut results, mut due) = (Vec::new(), Vec::new());
            for id in ids {
                results.push(match spool.find(&id) {
                    Some(QueueName::Deferred) => {
                        due.push(id.clone());
                        result(&id, Outcome::Done, None)
                    }
                    Some(QueueName::Hold) => {
                        result(&id, Outcome::Refused, Some("on hold: release it"))
                    }
                    Some(QueueName::Corrupt) => {
                        result(&id, Outcome::Refused, Some("in the corrupt queue"))
                    }
                    Some(_) => result(&id, Outcome::Done, None),
                    None => result(&id, Outcome::Missing, None),
                });
            }
            let _ = events.send(Event::Found {
                queue: QueueName::Deferred,
                ids: due,
            });
            let _ = reply.send(results);
        });
    }
}

/// The act that waited for the attempt to end: on what is left of the message.
pub(super) fn act_at_end(
    site: &Site,
    spool: &Spool,
    qmgr: &Session,
    message: &Message,
    wanted: Wanted,
) {
    let id = &message.id;
    let left =
        finish::tell_failures(site, spool, message).and_then(|()| finish::nothing_left(message));
    let answer = match left {
        Ok(false) => {
            let log = site.log.session("postsuper");
            let active = QueueName::Active;
            let done = acts::act(site, spool, &log, wanted.action, &wanted.guard, active);
            acts::summary(
                &log,
                wanted.action,
                usize::from(done.outcome == Outcome::Done),
            );
            done
        }
        Ok(true) => result(id, Outcome::Missing, Some("delivered meanwhile")),
        Err(error) => result(id, Outcome::Refused, Some(&error.to_string())),
    };
    if answer.outcome != Outcome::Done {
        finish::finish(site, spool, qmgr, message, Left::Look);
    }
    let _ = wanted.reply.send(answer);
}
