//! `reject_rbl_client`, `reject_rhsbl_*`, `permit_dnswl_client`.
//!
//! The lists of one restriction list are asked at once and judged in order, so that six lists cost the time of
//! the slowest and not of all. A list that does not answer warns and says nothing (RFC 5782; smtpd_check).

use super::evaluate::{Note, Party, Reject, Run, Verdict};
use super::words::{Parsed, Restriction};
use crate::dns::{DnsError, Families};
use crate::engine::address::is_hostname;
use crate::engine::address::split;
use crate::engine::config::expand_text;
use futures_util::future::join_all;
use std::net::{IpAddr, Ipv4Addr};

/// A question to a list: what is looked up, about whom, in which zone, and which answers count.
struct Query {
    name: String,
    class: &'static str,
    what: String,
    zone: String,
    filter: Option<String>,
}

impl Run<'_> {
    /// Asks all lists named in a restriction list at once.
    pub(super) async fn prefetch(&mut self, parsed: &[Parsed]) {
        let names: Vec<String> = parsed
            .iter()
            .filter_map(|item| self.query(&item.restriction))
            .map(|query| query.name)
            .filter(|name| !self.listed.contains_key(name))
            .collect();
        if names.len() < 2 {
            return;
        }
        let dns = &self.site.dns;
        let answers = join_all(names.into_iter().map(|name| async move {
            let answer = dns.addresses(&name, Families::Ipv4).await;
            (name, answer.map(|answer| answer.records))
        }))
        .await;
        self.listed.extend(answers);
    }

    pub(super) async fn rbl(&mut self, zone: &str) -> Verdict {
        self.reject_if_listed(&Restriction::Rbl(zone.to_owned()))
            .await
    }

    pub(super) async fn rhsbl(&mut self, party: Party, zone: &str) -> Verdict {
        self.reject_if_listed(&Restriction::Rhsbl(party, zone.to_owned()))
            .await
    }

    pub(super) async fn dnswl(&mut self, zone: &str) -> Verdict {
        let Some(query) = self.query(&Restriction::Dnswl(zone.to_owned())) else {
            return Verdict::Dunno;
        };
        match self.listed(&query).await {
            Ok(true) => Verdict::Permit,
            Ok(false) => Verdict::Dunno,
            Err(()) => {
                let text = format!(
                    "<{}>: {} rejected: {}: DNSWL lookup error",
                    self.name(),
                    self.list.class(),
                    query.zone
                );
                self.defer_if_reject
                    .get_or_insert(Reject::new(450, "4.7.1", text));
                Verdict::Dunno
            }
        }
    }

    async fn reject_if_listed(&mut self, restriction: &Restriction) -> Verdict {
        let Some(query) = self.query(restriction) else {
            return Verdict::Dunno;
        };
        if self.listed(&query).await != Ok(true) {
            return Verdict::Dunno;
        }
        let reason = match self.site.dns.txt(&query.name).await {
            Ok(answer) => answer
                .records
                .first()
                .map_or_else(String::new, |text| crate::sanitize::line(text).into_owned()),
            Err(_) => String::new(),
        };
        Verdict::Reject(self.reply(&query, &reason))
    }

    /// `Err` when the list could not be asked; the warning is already noted.
    async fn listed(&mut self, query: &Query) -> Result<bool, ()> {
        if !self.listed.contains_key(&query.name) {
            let answer = self.site.dns.addresses(&query.name, Families::Ipv4).await;
            self.listed
                .insert(query.name.clone(), answer.map(|answer| answer.records));
        }
        match &self.listed[&query.name] {
            Ok(records) => Ok(records.iter().any(|record| match (record, &query.filter) {
                (IpAddr::V4(address), Some(filter)) => matches_filter(*address, filter),
                (IpAddr::V4(_), None) => true,
                (IpAddr::V6(_), _) => false,
            })),
            Err(DnsError::NxDomain | DnsError::NoData) => Ok(false),
            Err(error) => {
                let text = format!(
                    "{0}: RBL lookup error: Host or domain name not found. Name service error for name={0} type=A: {error}",
                    query.name
                );
                self.notes.push(Note::Warning(text));
                Err(())
            }
        }
    }

    fn query(&self, restriction: &Restriction) -> Option<Query> {
        let client = &self.subject.client;
        let domain_of = |address: &Option<String>| {
            let address = address.as_deref()?;
            Some((split(address).1?.to_owned(), address.to_owned()))
        };
        let (zone, key, class, what) = match restriction {
            Restriction::Rbl(zone) | Restriction::Dnswl(zone) => {
                let address = client.address();
                let key = crate::dns::reverse_labels(address);
                (zone, key, "Client host", address.to_string())
            }
            Restriction::Rhsbl(party, zone) => {
                let (key, class, what) = match party {
                    Party::Client if client.name != "unknown" => {
                        (client.name.clone(), "Client host", client.name.clone())
                    }
                    Party::ReverseClient if client.reverse_name != "unknown" => (
                        client.reverse_name.clone(),
                        "Unverified Client host",
                        client.reverse_name.clone(),
                    ),
                    Party::Helo => {
                        let helo = self.subject.helo.clone()?;
                        (helo.clone(), "Helo command", helo)
                    }
                    Party::Sender => {
                        let (domain, address) = domain_of(&self.subject.sender)?;
                        (domain, "Sender address", address)
                    }
                    Party::Recipient => {
                        let (domain, address) = domain_of(&self.subject.recipient)?;
                        (domain, "Recipient address", address)
                    }
                    Party::Client | Party::ReverseClient => return None,
                };
                if !is_hostname(key.trim_end_matches('.')) {
                    return None;
                }
                (zone, key, class, what)
            }
            _ => return None,
        };
        let (zone, filter) = match zone.split_once('=') {
            Some((zone, filter)) => (zone, Some(filter.to_owned())),
            None => (zone.as_str(), None),
        };
        Some(Query {
            name: format!("{}.{zone}", key.trim_end_matches('.')),
            class,
            what,
            zone: zone.to_owned(),
            filter,
        })
    }

    /// The reply from `rbl_reply_maps` or `default_rbl_reply`.
    fn reply(&mut self, query: &Query, reason: &str) -> Reject {
        let code = self.params.maps_rbl_reject_code;
        let template = match self
            .params
            .maps
            .find_any(&self.params.rbl_reply_maps, &query.zone)
        {
            Ok(Some(template)) => template,
            Ok(None) => self.params.default_rbl_reply.clone(),
            Err(error) => {
                self.notes.push(Note::Warning(error.to_string()));
                self.params.default_rbl_reply.clone()
            }
        };
        let subject = self.subject;
        let expanded = expand_text(&template, &|name| {
            Some(match name {
                "rbl_code" => code.to_string(),
                "rbl_class" => query.class.to_owned(),
                "rbl_what" => query.what.clone(),
                "rbl_domain" => query.zone.clone(),
                "rbl_reason" | "rbl_txt" => literal(reason),
                "client" => subject.client.name_address(),
                "client_name" => subject.client.name.clone(),
                "client_address" => subject.client.address().to_string(),
                "helo_name" => literal(subject.helo.as_deref().unwrap_or("")),
                "sender" => literal(subject.sender.as_deref().unwrap_or("")),
                "recipient" => literal(subject.recipient.as_deref().unwrap_or("")),
                _ => return None,
            })
        })
        .unwrap_or_else(|_| format!("{code} Service unavailable"));
        let (given, text) = expanded.split_once(' ').unwrap_or((&expanded, ""));
        let given = given
            .parse()
            .ok()
            .filter(|c| (400..600).contains(c))
            .unwrap_or(code);
        match split_dsn(text) {
            Some((dsn, text)) => Reject::new(given, dsn, text),
            None => Reject::new(given, "5.7.1", text),
        }
    }
}

