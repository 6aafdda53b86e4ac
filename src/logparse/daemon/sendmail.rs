//! sendmail(1), postdrop(1), postqueue(1) and the other commands: they log failures and little else.

use super::super::event::Event;
use super::delivery;

/// Reads a line of a command; `sendmail -bv` and posttls-finger write delivery and TLS lines.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    delivery::read(text).or_else(|| super::tls::client(text))
}
