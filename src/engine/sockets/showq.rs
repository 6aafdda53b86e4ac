//! showq(8): the queue for postqueue(1).

use super::{end, put};
use crate::engine::spool::Spool;
use crate::queue::walk::walk;
use crate::queue::{Entry, Reasons};
use std::io;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

/// Bytes written at a time.
const CHUNK: usize = 64 * 1024;

/// Writes the list of all messages; the server speaks first and alone.
pub(super) async fn answer(mut stream: UnixStream, spool: Spool) -> io::Result<()> {
    let listing = tokio::task::spawn_blocking(move || walk(spool.directory(), Reasons::Yes));
    let found = listing.await.map_err(io::Error::other)??;
    let mut out = Vec::with_capacity(CHUNK);
    put(&mut out, "protocol", "mail_queue_list_protocol");
    end(&mut out);
    for entry in &found.entries {
        message(&mut out, entry);
        if out.len() >= CHUNK {
            stream.write_all(&out).await?;
            out.clear();
        }
    }
    end(&mut out);
    stream.write_all(&out).await?;
    stream.shutdown().await
}

fn message(out: &mut Vec<u8>, entry: &Entry) {
    put(out, "queue_name", entry.queue_name.as_str());
    put(out, "queue_id", &entry.queue_id);
    put(out, "time", &entry.arrival_time.to_string());
    put(out, "size", &entry.message_size.to_string());
    put(
        out,
        "forced_expire",
        if entry.forced_expire { "1" } else { "0" },
    );
    // postqueue refuses an empty sender; showq writes the null sender so.
    let sender = match entry.sender.as_str() {
        "" => "MAILER-DAEMON",
        sender => sender,
    };
    put(out, "sender", sender);
    for recipient in &entry.recipients {
        put(out, "recipient", &recipient.address);
        put(
            out,
            "reason",
            recipient.delay_reason.as_deref().unwrap_or(""),
        );
    }
    end(out);
}
