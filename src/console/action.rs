//! The one table of what a key can do.
//!
//! Each line is an action: its name in `[keys]` of the settings, its default keys, where it applies and
//! what it does. The footer, the help (`?`), the palette (`:`) and the settings' check derive from it.

use super::screen::Screen;

/// Where an action applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// On every screen.
    Everywhere,
    /// On these screens only.
    On(&'static [Screen]),
}

impl Scope {
    /// Whether it applies on this screen.
    pub fn covers(self, screen: Screen) -> bool {
        match self {
            Self::Everywhere => true,
            Self::On(screens) => screens.contains(&screen),
        }
    }

    /// Whether some screen is in both.
    pub fn overlaps(self, other: Self) -> bool {
        Screen::ALL
            .iter()
            .any(|s| self.covers(*s) && other.covers(*s))
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it does.
    pub action: Action,
    /// Its name in `[keys]` and in the palette.
    pub name: &'static str,
    /// Default keys, in the spelling of [`super::key::Key`]; the first is the one the footer shows.
    pub keys: &'static [&'static str],
    /// Where.
    pub scope: Scope,
    /// A word for the footer; empty keeps it out of there.
    pub short: &'static str,
    /// What it does, for the help and the palette.
    pub help: &'static str,
}

macro_rules! actions {
    ($($action:ident, $name:literal, [$($key:literal),*], $scope:expr, $short:literal, $help:literal;)*) => {
        /// Everything a key can do. The table says where and how.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Action {
            $(#[doc = $help] $action,)*
        }

        /// The table.
        pub(crate) const TABLE: &[Entry] = &[
            $(Entry { action: Action::$action, name: $name, keys: &[$($key),*], scope: $scope, short: $short, help: $help },)*
        ];
    };
}

use Scope::{Everywhere, On};
use Screen::{Engine, Log, Messages, Overview, Queue, Rbl, Rejects};

const NOT_QUEUE: Scope = On(&[Overview, Log, Messages, Rejects, Rbl, Engine]);

