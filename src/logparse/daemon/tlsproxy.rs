//! tlsproxy(8): TLS for postscreen and for connection reuse.

use super::super::event::{Client, Event, TlsproxyAct};
use super::super::text::{after, client_only};
use super::put::{self, put};
use super::tls;

/// The acts by their words.
const ACTS: &[(&[u8], TlsproxyAct)] = &[
    (b"CONNECT from ", TlsproxyAct::ConnectFrom),
    (b"CONNECT to ", TlsproxyAct::ConnectTo),
    (b"DISCONNECT ", TlsproxyAct::Disconnect),
];

/// Reads a line of the TLS proxy.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    let act = ACTS
        .iter()
        .find_map(|(words, act)| Some((*act, client_only(after(text, words)?)?)));
    match act {
        Some((act, peer)) => Some(Event::Tlsproxy { act, peer }),
        None if text.starts_with(b"TLS handshake failed for service=") => Some(Event::Info(text)),
        None => tls::server(text).or_else(|| tls::client(text)),
    }
}

/// Writes a connection's begin or end.
pub fn write(act: TlsproxyAct, peer: Client<'_>, out: &mut Vec<u8>) {
    let words = ACTS
        .iter()
        .find(|(_, known)| *known == act)
        .map_or(&b""[..], |(words, _)| words);
    put(out, &[words]);
    put::client(peer, out);
}
