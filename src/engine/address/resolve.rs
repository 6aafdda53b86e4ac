//! Which class an address belongs to (ADDRESS_CLASS_README), after taking every disguise of a local domain off.

use super::rewrite::{Origin, rewrite};
use crate::engine::config::{Params, values};
use crate::engine::maps::MapError;
use std::net::IpAddr;

/// The address class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `mydestination`, or an address literal of ours: local delivery.
    Local,
    /// `virtual_alias_domains`: every address must be an alias.
    VirtualAlias,
    /// `virtual_mailbox_domains`.
    VirtualMailbox,
    /// `relay_domains`.
    Relay,
    /// Everything else: only for our own clients.
    Default,
}

impl Class {
    /// Whether this host is the destination.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Local | Self::VirtualAlias | Self::VirtualMailbox
        )
    }
}

/// What an address resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The class of the domain left over.
    pub class: Class,
    /// The address with local domains in front of further routing stripped, bare.
    pub recipient: String,
    /// The local part still carries routing (`%`, `!`, `@`): its true destination is uncertain.
    pub routed: bool,
    /// Not an address: empty local part or domain, `..`, a bad literal.
    pub error: bool,
}

/// More local domains than this in one address are an attack.
const MAX_STRIPS: usize = 20;

/// Resolves a bare address.
///
/// `user%remote@me`, `remote!user@me` and `"user@remote"@me` resolve to `user@remote`, so that nobody is relayed
/// for by writing our name behind someone else's.
pub fn resolve(address: &str, params: &Params) -> Result<Resolved, MapError> {
    let mut current = rewrite(address, params, Origin::Local);
    let mut strips = 0;
    loop {
        let Some((local, domain)) = current.rsplit_once('@') else {
            // Only without append_at_myorigin.
            return Ok(Resolved {
                class: Class::Local,
                error: current.is_empty(),
                recipient: current,
                routed: false,
            });
        };
        let domain = domain.trim_end_matches('.');
        let local_domain =
            domain.is_empty() && params.resolve_null_domain || is_local_domain(domain, params)?;
        if local_domain && local.is_empty() && strips < MAX_STRIPS {
            // Nobody at our place: the mail system itself (empty_address_recipient).
            current = format!("{}@{}", params.empty_address_recipient, params.myorigin);
            strips = MAX_STRIPS;
            continue;
        }
        if local_domain && strips < MAX_STRIPS {
            let inner = if params.resolve_dequoted_address && local.contains('@') {
                Some(rewrite(local, params, Origin::Local))
            } else if has_routing(local, params) {
                Some(rewrite(local, params, Origin::Local)).filter(|inner| inner.contains('@'))
            } else {
                None
            };
            if let Some(inner) = inner {
                current = inner;
                strips += 1;
                continue;
            }
        }
        let class = classify(domain, local_domain, params)?;
        return Ok(Resolved {
            class,
            routed: local.contains(['@', '!', '%']),
            error: strips > MAX_STRIPS
                || !(is_domain(domain) || domain.is_empty() && params.resolve_null_domain),
            recipient: format!("{local}@{domain}"),
        });
    }
}

fn has_routing(local: &str, params: &Params) -> bool {
    (params.swap_bangpath && local.contains('!') && !local.starts_with('!'))
        || (params.allow_percent_hack && local.contains('%') && !local.starts_with('%'))
}

fn classify(domain: &str, local: bool, params: &Params) -> Result<Class, MapError> {
    if local {
        return Ok(Class::Local);
    }
    if matches_domain_list(
        domain,
        &params.virtual_alias_domains,
        params,
        Subdomains::No,
    )? {
        return Ok(Class::VirtualAlias);
    }
    if matches_domain_list(
        domain,
        &params.virtual_mailbox_domains,
        params,
        Subdomains::No,
    )? {
        return Ok(Class::VirtualMailbox);
    }
    let subdomains = if params
        .parent_domain_matches_subdomains
        .iter()
        .any(|word| word == "relay_domains")
    {
        Subdomains::Yes
    } else {
        Subdomains::No
    };
    if matches_domain_list(domain, &params.relay_domains, params, subdomains)? {
        return Ok(Class::Relay);
    }
    Ok(Class::Default)
}

