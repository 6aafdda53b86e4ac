//! How each event changes what is known of its message.

use super::super::event::{Client, Delivery, Event, QueueAct, Reject, Status, Verdict};
use super::super::header::queue_id::is_queue_id;
use super::super::{Record, Stamp};
use super::Messages;
use super::message::{
    Attempt, Life, Link, MOST_RECIPIENTS, MOST_STEPS, Note, Outcome, Recipient, Relation, Source,
    State,
};

impl Messages {
    /// Takes note of one line; lines about no message are ignored. Gives the serial number of the message
    /// it is about, with which [`Messages::get`] finds it as long as there is room for it.
    pub fn observe(&mut self, record: &Record<'_>) -> Option<i64> {
        let id = record.queue_id?;
        let serial = self.life_of(record, id, begins(&record.event));
        if let Some(life) = self.lives.get_mut(&serial) {
            life.last = record.time;
            life.apply(record);
            if life.is_finished() {
                self.finished.insert(serial);
            } else {
                self.finished.remove(&serial);
            }
        }
        self.follow_links(record, serial);
        self.make_room();
        Some(serial)
    }

    /// The serial of the message that this line is about; a new one when it begins a generation.
    fn life_of(&mut self, record: &Record<'_>, id: &[u8], begins: Begins) -> i64 {
        let id = String::from_utf8_lossy(id);
        let current = self
            .newest(record, &id)
            .filter(|(_, life)| !life.is_over_before(begins))
            .or_else(|| self.elsewhere(record, &id, begins))
            .map(|(serial, _)| serial);
        current.unwrap_or_else(|| self.begin(record, &id))
    }

    /// The newest message of an id where the line was written.
    pub(super) fn newest(&self, record: &Record<'_>, id: &str) -> Option<(i64, &Life)> {
        self.serials(id).iter().rev().find_map(|serial| {
            let life = self.lives.get(serial)?;
            (life.host.as_bytes() == record.host && life.instance.as_bytes() == record.instance)
                .then_some((*serial, life))
        })
    }

    /// The unfinished message of an id that nothing is known of here, but on a host of another name.
    fn elsewhere(&self, record: &Record<'_>, id: &str, begins: Begins) -> Option<(i64, &Life)> {
        if !matches!(begins, Begins::Queue | Begins::Nothing) || self.newest(record, id).is_some() {
            return None;
        }
        let serial = self.serials(id).last()?;
        let life = self.lives.get(serial)?;
        (life.instance.as_bytes() == record.instance && !life.is_finished())
            .then_some((*serial, life))
    }

    /// Begins a message.
    fn begin(&mut self, record: &Record<'_>, id: &str) -> i64 {
        let serial = self.next;
        self.next += 1;
        let generation = self
            .newest(record, id)
            .map_or(0, |(_, last)| last.generation + 1);
        self.index.entry(id.into()).or_default().push(serial);
        self.lives.insert(
            serial,
            Life {
                host: text(record.host),
                instance: text(record.instance),
                id: id.into(),
                generation,
                first: record.time,
                last: record.time,
                ..Life::default()
            },
        );
        serial
    }

    /// Ties this message to the others that the line names.
    fn follow_links(&mut self, record: &Record<'_>, serial: i64) {
        match &record.event {
            Event::Notification { new_id, .. } => {
                let of = record.queue_id.map(text).unwrap_or_default();
                let source = Source::Bounce { of };
                self.link_new(record, serial, new_id, Relation::Notified, source);
            }
            Event::Delivery(delivery) if delivery.is_forward() => {
                let new_id = delivery.reason.get(b"forwarded as ".len()..).unwrap_or(b"");
                if is_queue_id(new_id) {
                    let of = record.queue_id.map(text).unwrap_or_default();
                    let source = Source::Forward { of };
                    self.link_new(record, serial, new_id, Relation::ForwardedAs, source);
                }
            }
            Event::Delivery(delivery) if delivery.status == Status::Sent => {
                if let Some(id) = delivery.queued_as().filter(|id| is_queue_id(id)) {
                    self.link_hop(record, serial, id);
                }
            }
            Event::Pickup {
                orig_id: Some(old), ..
            } => self.link_known(record, serial, old, Relation::RequeuedFrom),
            Event::Client(line) => {
                if let Some(old) = line.orig_queue_id {
                    self.link_known(record, serial, old, Relation::ReinjectedFrom);
                }
            }
            _ => {}
        }
    }

