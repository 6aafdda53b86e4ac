//! From a reply's text to its category: the words of smtpd_check.c and what stands around them.

use super::super::text::{after, has};
use super::parts::{self, Blocked};
use super::{Category, Class, UserTable};

/// The category of an smtpd reply's text, without its codes.
pub fn reply(text: &[u8]) -> Category<'_> {
    if let Some(category) = blocked(text) {
        return category;
    }
    let (subject, text) = parts::subject(text);
    match parts::class(text, subject) {
        Some((class, said)) if said.starts_with(b"triggers ") => Category::Access { class },
        Some((class, said)) => said_about(class, said),
        None => plain(text),
    }
}

/// The category of a block list's verdict.
pub fn blocked(text: &[u8]) -> Option<Category<'_>> {
    let blocked = Blocked::of(text)?;
    let Blocked {
        class, what, zone, ..
    } = blocked;
    Some(if class == Class::Client && !blocked.is_name() {
        Category::Rbl { zone }
    } else {
        Category::Rhsbl { zone, class, what }
    })
}

/// What follows `CLASS rejected: `.
fn said_about(class: Class, said: &[u8]) -> Category<'_> {
    if let Some(category) = said_by_smtpd(class, said) {
        return category;
    }
    match plain(said) {
        Category::Other => policy(class, said),
        category => category,
    }
}

/// smtpd's own texts about one class.
fn said_by_smtpd(class: Class, said: &[u8]) -> Option<Category<'_>> {
    let starts = |start: &[u8]| said.starts_with(start);
    Some(match class {
        Class::Client | Class::ReverseClient if starts(b"cannot find your reverse hostname") => {
            Category::NoPtr
        }
        Class::Client if starts(b"cannot find your hostname") => Category::UnknownHost,
        Class::Helo if starts(b"invalid ip address") || said == b"Invalid name" => {
            Category::HeloInvalid
        }
        Class::Helo if starts(b"need fully-qualified hostname") => Category::HeloNonFqdn,
        Class::Helo if said == b"Host not found" || starts(b"Malformed DNS server reply") => {
            Category::HeloUnknown
        }
        _ if starts(b"need fully-qualified address") => Category::NonFqdn { class },
        _ if said == b"Domain not found" || starts(b"Malformed DNS server reply") => {
            Category::UnknownDomain { class }
        }
        _ if starts(b"Domain ") && said.ends_with(b" does not accept mail (nullMX)") => {
            Category::NullMx { class }
        }
        _ if starts(b"undeliverable address") => Category::Undeliverable { class },
        _ if starts(b"unverified address") || said == b"address verification problem" => {
            Category::Unverified { class }
        }
        _ if starts(b"User unknown") => Category::UserUnknown {
            class,
            table: table(said)?,
        },
        Class::Sender if starts(b"not owned by user ") || starts(b"not logged in") => {
            Category::LoginMismatch
        }
        _ => return None,
    })
}

fn table(said: &[u8]) -> Option<UserTable> {
    Some(match after(said, b"User unknown")? {
        b" in local recipient table" => UserTable::Local,
        b" in virtual mailbox table" => UserTable::VirtualMailbox,
        b" in virtual alias table" => UserTable::VirtualAlias,
        b" in relay recipient table" => UserTable::RelayRecipient,
        b"" => UserTable::Unsaid,
        _ => return None,
    })
}

/// smtpd's texts that stand with or without a class before them.
fn plain(said: &[u8]) -> Category<'_> {
    let starts = |start: &[u8]| said.starts_with(start);
    if said == b"Relay access denied" {
        Category::RelayDenied
    } else if starts(b"Improper use of SMTP command pipelining") {
        Category::Pipelining
    } else if said == b"Multi-recipient bounce" {
        Category::MultiRecipientBounce
    } else if starts(b"Message size exceeds ") || starts(b"message file too big") {
        Category::Size
    } else if starts(b"Insufficient system storage") {
        Category::Storage
    } else if starts(b"Session encryption is required") {
        Category::TlsRequired
    } else if starts(b"Temporary lookup failure") {
        Category::LookupFailure
    } else if starts(b"Server configuration ")
        || starts(b"queue file write error")
        || said.ends_with(b" Server local data error")
    {
        Category::ServerError
    } else if starts(b"Unable to look up mail exchanger ")
        || starts(b"Unable to look up name server ")
        || starts(b"Unable to verify host ")
    {
        Category::MxLookup
    } else if matches!(said, b"Try again later" | b"Service unavailable") || starts(b"defer_if_") {
        Category::TryAgain
    } else {
        Category::Other
    }
}

/// Texts of tables and policy servers: greylisting, SPF, DKIM and DMARC by their usual words.
fn policy(class: Class, said: &[u8]) -> Category<'_> {
    let lower: Vec<u8> = said.iter().take(200).map(u8::to_ascii_lowercase).collect();
    if has(&lower, b"greylist") || has(&lower, b"graylist") {
        Category::Greylist
    } else if has(&lower, b"dmarc") || has(&lower, b"dkim") {
        Category::Dmarc
    } else if has(&lower, b"spf") || has(&lower, b"sender policy framework") {
        Category::Spf
    } else if said == b"Access denied" || class != Class::Recipient {
        Category::Access { class }
    } else {
        Category::Policy
    }
}
