//! The message behind an entry: headers, empty line, body.
//!
//! In: a server and an id. Out: the bytes as they lie in the queue, with LF line ends; the caller makes them safe to
//! show. Our own reader where the file may be read, else the engine's `show`, else `postcat -q`.

use super::format::envelope::Detail;
use super::format::{Envelope, content as reader};
use super::{QueueError, engine, identity, process, walk};
use crate::attach::{Kind, Server};
use crate::control::Request;
use base64::Engine as _;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// How long postcat may take.
const LIMIT: Duration = Duration::from_mins(1);

/// The content of the message with this id, at most `limit` bytes of it.
pub fn content(server: &Server, id: &str, limit: u64) -> Result<Vec<u8>, QueueError> {
    if !super::format::QueueId::is_valid(id) {
        return Err(QueueError::NotAnId {
            id: crate::sanitize::str_line(id).into_owned(),
        });
    }
    let Some(dir) = server.queue_dir.as_deref() else {
        return match server.kind {
            Kind::Postfix => from_postcat(server, id, limit),
            _ => Err(QueueError::NoQueue),
        };
    };
    match from_file(dir, id, limit) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(QueueError::NoSuchMessage { id: id.to_owned() }),
        Err(QueueError::Io { error, .. }) if error.kind() == ErrorKind::PermissionDenied => {
            match server.kind {
                Kind::Postfix => from_postcat(server, id, limit),
                Kind::Engine => from_engine(dir, id, limit),
                Kind::LogOnly => Err(QueueError::NoQueue),
            }
        }
        Err(error) => Err(error),
    }
}

fn from_file(dir: &Path, id: &str, limit: u64) -> Result<Option<Vec<u8>>, QueueError> {
    // Twice, as a message can move behind our back.
    for _ in 0..2 {
        for (_, path) in identity::places(dir, id, None) {
            let failed = |error| QueueError::Io {
                object: path.display().to_string(),
                error,
            };
            let Some(file) = walk::open_file(&path).map_err(failed)? else {
                continue;
            };
            if !file.metadata().map_err(failed)?.is_file() {
                continue;
            }
            let read = Envelope::read(&file, Detail::List)
                .and_then(|envelope| reader::read(&file, &envelope, limit));
            return read
                .map(Some)
                .map_err(|error| QueueError::File { path, error });
        }
    }
    Ok(None)
}

fn from_engine(dir: &Path, id: &str, limit: u64) -> Result<Vec<u8>, QueueError> {
    let request = Request::Show { id: id.to_owned() };
    let response = engine::Client::connect(dir)?.ask(&request)?;
    let text = response.content_base64.unwrap_or_default();
    let mut bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|error| QueueError::Command {
            command: "show".to_owned(),
            reason: error.to_string(),
        })?;
    bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(bytes)
}

fn from_postcat(server: &Server, id: &str, limit: u64) -> Result<Vec<u8>, QueueError> {
    let mut command = process::postfix_command("postcat");
    if let Some(dir) = &server.config_dir {
        command.arg("-c").arg(dir);
    }
    // Headers and body without the envelope, as they were received.
    command.args(["-h", "-b", "-q", id]);
    let failed = |reason: String| QueueError::Command {
        command: format!("postcat -hbq {id}"),
        reason,
    };
    let ended =
        process::run(&mut command, b"", LIMIT).map_err(|error| failed(error.to_string()))?;
    if !ended.status.success() {
        return Err(failed(ended.complaint()));
    }
    let mut bytes = ended.stdout;
    bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(bytes)
}
