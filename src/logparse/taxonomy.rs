//! The reject taxonomy: which kind of reject a text is. By text, never by code: codes are configurable
//! and `soft_bounce` changes them.

/// What kind of reject a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Category<'a> {
    /// `Relay access denied`
    RelayDenied,
    /// `blocked using ZONE` about the client's address.
    Rbl {
        /// The zone.
        zone: &'a [u8],
    },
    /// `blocked using ZONE` about a name (HELO, sender or recipient domain, client name).
    Rhsbl {
        /// The zone.
        zone: &'a [u8],
    },
    /// Not recognised: a site's own text.
    #[default]
    Other,
}
