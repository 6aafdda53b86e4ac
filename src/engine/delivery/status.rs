//! The delivery status line: `QID: to=<>, relay=, delay=, delays=, dsn=, status= (text)`.

use super::{Delivered, Job, Outcome, Status};
use crate::engine::maillog::Session;
use crate::queue::format::address::quote;
use crate::queue::format::envelope::EnvelopeRecipient;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// Where the time went: before the queue manager, in it, setting up the connection, sending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    total: Duration,
    parts: [Duration; 4],
}

impl Delays {
    pub(super) fn new(job: &Job, delivered: &Delivered, started: (Instant, SystemTime)) -> Self {
        let (start, wall) = started;
        let since = |later: SystemTime, earlier: SystemTime| {
            later.duration_since(earlier).unwrap_or_default()
        };
        let arrival = job.message.arrival();
        Self {
            total: since(SystemTime::now(), arrival),
            parts: [
                since(job.entered, arrival),
                since(wall, job.entered) + delivered.connecting.saturating_duration_since(start),
                delivered
                    .sending
                    .saturating_duration_since(delivered.connecting),
                delivered.sending.elapsed(),
            ],
        }
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.map(pretty).join("/");
        write!(f, "delay={}, delays={parts}", pretty(self.total))
    }
}

/// Seconds as Postfix prints them: two significant digits and at most two decimals (`delay_logging_resolution_limit`),
/// no trailing zeros: 0, 0.01, 0.5, 1.2, 23, 345.
pub fn pretty(duration: Duration) -> String {
    let rounded = |unit: u128| (duration.as_micros() + unit / 2) / unit * unit;
    let micros = rounded(10_000);
    if micros >= 10_000_000 || rounded(100_000) >= 10_000_000 {
        return (rounded(1_000_000) / 1_000_000).to_string();
    }
    let micros = if micros >= 1_000_000 {
        rounded(100_000)
    } else {
        micros
    };
    let text = format!("{}.{:02}", micros / 1_000_000, micros % 1_000_000 / 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writes the line.
pub(super) fn log(
    session: &Session,
    id: &str,
    recipient: &EnvelopeRecipient,
    outcome: &Outcome,
    status: Status,
    delays: &Delays,
) {
    let to = quote_or_empty(&recipient.address);
    let original = quote_or_empty(&recipient.original);
    let orig_to = if original.is_empty() || original.eq_ignore_ascii_case(&to) {
        String::new()
    } else {
        format!(" orig_to=<{original}>,")
    };
    let word = match status {
        Status::Sent => "sent",
        Status::Deferred => "deferred",
        Status::Bounced => "bounced",
    };
    let (relay, dsn, text) = (&outcome.relay, &outcome.dsn, &outcome.text);
    session.queue(
        id,
        format_args!(
            "to=<{to}>,{orig_to} relay={relay}, {delays}, dsn={dsn}, status={word} ({text})"
        ),
    );
}

/// The null address is empty, not `""`.
fn quote_or_empty(address: &[u8]) -> String {
    if address.is_empty() {
        String::new()
    } else {
        quote(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_postfix_s() {
        for (micros, text) in [
            (0, "0"),
            (4_999, "0"),
            (5_000, "0.01"),
            (12_700, "0.01"),
            (127_000, "0.13"),
            (500_000, "0.5"),
            (996_000, "1"),
            (1_240_000, "1.2"),
            (2_000_000, "2"),
            (9_960_000, "10"),
            (23_400_000, "23"),
            (345_600_000, "346"),
        ] {
            assert_eq!(pretty(Duration::from_micros(micros)), text, "{micros}");
        }
    }
}
