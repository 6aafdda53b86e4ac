//! What of a summary is asked for: the tables that cost every line something are filled on demand.

/// A part of the summary that is filled only when it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// The hosts and domains below each cause ([`super::Summary::detail`]).
    Detail,
    /// smtpd(8)'s connections: how many and how long, by hour and by host.
    Connections,
    /// Delays by destination, split into their four parts.
    DestinationDelays,
    /// Messages and recipients by hour of each user and client, to tell surges.
    Surges,
    /// Which block list would have caught what alone.
    Overlap,
    /// A row a message: the only part that grows with the messages, and not with distinct names.
    Messages,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Detail,
        Self::Connections,
        Self::DestinationDelays,
        Self::Surges,
        Self::Overlap,
        Self::Messages,
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sections(u8);

impl Sections {
    /// None: the totals, causes and lists that every report has.
    pub const NONE: Self = Self(0);

    /// This set and one section more.
    #[must_use]
    pub const fn with(self, section: Section) -> Self {
        Self(self.0 | section.bit())
    }

    /// This set without a section.
    #[must_use]
    pub const fn without(self, section: Section) -> Self {
        Self(self.0 & !section.bit())
    }

    /// Whether a section is in the set.
    pub const fn has(self, section: Section) -> bool {
        self.0 & section.bit() != 0
    }
}

impl Default for Sections {
    /// Everything but the row a message.
    fn default() -> Self {
        Section::ALL
            .into_iter()
            .fold(Self::NONE, Self::with)
            .without(Section::Messages)
    }
}

impl FromIterator<Section> for Sections {
    fn from_iter<I: IntoIterator<Item = Section>>(sections: I) -> Self {
        sections.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let set: Sections = [Section::Detail, Section::Messages].into_iter().collect();
        assert!(set.has(Section::Detail) && set.has(Section::Messages));
        assert!(!set.has(Section::Surges));
        assert!(!set.without(Section::Detail).has(Section::Detail));
        assert!(Sections::default().has(Section::Surges));
        assert!(!Sections::default().has(Section::Messages));
    }
}
