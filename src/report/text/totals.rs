//! The grand totals: all of them, since a 0 is news too, with shares as pflogsumm computes them.

use super::page::{Ink, Page};
use crate::report::figures::{self, count, percent, share};
use crate::report::section::{Section, Unit};

/// Figures that are left out when they are 0: most servers never have them.
const RARE: [&str; 3] = ["reinjected", "probes", "unsized"];

/// Writes them.
pub(super) fn write(section: &Section, page: &mut Page) {
    let figure = |key: &str| section.value(key).count();
    // What wanted in; approximate, as pflogsumm's manual says of it.
    let wanted = figure("delivered") + figure("rejected") + figure("discarded");
    let mut rare = false;
    for column in section.spec.columns {
        let value = figure(column.key);
        if column.key == "deferrals" || (value == 0 && RARE.contains(&column.key)) {
            continue;
        }
        let first_rare = RARE.contains(&column.key) && !std::mem::replace(&mut rare, true);
        if column.key == "bytes_received" || first_rare {
            page.line("", Ink::Plain);
        }
        let note = match column.key {
            "deferred" if figure("deferrals") > 0 => {
                format!("  ({} deferrals)", count(figure("deferrals")))
            }
            "rejected" | "discarded" if value > 0 => {
                format!("  ({})", percent(share(value, wanted)))
            }
            _ => String::new(),
        };
        let shown = match column.unit {
            Unit::Bytes => figures::bytes(value),
            _ => count(value),
        };
        let bad = matches!(column.key, "bounced" | "expired") && value > 0;
        let ink = if bad { Ink::Bad } else { Ink::Plain };
        page.line(&format!("{shown:>11}   {}{note}", column.head), ink);
    }
}
