//! scache(8): the connection cache's statistics.

use super::super::event::Event;
use super::super::text::after;

/// Reads `statistics: ...`.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    after(text, b"statistics: ").map(Event::Scache)
}
