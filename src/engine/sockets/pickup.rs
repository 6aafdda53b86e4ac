//! Triggers for pickup(8): single bytes, no answer.
//!
//! This version takes no mail from `maildrop/`; what lies there is told of at each trigger and stays for a
//! Postfix to take.

use crate::engine::maillog::Session;
use crate::engine::spool::Spool;
use crate::queue::QueueName;
use std::io;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

/// Reads the trigger and says what is left lying.
pub(super) async fn answer(mut stream: UnixStream, spool: Spool, log: Session) -> io::Result<()> {
    let mut bytes = [0; 128];
    let _ = stream.read(&mut bytes).await?;
    let waiting = tokio::task::spawn_blocking(move || {
        spool
            .scan(QueueName::Maildrop)
            .map_or(0, |found| found.len())
    })
    .await
    .unwrap_or(0);
    if waiting > 0 {
        log.warning(format_args!(
            "maildrop: {waiting} messages are not taken: this version accepts mail over SMTP only"
        ));
    }
    Ok(())
}
