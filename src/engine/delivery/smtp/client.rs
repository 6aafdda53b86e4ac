//! One SMTP conversation, from the greeting to QUIT (RFC 5321, pipelined as RFC 2920 allows).
//!
//! In: a connected socket and a job. Out: decisions for its recipients, or a [`Failure`] for all that are
//! undecided. Texts are Postfix's, because logs and bounces are read by tools that know those.

use super::super::{Job, Outcome, Status};
use super::body;
use super::hosts::Target;
use super::reply::{self, Reply};
use crate::queue::format::address::quote;
use crate::queue::format::envelope::EnvelopeRecipient;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Why a conversation ended before its time.
pub(super) enum Failure {
    /// The host failed us: try another, or later.
    Site(Box<Outcome>),
    /// The message cannot go through this server, now or later.
    Bounce(Box<Outcome>),
}

/// What the server offers.
#[derive(Debug, Clone, Copy, Default)]
struct Features {
    pipelining: Offer,
    eight_bit: Offer,
    dsn: Offer,
    smtputf8: Offer,
    /// SIZE with its limit in bytes; 0 is none.
    size: Option<u64>,
}

/// Whether the server offers an extension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Offer {
    #[default]
    No,
    Yes,
}

pub(super) struct Client<'j> {
    stream: BufReader<TcpStream>,
    target: &'j Target,
    job: &'j Job,
    features: Features,
}

impl<'j> Client<'j> {
    pub(super) fn new(stream: TcpStream, target: &'j Target, job: &'j Job) -> Self {
        Self {
            stream: BufReader::new(stream),
            target,
            job,
            features: Features::default(),
        }
    }

    /// Greeting and EHLO, or HELO where EHLO is not understood.
    pub(super) async fn handshake(&mut self) -> Result<(), Failure> {
        let params = &self.job.site.params;
        let greeting = self
            .reply(
                params.smtp_helo_timeout,
                "receiving the initial server greeting",
            )
            .await?;
        if greeting.code != 220 {
            return Err(self.refused(&greeting));
        }
        let name = &params.smtp_helo_name;
        let timeout = params.smtp_helo_timeout;
        let stage = "performing the EHLO handshake";
        let ehlo = self
            .ask(&format!("EHLO {name}\r\n"), timeout, stage)
            .await?;
        let answer = if ehlo.is_positive() {
            self.features = features(&ehlo);
            ehlo
        } else {
            if ehlo.code == 421 {
                return Err(self.refused(&ehlo));
            }
            let stage = "performing the HELO handshake";
            let helo = self
                .ask(&format!("HELO {name}\r\n"), timeout, stage)
                .await?;
            if !helo.is_positive() {
                return Err(self.refused(&helo));
            }
            helo
        };
        let greeted = answer.lines.first().map_or("", String::as_str);
        let word = greeted.split(' ').next().unwrap_or("");
        if self.target.detect_loop && word.eq_ignore_ascii_case(&params.myhostname) {
            let text = format!("mail for {} loops back to myself", self.job.nexthop);
            return Err(Failure::Bounce(self.outcome(
                Status::Bounced,
                "5.4.6",
                text,
            )));
        }
        Ok(())
    }

    /// Sends the message for the recipients at `undecided`; every one that is decided gets its outcome.
    pub(super) async fn send(
        &mut self,
        undecided: &[usize],
        outcomes: &mut [Option<Box<Outcome>>],
    ) -> Result<(), Failure> {
        let job = self.job;
        let params = &job.site.params;
        let mail = self.mail_command()?;
        let rcpts: Vec<_> = undecided
            .iter()
            .map(|&at| self.rcpt_command(&job.recipients[at]))
            .collect();
        let pipelining = self.features.pipelining == Offer::Yes;
        if pipelining {
            let all = format!("{mail}{}DATA\r\n", rcpts.concat());
            self.write(
                all.as_bytes(),
                params.smtp_mail_timeout,
                "sending MAIL FROM",
            )
            .await?;
        }
        let stage = "sending MAIL FROM";
        let answer = self
            .step(&mail, pipelining, params.smtp_mail_timeout, stage)
            .await?;
        let mail_answer = answer;
        if !mail_answer.is_positive() {
            let outcome = self.said(&mail_answer, "MAIL FROM");
            for &at in undecided {
                outcomes[at] = Some(outcome.clone());
            }
            // With the rest of the pipeline unread the connection is of no use, and it is not used again.
            return Ok(());
        }
        let mut accepted = Vec::new();
        for (&at, command) in undecided.iter().zip(&rcpts) {
            let stage = "sending RCPT TO";
            let answer = self
                .step(command, pipelining, params.smtp_rcpt_timeout, stage)
                .await?;
            if answer.is_positive() {
                accepted.push(at);
                continue;
            }
            outcomes[at] = Some(self.said(&answer, "RCPT TO"));
            if answer.code == 421 {
                return Err(Failure::Site(self.said(&answer, "RCPT TO")));
            }
        }
        if accepted.is_empty() && !pipelining {
            return Ok(());
        }
        self.data(&accepted, outcomes, pipelining).await
    }