/// Text from outside must not be expanded in its turn.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// `5.7.1 text`: an enhanced status code in front of a text.
pub(super) fn split_dsn(text: &str) -> Option<(&str, &str)> {
    let (dsn, rest) = text.split_once(char::is_whitespace)?;
    let mut parts = dsn.split('.');
    let class = parts.next().filter(|part| matches!(*part, "2" | "4" | "5"));
    let digits = |part: Option<&str>| {
        part.is_some_and(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        })
    };
    (class.is_some() && digits(parts.next()) && digits(parts.next()) && parts.next().is_none())
        .then(|| (dsn, rest.trim_start()))
}

/// `127.0.0.2`, `127.0.0.[2..11]`, `127.0.0.[2;4;8..11]`; a filter that is none matches nothing.
pub(super) fn matches_filter(address: Ipv4Addr, filter: &str) -> bool {
    let mut rest = filter;
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None => return false,
            }
        }
        let (ranges, after) = if let Some(inside) = rest.strip_prefix('[') {
            match inside.split_once(']') {
                Some(parts) => parts,
                None => return false,
            }
        } else {
            rest.split_at(rest.find('.').unwrap_or(rest.len()))
        };
        rest = after;
        let hit = ranges.split(';').any(|range| {
            let (low, high) = range.split_once("..").unwrap_or((range, range));
            match (low.parse::<u8>(), high.parse::<u8>()) {
                (Ok(low), Ok(high)) => (low..=high).contains(&octet),
                _ => false,
            }
        });
        if !hit {
            return false;
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let address = Ipv4Addr::new(127, 0, 0, 4);
        for filter in ["127.0.0.4", "127.0.0.[2..11]", "127.0.[0..3].[2;4]"] {
            assert!(matches_filter(address, filter), "{filter}");
        }
        for filter in [
            "127.0.0.2",
            "127.0.0.[5..11]",
            "127.0.0",
            "x",
            "127.0.0.[",
            "127.0.0.4.1",
        ] {
            assert!(!matches_filter(address, filter), "{filter}");
        }
    }

    #[test]
    fn status_codes_in_texts() {
        assert_eq!(split_dsn("5.7.1 go away"), Some(("5.7.1", "go away")));
        assert_eq!(split_dsn("go away"), None);
        assert_eq!(split_dsn("5.7 x"), None);
    }
}
