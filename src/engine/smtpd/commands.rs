//! What each SMTP command does, and what happens after its question was answered.

use super::session::{Envelope, Line, Recipient, Refusal, Session, Step};
use super::stats::COMMANDS;
use super::token::Token;
use crate::engine::address::{Strictness, external, extract, is_hostname, resolve};
use crate::engine::policy::{Action, Decision, Note, Reject, Stage};

/// What the session waits for.
#[derive(Debug, Default)]
pub(super) enum Waiting {
    #[default]
    Nothing,
    Connect,
    /// HELO or EHLO with its name.
    Greeting(usize, String),
    /// MAIL, while the disk is looked at.
    Room(Box<Envelope>),
    /// MAIL, when its restrictions are the next to ask.
    CheckMail(Box<Envelope>),
    Mail(Box<Envelope>),
    Rcpt(Box<Recipient>),
    /// The same, the queue file being made.
    OpenForRcpt(Box<Recipient>),
    Vrfy(String),
    Etrn(String),
    Data,
    Begin,
    Content,
    LastContent,
    EndOfData,
    Commit,
    /// The kept start of a command line that is too long.
    Overlong(Vec<u8>),
}

/// Command numbers, as [`COMMANDS`] counts them.
const MAIL: usize = 6;
const RCPT: usize = 7;
const DATA: usize = 8;
const VRFY: usize = 12;

impl Session {
    /// Runs one command; a step when somebody must be asked first.
    pub(super) fn run(&mut self, index: usize, words: &[Token]) -> Option<Step> {
        match COMMANDS[index] {
            "helo" | "ehlo" => self.helo_command(index, words),
            "mail" => self.mail_command(words),
            "rcpt" => self.rcpt_command(words),
            "data" => self.data_command(words),
            "rset" => {
                if words.len() != 1 {
                    return self.bad("501 5.5.4 Syntax: RSET");
                }
                self.good(index, "250 2.0.0 Ok");
                self.count_junk();
                self.reset()
            }
            "noop" => {
                self.good(index, "250 2.0.0 Ok");
                self.count_junk();
                None
            }
            "vrfy" => self.vrfy_command(words),
            "etrn" => self.etrn_command(words),
            "quit" => {
                self.good(index, "221 2.0.0 Bye");
                self.close();
                self.reset()
            }
            "auth" => self.bad("503 5.5.1 Error: authentication not enabled"),
            "xclient" | "xforward" => self.bad("550 5.7.0 Error: insufficient authorization"),
            // Neither STARTTLS nor CHUNKING is announced.
            _ => self.bad("502 5.5.1 Error: command not implemented"),
        }
    }

    fn good(&mut self, index: usize, reply: &str) {
        self.stats.good(index);
        self.reply(reply);
    }

    fn bad(&mut self, reply: &str) -> Option<Step> {
        self.reply(reply);
        self.errors += 1;
        None
    }

    /// Ends the transaction; an unfinished queue file is thrown away.
    fn reset(&mut self) -> Option<Step> {
        self.overshoot = 0;
        let envelope = std::mem::take(&mut self.envelope);
        envelope.queue_id.map(|_| Step::Abandon)
    }

    fn helo_command(&mut self, index: usize, words: &[Token]) -> Option<Step> {
        let word = COMMANDS[index].to_ascii_uppercase();
        if words.len() < 2 {
            return self.bad(&format!("501 Syntax: {word} hostname"));
        }
        let name: Vec<&str> = words[1..].iter().map(|token| token.text.as_str()).collect();
        let name = name.join(" ");
        if self.params.smtpd_delay_reject {
            return self.greeted(index, &name);
        }
        let mut subject = self.subject(None);
        subject.helo = Some(neuter(&name));
        let stage = if word == "HELO" {
            Stage::Helo
        } else {
            Stage::Ehlo
        };
        self.waiting = Waiting::Greeting(index, name);
        Some(Step::Check(stage, Box::new(subject)))
    }