// The order is the order of the footer and of the help: a screen's own actions first.
actions! {
    // The queue's acts.
    Flush, "flush", ["f"], On(&[Queue, Engine]), "flush", "try to deliver now: the marked messages, else this row; on the engine screen the whole queue";
    FlushAll, "flush-all", ["F"], On(&[Queue]), "", "try to deliver the whole deferred queue now";
    Hold, "hold", ["h"], On(&[Queue]), "hold", "keep from delivery until released";
    Release, "release", ["H"], On(&[Queue]), "release", "release from hold";
    Requeue, "requeue", ["R"], On(&[Queue]), "requeue", "through cleanup again, with a new queue id";
    Delete, "delete", ["d"], On(&[Queue]), "delete", "delete for ever, after a confirmation";
    Undo, "undo", ["U"], On(&[Queue]), "undo", "undo the last hold or release";
    Mark, "mark", ["Space"], On(&[Queue]), "mark", "mark or unmark this row";
    MarkRange, "mark-range", ["v"], On(&[Queue]), "", "mark from here on, until pressed again";
    MarkAll, "mark-all", ["*"], On(&[Queue]), "", "mark every row that matches the filter";
    Unmark, "unmark", ["u"], On(&[Queue]), "", "remove all marks";
    Content, "content", ["c"], On(&[Queue]), "content", "show the message's headers and body";
    // The engine's.
    Start, "start", ["s"], On(&[Engine]), "start", "start the mail server";
    Stop, "stop", ["x"], On(&[Engine]), "stop", "stop the mail server, after a confirmation";
    Reload, "reload", ["R"], On(&[Engine]), "reload", "make the mail server read its configuration again";
    Check, "check", ["c"], On(&[Engine]), "check", "check the configuration";
    Explain, "explain", ["e"], On(&[Engine]), "explain", "what would each restriction say to a client?";
    // Block lists.
    Lookup, "lookup", ["i", "a"], On(&[Rbl]), "look up", "type addresses, networks or domains to look up";
    LookupAgain, "lookup-again", ["f"], On(&[Rbl]), "again", "ask all lists again";
    Cancel, "cancel", ["x"], On(&[Rbl]), "cancel", "end the look-up under way";
    ListHealth, "list-health", ["e"], On(&[Rbl]), "health", "test the lists themselves";
    // Looking.
    Find, "find", ["i"], On(&[Messages]), "find", "type what to find: sender, recipient, message-id, queue id, client, status";
    Pause, "pause", ["p"], On(&[Log]), "pause", "stop and resume following the log";
    Filter, "filter", ["/"], On(&[Log, Messages, Rejects, Queue, Rbl, Engine]), "filter", "show only what matches: a substring, or /regex/";
    Search, "search", ["\\"], On(&[Log]), "search", "search without hiding the rest; then n and N";
    NextMatch, "next-match", ["n"], On(&[Log]), "", "next match";
    PreviousMatch, "previous-match", ["N"], On(&[Log]), "", "previous match";
    Group, "group", ["z"], On(&[Rejects, Queue]), "group", "the next grouping";
    GroupBack, "group-back", ["Z"], On(&[Rejects, Queue]), "", "the grouping before";
    Sort, "sort", ["s"], On(&[Messages, Rejects, Queue]), "sort", "the next sort order";
    Columns, "columns", ["S"], On(&[Queue]), "", "the next set of columns";
    // Pivots.
    Open, "open", ["Enter"], Everywhere, "open", "everything known about this row";
    Back, "back", ["Esc", "Backspace"], Everywhere, "", "back the way one came";
    Timeline, "timeline", ["t"], Everywhere, "timeline", "this message's timeline";
    ClientLists, "client-lists", ["b"], Everywhere, "RBL", "this client's block list verdicts";
    ClientRejects, "client-rejects", ["r"], Everywhere, "rejects", "this client's rejects";
    ClientMessages, "client-messages", ["m"], Everywhere, "messages", "this client's (or address's) messages";
    QueueEntry, "queue-entry", ["Q"], Everywhere, "", "this message's queue entry";
    Lines, "lines", ["L"], Everywhere, "lines", "the log lines that mention this";
    Copy, "copy", ["y"], Everywhere, "", "copy this row to the clipboard (OSC 52)";
    // Moving.
    Up, "up", ["Up", "k"], Everywhere, "", "one row up";
    Down, "down", ["Down", "j"], Everywhere, "", "one row down";
    Left, "left", ["Left"], Everywhere, "", "scroll or move left";
    Right, "right", ["Right", "l"], Everywhere, "", "scroll or move right";
    LeftHjkl, "left-hjkl", ["h"], NOT_QUEUE, "", "the same as left (on the queue, h holds)";
    PageUp, "page-up", ["PgUp", "Ctrl-B"], Everywhere, "", "one page up";
    PageDown, "page-down", ["PgDn", "Ctrl-F"], Everywhere, "", "one page down";
    HalfUp, "half-page-up", ["Ctrl-U"], Everywhere, "", "half a page up";
    HalfDown, "half-page-down", ["Ctrl-D"], Everywhere, "", "half a page down";
    Top, "top", ["g", "Home"], Everywhere, "", "to the first row";
    Bottom, "bottom", ["G", "End"], Everywhere, "", "to the last row";
    // The whole.
    Help, "help", ["?"], Everywhere, "help", "the keys of this screen";
    Palette, "palette", [":"], Everywhere, "all actions", "every action, by typing part of its name";
    Screen1, "overview", ["1"], Everywhere, "", "screen: is mail flowing?";
    Screen2, "log", ["2"], Everywhere, "", "screen: the live log";
    Screen3, "messages", ["3"], Everywhere, "", "screen: find a message, follow its life";
    Screen4, "rejects", ["4"], Everywhere, "", "screen: who is refused and why";
    Screen5, "queue", ["5"], Everywhere, "", "screen: the queue";
    Screen6, "rbl", ["6"], Everywhere, "", "screen: block lists";
    Screen7, "engine", ["7"], Everywhere, "", "screen: the mail server";
    NextScreen, "next-screen", ["Tab"], Everywhere, "", "the next screen";
    PreviousScreen, "previous-screen", ["BackTab"], Everywhere, "", "the screen before";
    Redraw, "redraw", ["Ctrl-L"], Everywhere, "", "draw the whole screen again";
    Suspend, "suspend", ["Ctrl-Z"], Everywhere, "", "back to the shell; fg returns";
    Quit, "quit", ["q", "Ctrl-C"], Everywhere, "quit", "leave mailtop";
}

impl Action {
    /// Its line of the table.
    pub fn entry(self) -> &'static Entry {
        // The macro writes the enum and the table from the same lines, in the same order.
        &TABLE[self as usize]
    }

    /// The screen it goes to, when it is one of the number keys.
    pub fn screen(self) -> Option<Screen> {
        let first = Self::Screen1 as usize;
        (self as usize)
            .checked_sub(first)
            .and_then(|n| Screen::ALL.get(n))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_finds_its_own_line() {
        for entry in TABLE {
            assert_eq!(entry.action.entry().name, entry.name);
        }
        assert_eq!(Action::Screen7.screen(), Some(Screen::Engine));
        assert_eq!(Action::Quit.screen(), None);
        assert_eq!(Action::Flush.screen(), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLE.iter().map(|e| e.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
