//! New messages that the engine makes itself: bounces, forwarded and requeued mail.
//!
//! In: an envelope and a content. Out: a committed message and cleanup(8)'s log line for it. What comes
//! from outside goes through `smtpd` and `cleanup`, not through here.

use super::Site;
use super::cleanup::{ExpandError, mapped};
use super::spool::{Incoming, Spool, SpoolError};
use crate::queue::format::FormatError;
use crate::queue::format::content::ContentReader;
use crate::queue::format::writer::{Head, NewRecipient};
use crate::queue::format::{Envelope, address};
use std::fs::File;

/// Why a message could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Its recipients' aliases cannot be followed.
    #[error(transparent)]
    Alias(#[from] ExpandError),
    /// The message it is made from cannot be read.
    #[error("{0}")]
    Format(#[from] FormatError),
}

/// The envelope of a message the engine makes.
#[derive(Debug, Clone, Default)]
pub struct Submission<'a> {
    /// Sender, bare; empty is the null sender.
    pub sender: &'a [u8],
    /// Recipients.
    pub recipients: &'a [NewRecipient<'a>],
    /// `7bit`, `8bit` or empty.
    pub encoding: &'a str,
    /// Further attributes to keep from an earlier life.
    pub attributes: &'a [(&'a str, &'a [u8])],
    /// The arrival time to keep; `None` is now.
    pub arrival: Option<(i64, u32)>,
}

/// Makes a message: `content` writes it and returns the message-id for the log, brackets included.
pub fn submit(
    site: &Site,
    spool: &Spool,
    submission: &Submission<'_>,
    content: impl FnOnce(&mut Incoming) -> Result<String, SubmitError>,
) -> Result<String, SubmitError> {
    let mut incoming = spool.create()?;
    let head = Head {
        arrival: submission.arrival.unwrap_or(incoming.arrival()),
        create_time: incoming.arrival().0,
        rewrite_context: "local",
        sender: submission.sender,
        encoding: submission.encoding,
        attributes: submission.attributes,
        ..Head::default()
    };
    let recipients = expand(site, submission.recipients)?;
    let recipients: Vec<_> = recipients
        .iter()
        .map(|(asked, address)| NewRecipient {
            address: address.as_bytes(),
            original: if asked.original.is_empty() {
                asked.address
            } else {
                asked.original
            },
            ..**asked
        })
        .collect();
    incoming.set_envelope(&head, &recipients)?;
    let message_id = content(&mut incoming)?;
    let id = incoming.id().to_owned();
    // Before the commit: the queue manager may log the message at once.
    site.log
        .session("cleanup")
        .queue(&id, format_args!("message-id={message_id}"));
    incoming.commit(&[], &[])?;
    Ok(id)
}

/// Each recipient with the addresses its virtual aliases lead to; each address once.
fn expand<'a>(
    site: &Site,
    recipients: &'a [NewRecipient<'a>],
) -> Result<Vec<(&'a NewRecipient<'a>, String)>, SubmitError> {
    let mut found: Vec<(&NewRecipient<'_>, String)> = Vec::new();
    for asked in recipients {
        let address = String::from_utf8_lossy(asked.address);
        for target in mapped(&site.params, &address)? {
            if !found
                .iter()
                .any(|(_, known)| known.eq_ignore_ascii_case(&target))
            {
                found.push((asked, target));
            }
        }
    }
    Ok(found)
}

/// The `Received:` header of a message that came over no network.
pub fn received(site: &Site, id: &str, text: &str) -> [String; 2] {
    let (host, name) = (&site.params.myhostname, mail_name(site));
    [
        format!("Received: by {host} ({name}{text})"),
        format!("\tid {id}; {}", date()),
    ]
}

/// `mail_name`, which defaults to Postfix's own.
pub fn mail_name(site: &Site) -> &str {
    match site.params.mail_name.as_str() {
        "" => "Postfix",
        name => name,
    }
}

/// Now, as RFC 5322 section 3.3 and Postfix write it: `Sun, 22 Nov 2026 14:44:07 +0000 (UTC)`.
pub fn date() -> String {
    date_of(chrono::Local::now())
}

/// A time in that form. The zone's name is left out when the system gives only its offset.
pub fn date_of(time: chrono::DateTime<chrono::Local>) -> String {
    let text = time.format("%a, %-d %b %Y %H:%M:%S %z").to_string();
    if time.offset().local_minus_utc() == 0 {
        format!("{text} (UTC)")
    } else {
        text
    }
}

/// Copies the content of a queue file and returns its message-id.
pub fn copy_content(
    file: &File,
    envelope: &Envelope,
    incoming: &mut Incoming,
) -> Result<String, SubmitError> {
    let mut reader = ContentReader::new(file, envelope)?;
    let mut message_id = String::new();
    let mut in_headers = true;
    let mut line_start = true;
    while let Some(piece) = reader.next_piece()? {
        if in_headers && line_start {
            in_headers = !piece.data.is_empty();
            if let Some(value) = header(piece.data, "message-id") {
                message_id = value;
            }
        }
        line_start = piece.ends_line;
        incoming.put_part(piece.data)?;
        if piece.ends_line {
            incoming.end_line()?;
        }
    }
    Ok(message_id)
}

/// The value of a header line with this name, printable.
pub fn header(line: &[u8], name: &str) -> Option<String> {
    let (head, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":")?;
    head.eq_ignore_ascii_case(name.as_bytes())
        .then(|| address::printable(value.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_by_name() {
        assert_eq!(
            header(b"Message-ID: <a@b> ", "message-id").as_deref(),
            Some("<a@b>")
        );
        assert_eq!(header(b"Message-ID-X: <a@b>", "message-id"), None);
        assert_eq!(header(b"Mess", "message-id"), None);
    }
}