    /// Ties to a message that begins here and has no source of its own.
    ///
    /// Since 3.11 its first line comes after this one, before that it has usually been seen already.
    fn link_new(
        &mut self,
        record: &Record<'_>,
        serial: i64,
        new_id: &[u8],
        relation: Relation,
        source: Source,
    ) {
        let new_id = String::from_utf8_lossy(new_id);
        let fresh = self.newest(record, &new_id).filter(|(_, life)| {
            life.source == Source::Unknown && record.time.micros - life.first.micros < FRESH
        });
        let fresh = fresh.map(|(serial, _)| serial);
        let new = fresh.unwrap_or_else(|| self.begin(record, &new_id));
        if let Some(life) = self.lives.get_mut(&new) {
            life.source = source;
        }
        self.link(serial, new, relation);
    }

    /// Ties to a message known under an older id of the same instance; the id alone when it is not.
    fn link_known(&mut self, record: &Record<'_>, serial: i64, old: &[u8], relation: Relation) {
        let old = String::from_utf8_lossy(old);
        match self.newest(record, &old).map(|(known, _)| known) {
            Some(known) if known != serial => self.link(serial, known, relation),
            _ => self.tie(serial, relation, &old),
        }
    }

    /// Ties to the next hop's id, which another instance here may know: a content filter's way back, or a
    /// message handed from instance to instance.
    fn link_hop(&mut self, record: &Record<'_>, serial: i64, id: &[u8]) {
        let id = String::from_utf8_lossy(id);
        let newest = self.serials(&id).iter().rev().copied();
        let found = newest
            .filter(|other| *other != serial)
            .find_map(|other| Some((other, self.lives.get(&other)?)))
            // The next hop answers after it has queued the message: an old one is another of that id.
            .filter(|(_, life)| record.time.micros - life.first.micros < ANSWER)
            .map(|(other, life)| {
                let here = life.instance.as_bytes() == record.instance
                    && life.host.as_bytes() == record.host;
                (other, here)
            });
        match found {
            Some((other, true)) => self.link(serial, other, Relation::ReinjectedAs),
            Some((other, false)) => self.link(serial, other, Relation::QueuedAs),
            None => self.tie(serial, Relation::QueuedAs, &id),
        }
    }

    /// Ties two known messages, both ways.
    pub(super) fn link(&mut self, from: i64, to: i64, relation: Relation) {
        let id = |serial| self.lives.get(&serial).map(|life: &Life| life.id.clone());
        if let (Some(from_id), Some(to_id)) = (id(from), id(to)) {
            self.tie(from, relation, &to_id);
            self.tie(to, relation.reverse(), &from_id);
        }
    }

    fn tie(&mut self, serial: i64, relation: Relation, id: &str) {
        if let Some(life) = self.lives.get_mut(&serial) {
            let link = Link {
                relation,
                id: id.into(),
            };
            // A re-injection is told by both ends; a relation holds once.
            if life.links.len() < MOST_STEPS && !life.links.contains(&link) {
                life.links.push(link);
            }
        }
    }
}

/// smtp(8) waits ten minutes for the answer to the end of the data (smtp_data_done_timeout); the rest is for
/// clocks that differ (microseconds).
pub(super) const ANSWER: i64 = 900_000_000;

/// A message whose first line was seen less than this long ago (microseconds) is the one just made for a
/// notification; an older one without a source is another generation of the id.
const FRESH: i64 = 60_000_000;

/// Whether an event can begin a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// It names the source: `client=`, `uid=`.
    Source,
    /// `message-id=`: once a message.
    MessageId,
    /// `queue active`: of a message whose beginning was not seen.
    Queue,
    /// It does not.
    Nothing,
}

