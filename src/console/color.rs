//! Colours: what the terminal can show, contrast, and how a colour is brought down to it.

use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// None: attributes only (NO_COLOR, or a terminal without colours).
    Mono,
    /// The sixteen, whose look is the user's own.
    Sixteen,
    /// The palette of 256.
    Indexed,
    /// 24 bits.
    True,
}

impl Depth {
    /// From the environment, as terminals and libraries agree on it: NO_COLOR, COLORTERM, TERM.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        if var("NO_COLOR").is_some_and(|v| !v.is_empty()) {
            return Self::Mono;
        }
        let term = var("TERM").unwrap_or_default();
        let colorterm = var("COLORTERM").unwrap_or_default();
        if matches!(colorterm.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") || term.contains("kitty") || term.contains("alacritty")
        {
            Self::Indexed
        } else if term.starts_with("vt") || term == "dumb" {
            Self::Mono
        } else {
            Self::Sixteen
        }
    }
}

/// A colour as a theme states it: 24 bits, and what stands for it among the sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// The terminal's own.
    Default,
    /// Red, green, blue; the name among the sixteen, when the theme gives one.
    Rgb(u8, u8, u8, Option<Color>),
}

impl Paint {
    /// The colour to send to a terminal of this depth.
    pub fn at(self, depth: Depth) -> Color {
        match (self, depth) {
            (Self::Default, _) | (_, Depth::Mono) => Color::Reset,
            (Self::Rgb(r, g, b, _), Depth::True) => Color::Rgb(r, g, b),
            (Self::Rgb(r, g, b, _), Depth::Indexed) => Color::Indexed(nearest_index(r, g, b)),
            (Self::Rgb(_, _, _, Some(named)), Depth::Sixteen) => named,
            (Self::Rgb(r, g, b, None), Depth::Sixteen) => nearest_named(r, g, b),
        }
    }
}

/// The sixteen by name, with xterm's own values.
pub(crate) const SIXTEEN: [(&str, Color, (u8, u8, u8)); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 0, 0)),
    ("green", Color::Green, (0, 205, 0)),
    ("yellow", Color::Yellow, (205, 205, 0)),
    ("blue", Color::Blue, (0, 0, 238)),
    ("magenta", Color::Magenta, (205, 0, 205)),
    ("cyan", Color::Cyan, (0, 205, 205)),
    ("white", Color::Gray, (229, 229, 229)),
    ("bright-black", Color::DarkGray, (127, 127, 127)),
    ("bright-red", Color::LightRed, (255, 0, 0)),
    ("bright-green", Color::LightGreen, (0, 255, 0)),
    ("bright-yellow", Color::LightYellow, (255, 255, 0)),
    ("bright-blue", Color::LightBlue, (92, 92, 255)),
    ("bright-magenta", Color::LightMagenta, (255, 0, 255)),
    ("bright-cyan", Color::LightCyan, (0, 255, 255)),
    ("bright-white", Color::White, (255, 255, 255)),
];

fn nearest_named(r: u8, g: u8, b: u8) -> Color {
    SIXTEEN
        .iter()
        .min_by_key(|(_, _, rgb)| distance((r, g, b), *rgb))
        .map_or(Color::Reset, |(_, color, _)| *color)
}

/// The 6x6x6 cube's levels (xterm's ctlseqs, 256-colour palette).
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn nearest_index(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| {
        (0u8..6)
            .min_by_key(|i| LEVELS[usize::from(*i)].abs_diff(v))
            .unwrap_or(0)
    };
    let steps = [r, g, b].map(step);
    let [r6, g6, b6] = steps;
    let [lr, lg, lb] = steps.map(|s| LEVELS[usize::from(s)]);
    let cube = (16 + 36 * r6 + 6 * g6 + b6, (lr, lg, lb));
    let grays = (0u8..24).map(|i| (232 + i, (8 + 10 * i, 8 + 10 * i, 8 + 10 * i)));
    grays
        .chain([cube])
        .min_by_key(|(_, rgb)| distance((r, g, b), *rgb))
        .map_or(cube.0, |(index, _)| index)
}

/// The values of a colour of the palette of 256.
pub(crate) fn indexed(n: u8) -> (u8, u8, u8) {
    match n {
        0..16 => SIXTEEN[usize::from(n)].2,
        16..232 => {
            let level = |v: u8| LEVELS[usize::from(v % 6)];
            (level((n - 16) / 36), level((n - 16) / 6), level(n - 16))
        }
        _ => {
            let gray = 8 + 10 * (n - 232);
            (gray, gray, gray)
        }
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    // Green weighs most in what the eye tells apart.
    2 * d(a.0, b.0) + 4 * d(a.1, b.1) + 3 * d(a.2, b.2)
}

#[cfg(test)]
/// WCAG 2's contrast ratio of two colours, 1 to 21.
pub(crate) fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.040_45 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// Reads `#rrggbb`.
pub(crate) fn hex(text: &str) -> Option<(u8, u8, u8)> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.is_ascii() {
        return None;
    }
    let at = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).ok();
    Some((at(0)?, at(2)?, at(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_follows_the_environment() {
        let with = |pairs: &'static [(&str, &str)]| {
            Depth::detect(|name| {
                pairs
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
            })
        };
        assert_eq!(
            with(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
            Depth::Mono
        );
        assert_eq!(with(&[("NO_COLOR", ""), ("TERM", "linux")]), Depth::Sixteen);
        assert_eq!(
            with(&[("TERM", "xterm"), ("COLORTERM", "24bit")]),
            Depth::True
        );
        assert_eq!(with(&[("TERM", "tmux-256color")]), Depth::Indexed);
        assert_eq!(with(&[("TERM", "vt100")]), Depth::Mono);
    }

    #[test]
    fn colours_come_down_to_what_the_terminal_has() {
        assert_eq!(nearest_index(255, 0, 0), 196);
        assert_eq!(nearest_index(8, 8, 8), 232);
        for n in 16..=255 {
            let (r, g, b) = indexed(n);
            assert_eq!(indexed(nearest_index(r, g, b)), (r, g, b), "{n}");
        }
        assert_eq!(nearest_named(250, 250, 250), Color::White);
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
        assert_eq!(hex("#10ffA0"), Some((16, 255, 160)));
        assert_eq!(hex("#1é0ff"), None);
    }
}
