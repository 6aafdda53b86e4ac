//! From a message to its deliveries: recipients by destination, in portions.

use crate::engine::Site;
use crate::engine::address::{Origin, rewrite};
use crate::engine::delivery::{Route, route};
use crate::engine::spool::Message;
use crate::queue::format::envelope::EnvelopeRecipient;
use std::collections::HashMap;

/// Recipients of one destination.
pub(super) type Portion = (Route, Vec<EnvelopeRecipient>);

/// The deliveries of a message, in the order of its recipients. Routing is decided here, at every try anew.
pub(super) fn plan(site: &Site, message: &Message) -> Vec<Portion> {
    let mut portions: Vec<Portion> = Vec::new();
    let mut open: HashMap<Route, usize> = HashMap::new();
    for mut recipient in message.envelope.deliverable() {
        if message.envelope.redirect.is_some() {
            let address = String::from_utf8_lossy(&recipient.address);
            recipient.address = rewrite(&address, &site.params, Origin::Local).into_bytes();
        }
        let route = route_of(site, message, &recipient);
        let limit = recipient_limit(site, &route);
        match open.get(&route) {
            Some(&at) if portions[at].1.len() < limit => portions[at].1.push(recipient),
            _ => {
                open.insert(route.clone(), portions.len());
                portions.push((route, vec![recipient]));
            }
        }
    }
    portions
}

fn route_of(site: &Site, message: &Message, recipient: &EnvelopeRecipient) -> Route {
    // A message's own content filter goes before all routing (postconf(5), content_filter); a redirect before both.
    if let Some(filter) = &message.envelope.content_filter
        && message.envelope.redirect.is_none()
    {
        let filter = String::from_utf8_lossy(filter);
        let (transport, nexthop) = filter.split_once(':').unwrap_or((&filter, ""));
        return Route {
            transport: transport.to_owned(),
            nexthop: nexthop.to_owned(),
        };
    }
    let address = String::from_utf8_lossy(&recipient.address);
    let mut route = route(&site.params, &address);
    if route.transport == "local" {
        // Each mailbox is a destination of its own, so that a slow one holds up nobody else.
        route.nexthop = address.to_lowercase();
    }
    route
}

fn recipient_limit(site: &Site, route: &Route) -> usize {
    let params = &site.params;
    let limit = match route.transport.as_str() {
        // local_destination_recipient_limit: every mailbox has its own verdict.
        "local" => 1,
        "smtp" => params.smtp_destination_recipient_limit,
        _ => params.default_destination_recipient_limit,
    };
    if limit == 0 { usize::MAX } else { limit }
}

/// Deliveries at a time to one destination: initial and most.
pub(super) fn concurrency(site: &Site, route: &Route) -> (usize, usize) {
    let params = &site.params;
    let limit = match route.transport.as_str() {
        // local_destination_concurrency_limit.
        "local" => 2,
        "smtp" => params.smtp_destination_concurrency_limit,
        _ => params.default_destination_concurrency_limit,
    };
    (params.initial_destination_concurrency, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::Params;
    use crate::engine::maillog::{Maillog, Stamp};
    use crate::engine::spool::tests::{message, spool};
    use crate::queue::QueueName;
    use crate::queue::format::writer::{Head, NewRecipient, mark_done};
    use std::sync::Arc;

    #[test]
    fn a_redirect_stands_for_all_recipients_once() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(&dir.path().join("spool"));
        let log = Maillog::open(&dir.path().join("log"), "mx", "postfix", Stamp::default());
        let site = Site {
            params: Arc::new(Params::for_tests(dir.path())),
            log: log.unwrap(),
            dns: Arc::new(crate::dns::StaticDns::default()),
        };
        let mut incoming = spool.create().unwrap();
        let recipients = [b"a@far.test", b"b@far.test"].map(|address| NewRecipient {
            address,
            ..NewRecipient::default()
        });
        incoming
            .set_envelope(&Head::default(), &recipients)
            .unwrap();
        incoming.set_filter("scan:[127.0.0.1]:10024").unwrap();
        incoming.set_redirect("trap@far.test").unwrap();
        let id = incoming.commit(&[], &[]).unwrap().id;
        let message = spool.load(QueueName::Incoming, &id).unwrap();
        let portions = plan(&site, &message);
        let [(route, recipients)] = portions.as_slice() else {
            panic!("{portions:?}");
        };
        assert_eq!(route.transport, "smtp");
        assert_eq!(recipients[0].address, b"trap@far.test");
        mark_done(&message.file, recipients[0].offset).unwrap();
        let again = spool.load(QueueName::Incoming, &id).unwrap();
        assert!(plan(&site, &again).is_empty());
        assert_eq!(again.envelope.todo().count(), 1);
    }

    #[test]
    fn recipients_are_grouped_and_portioned() {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool(&dir.path().join("spool"));
        let mut params = Params::for_tests(dir.path());
        params.smtp_destination_recipient_limit = 2;
        let log = Maillog::open(&dir.path().join("log"), "mx", "postfix", Stamp::default());
        let site = Site {
            params: Arc::new(params),
            log: log.unwrap(),
            dns: Arc::new(crate::dns::StaticDns::default()),
        };
        let id = message(
            &spool,
            &[
                "a@far.test",
                "u@mail.example",
                "b@far.test",
                "c@far.test",
                "v@mail.example",
            ],
        );
        let message = spool.load(QueueName::Incoming, &id).unwrap();
        let shape: Vec<_> = plan(&site, &message)
            .into_iter()
            .map(|(route, recipients)| (route.transport, route.nexthop, recipients.len()))
            .collect();
        let expected = [
            ("smtp", "far.test", 2),
            ("local", "u@mail.example", 1),
            ("smtp", "far.test", 1),
            ("local", "v@mail.example", 1),
        ];
        assert_eq!(
            shape,
            expected.map(|(t, n, count)| (t.to_owned(), n.to_owned(), count))
        );
    }
}