fn begins(event: &Event<'_>) -> Begins {
    match event {
        Event::Client(_) | Event::Pickup { .. } => Begins::Source,
        Event::MessageId { resent: false, .. } => Begins::MessageId,
        Event::QueueActive { .. } => Begins::Queue,
        _ => Begins::Nothing,
    }
}

impl Life {
    /// Whether a line that begins so belongs to a later generation of this id.
    fn is_over_before(&self, begins: Begins) -> bool {
        match begins {
            // smtpd and pickup speak first: whatever was seen before was another message.
            Begins::Source => self.source != Source::Unknown || self.sequence > 0,
            Begins::MessageId => {
                self.message_id.is_some() || (self.is_finished() && self.state != State::Discarded)
            }
            Begins::Queue => self.is_finished() && self.state != State::Requeued,
            Begins::Nothing => false,
        }
    }

    fn apply(&mut self, record: &Record<'_>) {
        let time = record.time;
        match &record.event {
            Event::Client(line) => {
                self.source = Source::Client {
                    name: text(line.client.name),
                    ip: text(line.client.ip),
                    sasl_username: line.sasl_username.map(text),
                    orig_queue_id: line.orig_queue_id.map(text),
                };
                let login = line
                    .sasl_username
                    .map(|user| format!(", sasl_username={}", text(user)))
                    .unwrap_or_default();
                self.note(
                    time,
                    "client",
                    None,
                    &format!("{}{login}", shown(line.client)),
                );
            }
            Event::Pickup { uid, from, orig_id } => {
                self.source = Source::Pickup {
                    uid: *uid,
                    orig_id: orig_id.map(text),
                };
                self.from = Some(text(from));
                self.note(
                    time,
                    "pickup",
                    None,
                    &format!("uid={uid} from=<{}>", text(from)),
                );
            }
            Event::MessageId { message_id, resent } => {
                if !resent {
                    self.message_id = Some(text(message_id));
                }
                self.note(time, "message-id", None, &text(message_id));
            }
            Event::QueueActive { from, size, nrcpt } => {
                self.from = Some(text(from));
                self.size = Some(*size);
                self.nrcpt = Some(*nrcpt);
                self.state = State::Active;
                let detail = format!("from=<{}>, size={size}, nrcpt={nrcpt}", text(from));
                self.note(time, "queue active", Some(Outcome::Active), &detail);
            }
            Event::Removed { note } => {
                if !self.is_finished() {
                    self.state = State::Done;
                }
                self.note(time, "removed", None, &text(note.unwrap_or(b"")));
            }
            Event::Expired { from, .. } => {
                self.from = Some(text(from));
                self.note(
                    time,
                    "expired",
                    Some(Outcome::Expired),
                    "returned to sender",
                );
            }
            Event::Delivery(delivery) => self.attempt(record, delivery),
            Event::Notification { kind, new_id } => {
                let detail = format!("{} {}", kind.name().replace('_', " "), text(new_id));
                self.note(time, "notification", None, &detail);
            }
            Event::Reject(reject) => self.verdict(record, reject),
            Event::Postsuper(act) => self.act(time, *act),
            Event::Skipped => self.note(time, "skipped", None, "still being delivered"),
            Event::Remote { text: remark } => self.note(time, "remote", None, &text(remark)),
            Event::Warning(_) => self.note(time, "warning", None, &text(record.text)),
            Event::Failure(words) => self.note(time, record.level.name(), None, &text(words)),
            Event::NotificationFailed(_) => {
                self.note(time, "notification failed", None, &text(record.text));
            }
            _ => self.note(time, "other", None, &text(record.text)),
        }
    }

