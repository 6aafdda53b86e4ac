//! smtp(8) and lmtp(8): deliveries, and remarks about remote servers that are no delivery yet.

use super::super::event::Event;
use super::super::text::has;
use super::{delivery, tls};

/// Reads a line of the SMTP or LMTP client.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    if text.starts_with(b"to=") {
        return delivery::read(text);
    }
    is_remote(text)
        .then_some(Event::Remote { text })
        .or_else(|| tls::client(text))
        .or_else(|| is_remark(text).then_some(Event::Info(text)))
}

/// What a server, or the way to it, did (smtp_connect.c, smtp_trouble.c, smtp_chat.c).
fn is_remote(text: &[u8]) -> bool {
    (text.starts_with(b"connect to "))
        || (text.starts_with(b"host ")
            && (has(text, b" said: ") || has(text, b" refused to talk to me: ")))
        || text.starts_with(b"lost connection with ")
        || (text.starts_with(b"conversation with ") && has(text, b" timed out while "))
        || text.starts_with(b"Host offered STARTTLS: ")
        || text.starts_with(b"SASL authentication failed; ")
        || text.starts_with(b"smtp_get: ")
        || text.starts_with(b"network address conversion failed: ")
}

/// What the client itself did about it (smtp_proto.c, smtp_reuse.c).
fn is_remark(text: &[u8]) -> bool {
    (text.starts_with(b"enabling PIX workarounds: "))
        || text.starts_with(b"breaking line > ")
        || text.starts_with(b"discarding EHLO keywords: ")
        || text.starts_with(b"uncaching ")
        || text.starts_with(b"TLS is required, but ")
        || text.starts_with(b"offered TLSRPT policy ")
        || text.starts_with(b"using TLS security level ")
        || text.starts_with(b"passing ")
}
