//! The mixture: who writes to whom, how often, and what is wrong with it.
//!
//! In: the engine's address. Out: SMTP sessions, endlessly, three to eight a second. One table says how much of
//! each kind there is.

use super::Tally;
use super::chance::Chance;
use super::session::{Course, Plan, carry_out};
use super::world::{Behaviour, DOMAINS, HOME, NO_MAIL, NOWHERE, Place, SPAMMER, USERS};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Sessions at one time at most; when the engine is slower than that, the world waits.
const AT_ONCE: usize = 24;

/// What a session is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Mail from outside to a user here.
    Incoming,
    /// Mail from the office to other domains, some of which are slow, full or gone.
    Outgoing,
    /// A stranger's mail to another domain.
    RelayAttempt,
    /// A client on the address block list.
    ListedClient,
    /// A sender whose domain is on the domain block list.
    ListedSender,
    /// A client that gives a wrong name of itself.
    BadHelo,
    /// Mail to nobody here.
    UnknownUser,
    /// A sender whose domain does not exist.
    UnknownSenderDomain,
    /// A large message that fits.
    Large,
    /// A message above the limit.
    TooLarge,
    /// A client that breaks off.
    BreaksOff,
    /// A client that talks nonsense until it is thrown out.
    Nonsense,
    /// A notification, with the null sender.
    Notification,
}

/// All kinds with their share: parts of the sum.
const MIXTURE: &[(Kind, u64)] = &[
    (Kind::Incoming, 30),
    (Kind::Outgoing, 28),
    (Kind::RelayAttempt, 6),
    (Kind::ListedClient, 8),
    (Kind::ListedSender, 4),
    (Kind::BadHelo, 6),
    (Kind::UnknownUser, 6),
    (Kind::UnknownSenderDomain, 4),
    (Kind::Large, 2),
    (Kind::TooLarge, 2),
    (Kind::BreaksOff, 4),
    (Kind::Nonsense, 2),
    (Kind::Notification, 2),
];

/// How much of the outgoing mail goes to servers that behave like this.
const DESTINATIONS: &[(Behaviour, u64)] = &[
    (Behaviour::Accepts, 62),
    (Behaviour::Greylists, 14),
    (Behaviour::Full, 8),
    (Behaviour::RefusesContent, 6),
    (Behaviour::Down, 5),
    (Behaviour::Silent, 3),
];

const SUBJECTS: &[&str] = &[
    "Meeting on Thursday",
    "Re: the offer",
    "Invoice 2026-1107",
    "Photos from the trip",
    "Backup report: ok",
    "Fwd: minutes of the board",
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "Your order has been shipped",
];

const STRANGERS: &[&str] = &[
    "ivan", "judy", "karl", "lena", "mike", "nora", "olaf", "petra",
];

