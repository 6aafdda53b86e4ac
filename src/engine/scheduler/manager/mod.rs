//! The task that owns the queue manager's state.
//!
//! In: commands, events from its own blocking tasks and deliveries, arrivals, the clock. Out: tasks. A message
//! id is at any moment in one of three hands: waiting (nobody's), active (this task's), claimed (an act's). It
//! never blocks and never polls: it sleeps until the next event, queue run or revival.

mod requests;

use super::destination::Destination;
use super::finish::{self, Left};
use super::plan::{self, Portion};
use super::{Command, Counts, result};
use crate::control::{ActResult, Guard, Outcome};
use crate::engine::Site;
use crate::engine::delivery::{self, Job, Report, Route};
use crate::engine::maillog::Session;
use crate::engine::spool::{Arrived, LoadError, LogQueue, Message, Spool};
use crate::queue::format::envelope::EnvelopeRecipient;
use crate::queue::{Action, QueueName};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Queue files being opened at a time: enough to keep a disk busy, few enough to leave threads to others.
const LOADING: usize = 32;

pub(super) struct Manager {
    site: Site,
    spool: Spool,
    log: Session,
    counts: Arc<Counts>,
    /// Unbounded, but every sender is a task of ours, of which there is a bounded number.
    events: mpsc::UnboundedSender<Event>,
    inbox: mpsc::UnboundedReceiver<Event>,
    /// New mail and mail that is due, taken in turn so that neither starves the other.
    fresh: VecDeque<(QueueName, String)>,
    due: VecDeque<(QueueName, String)>,
    waiting: HashSet<String>,
    take_due: bool,
    active: HashMap<String, Active>,
    claimed: HashSet<String>,
    loading: usize,
    destinations: HashMap<Route, Destination<Entry>>,
    transports: HashMap<String, Transport>,
    stopping: Option<oneshot::Sender<()>>,
}

/// A message of the active queue.
#[derive(Default)]
struct Active {
    message: Option<Arc<Message>>,
    entered: Option<SystemTime>,
    /// Portions queued or being delivered.
    pending: usize,
    /// Recipients at the start of the attempt, and done since.
    todo: usize,
    done: usize,
    routes: Vec<Route>,
    wanted: Option<Wanted>,
    ending: bool,
}

/// An act on a message that is being delivered.
struct Wanted {
    action: Action,
    guard: Guard,
    reply: oneshot::Sender<ActResult>,
}

/// One portion waiting in a destination's queue.
struct Entry {
    id: String,
    recipients: Vec<EnvelopeRecipient>,
}

/// Deliveries of one transport, and its destinations with something to do, in turn.
#[derive(Default)]
struct Transport {
    busy: usize,
    ring: VecDeque<Route>,
    ringed: HashSet<Route>,
}

enum Event {
    Loaded {
        id: String,
        result: Result<(Arc<Message>, Vec<Portion>), LoadError>,
    },
    Delivered {
        id: String,
        /// `None` for what was put off without asking the destination.
        route: Option<Route>,
        report: Report,
    },
    Finished(String),
    Found {
        queue: QueueName,
        ids: Vec<String>,
    },
    Acted(Vec<String>),
}

