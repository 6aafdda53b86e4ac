//! Telling senders: non-delivery and delay notifications (RFC 3464), and who gets them.
//!
//! In: a message and the entries of its bounce or defer log. Out: a new message with the null sender, or
//! nothing where nobody may be told: a bounce is never bounced.

mod report;

use super::Site;
use super::spool::{Message, Spool};
use super::submit::{self, Submission, SubmitError};
use crate::queue::format::log::LogEntry;
use crate::queue::format::writer::NewRecipient;

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Recipients failed for good, or the message is too old.
    NonDelivery,
    /// The message is late and still being tried.
    Delay,
}

/// RFC 3461 NOTIFY bits as queue files and logs have them.
const NEVER: u8 = 1;
const FAILURE: u8 = 4;
const DELAY: u8 = 8;

/// Tells the sender (or the postmaster, of a failed bounce when `notify_classes` has `2bounce`). Returns the
/// new message's id; `None` when nobody is to be told.
pub fn notify(
    site: &Site,
    spool: &Spool,
    message: &Message,
    entries: &[LogEntry],
    notice: Notice,
) -> Result<Option<String>, SubmitError> {
    let entries: Vec<_> = entries
        .iter()
        .filter(|e| wanted(e.notify, notice))
        .collect();
    let Some(to) = addressee(site, message, notice) else {
        return Ok(None);
    };
    if entries.is_empty() {
        return Ok(None);
    }
    let double_bounce = double_bounce_address(site);
    let recipients = [NewRecipient {
        address: to.address.as_bytes(),
        ..NewRecipient::default()
    }];
    let submission = Submission {
        sender: match to.kind {
            Addressee::Sender => b"",
            // A failed copy to the postmaster must not come back as yet another one.
            Addressee::Postmaster => double_bounce.as_bytes(),
        },
        recipients: &recipients,
        encoding: "8bit",
        ..Submission::default()
    };
    let report = report::Report {
        site,
        message,
        entries: &entries,
        notice,
        to: &to.address,
    };
    let id = submit::submit(site, spool, &submission, |incoming| report.write(incoming))?;
    let who = match to.kind {
        Addressee::Sender => "sender",
        Addressee::Postmaster => "postmaster",
    };
    let what = match notice {
        Notice::NonDelivery => "non-delivery",
        Notice::Delay => "delay",
    };
    let text = format_args!("{who} {what} notification: {id}");
    site.log.session("bounce").queue(&message.id, text);
    Ok(Some(id))
}

fn wanted(notify: u8, notice: Notice) -> bool {
    let bit = match notice {
        Notice::NonDelivery => FAILURE,
        Notice::Delay => DELAY,
    };
    // RFC 3461 section 4.1: nothing said means failures, and delays at our discretion.
    notify == 0 || (notify & NEVER == 0 && notify & bit != 0)
}

enum Addressee {
    Sender,
    Postmaster,
}

struct To {
    kind: Addressee,
    address: String,
}

fn addressee(site: &Site, message: &Message, notice: Notice) -> Option<To> {
    let sender = message.sender();
    if sender.eq_ignore_ascii_case(&double_bounce_address(site)) {
        return None;
    }
    if !sender.is_empty() {
        return Some(To {
            kind: Addressee::Sender,
            address: sender,
        });
    }
    let params = &site.params;
    let asked = params.notify_classes.iter().any(|c| c == "2bounce");
    (notice == Notice::NonDelivery && asked).then(|| To {
        kind: Addressee::Postmaster,
        address: format!("postmaster@{}", params.myorigin),
    })
}

fn double_bounce_address(site: &Site) -> String {
    let params = &site.params;
    let local = match params.double_bounce_sender.as_str() {
        "" => "double-bounce",
        name => name,
    };
    format!("{local}@{}", params.myhostname)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_what() {
        for (notify, failure, delay) in [
            (0, true, true),
            (NEVER, false, false),
            (FAILURE, true, false),
            (DELAY, false, true),
            (FAILURE | DELAY, true, true),
            (2, false, false),
        ] {
            assert_eq!(wanted(notify, Notice::NonDelivery), failure, "{notify}");
            assert_eq!(wanted(notify, Notice::Delay), delay, "{notify}");
        }
    }
}
