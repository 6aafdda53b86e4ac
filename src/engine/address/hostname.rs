//! What may be a host name (valid_hostname).

use std::net::IpAddr;

/// Whether a text is a host name: letters, digits, hyphens and dots, and not an address (valid_hostname).
pub fn is_hostname(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name.parse::<IpAddr>().is_err()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii())
        })
        && !name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        assert!(is_hostname("mail.example.com"));
        assert!(is_hostname("localhost"));
        for bad in ["", "a..b", "-a", "a b", "127.0.0.1", "1.2", "a_b!", ".a"] {
            assert!(!is_hostname(bad), "{bad}");
        }
    }
}
