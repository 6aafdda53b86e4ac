//! virtual(8): deliveries to virtual mailboxes. It says nothing else but warnings.

use super::super::event::Event;
use super::delivery;

/// Reads a line of the virtual delivery agent.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    delivery::read(text)
}