    /// DATA, the message, and what becomes of it.
    async fn data(
        &mut self,
        accepted: &[usize],
        outcomes: &mut [Option<Box<Outcome>>],
        pipelined: bool,
    ) -> Result<(), Failure> {
        let params = &self.job.site.params;
        let stage = "sending DATA command";
        let timeout = params.smtp_data_init_timeout;
        let go_on = self.step("DATA\r\n", pipelined, timeout, stage).await?;
        if go_on.code / 100 != 3 {
            let outcome = self.said(&go_on, "DATA");
            for &at in accepted {
                outcomes[at] = Some(outcome.clone());
            }
            return Ok(());
        }
        let stage = "sending message body";
        if accepted.is_empty() {
            // RFC 2920 section 3.1: a server that takes DATA without recipients is sent nothing.
            let timeout = params.smtp_data_done_timeout;
            let _ = self.ask(".\r\n", timeout, stage).await?;
            return Ok(());
        }
        let mut chunks = body::stream(Arc::clone(&self.job.message));
        while let Some(chunk) = chunks.recv().await {
            // A queue file that cannot be read to its end: close without the final dot, so that nothing counts.
            let chunk = chunk.map_err(|error| {
                let text = format!("queue file read error: {error}");
                Failure::Site(self.outcome(Status::Deferred, "4.3.0", text))
            })?;
            self.write(&chunk, params.smtp_data_xfer_timeout, stage)
                .await?;
        }
        let stage = "sending end of data -- message may be sent more than once";
        let done = self
            .ask(".\r\n", params.smtp_data_done_timeout, stage)
            .await?;
        for &at in accepted {
            outcomes[at] = Some(if done.is_positive() {
                let text = done.text.clone();
                self.outcome(Status::Sent, &done.status(), text)
            } else {
                self.said(&done, "end of DATA")
            });
        }
        Ok(())
    }

    /// Says good-bye without waiting for the answer (`smtp_skip_quit_response = yes`).
    pub(super) async fn quit(mut self) {
        let timeout = self.job.site.params.smtp_quit_timeout;
        if self
            .write(b"QUIT\r\n", timeout, "sending QUIT")
            .await
            .is_ok()
        {
            let _ = self.stream.get_mut().shutdown().await;
        }
    }

    fn mail_command(&self) -> Result<String, Failure> {
        let envelope = &self.job.message.envelope;
        let sender = envelope.sender.as_deref().unwrap_or_default();
        let mut command = format!("MAIL FROM:<{}>", path(sender));
        if let Some(limit) = self.features.size {
            let size = self.job.message.size();
            if limit > 0 && size > limit {
                let text = format!(
                    "message size {size} exceeds size limit {limit} of server {}",
                    self.peer()
                );
                return Err(Failure::Bounce(self.outcome(
                    Status::Bounced,
                    "5.3.4",
                    text,
                )));
            }
            let _ = write!(command, " SIZE={size}");
        }
        if self.features.eight_bit == Offer::Yes && envelope.attribute("encoding") == Some(b"8bit")
        {
            command.push_str(" BODY=8BITMIME");
        }
        if self.features.dsn == Offer::Yes {
            match envelope.attribute("ret_flags") {
                Some(b"1") => command.push_str(" RET=FULL"),
                Some(b"2") => command.push_str(" RET=HDRS"),
                _ => {}
            }
            if let Some(id) = envelope.attribute("envelope_id") {
                let _ = write!(command, " ENVID={}", xtext(id));
            }
        }
        let eight_bit_address =
            !sender.is_ascii() || self.job.recipients.iter().any(|r| !r.address.is_ascii());
        if self.features.smtputf8 == Offer::Yes {
            if eight_bit_address || envelope.size.is_some_and(|size| size.smtputf8 != 0) {
                command.push_str(" SMTPUTF8");
            }
        } else if eight_bit_address {
            let peer = self.peer();
            let text = format!("SMTPUTF8 is required, but was not offered by host {peer}");
            return Err(Failure::Bounce(self.outcome(
                Status::Bounced,
                "5.6.7",
                text,
            )));
        }
        command.push_str("\r\n");
        Ok(command)
    }

    fn rcpt_command(&self, recipient: &EnvelopeRecipient) -> String {
        let mut command = format!("RCPT TO:<{}>", path(&recipient.address));
        if self.features.dsn == Offer::Yes {
            let words = [(1, "NEVER"), (2, "SUCCESS"), (4, "FAILURE"), (8, "DELAY")];
            let notify: Vec<_> = words
                .iter()
                .filter(|(bit, _)| recipient.notify & bit != 0)
                .map(|(_, word)| *word)
                .collect();
            if !notify.is_empty() {
                let _ = write!(command, " NOTIFY={}", notify.join(","));
            }
            // RFC 3461 section 4.2: `type;xtext`.
            if let Some(at) = recipient.dsn_orig_rcpt.iter().position(|&b| b == b';') {
                let (kind, address) = recipient.dsn_orig_rcpt.split_at(at);
                let _ = write!(command, " ORCPT={};{}", xtext(kind), xtext(&address[1..]));
            }
        }
        command.push_str("\r\n");
        command
    }

