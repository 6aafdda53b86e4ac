//! trivial-rewrite(8): says hardly more than that a table changed.

use super::super::event::Event;
use super::super::text::has;

/// Reads `table T has changed -- restarting`.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    (text.starts_with(b"table ") && has(text, b" has changed -- restarting"))
        .then_some(Event::Lifecycle(text))
}
