//! One SMTP session of a client of ours with the engine, from an address of its own.
//!
//! In: a [`Plan`]. Out: nothing; what became of it stands in the engine's log. Every wait has an end.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// How long the engine may take for one reply.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest reply line that is read.
const LONGEST_REPLY: u64 = 4096;

/// What a client does.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub client: Ipv4Addr,
    pub helo: String,
    pub sender: String,
    pub recipients: Vec<String>,
    /// Declared with SIZE=.
    pub declares: Option<u64>,
    /// The message with its headers, lines ending with CR LF, not yet dot-stuffed.
    pub message: String,
    pub course: Course,
}

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// To QUIT.
    Complete,
    /// The connection breaks after RCPT.
    BreaksAfterRecipient,
    /// The connection breaks within the message.
    BreaksInMessage,
    /// Nothing but nonsense, until the server has enough.
    Nonsense,
}

/// Does it. An error is a connection that broke, which for some plans is the purpose.
pub(super) async fn carry_out(server: SocketAddr, plan: &Plan) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(plan.client, 0)))?;
    let stream = within(socket.connect(server)).await?;
    let mut talk = Talk {
        stream: BufReader::new(stream),
    };
    if talk.reply().await? != 220 {
        return Ok(());
    }
    if plan.course == Course::Nonsense {
        return talk.nonsense(&plan.helo).await;
    }
    talk.say(&format!("EHLO {}", plan.helo)).await?;
    let size = plan
        .declares
        .map(|size| format!(" SIZE={size}"))
        .unwrap_or_default();
    let mail = format!("MAIL FROM:<{}>{size}", plan.sender);
    if talk.say(&mail).await? != 250 {
        return talk.quit().await;
    }
    let mut accepted = 0;
    for recipient in &plan.recipients {
        if talk.say(&format!("RCPT TO:<{recipient}>")).await? == 250 {
            accepted += 1;
        }
    }
    if plan.course == Course::BreaksAfterRecipient {
        return Ok(());
    }
    if accepted == 0 || talk.say("DATA").await? != 354 {
        return talk.quit().await;
    }
    if plan.course == Course::BreaksInMessage {
        let half = plan.message.len() / 2;
        let part = plan.message.get(..half).unwrap_or_default();
        return talk.send(part.as_bytes()).await;
    }
    talk.send(stuffed(&plan.message).as_bytes()).await?;
    talk.reply().await?;
    talk.quit().await
}

/// The message as it goes over the wire: leading dots doubled, ended by a dot (RFC 5321 section 4.5.2).
fn stuffed(message: &str) -> String {
    let mut wire = String::with_capacity(message.len() + 8);
    for line in message.split_inclusive('\n') {
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
    }
    if !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire.push_str(".\r\n");
    wire
}

struct Talk {
    stream: BufReader<TcpStream>,
}

impl Talk {
    async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        within(self.stream.get_mut().write_all(bytes)).await
    }

    /// Sends a command and returns the reply's code.
    async fn say(&mut self, command: &str) -> std::io::Result<u16> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Reads a reply of any number of lines and returns its code.
    async fn reply(&mut self) -> std::io::Result<u16> {
        loop {
            let mut line = String::new();
            let mut limited = (&mut self.stream).take(LONGEST_REPLY);
            if within(limited.read_line(&mut line)).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return Ok(line
                .get(..3)
                .and_then(|code| code.parse().ok())
                .unwrap_or_default());
        }
    }

    async fn quit(&mut self) -> std::io::Result<()> {
        self.say("QUIT").await.map(|_| ())
    }

    /// What password guessers and address harvesters send, until the server closes the connection.
    async fn nonsense(&mut self, helo: &str) -> std::io::Result<()> {
        self.say(&format!("EHLO {helo}")).await?;
        for command in [
            "AUTH LOGIN",
            "VRFY root",
            "EXPN staff",
            "XYZZY",
            "MAIL FROM:<a@@b>",
            "RCPT",
            "DATA",
            "HELP ME",
            "VRFY admin",
            "DEBUG",
        ] {
            self.say(command).await?;
        }
        self.quit().await
    }
}

async fn within<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_dots_are_doubled() {
        assert_eq!(stuffed("a\r\n.b\r\n.\r\n"), "a\r\n..b\r\n..\r\n.\r\n");
        assert_eq!(stuffed("no end"), "no end\r\n.\r\n");
    }
}
