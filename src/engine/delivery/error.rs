//! error(8) and retry: the transport whose nexthop is the verdict, and what is said of a missing transport.

use super::{Delivered, Job, Outcome, Status};

/// Every recipient gets the nexthop as its verdict; `5.1.1 text` sets the DSN, `retry` defers.
pub(super) fn deliver(job: &Job) -> Delivered {
    let (status, default) = if job.transport == "retry" {
        (Status::Deferred, "4.3.0")
    } else {
        (Status::Bounced, "5.0.0")
    };
    let (dsn, text) = split_dsn(&job.nexthop, default);
    let outcome = Outcome::new(status, dsn, text, "none");
    Delivered::at_once(vec![outcome; job.recipients.len()])
}

/// Postfix defers what is to go to a transport that master.cf does not have (or that we do not provide).
pub(super) fn missing(job: &Job) -> Delivered {
    let outcome = Outcome::new(
        Status::Deferred,
        "4.3.0",
        "mail transport unavailable",
        "none",
    );
    Delivered {
        site_failure: Some(("4.3.0".into(), "mail transport unavailable".into())),
        ..Delivered::at_once(vec![outcome; job.recipients.len()])
    }
}

/// An RFC 3463 status in front of a text, when there is one.
pub(super) fn split_dsn<'t>(text: &'t str, default: &'t str) -> (&'t str, &'t str) {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = first.split('.');
    let class = parts.next();
    let number = |part: Option<&str>| {
        part.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    if matches!(class, Some("2" | "4" | "5"))
        && number(parts.next())
        && number(parts.next())
        && parts.next().is_none()
    {
        (first, rest.trim_start())
    } else {
        (default, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_taken_from_the_front() {
        assert_eq!(split_dsn("5.1.1 gone", "5.0.0"), ("5.1.1", "gone"));
        for text in ["gone", "5.1 gone", "6.1.1 x", "5.1.1.1 x", "5.1111.1 x"] {
            assert_eq!(split_dsn(text, "5.0.0"), ("5.0.0", text));
        }
    }
}
