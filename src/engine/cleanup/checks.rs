//! header_checks(5), body_checks(5): what a table asks for when a line matches.

use super::header::Header;
use crate::engine::config::Params;
use crate::engine::maps::MapError;
use crate::engine::smtpd::Refusal;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Pass,
    /// Refuse the message with this text.
    Reject(String),
    /// Log it.
    Warn(String),
    /// Log it.
    Info(String),
    /// Put the message on hold.
    Hold(String),
    /// Accept and throw away.
    Discard(String),
    /// Put this line in front.
    Prepend(String),
    /// Write this line instead.
    Replace(String),
    /// Leave the line out.
    Ignore,
    /// Leave it out and log it.
    Strip(String),
    /// All recipients to this address instead.
    Redirect(String),
    /// This `transport:nexthop` instead of the content filter in force.
    Filter(String),
    /// This address too.
    Bcc(String),
    /// The rule asks for what cannot be done: warned of, and the line passes, as with Postfix.
    Odd(String),
    /// The table could not be asked.
    Failed(String),
}

impl Outcome {
    /// The log's word and the rule's own text; `None` when nothing is logged.
    pub fn logged(&self) -> Option<(&'static str, &str)> {
        Some(match self {
            Self::Reject(text) => ("reject", text),
            Self::Warn(text) => ("warning", text),
            Self::Info(text) => ("info", text),
            Self::Hold(text) => ("hold", text),
            Self::Discard(text) => ("discard", text),
            Self::Prepend(text) => ("prepend", text),
            Self::Replace(text) => ("replace", text),
            Self::Strip(text) => ("strip", text),
            Self::Redirect(text) => ("redirect", text),
            Self::Filter(text) => ("filter", text),
            Self::Bcc(text) => ("bcc", text),
            Self::Pass | Self::Ignore | Self::Odd(_) | Self::Failed(_) => return None,
        })
    }
}

/// Checks a header: header_checks, or mime_header_checks for those that describe content.
pub fn header(params: &Params, header: &Header<'_>, mime: bool) -> Outcome {
    let tables = if mime {
        &params.mime_header_checks
    } else {
        &params.header_checks
    };
    look_up(params, tables, &header.whole())
}

/// Checks a body line, within the first body_checks_size_limit bytes.
pub fn body(params: &Params, line: &[u8], offset: u64) -> Outcome {
    if params.body_checks.is_empty() || offset > params.body_checks_size_limit as u64 {
        return Outcome::Pass;
    }
    look_up(params, &params.body_checks, &String::from_utf8_lossy(line))
}

fn look_up(params: &Params, tables: &[String], text: &str) -> Outcome {
    for table in tables {
        match params.maps.find(table, text) {
            Ok(None) => {}
            Ok(Some(action)) => match parse(&action) {
                Outcome::Pass => return Outcome::Pass,
                outcome => return outcome,
            },
            Err(error) => return Outcome::Failed(failure(&error)),
        }
    }
    Outcome::Pass
}

fn failure(error: &MapError) -> String {
    error.to_string()
}

/// What is wrong with a rule's right-hand side, for `check`.
pub fn complaint(action: &str) -> Option<String> {
    match parse(action) {
        Outcome::Odd(text) => Some(text),
        _ => None,
    }
}

/// The `transport:nexthop` a rule sends mail to, for `check`.
pub fn filter_of(action: &str) -> Option<String> {
    match parse(action) {
        Outcome::Filter(filter) => Some(filter),
        _ => None,
    }
}

fn parse(action: &str) -> Outcome {
    let action = action.trim();
    let (word, text) = action
        .split_once(char::is_whitespace)
        .unwrap_or((action, ""));
    let text = text.trim().to_owned();
    match word.to_ascii_uppercase().as_str() {
        "DUNNO" | "OK" => Outcome::Pass,
        "REJECT" => Outcome::Reject(worded(&text)),
        "WARN" => Outcome::Warn(text),
        "INFO" => Outcome::Info(text),
        "HOLD" => Outcome::Hold(text),
        "DISCARD" => Outcome::Discard(text),
        "PREPEND" | "REPLACE" if text.is_empty() => {
            Outcome::Odd(format!("{word} action without text"))
        }
        "PREPEND" => Outcome::Prepend(text),
        "REPLACE" => Outcome::Replace(text),
        "REDIRECT" | "BCC" if !text.contains('@') => {
            Outcome::Odd(format!("bad {word} address \"{text}\" -- need user@domain"))
        }
        "REDIRECT" => Outcome::Redirect(text),
        "BCC" => Outcome::Bcc(text),
        "FILTER" if !text.contains(':') => Outcome::Odd(format!(
            "bad FILTER command \"{text}\" -- need transport:destination"
        )),
        "FILTER" => Outcome::Filter(text),
        "IGNORE" => Outcome::Ignore,
        "STRIP" => Outcome::Strip(text),
        other => Outcome::Odd(format!("unknown command in the table: \"{other}\"")),
    }
}

/// The reply of a REJECT.
pub fn refusal(text: &str) -> Refusal {
    let code = if text.starts_with("4.") { 450 } else { 550 };
    Refusal::new(code, text)
}

/// A REJECT's text with its status code: its own, or Postfix's.
fn worded(text: &str) -> String {
    let has_status = text
        .split_once(char::is_whitespace)
        .is_some_and(|(first, _)| {
            first.split('.').count() == 3
                && first.starts_with(['4', '5'])
                && first.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        });
    if has_status {
        text.to_owned()
    } else if text.is_empty() {
        "5.7.1 message content rejected".to_owned()
    } else {
        format!("5.7.1 {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_speak() {
        assert_eq!(worded("no"), "5.7.1 no");
        assert_eq!(worded(""), "5.7.1 message content rejected");
        assert_eq!(refusal(&worded("5.7.9 no")), Refusal::new(550, "5.7.9 no"));
        assert_eq!(refusal(&worded("4.7.9 no")).code, 450);
    }

    #[test]
    fn actions() {
        assert_eq!(parse("reject x y"), Outcome::Reject("5.7.1 x y".into()));
        assert_eq!(parse("DUNNO"), Outcome::Pass);
        assert_eq!(parse("FILTER x:y"), Outcome::Filter("x:y".into()));
        assert_eq!(parse("redirect a@b"), Outcome::Redirect("a@b".into()));
        assert_eq!(parse("BCC a@b"), Outcome::Bcc("a@b".into()));
        for odd in ["FILTER x", "BCC a", "REDIRECT", "PREPEND", "EXPLODE now"] {
            assert!(complaint(odd).is_some(), "{odd}");
        }
    }
}
