//! The lists a mail server's own configuration names.
//!
//! In: values of main.cf parameters (the restriction lists, postscreen_dnsbl_sites). Out: zones, as they stand
//! there without filters and weights. What is not about block lists is passed over.

/// The restrictions whose next word is a zone (postconf(5)).
const RESTRICTIONS: &[&str] = &[
    "reject_rbl_client",
    "reject_rhsbl_client",
    "reject_rhsbl_helo",
    "reject_rhsbl_reverse_client",
    "reject_rhsbl_sender",
    "reject_rhsbl_recipient",
    "permit_dnswl_client",
    "permit_rhswl_client",
];

/// The zones named by `name`'s `value`, each once, in their order.
///
/// `name` decides the grammar: `postscreen_dnsbl_sites` is `zone=filter*weight, ...`, all others are
/// restriction lists.
pub fn configured<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut zones: Vec<String> = Vec::new();
    for (name, value) in parameters {
        let words = value
            .split(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | '{' | '}'))
            .filter(|word| !word.is_empty());
        if name == "postscreen_dnsbl_sites" {
            for site in words {
                add(&mut zones, site);
            }
            continue;
        }
        let mut restriction = "";
        for word in words {
            if RESTRICTIONS.contains(&restriction) {
                add(&mut zones, word);
            }
            restriction = word;
        }
    }
    zones
}

fn add(zones: &mut Vec<String>, site: &str) {
    let zone = site.split(['=', '*']).next().unwrap_or_default();
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    // `$name` was not expanded: no zone can be read from it.
    if zone.contains('.') && !zone.contains('$') && !zones.contains(&zone) {
        zones.push(zone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_in_every_spelling() {
        let zones = configured([
            (
                "smtpd_recipient_restrictions",
                "permit_mynetworks, reject_rbl_client zen.spamhaus.org=127.0.0.[2..11],\n \
                 warn_if_reject reject_rbl_client Bl.SpamCop.net. reject_rhsbl_sender dbl.spamhaus.org,permit",
            ),
            (
                "smtpd_client_restrictions",
                "{ reject_rbl_client zen.spamhaus.org } reject_rbl_client",
            ),
            (
                "postscreen_dnsbl_sites",
                "psbl.surriel.com*2 list.dnswl.org=127.0.[0..255].[1..3]*-2, $more",
            ),
        ]);
        assert_eq!(
            zones,
            [
                "zen.spamhaus.org",
                "bl.spamcop.net",
                "dbl.spamhaus.org",
                "psbl.surriel.com",
                "list.dnswl.org"
            ]
        );
    }
}
