//! `reject_unknown_*`, `reject_invalid_*`, `reject_non_fqdn_*`: names that are wrong, incomplete or not in DNS.
//!
//! "No such name" rejects with the configured code; "could not find out" is at most a 450, after every other
//! restriction had its say (`defer_if_permit`).

use super::evaluate::{Answer, Party, Reject, Run, Verdict, is_final};
use crate::dns::{DnsError, Families};
use crate::engine::address::is_hostname;
use crate::engine::address::{resolve, split};
use crate::engine::smtpd::client::NameStatus;
use std::net::IpAddr;

/// What DNS said about a mail domain.
enum Domain {
    Exists,
    Missing,
    /// RFC 7505.
    NullMx,
    Unclear,
}

impl Run<'_> {
    pub(super) fn unknown_client(&self) -> Verdict {
        let client = &self.subject.client;
        let code = match client.name_status {
            NameStatus::Known => return Verdict::Dunno,
            NameStatus::Temporary => 450,
            NameStatus::Missing | NameStatus::Forged => self.params.unknown_client_reject_code,
        };
        Verdict::Reject(Reject::new(
            code,
            "4.7.25",
            format!(
                "Client host rejected: cannot find your hostname, [{}]",
                client.address()
            ),
        ))
    }

    pub(super) fn unknown_reverse_client(&self) -> Verdict {
        let client = &self.subject.client;
        let code = match client.reverse_status {
            NameStatus::Known | NameStatus::Forged => return Verdict::Dunno,
            NameStatus::Temporary => 450,
            NameStatus::Missing => self.params.unknown_client_reject_code,
        };
        Verdict::Reject(Reject::new(
            code,
            "4.7.1",
            format!(
                "Client host rejected: cannot find your reverse hostname, [{}]",
                client.address()
            ),
        ))
    }

    pub(super) fn invalid_helo(&self, helo: &str) -> Verdict {
        if helo.starts_with('[') {
            return self.invalid_literal(helo);
        }
        let name = helo.trim_end_matches('.');
        if is_hostname(name) || name.parse::<IpAddr>().is_ok() {
            return Verdict::Dunno;
        }
        Self::helo_reject(
            self.params.invalid_hostname_reject_code,
            "5.5.2",
            helo,
            "Invalid name",
        )
    }

    pub(super) fn non_fqdn_helo(&self, helo: &str) -> Verdict {
        if helo.starts_with('[') {
            return self.invalid_literal(helo);
        }
        let name = helo.trim_end_matches('.');
        if is_hostname(name) && name.contains('.') {
            return Verdict::Dunno;
        }
        Self::helo_reject(
            self.params.non_fqdn_reject_code,
            "5.5.2",
            helo,
            "need fully-qualified hostname",
        )
    }

    pub(super) async fn unknown_helo(&mut self, helo: &str) -> Verdict {
        if helo.starts_with('[') {
            return self.invalid_literal(helo);
        }
        let why = "Host not found";
        match self.mail_host(helo.trim_end_matches('.')).await {
            Domain::Exists | Domain::NullMx => Verdict::Dunno,
            Domain::Missing => {
                Self::helo_reject(self.params.unknown_hostname_reject_code, "4.7.1", helo, why)
            }
            Domain::Unclear => {
                let text = format!("<{helo}>: Helo command rejected: {why}");
                self.temporary(
                    Reject::new(450, "4.7.1", text),
                    &self.params.unknown_helo_hostname_tempfail_action,
                )
            }
        }
    }

    /// `[127.0.0.1]`, `[IPv6:::1]`.
    fn invalid_literal(&self, helo: &str) -> Verdict {
        let inside = helo
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = inside.map(|text| {
            text.get(..5)
                .filter(|prefix| prefix.eq_ignore_ascii_case("ipv6:"))
                .map_or(text, |_| &text[5..])
        });
        if address.is_some_and(|address| address.parse::<IpAddr>().is_ok()) {
            return Verdict::Dunno;
        }
        Self::helo_reject(
            self.params.invalid_hostname_reject_code,
            "5.5.2",
            helo,
            "invalid ip address",
        )
    }

    fn helo_reject(code: u16, dsn: &str, helo: &str, why: &str) -> Verdict {
        // The class stays "Helo command" wherever the restriction stands.
        Verdict::Reject(Reject::new(
            code,
            dsn,
            format!("<{helo}>: Helo command rejected: {why}"),
        ))
    }

    pub(super) fn non_fqdn_address(&self, address: Option<String>, class: &str) -> Verdict {
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Verdict::Dunno;
        };
        let complete = match split(&address).1 {
            None => false,
            Some(domain) if domain.starts_with('[') && domain.ends_with(']') => true,
            Some(domain) => {
                let domain = domain.trim_end_matches('.');
                domain.contains('.') && is_hostname(domain)
            }
        };
        if complete {
            return Verdict::Dunno;
        }
        Verdict::Reject(Reject::new(
            self.params.non_fqdn_reject_code,
            "5.5.2",
            format!("<{address}>: {class} rejected: need fully-qualified address"),
        ))
    }

    pub(super) async fn unknown_domain(&mut self, address: Option<String>, party: Party) -> Answer {
        let Some(address) = address.filter(|address| !address.is_empty()) else {
            return Ok(Verdict::Dunno);
        };
        let resolved = resolve(&address, self.params)?;
        let Some(domain) = split(&resolved.recipient).1 else {
            return Ok(Verdict::Dunno);
        };
        if is_final(resolved.class) || domain.starts_with('[') {
            return Ok(Verdict::Dunno);
        }
        let (class, dsn, null_code, null_dsn) = match party {
            Party::Recipient => ("Recipient address", "4.1.2", 556, "5.1.10"),
            _ => ("Sender address", "4.1.8", 550, "5.7.27"),
        };
        let text = |why: &str| format!("<{address}>: {class} rejected: {why}");
        Ok(match self.mail_host(domain).await {
            Domain::Exists => Verdict::Dunno,
            Domain::NullMx => Verdict::Reject(Reject::new(
                null_code,
                null_dsn,
                text(&format!("Domain {domain} does not accept mail (nullMX)")),
            )),
            Domain::Missing => Verdict::Reject(Reject::new(
                self.params.unknown_address_reject_code,
                dsn,
                text("Domain not found"),
            )),
            Domain::Unclear => self.temporary(
                Reject::new(450, dsn, text("Domain not found")),
                &self.params.unknown_address_tempfail_action,
            ),
        })
    }

    /// A failure to find out: deferred now (`defer`) or only when nothing else rejects (`defer_if_permit`).
    fn temporary(&mut self, reject: Reject, action: &str) -> Verdict {
        if action == "defer" {
            return Verdict::Reject(reject);
        }
        self.defer_if_permit(reject)
    }

    /// MX, else an address.
    async fn mail_host(&self, name: &str) -> Domain {
        let dns = &self.site.dns;
        match dns.mx(name).await {
            Ok(answer) if answer.records.len() == 1 && answer.records[0].exchange.is_empty() => {
                return Domain::NullMx;
            }
            Ok(answer) if !answer.records.is_empty() => return Domain::Exists,
            // A hosts file may know what DNS does not: the address lookup decides.
            Ok(_) | Err(DnsError::NoData | DnsError::NxDomain) => {}
            Err(_) => return Domain::Unclear,
        }
        match dns.addresses(name, Families::Both).await {
            Ok(answer) if !answer.records.is_empty() => Domain::Exists,
            Err(error) if error.is_temporary() => Domain::Unclear,
            Ok(_) | Err(_) => Domain::Missing,
        }
    }
}