/// Whether mail for this domain is local: `mydestination`, or `[ip]` with an address of ours.
pub fn is_local_domain(domain: &str, params: &Params) -> Result<bool, MapError> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        return Ok(literal_address(literal).is_some_and(|address| is_own_address(address, params)));
    }
    matches_domain_list(domain, &params.mydestination, params, Subdomains::No)
}

/// Whether an address belongs to this host (`inet_interfaces`, `proxy_interfaces`).
pub fn is_own_address(address: IpAddr, params: &Params) -> bool {
    let named = |words: &[String]| {
        words
            .iter()
            .any(|word| word.trim_matches(['[', ']']).parse() == Ok(address))
    };
    named(&params.inet_interfaces)
        || named(&params.proxy_interfaces)
        || (params
            .inet_interfaces
            .iter()
            .any(|word| matches!(word.as_str(), "all" | "loopback-only"))
            && params.own_addresses.contains(&address))
}

/// Whether a parent domain in a list matches its subdomains (`parent_domain_matches_subdomains`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subdomains {
    /// `example.com` matches `a.example.com`.
    Yes,
    /// Only `.example.com` does.
    No,
}

/// Matches a domain against a list of names, `.names`, `!negations` and tables; the first match decides.
pub fn matches_domain_list(
    domain: &str,
    list: &[String],
    params: &Params,
    subdomains: Subdomains,
) -> Result<bool, MapError> {
    let domain = domain.to_ascii_lowercase();
    for word in list {
        let negated = word.starts_with('!');
        let word = word.trim_start_matches('!');
        let matched = if values::is_table(word) {
            params.maps.find(word, &domain)?.is_some()
        } else {
            let word = word.to_ascii_lowercase();
            domain == word
                || (word.starts_with('.') && domain.ends_with(&word))
                || (subdomains == Subdomains::Yes && domain.ends_with(&format!(".{word}")))
        };
        if matched {
            return Ok(!negated);
        }
    }
    Ok(false)
}

/// A host name or an address literal.
fn is_domain(domain: &str) -> bool {
    match domain.strip_prefix('[') {
        Some(literal) => literal
            .strip_suffix(']')
            .is_some_and(|text| literal_address(text).is_some()),
        None => super::is_hostname(domain),
    }
}

/// The address of `127.0.0.1` or `IPv6:::1`.
fn literal_address(text: &str) -> Option<IpAddr> {
    let text = text
        .get(..5)
        .filter(|prefix| prefix.eq_ignore_ascii_case("ipv6:"))
        .map_or(text, |_| &text[5..]);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        Params::from_text(
            "myhostname = mail.me.example\nmydestination = me.example, localhost\nrelay_domains = relay.example\n\
             virtual_alias_domains = virt.example\ninet_interfaces = all\n",
            std::path::Path::new("/nowhere"),
        )
    }

    #[test]
    fn no_disguise_makes_a_remote_address_local() {
        for address in [
            "user%remote.example@me.example",
            "remote.example!user@me.example",
            "user@remote.example@me.example",
            "user%remote.example%me.example@localhost",
            "user%remote.example@[127.0.0.1]",
            "user@remote.example@me.example@localhost",
        ] {
            let resolved = resolve(address, &params()).unwrap();
            assert_eq!(resolved.class, Class::Default, "{address}");
            assert_eq!(resolved.recipient, "user@remote.example", "{address}");
        }
        assert!(
            resolve("user%x.example@relay.example", &params())
                .unwrap()
                .routed
        );
    }

    #[test]
    fn classes() {
        for (address, class) in [
            ("user@ME.example", Class::Local),
            ("user@[127.0.0.1]", Class::Local),
            ("user@relay.example", Class::Relay),
            ("user@sub.relay.example", Class::Relay),
            ("user@virt.example", Class::VirtualAlias),
            ("user@other.example", Class::Default),
        ] {
            let resolved = resolve(address, &params()).unwrap();
            assert_eq!(resolved.class, class, "{address}");
            assert!(!resolved.error && !resolved.routed);
        }
    }

    #[test]
    fn what_is_no_address() {
        for address in ["user@a..b", "user@", "user@[1.2.3]", "user@-x.example"] {
            assert!(resolve(address, &params()).unwrap().error, "{address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_before_our_name_does_not_become_a_remote_final(local in "[a-c@%!.\"]{0,12}") {
            let resolved = resolve(&format!("{local}@me.example"), &params());
            proptest::prop_assert!(resolved.is_ok());
        }
    }
}
