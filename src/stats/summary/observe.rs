//! One record into the summary.

use super::super::causes::{self, domain};
use super::super::joined::joined;
use super::super::message::{Active, Came, Key, Source, Unsized, origin};
use super::super::series::Hour;
use super::hosts::{
    host_of, host_of_client, is_loopback, is_loopback_relay, lookup_zone, lower_domain,
};
use super::reinjection::{Candidate, message_id};
use super::{Outcome, Section, Summary, UNPARSED_KEPT, detail, surges};
use crate::logparse::event::{
    Client, ClientLine, Delivery, Event, Level, PostscreenKind, Reject, Status, Verdict, Warning,
};
use crate::logparse::{Line, Record, Stamp};

/// The client of mail from sendmail(1).
const PICKUP: &[u8] = b"local submission";

/// Whether a record lies in the period asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// It is counted.
    Counted,
    /// It lies before: only what it says about messages that live on is remembered.
    Context,
}

impl Summary {
    /// Counts one line.
    pub fn line(&mut self, line: &Line<'_>) {
        self.lines.read += 1;
        match line {
            Line::Postfix(record) => self.postfix_line(record),
            Line::Other | Line::Empty => self.lines.other += 1,
            Line::Garbage => self.lines.unparsed += 1,
            // It counts when it is whole.
            Line::Partial => self.lines.read -= 1,
        }
    }

    fn postfix_line(&mut self, record: &Record<'_>) {
        if let Event::Unparsed(text) = record.event {
            self.lines.unparsed += 1;
            if self.unparsed.len() < UNPARSED_KEPT {
                self.unparsed.push(text.into());
            }
        } else {
            self.lines.parsed += 1;
        }
        self.observe(record, Scope::Counted);
    }

    /// Counts what a record says. [`Summary::line`] calls it; callers that filter do so themselves.
    pub fn observe(&mut self, record: &Record<'_>, scope: Scope) {
        let key = record.queue_id.map(|id| self.key(record, id));
        if scope == Scope::Context {
            self.remember(record, key);
            return;
        }
        let hour = self.hour(record.time);
        if let Some(key) = key
            && self.message_event(record, key, hour)
        {
            if self.sections.has(Section::Messages) {
                self.note(record, key);
            }
            return;
        }
        self.other_event(record, hour);
    }

    /// The number of the hour's row; the period grows to hold the time.
    fn hour(&mut self, time: Stamp) -> u32 {
        // A busy server writes many lines a second.
        if let Some((last, hour)) = self.last
            && last == time
        {
            return hour;
        }
        self.period = Some(match self.period {
            Some((from, to)) => (from.min(time), to.max(time)),
            None => (time, time),
        });
        let hour = self.series.number(Hour::of(time));
        self.last = Some((time, hour));
        hour
    }

    fn key(&mut self, record: &Record<'_>, id: &[u8]) -> Key {
        Key::new(self.origin(record), id)
    }

    /// The number of the record's host and instance.
    pub(super) fn origin(&mut self, record: &Record<'_>) -> u32 {
        if self.origin.0 != record.host || self.origin.1 != record.instance {
            self.origin = (
                record.host.to_vec(),
                record.instance.to_vec(),
                origin(record.host, record.instance),
            );
        }
        self.origin.2
    }

    /// Events of a message's life; false when the event is none.
    fn message_event(&mut self, record: &Record<'_>, key: Key, hour: u32) -> bool {
        match &record.event {
            Event::Client(line) => self.client_line(record, key, line),
            Event::Pickup { .. } => {
                let client = self.clients.number(PICKUP);
                self.messages.begin(key, Source::Client(client));
            }
            Event::MessageId {
                message_id: text,
                resent: false,
            } => self.message_id(key, text),
            Event::QueueActive { from, size, nrcpt } => {
                self.queue_active(key, from, *size, *nrcpt, hour);
            }
            Event::Delivery(delivery) => self.delivery(record, key, delivery, hour),
            Event::Removed { .. } => self.messages.end(key),
            Event::Postsuper(act) => {
                // A requeued message gets a new id from pickup; the old one is over, as after a removal.
                use crate::logparse::event::QueueAct::{Removed, Requeued};
                if matches!(act, Removed | Requeued) {
                    self.messages.end(key);
                }
            }
            Event::Expired { .. } => {
                self.series.at_mut(hour).expired += u64::from(record.repeat);
            }
            _ => return false,
        }
        true
    }

