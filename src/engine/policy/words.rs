//! From the words of a restriction list to restrictions; what is no restriction is kept as such, so that
//! `check` can name it and smtpd can answer 451.

use super::evaluate::Party;
use crate::engine::config::{Params, values};
use std::time::Duration;

/// One restriction with its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each is postconf(5)'s restriction of that name"
)]
pub enum Restriction {
    WarnIfReject,
    /// Accepted and without effect here (`permit_sasl_authenticated` without SASL).
    Nothing,
    Permit,
    Reject,
    Defer,
    DeferIfPermit,
    DeferIfReject,
    Sleep(Duration),
    PermitMynetworks,
    PermitInetInterfaces,
    PermitAuthDestination,
    RejectUnauthDestination,
    DeferUnauthDestination,
    RejectUnauthPipelining,
    RejectUnknownClient,
    RejectUnknownReverseClient,
    RejectInvalidHelo,
    RejectNonFqdnHelo,
    RejectUnknownHelo,
    RejectNonFqdnSender,
    RejectNonFqdnRecipient,
    RejectUnknownSenderDomain,
    RejectUnknownRecipientDomain,
    RejectUnlistedSender,
    RejectUnlistedRecipient,
    RejectMultiRecipientBounce,
    Rbl(String),
    Rhsbl(Party, String),
    Dnswl(String),
    Access(Party, String),
    Class(String),
    Unknown(String),
    MissingArgument(String),
}

/// A restriction and how main.cf spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it is.
    pub restriction: Restriction,
    /// Its words.
    pub text: String,
}

/// Parses a restriction list.
pub fn parse(words: &[String], params: &Params) -> Vec<Parsed> {
    let mut parsed = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.to_ascii_lowercase();
        if let Some(make) = with_argument(&name) {
            match words.next() {
                Some(argument) => parsed.push(Parsed {
                    text: format!("{word} {argument}"),
                    restriction: make(argument),
                }),
                None => parsed.push(Parsed {
                    text: word.clone(),
                    restriction: Restriction::MissingArgument(word.clone()),
                }),
            }
            continue;
        }
        let restriction = plain(&name).unwrap_or_else(|| {
            if params.restriction_classes.contains_key(word) {
                Restriction::Class(word.clone())
            } else {
                Restriction::Unknown(word.clone())
            }
        });
        parsed.push(Parsed {
            text: word.clone(),
            restriction,
        });
    }
    parsed
}

fn plain(name: &str) -> Option<Restriction> {
    use Restriction as R;
    Some(match name {
        "warn_if_reject" => R::WarnIfReject,
        "permit" => R::Permit,
        "reject" => R::Reject,
        "defer" => R::Defer,
        "defer_if_permit" => R::DeferIfPermit,
        "defer_if_reject" => R::DeferIfReject,
        "permit_mynetworks" => R::PermitMynetworks,
        "permit_inet_interfaces" => R::PermitInetInterfaces,
        "permit_sasl_authenticated"
        | "permit_tls_clientcerts"
        | "permit_tls_all_clientcerts"
        | "permit_naked_ip_address" => R::Nothing,
        "permit_auth_destination" => R::PermitAuthDestination,
        "reject_unauth_destination" => R::RejectUnauthDestination,
        "defer_unauth_destination" => R::DeferUnauthDestination,
        "reject_unauth_pipelining" => R::RejectUnauthPipelining,
        "reject_unknown_client_hostname" | "reject_unknown_client" => R::RejectUnknownClient,
        "reject_unknown_reverse_client_hostname" => R::RejectUnknownReverseClient,
        "reject_invalid_helo_hostname" | "reject_invalid_hostname" => R::RejectInvalidHelo,
        "reject_non_fqdn_helo_hostname" | "reject_non_fqdn_hostname" => R::RejectNonFqdnHelo,
        "reject_unknown_helo_hostname" | "reject_unknown_hostname" => R::RejectUnknownHelo,
        "reject_non_fqdn_sender" => R::RejectNonFqdnSender,
        "reject_non_fqdn_recipient" => R::RejectNonFqdnRecipient,
        "reject_unknown_sender_domain" | "reject_unknown_address" => R::RejectUnknownSenderDomain,
        "reject_unknown_recipient_domain" => R::RejectUnknownRecipientDomain,
        "reject_unlisted_sender" => R::RejectUnlistedSender,
        "reject_unlisted_recipient" | "check_recipient_maps" => R::RejectUnlistedRecipient,
        "reject_multi_recipient_bounce" => R::RejectMultiRecipientBounce,
        _ => return None,
    })
}

