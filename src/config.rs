//! mailtop's own settings: the TOML file, XDG paths and the environment, made one checked value at the edge.
//!
//! Order, later wins: defaults, `$XDG_CONFIG_HOME/mailtop/config.toml` (or `--settings FILE`), environment
//! (`MAILTOP_THEME`), flags. An unknown name in the file is an error that names the line.

use etcetera::BaseStrategy as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The theme's name: `auto`, a shipped one, or a file in [`Settings::themes_dir`]. Empty is `auto`, which takes
    /// `light` when COLORFGBG tells of a light background and `default` otherwise.
    pub theme: String,
    /// Draw with ASCII signs only; without it, the locale decides.
    pub ascii: Option<bool>,
    /// Keys by action: `quit = ["Ctrl-Q"]`, or one key alone.
    #[serde(deserialize_with = "keys")]
    pub keys: BTreeMap<String, Vec<String>>,
    /// Block lists: `[rbl]`.
    pub rbl: Rbl,
    /// Where one's own themes lie: beside the settings file.
    #[serde(skip)]
    pub themes_dir: Option<PathBuf>,
}

/// How the console asks block lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rbl {
    /// The resolver, `127.0.0.1:53`; without it those of /etc/resolv.conf. Block lists refuse public resolvers.
    pub resolver: Option<std::net::SocketAddr>,
    /// The lists' zones; empty means all live and free ones of the catalogue, and those with a key.
    pub lists: Vec<String>,
    /// Keys by the zone behind the key: `"zen.dq.spamhaus.net" = "..."`.
    pub keys: BTreeMap<String, String>,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read.
    #[error(
        "{path}: {source} (mailtop reads its settings there; --settings FILE names another file)"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}:{line}: {what}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What, and what to do.
        what: String,
    },
}

impl Settings {
    /// Reads the settings: `file` when given (it must exist), else the XDG one when there is one.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let standard = config_dir().map(|dir| dir.join("config.toml"));
        let path = match (file, standard) {
            (Some(file), _) => Some(file.to_owned()),
            (None, Some(path)) if path.exists() => Some(path),
            _ => None,
        };
        let mut settings = match &path {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
                    path: path.clone(),
                    source,
                })?;
                Self::parse(path, &text)?
            }
        };
        settings.themes_dir = path
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_owned)
            .or_else(config_dir)
            .map(|dir| dir.join("themes"));
        if let Some(theme) = std::env::var_os("MAILTOP_THEME").filter(|t| !t.is_empty()) {
            settings.theme = theme.to_string_lossy().into_owned();
        }
        Ok(settings)
    }

    /// Reads the text of a settings file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
            SettingsError::Wrong {
                path: path.to_owned(),
                line,
                what: error.message().to_owned(),
            }
        })
    }
}

/// `mailtop` in the XDG configuration directory.
fn config_dir() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|xdg| xdg.config_dir().join("mailtop"))
}

/// One key or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn keys<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let map = BTreeMap::<String, OneOrMany>::deserialize(from)?;
    Ok(map
        .into_iter()
        .map(|(name, keys)| match keys {
            OneOrMany::One(key) => (name, vec![key]),
            OneOrMany::Many(keys) => (name, keys),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_one_or_many() {
        let settings = Settings::parse(
            Path::new("config.toml"),
            "theme = \"light\"\nascii = true\n[keys]\nquit = \"Ctrl-Q\"\nup = [\"Up\", \"i\"]\n",
        )
        .unwrap();
        assert_eq!(settings.theme, "light");
        assert_eq!(settings.ascii, Some(true));
        assert_eq!(settings.keys["quit"], ["Ctrl-Q"]);
        assert_eq!(settings.keys["up"], ["Up", "i"]);
    }

    #[test]
    fn an_error_names_file_line_and_what_is_possible() {
        let error = Settings::parse(
            Path::new("/x/config.toml"),
            "theme = \"light\"\ncolour = 1\n",
        )
        .unwrap_err()
        .to_string();
        assert!(error.starts_with("/x/config.toml:2: "), "{error}");
        assert!(
            error.contains("colour") && error.contains("theme"),
            "{error}"
        );
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = Settings::load(Some(Path::new("/nonexistent/x.toml"))).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/x.toml"));
    }
}
