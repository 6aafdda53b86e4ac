//! The sections, one file a subject. [`ALL`] is the one list of them: the formats, `--csv list`, the
//! `--no-` options and the manual go through it.

mod addresses;
mod causes;
mod changes;
mod delays;
mod dnsbl;
mod hosts;
mod log;
mod messages;
mod queue;
mod sasl;
mod screening;
mod smtpd;
mod surges;
mod tls;
mod totals;
mod traffic;

use super::input::Options;
use super::section::Spec;
use crate::stats::summary::{Section as Part, Sections};

/// Every section, in the order in which people read them.
pub static ALL: &[&Spec] = &[
    &changes::CHANGES,
    &changes::CHANGED_CAUSES,
    &totals::TOTALS,
    &traffic::BY_DAY,
    &traffic::HOURS_OF_DAY,
    &traffic::BY_HOUR,
    &causes::WARNINGS,
    &causes::DEFERRALS,
    &causes::BOUNCES,
    &causes::REJECTS,
    &causes::REJECT_WARNINGS,
    &causes::HOLDS,
    &causes::DISCARDS,
    &dnsbl::DNSBL,
    &dnsbl::OVERLAP,
    &surges::SURGES,
    &surges::LIMITS,
    &delays::DELAYS,
    &delays::BY_PART,
    &hosts::DOMAINS,
    &delays::DESTINATIONS,
    &hosts::SENDING_HOSTS,
    &hosts::CLIENTS,
    &addresses::SENDERS,
    &addresses::RECIPIENTS,
    &addresses::SENDERS_BY_BYTES,
    &addresses::RECIPIENTS_BY_BYTES,
    &smtpd::CONNECTIONS,
    &smtpd::BY_HOUR,
    &smtpd::BY_HOST,
    &tls::SESSIONS,
    &tls::DELIVERIES,
    &sasl::USERS,
    &sasl::CLIENTS,
    &sasl::REASONS,
    &screening::POSTSCREEN,
    &causes::LIFECYCLE,
    &messages::MESSAGES,
    &queue::QUEUE,
    &queue::DESTINATIONS,
    &log::LINES,
    &log::UNPARSED,
];

/// The section of a name, written with `_` or with `-`.
pub fn named(name: &str) -> Option<&'static Spec> {
    let key = name.replace('-', "_");
    ALL.iter().copied().find(|spec| spec.key == key)
}

/// Which parts of a summary these sections need: filling the others would cost every line of the log.
pub fn needed(options: &Options, specs: impl IntoIterator<Item = &'static Spec>) -> Sections {
    specs
        .into_iter()
        .filter(|spec| options.has(spec) && options.rows(spec) > 0)
        .filter_map(|spec| match spec.key {
            "deferrals" | "bounces" | "rejects" | "reject_warnings" | "holds" | "discards" => {
                Some(Part::Detail)
            }
            "connections" | "smtpd_by_hour" | "smtpd_by_host" => Some(Part::Connections),
            "destination_delays" => Some(Part::DestinationDelays),
            "surges" => Some(Part::Surges),
            "dnsbl_overlap" => Some(Part::Overlap),
            "messages" => Some(Part::Messages),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::section::{Shape, Unit};

    #[test]
    fn names_are_distinct_and_every_column_is_explained() {
        for (at, spec) in ALL.iter().enumerate() {
            assert!(ALL[..at].iter().all(|s| s.key != spec.key), "{}", spec.key);
            assert!(!spec.title.is_empty() && !spec.about.is_empty());
            for (at, column) in spec.columns.iter().enumerate() {
                assert!(!column.about.is_empty(), "{} {}", spec.key, column.key);
                assert!(spec.columns[..at].iter().all(|c| c.key != column.key));
            }
            if spec.shape == Shape::Causes {
                assert_eq!(spec.columns[0].unit, Unit::Text, "{}", spec.key);
            }
        }
        assert!(named("no-such-section").is_none());
        assert_eq!(named("by-hour").map(|s| s.key), Some("by_hour"));
    }
}
