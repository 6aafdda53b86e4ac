//! The screens by number and name. What each shows is its pane's (state) and its view's (drawing).

/// A screen, in the order of its number key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Screen {
    /// Is mail flowing?
    #[default]
    Overview,
    /// The live tail.
    Log,
    /// Find a message and follow its life.
    Messages,
    /// Who is refused and why.
    Rejects,
    /// Browse and act on the queue.
    Queue,
    /// Block lists.
    Rbl,
    /// The mail server itself.
    Engine,
}

impl Screen {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Log,
        Self::Messages,
        Self::Rejects,
        Self::Queue,
        Self::Rbl,
        Self::Engine,
    ];

    /// Its place in the order, from 0.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|s| *s == self).unwrap_or(0)
    }

    /// What its tab says.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Log => "Log",
            Self::Messages => "Messages",
            Self::Rejects => "Rejects",
            Self::Queue => "Queue",
            Self::Rbl => "RBL",
            Self::Engine => "Engine",
        }
    }

    /// The question it answers: the first line of its help.
    pub fn question(self) -> &'static str {
        match self {
            Self::Overview => "Is mail flowing?",
            Self::Log => "What happens right now?",
            Self::Messages => "What became of this message?",
            Self::Rejects => "Who is refused, and why?",
            Self::Queue => "What waits, why, and what to do about it?",
            Self::Rbl => "Is this address or domain on a block list?",
            Self::Engine => "How does the mail server stand, and what would it say to a client?",
        }
    }

    /// The next one, going round.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % Self::ALL.len()]
    }

    /// The one before, going round.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::ALL[(self.index() + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}
