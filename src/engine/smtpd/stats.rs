//! How often each command was given and went well: the tail of the disconnect line.

/// The commands in the order the line names them.
pub const COMMANDS: [&str; 15] = [
    "helo", "ehlo", "xclient", "xforward", "starttls", "auth", "mail", "rcpt", "data", "bdat",
    "rset", "noop", "vrfy", "etrn", "quit",
];

/// Counts of one session.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Good and all, by [`COMMANDS`], then the unknown.
    counts: [(u32, u32); COMMANDS.len() + 1],
}

/// The place of the commands that are none.
const UNKNOWN: usize = COMMANDS.len();

impl Stats {
    /// A command was given; `None` is one that does not exist.
    pub fn given(&mut self, command: Option<usize>) {
        if let Some(count) = self.counts.get_mut(command.unwrap_or(UNKNOWN)) {
            count.1 += 1;
        }
    }

    /// It went well.
    pub fn good(&mut self, command: usize) {
        if let Some(count) = self.counts.get_mut(command) {
            count.0 += 1;
        }
    }

    /// ` ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4`.
    pub fn tail(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        let mut put = |name: &str, good: u32, all: u32| {
            // Postfix writes an empty session as commands=0/0.
            if good == all && all > 0 {
                let _ = write!(text, " {name}={good}");
            } else {
                let _ = write!(text, " {name}={good}/{all}");
            }
        };
        let names = COMMANDS.iter().copied().chain(["unknown"]);
        for (name, (good, all)) in names.zip(self.counts) {
            if all > 0 {
                put(name, good, all);
            }
        }
        let (good, all) = self
            .counts
            .iter()
            .fold((0, 0), |(good, all), count| (good + count.0, all + count.1));
        put("commands", good, all);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail() {
        let mut stats = Stats::default();
        stats.given(Some(1));
        stats.good(1);
        stats.given(Some(7));
        stats.given(None);
        assert_eq!(stats.tail(), " ehlo=1 rcpt=0/1 unknown=0/1 commands=1/3");
        assert_eq!(Stats::default().tail(), " commands=0/0");
    }
}
