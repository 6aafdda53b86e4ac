//! Which key does what on which screen: the table's defaults with the user's `[keys]` laid over them.

use super::action::{Action, Entry, TABLE};
use super::key::Key;
use super::screen::Screen;
use std::collections::BTreeMap;

/// The keys in force.
#[derive(Debug, Clone)]
pub(crate) struct Keymap {
    bindings: Vec<(Action, Vec<Key>)>,
}

/// What is wrong with the user's `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// A name that is no action.
    #[error("[keys] {0}: no such action (mailtop's palette, `:`, lists them all)")]
    UnknownAction(String),
    /// A spelling that is no key.
    #[error(
        "[keys] {action}: {key:?} is no key (write q, G, Ctrl-D, Alt-x, F5, Enter, Esc, Tab, Space, PgUp, Home, Up, ...)"
    )]
    UnknownKey {
        /// The action's name.
        action: String,
        /// What was written.
        key: String,
    },
    /// One key for two actions on one screen.
    #[error("[keys] {key} is given to both {first} and {second}: give one of them another key")]
    Clash {
        /// The key.
        key: String,
        /// One action's name.
        first: &'static str,
        /// The other's.
        second: &'static str,
    },
}

impl Keymap {
    /// The defaults, with the user's keys in place of those of the actions they name.
    pub fn new(user: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        for name in user.keys() {
            if !TABLE.iter().any(|e| e.name == name) {
                return Err(KeymapError::UnknownAction(name.clone()));
            }
        }
        let bindings = TABLE
            .iter()
            .map(|entry| Ok((entry.action, keys_of(entry, user.get(entry.name))?)))
            .collect::<Result<Vec<_>, _>>()?;
        let keymap = Self { bindings };
        keymap.check()?;
        Ok(keymap)
    }

    /// What a key does on a screen.
    pub fn action(&self, screen: Screen, key: Key) -> Option<Action> {
        self.bindings
            .iter()
            .find(|(action, keys)| action.entry().scope.covers(screen) && keys.contains(&key))
            .map(|(action, _)| *action)
    }

    /// The keys of an action, the shown one first.
    pub fn keys(&self, action: Action) -> &[Key] {
        &self.bindings[action as usize].1
    }

    /// The shown key of an action; empty when the user took it away.
    pub fn shown(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(Key::to_string)
            .unwrap_or_default()
    }

    fn check(&self) -> Result<(), KeymapError> {
        for (i, (first, keys)) in self.bindings.iter().enumerate() {
            for (second, others) in &self.bindings[i + 1..] {
                let key = keys.iter().find(|k| others.contains(k));
                if let Some(key) = key
                    && first.entry().scope.overlaps(second.entry().scope)
                {
                    return Err(KeymapError::Clash {
                        key: key.to_string(),
                        first: first.entry().name,
                        second: second.entry().name,
                    });
                }
            }
        }
        Ok(())
    }
}

fn keys_of(entry: &Entry, user: Option<&Vec<String>>) -> Result<Vec<Key>, KeymapError> {
    let unknown = |key: &str| KeymapError::UnknownKey {
        action: entry.name.to_owned(),
        key: key.to_owned(),
    };
    match user {
        Some(keys) => keys
            .iter()
            .map(|k| Key::parse(k).ok_or_else(|| unknown(k)))
            .collect(),
        None => entry
            .keys
            .iter()
            .map(|k| Key::parse(k).ok_or_else(|| unknown(k)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs
            .iter()
            .map(|(name, keys)| {
                (
                    (*name).to_owned(),
                    keys.iter().map(|k| (*k).to_owned()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn the_defaults_do_not_clash() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        let h = Key::parse("h").unwrap();
        assert_eq!(keymap.action(Screen::Queue, h), Some(Action::Hold));
        assert_eq!(keymap.action(Screen::Log, h), Some(Action::LeftHjkl));
    }

    #[test]
    fn a_clash_names_both_actions_and_the_key() {
        let error = Keymap::new(&user(&[("pause", &["n"])])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "[keys] n is given to both pause and next-match: give one of them another key"
        );
    }

    #[test]
    fn users_keys_replace_the_defaults() {
        let keymap = Keymap::new(&user(&[("quit", &["Ctrl-Q"]), ("flush", &[])])).unwrap();
        assert_eq!(keymap.action(Screen::Log, Key::parse("q").unwrap()), None);
        assert_eq!(keymap.shown(Action::Quit), "Ctrl-Q");
        assert_eq!(keymap.shown(Action::Flush), "");
    }

    #[test]
    fn unknown_names_and_keys_are_errors() {
        assert!(Keymap::new(&user(&[("fly", &["x"])])).is_err());
        let error = Keymap::new(&user(&[("quit", &["PageTop"])])).unwrap_err();
        assert!(error.to_string().contains("\"PageTop\" is no key"));
    }
}
