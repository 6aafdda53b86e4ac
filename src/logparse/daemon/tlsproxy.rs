//! tlsproxy(8): TLS for postscreen and for connection reuse.

use super::super::event::Event;
use super::super::text::{after, client_only};
use super::tls;

/// Reads a line of the TLS proxy.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if let Some(client) = after(text, b"CONNECT from ").and_then(client_only) {
        return Some(Event::Connect(client));
    }
    if let Some(client) = after(text, b"DISCONNECT ").and_then(client_only) {
        return Some(Event::Disconnect {
            client,
            counters: b"",
        });
    }
    tls::server(text)
}
