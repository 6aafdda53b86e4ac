//! Starting and stopping an engine from another process: what `postfix start` and `postfix stop` are to Postfix.
//!
//! In: a configuration directory. Out: an engine in the background that answers on its control socket, or the
//! error it ended with.

use super::config::Params;
use super::{EngineError, master};
use crate::control::{Request, socket_path};
use crate::queue::engine::Client;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start or a stop may take: the recovery of a large queue, or the last sessions and deliveries.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the engine in the background and returns when it serves; gives its process id.
pub fn start(config_dir: &Path) -> Result<u32, EngineError> {
    let queue = queue_directory(config_dir)?;
    if master::running(&queue)?.is_some() {
        return Err(EngineError::AlreadyRunning);
    }
    let program = std::env::current_exe()
        .map_err(|e| EngineError::Other(format!("this program's own file: {e}")))?;
    let mut complaint = tempfile::tempfile().map_err(|e| EngineError::at(Path::new("/tmp"), e))?;
    let stderr = complaint
        .try_clone()
        .map_err(|e| EngineError::at(Path::new("/tmp"), e))?;
    let mut child = Command::new(&program)
        .args(["engine", "run", "--detach", "--config-dir"])
        .arg(config_dir)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|e| EngineError::at(&program, e))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let ended = child.try_wait().map_err(|e| EngineError::at(&program, e))?;
        if ended.is_some() {
            let mut text = String::new();
            let _ = complaint.seek(SeekFrom::Start(0));
            let _ = complaint.take(4096).read_to_string(&mut text);
            let text = text.trim().trim_start_matches("mailtop: ");
            let text = text.trim_start_matches("fatal: ");
            return Err(EngineError::Other(text.to_owned()));
        }
        if Client::connect(&queue)
            .and_then(|mut c| c.ask(&Request::Status))
            .is_ok()
        {
            return Ok(child.id());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(EngineError::Other(format!(
        "{}: the engine does not answer (its log says more)",
        socket_path(&queue).display()
    )))
}

/// Stops the engine and returns when it is gone.
pub fn stop(config_dir: &Path) -> Result<(), EngineError> {
    let queue = queue_directory(config_dir)?;
    if master::running(&queue)?.is_none() {
        return Err(EngineError::NotRunning);
    }
    ask(config_dir, &Request::Stop)?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if master::running(&queue)?.is_none() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(EngineError::Other("the engine does not stop".into()))
}

/// Asks the running engine.
pub fn ask(config_dir: &Path, request: &Request) -> Result<crate::control::Response, EngineError> {
    let queue = queue_directory(config_dir)?;
    if master::running(&queue)?.is_none() {
        return Err(EngineError::NotRunning);
    }
    Client::connect(&queue)
        .and_then(|mut client| client.ask(request))
        .map_err(|e| EngineError::Other(e.to_string()))
}

/// The queue directory of a configuration.
pub fn queue_directory(config_dir: &Path) -> Result<PathBuf, EngineError> {
    let loaded = Params::load(config_dir).map_err(|e| EngineError::Other(e.to_string()))?;
    Ok(loaded.0.queue_directory)
}
