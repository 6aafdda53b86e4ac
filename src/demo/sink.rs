//! The mail servers of the other domains: each at its address on one common port, each with its behaviour.
//!
//! In: SMTP from the engine. Out: replies. Mail is read to its end and forgotten.

use super::world::{Behaviour, DOMAINS};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How long a greylisted recipient has to wait.
const GREYLIST: Duration = Duration::from_secs(6);

/// Remembered recipients at most; beyond, all are forgotten and wait once more.
const REMEMBERED: usize = 4096;

/// The longest line that is read: far above what SMTP allows (RFC 5321 section 4.5.3.1.6).
const LONGEST_LINE: u64 = 64 * 1024;

/// A silent server lets go after this, so that connections do not pile up.
const SILENCE: Duration = Duration::from_secs(30);

/// When a recipient was first seen.
type Seen = Arc<Mutex<HashMap<String, Instant>>>;

/// Binds all of them, lets them run on the current runtime and returns their port.
pub(super) async fn start() -> std::io::Result<u16> {
    let listeners = bind().await?;
    let port = listeners.first().map_or(Ok(0), |(listener, _)| {
        listener.local_addr().map(|a| a.port())
    })?;
    let seen = Seen::default();
    for (listener, index) in listeners {
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file descriptors, most likely: later there are some again.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                tokio::spawn(serve(stream, index, Arc::clone(&seen)));
            }
        });
    }
    Ok(port)
}

/// A listener for each domain whose server is up, all with the same port number.
async fn bind() -> std::io::Result<Vec<(TcpListener, usize)>> {
    let mut last = None;
    // A port that is free at the first address may be taken at another; then a new one is drawn.
    for _ in 0..20 {
        match bind_once().await {
            Ok(listeners) => return Ok(listeners),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

async fn bind_once() -> std::io::Result<Vec<(TcpListener, usize)>> {
    let mut listeners: Vec<(TcpListener, usize)> = Vec::new();
    for (index, domain) in DOMAINS.iter().enumerate() {
        if domain.behaviour == Behaviour::Down {
            continue;
        }
        let port = match listeners.first() {
            Some((listener, _)) => listener.local_addr()?.port(),
            None => 0,
        };
        let address = SocketAddr::from((domain.server, port));
        listeners.push((TcpListener::bind(address).await?, index));
    }
    Ok(listeners)
}

async fn serve(mut stream: TcpStream, index: usize, seen: Seen) {
    let Some(domain) = DOMAINS.get(index) else {
        return;
    };
    if domain.behaviour == Behaviour::Silent {
        tokio::time::sleep(SILENCE).await;
        return;
    }
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let greeting = format!("220 mx.{} ESMTP\r\n", domain.name);
    if writer.write_all(greeting.as_bytes()).await.is_err() {
        return;
    }
    let mut count = 0_u32;
    loop {
        let Some(line) = read_line(&mut reader).await else {
            return;
        };
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line.split(' ').next().unwrap_or_default();
        let verb = verb.to_ascii_uppercase();
        let mut reply = match verb.as_str() {
            "RCPT" => recipient(domain.behaviour, &line, &seen),
            verb => plain(verb, domain.name),
        };
        if verb == "DATA" {
            if writer.write_all(reply.as_bytes()).await.is_err() || !skip_message(&mut reader).await
            {
                return;
            }
            count += 1;
            reply = end_of_data(domain.behaviour, count);
        }
        if writer.write_all(reply.as_bytes()).await.is_err() || verb == "QUIT" {
            return;
        }
    }
}

/// One line without its end; `None` at the end of the connection, or when it is too long.
async fn read_line<R: tokio::io::AsyncBufRead + Unpin>(reader: &mut R) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let mut limited = reader.take(LONGEST_LINE);
    limited.read_until(b'\n', &mut line).await.ok()?;
    if line.pop() != Some(b'\n') {
        return None;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Some(line)
}

async fn skip_message<R: tokio::io::AsyncBufRead + Unpin>(reader: &mut R) -> bool {
    loop {
        match read_line(reader).await {
            Some(line) if line == b"." => return true,
            Some(_) => {}
            None => return false,
        }
    }
}

fn plain(verb: &str, name: &str) -> String {
    match verb {
        "EHLO" => {
            format!(
                "250-mx.{name}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
            )
        }
        "HELO" => format!("250 mx.{name}\r\n"),
        "MAIL" => "250 2.1.0 Ok\r\n".to_owned(),
        "DATA" => "354 End data with <CR><LF>.<CR><LF>\r\n".to_owned(),
        "RSET" | "NOOP" => "250 2.0.0 Ok\r\n".to_owned(),
        "QUIT" => "221 2.0.0 Bye\r\n".to_owned(),
        _ => "502 5.5.1 Command not implemented\r\n".to_owned(),
    }
}

fn recipient(behaviour: Behaviour, line: &str, seen: &Seen) -> String {
    let address = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or("", |(address, _)| address);
    let ok = || "250 2.1.5 Ok\r\n".to_owned();
    match behaviour {
        Behaviour::Accepts if address.starts_with("nobody") => format!(
            "550 5.1.1 <{address}>: Recipient address rejected: User unknown in local recipient table\r\n"
        ),
        Behaviour::Greylists => {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.len() > REMEMBERED {
                seen.clear();
            }
            let first = seen.entry(address.to_owned()).or_insert_with(Instant::now);
            if first.elapsed() < GREYLIST {
                format!(
                    "450 4.7.1 <{address}>: Recipient address rejected: Greylisted, see https://greylist.example/\r\n"
                )
            } else {
                ok()
            }
        }
        // Half of the people there never empty their mailbox, the others' are gone for good.
        Behaviour::Full if address.len().is_multiple_of(2) => {
            format!("452 4.2.2 <{address}>: mailbox is full, try again later\r\n")
        }
        Behaviour::Full => format!("552 5.2.2 <{address}>: mailbox is over its quota\r\n"),
        _ => ok(),
    }
}

fn end_of_data(behaviour: Behaviour, count: u32) -> String {
    match behaviour {
        Behaviour::RefusesContent => {
            "554 5.7.1 Message rejected: it looks like an advertisement\r\n".to_owned()
        }
        _ => format!(
            "250 2.0.0 Ok: queued as {:08X}\r\n",
            count.wrapping_mul(0x9e37_79b9)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_get_what_their_server_does() {
        let seen = Seen::default();
        let to = |behaviour, address: &str| {
            recipient(behaviour, &format!("RCPT TO:<{address}>"), &seen)[..3].to_owned()
        };
        assert_eq!(to(Behaviour::Accepts, "a@cedar.example"), "250");
        assert_eq!(to(Behaviour::Accepts, "nobody@cedar.example"), "550");
        assert_eq!(to(Behaviour::Greylists, "a@greylist.example"), "450");
        assert_eq!(to(Behaviour::Full, "a@fullbox.example"), "552");
        assert_eq!(to(Behaviour::Full, "ab@fullbox.example"), "452");
        assert!(end_of_data(Behaviour::RefusesContent, 1).starts_with("554"));
        assert!(end_of_data(Behaviour::Accepts, 1).starts_with("250 2.0.0 Ok: queued as "));
    }

    #[tokio::test]
    async fn they_listen_at_their_addresses() {
        let port = start().await.unwrap();
        for domain in DOMAINS {
            let connected = TcpStream::connect((domain.server, port)).await;
            assert_eq!(
                connected.is_ok(),
                domain.behaviour != Behaviour::Down,
                "{}",
                domain.name
            );
        }
    }
}