type Make = fn(&str) -> Restriction;

fn with_argument(name: &str) -> Option<Make> {
    use Restriction as R;
    let make: Make = match name {
        "sleep" => |word| {
            values::seconds(word).map_or_else(|_| R::Unknown(format!("sleep {word}")), R::Sleep)
        },
        "reject_rbl_client" | "reject_rbl" => |zone| R::Rbl(zone.to_owned()),
        "permit_dnswl_client" => |zone| R::Dnswl(zone.to_owned()),
        "reject_rhsbl_client" => |zone| R::Rhsbl(Party::Client, zone.to_owned()),
        "reject_rhsbl_reverse_client" => |zone| R::Rhsbl(Party::ReverseClient, zone.to_owned()),
        "reject_rhsbl_helo" => |zone| R::Rhsbl(Party::Helo, zone.to_owned()),
        "reject_rhsbl_sender" => |zone| R::Rhsbl(Party::Sender, zone.to_owned()),
        "reject_rhsbl_recipient" => |zone| R::Rhsbl(Party::Recipient, zone.to_owned()),
        "check_client_access" => |table| R::Access(Party::Client, table.to_owned()),
        "check_reverse_client_hostname_access" => {
            |table| R::Access(Party::ReverseClient, table.to_owned())
        }
        "check_helo_access" => |table| R::Access(Party::Helo, table.to_owned()),
        "check_sender_access" => |table| R::Access(Party::Sender, table.to_owned()),
        "check_recipient_access" => |table| R::Access(Party::Recipient, table.to_owned()),
        _ => return None,
    };
    Some(make)
}

/// Restrictions that Postfix has and this engine has not yet: `check` says so instead of calling them unknown.
pub const NOT_YET: &[&str] = &[
    "check_ccert_access",
    "check_client_a_access",
    "check_client_mx_access",
    "check_client_ns_access",
    "check_etrn_access",
    "check_helo_a_access",
    "check_helo_mx_access",
    "check_helo_ns_access",
    "check_policy_service",
    "check_recipient_a_access",
    "check_recipient_mx_access",
    "check_recipient_ns_access",
    "check_sasl_access",
    "check_sender_a_access",
    "check_sender_mx_access",
    "check_sender_ns_access",
    "permit_mx_backup",
    "permit_rhswl_client",
    "reject_authenticated_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
    "reject_plaintext_session",
    "reject_sender_login_mismatch",
    "reject_unauthenticated_sender_login_mismatch",
    "reject_unknown_forward_client_hostname",
    "reject_unverified_recipient",
    "reject_unverified_sender",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_take_their_arguments() {
        let words = [
            "reject_rbl_client",
            "x.example",
            "Permit_MyNetworks",
            "nonsense",
            "sleep",
        ]
        .map(String::from);
        let parsed = parse(&words, &Params::default());
        assert_eq!(parsed[0].restriction, Restriction::Rbl("x.example".into()));
        assert_eq!(parsed[0].text, "reject_rbl_client x.example");
        assert_eq!(parsed[1].restriction, Restriction::PermitMynetworks);
        assert_eq!(
            parsed[2].restriction,
            Restriction::Unknown("nonsense".into())
        );
        assert_eq!(
            parsed[3].restriction,
            Restriction::MissingArgument("sleep".into())
        );
    }
}
