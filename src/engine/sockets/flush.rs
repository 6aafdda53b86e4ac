//! flush(8): one message, or all mail for one site, is tried now.

use super::{LONGEST_REQUEST, end, put};
use crate::engine::scheduler::Scheduler;
use crate::engine::spool::Spool;
use crate::queue::format::QueueId;
use crate::queue::walk::walk;
use crate::queue::{QueueName, Reasons};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Postfix's status codes (flush_clnt.h): done, not done, not understood.
const OK: &str = "0";
const FAIL: &str = "1";
const BAD: &str = "2";

/// Answers one request.
pub(super) async fn answer(
    mut stream: UnixStream,
    spool: Spool,
    scheduler: Scheduler,
) -> io::Result<()> {
    let mut hello = Vec::new();
    put(&mut hello, "protocol", "queue_flush_protocol");
    end(&mut hello);
    stream.write_all(&hello).await?;
    let Some(request) = read(&mut stream).await? else {
        return Ok(());
    };
    let value = |name: &str| {
        let mut pairs = request.chunks_exact(2);
        pairs
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].clone())
    };
    let status = match (
        value("request").as_deref(),
        value("queue_id"),
        value("site"),
    ) {
        (Some("send_file"), Some(id), _) if QueueId::is_valid(&id) => {
            scheduler.flush(vec![id]).await;
            OK
        }
        (Some("send_site"), _, Some(site)) => send_site(&spool, &scheduler, site).await,
        (Some("add" | "refresh" | "purge"), ..) => OK,
        _ => BAD,
    };
    let mut reply = Vec::new();
    put(&mut reply, "status", status);
    end(&mut reply);
    stream.write_all(&reply).await
}

/// Deferred mail with a recipient in the domain.
async fn send_site(spool: &Spool, scheduler: &Scheduler, site: String) -> &'static str {
    let spool = spool.clone();
    let listing = tokio::task::spawn_blocking(move || walk(spool.directory(), Reasons::No)).await;
    let Ok(Ok(found)) = listing else {
        return FAIL;
    };
    let site = site.trim_matches(['[', ']']);
    let in_site = |address: &str| {
        address
            .rsplit_once('@')
            .is_some_and(|(_, domain)| domain.trim_matches(['[', ']']).eq_ignore_ascii_case(site))
    };
    let ids: Vec<_> = found
        .entries
        .into_iter()
        .filter(|entry| entry.queue_name == QueueName::Deferred)
        .filter(|entry| entry.recipients.iter().any(|r| in_site(&r.address)))
        .map(|entry| entry.queue_id)
        .collect();
    // An empty list would mean everything.
    if !ids.is_empty() {
        scheduler.flush(ids).await;
    }
    OK
}

/// The names and values of a request, alternating; `None` when the client said nothing understandable.
async fn read(stream: &mut UnixStream) -> io::Result<Option<Vec<String>>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 512];
    while !bytes.ends_with(b"\0\0") {
        let length = stream.read(&mut chunk).await?;
        if length == 0 || bytes.len() + length > LONGEST_REQUEST {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..length]);
    }
    let parts = bytes[..bytes.len() - 2].split(|b| *b == 0);
    Ok(Some(
        parts
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect(),
    ))
}
