//! Themes: what each part of a frame looks like, by role, from TOML.
//!
//! In: a theme's name and the terminal's colour depth. Out: one [`Style`] for each [`Role`]. A theme file
//! states the background it is made for, a `[palette]` of names and `[roles]` that use them; `inherits`
//! names the theme it starts from. State is never told by colour alone: views put a symbol or a word
//! beside it, and roles carry attributes for terminals without colours.

use super::color::{Depth, Paint, SIXTEEN, hex};
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// Ordinary text.
    Text,
    /// Less important: stamps, labels, units.
    Dim,
    /// Headings of blocks and columns.
    Title,
    /// The bar at the top.
    Bar,
    /// The tab of the screen in view.
    Tab,
    /// A key in the footer and the help.
    Key,
    /// The row the cursor is on.
    Cursor,
    /// A marked row.
    Mark,
    /// What a search found.
    Match,
    /// Lines around blocks and pop-ups.
    Border,
    /// The text being typed.
    Input,
    /// Delivered, healthy.
    Good,
    /// Deferred, waiting, to be looked at.
    Warn,
    /// Bounced, failed.
    Bad,
    /// Rejected.
    Reject,
    /// Held, or news.
    Info,
    /// Bars and sparklines.
    Chart,
    /// Names that lead somewhere: queue ids, addresses.
    Link,
}

impl Role {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::Dim,
        Self::Title,
        Self::Bar,
        Self::Tab,
        Self::Key,
        Self::Cursor,
        Self::Mark,
        Self::Match,
        Self::Border,
        Self::Input,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Reject,
        Self::Info,
        Self::Chart,
        Self::Link,
    ];
}

/// The shipped themes: name and text.
pub(crate) const SHIPPED: [(&str, &str); 4] = [
    ("default", include_str!("../../themes/default.toml")),
    ("light", include_str!("../../themes/light.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    (
        "colour-blind",
        include_str!("../../themes/colour-blind.toml"),
    ),
];

/// What is wrong with a theme.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Neither shipped nor in the user's directory.
    #[error("theme {name:?}: not found (shipped: {shipped}; one's own: {dir})")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that are shipped.
        shipped: String,
        /// Where one's own belong.
        dir: String,
    },
    /// A file that could not be read.
    #[error("theme {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// Not TOML, or a role, colour or member that does not exist.
    #[error("theme {0}: {1}")]
    Wrong(String, String),
}

/// A theme ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Theme {
    depth: Depth,
    faces: BTreeMap<Role, Face>,
}

impl Theme {
    /// Finds a theme by name: the user's own directory first, then the shipped ones.
    pub fn load(name: &str, own: Option<&Path>, depth: Depth) -> Result<Self, ThemeError> {
        let faces = Sheet::find(name, own, 0)?.resolve(name, own, 0)?;
        Ok(Self { depth, faces })
    }

    /// How a role looks on this terminal.
    pub fn style(&self, role: Role) -> Style {
        let Some(face) = self.faces.get(&role) else {
            return Style::default();
        };
        let mut style = Style::default().add_modifier(face.modifiers);
        if self.depth == Depth::Mono {
            return style.add_modifier(face.mono);
        }
        let (fg, bg) = (face.fg.at(self.depth), face.bg.at(self.depth));
        if fg != Color::Reset {
            style = style.fg(fg);
        }
        if bg != Color::Reset {
            style = style.bg(bg);
        }
        style
    }
}

/// How one role looks.
#[derive(Debug, Clone, Copy)]
struct Face {
    fg: Paint,
    bg: Paint,
    modifiers: Modifier,
    /// Instead of colours, where there are none.
    mono: Modifier,
}

/// A theme file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    /// The theme to start from.
    inherits: Option<String>,
    /// The background it is made for, `#rrggbb`: what contrast is measured against.
    background: Option<String>,
    /// What the terminal's own foreground is taken to be on that background.
    foreground: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<Role, Look>,
}

