//! What postscreen(8) did.

use crate::report::section::{Cell, Group, Limit, Rows, Shape, Shown, Spec, Unit, col};

pub(super) static POSTSCREEN: Spec = Spec {
    key: "postscreen",
    title: "postscreen",
    about: "What postscreen(8) logged, by kind.",
    group: Group::Services,
    shape: Shape::List,
    shown: Shown::Usually,
    limit: Some(Limit::Postscreen),
    columns: &[
        col(
            "event",
            "event",
            Unit::Text,
            "The kind, in postscreen's words.",
        ),
        col("count", "count", Unit::Count, "How often."),
    ],
    rows: |input| {
        let mut events: Vec<(String, u64)> = input
            .summary
            .postscreen
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(kind, count)| (words(&format!("{kind:?}")), *count))
            .collect();
        events.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let all = events.len();
        events.truncate(input.options.limit(Limit::Postscreen));
        let rows = events
            .into_iter()
            .map(|(event, count)| vec![Cell::Text(event), Cell::Count(count)]);
        Rows {
            rows: rows.collect(),
            all,
        }
    },
};

/// `PassNew` as `PASS NEW`: the words that postscreen(8) writes.
fn words(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_uppercase());
    }
    out
}
