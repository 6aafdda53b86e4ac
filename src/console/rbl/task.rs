//! A look-up in block lists, in the background.
//!
//! In: targets and the settings. Out: findings in handfuls, as they come. Aborting the task ends the look-up.

use super::Answer;
use crate::config::Rbl;
use crate::console::message::Message;
use crate::dns::{self, DnsOptions};
use crate::rbl::{self, List, Options, Target};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// Time for one try of one question, and how often: who looks at a screen does not wait longer for one list.
const TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// Findings handed over at once: a frame shows them all, the first come alone.
const HANDFUL: usize = 64;

/// Looks the targets up.
pub(crate) async fn look(
    ticket: u64,
    targets: Vec<Target>,
    settings: Rbl,
    outbox: Sender<Message>,
) {
    let send = async |answer| outbox.send(Message::Rbl(answer)).await.is_ok();
    let lists: Vec<List> = match settings.lists.as_slice() {
        [] => rbl::defaults(&settings.keys),
        named => named.iter().map(|zone| rbl::named(zone)).collect(),
    };
    let servers = settings
        .resolver
        .map_or_else(dns::servers_of_this_host, |server| vec![server]);
    let resolver = servers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let public = servers.iter().find_map(|s| rbl::public_resolver(s.ip()));
    let started = Answer::Started {
        ticket,
        expected: rbl::expected(&targets, &lists),
        resolver: resolver.clone(),
        public,
    };
    if !send(started).await {
        return;
    }
    let options = DnsOptions {
        servers,
        timeout: TIMEOUT,
        attempts: ATTEMPTS,
    };
    let error = match dns::system(&options) {
        Ok(dns) => {
            let options = Options {
                resolver,
                ..Options::default()
            };
            let mut findings = rbl::run(targets, lists, dns, options);
            let mut batch = Vec::new();
            while findings.recv_many(&mut batch, HANDFUL).await > 0 {
                let findings = std::mem::take(&mut batch);
                if !send(Answer::Findings { ticket, findings }).await {
                    return;
                }
            }
            None
        }
        Err(error) => Some(error.to_string()),
    };
    send(Answer::Done { ticket, error }).await;
}
