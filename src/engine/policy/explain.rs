//! What every restriction would say to a client, without mail being sent.

use super::evaluate::{Note, Run};
use super::{Pipelining, Stage, Subject};
use crate::control::ExplainStep;
use crate::engine::Site;
use crate::engine::smtpd::client::identify;
use std::net::{IpAddr, SocketAddr};

/// The steps for one imagined RCPT; the last one is the verdict of the whole.
pub async fn explain(
    site: &Site,
    client: IpAddr,
    helo: &str,
    sender: &str,
    recipient: &str,
) -> Vec<ExplainStep> {
    let server = SocketAddr::new(client, 25);
    let (client, warning) = identify(SocketAddr::new(client, 0), server, &site.dns).await;
    let subject = Subject {
        client,
        helo: (!helo.is_empty()).then(|| helo.to_owned()),
        sender: Some(sender.to_owned()),
        recipient: Some(recipient.to_owned()),
        recipient_count: 0,
        pipelining: Pipelining::Proper,
    };
    let mut run = Run::new(site, &site.params, &subject, Stage::Rcpt);
    run.steps = Some(Vec::new());
    let reject = run.stage().await;
    let mut steps = run.steps.take().unwrap_or_default();
    let notes = warning
        .into_iter()
        .chain(run.notes.into_iter().map(|note| match note {
            Note::Warning(text) => text,
            Note::Event { what, text } => format!("{what}: {text}"),
        }));
    for note in notes {
        steps.push(ExplainStep {
            list: String::new(),
            restriction: String::new(),
            verdict: "warn".to_owned(),
            reason: note,
        });
    }
    steps.push(ExplainStep {
        list: String::new(),
        restriction: String::new(),
        verdict: match &reject {
            None => "permit",
            Some(reject) if reject.code < 500 => "defer",
            Some(_) => "reject",
        }
        .to_owned(),
        reason: reject.map_or_else(|| "250 2.1.5 Ok".to_owned(), |reject| reject.line()),
    });
    steps
}
