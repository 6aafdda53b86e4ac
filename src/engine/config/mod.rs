//! Configuration: main.cf and master.cf as Postfix writes them, made one checked [`Params`] at the edge.
//!
//! In: a configuration directory. Out: [`Params`] and a list of [`Problem`]s, each with its file and line. It
//! opens the files and nothing else; what parameters mean is the other rooms' business.

mod expand;
mod known;
mod load;
mod maincf;
mod master;
mod params;
mod system;
pub mod values;

pub use expand::expand as expand_text;
pub use known::{KNOWN, Known};
pub use load::ConfigError;
pub use master::{Service, Wire};
pub use params::{Listener, Params};

use std::fmt;
use std::path::PathBuf;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Works as written; worth knowing.
    Note,
    /// Probably not what was meant, or not supported.
    Warning,
    /// Mail would be refused or deferred because of it.
    Error,
}

/// One finding about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line, from 1; 0 when no line is to blame (a missing parameter).
    pub line: usize,
    /// What is wrong.
    pub text: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{word}: {}", self.file.display())?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
        }
        write!(f, ": {}", crate::sanitize::str_line(&self.text))?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", crate::sanitize::str_line(&self.remedy))?;
        }
        Ok(())
    }
}

/// The line on which each parameter of a main.cf's text is set.
pub fn lines_of(text: &str) -> std::collections::BTreeMap<String, usize> {
    maincf::parse(std::path::Path::new("main.cf"), text)
        .0
        .into_iter()
        .map(|definition| (definition.name, definition.line))
        .collect()
}
