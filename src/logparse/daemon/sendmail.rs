//! sendmail(1), postdrop(1), postqueue(1) and the other commands: they log failures and little else.

use super::super::event::Event;
use super::delivery;

/// Reads a line of a command; `sendmail -bv` and posttls-finger write delivery and TLS lines.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    delivery::read(text)
        .or_else(|| super::tls::client(text))
        .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

/// `-x option ignored`; nbdb_reindexd's successes.
fn is_remark(text: &[u8]) -> bool {
    (text.starts_with(b"-") && text.ends_with(b" option ignored"))
        || text.starts_with(b"successfully executed '")
        || text.starts_with(b"target file '")
}
