//! The demonstration's world: who there is, at which address, under which name.
//!
//! One table each for the domains, the clients and the block lists; the name server answers from them, the
//! sinks listen at them and the traffic chooses among them. All names are under `.example` (RFC 2606).

use std::net::Ipv4Addr;

/// Our own domain, whose mail the engine accepts.
pub(super) const HOME: &str = "hill.example";

/// The people who have a mailbox here.
pub(super) const USERS: &[&str] = &["anna", "bert", "clara", "dora", "emil", "postmaster"];

/// How another domain's server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Takes everything, except mail for people it does not know.
    Accepts,
    /// Defers the first attempts for each recipient, as greylisting does.
    Greylists,
    /// Its mailboxes are full: 4xx for some, 5xx for others.
    Full,
    /// Refuses the message after it has seen it.
    RefusesContent,
    /// Nobody listens.
    Down,
    /// Accepts the connection and never says a word.
    Silent,
}

/// Another domain, with its mail server's address.
pub(super) struct Domain {
    pub name: &'static str,
    pub server: Ipv4Addr,
    pub behaviour: Behaviour,
}

const fn domain(name: &'static str, last: u8, behaviour: Behaviour) -> Domain {
    Domain {
        name,
        server: Ipv4Addr::new(127, 0, 0, last),
        behaviour,
    }
}

/// The other domains that take mail, or should.
pub(super) const DOMAINS: &[Domain] = &[
    domain("cedar.example", 21, Behaviour::Accepts),
    domain("birch.example", 22, Behaviour::Accepts),
    domain("oak.example", 23, Behaviour::Accepts),
    domain("greylist.example", 24, Behaviour::Greylists),
    domain("fullbox.example", 25, Behaviour::Full),
    domain("picky.example", 26, Behaviour::RefusesContent),
    domain("down.example", 27, Behaviour::Down),
    domain("silent.example", 28, Behaviour::Silent),
];

/// A domain that takes no mail (null MX, RFC 7505).
pub(super) const NO_MAIL: &str = "nomail.example";

/// A domain that sends spam: it exists and is on the domain block list.
pub(super) const SPAMMER: &str = "casino.example";

/// A domain that does not exist.
pub(super) const NOWHERE: &str = "nowhere.example";

/// The address block list and the domain block list of this world.
pub(super) const ADDRESS_LIST: &str = "bl.watch.example";
/// See [`ADDRESS_LIST`].
pub(super) const DOMAIN_LIST: &str = "dbl.watch.example";

/// Where a client's address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// 127.1.0.0/16: our office; it may send anywhere.
    Office,
    /// 127.2.0.0/16: servers of other domains, with names.
    Server,
    /// 127.3.0.0/16: customers of an access provider, with generic names.
    Dialup,
    /// 127.4.0.0/16: hosts without a name.
    Nameless,
    /// 127.66.0.0/16: hosts on the block list.
    Listed,
}

impl Place {
    /// The second octet of its addresses.
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Office => 1,
            Self::Server => 2,
            Self::Dialup => 3,
            Self::Nameless => 4,
            Self::Listed => 66,
        }
    }

    /// The place of an address.
    pub(super) fn of(address: Ipv4Addr) -> Option<Self> {
        let places = [
            Self::Office,
            Self::Server,
            Self::Dialup,
            Self::Nameless,
            Self::Listed,
        ];
        let [127, second, _, _] = address.octets() else {
            return None;
        };
        places.into_iter().find(|place| place.octet() == second)
    }

    /// The name of a client at this place; `None` for those without.
    pub(super) fn name(self, address: Ipv4Addr) -> Option<String> {
        let [_, _, c, d] = address.octets();
        Some(match self {
            Self::Office => format!("pc{c}-{d}.office.{HOME}"),
            Self::Server => {
                let domain = DOMAINS.get(usize::from(c))?;
                format!("out{d}.{}", domain.name)
            }
            Self::Dialup | Self::Listed => {
                format!("p{c}-{d}.{}.dialup.example", self.octet())
            }
            Self::Nameless => return None,
        })
    }
}

/// The address of a client's name, the other way round.
pub(super) fn client_address(name: &str) -> Option<Ipv4Addr> {
    let (host, rest) = name.split_once('.')?;
    if let Some(tail) = host.strip_prefix("out") {
        let index = DOMAINS.iter().position(|domain| domain.name == rest)?;
        let address = Ipv4Addr::new(
            127,
            Place::Server.octet(),
            u8::try_from(index).ok()?,
            tail.parse().ok()?,
        );
        return Some(address);
    }
    let (place, numbers) = if rest == format!("office.{HOME}") {
        (Place::Office, host.strip_prefix("pc")?)
    } else if rest == "3.dialup.example" {
        (Place::Dialup, host.strip_prefix('p')?)
    } else if rest == "66.dialup.example" {
        (Place::Listed, host.strip_prefix('p')?)
    } else {
        return None;
    };
    let (c, d) = numbers.split_once('-')?;
    Some(Ipv4Addr::new(
        127,
        place.octet(),
        c.parse().ok()?,
        d.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_agree() {
        for (address, named) in [
            ([127, 1, 2, 3], true),
            ([127, 2, 5, 77], true),
            ([127, 3, 250, 1], true),
            ([127, 66, 9, 9], true),
            ([127, 4, 1, 1], false),
        ] {
            let address = Ipv4Addr::from(address);
            let name = Place::of(address).unwrap().name(address);
            assert_eq!(name.is_some(), named, "{address}");
            if let Some(name) = name {
                assert_eq!(client_address(&name), Some(address), "{name}");
            }
        }
        assert_eq!(Place::of(Ipv4Addr::LOCALHOST), None);
        assert_eq!(client_address("out999.cedar.example"), None);
        assert_eq!(client_address("pc1.office.hill.example"), None);
    }
}
