//! The quoting of addresses in defer logs, in showq's answers and in postqueue's lists.
//!
//! A queue file holds an address bare (`q r@b.test`); those texts hold it quoted (`"q r"@b.test`), with
//! unprintable characters as `?`, so an envelope's address must pass here before the two are compared.

/// The address as Postfix's logs and lists spell it: the local part quoted where RFC 5322 section 3.4.1 asks
/// for it, control characters as `?`, bytes that are not UTF-8 as `?` each.
pub fn quote(address: &[u8]) -> String {
    printable(&quote_bytes(address))
}

/// The same, without the replacement of unprintable bytes.
fn quote_bytes(address: &[u8]) -> Vec<u8> {
    // A source route (`@a,@b:user@c`) is passed over, not quoted.
    let start = match address.first() {
        Some(b'@') => address
            .iter()
            .position(|&b| b == b':')
            .map_or(0, |at| at + 1),
        _ => 0,
    };
    let end = address
        .iter()
        .rposition(|&b| b == b'@')
        .filter(|&at| at >= start)
        .unwrap_or(address.len());
    let local = &address[start..end];
    if is_dot_string(local) {
        return address.to_vec();
    }
    let mut out = Vec::with_capacity(address.len() + 2);
    out.extend_from_slice(&address[..start]);
    out.push(b'"');
    for &byte in local {
        if matches!(byte, b'"' | b'\\' | b'\r') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    out.extend_from_slice(&address[end..]);
    out
}

/// Atoms with single dots between them.
fn is_dot_string(local: &[u8]) -> bool {
    !local.is_empty()
        && !local.starts_with(b".")
        && !local.ends_with(b".")
        && !local.windows(2).any(|pair| pair == b"..")
        && !local
            .iter()
            .any(|&b| b == b' ' || b.is_ascii_control() || b"()<>@,;:\\\"[]".contains(&b))
}

/// Control characters and bytes that are not UTF-8 become `?`.
pub fn printable(bytes: &[u8]) -> String {
    if bytes.iter().all(|b| (b' '..=b'~').contains(b)) {
        // Nearly every text: one copy. Printable ASCII is UTF-8, so nothing is replaced here.
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend(
            chunk
                .valid()
                .chars()
                .map(|c| if c.is_ascii_control() { '?' } else { c }),
        );
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_postfix_spells_them() {
        for (raw, shown) in [
            ("a.b@c.test", "a.b@c.test"),
            ("q r@b.test", "\"q r\"@b.test"),
            ("a\"b@c", "\"a\\\"b\"@c"),
            ("a..b@c", "\"a..b\"@c"),
            ("local", "local"),
            ("", "\"\""),
            ("x@y@z", "\"x@y\"@z"),
            ("esc\x1b[m@z", "\"esc?[m\"@z"),
            ("jörg@z", "jörg@z"),
        ] {
            assert_eq!(quote(raw.as_bytes()), shown);
        }
        assert_eq!(quote(b"\xff@z"), "?@z");
    }
}
