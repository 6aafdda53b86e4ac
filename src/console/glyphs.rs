//! The signs a frame is drawn with, in Unicode and in ASCII.

/// Which set the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyphs {
    /// Block elements, arrows, box drawing.
    Unicode,
    /// Nothing beyond 0x7e.
    Ascii,
}

impl Glyphs {
    /// From the locale, as setlocale(3) orders it: LC_ALL, LC_CTYPE, LANG.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| var(name).filter(|v| !v.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    fn pick<T>(self, unicode: T, ascii: T) -> T {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }

    /// Marks the row under the cursor.
    pub fn cursor(self) -> &'static str {
        self.pick("▌", ">")
    }

    /// Marks a chosen row.
    pub fn mark(self) -> &'static str {
        self.pick("●", "*")
    }

    /// Something was cut off here.
    pub fn ellipsis(self) -> &'static str {
        self.pick("…", "~")
    }

    /// Eighths of a cell's height, from one to eight.
    pub fn heights(self) -> [&'static str; 8] {
        self.pick(
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            [".", ".", ":", ":", "-", "=", "+", "#"],
        )
    }

    /// A horizontal rule's cell.
    pub fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    /// A vertical rule's cell.
    pub fn bar(self) -> &'static str {
        self.pick("│", "|")
    }

    /// Corners of a box: top left, top right, bottom left, bottom right.
    pub fn corners(self) -> [&'static str; 4] {
        self.pick(["╭", "╮", "╰", "╯"], ["+", "+", "+", "+"])
    }

    /// From one thing to another.
    pub fn arrow(self) -> &'static str {
        self.pick("→", ">")
    }

    /// Delivered.
    pub fn good(self) -> &'static str {
        self.pick("✓", "+")
    }

    /// Deferred.
    pub fn warn(self) -> &'static str {
        self.pick("◷", "~")
    }

    /// Bounced.
    pub fn bad(self) -> &'static str {
        self.pick("✗", "x")
    }

    /// Rejected.
    pub fn reject(self) -> &'static str {
        self.pick("⊘", "!")
    }

    /// Something to read.
    pub fn info(self) -> &'static str {
        self.pick("▸", ">")
    }

    /// Paused, following.
    pub fn paused(self) -> &'static str {
        self.pick("⏸", "||")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        let locale = |v: &'static str| {
            Glyphs::detect(move |name| (name == "LC_CTYPE").then(|| v.to_owned()))
        };
        assert_eq!(locale("C.UTF-8"), Glyphs::Unicode);
        assert_eq!(locale("de_DE.utf8"), Glyphs::Unicode);
        assert_eq!(locale("C"), Glyphs::Ascii);
        assert_eq!(Glyphs::detect(|_| None), Glyphs::Ascii);
    }
}