/// A role's entry: the colour alone, or more.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Look {
    Fg(String),
    Full(FullLook),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullLook {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    attributes: Vec<Attribute>,
    /// Used instead of the colours on a terminal that has none.
    #[serde(default)]
    mono: Vec<Attribute>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Attribute {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

impl Sheet {
    fn find(name: &str, own: Option<&Path>, depth: u8) -> Result<Self, ThemeError> {
        // Five is more than any sensible chain of `inherits`; a circle ends here.
        if depth > 5 {
            return Err(ThemeError::Wrong(
                name.to_owned(),
                "inherits from itself".to_owned(),
            ));
        }
        let plain = !name.is_empty() && !name.contains(['/', '\0']);
        if let Some(path) = own.map(|dir| dir.join(format!("{name}.toml")))
            && plain
            && path.exists()
        {
            let text =
                std::fs::read_to_string(&path).map_err(|e| ThemeError::Read(path.clone(), e))?;
            return Self::parse(&path.display().to_string(), &text);
        }
        if let Some((_, text)) = SHIPPED.iter().find(|(n, _)| *n == name) {
            return Self::parse(name, text);
        }
        Err(ThemeError::Unknown {
            name: name.to_owned(),
            shipped: SHIPPED.map(|(n, _)| n).join(", "),
            dir: own.map_or_else(
                || "no directory".to_owned(),
                |d| format!("{}/NAME.toml", d.display()),
            ),
        })
    }

    fn parse(name: &str, text: &str) -> Result<Self, ThemeError> {
        toml::from_str(text).map_err(|e| ThemeError::Wrong(name.to_owned(), e.to_string()))
    }

    /// Lays this sheet's roles over those it inherits.
    fn resolve(
        mut self,
        name: &str,
        own: Option<&Path>,
        depth: u8,
    ) -> Result<BTreeMap<Role, Face>, ThemeError> {
        self.inherit(own, depth)?;
        let mut faces = BTreeMap::new();
        for (role, look) in &self.roles {
            let face = self
                .face(look)
                .map_err(|why| ThemeError::Wrong(name.to_owned(), format!("{role:?}: {why}")))?;
            faces.insert(*role, face);
        }
        Ok(faces)
    }

    /// Takes over what this sheet does not say itself. A palette name redefined here changes inherited roles too.
    fn inherit(&mut self, own: Option<&Path>, depth: u8) -> Result<(), ThemeError> {
        let Some(parent) = self.inherits.take() else {
            return Ok(());
        };
        let mut parent = Self::find(&parent, own, depth + 1)?;
        parent.inherit(own, depth + 1)?;
        for (name, color) in parent.palette {
            self.palette.entry(name).or_insert(color);
        }
        for (role, look) in parent.roles {
            self.roles.entry(role).or_insert(look);
        }
        self.background = self.background.take().or(parent.background);
        self.foreground = self.foreground.take().or(parent.foreground);
        Ok(())
    }

    fn face(&self, look: &Look) -> Result<Face, String> {
        let modifiers = |list: &[Attribute]| {
            list.iter().fold(Modifier::empty(), |all, a| {
                all | match a {
                    Attribute::Bold => Modifier::BOLD,
                    Attribute::Dim => Modifier::DIM,
                    Attribute::Italic => Modifier::ITALIC,
                    Attribute::Underline => Modifier::UNDERLINED,
                    Attribute::Reverse => Modifier::REVERSED,
                }
            })
        };
        Ok(match look {
            Look::Fg(color) => Face {
                fg: self.paint(color)?,
                bg: Paint::Default,
                modifiers: Modifier::empty(),
                mono: Modifier::empty(),
            },
            Look::Full(full) => Face {
                fg: full
                    .fg
                    .as_deref()
                    .map_or(Ok(Paint::Default), |c| self.paint(c))?,
                bg: full
                    .bg
                    .as_deref()
                    .map_or(Ok(Paint::Default), |c| self.paint(c))?,
                modifiers: modifiers(&full.attributes),
                mono: modifiers(&full.mono),
            },
        })
    }

    /// A colour: `default`, a name of the palette, or `#rrggbb` with, if wanted, its name among the sixteen.
    fn paint(&self, text: &str) -> Result<Paint, String> {
        let text = self.palette.get(text).map_or(text, String::as_str);
        if text == "default" {
            return Ok(Paint::Default);
        }
        let (rgb, named) = match text.split_once(' ') {
            Some((rgb, named)) => (rgb, Some(named.trim())),
            None => (text, None),
        };
        let named = match named {
            None => None,
            Some(name) => Some(
                SIXTEEN
                    .iter()
                    .find(|(n, _, _)| *n == name)
                    .map(|(_, color, _)| *color)
                    .ok_or_else(|| format!("{name:?} is none of the sixteen colours"))?,
            ),
        };
        let (r, g, b) =
            hex(rgb).ok_or_else(|| format!("{rgb:?} is no #rrggbb and no name of [palette]"))?;
        Ok(Paint::Rgb(r, g, b, named))
    }
}

#[cfg(test)]
mod tests {
    use super::super::color::contrast;
    use super::*;

    #[test]
    fn shipped_themes_say_every_role_and_can_be_read() {
        for (name, text) in SHIPPED {
            let mut sheet = Sheet::parse(name, text).unwrap();
            sheet.inherit(None, 0).unwrap();
            let background = hex(sheet.background.as_deref().unwrap()).unwrap();
            let foreground = hex(sheet.foreground.as_deref().unwrap()).unwrap();
            for role in Role::ALL {
                let look = sheet
                    .roles
                    .get(&role)
                    .unwrap_or_else(|| panic!("{name} has no {role:?}"));
                let face = sheet.face(look).unwrap();
                let rgb = |paint: Paint, default| match paint {
                    Paint::Default => default,
                    Paint::Rgb(r, g, b, _) => (r, g, b),
                };
                let ratio = contrast(rgb(face.fg, foreground), rgb(face.bg, background));
                assert!(ratio >= 4.5, "{name} {role:?}: contrast {ratio:.2}");
            }
        }
    }

    #[test]
    fn without_colours_states_still_differ_by_attribute() {
        for (name, _) in SHIPPED {
            let theme = Theme::load(name, None, Depth::Mono).unwrap();
            for role in Role::ALL {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
            }
            let cursor = theme.style(Role::Cursor);
            assert!(cursor.add_modifier.contains(Modifier::REVERSED), "{name}");
            assert!(!theme.style(Role::Bad).add_modifier.is_empty(), "{name}");
        }
    }

    #[test]
    fn ones_own_theme_inherits_and_errors_name_it() {
        let dir = tempfile::tempdir().unwrap();
        let own = Some(dir.path());
        std::fs::write(
            dir.path().join("mine.toml"),
            "inherits = \"default\"\n[palette]\ngreen = \"#123456\"\n",
        )
        .unwrap();
        let mine = Theme::load("mine", own, Depth::True).unwrap();
        assert_eq!(
            mine.style(Role::Good).fg,
            Some(Color::Rgb(0x12, 0x34, 0x56))
        );
        std::fs::write(dir.path().join("loop.toml"), "inherits = \"loop\"\n").unwrap();
        assert!(Theme::load("loop", own, Depth::True).is_err());
        std::fs::write(dir.path().join("bad.toml"), "[roles]\ngood = \"#12\"\n").unwrap();
        let error = Theme::load("bad", own, Depth::True)
            .unwrap_err()
            .to_string();
        assert!(error.contains("bad") && error.contains("#12"), "{error}");
        assert!(Theme::load("../etc/x", own, Depth::True).is_err());
    }
}