    fn greeted(&mut self, index: usize, name: &str) -> Option<Step> {
        let step = self.reset();
        self.helo = Some(neuter(name));
        let host = self.params.myhostname.clone();
        self.stats.good(index);
        if COMMANDS[index] == "helo" {
            self.reply(&format!("250 {host}"));
        } else {
            self.protocol = "ESMTP";
            self.announce(&host);
        }
        self.count_junk();
        step
    }

    fn announce(&mut self, host: &str) {
        let size = self.params.message_size_limit;
        let keywords = [
            Some("PIPELINING".to_owned()),
            Some(if size > 0 {
                format!("SIZE {size}")
            } else {
                "SIZE".to_owned()
            }),
            (!self.params.disable_vrfy_command).then(|| "VRFY".to_owned()),
            Some("ENHANCEDSTATUSCODES".to_owned()),
            Some("8BITMIME".to_owned()),
            Some("DSN".to_owned()),
        ];
        let discarded = &self.params.smtpd_discard_ehlo_keywords;
        let keywords: Vec<String> = keywords
            .into_iter()
            .flatten()
            .filter(|keyword| {
                let name = keyword.split(' ').next().unwrap_or("");
                !discarded.iter().any(|word| word.eq_ignore_ascii_case(name))
            })
            .collect();
        let mut lines = vec![host.to_owned()];
        lines.extend(keywords);
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let separator = if number == last { ' ' } else { '-' };
            self.reply(&format!("250{separator}{line}"));
        }
    }

    fn mail_command(&mut self, words: &[Token]) -> Option<Step> {
        if self.params.smtpd_helo_required && self.helo.is_none() {
            return self.bad("503 5.5.1 Error: send HELO/EHLO first");
        }
        if self.envelope.sender.is_some() {
            return self.bad("503 5.5.1 Error: nested MAIL command");
        }
        if words.len() < 3 || !words[1].text.eq_ignore_ascii_case("from:") {
            return self.bad("501 5.5.4 Syntax: MAIL FROM:<address>");
        }
        if words[2].broken {
            return self.bad("501 5.1.7 Bad sender address syntax");
        }
        let Some(sender) = self.address(&words[2].text, Empty::Allowed) else {
            return self.bad("501 5.1.7 Bad sender address syntax");
        };
        let mut envelope = Envelope::default();
        let mut size = 0;
        for word in &words[3..] {
            match mail_option(&word.text, &mut envelope, &mut size) {
                Ok(()) => {}
                Err(reply) => return self.bad(&reply),
            }
        }
        envelope.sender = Some(sender);
        let limit = self.params.message_size_limit;
        if limit > 0 && size > limit {
            let text = "552 5.3.4 Message size exceeds fixed limit";
            self.log_event("reject", text, &Waiting::Mail(Box::new(envelope)));
            return self.bad(text);
        }
        self.waiting = Waiting::Room(Box::new(envelope));
        Some(Step::Room)
    }

    /// The answer to [`Step::Room`]: without room for a message, the client keeps its mail.
    pub fn room(&mut self, outcome: Result<(), Refusal>) {
        let Waiting::Room(envelope) = std::mem::take(&mut self.waiting) else {
            return;
        };
        match outcome {
            Ok(()) if self.params.smtpd_delay_reject => self.began_transaction(*envelope),
            Ok(()) => self.waiting = Waiting::CheckMail(envelope),
            Err(refusal) => {
                let text = format!("{} {}", refusal.code, refusal.text);
                self.log_event("reject", &text, &Waiting::Mail(envelope));
                let _ = self.bad(&text);
            }
        }
    }

    fn check_mail(&mut self, envelope: Box<Envelope>) -> Step {
        let mut subject = self.subject(None);
        subject.sender.clone_from(&envelope.sender);
        self.waiting = Waiting::Mail(envelope);
        Step::Check(Stage::Mail, Box::new(subject))
    }

    fn began_transaction(&mut self, envelope: Envelope) {
        self.envelope = envelope;
        self.good(MAIL, "250 2.1.0 Ok");
    }

    fn rcpt_command(&mut self, words: &[Token]) -> Option<Step> {
        if self.envelope.sender.is_none() {
            return self.bad("503 5.5.1 Error: need MAIL command");
        }
        if words.len() < 3 || !words[1].text.eq_ignore_ascii_case("to:") {
            return self.bad("501 5.5.4 Syntax: RCPT TO:<address>");
        }
        if words[2].broken {
            return self.bad("501 5.1.3 Bad recipient address syntax");
        }
        let Some(address) = self.address(&words[2].text, Empty::Refused) else {
            return self.bad("501 5.1.3 Bad recipient address syntax");
        };
        let mut recipient = Recipient::default();
        for word in &words[3..] {
            if let Err(bad) = rcpt_option(&word.text, &mut recipient) {
                if let Some(warning) = bad.warning {
                    self.warn(warning);
                }
                return self.bad(&bad.reply);
            }
        }
        let limit = self.params.smtpd_recipient_limit;
        if limit > 0 && self.envelope.recipients.len() >= limit {
            self.reply("452 4.5.3 Error: too many recipients");
            self.overshoot += 1;
            if self.overshoot <= self.params.smtpd_recipient_overshoot_limit {
                // Not an error of the client yet: RFC 5321 section 4.5.3.1.10 lets it send the rest later.
                self.stats.good(RCPT);
            } else {
                self.errors += 1;
            }
            return None;
        }
        recipient.address.clone_from(&address);
        self.waiting = Waiting::Rcpt(Box::new(recipient));
        Some(Step::Check(
            Stage::Rcpt,
            Box::new(self.subject(Some(address))),
        ))
    }

    fn vrfy_command(&mut self, words: &[Token]) -> Option<Step> {
        self.count_junk();
        if self.params.disable_vrfy_command {
            return self.bad("502 5.5.1 VRFY command is disabled");
        }
        if self.params.smtpd_helo_required && self.helo.is_none() {
            return self.bad("503 5.5.1 Error: send HELO/EHLO first");
        }
        if words.len() < 2 {
            return self.bad("501 5.5.4 Syntax: VRFY address");
        }
        if words[1].broken {
            return self.bad("501 5.1.3 Bad recipient address syntax");
        }
        let text: Vec<&str> = words[1..].iter().map(|token| token.text.as_str()).collect();
        let text = text.join(" ");
        let Some(address) = self.address(&text, Empty::Refused) else {
            return self.bad("501 5.1.3 Bad recipient address syntax");
        };
        self.waiting = Waiting::Vrfy(text);
        Some(Step::Check(
            Stage::Vrfy,
            Box::new(self.subject(Some(address))),
        ))
    }

    fn etrn_command(&mut self, words: &[Token]) -> Option<Step> {
        self.count_junk();
        if self.params.smtpd_helo_required && self.helo.is_none() {
            return self.bad("503 5.5.1 Error: send HELO/EHLO first");
        }
        if self.envelope.sender.is_some() {
            return self.bad("503 5.5.1 Error: MAIL transaction in progress");
        }
        if words.len() != 2 {
            return self.bad("500 Syntax: ETRN domain");
        }
        let name = words[1].text.trim_start_matches(['@', '#']);
        if !is_hostname(name) {
            return self.bad("501 Error: invalid parameter syntax");
        }
        self.waiting = Waiting::Etrn(name.to_owned());
        let subject = self.subject(Some(name.to_owned()));
        Some(Step::Check(Stage::Etrn, Box::new(subject)))
    }

    fn data_command(&mut self, words: &[Token]) -> Option<Step> {
        if self.envelope.recipients.is_empty() {
            return if self.envelope.sender.is_none() {
                self.bad("503 5.5.1 Error: need RCPT command")
            } else {
                self.bad("554 5.5.1 Error: no valid recipients")
            };
        }
        if words.len() != 1 {
            return self.bad("501 5.5.4 Syntax: DATA");
        }
        self.waiting = Waiting::Data;
        Some(Step::Check(Stage::Data, Box::new(self.subject(None))))
    }

    /// The bare address of a path, as it was given (cleanup makes it complete), or a warning and nothing.
    fn address(&mut self, text: &str, empty: Empty) -> Option<String> {
        let strictness = if self.params.strict_rfc821_envelopes {
            Strictness::Strict
        } else {
            Strictness::Lenient
        };
        let bare = extract(text, strictness).ok();
        let usable = bare.filter(|bare| {
            if bare.is_empty() {
                return empty == Empty::Allowed;
            }
            !resolve(bare, &self.params).is_ok_and(|resolved| resolved.error)
        });
        if usable.is_none() {
            let client = self.client.name_address();
            let place = self.place;
            self.warn(format!(
                "Illegal address syntax from {client} in {place} command: {text}"
            ));
        }
        usable
    }

    /// The policy has answered.
    pub fn checked(&mut self, decision: Decision) {
        let stage = std::mem::take(&mut self.waiting);
        self.log_notes(&stage, &decision.notes);
        let refused = decision.reject.as_ref().map(Reject::line);
        if let Some(line) = &refused {
            self.log_event("reject", line, &stage);
        } else {
            self.envelope.actions.extend(decision.actions);
        }
        match (stage, refused) {
            (Waiting::Connect, None) => self.greet(),
            (Waiting::Connect, Some(line)) => {
                self.denied = true;
                self.reply(&line);
            }
            (Waiting::Greeting(index, name), None) => {
                // The transaction's file, if any, goes with the next step.
                if let Some(Step::Abandon) = self.greeted(index, &name) {
                    self.waiting = Waiting::Nothing;
                }
            }
            (Waiting::Mail(envelope), None) => self.began_transaction(*envelope),
            (Waiting::Rcpt(recipient), None) => {
                if self.envelope.queue_id.is_some() {
                    self.accept(*recipient);
                } else {
                    self.waiting = Waiting::OpenForRcpt(recipient);
                }
            }
            (Waiting::Vrfy(text), None) => self.good(VRFY, &format!("252 2.0.0 {text}")),
            (Waiting::Etrn(name), None) => {
                // No fast flush service: Postfix's answer for a domain outside fast_flush_domains.
                let _ = self.bad(&format!("459 <{name}>: service unavailable"));
            }
            (Waiting::Data, None) => self.waiting = Waiting::Begin,
            (Waiting::EndOfData, None) => self.waiting = Waiting::Commit,
            (Waiting::EndOfData, Some(line)) => {
                let (code, text) = line.split_once(' ').unwrap_or(("451", ""));
                self.refusal = Some(Refusal::new(code.parse().unwrap_or(451), text));
                self.waiting = Waiting::Commit;
            }
            (_, Some(line)) => {
                let _ = self.bad(&line);
            }
            (_, None) => {}
        }
    }

    /// The step that an answered question leads to at once.
    pub(super) fn follow_up(&mut self) -> Option<Step> {
        if let Waiting::CheckMail(_) = &self.waiting
            && let Waiting::CheckMail(envelope) = std::mem::take(&mut self.waiting)
        {
            return Some(self.check_mail(envelope));
        }
        match &self.waiting {
            Waiting::OpenForRcpt(_) => Some(Step::Open),
            Waiting::Begin => Some(Step::Begin),
            Waiting::Commit if self.refusal.is_none() => Some(Step::Commit),
            Waiting::Commit => {
                let refusal = self.refusal.take()?;
                self.committed(Err(refusal));
                Some(Step::Abandon)
            }
            _ => None,
        }
    }

    /// The queue file was made, or could not be.
    pub fn opened(&mut self, id: Result<String, Refusal>) {
        let Waiting::OpenForRcpt(recipient) = std::mem::take(&mut self.waiting) else {
            return;
        };
        match id {
            Ok(id) => {
                let client = self.client.name_address();
                self.info(format!("{id}: client={client}"));
                self.envelope.queue_id = Some(id);
                self.accept(*recipient);
            }
            Err(refusal) => {
                let _ = self.bad(&format!("{} {}", refusal.code, refusal.text));
            }
        }
    }

    fn accept(&mut self, recipient: Recipient) {
        self.envelope.recipients.push(recipient);
        self.good(RCPT, "250 2.1.5 Ok");
    }

    /// The envelope was written, or could not be: the content is read in both cases.
    pub fn began(&mut self, outcome: Result<(), Refusal>) {
        self.waiting = Waiting::Nothing;
        self.reply("354 End data with <CR><LF>.<CR><LF>");
        self.start_content();
        self.refusal = outcome.err();
    }

    /// Records were written; a failure is kept for the end of data, as the protocol wants.
    pub fn wrote(&mut self, outcome: Result<(), Refusal>) {
        if let Err(refusal) = outcome {
            self.refusal.get_or_insert(refusal);
        }
        match std::mem::take(&mut self.waiting) {
            Waiting::LastContent if self.refusal.is_none() => self.waiting = Waiting::EndOfData,
            Waiting::LastContent => self.waiting = Waiting::Commit,
            _ => {}
        }
    }

    /// The check that is due when all content was written.
    pub(super) fn end_of_data_check(&mut self) -> Option<Step> {
        if !matches!(self.waiting, Waiting::EndOfData) {
            return None;
        }
        if self.params.smtpd_end_of_data_restrictions.is_empty() {
            self.waiting = Waiting::Commit;
            return None;
        }
        Some(Step::Check(Stage::EndOfData, Box::new(self.subject(None))))
    }

    /// The message is durable under this id, or it is not.
    pub fn committed(&mut self, outcome: Result<String, Refusal>) {
        self.waiting = Waiting::Nothing;
        match outcome {
            Ok(id) => {
                self.forgive();
                self.good(DATA, &format!("250 2.0.0 Ok: queued as {id}"));
            }
            Err(refusal) => {
                self.reply(&format!("{} {}", refusal.code, refusal.text));
                self.errors += 1;
            }
        }
        self.envelope = Envelope::default();
        self.overshoot = 0;
    }

    fn log_notes(&mut self, stage: &Waiting, notes: &[Note]) {
        for note in notes {
            match note {
                Note::Warning(text) => self.warn(text.clone()),
                // Once a message is enough.
                Note::Event { what: "hold", .. }
                    if self.envelope.actions.contains(&Action::Hold) => {}
                Note::Event { what, text } => self.log_event(what, text, stage),
            }
        }
    }

    /// `QID: what: STAGE from CLIENT: text; from=<> to=<> proto= helo=<>` with what is known.
    fn log_event(&mut self, what: &str, text: &str, stage: &Waiting) {
        use std::fmt::Write as _;
        let id = self.envelope.queue_id.as_deref().unwrap_or("NOQUEUE");
        let place = match stage {
            Waiting::Connect => "CONNECT",
            Waiting::EndOfData => "END-OF-MESSAGE",
            _ => self.place,
        };
        let client = self.client.name_address();
        let mut line = format!("{id}: {what}: {place} from {client}: {text};");
        let sender = match stage {
            Waiting::Mail(envelope) => envelope.sender.as_deref(),
            _ => self.envelope.sender.as_deref(),
        };
        if let Some(sender) = sender {
            let _ = write!(line, " from=<{}>", external(sender));
        }
        let recipient = match stage {
            Waiting::Rcpt(recipient) => Some(external(&recipient.address)),
            Waiting::Vrfy(text) => Some(text.clone()),
            // Later stages name the first recipient.
            Waiting::Data | Waiting::EndOfData => self
                .envelope
                .recipients
                .first()
                .map(|recipient| external(&recipient.address)),
            _ => None,
        };
        if let Some(recipient) = recipient {
            let _ = write!(line, " to=<{recipient}>");
        }
        let _ = write!(line, " proto={}", self.protocol);
        let helo = match stage {
            Waiting::Greeting(_, name) => Some(neuter(name)),
            _ => self.helo.clone(),
        };
        if let Some(helo) = helo {
            let _ = write!(line, " helo=<{helo}>");
        }
        self.push_line(Line::Info(line));
    }

    fn push_line(&mut self, line: Line) {
        match line {
            Line::Info(text) => self.info(text),
            Line::Warning(text) => self.warn(text),
        }
    }
}