    fn attempt(&mut self, record: &Record<'_>, delivery: &Delivery<'_>) {
        let sequence = self.next();
        let attempt = Attempt {
            time: record.time,
            service: text(record.service),
            relay: text(delivery.relay),
            delay: delivery.delay,
            delays: delivery.delays,
            dsn: text(delivery.dsn),
            status: delivery.status,
            reason: text(delivery.reason),
            tls: delivery.tls.map(text),
            sequence,
        };
        if matches!(delivery.status, Status::Deferred | Status::SoftBounce) && !self.is_finished() {
            self.state = State::Deferred;
        }
        let (to, orig_to) = (text(delivery.to), delivery.orig_to.map(text));
        let known = self
            .recipients
            .iter()
            .position(|r| r.to == to && r.orig_to == orig_to);
        if let Some(at) = known {
            if self.recipients[at].attempts.len() >= MOST_STEPS {
                // The beginning and the end tell most.
                self.recipients[at].attempts.remove(MOST_STEPS / 2);
                self.recipients[at].more_attempts += 1;
            }
            self.recipients[at].attempts.push(attempt);
        } else if self.recipients.len() < MOST_RECIPIENTS {
            self.recipients.push(Recipient {
                to,
                orig_to,
                attempts: vec![attempt],
                more_attempts: 0,
            });
        } else {
            self.more_recipients += 1;
        }
    }

    fn verdict(&mut self, record: &Record<'_>, reject: &Reject<'_>) {
        let by_cleanup = record.service == b"cleanup";
        let outcome = match reject.verdict {
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject => {
                Some(Outcome::Rejected)
            }
            Verdict::Discard | Verdict::MilterDiscard => Some(Outcome::Discarded),
            Verdict::Hold | Verdict::MilterHold => Some(Outcome::Held),
            _ => None,
        };
        // smtpd's verdicts are about one command: the message may go on without that recipient.
        match outcome {
            Some(Outcome::Rejected) if by_cleanup => self.state = State::Rejected,
            Some(Outcome::Discarded) => self.state = State::Discarded,
            Some(Outcome::Held) => self.state = State::Held,
            _ => {}
        }
        if let Some(helo) = reject.helo {
            self.helo = Some(text(helo));
        }
        if self.from.is_none() {
            self.from = reject.from.map(text);
        }
        let to = reject
            .to
            .map(|to| format!(", to=<{}>", text(to)))
            .unwrap_or_default();
        let matched = reject
            .matched
            .map(|line| format!(" {}", text(line)))
            .unwrap_or_default();
        let code = match reject.code {
            0 => String::new(),
            code => format!("{code} "),
        };
        let dsn = match reject.dsn {
            b"" => String::new(),
            dsn => format!("{} ", text(dsn)),
        };
        let detail = format!(
            "{}{matched}{to}: {code}{dsn}{}",
            text(reject.stage),
            text(reject.reason)
        );
        self.note(record.time, reject.verdict.name(), outcome, &detail);
    }

    fn act(&mut self, time: Stamp, act: QueueAct) {
        let (state, outcome) = match act {
            QueueAct::Removed => (State::Deleted, Outcome::Deleted),
            QueueAct::Requeued => (State::Requeued, Outcome::Requeued),
            QueueAct::Hold => (State::Held, Outcome::Held),
            // Released mail waits in the deferred queue until the queue manager takes it.
            QueueAct::Released => (State::Deferred, Outcome::Deferred),
            QueueAct::Expired => (self.state, Outcome::Expired),
        };
        self.state = state;
        self.note(
            time,
            "postsuper",
            Some(outcome),
            &act.name().replace('_', " "),
        );
    }

    fn note(&mut self, time: Stamp, what: &'static str, outcome: Option<Outcome>, detail: &str) {
        let sequence = self.next();
        if self.notes.len() >= MOST_STEPS {
            // The beginning and the end tell most.
            self.notes.remove(MOST_STEPS / 2);
            self.more_notes += 1;
        }
        self.notes.push(Note {
            time,
            what,
            outcome,
            detail: detail.into(),
            sequence,
        });
    }

    fn next(&mut self) -> u32 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }
}

/// Owned text, lossy.
fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

fn shown(client: Client<'_>) -> String {
    format!("{}[{}]", text(client.name), text(client.ip))
}
