//! The control socket's server: status, the queue, acts, reload, stop.
//!
//! In: JSON lines of [`crate::control::Request`]. Out: one [`Response`] line each. Who may connect may do
//! everything: the socket is 0600 in a directory of mode 0700. It decides nothing itself; it asks the
//! scheduler, the spool and the policy.

use super::master::Engine;
use super::{EngineError, sockets};
use crate::control::{Request, Response, socket_path};
use crate::queue::format::content;
use crate::queue::walk::walk;
use crate::queue::{Action, Reasons};
use base64::Engine as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Longest request line: some 100,000 messages with their guards.
const LONGEST_REQUEST: u64 = 16 << 20;

/// Most bytes of a message that `show` sends.
const SHOWN: u64 = 32 << 20;

/// Opens the socket and serves it.
pub fn start(engine: &Arc<Engine>) -> Result<(), EngineError> {
    let path = socket_path(engine.spool().directory());
    let listener = sockets::listen(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| EngineError::at(&path, e))?;
    let engine = Arc::clone(engine);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(serve(stream, Arc::clone(&engine)));
                }
                // Out of descriptors: accept would fail again at once.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(())
}

async fn serve(stream: UnixStream, engine: Arc<Engine>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut stream).take(LONGEST_REQUEST);
        if limited.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let response = match serde_json::from_slice(&line) {
            Ok(request) => answer(&engine, request).await,
            Err(error) => failed(format!("not a request: {error}")),
        };
        let mut text = serde_json::to_vec(&response)?;
        text.push(b'\n');
        stream.get_mut().write_all(&text).await?;
    }
}

async fn answer(engine: &Arc<Engine>, request: Request) -> Response {
    let act = |action, messages| async move {
        Response {
            results: engine.scheduler().act(action, messages).await,
            ..done()
        }
    };
    match request {
        Request::Status => Response {
            status: Some(engine.status().await),
            ..done()
        },
        Request::List => list(engine).await,
        Request::Show { id } => show(engine, id).await,
        Request::Hold { messages } => act(Action::Hold, messages).await,
        Request::Release { messages } => act(Action::Release, messages).await,
        Request::Requeue { messages } => act(Action::Requeue, messages).await,
        Request::Delete { messages } => act(Action::Delete, messages).await,
        Request::Flush { ids } => Response {
            results: engine.scheduler().flush(ids).await,
            ..done()
        },
        Request::Reload => match engine.reload().await {
            Ok(warnings) => Response { warnings, ..done() },
            Err(error) => failed(error.to_string()),
        },
        Request::Stop => {
            engine.stop();
            done()
        }
        Request::Explain {
            client,
            helo,
            sender,
            recipient,
        } => engine.explain(&client, &helo, &sender, &recipient).await,
    }
}

async fn list(engine: &Engine) -> Response {
    let directory = engine.spool().directory().to_owned();
    let walking = tokio::task::spawn_blocking(move || walk(&directory, Reasons::Yes));
    match walking.await.map_err(io::Error::other) {
        Ok(Ok(found)) => Response {
            list: Some(found.entries),
            ..done()
        },
        Ok(Err(error)) | Err(error) => failed(error.to_string()),
    }
}

async fn show(engine: &Engine, id: String) -> Response {
    let spool = engine.spool().clone();
    let reading = tokio::task::spawn_blocking(move || {
        let queue = spool
            .find(&id)
            .ok_or_else(|| format!("{id}: no such message"))?;
        let message = spool.load(queue, &id).map_err(|e| format!("{id}: {e}"))?;
        content::read(&message.file, &message.envelope, SHOWN).map_err(|e| format!("{id}: {e}"))
    });
    match reading.await.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(bytes) => Response {
            content_base64: Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
            ..done()
        },
        Err(error) => failed(error),
    }
}

/// A request that was carried out.
pub fn done() -> Response {
    Response {
        ok: true,
        ..Response::default()
    }
}

/// A request that was not, and why.
pub fn failed(error: impl Into<String>) -> Response {
    Response {
        error: Some(error.into()),
        ..Response::default()
    }
}
