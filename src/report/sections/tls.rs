//! TLS: versions and ciphers of sessions, and the policies of deliveries.

use crate::report::figures::share;
use crate::report::input::shown;
use crate::report::section::{Cell, Group, Limit, Row, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::summary::Direction;

pub(super) static SESSIONS: Spec = Spec {
    key: "tls",
    title: "TLS Sessions",
    about: "TLS connections by direction, trust, protocol and cipher (smtpd_tls_loglevel and smtp_tls_loglevel must be 1 or more), and handshakes that failed.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: &[
        col(
            "direction",
            "direction",
            Unit::Text,
            "in (a client came to us) or out (we went to a server).",
        ),
        col(
            "trust",
            "trust",
            Unit::Text,
            "Anonymous, Untrusted, Trusted or Verified; `failed` for handshakes that failed.",
        ),
        col("protocol", "protocol", Unit::Text, "TLSv1.3 and so on."),
        col("cipher", "cipher", Unit::Text, "The cipher's name."),
        col("count", "count", Unit::Count, "Connections."),
        col(
            "percent",
            "share",
            Unit::Percent,
            "The share of all rows, 0 to 100.",
        ),
        col(
            "reused",
            "reused",
            Unit::Count,
            "Those among them that used a session of an earlier connection.",
        ),
    ],
    rows: |input| {
        let tls = &input.summary.tls;
        let mut rows: Vec<Row> = Vec::new();
        let sessions = tls.rows();
        let failed = [("in", tls.failed_inbound), ("out", tls.failed_outbound)];
        let total = sessions.iter().map(|row| row.count.count).sum::<u64>()
            + failed.iter().map(|(_, n)| n).sum::<u64>();
        for (direction, count) in failed.into_iter().filter(|(_, n)| *n > 0) {
            rows.push(row(
                [direction, "failed", "", ""].map(str::to_owned),
                count,
                total,
                0,
            ));
        }
        rows.extend(sessions.iter().map(|session| {
            let direction = match session.direction {
                Direction::Inbound => "in".to_owned(),
                Direction::Outbound => "out".to_owned(),
            };
            let names = [
                direction,
                shown(session.trust),
                shown(session.protocol),
                shown(session.cipher),
            ];
            row(names, session.count.count, total, session.count.reused)
        }));
        let all = rows.len();
        rows.truncate(input.options.limit(Limit::Others));
        Rows { rows, all }
    },
};

fn row(names: [String; 4], count: u64, total: u64, reused: u64) -> Row {
    let mut row: Row = names.map(Cell::Text).to_vec();
    row.extend([
        Cell::Count(count),
        Cell::Real(share(count, total)),
        Cell::Count(reused),
    ]);
    row
}

pub(super) static DELIVERIES: Spec = Spec {
    key: "tls_deliveries",
    title: "TLS of Deliveries",
    about: "Deliveries by the `tls=` of Postfix 3.11 and later: policy and result, as in `may:none`.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Others),
    columns: &[
        col("tls", "policy:result", Unit::Text, "The field as logged."),
        col("count", "count", Unit::Count, "Delivery attempts."),
        col(
            "percent",
            "share",
            Unit::Percent,
            "The share of all attempts with the field, 0 to 100.",
        ),
    ],
    rows: |input| {
        let table = &input.summary.tls.deliveries;
        let total = table.iter().map(|(_, n)| n).sum();
        let top = table.top(input.options.limit(Limit::Others), |n| *n);
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
            all: table.len(),
        }
    },
};
