//! One SMTP session as a machine: bytes in, replies, log lines and questions out.
//!
//! The driver feeds bytes ([`Session::receive`]), asks what is to be done ([`Session::poll`]) and answers what
//! it was asked. The machine never blocks, reads no clock and opens nothing. What single commands mean is in
//! `commands`; here are the lines, the order, the limits and the end.

use super::client::Client;
use super::commands::Waiting;
use super::data::{BareNewline, Decoder, Record};
use super::stats::{COMMANDS, Stats};
use super::token::tokens;
use crate::engine::config::Params;
use crate::engine::policy::{Action, Pipelining, Stage, Subject};
use std::sync::Arc;
use std::time::Duration;

/// What the driver has to do next.
#[derive(Debug)]
pub enum Step {
    /// Send what [`Session::take_output`] gives, then read and [`Session::receive`].
    Read,
    /// Ask the policy, then [`Session::checked`].
    Check(Stage, Box<Subject>),
    /// Look whether the disk has room, then [`Session::room`].
    Room,
    /// Make a queue file, then [`Session::opened`].
    Open,
    /// Write the envelope of [`Session::envelope`], then [`Session::began`].
    Begin,
    /// Write these records, then [`Session::wrote`].
    Content(Vec<Record>),
    /// Make the message durable, then [`Session::committed`].
    Commit,
    /// Throw the queue file away; no answer.
    Abandon,
    /// Wait, without sending what is pending; no answer.
    Sleep(Duration),
    /// Send what is pending and hang up.
    Close,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// As it is.
    Info(String),
    /// After `warning: `.
    Warning(String),
}

/// A recipient that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipient {
    /// The bare address as the client gave it.
    pub address: String,
    /// ORCPT, decoded, `rfc822;user@domain`; empty when not given.
    pub orcpt: String,
    /// NOTIFY: 1 never, 2 success, 4 failure, 8 delay.
    pub notify: u8,
}

/// What is known of the mail transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The queue id, once there is one.
    pub queue_id: Option<String>,
    /// Bare sender; `None` outside a transaction.
    pub sender: Option<String>,
    /// The recipients.
    pub recipients: Vec<Recipient>,
    /// `7bit`, `8bit` or empty.
    pub encoding: &'static str,
    /// ENVID, decoded.
    pub envid: String,
    /// RET: 1 full, 2 headers, 0 not given.
    pub ret: u8,
    /// What access tables asked for.
    pub actions: Vec<Action>,
}

/// Why a message was not taken; the reply's code, status and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// SMTP code.
    pub code: u16,
    /// `5.3.4 Error: message file too big`.
    pub text: String,
}

impl Refusal {
    /// A refusal with its status and text.
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client hung up.
    Lost,
    /// It said nothing for `smtpd_timeout`.
    Timeout,
}

/// The machine.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts about the connection"
)]
pub struct Session {
    pub(super) params: Arc<Params>,
    pub(super) client: Client,
    input: Vec<u8>,
    /// Bytes of `input` already used.
    used: usize,
    /// An overlong command line is being skipped.
    skipping: bool,
    output: Vec<u8>,
    log: Vec<Line>,
    pub(super) stats: Stats,
    pub(super) waiting: Waiting,
    pub(super) helo: Option<String>,
    /// `SMTP` or `ESMTP`.
    pub(super) protocol: &'static str,
    pub(super) envelope: Envelope,
    pub(super) pipelining: Pipelining,
    pub(super) errors: u32,
    junk: u32,
    pub(super) overshoot: usize,
    /// The log's word for where we are.
    pub(super) place: &'static str,
    /// The client is refused: only QUIT is left (`smtpd_delay_reject = no`).
    pub(super) denied: bool,
    closing: bool,
    sleeps: u32,
    pub(super) decoder: Option<Decoder>,
    /// Content bytes as Postfix counts them: each line with two for its end.
    pub(super) size: u64,
    pub(super) refusal: Option<Refusal>,
    pub(super) first_line: bool,
    bare_newline: BareNewline,
    greeted: bool,
}

impl Session {
    /// A new session; its first step is about the greeting.
    pub fn new(params: Arc<Params>, client: Client, bare_newline: BareNewline) -> Self {
        Self {
            params,
            client,
            input: Vec::new(),
            used: 0,
            skipping: false,
            output: Vec::new(),
            log: Vec::new(),
            stats: Stats::default(),
            waiting: Waiting::Nothing,
            helo: None,
            protocol: "SMTP",
            envelope: Envelope::default(),
            pipelining: Pipelining::Proper,
            errors: 0,
            junk: 0,
            overshoot: 0,
            place: "CONNECT",
            denied: false,
            closing: false,
            sleeps: 0,
            decoder: None,
            size: 0,
            refusal: None,
            first_line: true,
            bare_newline,
            greeted: false,
        }
    }

