//! The multipart/report (RFC 6522): a text for people, a delivery-status for programs (RFC 3464), the message.

use super::Notice;
use crate::engine::Site;
use crate::engine::spool::{Incoming, Message, SpoolError};
use crate::engine::submit::{self, SubmitError};
use crate::queue::format::address::{printable, quote};
use crate::queue::format::content::ContentReader;
use crate::queue::format::log::LogEntry;
use std::fmt::Write as _;

/// Lines of the text part are folded at this column.
const WIDTH: usize = 78;

pub(super) struct Report<'r> {
    pub(super) site: &'r Site,
    pub(super) message: &'r Message,
    pub(super) entries: &'r [&'r LogEntry],
    pub(super) notice: Notice,
    pub(super) to: &'r str,
}

/// How much of the message goes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Returned {
    Full,
    Headers,
}

impl Report<'_> {
    /// Writes the notification; returns its message-id.
    pub(super) fn write(&self, out: &mut Incoming) -> Result<String, SubmitError> {
        let host = &self.site.params.myhostname;
        let id = out.id().to_owned();
        let now = chrono::Local::now();
        let message_id = format!("<{}.{id}@{host}>", now.to_utc().format("%Y%m%d%H%M%S"));
        let boundary = format!("{}.{}/{host}", self.message.id, now.timestamp());
        let subject = match self.notice {
            Notice::NonDelivery => "Undelivered Mail Returned to Sender",
            Notice::Delay => "Delayed Mail (still being retried)",
        };
        for line in submit::received(self.site, &id, "") {
            out.put_line(line.as_bytes())?;
        }
        lines(
            out,
            &format!(
                "Date: {}\n\
                 From: Mail Delivery System <MAILER-DAEMON@{host}>\n\
                 Subject: {subject}\n\
                 To: {}\n\
                 Auto-Submitted: auto-replied\n\
                 MIME-Version: 1.0\n\
                 Content-Type: multipart/report; report-type=delivery-status;\n\
                 \tboundary=\"{boundary}\"\n\
                 Content-Transfer-Encoding: 8bit\n\
                 Message-Id: {message_id}\n\
                 \n\
                 This is a MIME-encapsulated message.\n\n",
                submit::date(),
                quote(self.to.as_bytes()),
            ),
        )?;
        self.text_part(out, &boundary)?;
        self.status_part(out, &boundary)?;
        self.message_part(out, &boundary)?;
        lines(out, &format!("\n--{boundary}--\n"))?;
        Ok(message_id)
    }

    fn text_part(&self, out: &mut Incoming, boundary: &str) -> Result<(), SpoolError> {
        let host = &self.site.params.myhostname;
        lines(
            out,
            &format!(
                "--{boundary}\n\
                 Content-Description: Notification\n\
                 Content-Type: text/plain; charset=utf-8\n\
                 Content-Transfer-Encoding: 8bit\n\n\
                 This is the mail system of {host}.\n\n"
            ),
        )?;
        let told = match self.notice {
            Notice::NonDelivery => {
                "Your message did not reach the recipients named below, and will not be\n\
                 tried again. The reasons are given beside each address; the message is\n\
                 attached. If a reason does not help you, ask the postmaster of this\n\
                 system and include this report.\n"
                    .to_owned()
            }
            Notice::Delay => {
                let age = self.message.arrival().elapsed().unwrap_or_default();
                let lifetime = self.site.params.maximal_queue_lifetime;
                format!(
                    "This is a warning only: there is no need to send your message again.\n\n\
                     It has not reached the recipients named below for {} hour(s). It will\n\
                     be tried until it is {} day(s) old.\n",
                    age.as_secs() / 3600,
                    lifetime.as_secs() / 86_400,
                )
            }
        };
        lines(out, &told)?;
        for entry in self.entries {
            out.put_line(b"")?;
            fold(out, &format!("<{}>: {}", entry.recipient, entry.reason))?;
        }
        out.put_line(b"")
    }

    fn status_part(&self, out: &mut Incoming, boundary: &str) -> Result<(), SpoolError> {
        let host = &self.site.params.myhostname;
        let name = submit::mail_name(self.site);
        let arrival = chrono::DateTime::<chrono::Local>::from(self.message.arrival());
        lines(
            out,
            &format!(
                "--{boundary}\n\
                 Content-Description: Delivery report\n\
                 Content-Type: message/delivery-status\n\n\
                 Reporting-MTA: dns; {host}\n\
                 X-{name}-Queue-ID: {}\n\
                 X-{name}-Sender: rfc822; {}\n\
                 Arrival-Date: {}\n",
                self.message.id,
                printable(self.message.sender().as_bytes()),
                submit::date_of(arrival),
            ),
        )?;
        for entry in self.entries {
            self.recipient(out, entry)?;
        }
        out.put_line(b"")
    }

    fn recipient(&self, out: &mut Incoming, entry: &LogEntry) -> Result<(), SpoolError> {
        let action = match self.notice {
            // Deferred entries of a message that became too old failed all the same.
            Notice::NonDelivery => "failed",
            Notice::Delay => "delayed",
        };
        let mut text = format!("\nFinal-Recipient: rfc822; {}\n", entry.recipient);
        if !entry.dsn_orig_rcpt.is_empty() {
            let _ = writeln!(text, "Original-Recipient: {}", entry.dsn_orig_rcpt);
        }
        let _ = writeln!(text, "Action: {action}\nStatus: {}", entry.status);
        let (kind, mta) = &entry.remote_mta;
        if !mta.is_empty() {
            let _ = writeln!(text, "Remote-MTA: {kind}; {mta}");
        }
        lines(out, &text)?;
        let name = submit::mail_name(self.site);
        let diagnostic = match &entry.diagnostic {
            (kind, text) if !text.is_empty() => format!("Diagnostic-Code: {kind}; {text}"),
            _ => format!("Diagnostic-Code: X-{name}; {}", entry.reason),
        };
        fold(out, &diagnostic)?;
        if self.notice == Notice::Delay {
            let until = self.message.arrival() + self.site.params.maximal_queue_lifetime;
            let until = submit::date_of(until.into());
            out.put_line(format!("Will-Retry-Until: {until}").as_bytes())?;
        }
        Ok(())
    }

    fn message_part(&self, out: &mut Incoming, boundary: &str) -> Result<(), SubmitError> {
        let envelope = &self.message.envelope;
        let limit = self.site.params.bounce_size_limit;
        let returned = if self.notice == Notice::Delay
            || envelope.attribute("ret_flags") == Some(b"2")
            || limit > 0 && self.message.size() > limit
        {
            Returned::Headers
        } else {
            Returned::Full
        };
        let (description, kind) = match returned {
            Returned::Full => ("Undelivered Message", "message/rfc822"),
            Returned::Headers => ("Undelivered Message Headers", "text/rfc822-headers"),
        };
        lines(
            out,
            &format!(
                "--{boundary}\n\
                 Content-Description: {description}\n\
                 Content-Type: {kind}\n\
                 Content-Transfer-Encoding: 8bit\n\n\
                 Return-Path: <{}>\n",
                printable(self.message.sender().as_bytes())
            ),
        )?;
        let mut reader = ContentReader::new(&self.message.file, envelope)?;
        let mut line_start = true;
        while let Some(piece) = reader.next_piece()? {
            if returned == Returned::Headers && line_start && piece.data.is_empty() {
                break;
            }
            line_start = piece.ends_line;
            out.put_part(piece.data)?;
            if piece.ends_line {
                out.end_line()?;
            }
        }
        if !line_start {
            out.end_line()?;
        }
        Ok(())
    }
}

fn lines(out: &mut Incoming, text: &str) -> Result<(), SpoolError> {
    text.lines()
        .try_for_each(|line| out.put_line(line.as_bytes()))
}

/// One logical line, folded at blanks with an indented continuation.
fn fold(out: &mut Incoming, text: &str) -> Result<(), SpoolError> {
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.trim().is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.put_line(line.as_bytes())?;
            line = "   ".into();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.put_line(line.as_bytes())
}
