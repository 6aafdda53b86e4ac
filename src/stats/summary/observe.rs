//! One record into the summary.

use super::super::causes::{self, domain};
use super::super::message::{Active, Key, Source, Unsized, origin};
use super::super::series::Hour;
use super::reinjection::{Candidate, message_id};
use super::{Summary, UNPARSED_KEPT};
use crate::logparse::event::{
    Client, ClientLine, Delivery, Event, PostscreenKind, Reject, Status, Verdict, Warning,
};
use crate::logparse::{Line, Record};
use std::borrow::Cow;

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
        self.period = Some(match self.period {
            Some((from, to)) => (from.min(record.time), to.max(record.time)),
            None => (record.time, record.time),
        });
        let hour = self.series.number(Hour::of(record.time));
        if let Some(key) = key
            && self.message_event(record, key, hour)
        {
            return;
        }
        self.other_event(record, hour);
    }

    fn key(&mut self, record: &Record<'_>, id: &[u8]) -> Key {
        if self.origin.0 != record.host || self.origin.1 != record.instance {
            self.origin = (
                record.host.to_vec(),
                record.instance.to_vec(),
                origin(record.host, record.instance),
            );
        }
        Key::new(self.origin.2, id)
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
            Event::QueueActive { from, size, .. } => self.queue_active(key, from, *size, hour),
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
        let Some(key) = key else { return };
        match &record.event {
            Event::Client(line) => {
                let source = self.source(record, line);
                self.messages.begin(key, source);
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
        self.messages.begin(key, source);
        if let Some(user) = line.sasl_username {
            *self.sasl.users.row(user) += 1;
        }
    }

    fn source(&mut self, record: &Record<'_>, line: &ClientLine<'_>) -> Source {
        if line.orig_queue_id.is_some() || line.orig_client.is_some() {
            return Source::Reinjected;
        }
        let mut name = [0; 320];
        let name = client_name(&line.client, &mut name);
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

    fn queue_active(&mut self, key: Key, from: &[u8], size: u64, hour: u32) {
        let message = self.messages.of(key);
        let waiting = match message.size {
            None => {
                message.size = Some(size);
                message.unsized_.take()
            }
            Some(_) => None,
        };
        let retry = std::mem::replace(&mut message.active, true);
        let (source, message_id) = (message.source, message.message_id);
        if let Some(waiting) = waiting {
            self.add_sizes(&waiting, size);
        }
        if retry {
            return;
        }
        let sender = self.senders.number(&lower_domain(from));
        let active = Active { hour, sender, size };
        if source == Source::Unknown {
            self.messages.of(key).unresolved = Some(active);
        } else {
            self.became_active(key, source, message_id, active);
        }
    }

    /// A message with a source reached the active queue for the first time.
    pub(super) fn became_active(
        &mut self,
        key: Key,
        source: Source,
        message_id: Option<u64>,
        active: Active,
    ) {
        let Active { hour, sender, size } = active;
        match source {
            Source::Unknown => {}
            Source::Reinjected => self.reinjected += 1,
            Source::Client(client) => self.count_received(client, sender, hour, size),
            Source::Loopback(client, listener) => self.reinjection.candidate(Candidate {
                id: key.id(),
                message_id,
                listener,
                client,
                sender,
                hour,
                size,
            }),
        }
    }

    pub(super) fn count_received(&mut self, client: u32, sender: u32, hour: u32, size: u64) {
        let counts = self.series.at_mut(hour);
        counts.received += 1;
        counts.bytes_received += size;
        self.senders.at_mut(sender).add(size, 1);
        self.clients.at_mut(client).add(size, 1);
        let sender = self.senders.name(sender);
        // As pflogsumm: the domain of the sender, or who brought the message when it has none.
        let host = match domain(sender) {
            Some(domain) => domain,
            None => host_of(self.clients.name(client)),
        };
        self.sending_hosts.row(host).add(size, 1);
    }

    fn delivery(&mut self, record: &Record<'_>, key: Key, delivery: &Delivery<'_>, hour: u32) {
        let times = u64::from(record.repeat);
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
                self.deferrals.add_text(delivery.reason, record.time, times);
            }
            Status::Bounced => {
                self.series.at_mut(hour).bounced += times;
                let (_, destination) = self.recipient(delivery.to);
                self.destinations.at_mut(destination).bounced += times;
                self.bounces.add_text(delivery.reason, record.time, times);
            }
            Status::Deliverable | Status::Undeliverable => self.probes += times,
            Status::Other => {}
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
            Event::Connect(_) => self.connections += times,
            Event::Reject(reject) => self.reject(record, reject, hour),
            Event::Warning(warning) => {
                self.warning(warning, times);
                let text = unmarked(record.text);
                let key = [record.service, b": ", text].concat();
                let name = || [record.service, b": ", &warning_name(warning, text)].concat();
                self.warnings
                    .add_known(&key, name, text, record.time, times);
            }
            Event::Failure(text) => {
                let mut name = record.service.to_vec();
                name.extend_from_slice(b": ");
                name.extend_from_slice(&causes::of_text(record.text));
                self.failures.add(&name, text, record.time, times);
            }
            Event::Lifecycle(text) => {
                // Few distinct texts, and versions and directories are what one wants to read.
                let name = &text[..text.len().min(200)];
                self.lifecycle.add(name, text, record.time, times);
            }
            Event::Postscreen { kind, .. } => {
                *self.postscreen.entry(*kind).or_default() += times;
                if *kind == PostscreenKind::Connect {
                    self.connections += times;
                }
            }
            Event::Dnsblog { domain, .. } => self.zones.row(domain).listed += times,
            Event::Tls(tls) => {
                let mut name = if tls.inbound { *b"in " } else { *b"out" }.to_vec();
                if !tls.inbound {
                    name.push(b' ');
                }
                name.extend_from_slice(tls.protocol);
                *self.tls.row(&name) += times;
            }
            Event::TlsFailed { .. } => self.tls_failures += times,
            _ => {}
        }
    }

    fn warning(&mut self, warning: &Warning<'_>, times: u64) {
        match warning {
            Warning::SaslFailed { client, .. } => *self.sasl.failures.row(client.ip) += times,
            Warning::RblLookup { name, .. } => {
                self.zones.row(lookup_zone(name)).errors += times;
            }
            _ => {}
        }
    }

    fn reject(&mut self, record: &Record<'_>, reject: &Reject<'_>, hour: u32) {
        let times = u64::from(record.repeat);
        let counts = self.series.at_mut(hour);
        let zone = reject.category.zone();
        let causes = match reject.verdict {
            Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject => {
                counts.rejected += times;
                if let Some(zone) = zone {
                    self.zones.row(zone).rejects += times;
                }
                &mut self.rejects
            }
            Verdict::RejectWarning => {
                counts.reject_warnings += times;
                if let Some(zone) = zone {
                    self.zones.row(zone).warnings += times;
                }
                &mut self.reject_warnings
            }
            // header_checks and body_checks WARN; the WARN of smtpd's access tables is no would-be reject.
            Verdict::Warn if record.service == b"cleanup" => {
                counts.reject_warnings += times;
                &mut self.reject_warnings
            }
            Verdict::Hold | Verdict::MilterHold => {
                counts.held += times;
                &mut self.holds
            }
            Verdict::Discard | Verdict::MilterDiscard => {
                counts.discarded += times;
                &mut self.discards
            }
            _ => return,
        };
        causes.add_reject(reject, record.text, record.time, times);
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

/// The list's name in the name that was looked up: what follows the reversed address (RFC 5782 section
/// 2.1), which is four decimal or 32 hexadecimal labels, or the whole name for a name's lookup.
pub(crate) fn lookup_zone(name: &[u8]) -> &[u8] {
    let skip = |labels: usize, is_one: fn(&[u8]) -> bool| {
        let mut rest = name;
        for _ in 0..labels {
            let dot = memchr::memchr(b'.', rest)?;
            if !is_one(&rest[..dot]) {
                return None;
            }
            rest = &rest[dot + 1..];
        }
        (!rest.is_empty()).then_some(rest)
    };
    let decimal = |l: &[u8]| (1..=3).contains(&l.len()) && l.iter().all(u8::is_ascii_digit);
    let nibble = |l: &[u8]| l.len() == 1 && l[0].is_ascii_hexdigit();
    skip(32, nibble)
        .or_else(|| skip(4, decimal))
        .unwrap_or(name)
}

/// The address with its domain in lower case; the local part's case is its host's business.
fn lower_domain(address: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memrchr(b'@', address) {
        Some(at) if address[at..].iter().any(u8::is_ascii_uppercase) => {
            let mut lower = address.to_vec();
            lower[at..].make_ascii_lowercase();
            Cow::Owned(lower)
        }
        _ => Cow::Borrowed(address),
    }
}

/// `name[address]`, in the buffer when it fits.
fn client_name<'b>(client: &Client<'_>, buffer: &'b mut [u8; 320]) -> Cow<'b, [u8]> {
    let (name, ip) = (client.name, client.ip);
    let length = name.len() + ip.len() + 2;
    if length > buffer.len() {
        return Cow::Owned([name, b"[", ip, b"]"].concat());
    }
    buffer[..name.len()].copy_from_slice(name);
    buffer[name.len()] = b'[';
    buffer[name.len() + 1..length - 1].copy_from_slice(ip);
    buffer[length - 1] = b']';
    Cow::Borrowed(&buffer[..length])
}

/// The name of a client written `name[address]`, or its address when it has no name.
fn host_of(client: &[u8]) -> &[u8] {
    let Some(open) = memchr::memchr(b'[', client) else {
        return client;
    };
    match &client[..open] {
        b"unknown" | b"" => &client[open + 1..client.len().saturating_sub(1).max(open + 1)],
        name => name,
    }
}

/// Whether an address is of this host: 127/8, ::1, or no address at all but a local socket.
fn is_loopback(client: &Client<'_>) -> bool {
    client.ip.starts_with(b"127.") || client.ip == b"::1"
}

/// Whether a relay, `name[address]:port`, is on a loopback address.
fn is_loopback_relay(relay: &[u8]) -> bool {
    memchr::memchr(b'[', relay).is_some_and(|open| {
        let address = &relay[open + 1..];
        address.starts_with(b"127.") || address.starts_with(b"::1]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_what_follows_the_reversed_address() {
        assert_eq!(
            lookup_zone(b"157.100.51.198.broken.dnsbl.example"),
            b"broken.dnsbl.example"
        );
        let six = b"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zone.example";
        assert_eq!(lookup_zone(six), b"zone.example");
        assert_eq!(lookup_zone(b"name.zone.example"), b"name.zone.example");
    }

    #[test]
    fn hosts_of_clients() {
        assert_eq!(host_of(b"mx.example[192.0.2.1]"), b"mx.example");
        assert_eq!(host_of(b"unknown[192.0.2.1]"), b"192.0.2.1");
        assert_eq!(host_of(b"unknown["), b"");
        assert_eq!(host_of(PICKUP), PICKUP);
    }

    #[test]
    fn only_the_domain_is_lowered() {
        assert_eq!(&*lower_domain(b"Joe@Example.ORG"), b"Joe@example.org");
        assert!(matches!(lower_domain(b"Joe@example.org"), Cow::Borrowed(_)));
    }

    #[test]
    fn loopback_relays() {
        assert!(is_loopback_relay(b"127.0.0.1[127.0.0.1]:10024"));
        assert!(is_loopback_relay(b"localhost[::1]:10024"));
        assert!(!is_loopback_relay(b"mx.example[10.0.0.1]:25"));
        assert!(!is_loopback_relay(b"local"));
    }
}
