//! The text as it grows: no line is wider than the page, and colour is only where it is wanted.

use super::{Messages, TextStyle};
use crate::report::wrap::{cut, lines};

/// Whether escape sequences may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// A file, a pipe, cron.
    #[default]
    Never,
    /// A terminal that knows them.
    Terminal,
}

/// How a line is marked on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Not at all.
    Plain,
    /// A title.
    Bold,
    /// What explains another line.
    Dim,
    /// What went wrong.
    Bad,
}

impl Ink {
    /// SGR parameters (ECMA-48 section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Bad => "31",
        }
    }
}

/// The text so far.
pub(super) struct Page {
    text: String,
    style: TextStyle,
}

impl Page {
    pub(super) fn new(style: TextStyle) -> Self {
        Self {
            text: String::new(),
            style,
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// How many lines or examples a text may take: `short`, or all.
    pub(super) fn most(&self, short: usize) -> usize {
        match self.style.messages {
            Messages::Short | Messages::WholeExample => short,
            Messages::Full => usize::MAX,
        }
    }

    /// How many lines of an example are shown.
    pub(super) fn example_lines(&self) -> usize {
        match self.style.messages {
            Messages::Short => 2,
            Messages::WholeExample | Messages::Full => usize::MAX,
        }
    }

    /// Columns of a line.
    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    /// One line, cut where it is too long.
    pub(super) fn line(&mut self, line: &str, ink: Ink) {
        let line = cut(line, self.style.width);
        let line = line.trim_end();
        if self.style.colour == Colour::Terminal && ink != Ink::Plain && !line.is_empty() {
            let blanks = line.len() - line.trim_start().len();
            let (before, marked) = line.split_at(blanks);
            self.text.push_str(before);
            self.text.push_str("\x1b[");
            self.text.push_str(ink.code());
            self.text.push('m');
            self.text.push_str(marked);
            self.text.push_str("\x1b[0m");
        } else {
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// A title, underlined, with an empty line before it.
    pub(super) fn title(&mut self, title: &str) {
        self.line("", Ink::Plain);
        self.line(title, Ink::Bold);
        let width = title.chars().count().min(self.style.width);
        self.line(&"-".repeat(width), Ink::Dim);
    }

    /// A paragraph, its further lines indented.
    pub(super) fn wrapped(&mut self, text: &str, indent: usize, ink: Ink) {
        let mut before = String::new();
        for line in lines(text, self.style.width.saturating_sub(indent)) {
            self.line(&format!("{before}{line}"), ink);
            before = " ".repeat(indent);
        }
    }

    /// A text behind `before`, wrapped, at most `most` lines of it; the last one says when there were more.
    pub(super) fn hanging(&mut self, before: &str, text: &str, most: usize, ink: Ink) {
        use unicode_width::UnicodeWidthStr as _;
        let indent = before.width();
        let room = self.style.width.saturating_sub(indent);
        let wrapped = lines(text, room);
        let more = wrapped.len() > most;
        for (at, line) in wrapped.iter().take(most).enumerate() {
            let before = if at == 0 {
                before.to_owned()
            } else {
                " ".repeat(indent)
            };
            let end = if more && at + 1 == most {
                let line = cut(line, room.saturating_sub(3));
                format!("{}...", line.trim_end_matches("..."))
            } else {
                line.clone()
            };
            self.line(&format!("{before}{end}"), ink);
        }
    }
}
