//! `check_*_access type:table` (access(5)): the keys to try, and what the right-hand side asks for.

use super::dnsbl::split_dsn;
use super::evaluate::{Action, Answer, Note, Party, Reject, Run, Verdict};
use crate::engine::address::{resolve, split, split_extension};
use crate::engine::config::values;
use crate::engine::maps::{MapError, is_pattern};

impl Run<'_> {
    pub(super) async fn access(&mut self, party: Party, table: &str) -> Answer {
        let client = &self.subject.client;
        let value = match party {
            Party::Client => match self.domain_entry(table, &client.name)? {
                Some(value) => Some(value),
                None => self.address_entry(table, &client.address().to_string())?,
            },
            Party::ReverseClient => self.domain_entry(table, &client.reverse_name)?,
            Party::Helo => match &self.subject.helo {
                Some(helo) => self.domain_entry(table, helo)?,
                None => None,
            },
            Party::Sender => match &self.subject.sender {
                Some(sender) => self.mail_entry(table, sender)?,
                None => None,
            },
            Party::Recipient => match &self.subject.recipient {
                Some(recipient) => self.mail_entry(table, recipient)?,
                None => None,
            },
        };
        match value {
            Some(value) => self.result(party, table, &value).await,
            None => Ok(Verdict::Dunno),
        }
    }

    /// A host or domain name and its parents.
    fn domain_entry(&self, table: &str, name: &str) -> Result<Option<String>, MapError> {
        let maps = &self.params.maps;
        let name = name.to_ascii_lowercase();
        if let Some(value) = maps.find(table, &name)? {
            return Ok(Some(value));
        }
        if is_pattern(table) {
            return Ok(None);
        }
        let parents_match = self
            .params
            .parent_domain_matches_subdomains
            .iter()
            .any(|word| word == "smtpd_access_maps");
        let mut rest = name.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            let key = if parents_match {
                parent.to_owned()
            } else {
                format!(".{parent}")
            };
            if !parent.is_empty()
                && let Some(value) = maps.find(table, &key)?
            {
                return Ok(Some(value));
            }
            rest = parent;
        }
        Ok(None)
    }

    /// An address and the networks at its octet boundaries.
    fn address_entry(&self, table: &str, address: &str) -> Result<Option<String>, MapError> {
        let maps = &self.params.maps;
        if let Some(value) = maps.find(table, address)? {
            return Ok(Some(value));
        }
        if is_pattern(table) {
            return Ok(None);
        }
        let mut rest = address;
        while let Some((network, _)) = rest.rsplit_once(['.', ':']) {
            if let Some(value) = maps.find(table, network)? {
                return Ok(Some(value));
            }
            rest = network;
        }
        Ok(None)
    }

    /// A mail address: itself, without its extension, its domain, `user@`.
    fn mail_entry(&self, table: &str, address: &str) -> Result<Option<String>, MapError> {
        let maps = &self.params.maps;
        if address.is_empty() {
            return maps.find(table, "<>");
        }
        let resolved = resolve(address, self.params)?.recipient;
        if let Some(value) = maps.find(table, &resolved)? {
            return Ok(Some(value));
        }
        if is_pattern(table) {
            return Ok(None);
        }
        let (local, domain) = split(&resolved);
        let (base, extension) = split_extension(local, &self.params.recipient_delimiter);
        let domain = domain.unwrap_or("");
        if extension.is_some()
            && let Some(value) = maps.find(table, &format!("{base}@{domain}"))?
        {
            return Ok(Some(value));
        }
        if let Some(value) = self.domain_entry(table, domain)? {
            return Ok(Some(value));
        }
        for user in [local, base] {
            if let Some(value) = maps.find(table, &format!("{user}@"))? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    #[allow(
        clippy::too_many_lines,
        reason = "one arm an action: access(5)'s table"
    )]
    async fn result(&mut self, party: Party, table: &str, value: &str) -> Answer {
        let value = value.trim();
        let (word, text) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        let text = text.trim();
        let named = self.table_name(party);
        if word.len() == 3
            && word.starts_with(['4', '5'])
            && let Ok(code) = word.parse::<u16>()
        {
            return Ok(Verdict::Reject(worded(
                code,
                "5.7.1",
                text,
                "Access denied",
                &named,
            )));
        }
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Verdict::Permit);
        }
        let (name, class) = &named;
        let event = |what, text: String| Note::Event {
            what,
            text: if matches!(what, "warn" | "info") {
                text
            } else {
                format!("<{name}>: {class} {text}")
            },
        };
        let or = |default: &str| {
            if text.is_empty() {
                default.to_owned()
            } else {
                text.to_owned()
            }
        };
        match word.to_ascii_uppercase().as_str() {
            "OK" | "RELAY" => Ok(Verdict::Permit),
            "DUNNO" => Ok(Verdict::Dunno),
            "REJECT" => {
                let code = self.params.access_map_reject_code;
                Ok(Verdict::Reject(worded(
                    code,
                    "5.7.1",
                    text,
                    "Access denied",
                    &named,
                )))
            }
            "DEFER" => {
                let code = self.params.access_map_defer_code;
                Ok(Verdict::Reject(worded(
                    code,
                    "4.7.1",
                    text,
                    "Access denied",
                    &named,
                )))
            }
            "DEFER_IF_PERMIT" => {
                let code = self.params.access_map_defer_code;
                let reject = worded(code, "4.7.1", text, "Service unavailable", &named);
                Ok(self.defer_if_permit(reject))
            }
            "DEFER_IF_REJECT" => {
                let code = self.params.access_map_defer_code;
                let reject = worded(code, "4.7.1", text, "Service unavailable", &named);
                self.defer_if_reject.get_or_insert(reject);
                Ok(Verdict::Dunno)
            }
            "DISCARD" => {
                self.notes
                    .push(event("discard", or("triggers DISCARD action")));
                self.actions.push(Action::Discard);
                Ok(Verdict::Permit)
            }
            "HOLD" => {
                self.notes.push(event("hold", or("triggers HOLD action")));
                self.actions.push(Action::Hold);
                Ok(Verdict::Dunno)
            }
            "FILTER" if !text.contains(':') => {
                self.ill_formed(table, value, "transport:destination");
                Ok(Verdict::Dunno)
            }
            "REDIRECT" | "BCC" if !text.contains('@') => {
                self.ill_formed(table, value, "user@domain target");
                Ok(Verdict::Dunno)
            }
            "BCC" => {
                self.notes
                    .push(event("bcc", format!("triggers BCC {text}")));
                self.actions.push(Action::Bcc(text.to_owned()));
                Ok(Verdict::Dunno)
            }
            "FILTER" => {
                self.notes
                    .push(event("filter", format!("triggers FILTER {text}")));
                self.actions.push(Action::Filter(text.to_owned()));
                Ok(Verdict::Dunno)
            }
            "REDIRECT" => {
                self.notes
                    .push(event("redirect", format!("triggers REDIRECT {text}")));
                self.actions.push(Action::Redirect(text.to_owned()));
                Ok(Verdict::Dunno)
            }
            "PREPEND" => {
                self.notes
                    .push(event("prepend", format!("triggers PREPEND {text}")));
                self.actions.push(Action::Prepend(text.to_owned()));
                Ok(Verdict::Dunno)
            }
            "WARN" => {
                self.notes.push(event("warn", text.to_owned()));
                Ok(Verdict::Dunno)
            }
            "INFO" => {
                self.notes.push(event("info", text.to_owned()));
                Ok(Verdict::Dunno)
            }
            _ => match values::list(value) {
                // Anything else is a list of restrictions.
                Ok(words) => self.words(&words).await,
                Err(reason) => {
                    self.notes
                        .push(Note::Warning(format!("{table}: {value}: {reason}")));
                    Ok(Verdict::Dunno)
                }
            },
        }
    }

    fn ill_formed(&mut self, table: &str, value: &str, wanted: &str) {
        self.notes.push(Note::Warning(format!(
            "access table {table}: \"{value}\" requires {wanted}"
        )));
    }

    /// The name and class a table's reply speaks of.
    fn table_name(&self, party: Party) -> (String, &'static str) {
        let subject = self.subject;
        let bare = |address: &Option<String>| address.clone().unwrap_or_default();
        match party {
            Party::Client => (subject.client.name_address(), "Client host"),
            Party::ReverseClient => (
                subject.client.reverse_name.clone(),
                "Unverified Client host",
            ),
            Party::Helo => (subject.helo.clone().unwrap_or_default(), "Helo command"),
            Party::Sender => (bare(&subject.sender), "Sender address"),
            Party::Recipient => (bare(&subject.recipient), "Recipient address"),
        }
    }
}

fn worded(code: u16, dsn: &str, text: &str, default: &str, named: &(String, &str)) -> Reject {
    let (dsn, text) = split_dsn(text).unwrap_or((dsn, text));
    let text = if text.is_empty() { default } else { text };
    Reject::new(
        code,
        dsn,
        format!("<{}>: {} rejected: {text}", named.0, named.1),
    )
}
