//! Small writers that the daemons' printers share: the other direction of [`super::super::text`].

use super::super::event::Client;
use std::io::Write as _;

/// Appends pieces one behind the other.
pub fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Appends a decimal number.
pub fn number(value: u64, out: &mut Vec<u8>) {
    // A Vec takes whatever is written to it.
    let _ = write!(out, "{value}");
}

/// Appends `name[address]` or `name[address]:port`.
pub fn client(client: Client<'_>, out: &mut Vec<u8>) {
    put(out, &[client.name, b"[", client.ip, b"]"]);
    if let Some(port) = client.port {
        out.push(b':');
        number(u64::from(port), out);
    }
}

/// Appends `NAME<ADDRESS>`.
pub fn address(name: &[u8], address: &[u8], out: &mut Vec<u8>) {
    put(out, &[name, b"<", address, b">"]);
}

/// Appends a name and a value, when there is one.
pub fn member(name: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        put(out, &[name, value]);
    }
}
