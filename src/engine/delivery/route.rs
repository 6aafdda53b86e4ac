//! Routing: which transport and nexthop a recipient has, decided anew at every try.
//!
//! In: parameters and an address. Out: a [`Route`]. It asks no DNS: where a nexthop leads is the smtp
//! agent's question.

use crate::engine::config::Params;

/// Where a recipient goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// The transport's name in master.cf.
    pub transport: String,
    /// What the transport is to make of it.
    pub nexthop: String,
}

/// The route of a recipient address. An address without a domain is local, as an address at `$myorigin` is.
pub fn route(params: &Params, address: &str) -> Route {
    let domain = match address.rsplit_once('@') {
        Some((_, domain)) => domain.to_ascii_lowercase(),
        None => params.myorigin.to_ascii_lowercase(),
    };
    let listed = |list: &[String]| list.iter().any(|d| d.eq_ignore_ascii_case(&domain));
    if listed(&params.mydestination) || is_own_literal(params, &domain) {
        return Route::new("local", &domain);
    }
    if listed(&params.virtual_alias_domains) {
        // Everything known was rewritten when the message arrived.
        return Route::new("error", "5.1.1 User unknown in virtual alias table");
    }
    let nexthop = if params.relayhost.is_empty() {
        domain.as_str()
    } else {
        params.relayhost.as_str()
    };
    Route::new("smtp", nexthop)
}

impl Route {
    fn new(transport: &str, nexthop: &str) -> Self {
        Self {
            transport: transport.into(),
            nexthop: nexthop.into(),
        }
    }
}

/// `[127.0.0.1]` names us when we listen there.
fn is_own_literal(params: &Params, domain: &str) -> bool {
    let literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map(|text| text.strip_prefix("ipv6:").unwrap_or(text));
    literal
        .and_then(|text| text.parse().ok())
        .is_some_and(|ip| super::smtp::is_own_address(params, ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let mut params = Params {
            myorigin: "mx.test".into(),
            mydestination: vec!["mx.test".into(), "localhost".into()],
            virtual_alias_domains: vec!["virtual.test".into()],
            ..Params::default()
        };
        assert_eq!(route(&params, "u@MX.test").transport, "local");
        assert_eq!(route(&params, "u").transport, "local");
        assert_eq!(route(&params, "u@virtual.test").transport, "error");
        assert_eq!(route(&params, "u@far.test").nexthop, "far.test");
        params.relayhost = "[127.0.0.1]:3030".into();
        let relay = route(&params, "\"a@b\"@far.test");
        assert_eq!(
            (relay.transport.as_str(), relay.nexthop.as_str()),
            ("smtp", "[127.0.0.1]:3030")
        );
    }
}
