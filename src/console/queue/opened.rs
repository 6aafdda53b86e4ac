//! The text of an open message: its headers and the beginning of its body, line by line, safe to show.

use super::task::CONTENT_LIMIT;
use crate::console::theme::Role;

/// Rows above the text: who and where the message is.
pub(crate) const CHROME: usize = 6;

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its lines, sanitised.
    pub lines: Vec<(Role, String)>,
    /// The characters of the longest: scrolling sideways ends there.
    pub longest: usize,
    /// Whether there is more of it in the queue file.
    pub cut: bool,
}

impl Opened {
    /// From what was read, or from why it could not be.
    pub fn new(text: Result<Vec<u8>, String>) -> Self {
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                return Self {
                    lines: vec![(Role::Bad, crate::sanitize::str_line(&error).into_owned())],
                    longest: error.len(),
                    cut: false,
                };
            }
        };
        let cut = text.len() as u64 >= CONTENT_LIMIT;
        let mut role = Role::Link;
        let lines: Vec<(Role, String)> = text
            .split(|b| *b == b'\n')
            .map(|line| {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.is_empty() {
                    // The first empty line ends the headers.
                    role = Role::Text;
                }
                (role, crate::sanitize::line(line).into_owned())
            })
            .collect();
        let longest = lines.iter().map(|(_, line)| line.chars().count()).max();
        Self {
            lines,
            longest: longest.unwrap_or(0).saturating_sub(1),
            cut,
        }
    }
}
