//! cleanup(8): what happens to a message between the wire and the spool.
//!
//! In: an envelope, then content records. Out: a durable message in the spool and Postfix's `message-id=` line,
//! or a [`Refusal`] that says why not. It writes our `Received:` header, counts hops, completes what local
//! clients leave out, expands virtual aliases and applies header and body checks. It knows no socket.

mod checks;
mod date;
mod header;
mod mime;
mod recipients;

use super::Site;
use super::address::{external, rewrite};
use super::config::Params;
use super::maillog;
use super::policy::Action;
use super::policy::networks::is_own_client;
use super::smtpd::{Client, Envelope, Record, Refusal};
use super::spool::{Incoming, SpoolError};
use crate::queue::format::writer::{Client as FileClient, Head};
use checks::Outcome;
use header::Header;
use std::sync::Arc;

pub use checks::{complaint, filter_of};
pub use date::mail_date;
pub use recipients::{ExpandError, mapped};

/// A message on its way into the spool. All methods may block for the time of a buffered write; `commit` waits
/// for the disk.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts about where in the message we are"
)]
pub struct Cleanup {
    params: Arc<Params>,
    log: maillog::Session,
    incoming: Incoming,
    origin: Origin,
    /// The header lines collected so far; `None` once the body began.
    pending: Option<Vec<u8>>,
    in_headers: bool,
    seen: Seen,
    hops: u32,
    mime: mime::Tracker,
    /// The last body record did not end its line.
    inside_line: bool,
    /// The current line is dropped or replaced already.
    swallow: bool,
    refusal: Option<Refusal>,
    discard: bool,
    /// Recipients that rules and access tables added.
    bcc: Vec<String>,
    encoding: &'static str,
    size: u64,
}

/// Who sent it, for the log lines of content checks and for completing headers.
#[derive(Debug, Clone)]
struct Origin {
    client: String,
    sender: String,
    first_recipient: String,
    protocol: &'static str,
    helo: String,
    /// Our own clients' headers are completed.
    local: bool,
    arrival: i64,
}

/// Headers that must be there once.
#[derive(Debug, Clone, Copy, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four independent facts, set one at a time"
)]
struct Seen {
    message_id: bool,
    date: bool,
    from: bool,
    recipient: bool,
}

/// What a session knows when content begins.
pub struct Arrival<'a> {
    /// The client.
    pub client: &'a Client,
    /// HELO name.
    pub helo: Option<&'a str>,
    /// `SMTP` or `ESMTP`.
    pub protocol: &'static str,
    /// Sender, recipients, options.
    pub envelope: &'a Envelope,
}

impl Cleanup {
    /// Writes the envelope and our own headers.
    pub fn begin(
        site: &Site,
        params: Arc<Params>,
        mut incoming: Incoming,
        arrival: &Arrival<'_>,
    ) -> Result<Self, Refusal> {
        let log = site.log.session("cleanup");
        let envelope = arrival.envelope;
        let recipients = recipients::expand(&params, envelope)
            .map_err(|error| not_expanded(&log, incoming.id(), &error))?;
        let id = incoming.id().to_owned();
        incoming.set_line_length_limit(params.line_length_limit);
        let mut content_filter = params.content_filter.clone();
        let mut bcc = Vec::new();
        let mut redirect = None;
        for action in &envelope.actions {
            match action {
                Action::Hold => incoming.hold(),
                Action::Filter(filter) => content_filter.clone_from(filter),
                Action::Bcc(address) => bcc.push(address.clone()),
                Action::Redirect(address) => redirect = Some(address),
                _ => {}
            }
        }
        let local = is_local_client(arrival.client, &params).unwrap_or(false);
        write_envelope(
            &mut incoming,
            &params,
            arrival,
            &recipients,
            &content_filter,
            local,
        )
        .map_err(|error| failed(&log, &error))?;
        if let Some(address) = redirect {
            incoming
                .set_redirect(address)
                .map_err(|error| failed(&log, &error))?;
        }
        let origin = Origin {
            client: arrival.client.name_address(),
            sender: external(envelope.sender.as_deref().unwrap_or("")),
            first_recipient: envelope
                .recipients
                .first()
                .map(|recipient| external(&recipient.address))
                .unwrap_or_default(),
            protocol: arrival.protocol,
            helo: arrival.helo.unwrap_or_default().to_owned(),
            local,
            arrival: incoming.arrival().0,
        };
        let mut cleanup = Self {
            params,
            log,
            incoming,
            origin,
            pending: None,
            in_headers: true,
            seen: Seen::default(),
            hops: 0,
            mime: mime::Tracker::default(),
            inside_line: false,
            swallow: false,
            refusal: None,
            discard: envelope.actions.contains(&Action::Discard),
            bcc,
            encoding: envelope.encoding,
            size: 0,
        };
        cleanup
            .own_headers(arrival, &id)
            .map_err(|error| failed(&cleanup.log, &error))?;
        Ok(cleanup)
    }

