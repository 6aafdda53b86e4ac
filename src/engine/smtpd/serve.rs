//! The driver of one connection: sockets, time-outs, names, policy, the queue file and the log around a [`Session`].

use super::client::{Client, identify};
use super::data::BareNewline;
use super::session::{End, Line, Refusal, Session, Step};
use crate::engine::Site;
use crate::engine::cleanup::{Arrival, Cleanup, write_error};
use crate::engine::config::Params;
use crate::engine::maillog;
use crate::engine::policy::networks::matches_networks;
use crate::engine::policy::{Stage, check};
use crate::engine::spool::{Incoming, Spool};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes read at once.
const READ_SIZE: usize = 16 * 1024;

/// Sessions by client address, shared by all listeners (anvil's connection counts).
#[derive(Debug, Clone, Default)]
pub struct Clients {
    /// Held for a look at one counter.
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One counted session; uncounted when dropped.
struct Counted {
    clients: Clients,
    address: IpAddr,
    /// With this one.
    count: u32,
}

impl Clients {
    fn enter(&self, address: IpAddr) -> Counted {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        *count += 1;
        Counted {
            clients: self.clone(),
            address,
            count: *count,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self
            .clients
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Where a connection came in.
#[derive(Clone)]
pub struct Door {
    /// The parameters of its listener.
    pub params: Arc<Params>,
    /// Its service's name for the log: `smtpd`, `submission/smtpd`.
    pub service: String,
    /// The spool that takes the mail.
    pub spool: Spool,
    /// The sessions by client.
    pub clients: Clients,
}

/// Serves one connection to its end. Errors of the connection end it; there is nobody to tell them to.
pub async fn serve<S>(stream: S, peer: SocketAddr, server: SocketAddr, site: &Site, door: &Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let log = site.log.session(&door.service);
    let params = &door.params;
    let (client, warning) = if params.smtpd_peername_lookup {
        identify(peer, server, &site.dns).await
    } else {
        (Client::unnamed(peer, server), None)
    };
    if let Some(text) = warning {
        log.warning(format_args!("{text}"));
    }
    log.info(format_args!("connect from {}", client.name_address()));
    let counted = door.clients.enter(client.address());
    let mut driver = Driver {
        stream,
        site,
        door,
        log,
        session: Session::new(
            params.clone(),
            client.clone(),
            bare_newline(params, &client),
        ),
        incoming: None,
        cleanup: None,
    };
    if too_many(&counted, params) {
        driver.turn_away(&counted).await;
    } else {
        driver.run().await;
    }
    driver.flush_log();
    let line = driver.session.disconnect_line();
    driver.log.info(format_args!("{line}"));
}

fn too_many(counted: &Counted, params: &Params) -> bool {
    let limit = params.smtpd_client_connection_count_limit;
    limit > 0
        && counted.count > limit
        && !matches_networks(
            counted.address,
            &params.smtpd_client_event_limit_exceptions,
            params,
        )
        .unwrap_or(false)
}

/// `smtpd_forbid_bare_newline`; clients that may be refused for bare newlines are not our own.
fn bare_newline(params: &Params, client: &Client) -> BareNewline {
    match params
        .smtpd_forbid_bare_newline
        .to_ascii_lowercase()
        .as_str()
    {
        "no" => BareNewline::Allow,
        "reject" => {
            let excluded = matches_networks(
                client.address(),
                &params.smtpd_forbid_bare_newline_exclusions,
                params,
            );
            if excluded.unwrap_or(false) {
                BareNewline::Normalize
            } else {
                BareNewline::Reject
            }
        }
        _ => BareNewline::Normalize,
    }
}

struct Driver<'a, S> {
    stream: S,
    site: &'a Site,
    door: &'a Door,
    log: maillog::Session,
    session: Session,
    /// The queue file from the first recipient until the content.
    incoming: Option<Incoming>,
    /// And from then on.
    cleanup: Option<Box<Cleanup>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<'_, S> {
    async fn run(&mut self) {
        loop {
            let step = self.session.poll();
            self.flush_log();
            match step {
                Step::Read => {
                    if !self.flush().await {
                        self.session.ended(End::Lost);
                        return;
                    }
                    self.read().await;
                }
                Step::Check(stage, subject) => {
                    let decision = check(self.site, &self.door.params, &subject, stage).await;
                    // Content restrictions may still refuse: the file stays until then.
                    if stage == Stage::EndOfData && decision.reject.is_some() {
                        self.cleanup = None;
                    }
                    self.session.checked(decision);
                }
                Step::Room => {
                    let outcome = self.room();
                    self.session.room(outcome);
                }
                Step::Open => self.open(),
                Step::Begin => self.begin(),
                Step::Content(records) => {
                    let outcome = match &mut self.cleanup {
                        Some(cleanup) => cleanup.write(&records),
                        None => Ok(()),
                    };
                    self.session.wrote(outcome);
                }
                Step::Commit => self.commit().await,
                Step::Abandon => {
                    self.incoming = None;
                    self.cleanup = None;
                }
                Step::Sleep(time) => tokio::time::sleep(time).await,
                Step::Close => {
                    self.flush().await;
                    let _ = self.stream.shutdown().await;
                    return;
                }
            }
        }
    }

    /// More sessions of one client than smtpd_client_connection_count_limit.
    async fn turn_away(&mut self, counted: &Counted) {
        let params = &self.door.params;
        let client = self.session.client().clone();
        self.log.warning(format_args!(
            "Connection concurrency limit exceeded: {} from {} for service {}",
            counted.count,
            client.name_address(),
            self.door.service
        ));
        let text = format!(
            "421 4.7.0 {} Error: too many connections from {}\r\n",
            params.myhostname,
            client.address()
        );
        let _ = self.stream.write_all(text.as_bytes()).await;
        let _ = self.stream.shutdown().await;
    }

    async fn read(&mut self) {
        let mut buffer = vec![0; READ_SIZE];
        let limit = self.timeout();
        match tokio::time::timeout(limit, self.stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => self.session.ended(End::Lost),
            Ok(Ok(count)) => self.session.receive(&buffer[..count]),
            Err(_) => self.session.ended(End::Timeout),
        }
    }

    async fn flush(&mut self) -> bool {
        let output = self.session.take_output();
        if output.is_empty() {
            return true;
        }
        let limit = self.timeout();
        matches!(
            tokio::time::timeout(limit, self.stream.write_all(&output)).await,
            Ok(Ok(()))
        )
    }

    fn timeout(&self) -> Duration {
        self.door.params.smtpd_timeout
    }

    fn flush_log(&mut self) {
        for line in self.session.take_log() {
            match line {
                Line::Info(text) => self.log.info(format_args!("{text}")),
                Line::Warning(text) => self.log.warning(format_args!("{text}")),
            }
        }
    }

    /// Room for what `queue_minfree` keeps free and for one and a half times the largest message (postconf(5)).
    fn room(&self) -> Result<(), Refusal> {
        let params = &self.door.params;
        let wanted = params
            .message_size_limit
            .saturating_add(params.message_size_limit / 2);
        let free = match self.door.spool.free() {
            Ok(free) => free,
            Err(error) => {
                self.log.warning(format_args!("{error}"));
                return Ok(()); // the write itself will tell
            }
        };
        if free > params.queue_minfree && free > wanted {
            return Ok(());
        }
        if free <= params.queue_minfree {
            self.log.warning(format_args!(
                "not enough free space in mail queue: {free} bytes < queue_minfree {}",
                params.queue_minfree
            ));
        } else {
            self.log.warning(format_args!(
                "not enough free space in mail queue: {free} bytes < 1.5*message size limit"
            ));
        }
        Err(Refusal::new(452, "4.3.1 Insufficient system storage"))
    }

    fn open(&mut self) {
        match self.door.spool.create() {
            Ok(incoming) => {
                let id = incoming.id().to_owned();
                self.incoming = Some(incoming);
                self.session.opened(Ok(id));
            }
            Err(error) => {
                self.log.warning(format_args!("{error}"));
                self.session.opened(Err(write_error()));
            }
        }
    }

    fn begin(&mut self) {
        let Some(incoming) = self.incoming.take() else {
            self.session.began(Err(write_error()));
            return;
        };
        let (helo, protocol) = self.session.greeting();
        let arrival = Arrival {
            client: self.session.client(),
            helo,
            protocol,
            envelope: self.session.envelope(),
        };
        let outcome = Cleanup::begin(self.site, self.door.params.clone(), incoming, &arrival);
        let outcome = outcome.map(|cleanup| self.cleanup = Some(Box::new(cleanup)));
        self.session.began(outcome);
    }

    /// fsync waits for the disk, so it does so on a thread that may wait.
    async fn commit(&mut self) {
        let outcome = match self.cleanup.take() {
            Some(cleanup) => tokio::task::spawn_blocking(move || cleanup.commit())
                .await
                .unwrap_or_else(|_| Err(write_error())),
            None => Err(Refusal::new(451, "4.3.0 Error: internal protocol error")),
        };
        self.session.committed(outcome);
    }
}
