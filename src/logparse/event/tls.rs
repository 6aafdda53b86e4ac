//! TLS sessions, and what TLS reporting was told (TLSRPT, RFC 8460).

use super::Client;
use crate::logparse::text::find;
use memchr::memchr;

/// What a TLS line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tls<'a> {
    /// `Anonymous`, `Untrusted`, `Trusted`, `Verified`.
    pub trust: &'a [u8],
    /// Whether a session was reused rather than established.
    pub reused: bool,
    /// True for `from` (we are the server), false for `to`.
    pub inbound: bool,
    /// The peer.
    pub peer: Client<'a>,
    /// `TLSv1.3`
    pub protocol: &'a [u8],
    /// The cipher's name.
    pub cipher: &'a [u8],
    /// Bits of the key in use.
    pub bits: u32,
    /// Bits of the cipher's full key.
    pub cipher_bits: u32,
    /// The server name the client asked for (SNI), where logged.
    pub sni: Option<&'a [u8]>,
    /// Key exchange, signatures and digests, as logged (see [`Tls::part`]).
    pub detail: &'a [u8],
}

impl<'a> Tls<'a> {
    /// One of `key-exchange`, `server-signature`, `server-digest`, `client-signature`, `client-digest`: the
    /// word behind it and, in parentheses behind that, its curve or bits.
    pub fn part(&self, name: &str) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let at = find(self.detail, name.as_bytes())? + name.len();
        let rest = self.detail[at..].strip_prefix(b" ")?;
        let end = memchr(b' ', rest).unwrap_or(rest.len());
        let more = rest[end..].strip_prefix(b" (").and_then(|more| {
            let close = memchr(b')', more)?;
            Some(&more[..close])
        });
        Some((&rest[..end], more))
    }
}

/// `TLSRPT: status=S, domain=D, receiving_mx=H[A][, failure_type=T[, failure_reason=R]]` (3.10 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlsrpt<'a> {
    /// The policy's domain.
    pub domain: &'a [u8],
    /// The server tried; `(null)` where none was.
    pub mx: Client<'a>,
    /// `None` for a success.
    pub failure: Option<TlsrptFailure<'a>>,
}

/// What TLSRPT was told of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsrptFailure<'a> {
    /// `failure_type=`: RFC 8460 section 4.3's result type.
    pub kind: &'a [u8],
    /// `failure_reason=`: more words.
    pub reason: Option<&'a [u8]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_session() {
        let tls = Tls {
            trust: b"Anonymous",
            reused: false,
            inbound: true,
            peer: Client::default(),
            protocol: b"TLSv1.3",
            cipher: b"TLS_AES_256_GCM_SHA384",
            bits: 256,
            cipher_bits: 256,
            sni: None,
            detail:
                b"key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256",
        };
        assert_eq!(tls.part("key-exchange"), Some((&b"X25519"[..], None)));
        assert_eq!(
            tls.part("server-signature"),
            Some((&b"RSA-PSS"[..], Some(&b"2048 bits"[..])))
        );
        assert_eq!(tls.part("client-signature"), None);
    }
}
