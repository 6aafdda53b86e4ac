//! smtp(8): one message to one destination, over as many of its hosts as it takes.
//!
//! In: a job whose nexthop is a domain or a host. Out: an outcome for each recipient. A host that does not
//! answer, or refuses for now, hands the recipients that are left to the next one.

#![allow(
    clippy::unnecessary_box_returns,
    reason = "outcomes travel in errors, where clippy itself asks for a box; one shape for both"
)]

mod body;
mod client;
mod hosts;
mod reply;

use super::{Delivered, Job, Outcome, Status};
use crate::engine::config::Params;
use crate::engine::maillog::Session;
use client::{Client, Failure};
use hosts::Target;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;
use tokio::net::{TcpSocket, TcpStream};

/// Delivers to every recipient of the job.
pub(super) async fn deliver(job: &Job, session: &Session) -> Delivered {
    let mut attempt = Attempt {
        job,
        session,
        outcomes: vec![None; job.recipients.len()],
        last: None,
        site_failure: None,
        connecting: Instant::now(),
        sending: Instant::now(),
    };
    match hosts::lookup(&job.site, &job.nexthop).await {
        Ok(targets) => attempt.targets(&targets).await,
        Err(outcome) => {
            if outcome.status == Status::Deferred {
                attempt.site_failure = Some((outcome.dsn.clone(), outcome.text.clone()));
            }
            attempt.last = Some(outcome);
        }
    }
    attempt.finish()
}

/// Whether an address is one that we listen on: to deliver there would be a loop.
pub(super) fn is_own_address(params: &Params, ip: IpAddr) -> bool {
    params.listeners.iter().any(|listener| {
        let own = listener.address.ip();
        // On a wildcard we listen on every address of this host: those to which a socket can be bound.
        own == ip || own.is_unspecified() && UdpSocket::bind((ip, 0)).is_ok()
    })
}

struct Attempt<'j> {
    job: &'j Job,
    session: &'j Session,
    /// What is decided.
    outcomes: Vec<Option<Box<Outcome>>>,
    /// What to say of the undecided when no host is left.
    last: Option<Box<Outcome>>,
    site_failure: Option<(String, String)>,
    connecting: Instant,
    sending: Instant,
}

impl Attempt<'_> {
    async fn targets(&mut self, targets: &[Target]) {
        let params = &self.job.site.params;
        let addresses = limit(params.smtp_mx_address_limit, targets.len());
        let mut sessions = limit(params.smtp_mx_session_limit, usize::MAX);
        self.connecting = Instant::now();
        for (at, target) in targets.iter().take(addresses).enumerate() {
            if self.undecided().is_empty() || sessions == 0 {
                return;
            }
            let stream = match connect(params, target.address).await {
                Ok(stream) => stream,
                Err(reason) => {
                    let text = format!(
                        "connect to {}[{}]:{}: {reason}",
                        target.host,
                        target.address.ip(),
                        target.address.port()
                    );
                    self.session.info(format_args!("{text}"));
                    let outcome = Outcome::new(Status::Deferred, "4.4.1", text, "none");
                    self.site_failed(Box::new(outcome));
                    continue;
                }
            };
            self.talk(stream, target, at + 1 == addresses, &mut sessions)
                .await;
        }
    }

    /// One conversation; what it does not decide is left for the next host. It counts as a session when the
    /// handshake succeeded (postconf(5), smtp_mx_session_limit).
    async fn talk(
        &mut self,
        stream: TcpStream,
        target: &Target,
        last_address: bool,
        sessions: &mut usize,
    ) {
        let mut client = Client::new(stream, target, self.job);
        let result = client.handshake().await;
        self.sending = Instant::now();
        *sessions -= usize::from(result.is_ok());
        let is_last = last_address || *sessions == 0;
        let result = match result {
            Ok(()) => {
                // Whoever answered is not down, whatever an earlier address did.
                self.site_failure = None;
                let undecided = self.undecided();
                client.send(&undecided, &mut self.outcomes).await
            }
            Err(failure) => Err(failure),
        };
        match result {
            Ok(()) => {
                if !is_last {
                    self.keep_soft_failures();
                }
                client.quit().await;
            }
            Err(Failure::Bounce(outcome)) => {
                for at in self.undecided() {
                    self.outcomes[at] = Some(outcome.clone());
                }
                client.quit().await;
            }
            Err(Failure::Site(outcome)) => {
                if !is_last {
                    let id = &self.job.message.id;
                    self.session.queue(id, format_args!("{}", outcome.text));
                    self.keep_soft_failures();
                }
                self.site_failed(outcome);
            }
        }
    }

    /// Takes back the decisions "later": another host may take those recipients now.
    fn keep_soft_failures(&mut self) {
        for slot in &mut self.outcomes {
            if let Some(outcome) = slot.take_if(|o| o.status == Status::Deferred) {
                let id = &self.job.message.id;
                self.session.queue(id, format_args!("{}", outcome.text));
                self.last = Some(outcome);
            }
        }
    }

    fn undecided(&self) -> Vec<usize> {
        let open = self.outcomes.iter().enumerate();
        open.filter(|(_, outcome)| outcome.is_none())
            .map(|(at, _)| at)
            .collect()
    }

    fn site_failed(&mut self, outcome: Box<Outcome>) {
        self.site_failure = Some((outcome.dsn.clone(), outcome.text.clone()));
        self.last = Some(outcome);
    }

    fn finish(self) -> Delivered {
        let last = self.last.unwrap_or_else(|| {
            let text = "server unavailable or unable to receive mail";
            Box::new(Outcome::new(Status::Deferred, "4.3.0", text, "none"))
        });
        let outcomes = self.outcomes.into_iter();
        Delivered {
            outcomes: outcomes
                .map(|outcome| *outcome.unwrap_or_else(|| last.clone()))
                .collect(),
            site_failure: self.site_failure,
            connecting: self.connecting,
            sending: self.sending,
        }
    }
}

/// Postfix's limits: 0 is none.
fn limit(limit: usize, none: usize) -> usize {
    if limit == 0 { none } else { limit.min(none) }
}

async fn connect(params: &Params, address: SocketAddr) -> Result<TcpStream, String> {
    let connecting = async {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Ok(source) = params.smtp_bind_address.parse::<IpAddr>()
            && source.is_ipv4() == address.is_ipv4()
        {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        socket.connect(address).await
    };
    // 0 leaves it to the system, postconf(5).
    let result = if params.smtp_connect_timeout.is_zero() {
        connecting.await
    } else {
        tokio::time::timeout(params.smtp_connect_timeout, connecting)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    };
    let stream = result.map_err(|error| reason(&error))?;
    // Whole commands are written at once; waiting to fill a segment only delays them.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// strerror(3)'s text, as Postfix logs it.
fn reason(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::TimedOut {
        return "Connection timed out".into();
    }
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