/// Whether `<>` is an address here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Allowed,
    Refused,
}

/// A HELO name as it is kept and logged: what could confuse a reader becomes `?`.
fn neuter(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_control() || " <>()\\\";@".contains(c) {
                '?'
            } else {
                c
            }
        })
        .collect()
}

fn mail_option(word: &str, envelope: &mut Envelope, size: &mut u64) -> Result<(), String> {
    let upper = word.to_ascii_uppercase();
    match upper.as_str() {
        "BODY=8BITMIME" => envelope.encoding = "8bit",
        "BODY=7BIT" => envelope.encoding = "7bit",
        _ => {
            if let Some(digits) = upper.strip_prefix("SIZE=") {
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err("501 5.5.4 Bad message size syntax".to_owned());
                }
                *size = digits.parse().map_err(|_| {
                    "552 5.3.4 Message size exceeds file system imposed limit".to_owned()
                })?;
            } else if let Some(ret) = upper.strip_prefix("RET=") {
                envelope.ret = match ret {
                    "FULL" if envelope.ret == 0 => 1,
                    "HDRS" if envelope.ret == 0 => 2,
                    _ => return Err("501 5.5.4 Bad RET parameter syntax".to_owned()),
                };
            } else if upper.starts_with("ENVID=") {
                let value = xtext(&word["ENVID=".len()..]);
                match value {
                    Some(value) if envelope.envid.is_empty() && printable_ascii(&value) => {
                        envelope.envid = value;
                    }
                    _ => return Err("501 5.5.4 Bad ENVID parameter syntax".to_owned()),
                }
            } else {
                return Err(format!("555 5.5.4 Unsupported option: {word}"));
            }
        }
    }
    Ok(())
}