    /// Sends a command unless the pipeline has it already, and reads its reply.
    async fn step(
        &mut self,
        command: &str,
        sent: bool,
        timeout: Duration,
        stage: &str,
    ) -> Result<Reply, Failure> {
        if sent {
            self.reply(timeout, stage).await
        } else {
            self.ask(command, timeout, stage).await
        }
    }

    async fn ask(
        &mut self,
        command: &str,
        timeout: Duration,
        stage: &str,
    ) -> Result<Reply, Failure> {
        self.write(command.as_bytes(), timeout, stage).await?;
        self.reply(timeout, stage).await
    }

    async fn write(&mut self, bytes: &[u8], timeout: Duration, stage: &str) -> Result<(), Failure> {
        match tokio::time::timeout(timeout, self.stream.get_mut().write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.lost(stage)),
            Err(_) => Err(self.timed_out(stage)),
        }
    }

    async fn reply(&mut self, timeout: Duration, stage: &str) -> Result<Reply, Failure> {
        match tokio::time::timeout(timeout, reply::read(&mut self.stream)).await {
            Ok(Ok(Some(reply))) => Ok(reply),
            Ok(_) => Err(self.lost(stage)),
            Err(_) => Err(self.timed_out(stage)),
        }
    }

    fn lost(&self, stage: &str) -> Failure {
        let text = format!("lost connection with {} while {stage}", self.peer());
        Failure::Site(self.outcome(Status::Deferred, "4.4.2", text))
    }

    fn timed_out(&self, stage: &str) -> Failure {
        let text = format!("conversation with {} timed out while {stage}", self.peer());
        Failure::Site(self.outcome(Status::Deferred, "4.4.2", text))
    }

    /// A server that does not want to talk, whatever its code: `smtp_skip_5xx_greeting = yes`.
    fn refused(&self, reply: &Reply) -> Failure {
        let text = format!("host {} refused to talk to me: {}", self.peer(), reply.text);
        let dsn = reply.status();
        let dsn = format!("4{}", dsn.get(1..).unwrap_or(".0.0"));
        let mut outcome = self.outcome(Status::Deferred, &dsn, text);
        outcome.diagnostic.clone_from(&reply.text);
        Failure::Site(outcome)
    }

    fn said(&self, reply: &Reply, command: &str) -> Box<Outcome> {
        let text = format!(
            "host {} said: {} (in reply to {command} command)",
            self.peer(),
            reply.text
        );
        // Neither yes nor no is no answer: again later.
        let status = if reply.code / 100 == 5 {
            Status::Bounced
        } else {
            Status::Deferred
        };
        let dsn = match reply.code / 100 {
            4 | 5 => reply.status(),
            _ => "4.5.0".into(),
        };
        let mut outcome = self.outcome(status, &dsn, text);
        outcome.diagnostic.clone_from(&reply.text);
        outcome
    }

    fn outcome(&self, status: Status, dsn: &str, text: String) -> Box<Outcome> {
        let relay = format!("{}:{}", self.peer(), self.target.address.port());
        let mut outcome = Outcome::new(status, dsn, text, &relay);
        outcome.remote_mta.clone_from(&self.target.host);
        Box::new(outcome)
    }

    fn peer(&self) -> String {
        format!("{}[{}]", self.target.host, self.target.address.ip())
    }
}

fn features(ehlo: &Reply) -> Features {
    let mut features = Features::default();
    for line in ehlo.lines.iter().skip(1) {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or("").to_ascii_uppercase();
        match keyword.as_str() {
            "PIPELINING" => features.pipelining = Offer::Yes,
            "8BITMIME" => features.eight_bit = Offer::Yes,
            "DSN" => features.dsn = Offer::Yes,
            "SMTPUTF8" => features.smtputf8 = Offer::Yes,
            "SIZE" => features.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
            _ => {}
        }
    }
    features
}

/// An address for a command: quoted, and without anything that could end the command.
fn path(address: &[u8]) -> String {
    if address.is_empty() {
        String::new()
    } else {
        quote(address)
    }
}

/// RFC 3461 section 4.
fn xtext(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if (b'!'..=b'~').contains(&byte) && byte != b'+' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "+{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_rfc_3461_s() {
        assert_eq!(xtext(b"a+b=c d\r\n@x"), "a+2Bb+3Dc+20d+0D+0A@x");
    }

    #[test]
    fn a_command_cannot_be_ended_by_an_address() {
        assert_eq!(path(b"a\r\nRCPT TO:<b>@x"), "\"a\\??RCPT TO:<b>\"@x");
        assert_eq!(path(b""), "");
    }
}
