//! Who sent far more than usual, and who went over a limit.

use crate::logparse::Stamp;
use crate::report::input::shown;
use crate::report::section::{Cell, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::series::Hour;
use crate::stats::summary::Who;

pub(super) static SURGES: Spec = Spec {
    key: "surges",
    title: "Sending Surges",
    about: "Hours in which a user or a client wrote to far more recipients than in their other hours: perhaps a stolen password.",
    group: Group::Problems,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Users),
    columns: &[
        col(
            "who",
            "who",
            Unit::Text,
            "The user name or the client, `name[address]`.",
        ),
        col("kind", "kind", Unit::Text, "user or client."),
        col("hour", "hour", Unit::Time, "The hour's beginning."),
        col(
            "messages",
            "messages",
            Unit::Count,
            "Messages received from them in this hour.",
        ),
        col(
            "recipients",
            "recipients",
            Unit::Count,
            "Recipients of these.",
        ),
        col(
            "median",
            "usual",
            Unit::Count,
            "Recipients in the median of their other hours.",
        ),
    ],
    rows: |input| {
        let surges = input.summary.surges();
        let all = surges.len();
        let limit = input.options.limit(Limit::Users);
        let rows = surges.into_iter().take(limit).map(|surge| {
            let (kind, name) = match surge.who {
                Who::User(name) => ("user", name),
                Who::Client(name) => ("client", name),
            };
            vec![
                Cell::Text(shown(name)),
                Cell::Text(kind.to_owned()),
                Cell::Time(beginning(surge.hour)),
                Cell::Count(surge.messages),
                Cell::Count(surge.recipients),
                Cell::Count(surge.median),
            ]
        });
        Rows {
            rows: rows.collect(),
            all,
        }
    },
};

/// An hour's first moment.
pub(super) fn beginning(hour: Hour) -> Stamp {
    Stamp {
        micros: (hour.local * 3600 - i64::from(hour.offset)) * 1_000_000,
        offset: hour.offset,
    }
}

pub(super) static LIMITS: Spec = Spec {
    key: "limits",
    title: "Client Limits Exceeded",
    about: "Limits on clients (smtpd_client_connection_rate_limit and its kin) and how often they were exceeded.",
    group: Group::Problems,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: &[
        col(
            "limit",
            "limit",
            Unit::Text,
            "What was limited, and for which service.",
        ),
        col(
            "count",
            "exceeded",
            Unit::Count,
            "Times that it was exceeded.",
        ),
        col(
            "max",
            "largest",
            Unit::Count,
            "The largest rate or count logged.",
        ),
    ],
    rows: |input| {
        let limits = &input.summary.limits.exceeded;
        let top = limits.top(input.options.limit(Limit::Others), |l| l.exceeded);
        Rows {
            rows: top
                .into_iter()
                .map(|(name, l)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(l.exceeded),
                        Cell::Count(l.max),
                    ]
                })
                .collect(),
            all: limits.len(),
        }
    },
};