    /// Takes content records. A refusal is kept for [`Cleanup::commit`] too.
    pub fn write(&mut self, records: &[Record]) -> Result<(), Refusal> {
        for record in records {
            if let Some(refusal) = &self.refusal {
                return Err(refusal.clone());
            }
            if let Err(error) = self.record(record) {
                self.refusal = Some(failed(&self.log, &error));
            }
        }
        self.refusal.clone().map_or(Ok(()), Err)
    }

    /// Ends the message; the id once it is on the disk.
    pub fn commit(mut self) -> Result<String, Refusal> {
        let ended = self.end_of_message();
        if let Err(error) = ended {
            return Err(failed(&self.log, &error));
        }
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let id = self.incoming.id().to_owned();
        if self.discard {
            // Accepted and thrown away: the file was never made a message.
            return Ok(id);
        }
        // Told again behind the content, as cleanup(8) does with what it learnt of the body.
        let encoding = [("encoding", self.encoding.as_bytes())];
        let copies = recipients::copies(&self.params, &self.bcc)
            .map_err(|error| not_expanded(&self.log, &id, &error))?;
        let copies: Vec<_> = copies.iter().map(recipients::Final::record).collect();
        match self
            .incoming
            .commit(&encoding[..usize::from(!self.encoding.is_empty())], &copies)
        {
            Ok(_) => Ok(id),
            Err(error) => Err(failed(&self.log, &error)),
        }
    }

    /// The headers access tables prepend, then `Received:`.
    fn own_headers(&mut self, arrival: &Arrival<'_>, id: &str) -> Result<(), SpoolError> {
        for action in &arrival.envelope.actions {
            if let Action::Prepend(text) = action {
                self.incoming.put_line(text.as_bytes())?;
            }
        }
        let params = &self.params;
        let client = arrival.client;
        let helo = arrival.helo.unwrap_or(&client.name);
        let address = client.address();
        let literal = if address.is_ipv6() {
            format!("IPv6:{address}")
        } else {
            address.to_string()
        };
        let date = mail_date(self.origin.arrival);
        let by = format!(
            "\tby {} ({}) with {} id {id}",
            params.myhostname, params.mail_name, arrival.protocol
        );
        let mut lines = vec![format!(
            "Received: from {helo} ({} [{literal}])",
            client.name
        )];
        // One recipient may be named; several would tell each of the others.
        if let [recipient] = arrival.envelope.recipients.as_slice() {
            lines.push(by);
            lines.push(format!("\tfor <{}>; {date}", external(&recipient.address)));
        } else {
            lines.push(format!("{by};"));
            lines.push(format!("\t{date}"));
        }
        self.hops += 1;
        for line in lines {
            self.incoming.put_line(line.as_bytes())?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), SpoolError> {
        self.size += record.bytes.len() as u64;
        if self.in_headers {
            self.header_record(record)
        } else {
            self.body_record(record)
        }
    }

    fn header_record(&mut self, record: &Record) -> Result<(), SpoolError> {
        let continues_line = self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.last() != Some(&b'\n'));
        let folded = record
            .bytes
            .first()
            .is_some_and(|b| matches!(b, b' ' | b'\t'));
        if let Some(pending) = &mut self.pending
            && (continues_line || folded)
        {
            // What is beyond the limit of a header is cut off (header_size_limit).
            let room = self.params.header_size_limit.saturating_sub(pending.len());
            pending.extend_from_slice(&record.bytes[..record.bytes.len().min(room)]);
            if record.ends {
                pending.push(b'\n');
            }
            return Ok(());
        }
        self.flush_header()?;
        if self.refusal.is_some() {
            return Ok(());
        }
        if header::is_header(&record.bytes) {
            let mut pending = record.bytes.clone();
            if record.ends {
                pending.push(b'\n');
            }
            self.pending = Some(pending);
            return Ok(());
        }
        self.end_of_headers()?;
        if record.bytes.is_empty() && record.ends {
            return self.incoming.put_line(b"");
        }
        // No header and no empty line: the body begins without one, so we make one.
        self.incoming.put_line(b"")?;
        self.body_record(record)
    }

    fn flush_header(&mut self) -> Result<(), SpoolError> {
        let Some(text) = self.pending.take() else {
            return Ok(());
        };
        let header = Header::parse(&text);
        self.mime.primary(&header);
        let outcome = checks::header(&self.params, &header, header.is_mime());
        if !self.apply(outcome, "header", &header.shown())? {
            return Ok(());
        }
        self.note(&header);
        for line in header.lines() {
            self.incoming.put_line(line)?;
        }
        Ok(())
    }

