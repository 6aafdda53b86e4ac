//! mailtop: a terminal operations console for Postfix mail servers, and the Postfix-compatible mail
//! engine that ships in the same binary.
//!
//! Everything the program knows arrives as events ([`logparse`]) and everything it does leaves as
//! actions ([`queue::act`], [`control`]). `ARCHITECTURE.md` at the root says where things are and which
//! invariants hold; each module's first lines say what it owns and what it must not know.

pub mod attach;
pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod control;
pub mod demo;
pub mod dns;
pub mod engine;
pub mod logparse;
pub mod queue;
pub mod rbl;
pub mod report;
pub mod sanitize;
pub mod stats;
pub mod trace;
pub mod views;