    /// What a record before the period says about messages that live on.
    fn remember(&mut self, record: &Record<'_>, key: Option<Key>) {
        let Some(key) = key else {
            // How long a connection lasted that ends in the period.
            if matches!(record.event, Event::Connect(_)) && self.sections.has(Section::Connections)
            {
                self.connected(record);
            }
            return;
        };
        match &record.event {
            Event::Client(line) => {
                let source = self.source(record, line);
                let user = line.sasl_username.map(|user| self.sasl.users.number(user));
                self.messages.begin_by(key, source, user);
            }
            Event::Pickup { .. } => {
                let client = self.clients.number(PICKUP);
                self.messages.begin(key, Source::Client(client));
            }
            Event::MessageId { message_id, .. } => self.message_id(key, message_id),
            Event::QueueActive { size, .. } => {
                let message = self.messages.of(key);
                message.active = true;
                message.size = message.size.or(Some(*size));
            }
            Event::Removed { .. } => self.messages.end(key),
            _ => {}
        }
    }

    fn client_line(&mut self, record: &Record<'_>, key: Key, line: &ClientLine<'_>) {
        let source = self.source(record, line);
        let user = line.sasl_username.map(|user| self.sasl.users.number(user));
        if let Some(user) = user {
            self.sasl.users.at_mut(user).messages += 1;
        }
        self.messages.begin_by(key, source, user);
    }

    fn source(&mut self, record: &Record<'_>, line: &ClientLine<'_>) -> Source {
        if line.orig_queue_id.is_some() || line.orig_client.is_some() {
            return Source::Reinjected;
        }
        let mut name = [0; 320];
        let name = joined(&[line.client.name, b"[", line.client.ip, b"]"], &mut name);
        let client = self.clients.number(&name);
        if is_loopback(&line.client) {
            let listener = self.reinjection.listeners.number(record.tag);
            return Source::Loopback(client, listener);
        }
        // Listeners under the service's plain name are never dedicated: no need to note their clients.
        if record.tag.len() > record.instance.len() + record.service.len() + 1 {
            self.reinjection.listeners.row(record.tag).public = true;
        }
        Source::Client(client)
    }

    fn message_id(&mut self, key: Key, text: &[u8]) {
        let Some(id) = message_id(text) else { return };
        let message = self.messages.of(key);
        if message.message_id.is_none() {
            message.message_id = Some(id);
            if std::mem::take(&mut message.filtered) {
                self.reinjection.passed_on(id);
            }
        }
    }

    fn queue_active(&mut self, key: Key, from: &[u8], size: u64, recipients: u32, hour: u32) {
        let message = self.messages.of(key);
        let waiting = match message.size {
            None => {
                message.size = Some(size);
                message.unsized_.take()
            }
            Some(_) => None,
        };
        let retry = std::mem::replace(&mut message.active, true);
        let came = message.came();
        if let Some(waiting) = waiting {
            self.add_sizes(&waiting, size);
        }
        if retry {
            return;
        }
        let sender = self.senders.number(&lower_domain(from));
        let active = Active {
            hour,
            sender,
            size,
            recipients,
        };
        if came.source == Source::Unknown {
            self.messages.of(key).unresolved = Some(active);
        } else {
            self.became_active(key, came, active);
        }
    }

    /// A message with a source reached the active queue for the first time.
    pub(super) fn became_active(&mut self, key: Key, came: Came, active: Active) {
        match came.source {
            Source::Unknown => {}
            Source::Reinjected => self.reinjected += 1,
            Source::Client(client) => self.count_received(client, came.user, active),
            Source::Loopback(client, listener) => self.reinjection.candidate(Candidate {
                id: key.id(),
                message_id: came.message_id,
                listener,
                client,
                active,
                user: came.user,
            }),
        }
    }