impl Manager {
    pub(super) fn new(site: Site, spool: Spool, counts: Arc<Counts>) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        Self {
            log: site.log.session("qmgr"),
            site,
            spool,
            counts,
            events,
            inbox,
            fresh: VecDeque::new(),
            due: VecDeque::new(),
            waiting: HashSet::new(),
            take_due: false,
            active: HashMap::new(),
            claimed: HashSet::new(),
            loading: 0,
            destinations: HashMap::new(),
            transports: HashMap::new(),
            stopping: None,
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.scan(QueueName::Incoming, SystemTime::now());
        self.scan(QueueName::Deferred, SystemTime::now());
        let mut next_run = Instant::now() + self.queue_run_delay();
        loop {
            let spool = self.spool.clone();
            let revival = self
                .destinations
                .values()
                .filter_map(Destination::dead_until)
                .min();
            let wake = revival.map_or(next_run, |at| at.min(next_run));
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    // All handles are gone: nobody is left to serve.
                    None => return,
                },
                Some(event) = self.inbox.recv() => self.event(event),
                arrived = spool.arrived() => self.arrived(arrived),
                () = tokio::time::sleep_until(wake.into()) => {
                    let now = Instant::now();
                    self.revive(|destination| destination.dead_until().is_some_and(|at| at <= now));
                    if now >= next_run {
                        next_run = now + self.queue_run_delay();
                        self.scan(QueueName::Deferred, SystemTime::now());
                    }
                }
            }
            if self.stopping.is_some() {
                let under_way = self.transports.values().map(|t| t.busy).sum::<usize>();
                let ending = self.active.values().filter(|a| a.ending).count();
                if under_way + ending + self.claimed.len() == 0 {
                    if let Some(reply) = self.stopping.take() {
                        let _ = reply.send(());
                    }
                    return;
                }
                continue;
            }
            self.fill();
            self.dispatch();
        }
    }

    /// At least a second: with 0 the loop would never sleep.
    fn queue_run_delay(&self) -> Duration {
        self.site.params.queue_run_delay.max(Duration::from_secs(1))
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Act {
                action,
                guards,
                reply,
            } => self.act(action, guards, reply),
            Command::Flush { ids, reply } => self.flush(ids, reply),
            Command::Look => {
                self.scan(QueueName::Incoming, SystemTime::now());
                self.scan(QueueName::Deferred, SystemTime::now());
            }
            Command::Reload(site) => {
                self.site = *site;
                self.revive(|_| true);
            }
            Command::Stop(reply) => self.stopping = Some(reply),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Loaded { id, result } => self.loaded(&id, result),
            Event::Delivered { id, route, report } => self.delivered(&id, route, report),
            Event::Finished(id) => {
                self.active.remove(&id);
            }
            Event::Found { queue, ids } => {
                for id in ids {
                    self.enqueue(queue, id);
                }
            }
            Event::Acted(ids) => {
                for id in &ids {
                    self.claimed.remove(id);
                }
                // Released mail is due, refused mail waits again; what is elsewhere is passed over when opened.
                for id in ids {
                    if let Some(queue @ (QueueName::Incoming | QueueName::Deferred)) =
                        self.spool.find(&id)
                    {
                        self.recheck(queue, id);
                    }
                }
            }
        }
    }

    /// After an act: new mail goes on; deferred mail only when it is due.
    fn recheck(&mut self, queue: QueueName, id: String) {
        let due = queue == QueueName::Incoming
            || std::fs::metadata(self.spool.path(queue, &id))
                .and_then(|meta| meta.modified())
                .is_ok_and(|next| next <= SystemTime::now());
        if due {
            self.enqueue(queue, id);
        }
    }

    fn arrived(&mut self, arrived: Arrived) {
        match arrived {
            Arrived::Ids(ids) => {
                for id in ids {
                    self.enqueue(QueueName::Incoming, id);
                }
            }
            Arrived::Many => self.scan(QueueName::Incoming, SystemTime::now()),
        }
    }

    fn enqueue(&mut self, queue: QueueName, id: String) {
        if self.active.contains_key(&id) || !self.waiting.insert(id.clone()) {
            return;
        }
        if queue == QueueName::Incoming {
            self.fresh.push_back((queue, id));
        } else {
            self.due.push_back((queue, id));
        }
    }

    /// Looks for messages that are due, oldest first, on a blocking thread.
    fn scan(&self, queue: QueueName, until: SystemTime) {
        let (spool, events, log) = (self.spool.clone(), self.events.clone(), self.log.clone());
        tokio::task::spawn_blocking(move || match spool.scan(queue) {
            Ok(mut found) => {
                // New mail is always due; a file that is written this moment may be younger than `until`.
                found.retain(|(_, next)| queue == QueueName::Incoming || *next <= until);
                found.sort_by_key(|(_, next)| *next);
                let ids = found.into_iter().map(|(id, _)| id).collect();
                let _ = events.send(Event::Found { queue, ids });
            }
            Err(error) => log.warning(format_args!("{error}")),
        });
    }

    /// Opens waiting messages while there is room in the active queue.
    fn fill(&mut self) {
        let limit = match self.site.params.qmgr_message_active_limit {
            0 => 20_000,
            limit => limit,
        };
        while self.active.len() < limit && self.loading < LOADING {
            self.take_due = !self.take_due;
            let next = if self.take_due {
                self.due.pop_front().or_else(|| self.fresh.pop_front())
            } else {
                self.fresh.pop_front().or_else(|| self.due.pop_front())
            };
            let Some((queue, id)) = next else {
                return;
            };
            self.waiting.remove(&id);
            if !self.claimed.contains(&id) && !self.active.contains_key(&id) {
                self.load(queue, id);
            }
        }
    }

    fn load(&mut self, queue: QueueName, id: String) {
        self.loading += 1;
        self.active.insert(id.clone(), Active::default());
        let (site, spool, events) = (self.site.clone(), self.spool.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            let result = spool.activate(queue, &id).map(|message| {
                // The reasons of the last try: this one makes its own.
                let _ = spool.remove_log(LogQueue::Defer, &id);
                let portions = plan::plan(&site, &message);
                (Arc::new(message), portions)
            });
            let _ = events.send(Event::Loaded { id, result });
        });
    }

    fn loaded(&mut self, id: &str, result: Result<(Arc<Message>, Vec<Portion>), LoadError>) {
        self.loading -= 1;
        let (message, portions) = match result {
            Ok(loaded) => loaded,
            Err(error) => return self.not_loaded(id, &error),
        };
        let recipients = portions.iter().map(|(_, r)| r.len()).sum();
        self.log.queue(
            id,
            format_args!(
                "from=<{}>, size={}, nrcpt={recipients} (queue active)",
                finish::shown_sender(&message),
                message.size()
            ),
        );
        let Some(active) = self.active.get_mut(id) else {
            return;
        };
        active.entered = Some(SystemTime::now());
        active.message = Some(message);
        active.todo = recipients;
        if active.wanted.is_some() {
            return self.end(id);
        }
        active.pending = portions.len();
        active.routes = portions.iter().map(|(route, _)| route.clone()).collect();
        if portions.is_empty() {
            return self.end(id);
        }
        for (route, recipients) in portions {
            let entry = Entry {
                id: id.to_owned(),
                recipients,
            };
            self.queue_entry(route, entry);
        }
    }

    fn not_loaded(&mut self, id: &str, error: &LoadError) {
        let wanted = self.active.remove(id).and_then(|active| active.wanted);
        if let Some(wanted) = wanted {
            let _ = wanted.reply.send(result(id, Outcome::Missing, None));
        }
        match error {
            LoadError::Missing | LoadError::Incomplete => {}
            LoadError::Corrupt(why) => {
                self.log.warning(format_args!(
                    "{id}: {why}; the queue file is saved in the corrupt queue"
                ));
            }
            LoadError::Spool(why) => self.log.warning(format_args!("{id}: {why}")),
        }
    }

    fn queue_entry(&mut self, route: Route, entry: Entry) {
        let (initial, limit) = plan::concurrency(&self.site, &route);
        let destination = self
            .destinations
            .entry(route.clone())
            .or_insert_with(|| Destination::new(initial, limit));
        if let Some(reason) = destination.dead().cloned() {
            return self.suspend(entry, &reason);
        }
        destination.queue.push_back(entry);
        self.ring(route);
    }

    fn ring(&mut self, route: Route) {
        let transport = self.transports.entry(route.transport.clone()).or_default();
        if transport.ringed.insert(route.clone()) {
            transport.ring.push_back(route);
        }
    }

    /// Starts deliveries: destinations in turn, as long as the transport has room.
    fn dispatch(&mut self) {
        let limit = match self.site.params.default_process_limit {
            0 => 100,
            limit => limit,
        };
        let names: Vec<String> = self.transports.keys().cloned().collect();
        for name in names {
            while let Some(transport) = self.transports.get_mut(&name) {
                if transport.busy >= limit {
                    break;
                }
                let Some(route) = transport.ring.pop_front() else {
                    break;
                };
                transport.ringed.remove(&route);
                let Some(destination) = self.destinations.get_mut(&route) else {
                    continue;
                };
                // What cannot start now comes back with the end of a delivery or a revival.
                if !destination.may_start() {
                    continue;
                }
                if let Some(entry) = destination.queue.pop_front() {
                    destination.busy += 1;
                    transport.busy += 1;
                    self.start(route.clone(), entry);
                }
                self.ring(route);
            }
        }
    }

    fn start(&mut self, route: Route, entry: Entry) {
        let job = self.job(&entry.id, &route, entry.recipients);
        self.counts.deliveries.fetch_add(1, Ordering::Relaxed);
        self.spawn(entry.id, Some(route), job);
    }

    /// Puts a portion off without asking its destination, which is known to be dead.
    fn suspend(&mut self, entry: Entry, reason: &(String, String)) {
        let (dsn, text) = reason;
        let route = Route {
            transport: "retry".into(),
            nexthop: format!("{dsn} delivery temporarily suspended: {text}"),
        };
        let job = self.job(&entry.id, &route, entry.recipients);
        self.spawn(entry.id, None, job);
    }

    fn job(&self, id: &str, route: &Route, recipients: Vec<EnvelopeRecipient>) -> Option<Job> {
        let active = self.active.get(id)?;
        Some(Job {
            site: self.site.clone(),
            spool: self.spool.clone(),
            message: Arc::clone(active.message.as_ref()?),
            transport: route.transport.clone(),
            nexthop: route.nexthop.clone(),
            others: active.todo.saturating_sub(recipients.len()),
            recipients,
            entered: active.entered.unwrap_or_else(SystemTime::now),
        })
    }

    fn spawn(&self, id: String, route: Option<Route>, job: Option<Job>) {
        let events = self.events.clone();
        tokio::spawn(async move {
            let report = match job {
                Some(job) => {
                    let recipients = job.recipients.len();
                    // A task of its own, so that a panic there is a deferral here and not a message forgotten.
                    tokio::spawn(delivery::deliver(Arc::new(job)))
                        .await
                        .unwrap_or_else(|_| Report {
                            deferred: recipients,
                            ..Report::default()
                        })
                }
                None => Report::default(),
            };
            let _ = events.send(Event::Delivered { id, route, report });
        });
    }

    fn delivered(&mut self, id: &str, route: Option<Route>, report: Report) {
        let sent = u64::try_from(report.sent).unwrap_or(0);
        self.counts.delivered.fetch_add(sent, Ordering::Relaxed);
        if let Some(route) = route {
            self.counts.deliveries.fetch_sub(1, Ordering::Relaxed);
            self.feedback(route, report.site_failure);
        }
        let Some(active) = self.active.get_mut(id) else {
            return;
        };
        active.done += report.sent + report.bounced;
        active.pending = active.pending.saturating_sub(1);
        if active.pending == 0 {
            self.end(id);
        }
    }

    /// What a delivery's end says of its destination.
    fn feedback(&mut self, route: Route, failure: Option<(String, String)>) {
        if let Some(transport) = self.transports.get_mut(&route.transport) {
            transport.busy = transport.busy.saturating_sub(1);
        }
        let pause = self.site.params.minimal_backoff_time;
        let Some(destination) = self.destinations.get_mut(&route) else {
            return;
        };
        destination.busy = destination.busy.saturating_sub(1);
        let Some(reason) = failure else {
            destination.succeeded();
            if destination.is_idle() {
                self.destinations.remove(&route);
            } else {
                self.ring(route);
            }
            return;
        };
        if destination.failed(reason.clone(), Instant::now(), pause) {
            for entry in std::mem::take(&mut destination.queue) {
                self.suspend(entry, &reason);
            }
        } else {
            self.ring(route);
        }
    }

    fn revive(&mut self, which: impl Fn(&Destination<Entry>) -> bool) {
        let mut revived = Vec::new();
        self.destinations.retain(|route, destination| {
            if destination.dead().is_some() && which(destination) {
                destination.revive();
                revived.push(route.clone());
            }
            !destination.is_idle()
        });
        for route in revived {
            if self.destinations.contains_key(&route) {
                self.ring(route);
            }
        }
    }

    /// Nothing of the message is being delivered any more.
    fn end(&mut self, id: &str) {
        let Some(active) = self.active.get_mut(id) else {
            return;
        };
        let Some(message) = active.message.clone() else {
            self.active.remove(id);
            return;
        };
        active.ending = true;
        let left = if active.todo > 0 && active.done >= active.todo {
            Left::Nothing
        } else {
            Left::Look
        };
        let wanted = active.wanted.take();
        let (site, spool) = (self.site.clone(), self.spool.clone());
        let (log, events) = (self.log.clone(), self.events.clone());
        tokio::task::spawn_blocking(move || {
            match wanted {
                Some(wanted) if left == Left::Look => {
                    requests::act_at_end(&site, &spool, &log, &message, wanted);
                }
                other => {
                    finish::finish(&site, &spool, &log, &message, left);
                    if let Some(wanted) = other {
                        let gone =
                            result(&message.id, Outcome::Missing, Some("delivered meanwhile"));
                        let _ = wanted.reply.send(gone);
                    }
                }
            }
            let _ = events.send(Event::Finished(message.id.clone()));
        });
    }
}