/// An option that is refused: the reply, and what Postfix logs about it.
struct BadOption {
    reply: String,
    warning: Option<String>,
}

impl BadOption {
    fn new(reply: impl Into<String>) -> Self {
        Self {
            reply: reply.into(),
            warning: None,
        }
    }
}

fn rcpt_option(word: &str, recipient: &mut Recipient) -> Result<(), BadOption> {
    let upper = word.to_ascii_uppercase();
    if let Some(list) = upper.strip_prefix("NOTIFY=") {
        let bad = || BadOption::new("501 5.5.4 Error: Bad NOTIFY parameter syntax");
        let mut mask = 0u8;
        for word in list.split(',') {
            mask |= match word {
                "NEVER" => 1,
                "SUCCESS" => 2,
                "FAILURE" => 4,
                "DELAY" => 8,
                other => {
                    return Err(BadOption {
                        warning: Some(format!(
                            "unknown DSN NOTIFY command value \"{other}\" in \"{list}\""
                        )),
                        ..bad()
                    });
                }
            };
        }
        if recipient.notify != 0 || (mask & 1 != 0 && mask != 1) {
            return Err(bad());
        }
        recipient.notify = mask;
    } else if upper.starts_with("ORCPT=") {
        let value = &word["ORCPT=".len()..];
        let decoded = value.split_once(';').and_then(|(kind, address)| {
            let address = xtext(address)?;
            (!kind.is_empty() && !address.is_empty() && printable_ascii(&address))
                .then(|| format!("{kind};{address}"))
        });
        match decoded {
            Some(decoded) if recipient.orcpt.is_empty() => recipient.orcpt = decoded,
            _ => {
                return Err(BadOption::new(
                    "501 5.5.4 Error: Bad ORCPT parameter syntax",
                ));
            }
        }
    } else {
        return Err(BadOption::new(format!(
            "555 5.5.4 Unsupported option: {word}"
        )));
    }
    Ok(())
}

fn printable_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// RFC 3461 section 4: `+2B` is a plus sign.
fn xtext(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'+' {
            let pair = [bytes.next()?, bytes.next()?];
            let pair = std::str::from_utf8(&pair).ok()?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