/// Sends mail until the runtime is shut down.
pub(super) async fn run(server: SocketAddr, tally: Tally) {
    let mut chance = Chance::of_now();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut serial = 0_u64;
    // Every kind once, so that all there is to see is seen soon; then the mixture.
    let mut first: Vec<Kind> = MIXTURE.iter().map(|(kind, _)| *kind).collect();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let kind = first
            .pop()
            .unwrap_or_else(|| weighted(&mut chance, MIXTURE));
        serial += 1;
        let plan = plan(kind, &mut chance, serial);
        let tally = tally.clone();
        tokio::spawn(async move {
            // A connection that breaks is part of the show.
            let _ = carry_out(server, &plan).await;
            tally.add(kind);
            drop(place);
        });
        let pause = 120 + chance.below(210);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// One of the table, by its shares; the tables are not empty.
fn weighted<T: Copy>(chance: &mut Chance, table: &[(T, u64)]) -> T {
    let sum = table.iter().map(|(_, share)| share).sum();
    let mut point = chance.below(sum);
    for (item, share) in table {
        if point < *share {
            return *item;
        }
        point -= share;
    }
    table[0].0
}

fn plan(kind: Kind, chance: &mut Chance, serial: u64) -> Plan {
    let mut plan = incoming(chance);
    match kind {
        Kind::Outgoing => plan = outgoing(chance),
        Kind::RelayAttempt => {
            plan.client = client(chance, Place::Dialup);
            plan.helo = name_of(plan.client);
            plan.recipients = vec![format!("victim{}@{}", chance.below(50), DOMAINS[0].name)];
        }
        Kind::ListedClient => {
            plan.client = client(chance, Place::Listed);
            plan.helo = name_of(plan.client);
        }
        Kind::ListedSender => plan.sender = format!("winner{}@{SPAMMER}", chance.below(90)),
        Kind::BadHelo => {
            plan.client = client(chance, Place::Dialup);
            plan.helo = chance
                .one(&["friend", "localhost", "mx.nowhere.example", "-bad-.example"])
                .to_owned();
        }
        Kind::UnknownUser => {
            let who = chance.one(&["info", "sales", "admin", "test", "zoe"]);
            plan.recipients = vec![format!("{who}@{HOME}")];
        }
        Kind::UnknownSenderDomain => plan.sender = format!("promo@{NOWHERE}"),
        Kind::Incoming | Kind::Large | Kind::TooLarge => {}
        Kind::BreaksOff => {
            plan.course = if chance.percent(50) {
                Course::BreaksAfterRecipient
            } else {
                Course::BreaksInMessage
            };
        }
        Kind::Nonsense => {
            plan.client = client(chance, Place::Nameless);
            plan.course = Course::Nonsense;
        }
        Kind::Notification => plan.sender = String::new(),
    }
    let lines = lines(kind, chance);
    plan.message = message(&plan, chance, serial, lines);
    if kind == Kind::TooLarge {
        // 5 MB are declared and refused before they are sent.
        plan.declares = Some(5_000_000);
    }
    plan
}

/// How many lines of 66 characters a message has.
fn lines(kind: Kind, chance: &mut Chance) -> u64 {
    match kind {
        Kind::Large => 4_000 + chance.below(6_000),
        _ => 3 + chance.below(80),
    }
}

fn incoming(chance: &mut Chance) -> Plan {
    let place = if chance.percent(85) {
        Place::Server
    } else {
        Place::Dialup
    };
    let client = client(chance, place);
    let mut recipients = vec![user(chance)];
    if chance.percent(20) {
        recipients.push(user(chance));
        recipients.dedup();
    }
    Plan {
        client,
        helo: name_of(client),
        sender: format!("{}@{}", chance.one(STRANGERS), accepting(chance)),
        recipients,
        declares: None,
        message: String::new(),
        course: Course::Complete,
    }
}

fn outgoing(chance: &mut Chance) -> Plan {
    let client = client(chance, Place::Office);
    let count = 1 + chance.below(3);
    let mut recipients: Vec<String> = (0..count).map(|_| foreigner(chance)).collect();
    recipients.sort();
    recipients.dedup();
    Plan {
        client,
        helo: name_of(client),
        sender: user(chance),
        recipients,
        declares: None,
        message: String::new(),
        course: Course::Complete,
    }
}

fn foreigner(chance: &mut Chance) -> String {
    let who = chance.one(STRANGERS);
    if chance.percent(2) {
        return format!("{who}@{NO_MAIL}");
    }
    if chance.percent(3) {
        return format!("nobody{}@{}", chance.below(99), accepting(chance));
    }
    let wanted = weighted(chance, DESTINATIONS);
    let fitting: Vec<&str> = DOMAINS
        .iter()
        .filter(|domain| domain.behaviour == wanted)
        .map(|domain| domain.name)
        .collect();
    // Greylisting asks anew for each recipient, so there must be many of them.
    format!("{who}{}@{}", chance.below(400), chance.one(&fitting))
}

fn accepting(chance: &mut Chance) -> &'static str {
    let fitting: Vec<&'static str> = DOMAINS
        .iter()
        .filter(|domain| domain.behaviour == Behaviour::Accepts)
        .map(|domain| domain.name)
        .collect();
    chance.one(&fitting)
}

fn user(chance: &mut Chance) -> String {
    format!("{}@{HOME}", chance.one(USERS))
}

/// An address at a place. Servers have one network a domain.
fn client(chance: &mut Chance, place: Place) -> Ipv4Addr {
    let networks = match place {
        Place::Server => DOMAINS.len().saturating_sub(1),
        Place::Office => 3,
        _ => 255,
    };
    let network = chance.octet(0, u8::try_from(networks).unwrap_or(u8::MAX));
    Ipv4Addr::new(127, place.octet(), network, chance.octet(1, 254))
}

fn name_of(client: Ipv4Addr) -> String {
    Place::of(client)
        .and_then(|place| place.name(client))
        .unwrap_or_else(|| format!("[{client}]"))
}

fn message(plan: &Plan, chance: &mut Chance, serial: u64, lines: u64) -> String {
    let date = chrono::Utc::now().to_rfc2822();
    let from = if plan.sender.is_empty() {
        "MAILER-DAEMON"
    } else {
        &plan.sender
    };
    let mut text = format!(
        "From: <{from}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{serial}.{}@{}>\r\n\r\n",
        plan.recipients.first().map_or("", String::as_str),
        chance.one(SUBJECTS),
        chance.below(1_000_000_000),
        plan.helo.trim_matches(['[', ']']),
    );
    for number in 0..lines {
        text.push_str(match number % 3 {
            0 => "The quick brown fox jumps over the lazy dog while the river flows.\r\n",
            1 => "Sphinx of black quartz, judge my vow, and send an answer by Friday.\r\n",
            _ => "Pack my box with five dozen jugs of water; the rest comes by mail.\r\n",
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_plan_that_can_be_sent() {
        let mut chance = Chance::new(1);
        for serial in 0..200 {
            for (kind, _) in MIXTURE {
                let plan = plan(*kind, &mut chance, serial);
                assert!(!plan.recipients.is_empty(), "{kind:?}");
                assert!(plan.client.is_loopback(), "{kind:?}");
                assert!(plan.message.ends_with("\r\n"), "{kind:?}");
                assert!(plan.message.len() < 1_000_000, "{kind:?}");
                assert_eq!(plan.sender.is_empty(), *kind == Kind::Notification);
                let local = plan.recipients.iter().any(|r| r.ends_with(HOME));
                assert_eq!(
                    local,
                    !matches!(kind, Kind::Outgoing | Kind::RelayAttempt),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn clients_with_names_give_their_names() {
        let mut chance = Chance::new(2);
        for _ in 0..100 {
            let plan = incoming(&mut chance);
            assert_eq!(
                super::super::world::client_address(&plan.helo),
                Some(plan.client)
            );
        }
    }
}
