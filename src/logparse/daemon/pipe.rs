//! pipe(8): deliveries to external commands. It says nothing else but warnings.

use super::super::event::Event;
use super::delivery;

/// Reads a line of the pipe delivery agent.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    delivery::read(text)
}
