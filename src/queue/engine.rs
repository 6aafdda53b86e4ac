//! The asking side of the engine's control socket: a small blocking client.
//!
//! In: a queue directory and [`Request`]s. Out: [`Response`]s, or a [`ClientError`] that says what to do. It
//! knows nothing of what the answers are used for; the console calls it from a thread that may wait.

use crate::control::{self, Request, Response};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long connecting and an answer may take, unless the caller says otherwise. An engine answers in
/// milliseconds, but acts on many messages wait for the disk.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is believed: the list of a million messages has about 300 MB.
const LONGEST_ANSWER: u64 = 1 << 30;

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: there is no socket, or its engine has died.
    #[error("{}: the engine is not running (try: mailtop engine start --config-dir DIR)", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// The socket belongs to another user.
    #[error("{}: permission denied (try: as the user who runs the engine)", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// No answer within the time allowed.
    #[error("{}: no answer within {} s", path.display(), patience.as_secs())]
    TimedOut {
        /// The socket.
        path: PathBuf,
        /// The time allowed.
        patience: Duration,
    },
    /// The engine understood and did not do it.
    #[error("the engine refuses: {reason}")]
    Refused {
        /// Its words.
        reason: String,
    },
    /// Something else went wrong on the way.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

/// A connection to a running engine; any number of requests, one after the other.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    path: PathBuf,
    patience: Duration,
}

impl Client {
    /// Connects to the engine with this queue directory.
    pub fn connect(queue_directory: &Path) -> Result<Self, ClientError> {
        Self::connect_within(queue_directory, PATIENCE)
    }

    /// The same, waiting at most `patience` for the connection and for each answer.
    pub fn connect_within(queue_directory: &Path, patience: Duration) -> Result<Self, ClientError> {
        let path = control::socket_path(queue_directory);
        let stream =
            connect_unix(&path, patience).map_err(|error| failed(&path, patience, &error))?;
        Ok(Self {
            stream: BufReader::new(stream),
            path,
            patience,
        })
    }

    /// Asks and waits for the answer. An answer that is not `ok` is [`ClientError::Refused`].
    pub fn ask(&mut self, request: &Request) -> Result<Response, ClientError> {
        let mut line = serde_json::to_vec(request).map_err(|error| self.broken(&error))?;
        line.push(b'\n');
        self.stream
            .get_mut()
            .write_all(&line)
            .map_err(|error| failed(&self.path, self.patience, &error))?;
        let mut answer = Vec::new();
        (&mut self.stream)
            .take(LONGEST_ANSWER)
            .read_until(b'\n', &mut answer)
            .map_err(|error| failed(&self.path, self.patience, &error))?;
        if answer.is_empty() {
            return Err(self.broken(&"the engine closed the connection without an answer"));
        }
        let response: Response =
            serde_json::from_slice(&answer).map_err(|error| self.broken(&error))?;
        if response.ok {
            return Ok(response);
        }
        Err(ClientError::Refused {
            reason: response
                .error
                .unwrap_or_else(|| "it does not say why".to_owned()),
        })
    }

    fn broken(&self, reason: &dyn std::fmt::Display) -> ClientError {
        ClientError::Broken {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Connects to a Unix socket without waiting for ever for a server that does not accept: with its backlog
/// full, connect(2) blocks. Reads and writes on the stream have the same limit each.
pub(super) fn connect_unix(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.connect_timeout(&SockAddr::unix(path)?, patience)?;
    socket.set_nonblocking(false)?;
    let stream = UnixStream::from(OwnedFd::from(socket));
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

fn failed(path: &Path, patience: Duration, error: &io::Error) -> ClientError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning { path },
        ErrorKind::PermissionDenied => ClientError::Denied { path },
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::TimedOut { path, patience },
        _ => ClientError::Broken {
            path,
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// A socket whose server answers each request of one connection with the next of `answers`.
    fn engine(
        answers: Vec<&'static str>,
    ) -> (tempfile::TempDir, std::thread::JoinHandle<Vec<String>>) {
        let dir = tempfile::tempdir().unwrap();
        let path = control::socket_path(dir.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).unwrap();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let mut asked = Vec::new();
            for answer in answers {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                asked.push(line);
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (dir, thread)
    }

    #[test]
    fn several_requests_on_one_connection() {
        let (dir, server) = engine(vec![
            "{\"ok\":true}\n",
            "{\"ok\":false,\"error\":\"no\"}\n",
            "{\n",
            "",
        ]);
        let mut client = Client::connect(dir.path()).unwrap();
        assert!(client.ask(&Request::Reload).unwrap().ok);
        let refused = client.ask(&Request::Stop).unwrap_err();
        assert_eq!(refused.to_string(), "the engine refuses: no");
        assert!(matches!(
            client.ask(&Request::List),
            Err(ClientError::Broken { .. })
        ));
        assert!(matches!(
            client.ask(&Request::List),
            Err(ClientError::Broken { .. })
        ));
        assert_eq!(server.join().unwrap()[0], "{\"op\":\"reload\"}\n");
    }

    #[test]
    fn no_engine_and_a_silent_engine_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Client::connect(dir.path()).unwrap_err();
        assert!(
            error.to_string().contains("mailtop engine start"),
            "{error}"
        );
        let path = control::socket_path(dir.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _listener = UnixListener::bind(path).unwrap();
        let mut client = Client::connect_within(dir.path(), Duration::from_millis(20)).unwrap();
        assert!(matches!(
            client.ask(&Request::List),
            Err(ClientError::TimedOut { .. })
        ));
    }
}