    pub(super) fn count_received(&mut self, client: u32, user: Option<u32>, active: Active) {
        let Active {
            hour,
            sender,
            size,
            recipients,
        } = active;
        if self.sections.has(Section::Surges) {
            self.surges
                .add(surges::number(user, client), hour, recipients);
        }
        let counts = self.series.at_mut(hour);
        counts.received += 1;
        counts.bytes_received += size;
        self.senders.at_mut(sender).add(size, 1);
        self.clients.at_mut(client).add(size, 1);
        // As pflogsumm: the domain of the sender, or who brought the message when it has none.
        let host = match self.sending_host(sender) {
            Some(host) => host,
            None => self
                .sending_hosts
                .number(host_of(self.clients.name(client))),
        };
        self.sending_hosts.at_mut(host).add(size, 1);
    }

    /// The row of a sender's domain, when it has one.
    fn sending_host(&mut self, sender: u32) -> Option<u32> {
        const UNKNOWN: u32 = u32::MAX;
        const NONE: u32 = u32::MAX - 1;
        let at = sender as usize;
        if self.sending_host_of.len() <= at {
            self.sending_host_of.resize(at + 1, UNKNOWN);
        }
        if self.sending_host_of[at] == UNKNOWN {
            let domain = domain(self.senders.name(sender));
            self.sending_host_of[at] =
                domain.map_or(NONE, |domain| self.sending_hosts.number(domain));
        }
        Some(self.sending_host_of[at]).filter(|host| *host != NONE)
    }

    fn delivery(&mut self, record: &Record<'_>, key: Key, delivery: &Delivery<'_>, hour: u32) {
        let times = u64::from(record.repeat);
        if let Some(tls) = delivery.tls
            && !matches!(delivery.status, Status::Deliverable | Status::Undeliverable)
        {
            *self.tls.deliveries.row(tls) += times;
        }
        match delivery.status {
            Status::Sent if delivery.is_forward() => {
                self.series.at_mut(hour).forwarded += times;
            }
            Status::Sent => self.sent(key, delivery, hour, record.repeat),
            Status::Deferred | Status::SoftBounce => {
                self.series.at_mut(hour).deferrals += times;
                let message = self.messages.of(key);
                if !message.deferred {
                    message.deferred = true;
                    self.deferred += 1;
                }
                let (_, destination) = self.recipient(delivery.to);
                let row = self.destinations.at_mut(destination);
                row.deferrals += times;
                row.delay_max = row.delay_max.max(delivery.delay);
                let cause = self.deferrals.add_text(delivery.reason, record.time, times);
                self.add_detail(Outcome::Deferral, cause, destination, times);
            }
            Status::Bounced => {
                self.series.at_mut(hour).bounced += times;
                let (_, destination) = self.recipient(delivery.to);
                self.destinations.at_mut(destination).bounced += times;
                let cause = self.bounces.add_text(delivery.reason, record.time, times);
                self.add_detail(Outcome::Bounce, cause, destination, times);
            }
            Status::Deliverable | Status::Undeliverable => self.probes += times,
            Status::Other => {}
        }
    }

    fn add_detail(&mut self, outcome: Outcome, cause: u32, name: u32, times: u64) {
        if self.sections.has(Section::Detail) {
            self.details.add(outcome, cause, name, times);
        }
    }

