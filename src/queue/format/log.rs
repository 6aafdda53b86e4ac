//! The logs beside the queue: `defer/`, `bounce/` and `trace/`, one file a message, one format.
//!
//! Blocks of lines between blank lines: `<rcpt>: reason` for old readers, then `name=value`. bounce(8)
//! writes them, showq(8) and the notifications read them. In: the file's bytes. Out: [`LogEntry`]s; lines
//! that cannot be understood are passed over, as Postfix does.

use super::address::{printable, quote};
use super::record::number;
use std::fmt::Write as _;

/// Why one recipient was deferred or bounced (or, in a trace, what became of it).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogEntry {
    /// The recipient, quoted as mail headers have it; empty for the null address.
    pub recipient: String,
    /// The recipient before aliases, when it differs.
    pub original_recipient: String,
    /// Where the recipient's record starts in the queue file; 0 when the log does not tell.
    pub offset: u64,
    /// RFC 3461 ORCPT, or empty.
    pub dsn_orig_rcpt: String,
    /// RFC 3461 NOTIFY flags; 0 when the log does not tell.
    pub notify: u8,
    /// RFC 3463 status, `4.4.1`.
    pub status: String,
    /// RFC 3464 action: `delayed`, `failed`, `delivered`, ...
    pub action: String,
    /// Diagnostic type and text (`smtp`, `550 no such user`), or empty.
    pub diagnostic: (String, String),
    /// Remote MTA type and name (`dns`, `mx.example`), or empty.
    pub remote_mta: (String, String),
    /// Why, for people.
    pub reason: String,
}

/// Reads a log. Blocks without a recipient are kept: they may still have a reason.
pub fn parse(bytes: &[u8]) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    let mut current: Option<LogEntry> = None;
    for line in bytes.split(|&b| b == b'\n') {
        if line.is_empty() {
            entries.extend(current.take());
            continue;
        }
        current.get_or_insert_default().take_line(line);
    }
    // bounce(8) ends each block with a blank line and truncates what it could not write: a block without is
    // being written now.
    entries
}

/// Only the recipients of a log with their reasons, for lists of a hundred thousand messages.
pub fn reasons(bytes: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut recipient, mut reason): (Option<&[u8]>, &[u8]) = (None, b"");
    for line in bytes.split(|&b| b == b'\n') {
        if line.is_empty() {
            if let Some(recipient) = recipient.take() {
                found.push((printable(recipient), printable(reason)));
            }
            reason = b"";
        } else if let Some(value) = line.strip_prefix(b"recipient=") {
            recipient = Some(if value == b"<>" { b"" } else { value });
        } else if let Some(value) = line.strip_prefix(b"reason=") {
            reason = value;
        } else if let Some((address, text)) = old_style(line) {
            recipient = Some(address);
            reason = text;
        }
    }
    found
}

/// `<recipient>: reason`, the only line of a block before Postfix 2.3.
fn old_style(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"<")?;
    let end = line.windows(3).position(|w| w == b">: ")?;
    Some((&line[..end], line[end + 3..].trim_ascii_start()))
}

impl LogEntry {
    fn take_line(&mut self, line: &[u8]) {
        if let Some((recipient, reason)) = old_style(line) {
            self.recipient = printable(recipient);
            self.reason = printable(reason);
            return;
        }
        let Some(equals) = line.iter().position(|&b| b == b'=') else {
            return;
        };
        let value = &line[equals + 1..];
        let target = match line[..equals].trim_ascii_end() {
            b"recipient" => {
                self.recipient = match value {
                    b"<>" => String::new(),
                    _ => printable(value),
                };
                return;
            }
            b"offset" => return self.offset = number(value).unwrap_or(0),
            b"notify_flags" => return self.notify = number(value).unwrap_or(0),
            b"original_recipient" => &mut self.original_recipient,
            b"dsn_orig_rcpt" => &mut self.dsn_orig_rcpt,
            b"status" => &mut self.status,
            b"action" => &mut self.action,
            b"diag_type" => &mut self.diagnostic.0,
            b"diag_text" => &mut self.diagnostic.1,
            b"mta_type" => &mut self.remote_mta.0,
            b"mta_name" => &mut self.remote_mta.1,
            b"reason" => &mut self.reason,
            _ => return,
        };
        *target = printable(value);
    }

