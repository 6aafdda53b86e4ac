//! Lookup tables (postconf(5) "type:table"), read from their text sources.
//!
//! In: a table's name as main.cf spells it and a key. Out: the value, nothing, or a [`MapError`], which callers
//! turn into a 4xx, never into "not found". `hash:`, `btree:`, `lmdb:` and `texthash:` all read the text file
//! that postmap(1) would compile, and notice when it changes. It knows nothing of what the values mean.

pub mod alias;
mod cidr;
mod inline;
mod pattern;
mod source;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Why a table did not answer. The text is what Postfix logs after `warning: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The file cannot be read.
    #[error("{table} is unavailable. open {path}: {reason}")]
    Unavailable {
        /// `type:name`.
        table: String,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not a type we know.
    #[error("{0} is unavailable. unsupported dictionary type: {1}")]
    UnknownType(String, String),
    /// The table's text is wrong.
    #[error("{table}: {reason}")]
    Bad {
        /// `type:name`.
        table: String,
        /// What is wrong.
        reason: String,
    },
}

/// How a text file's lines are to be read: what postmap(1) or what postalias(1) makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// `key value`.
    Postmap,
    /// `key: value, value`.
    Aliases,
}

/// The open tables; cheap to clone, shared by sessions.
#[derive(Clone, Default)]
pub struct Maps {
    /// Held for the time of one lookup, which only waits for a file when it changed.
    open: Arc<Mutex<HashMap<(String, Syntax), Cached>>>,
}

impl std::fmt::Debug for Maps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Maps")
    }
}

struct Cached {
    stamp: Option<Stamp>,
    table: Result<Arc<Table>, MapError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size: u64,
}

/// One table in memory.
enum Table {
    Pairs(HashMap<String, String>),
    Passwd(HashMap<String, String>),
    Patterns(pattern::Patterns),
    Networks(cidr::Networks),
    Static(String),
}

impl Maps {
    /// Looks `key` up in the table `spec` (`hash:/etc/postfix/access`).
    pub fn find(&self, spec: &str, key: &str) -> Result<Option<String>, MapError> {
        self.find_with(spec, key, Syntax::Postmap)
    }

    /// [`Maps::find`] for alias files.
    pub fn find_alias(&self, spec: &str, key: &str) -> Result<Option<String>, MapError> {
        self.find_with(spec, key, Syntax::Aliases)
    }

    /// The first of several tables that has the key.
    pub fn find_any(&self, specs: &[String], key: &str) -> Result<Option<String>, MapError> {
        self.find_any_with(specs, key, Syntax::Postmap)
    }

    /// [`Maps::find_any`] for alias files.
    pub fn find_any_alias(&self, specs: &[String], key: &str) -> Result<Option<String>, MapError> {
        self.find_any_with(specs, key, Syntax::Aliases)
    }

    /// Reads the table now and tells what is wrong with it, for `check`.
    pub fn check(&self, spec: &str, syntax: Syntax) -> Result<Vec<String>, MapError> {
        Ok(match self.table(spec, syntax)?.as_ref() {
            Table::Patterns(patterns) => patterns.problems().to_vec(),
            Table::Networks(networks) => networks.problems().to_vec(),
            _ => Vec::new(),
        })
    }

    /// The right-hand sides of a table, each with its line (0 where there are no lines), for `check`.
    pub fn values(&self, spec: &str) -> Result<Vec<(usize, String)>, MapError> {
        let plain = |value: &String| (0, value.clone());
        Ok(match self.table(spec, Syntax::Postmap)?.as_ref() {
            Table::Patterns(patterns) => patterns
                .values()
                .map(|(line, value)| (line, value.to_owned()))
                .collect(),
            Table::Pairs(pairs) => pairs.values().map(plain).collect(),
            Table::Static(value) => vec![plain(value)],
            Table::Networks(_) | Table::Passwd(_) => Vec::new(),
        })
    }

    fn find_any_with(
        &self,
        specs: &[String],
        key: &str,
        syntax: Syntax,
    ) -> Result<Option<String>, MapError> {
        for spec in specs {
            if let Some(value) = self.find_with(spec, key, syntax)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn find_with(&self, spec: &str, key: &str, syntax: Syntax) -> Result<Option<String>, MapError> {
        Ok(match self.table(spec, syntax)?.as_ref() {
            Table::Pairs(pairs) => pairs.get(&fold(key)).cloned(),
            // The key is folded as smtpd's look-ups are; a login name with capitals is not found, as in Postfix.
            Table::Passwd(users) => users.get(&fold(key)).cloned(),
            Table::Patterns(patterns) => patterns.find(key),
            Table::Networks(networks) => networks.find(key),
            Table::Static(value) => Some(value.clone()),
        })
    }

    fn table(&self, spec: &str, syntax: Syntax) -> Result<Arc<Table>, MapError> {
        let spec = strip_proxy(spec);
        let stamp = file_of(spec).and_then(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some(Stamp {
                modified: metadata.modified().ok()?,
                size: metadata.len(),
            })
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (spec.to_owned(), syntax);
        if let Some(cached) = open.get(&key)
            && cached.stamp == stamp
            // A file that could not be opened is tried again each time: its appearance has no other sign.
            && (stamp.is_some() || file_of(spec).is_none())
        {
            return cached.table.clone();
        }
        let table = load(spec, syntax).map(Arc::new);
        open.insert(
            key,
            Cached {
                stamp,
                table: table.clone(),
            },
        );
        table
    }
}

/// Whether a table's keys are patterns (`regexp:`, `pcre:`, `cidr:`), so that only whole keys are looked up.
pub fn is_pattern(spec: &str) -> bool {
    matches!(
        strip_proxy(spec).split_once(':').map(|(kind, _)| kind),
        Some("regexp" | "pcre" | "cidr")
    )
}

/// The file a table is read from, when it is one.
pub fn file_of(spec: &str) -> Option<&Path> {
    let (kind, name) = strip_proxy(spec).split_once(':')?;
    match kind {
        "unix" if name == "passwd.byname" => Some(Path::new("/etc/passwd")),
        "hash" | "btree" | "lmdb" | "texthash" | "dbm" | "cdb" | "regexp" | "pcre" | "cidr" => {
            (!name.starts_with('{')).then(|| Path::new(name))
        }
        _ => None,
    }
}

fn strip_proxy(spec: &str) -> &str {
    spec.strip_prefix("proxy:").unwrap_or(spec)
}

fn fold(key: &str) -> String {
    key.to_lowercase()
}

fn load(spec: &str, syntax: Syntax) -> Result<Table, MapError> {
    let unknown = |kind: &str| MapError::UnknownType(spec.to_owned(), kind.to_owned());
    let (kind, name) = spec.split_once(':').ok_or_else(|| unknown(spec))?;
    let bad = |reason| MapError::Bad {
        table: spec.to_owned(),
        reason,
    };
    match kind {
        "hash" | "btree" | "lmdb" | "texthash" | "dbm" | "cdb" => {
            let text = read(spec, name)?;
            Ok(Table::Pairs(match syntax {
                Syntax::Postmap => source::parse(&text),
                Syntax::Aliases => alias::parse(&text).0,
            }))
        }
        "regexp" | "pcre" => Ok(Table::Patterns(pattern::parse(
            name,
            &text_of(spec, name)?,
            if kind == "regexp" {
                pattern::Flavour::Posix
            } else {
                pattern::Flavour::Perl
            },
        ))),
        "cidr" => Ok(Table::Networks(cidr::parse(name, &text_of(spec, name)?))),
        "inline" => inline::pairs(name).map(Table::Pairs).map_err(bad),
        "static" => Ok(Table::Static(inline::unbrace(name).to_owned())),
        "unix" if name == "passwd.byname" => {
            Ok(Table::Passwd(source::passwd(&read(spec, "/etc/passwd")?)))
        }
        "fail" => Err(bad(
            "lookup error: the table of type fail always fails".to_owned()
        )),
        other => Err(unknown(other)),
    }
}

/// The text of a pattern table: a file, or the rules themselves in braces.
fn text_of(spec: &str, name: &str) -> Result<String, MapError> {
    if name.starts_with('{') {
        let rules = inline::rules(name).map_err(|reason| MapError::Bad {
            table: spec.to_owned(),
            reason,
        })?;
        return Ok(rules.join("\n"));
    }
    read(spec, name)
}

fn read(spec: &str, path: &str) -> Result<String, MapError> {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| MapError::Unavailable {
            table: spec.to_owned(),
            path: path.to_owned(),
            reason: match error.kind() {
                std::io::ErrorKind::NotFound => "No such file or directory".to_owned(),
                std::io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
                _ => error.to_string(),
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_table_is_read_and_read_again_when_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access");
        let spec = format!("hash:{}", path.display());
        let maps = Maps::default();
        assert!(matches!(
            maps.find(&spec, "x"),
            Err(MapError::Unavailable { .. })
        ));
        std::fs::write(&path, "x OK\n").unwrap();
        assert_eq!(maps.find(&spec, "X").unwrap().as_deref(), Some("OK"));
        std::fs::write(&path, "x REJECT no\n").unwrap();
        assert_eq!(maps.find(&spec, "x").unwrap().as_deref(), Some("REJECT no"));
        assert_eq!(maps.find(&spec, "y").unwrap(), None);
    }

    #[test]
    fn inline_static_and_unknown() {
        let maps = Maps::default();
        assert_eq!(
            maps.find("inline:{ a=1, { b = two words } }", "B")
                .unwrap()
                .as_deref(),
            Some("two words")
        );
        assert_eq!(
            maps.find("static:OK", "any").unwrap().as_deref(),
            Some("OK")
        );
        assert!(matches!(
            maps.find("mysql:/x", "a"),
            Err(MapError::UnknownType(..))
        ));
        assert!(maps.find("fail:x", "a").is_err());
    }

    #[test]
    fn passwd_is_a_table() {
        let root = Maps::default()
            .find("proxy:unix:passwd.byname", "root")
            .unwrap();
        assert!(root.unwrap().starts_with("root:"));
    }

    #[test]
    fn pattern_tables_are_marked() {
        assert!(is_pattern("regexp:/x"));
        assert!(is_pattern("proxy:cidr:/x"));
        assert!(!is_pattern("hash:/x"));
    }
}
