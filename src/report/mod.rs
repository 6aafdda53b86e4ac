//! Reports from a [`crate::stats::Summary`]: text for people and JSON for programs, one file each.