    /// Bytes from the client.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.input.drain(..self.used);
            self.used = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Bytes for the client, in order; taking them empties the buffer.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Lines for the log since the last call.
    pub fn take_log(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.log)
    }

    /// The transaction so far.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// HELO name and protocol.
    pub fn greeting(&self) -> (Option<&str>, &'static str) {
        (self.helo.as_deref(), self.protocol)
    }

    /// What to do next.
    pub fn poll(&mut self) -> Step {
        loop {
            if self.sleeps > 0 {
                let time = self.params.smtpd_error_sleep_time * self.sleeps;
                self.sleeps = 0;
                return Step::Sleep(time);
            }
            if let Some(step) = self.follow_up().or_else(|| self.end_of_data_check()) {
                return step;
            }
            if matches!(self.waiting, Waiting::Commit) {
                continue;
            }
            if self.closing {
                return Step::Close;
            }
            if !self.greeted {
                self.greeted = true;
                if self.params.smtpd_delay_reject {
                    self.greet();
                    continue;
                }
                self.waiting = Waiting::Connect;
                return Step::Check(Stage::Connect, Box::new(self.subject(None)));
            }
            let step = if self.decoder.is_some() {
                self.content_step()
            } else {
                self.command_step()
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    pub(super) fn greet(&mut self) {
        let banner = self.params.smtpd_banner.clone();
        self.reply(&format!("220 {banner}"));
    }

    fn command_step(&mut self) -> Option<Step> {
        if self.errors >= self.params.smtpd_hard_error_limit {
            self.log_end("too many errors");
            let host = self.params.myhostname.clone();
            self.reply(&format!("421 4.7.0 {host} Error: too many errors"));
            self.closing = true;
            return None;
        }
        let Some((line, bare)) = self.next_line() else {
            return Some(Step::Read);
        };
        if bare && self.bare_newline == BareNewline::Reject {
            let host = self.params.myhostname.clone();
            self.reply(&format!("521 5.5.2 {host} Error: bare <LF> received"));
            self.closing = true;
            return None;
        }
        self.command(&line)
    }

    /// One command line, cut at the limit; `None` when it is not all there yet.
    fn next_line(&mut self) -> Option<(Vec<u8>, bool)> {
        let limit = self.params.line_length_limit;
        loop {
            let rest = &self.input[self.used..];
            let newline = memchr::memchr(b'\n', rest);
            let Some(newline) = newline else {
                if self.skipping {
                    self.used = self.input.len();
                } else if rest.len() > limit {
                    // What is beyond the limit is never kept, whatever the client sends.
                    self.input.truncate(self.used + limit);
                    self.skipping = true;
                    // The kept part stays until its line end comes.
                    let kept = self.input.split_off(self.used);
                    self.input.clear();
                    self.used = 0;
                    self.waiting = Waiting::Overlong(kept);
                }
                return None;
            };
            let mut line = rest[..newline].to_vec();
            self.used += newline + 1;
            if self.skipping {
                self.skipping = false;
                if let Waiting::Overlong(mut kept) =
                    std::mem::replace(&mut self.waiting, Waiting::Nothing)
                {
                    while kept.last() == Some(&b'\r') {
                        kept.pop();
                    }
                    return Some((kept, false));
                }
                continue;
            }
            let bare = line.last() != Some(&b'\r');
            line.truncate(limit);
            while line.last() == Some(&b'\r') {
                line.pop();
            }
            return Some((line, bare));
        }
    }

    fn command(&mut self, line: &[u8]) -> Option<Step> {
        if self.params.smtputf8_enable && std::str::from_utf8(line).is_err() {
            self.reply("500 5.5.2 Error: bad UTF-8 syntax");
            self.errors += 1;
            return None;
        }
        let text = String::from_utf8_lossy(line);
        // A NUL ends the line in Postfix; what follows is not seen there and not here.
        let text = text.split('\0').next().unwrap_or("");
        let words = tokens(text);
        let Some(first) = words.first() else {
            self.reply("500 5.5.2 Error: bad syntax");
            self.errors += 1;
            return None;
        };
        let name = first.text.to_ascii_lowercase();
        if self
            .params
            .smtpd_noop_commands
            .iter()
            .any(|word| word.eq_ignore_ascii_case(&name))
        {
            self.reply("250 2.0.0 Ok");
            self.count_junk();
            return None;
        }
        let index = COMMANDS.iter().position(|command| *command == name);
        self.stats.given(index);
        if index.is_none() {
            self.place = "UNKNOWN";
            if self.is_foreign(&first.text) {
                let shown: String = text.chars().take(100).collect();
                let client = self.client.name_address();
                self.warn(format!("non-SMTP command from {client}: {shown}"));
                self.reply("221 2.7.0 Error: I can break rules, too. Goodbye.");
                self.closing = true;
                return None;
            }
        }
        if self.denied && name != "quit" {
            let client = self.client.name_address();
            self.reply(&format!("503 5.7.0 Error: access denied for {client}"));
            self.errors += 1;
            return None;
        }
        let Some(index) = index else {
            self.reply("500 5.5.2 Error: command not recognized");
            self.errors += 1;
            return None;
        };
        self.place = COMMAND_WORDS[index];
        self.watch_pipelining(index);
        self.run(index, &words)
    }

    /// Commands after which a client must wait (RFC 2920 section 3.1); in plain SMTP that is every one.
    fn watch_pipelining(&mut self, index: usize) {
        let last = matches!(
            COMMANDS[index],
            "helo" | "ehlo" | "data" | "noop" | "vrfy" | "quit"
        );
        let pending = &self.input[self.used..];
        if self.pipelining == Pipelining::Improper
            || pending.is_empty()
            || !(last || self.protocol != "ESMTP")
        {
            return;
        }
        let shown = escape(&pending[..pending.len().min(100)]);
        let client = self.client.name_address();
        let text = format!(
            "improper command pipelining after {} from {client}: {shown}",
            COMMAND_WORDS[index]
        );
        self.pipelining = Pipelining::Improper;
        self.log.push(Line::Info(text));
    }

    /// A header line or a command of another protocol: a browser, a proxy probe.
    fn is_foreign(&self, word: &str) -> bool {
        let is_header = word.strip_suffix(':').is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| (33..127).contains(&b) && b != b':')
        });
        is_header
            || self.params.smtpd_forbidden_commands.iter().any(|known| {
                known.eq_ignore_ascii_case(word)
                    || (known.contains(':')
                        && matches!(self.params.maps.find(known, word), Ok(Some(_))))
            })
    }

    fn content_step(&mut self) -> Option<Step> {
        if self.used == self.input.len() {
            return Some(Step::Read);
        }
        let mut records = Vec::new();
        let decoder = self.decoder.as_mut()?;
        let (used, ended) = decoder.push(&self.input[self.used..], &mut records);
        let bare = decoder.saw_bare_newline();
        self.used += used;
        let records = self.count(records);
        if ended {
            self.decoder = None;
            self.place = "END-OF-MESSAGE";
            if bare && self.bare_newline == BareNewline::Reject && self.refusal.is_none() {
                let code = self.params.smtpd_forbid_bare_newline_reject_code;
                self.refusal = Some(Refusal::new(code, "5.5.2 Error: bare <LF> received"));
            }
            self.waiting = Waiting::LastContent;
            return Some(Step::Content(records));
        }
        if records.is_empty() {
            return Some(Step::Read);
        }
        self.waiting = Waiting::Content;
        Some(Step::Content(records))
    }

    /// Applies the size limit and the repairs of a message's first line.
    fn count(&mut self, records: Vec<Record>) -> Vec<Record> {
        let limit = self.params.message_size_limit;
        let mut kept = Vec::with_capacity(records.len());
        for mut record in records {
            if self.first_line {
                let unquoted = record.bytes.iter().take_while(|b| **b == b'>').count();
                if record.bytes[unquoted..].starts_with(b"From ") {
                    let mut bytes = b"X-Mailbox-Line: ".to_vec();
                    bytes.append(&mut record.bytes);
                    record.bytes = bytes;
                } else {
                    self.first_line = false;
                    if record
                        .bytes
                        .first()
                        .is_some_and(|b| matches!(b, b' ' | b'\t'))
                    {
                        kept.push(Record {
                            bytes: Vec::new(),
                            ends: true,
                        });
                    }
                }
            }
            if self.refusal.is_some() {
                continue;
            }
            let length = record.bytes.len() as u64 + 2;
            if limit > 0 && limit.saturating_sub(self.size) < length {
                let id = self.envelope.queue_id.clone();
                let id = id.as_deref().unwrap_or("NOQUEUE");
                self.warn(format!("{id}: queue file size limit exceeded"));
                self.refusal = Some(Refusal::new(552, "5.3.4 Error: message file too big"));
                continue;
            }
            self.size += length;
            kept.push(record);
        }
        kept
    }

    /// The client is gone or silent: logs it and, where it can still hear, says so.
    pub fn ended(&mut self, end: End) {
        match end {
            End::Lost => self.log_end("lost connection"),
            End::Timeout => {
                self.log_end("timeout");
                let host = self.params.myhostname.clone();
                self.reply(&format!("421 4.4.2 {host} Error: timeout exceeded"));
            }
        }
        self.closing = true;
    }

    fn log_end(&mut self, reason: &str) {
        let client = self.client.name_address();
        let text = if self.decoder.is_some() {
            format!("{reason} after DATA ({} bytes) from {client}", self.size)
        } else {
            format!("{reason} after {} from {client}", self.place)
        };
        self.log.push(Line::Info(text));
    }

    /// The disconnect line, once at the end.
    pub fn disconnect_line(&self) -> String {
        format!(
            "disconnect from {}{}",
            self.client.name_address(),
            self.stats.tail()
        )
    }

    /// Whether the driver should hang up once the output is sent.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Starts reading content.
    pub(super) fn start_content(&mut self) {
        self.decoder = Some(Decoder::new(
            self.bare_newline,
            self.params.line_length_limit,
        ));
        self.size = 0;
        self.first_line = true;
        self.refusal = None;
    }

    /// Queues a reply, and a pause when the client made many errors.
    pub(super) fn reply(&mut self, text: &str) {
        if self.errors >= self.params.smtpd_soft_error_limit {
            self.sleeps += 1;
        }
        self.output.extend_from_slice(printable(text).as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    pub(super) fn count_junk(&mut self) {
        self.junk += 1;
        if self.junk > self.params.smtpd_junk_command_limit {
            self.errors += 1;
        }
    }

    pub(super) fn forgive(&mut self) {
        self.errors = 0;
        self.junk = 0;
    }

    pub(super) fn info(&mut self, text: String) {
        self.log.push(Line::Info(text));
    }

    pub(super) fn warn(&mut self, text: String) {
        self.log.push(Line::Warning(text));
    }

    pub(super) fn subject(&self, recipient: Option<String>) -> Subject {
        Subject {
            client: self.client.clone(),
            helo: self.helo.clone(),
            sender: self.envelope.sender.clone(),
            recipient,
            recipient_count: self.envelope.recipients.len(),
            pipelining: self.pipelining,
        }
    }
}

/// The log's words for [`COMMANDS`].
pub(super) const COMMAND_WORDS: [&str; 15] = [
    "HELO", "EHLO", "XCLIENT", "XFORWARD", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT",
    "RSET", "NOOP", "VRFY", "ETRN", "QUIT",
];

/// What a reply may carry: no control character, whatever the client put into its command.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Bytes for the log, unprintable ones as C writes them (escape(3) of Postfix).
fn escape(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..0x7f => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::policy::Decision;

    /// Holds a whole session with a driver that agrees to everything; what the client hears.
    fn hear(chunks: &[&[u8]]) -> String {
        let params = Params::from_text(
            "myhostname = mail.example\nmydestination = mail.example\nalias_maps =\nline_length_limit = 40\n",
            std::path::Path::new("/nowhere"),
        );
        let address = "127.0.0.1:25".parse().unwrap();
        let client = Client::unnamed(address, address);
        let mut session = Session::new(Arc::new(params), client, BareNewline::Normalize);
        let mut chunks = chunks.iter();
        let mut heard = Vec::new();
        loop {
            match session.poll() {
                Step::Read => match chunks.next() {
                    Some(chunk) => session.receive(chunk),
                    None => session.ended(End::Lost),
                },
                Step::Check(..) => session.checked(Decision::default()),
                Step::Room => session.room(Ok(())),
                Step::Open => session.opened(Ok("ID".to_owned())),
                Step::Begin => session.began(Ok(())),
                Step::Content(_) => session.wrote(Ok(())),
                Step::Commit => session.committed(Ok("ID".to_owned())),
                Step::Abandon | Step::Sleep(_) => {}
                Step::Close => break,
            }
            heard.extend(session.take_output());
        }
        heard.extend(session.take_output());
        String::from_utf8(heard).unwrap()
    }

    #[test]
    fn a_message_is_taken() {
        let heard = hear(&[
            b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.",
            b"\r\nQUIT\r\n",
        ]);
        let codes: Vec<&str> = heard.lines().filter_map(|line| line.get(..4)).collect();
        assert_eq!(codes.last(), Some(&"221 "));
        assert!(heard.contains("250 2.0.0 Ok: queued as ID\r\n"), "{heard}");
    }

    proptest::proptest! {
        #[test]
        fn portions_do_not_change_the_replies(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "EHLO x\r\n", "HELO y\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", ".\r\n", ".\n",
                "\r", "\n", "RSET\r\n", "\u{fc}\0", "<\"[", "VRFY c@d\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "QUIT\r\n", "Subject: x\r\n", " ", "..\r\n",
            ]), 0..24),
            cut in 1usize..50,
        ) {
            let bytes = parts.concat().into_bytes();
            let whole = hear(&[&bytes]);
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            proptest::prop_assert_eq!(hear(&pieces), whole);
        }
    }
}
