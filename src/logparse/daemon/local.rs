//! local(8): deliveries to mailboxes, commands, files and forwards. It says nothing else but warnings.

use super::super::event::Event;
use super::delivery;

/// Reads a line of the local delivery agent.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    delivery::read(text)
}
