//! Postfix's own sockets, so that Postfix's own tools work on the engine's queue.
//!
//! | socket | asked by | answered |
//! | --- | --- | --- |
//! | `public/showq` | `postqueue -p`, `postqueue -j` | the list of the queue |
//! | `public/flush` | `postqueue -i`, `postqueue -s` | one message or one site is tried now |
//! | `public/qmgr` | `postqueue -f` | everything is tried now |
//! | `public/pickup` | `postqueue -f`, `postdrop` | what lies in `maildrop/` is told of |
//!
//! In: connections of whoever may enter `public/`. Out: Postfix's attribute lists (`name\0value\0`, an empty
//! name ends a list), as observed from Postfix 3.7.

mod flush;
mod pickup;
mod qmgr;
mod showq;

use super::scheduler::Scheduler;
use super::spool::Spool;
use super::{EngineError, Site};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// A client that neither asks nor reads for so long is dropped (`ipc_timeout` is an hour; nobody waits that long).
const PATIENCE: Duration = Duration::from_mins(1);

/// Longest request read.
const LONGEST_REQUEST: usize = 4096;

/// Opens the sockets and serves them until the runtime ends.
pub fn start(site: &Site, spool: &Spool, scheduler: &Scheduler) -> Result<(), EngineError> {
    let public = spool.directory().join("public");
    let showq = listen(&public.join("showq"))?;
    let flush = listen(&public.join("flush"))?;
    let qmgr = listen(&public.join("qmgr"))?;
    let pickup = listen(&public.join("pickup"))?;
    let (own, log) = (spool.clone(), site.log.session("pickup"));
    serve(pickup, move |stream| {
        pickup::answer(stream, own.clone(), log.clone())
    });
    let own = spool.clone();
    serve(showq, move |stream| showq::answer(stream, own.clone()));
    let (own, manager) = (spool.clone(), scheduler.clone());
    serve(flush, move |stream| {
        flush::answer(stream, own.clone(), manager.clone())
    });
    let manager = scheduler.clone();
    serve(qmgr, move |stream| qmgr::answer(stream, manager.clone()));
    Ok(())
}

/// A listening socket at `path`; one that a dead engine left behind is replaced (the master lock is held).
pub fn listen(path: &Path) -> Result<UnixListener, EngineError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(EngineError::at(path, e)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(|e| EngineError::at(path, e))?;
    // The directory decides who may connect, as in Postfix.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
        .map_err(|e| EngineError::at(path, e))?;
    Ok(listener)
}

fn serve<F>(listener: UnixListener, answer: impl Fn(UnixStream) -> F + Send + 'static)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let answering = tokio::time::timeout(PATIENCE, answer(stream));
                    tokio::spawn(async move {
                        // A client that went away is its own business.
                        let _ = answering.await;
                    });
                }
                // Out of descriptors: accept would fail again at once.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
}

/// Appends an attribute.
fn put(out: &mut Vec<u8>, name: &str, value: &str) {
    for text in [name, value] {
        // A NUL inside would shift everything behind it.
        out.extend(text.bytes().map(|b| if b == 0 { b'?' } else { b }));
        out.push(0);
    }
}

/// Ends a list of attributes.
fn end(out: &mut Vec<u8>) {
    out.push(0);
}
