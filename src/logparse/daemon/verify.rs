//! verify(8): the address verification cache's housekeeping. Probes themselves are delivery lines.

use super::super::event::Event;
use super::super::text::has;

/// Reads `cache NAME full|partial cleanup: retained=N dropped=N entries`.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    (text.starts_with(b"cache ") && has(text, b" cleanup: ")).then_some(Event::Verify(text))
}