    fn sent(&mut self, key: Key, delivery: &Delivery<'_>, hour: u32, repeat: u32) {
        let times = u64::from(repeat);
        let (recipient, destination) = self.recipient(delivery.to);
        self.delays.add(delivery.delay, delivery.delays, times);
        let row = self.destinations.at_mut(destination);
        row.delivered += times;
        row.delay_sum += delivery.delay * times;
        row.delay_max = row.delay_max.max(delivery.delay);
        if self.sections.has(Section::DestinationDelays) {
            row.delays.add(delivery.delay, delivery.delays, times);
        }
        self.recipients.at_mut(recipient).count += times;
        self.series.at_mut(hour).delivered += times;
        let waiting = Unsized {
            hour,
            recipient,
            times: repeat,
        };
        let message = self.messages.of(key);
        match message.size {
            Some(size) => self.add_sizes(&[waiting], size),
            None => message.unsized_.get_or_insert_default().push(waiting),
        }
        if is_loopback_relay(delivery.relay)
            && let Some(id) = delivery.queued_as()
        {
            self.passed_by_filter(key, id);
        }
    }

    /// A loopback relay, which is a content filter when it brings the message back, queued it as `id`.
    fn passed_by_filter(&mut self, key: Key, id: &[u8]) {
        self.reinjection.queued_as(id);
        let message = self.messages.of(key);
        match message.message_id {
            Some(id) => self.reinjection.passed_on(id),
            None => message.filtered = true,
        }
    }

    /// Adds a message's size to what was delivered of it.
    pub(super) fn add_sizes(&mut self, deliveries: &[Unsized], size: u64) {
        for delivery in deliveries {
            let bytes = size * u64::from(delivery.times);
            self.series.at_mut(delivery.hour).bytes_delivered += bytes;
            self.recipients.at_mut(delivery.recipient).bytes += bytes;
            let destination = self.destination(delivery.recipient);
            self.destinations.at_mut(destination).bytes += bytes;
        }
    }

    /// The rows of a recipient and of its domain.
    fn recipient(&mut self, address: &[u8]) -> (u32, u32) {
        let recipient = self.recipients.number(&lower_domain(address));
        (recipient, self.destination(recipient))
    }

    fn destination(&mut self, recipient: u32) -> u32 {
        let at = recipient as usize;
        if self.destination_of.len() <= at {
            self.destination_of.resize(at + 1, u32::MAX);
        }
        if self.destination_of[at] == u32::MAX {
            let name = self.recipients.name(recipient);
            let name = domain(name).unwrap_or(name);
            self.destination_of[at] = self.destinations.number(name);
        }
        self.destination_of[at]
    }

    /// Events that are about no message, or that no message's state depends on.
    fn other_event(&mut self, record: &Record<'_>, hour: u32) {
        let times = u64::from(record.repeat);
        match &record.event {
            Event::Connect(_) => {
                self.connections += times;
                if self.sections.has(Section::Connections) {
                    self.connected(record);
                }
            }
            Event::Disconnect { client, .. } if self.sections.has(Section::Connections) => {
                self.disconnected(record, client, hour);
            }
            Event::Reject(reject) => self.reject(record, reject, hour),
            Event::Warning(warning) => self.warning(record, warning, times),
            Event::Failure(text) => {
                let mut name = record.service.to_vec();
                name.extend_from_slice(b": ");
                name.extend_from_slice(&causes::of_text(record.text));
                let causes = match record.level {
                    Level::Fatal => &mut self.fatals,
                    Level::Panic => &mut self.panics,
                    _ => &mut self.errors,
                };
                causes.add(&name, text, record.time, times);
            }
            Event::Lifecycle(text) => {
                // Few distinct texts, and versions and directories are what one wants to read.
                let name = &text[..text.len().min(200)];
                self.lifecycle.add(name, text, record.time, times);
            }
            Event::Postscreen { kind, client, .. } => {
                self.postscreen(*kind, client, record.repeat);
            }
            Event::Dnsblog {
                address, domain, ..
            } => {
                self.zones.row(domain).listed += times;
                if self.sections.has(Section::Overlap) {
                    self.overlap.listed(address, domain);
                }
            }
            Event::Tls(tls) => self.tls_session(tls, times),
            Event::TlsFailed { inbound: true, .. } => self.tls.failed_inbound += times,
            Event::TlsFailed { .. } => self.tls.failed_outbound += times,
            Event::Anvil(anvil) => self.limits.peak(anvil.what, anvil.value),
            _ => {}
        }
    }