    /// Counts hops and remembers which required headers there are.
    fn note(&mut self, header: &Header) {
        let id = self.incoming.id();
        match header.name.as_str() {
            "received" => {
                self.hops += 1;
                if self.hops > self.params.hopcount_limit {
                    self.log
                        .warning(format_args!("{id}: message rejected: hopcount exceeded"));
                    self.refusal = Some(Refusal::new(554, "5.4.0 Error: too many hops"));
                }
            }
            "message-id" if !self.seen.message_id => {
                self.seen.message_id = true;
                self.log
                    .queue(id, format_args!("message-id={}", header.value()));
            }
            "resent-message-id" => self
                .log
                .queue(id, format_args!("resent-message-id={}", header.value())),
            "date" => self.seen.date = true,
            "from" => self.seen.from = true,
            "to" | "cc" | "bcc" => self.seen.recipient = true,
            _ => {}
        }
    }

    /// What local clients left out; remote ones' messages are only logged.
    fn end_of_headers(&mut self) -> Result<(), SpoolError> {
        self.in_headers = false;
        let id = self.incoming.id().to_owned();
        let complete = self.origin.local || self.params.always_add_missing_headers;
        if !self.seen.message_id {
            if complete {
                let stamp = chrono::DateTime::from_timestamp(self.origin.arrival, 0)
                    .unwrap_or_default()
                    .format("%Y%m%d%H%M%S");
                let message_id = format!("<{stamp}.{id}@{}>", self.params.myhostname);
                self.incoming
                    .put_line(format!("Message-Id: {message_id}").as_bytes())?;
                self.log.queue(&id, format_args!("message-id={message_id}"));
            } else {
                self.log.queue(&id, format_args!("message-id=<>"));
            }
        }
        if complete && !self.seen.date {
            let date = mail_date(self.origin.arrival);
            self.incoming.put_line(format!("Date: {date}").as_bytes())?;
        }
        if complete && !self.seen.from {
            let from = if self.origin.sender.is_empty() {
                "MAILER-DAEMON".to_owned()
            } else {
                self.origin.sender.clone()
            };
            self.incoming.put_line(format!("From: {from}").as_bytes())?;
        }
        let undisclosed = self.params.undisclosed_recipients_header.clone();
        if complete && !self.seen.recipient && !undisclosed.is_empty() {
            self.incoming.put_line(undisclosed.as_bytes())?;
        }
        Ok(())
    }

    fn body_record(&mut self, record: &Record) -> Result<(), SpoolError> {
        if self.inside_line {
            self.inside_line = !record.ends;
            return self.write_piece(record);
        }
        // Lines are checked by their first piece, as cleanup checks records.
        self.inside_line = !record.ends;
        let place = self.mime.line(&record.bytes);
        match place {
            mime::Place::Folded if record.ends && self.pending.is_some() => {
                if let Some(pending) = &mut self.pending {
                    pending.extend_from_slice(&record.bytes);
                    pending.push(b'\n');
                }
                return Ok(());
            }
            mime::Place::Header if record.ends => {
                self.flush_part_header()?;
                let mut pending = record.bytes.clone();
                pending.push(b'\n');
                self.pending = Some(pending);
                return Ok(());
            }
            _ => self.flush_part_header()?,
        }
        let outcome = checks::body(&self.params, &record.bytes, self.size);
        if outcome == Outcome::Pass {
            self.swallow = false;
        } else {
            let shown = String::from_utf8_lossy(&record.bytes).into_owned();
            self.swallow = !self.apply(outcome, "body", &shown)?;
        }
        self.write_piece(record)
    }

    fn write_piece(&mut self, record: &Record) -> Result<(), SpoolError> {
        if self.swallow {
            return Ok(());
        }
        self.incoming.put_part(&record.bytes)?;
        if record.ends {
            self.incoming.end_line()?;
        }
        Ok(())
    }

    /// A header of a MIME part is complete: mime_header_checks look at it.
    fn flush_part_header(&mut self) -> Result<(), SpoolError> {
        let Some(text) = self.pending.take() else {
            return Ok(());
        };
        let header = Header::parse(&text);
        let outcome = checks::header(&self.params, &header, true);
        if self.apply(outcome, "header", &header.shown())? {
            for line in header.lines() {
                self.incoming.put_line(line)?;
            }
        }
        Ok(())
    }

