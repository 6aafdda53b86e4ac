//! Authentication: who sent mail with it, who failed, and why.

use crate::report::figures::share;
use crate::report::input::shown;
use crate::report::section::{Cell, Column, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};

pub(super) static USERS: Spec = Spec {
    key: "sasl_users",
    title: "SASL Users",
    about: "Users by messages of authenticated clients and by failed attempts (whose user name Postfix logs since version 3.5, where the mechanism tells it).",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Users),
    columns: &[
        col("user", "user", Unit::Text, "The user name."),
        col(
            "messages",
            "messages",
            Unit::Count,
            "Messages received from them.",
        ),
        col("failures", "failures", Unit::Count, "Attempts that failed."),
    ],
    rows: |input| {
        let users = &input.summary.sasl.users;
        let top = users.top(input.options.limit(Limit::Users), |u| {
            u.messages + u.failures
        });
        Rows {
            rows: top
                .into_iter()
                .map(|(name, u)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(u.messages),
                        Cell::Count(u.failures),
                    ]
                })
                .collect(),
            all: users.len(),
        }
    },
};

pub(super) static CLIENTS: Spec = Spec {
    key: "sasl_failures",
    title: "SASL Failures by Client",
    about: "Failed authentications by the client's address.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Hosts),
    columns: &[
        col("client", "client", Unit::Text, "The client's address."),
        col("count", "failures", Unit::Count, "Attempts that failed."),
        col(
            "percent",
            "share",
            Unit::Percent,
            "The share of all failed attempts, 0 to 100.",
        ),
    ],
    rows: |input| {
        let failures = &input.summary.sasl.failures;
        let total = failures.iter().map(|(_, n)| n).sum();
        let top = failures.top(input.options.limit(Limit::Hosts), |n| *n);
        Rows {
            rows: top
                .into_iter()
                .map(|(name, n)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(*n),
                        Cell::Real(share(*n, total)),
                    ]
                })
                .collect(),
            all: failures.len(),
        }
    },
};

pub(super) static REASONS: Spec = Spec {
    key: "sasl_reasons",
    title: "SASL Failures by Reason",
    about: "Failed authentications by why, in the server's words.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: REASON,
    rows: |input| {
        let reasons = &input.summary.sasl.reasons;
        let total = reasons.total();
        let top = reasons.top(input.options.limit(Limit::Others));
        Rows {
            rows: top
                .into_iter()
                .map(|(name, cause)| {
                    vec![
                        Cell::Text(shown(name)),
                        Cell::Count(cause.count),
                        Cell::Real(share(cause.count, total)),
                        Cell::Time(cause.first),
                        Cell::Time(cause.last),
                    ]
                })
                .collect(),
            all: reasons.len(),
        }
    },
};

const REASON: &[Column] = &[
    col("reason", "reason", Unit::Text, "The reason."),
    col("count", "count", Unit::Count, "How often."),
    col(
        "percent",
        "share",
        Unit::Percent,
        "The share of all failed attempts, 0 to 100.",
    ),
    col("first", "", Unit::Time, "When it was logged first."),
    col("last", "last", Unit::Time, "When it was logged last."),
];