    /// The block to append to the log, with the old line in front and the blank lines around it that
    /// bounce(8) writes.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(256);
        let recipient = one_line(&self.recipient);
        let shown = if recipient.is_empty() {
            "<>"
        } else {
            &recipient
        };
        let _ = write!(
            text,
            "\n<{recipient}>: {}\nrecipient={shown}\n",
            one_line(&self.reason)
        );
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "{name}={}", one_line(value));
            }
        };
        if !self
            .original_recipient
            .eq_ignore_ascii_case(&self.recipient)
        {
            line("original_recipient", &self.original_recipient);
        }
        line("offset", &positive(self.offset));
        line("dsn_orig_rcpt", &self.dsn_orig_rcpt);
        line("notify_flags", &positive(self.notify.into()));
        line("status", &self.status);
        line("action", &self.action);
        // Both halves or none, as bounce(8).
        for (pair, names) in [
            (&self.diagnostic, ["diag_type", "diag_text"]),
            (&self.remote_mta, ["mta_type", "mta_name"]),
        ] {
            if !pair.0.is_empty() && !pair.1.is_empty() {
                line(names[0], &pair.0);
                line(names[1], &pair.1);
            }
        }
        line("reason", &self.reason);
        text.push('\n');
        text
    }

    /// An entry for a recipient of an envelope: addresses quoted, DSN parameters and offset taken over.
    pub fn for_recipient(recipient: &super::envelope::EnvelopeRecipient) -> Self {
        Self {
            recipient: if recipient.address.is_empty() {
                String::new()
            } else {
                quote(&recipient.address)
            },
            original_recipient: if recipient.original.is_empty() {
                String::new()
            } else {
                quote(&recipient.original)
            },
            offset: recipient.offset,
            dsn_orig_rcpt: printable(&recipient.dsn_orig_rcpt),
            notify: recipient.notify,
            ..Self::default()
        }
    }
}

fn positive(value: u64) -> String {
    if value == 0 {
        String::new()
    } else {
        value.to_string()
    }
}

/// A remote server's reply may hold anything; a line break would begin a line of its own.
fn one_line(text: &str) -> String {
    printable(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by Postfix 3.7.11.
    const REAL: &str = "\n<\"q r\"@b.test>: connect to 127.0.0.1[127.0.0.1]:2: Connection refused\nrecipient=\"q r\"@b.test\noffset=757\ndsn_orig_rcpt=rfc822;\"q r\"@b.test\nnotify_flags=10\nstatus=4.4.1\naction=delayed\nreason=connect to 127.0.0.1[127.0.0.1]:2: Connection refused\n\n";

    #[test]
    fn a_real_log_is_read_and_written() {
        let entries = parse(REAL.as_bytes());
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].recipient, "\"q r\"@b.test");
        assert_eq!((entries[0].offset, entries[0].notify), (757, 10));
        assert_eq!(
            entries[0].reason,
            "connect to 127.0.0.1[127.0.0.1]:2: Connection refused"
        );
        assert_eq!(entries[0].to_text(), REAL);
        assert_eq!(parse(REAL.repeat(3).as_bytes()).len(), 3);
        let entry = entries.into_iter().next().unwrap();
        assert_eq!(reasons(REAL.as_bytes()), [(entry.recipient, entry.reason)]);
    }

    #[test]
    fn old_style_blocks_and_rubbish() {
        let entries = parse(
            b"<a@b>: no\n\nrubbish\n=x\nunknown=1\n<c\n\nrecipient=<>\nreason=why\n\nrecipient=cut",
        );
        assert_eq!(entries.len(), 3);
        assert_eq!(
            (entries[0].recipient.as_str(), entries[0].reason.as_str()),
            ("a@b", "no")
        );
        assert_eq!(entries[1], LogEntry::default());
        assert_eq!(
            (entries[2].recipient.as_str(), entries[2].reason.as_str()),
            ("", "why")
        );
    }

    #[test]
    fn a_hostile_reason_stays_in_its_line() {
        let entry = LogEntry {
            recipient: "a@b".into(),
            reason: "550 no\n\nrecipient=evil\x1b[2J".into(),
            ..LogEntry::default()
        };
        let back = parse(entry.to_text().as_bytes());
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].recipient, "a@b");
        assert_eq!(back[0].reason, "550 no??recipient=evil?[2J");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = reasons(&bytes);
        }
    }
}
