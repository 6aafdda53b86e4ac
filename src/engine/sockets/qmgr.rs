//! Triggers for the queue manager: single bytes, no answer (qmgr(8)).

use crate::engine::scheduler::Scheduler;
use std::io;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

/// `D` and `I`: look at what is due and new. `A` and `F`: also at what is not due yet, and at dead sites.
pub(super) async fn answer(mut stream: UnixStream, scheduler: Scheduler) -> io::Result<()> {
    let mut bytes = [0; 128];
    let length = stream.read(&mut bytes).await?;
    let asked = |wanted: &[u8]| bytes[..length].iter().any(|b| wanted.contains(b));
    if asked(b"AF") {
        scheduler.flush(Vec::new()).await;
    }
    if asked(b"DI") {
        scheduler.look().await;
    }
    Ok(())
}