    /// Carries out what a check found; `false` when the text itself must not be written.
    fn apply(&mut self, outcome: Outcome, kind: &str, text: &str) -> Result<bool, SpoolError> {
        let id = self.incoming.id().to_owned();
        if let Some((word, optional)) = outcome.logged() {
            let origin = &self.origin;
            let shown: String = text.chars().take(200).collect();
            let optional = if optional.is_empty() {
                String::new()
            } else {
                format!(": {optional}")
            };
            self.log.queue(
                &id,
                format_args!(
                    "{word}: {kind} {shown} from {}; from=<{}> to=<{}> proto={} helo=<{}>{optional}",
                    origin.client, origin.sender, origin.first_recipient, origin.protocol, origin.helo
                ),
            );
        }
        match outcome {
            Outcome::Pass | Outcome::Warn(_) | Outcome::Info(_) => Ok(true),
            Outcome::Ignore | Outcome::Strip(_) => Ok(false),
            Outcome::Reject(text) => {
                self.refusal = Some(checks::refusal(&text));
                Ok(false)
            }
            Outcome::Hold(_) => {
                self.incoming.hold();
                Ok(true)
            }
            Outcome::Discard(_) => {
                self.discard = true;
                Ok(true)
            }
            Outcome::Prepend(text) => {
                self.incoming.put_line(text.as_bytes())?;
                Ok(true)
            }
            Outcome::Replace(text) => {
                self.incoming.put_line(text.as_bytes())?;
                Ok(false)
            }
            Outcome::Redirect(address) => {
                self.incoming.set_redirect(&address)?;
                Ok(true)
            }
            Outcome::Filter(filter) => {
                self.incoming.set_filter(&filter)?;
                Ok(true)
            }
            Outcome::Bcc(address) => {
                self.bcc.push(address);
                Ok(true)
            }
            Outcome::Odd(complaint) => {
                self.log
                    .warning(format_args!("{id}: {kind} checks: {complaint}"));
                Ok(true)
            }
            Outcome::Failed(error) => {
                self.log.warning(format_args!("{id}: {error}"));
                self.refusal = Some(write_error());
                Ok(false)
            }
        }
    }

    fn end_of_message(&mut self) -> Result<(), SpoolError> {
        if self.refusal.is_some() {
            return Ok(());
        }
        if self.in_headers {
            self.flush_header()?;
            if self.refusal.is_some() {
                return Ok(());
            }
            return self.end_of_headers();
        }
        self.flush_part_header()
    }
}

fn write_envelope(
    incoming: &mut Incoming,
    params: &Params,
    arrival: &Arrival<'_>,
    recipients: &[recipients::Final],
    content_filter: &str,
    local: bool,
) -> Result<(), SpoolError> {
    let envelope = arrival.envelope;
    let client = arrival.client;
    let address = client.address().to_string();
    let server = client.server.ip().to_string();
    let id = incoming.id().to_owned();
    let (seconds, _) = incoming.arrival();
    let delay = i64::try_from(params.delay_warning_time.as_secs()).unwrap_or(0);
    let sender = envelope.sender.as_deref().unwrap_or("");
    let sender = rewrite(sender, params, super::address::Origin::Local);
    let head = Head {
        arrival: incoming.arrival(),
        create_time: seconds,
        content_filter: content_filter.as_bytes(),
        log_ident: &id,
        rewrite_context: if local { "local" } else { "remote" },
        dsn_envid: envelope.envid.as_bytes(),
        dsn_ret: envelope.ret,
        sender: sender.as_bytes(),
        encoding: envelope.encoding,
        client: Some(FileClient {
            name: &client.name,
            reverse_name: &client.reverse_name,
            address: &address,
            port: client.peer.port(),
            server: (&server, client.server.port()),
            helo: arrival.helo.unwrap_or("").as_bytes(),
            protocol: arrival.protocol,
        }),
        // Nobody waits for news of a bounce.
        warn_time: (delay > 0 && !sender.is_empty()).then(|| seconds.saturating_add(delay)),
        ..Head::default()
    };
    let recipients: Vec<_> = recipients.iter().map(recipients::Final::record).collect();
    incoming.set_envelope(&head, &recipients)
}

/// `local_header_rewrite_clients`: whose headers are completed.
fn is_local_client(client: &Client, params: &Params) -> Result<bool, super::maps::MapError> {
    for word in &params.local_header_rewrite_clients {
        let matched = match word.as_str() {
            "permit_inet_interfaces" => is_own_client(client.address(), params),
            "permit_mynetworks" => super::policy::networks::matches_networks(
                client.address(),
                &params.mynetworks_patterns,
                params,
            )?,
            "static:all" => true,
            _ => false,
        };
        if matched {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The recipients could not be worked out: aliases that grow or nest without end, or a table that failed.
fn not_expanded(log: &maillog::Session, id: &str, error: &recipients::ExpandError) -> Refusal {
    log.warning(format_args!("{id}: {error}"));
    match error {
        recipients::ExpandError::Map(_) => write_error(),
        _ => Refusal::new(451, "4.6.0 Alias expansion error"),
    }
}

/// The reply when the disk or a table failed: the client keeps its message.
pub fn write_error() -> Refusal {
    Refusal::new(451, "4.3.0 Error: queue file write error")
}

fn failed(log: &maillog::Session, error: &SpoolError) -> Refusal {
    log.warning(format_args!("{error}"));
    write_error()
}
