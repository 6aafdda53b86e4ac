//! Asking Postfix to try messages now, over its socket `public/flush`.
//!
//! In: the socket and queue ids. Out: whether each request was taken. The flush service makes the file due and
//! wakes the queue manager; one request a connection, as it asks. Group `postdrop` may connect. The trigger
//! that wakes other services is here too.

use super::attr::{self, Token};
use super::engine::connect_unix;
use std::io::{self, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

/// The protocol's name in the greeting.
const PROTOCOL: &str = "queue_flush_protocol";

/// How long the service may take: it starts on demand.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks for one message. The id must be valid.
pub(super) fn send_file(socket: &Path, id: &str) -> io::Result<()> {
    let mut stream = BufReader::new(connect_unix(socket, PATIENCE)?);
    attr::expect_protocol(&mut stream, PROTOCOL)?;
    stream
        .get_mut()
        .write_all(&attr::list(&[("request", "send_file"), ("queue_id", id)]))?;
    match attr::next(&mut stream)? {
        Token::Pair(name, value) if name == b"status" && value == b"0" => Ok(()),
        other => Err(attr::unexpected(&other)),
    }
}

/// Wakes a service that waits for a trigger (`public/pickup`, `public/qmgr`): connects, says one letter, hangs
/// up. `W` is the wake-up that every service knows.
pub(super) fn wake(socket: &Path) -> io::Result<()> {
    connect_unix(socket, PATIENCE)?.write_all(b"W")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::unix::net::UnixListener;

    fn answered(status: &'static [u8]) -> (io::Result<()>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flush");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .write_all(b"protocol\0queue_flush_protocol\0\0")
                .unwrap();
            let mut request = vec![0; 44];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(status).unwrap();
            request
        });
        (send_file(&path, "4jXMkR1TwwznJht"), server.join().unwrap())
    }

    #[test]
    fn one_request_a_connection() {
        let (result, request) = answered(b"status\x000\0\0");
        result.unwrap();
        assert_eq!(
            request,
            b"request\0send_file\0queue_id\x004jXMkR1TwwznJht\0\0"
        );
        let (result, _) = answered(b"status\0-1\0\0");
        assert!(result.unwrap_err().to_string().contains("status=-1"));
    }
}
