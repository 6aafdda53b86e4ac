//! The SMTP server: a sans-IO protocol machine ([`session`]) and the driver that gives it a socket.
//!
//! In: bytes from a client. Out: Postfix's replies, Postfix's log lines, and a message handed to cleanup. The
//! machine asks its driver for whatever needs time (policy, the queue file); it never blocks and knows no clock.

pub mod client;
mod commands;
mod data;
mod serve;
pub mod session;
mod stats;
mod token;

pub use client::Client;
pub use data::{BareNewline, Record};
pub use serve::{Clients, Door, serve};
pub use session::{Envelope, Recipient, Refusal, Session};
