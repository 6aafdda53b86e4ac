//! Routing: which transport and nexthop a recipient has, decided anew at every try.
//!
//! In: parameters and an address. Out: a [`Route`]. It asks no DNS: where a nexthop leads is the smtp
//! agent's question.

use crate::engine::address::{Class, resolve};
use crate::engine::config::Params;
use crate::engine::maps::MapError;

/// Where a recipient goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// The transport's name in master.cf.
    pub transport: String,
    /// What the transport is to make of it.
    pub nexthop: String,
}

/// The route of a recipient address: `transport_maps` first, then the class's own transport. A table that does
/// not answer puts the recipient off.
pub fn route(params: &Params, address: &str) -> Route {
    try_route(params, address).unwrap_or_else(|error| {
        Route::new("retry", &format!("4.3.0 address resolver failure: {error}"))
    })
}

fn try_route(params: &Params, address: &str) -> Result<Route, MapError> {
    let resolved = resolve(address, params)?;
    if resolved.error {
        return Ok(Route::new("error", "5.1.3 bad address syntax"));
    }
    let domain = resolved.recipient.rsplit_once('@');
    let domain = domain.map_or(params.myhostname.as_str(), |(_, domain)| domain);
    let domain = domain.to_ascii_lowercase();
    let (transport, default_nexthop) = match resolved.class {
        Class::Local => (&params.local_transport, params.myhostname.as_str()),
        Class::VirtualMailbox => (&params.virtual_transport, domain.as_str()),
        // Everything known was rewritten when the message arrived.
        Class::VirtualAlias => {
            let text = "5.1.1 User unknown in virtual alias table";
            return Ok(Route::new("error", text));
        }
        Class::Relay => (&params.relay_transport, relay(params, &domain)),
        Class::Default => (&params.default_transport, relay(params, &domain)),
    };
    let (transport, nexthop) = transport.split_once(':').unwrap_or((transport, ""));
    let nexthop = if nexthop.is_empty() || resolved.class == Class::Local {
        default_nexthop
    } else {
        nexthop
    };
    let mut route = Route::new(transport, nexthop);
    if let Some(value) = transport_map(params, &resolved.recipient, &domain)? {
        let (transport, nexthop) = value.split_once(':').unwrap_or((&value, ""));
        // transport(5): an empty half leaves that half as it is.
        if !transport.is_empty() {
            route = Route::new(transport, &domain);
        }
        if !nexthop.is_empty() {
            nexthop.clone_into(&mut route.nexthop);
        }
    }
    Ok(route)
}

/// `relayhost` when there is one, else the domain itself.
fn relay<'p>(params: &'p Params, domain: &'p str) -> &'p str {
    match params.relayhost.as_str() {
        "" => domain,
        relayhost => relayhost,
    }
}

/// transport(5): the address, its domain, its parent domains with a dot in front, and `*`.
fn transport_map(params: &Params, address: &str, domain: &str) -> Result<Option<String>, MapError> {
    if params.transport_maps.is_empty() {
        return Ok(None);
    }
    let parents = domain.match_indices('.').map(|(at, _)| &domain[at..]);
    let lowered = address.to_lowercase();
    let keys = [lowered.as_str(), domain].into_iter().chain(parents);
    for key in keys.chain(["*"]) {
        if let Some(value) = params.maps.find_any(&params.transport_maps, key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

impl Route {
    fn new(transport: &str, nexthop: &str) -> Self {
        Self {
            transport: transport.into(),
            nexthop: nexthop.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_the_transport_map() {
        let text = "myhostname = mx.test\nmydestination = mx.test, localhost\nalias_maps =\n\
                    virtual_alias_domains = virtual.test\nmynetworks = 127.0.0.0/8\n";
        let dir = std::path::Path::new("/nonexistent");
        let params = Params::from_text(text, dir);
        let pair = |params: &Params, address: &str| {
            let route = route(params, address);
            (route.transport, route.nexthop)
        };
        let expected = |t: &str, n: &str| (t.to_owned(), n.to_owned());
        assert_eq!(pair(&params, "u@MX.test"), expected("local", "mx.test"));
        assert_eq!(pair(&params, "u@virtual.test").0, "error");
        assert_eq!(pair(&params, "u@far.test"), expected("smtp", "far.test"));
        let more = "relayhost = [127.0.0.1]:3030\n\
                    transport_maps = inline:{ nowhere.test=discard:gone, .sub.test=:[h]:26 }\n";
        let params = Params::from_text(&format!("{text}{more}"), dir);
        assert_eq!(pair(&params, "\"a@b\"@far.test").1, "[127.0.0.1]:3030");
        assert_eq!(pair(&params, "u@nowhere.test"), expected("discard", "gone"));
        assert_eq!(pair(&params, "u@x.sub.test"), expected("smtp", "[h]:26"));
    }
}