    fn postscreen(&mut self, kind: PostscreenKind, client: &Client<'_>, repeat: u32) {
        let times = u64::from(repeat);
        *self.postscreen.entry(kind).or_default() += times;
        if kind == PostscreenKind::Connect {
            self.connections += times;
        }
        if self.sections.has(Section::Overlap) {
            match kind {
                PostscreenKind::Connect => self.overlap.connected(client.ip, repeat),
                PostscreenKind::DnsblRank => self.overlap.condemned(client.ip, repeat),
                _ => {}
            }
        }
    }

    fn warning(&mut self, record: &Record<'_>, warning: &Warning<'_>, times: u64) {
        match warning {
            Warning::SaslFailed {
                client,
                why,
                username,
                ..
            } => {
                *self.sasl.failures.row(client.ip) += times;
                if let Some(user) = username {
                    self.sasl.users.row(user).failures += times;
                }
                self.sasl.reasons.add_text(why, record.time, times);
            }
            Warning::RblLookup { name, .. } => {
                self.zones.row(lookup_zone(name)).errors += times;
            }
            Warning::LimitExceeded {
                what,
                count,
                client,
                service,
            } => self.limits.exceeded(what, service, *count, client, times),
            _ => {}
        }
        let text = unmarked(record.text);
        let mut buffer = [0; 320];
        let key = joined(&[record.service, b": ", text], &mut buffer);
        let name = || [record.service, b": ", &warning_name(warning, text)].concat();
        self.warnings
            .add_known(&key, name, text, record.time, times);
    }

    fn reject(&mut self, record: &Record<'_>, reject: &Reject<'_>, hour: u32) {
        let times = u64::from(record.repeat);
        let counts = self.series.at_mut(hour);
        let zone = reject.category.zone();
        let outcome = match reject.verdict {
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject => {
                counts.rejected += times;
                if let Some(zone) = zone {
                    self.zones.row(zone).rejects += times;
                }
                Outcome::Reject
            }
            Verdict::RejectWarning => {
                counts.reject_warnings += times;
                if let Some(zone) = zone {
                    self.zones.row(zone).warnings += times;
                }
                Outcome::RejectWarning
            }
            // header_checks and body_checks WARN; the WARN of smtpd's access tables is no would-be reject.
            Verdict::Warn if record.service == b"cleanup" => {
                counts.reject_warnings += times;
                Outcome::RejectWarning
            }
            Verdict::Hold | Verdict::MilterHold => {
                counts.held += times;
                Outcome::Hold
            }
            Verdict::Discard | Verdict::MilterDiscard => {
                counts.discarded += times;
                Outcome::Discard
            }
            _ => return,
        };
        let cause = self
            .causes_mut(outcome)
            .add_reject(reject, record.text, record.time, times);
        if self.sections.has(Section::Detail) {
            let name = detail::subject(reject, host_of_client(&reject.client));
            let name = self.details.name(name);
            self.details.add(outcome, cause, name, times);
        }
    }
}

/// A warning's cause. Typed ones get a name without the client's choice of words.
fn warning_name(warning: &Warning<'_>, text: &[u8]) -> Vec<u8> {
    match warning {
        Warning::RblLookup { name, .. } => {
            let mut out = b"RBL lookup error: ".to_vec();
            out.extend_from_slice(lookup_zone(name));
            out
        }
        Warning::HostnameMismatch { .. } => b"hostname does not resolve to address".to_vec(),
        Warning::NonSmtpCommand { .. } => b"non-SMTP command".to_vec(),
        Warning::IllegalAddress { command, .. } => {
            let mut out = b"Illegal address syntax in ".to_vec();
            out.extend_from_slice(command);
            out.extend_from_slice(b" command");
            out
        }
        _ => causes::of_text(text),
    }
}

/// The text of a line without its `warning: `.
fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"warning: ").unwrap_or(text)
}
