//! From the recipients of a session to those of the queue file: virtual aliases, always_bcc, redirects, no doubles.

use crate::engine::address::{Origin, find, rewrite, split};
use crate::engine::config::Params;
use crate::engine::maps::{MapError, alias};
use crate::engine::smtpd::Envelope;
use crate::queue::format::writer::NewRecipient;
use std::collections::HashSet;

/// A recipient as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Final {
    /// Where to deliver.
    pub address: String,
    /// What the client asked for.
    pub original: String,
    /// ORCPT, or empty.
    pub orcpt: String,
    /// NOTIFY.
    pub notify: u8,
}

impl Final {
    /// As the queue file takes it.
    pub fn record(&self) -> NewRecipient<'_> {
        NewRecipient {
            address: self.address.as_bytes(),
            original: self.original.as_bytes(),
            dsn_orig_rcpt: self.orcpt.as_bytes(),
            notify: self.notify,
        }
    }
}

/// Why recipients could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum ExpandError {
    /// A table failed.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Aliases that grow without end.
    #[error("unreasonable virtual_alias_maps map expansion size for {0}")]
    TooMany(String),
    /// Aliases that nest without end.
    #[error("unreasonable virtual_alias_maps map nesting for {0}")]
    TooDeep(String),
}

/// The recipients to write.
pub fn expand(params: &Params, envelope: &Envelope) -> Result<Vec<Final>, ExpandError> {
    let mapped = maps_addresses(params);
    let mut finals = Vec::new();
    let mut seen = HashSet::new();
    for recipient in &envelope.recipients {
        let original = &recipient.address;
        let complete = rewrite(original, params, Origin::Local);
        let addresses = if mapped {
            virtual_aliases(params, &complete)?
        } else {
            vec![complete]
        };
        for address in addresses {
            if seen.insert((address.to_lowercase(), original.to_lowercase())) {
                finals.push(Final {
                    address,
                    original: original.clone(),
                    orcpt: recipient.orcpt.clone(),
                    notify: recipient.notify,
                });
            }
        }
    }
    if !params.always_bcc.is_empty() && mapped {
        let address = rewrite(&params.always_bcc, params, Origin::Local);
        if seen.insert((address.to_lowercase(), address.to_lowercase())) {
            finals.push(Final {
                original: address.clone(),
                address,
                orcpt: String::new(),
                notify: 1,
            });
        }
    }
    Ok(finals)
}

/// The blind copies that rules asked for: nobody hears of their fate (NOTIFY=NEVER).
pub fn copies(params: &Params, addresses: &[String]) -> Result<Vec<Final>, ExpandError> {
    let mut copies = Vec::new();
    for original in addresses {
        let complete = rewrite(original, params, Origin::Local);
        let found = if maps_addresses(params) {
            virtual_aliases(params, &complete)?
        } else {
            vec![complete]
        };
        copies.extend(found.into_iter().map(|address| Final {
            address,
            original: original.clone(),
            orcpt: String::new(),
            notify: 1,
        }));
    }
    Ok(copies)
}

/// A recipient of mail that the engine sends itself: completed and through the virtual aliases, as cleanup(8) does
/// for Postfix's own mail whatever `receive_override_options` says of mail from outside.
pub fn mapped(params: &Params, address: &str) -> Result<Vec<String>, ExpandError> {
    virtual_aliases(params, &rewrite(address, params, Origin::Local))
}

fn maps_addresses(params: &Params) -> bool {
    !params
        .receive_override_options
        .iter()
        .any(|word| word == "no_address_mappings")
}

/// virtual(5): the result of a lookup is looked up again, until nothing changes.
fn virtual_aliases(params: &Params, address: &str) -> Result<Vec<String>, ExpandError> {
    let mut done = Vec::new();
    let mut todo = vec![(address.to_owned(), 0usize)];
    let mut fixed = HashSet::new();
    while let Some((current, depth)) = todo.pop() {
        if depth >= params.virtual_alias_recursion_limit {
            return Err(ExpandError::TooDeep(address.to_owned()));
        }
        if done.len() + todo.len() >= params.virtual_alias_expansion_limit.max(1) {
            return Err(ExpandError::TooMany(address.to_owned()));
        }
        // An address that led to itself once is final.
        if fixed.contains(&current.to_lowercase()) {
            done.push(current);
            continue;
        }
        let Some(found) = find::address(&current, &params.virtual_alias_maps, params)? else {
            done.push(current);
            continue;
        };
        let keep_extension = params
            .propagate_unmatched_extensions
            .iter()
            .any(|word| word == "virtual");
        for target in alias::targets(&found.value).iter().rev() {
            // `@domain` keeps the local part.
            let target = match target.strip_prefix('@') {
                Some(domain) => format!("{}@{domain}", split(&current).0),
                None => target.clone(),
            };
            let target = match (&found.extension, target.rsplit_once('@')) {
                (Some(extension), Some((local, domain))) if keep_extension => {
                    format!("{local}{extension}@{domain}")
                }
                _ => target,
            };
            let target = rewrite(&target, params, Origin::Local);
            if target.eq_ignore_ascii_case(&current) {
                fixed.insert(target.to_lowercase());
                done.push(target);
            } else {
                todo.push((target, depth + 1));
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::smtpd::Recipient;

    fn expanded(table: &str, address: &str) -> Result<Vec<String>, ExpandError> {
        let params = Params::from_text(
            &format!(
                "myhostname = mail.example\nmydestination = mail.example\nalias_maps =\nrecipient_delimiter = +\n\
                 virtual_alias_maps = inline:{{ {table} }}\nvirtual_alias_expansion_limit = 10\n"
            ),
            std::path::Path::new("/nowhere"),
        );
        let envelope = Envelope {
            sender: Some(String::new()),
            recipients: vec![Recipient {
                address: address.to_owned(),
                ..Recipient::default()
            }],
            ..Envelope::default()
        };
        Ok(expand(&params, &envelope)?
            .into_iter()
            .map(|recipient| recipient.address)
            .collect())
    }

    #[test]
    fn aliases_are_followed() {
        let table = "{ a@v.example = b@v.example, c@x.example }, { b@v.example = d@x.example }, { @w.example = @v.example }";
        assert_eq!(
            expanded(table, "a@v.example").unwrap(),
            ["d@x.example", "c@x.example"]
        );
        assert_eq!(expanded(table, "b+q@v.example").unwrap(), ["d+q@x.example"]);
        assert_eq!(expanded(table, "q@v.example").unwrap(), ["q@v.example"]);
        assert_eq!(expanded(table, "b@w.example").unwrap(), ["d@x.example"]);
    }

    #[test]
    fn circles_and_floods_end() {
        // An error, so that the mail is put off: with no recipient it would vanish.
        assert!(matches!(
            expanded("{ a@v = b@v }, { b@v = a@v }", "a@v"),
            Err(ExpandError::TooDeep(_) | ExpandError::TooMany(_))
        ));
        assert_eq!(
            expanded("{ a@v = a@v, b@v }", "a@v").unwrap(),
            ["a@v", "b@v"]
        );
        let many: Vec<String> = (0..20).map(|n| format!("u{n}@v")).collect();
        assert!(matches!(
            expanded(&format!("{{ a@v = {} }}", many.join(", ")), "a@v"),
            Err(ExpandError::TooMany(_))
        ));
    }
}
