//! End-to-end tests, by capability, against the real servers that Debian packages.
//!
//! One binary, so that the peers' harness is compiled and linked once. A peer that is missing is a failure
//! with the install command in its message, never a skip; `tests/run` installs them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod peers;

mod console;
mod console_bounds;
mod console_live;
mod console_queue;
mod counting;
mod demo;
mod engine_deliver;
mod engine_load;
mod engine_queue;
mod engine_receive;
mod engine_rules;
mod log_sources;
mod log_wrappers;
mod logs;
mod logs_events;
mod logs_follow;
mod logs_hostile;
mod logs_print;
mod queue;
mod rbl;
mod report;
mod report_formats;
mod trace;
