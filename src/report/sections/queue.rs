//! The queue as it is now: what mailq(1) would end with, and where the mail in it is going.

use crate::queue::{Entry, QueueName};
use crate::report::input::{Input, shown};
use crate::report::section::{Cell, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};
use std::collections::BTreeMap;

pub(super) static QUEUE: Spec = Spec {
    key: "queue",
    title: "Mail Queue",
    about: "The queue when the report was made (with --mailq).",
    group: Group::Remarks,
    shape: Shape::Record,
    shown: Shown::Usually,
    limit: None,
    columns: &[
        col(
            "messages",
            "messages",
            Unit::Count,
            "Messages in the queue.",
        ),
        col("bytes", "bytes", Unit::Bytes, "Their bytes."),
        col(
            "recipients",
            "recipients still to be delivered to",
            Unit::Count,
            "Recipients still to be delivered to.",
        ),
        col(
            "active",
            "active",
            Unit::Count,
            "Messages in the active queue.",
        ),
        col(
            "deferred",
            "deferred",
            Unit::Count,
            "Messages in the deferred queue.",
        ),
        col("hold", "on hold", Unit::Count, "Messages on hold."),
        col(
            "incoming",
            "incoming or in maildrop",
            Unit::Count,
            "Messages in the other queues.",
        ),
        col(
            "oldest",
            "oldest message arrived",
            Unit::Time,
            "When the oldest message arrived.",
        ),
    ],
    rows: |input| {
        input
            .queue
            .map_or_else(Rows::default, |queue| Rows::one(totals(queue)))
    },
};

fn totals(queue: &[Entry]) -> Vec<Cell> {
    let of = |names: &[QueueName]| {
        let count = queue
            .iter()
            .filter(|e| names.contains(&e.queue_name))
            .count();
        Cell::Count(count as u64)
    };
    let known = [QueueName::Active, QueueName::Deferred, QueueName::Hold];
    let others = queue.iter().filter(|e| !known.contains(&e.queue_name));
    let oldest = queue.iter().map(|e| e.arrival_time).min();
    vec![
        Cell::Count(queue.len() as u64),
        Cell::Count(queue.iter().map(|e| e.message_size).sum()),
        Cell::Count(queue.iter().map(|e| e.recipients.len() as u64).sum()),
        of(&[QueueName::Active]),
        of(&[QueueName::Deferred]),
        of(&[QueueName::Hold]),
        Cell::Count(others.count() as u64),
        oldest.map_or(Cell::None, |seconds| Cell::Time(here(seconds))),
    ]
}

/// A point in time on this machine's clock.
fn here(seconds: i64) -> crate::logparse::Stamp {
    use chrono::{Offset as _, TimeZone as _};
    let offset = chrono::Local
        .timestamp_opt(seconds, 0)
        .earliest()
        .map_or(0, |t| t.offset().fix().local_minus_utc());
    crate::logparse::Stamp {
        micros: seconds.saturating_mul(1_000_000),
        offset,
    }
}

pub(super) static DESTINATIONS: Spec = Spec {
    key: "queue_destinations",
    title: "Mail Queue by Destination",
    about: "Recipients' domains in the queue (with --mailq).",
    group: Group::Remarks,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: &[
        col("domain", "host/domain", Unit::Text, "The domain."),
        col(
            "count",
            "recipients",
            Unit::Count,
            "Recipients in the queue.",
        ),
        col("reason", "", Unit::Text, "The reason of one of them."),
    ],
    rows: destinations,
};

fn destinations(input: &Input<'_>) -> Rows {
    let mut domains: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for recipient in input
        .queue
        .into_iter()
        .flatten()
        .flat_map(|e| &e.recipients)
    {
        let address = recipient.address.as_bytes();
        let domain = crate::stats::causes::domain(address).unwrap_or(address);
        let row = domains.entry(shown(domain).to_lowercase()).or_default();
        row.0 += 1;
        if let Some(reason) = &recipient.delay_reason
            && row.1.is_empty()
        {
            row.1 = shown(reason.as_bytes());
        }
    }
    let mut rows: Vec<_> = domains.into_iter().collect();
    rows.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    let all = rows.len();
    rows.truncate(input.options.limit(Limit::Hosts));
    let rows = rows.into_iter().map(|(domain, (count, reason))| {
        vec![Cell::Text(domain), Cell::Count(count), Cell::Text(reason)]
    });
    Rows {
        rows: rows.collect(),
        all,
    }
}
