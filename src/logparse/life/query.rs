//! What to look for among messages.
//!
//! Words apart by blanks must all be found, anywhere in what is known of a message, letters of either case.
//! `from:`, `to:`, `id:`, `message-id:`, `client:`, `status:` before a word look there alone; `from:<>` finds the
//! null sender.

use super::message::{Life, Source};

/// A parsed question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<(Field, String)>,
}

/// Where a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Any,
    From,
    To,
    Id,
    MessageId,
    Client,
    Status,
}

/// The prefixes people type.
const PREFIXES: &[(&str, Field)] = &[
    ("from:", Field::From),
    ("sender:", Field::From),
    ("to:", Field::To),
    ("recipient:", Field::To),
    ("id:", Field::Id),
    ("queue-id:", Field::Id),
    ("message-id:", Field::MessageId),
    ("msgid:", Field::MessageId),
    ("client:", Field::Client),
    ("status:", Field::Status),
    ("is:", Field::Status),
];

impl Query {
    /// Reads what was typed; the empty question finds everything.
    pub fn new(text: &str) -> Self {
        let terms = text
            .split_whitespace()
            .map(|word| {
                PREFIXES
                    .iter()
                    .find_map(|(prefix, field)| Some((*field, word.strip_prefix(prefix)?)))
                    .unwrap_or((Field::Any, word))
            })
            .filter(|(_, word)| !word.is_empty())
            .map(|(field, word)| (field, word.to_owned()))
            .collect();
        Self { terms }
    }

    /// Whether a message is meant.
    pub fn matches(&self, life: &Life) -> bool {
        self.terms
            .iter()
            .all(|(field, word)| matches(life, *field, word))
    }
}

fn matches(life: &Life, field: Field, word: &str) -> bool {
    let is = |wanted: Field| field == Field::Any || field == wanted;
    (is(Field::Id) && id(life, word, field == Field::Id))
        || (is(Field::From) && life.from.as_deref().is_some_and(|from| address(from, word)))
        || (is(Field::To) && recipient(life, word))
        || (is(Field::MessageId) && life.message_id.as_deref().is_some_and(|m| has(m, word)))
        || (is(Field::Client) && client(life, word))
        || (is(Field::Status) && has(life.outcome().name(), word))
}

/// Queue ids are told apart by the case of their letters; a whole-text search finds linked ids too.
fn id(life: &Life, word: &str, only: bool) -> bool {
    life.id.contains(word) || (!only && life.links.iter().any(|l| *l.id == *word))
}

fn recipient(life: &Life, word: &str) -> bool {
    life.recipients.iter().any(|r| {
        address(&r.to, word) || r.orig_to.as_deref().is_some_and(|orig| address(orig, word))
    })
}

fn client(life: &Life, word: &str) -> bool {
    let helo = life.helo.as_deref().is_some_and(|helo| has(helo, word));
    helo || match &life.source {
        Source::Client {
            name,
            ip,
            sasl_username,
            ..
        } => {
            has(name, word)
                || has(ip, word)
                || sasl_username.as_deref().is_some_and(|u| has(u, word))
        }
        _ => false,
    }
}

/// `<a@b>` is the whole address, `<>` the null sender; anything else a part of it.
fn address(address: &str, word: &str) -> bool {
    match word.strip_prefix('<').and_then(|w| w.strip_suffix('>')) {
        Some(whole) => address.eq_ignore_ascii_case(whole),
        None => has(address, word),
    }
}

/// Whether `text` contains `word`, ASCII letters of either case.
fn has(text: &str, word: &str) -> bool {
    text.as_bytes()
        .windows(word.len().max(1))
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}
