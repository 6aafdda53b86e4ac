//! master(8): the mail system starts, reloads, ends.

use super::super::event::Event;

/// Reads a line of the master.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    (text.starts_with(b"daemon started -- version ")
        || text.starts_with(b"reload -- version ")
        || text.starts_with(b"reload configuration ")
        || text.starts_with(b"terminating on signal ")
        || text.starts_with(b"master exit time has arrived"))
    .then_some(Event::Lifecycle(text))
}
