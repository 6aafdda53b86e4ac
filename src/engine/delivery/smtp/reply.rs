//! An SMTP reply (RFC 5321 section 4.2), read with bounds.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Longest line kept, bytes: RFC 5321 allows 512, servers exceed it; the rest of a line is dropped.
const LINE_LIMIT: usize = 2048;

/// Most bytes of one reply kept for logs and bounces, and most lines read before the server is given up.
const TEXT_LIMIT: usize = 8192;
const LINES_LIMIT: usize = 1000;

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// Three digits.
    pub(super) code: u16,
    /// RFC 2034 enhanced status of the last line that had one.
    pub(super) dsn: Option<String>,
    /// All lines with their codes, joined by blanks, as Postfix quotes them.
    pub(super) text: String,
    /// The lines without code and separator, for EHLO.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// The enhanced status if it fits the code, else the code's class in general.
    pub(super) fn status(&self) -> String {
        let class = (self.code / 100).to_string();
        match &self.dsn {
            Some(dsn) if dsn.starts_with(&class) => dsn.clone(),
            _ => format!("{class}.0.0"),
        }
    }
}

/// Reads one reply; `None` when the connection ended.
pub(super) async fn read(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Reply>> {
    let mut reply = Reply {
        code: 0,
        dsn: None,
        text: String::new(),
        lines: Vec::new(),
    };
    for _ in 0..LINES_LIMIT {
        let Some(line) = read_line(input).await? else {
            return Ok(None);
        };
        let line = crate::sanitize::line(&line).into_owned();
        let code = line.get(..3).and_then(|c| c.parse::<u16>().ok());
        let separator = line.as_bytes().get(3).copied();
        if reply.text.len() + line.len() < TEXT_LIMIT {
            if !reply.text.is_empty() {
                reply.text.push(' ');
            }
            reply.text.push_str(&line);
            reply.lines.push(line.get(4..).unwrap_or("").to_owned());
        }
        let Some(code) = code.filter(|c| (200..600).contains(c)) else {
            // What is no reply is quoted and waited over, as Postfix does with unexpected lines.
            continue;
        };
        if let Some(dsn) = enhanced(line.get(4..).unwrap_or("")) {
            reply.dsn = Some(dsn);
        }
        if separator != Some(b'-') {
            reply.code = code;
            return Ok(Some(reply));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "endless reply"))
}

fn enhanced(text: &str) -> Option<String> {
    let (dsn, _) = super::super::error::split_dsn(text, "");
    (!dsn.is_empty()).then(|| dsn.to_owned())
}

/// One line without its end; what exceeds [`LINE_LIMIT`] is dropped. `None` at the end of input.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            return Ok(None);
        }
        let newline = memchr::memchr(b'\n', available);
        let taken = newline.unwrap_or(available.len());
        let room = LINE_LIMIT.saturating_sub(line.len()).min(taken);
        line.extend_from_slice(&available[..room]);
        input.consume(taken + usize::from(newline.is_some()));
        if newline.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(text: &[u8]) -> Option<Reply> {
        read(&mut &text[..]).await.unwrap()
    }

    #[tokio::test]
    async fn replies() {
        let reply = parse(b"250-mx.test\r\n250-SIZE 10\r\n250 DSN\r\n").await;
        let reply = reply.unwrap();
        assert_eq!(reply.lines, ["mx.test", "SIZE 10", "DSN"]);
        assert_eq!(reply.text, "250-mx.test 250-SIZE 10 250 DSN");
        let reply = parse(b"550 5.1.1 no \x1b[2J\r\n").await.unwrap();
        assert_eq!((reply.code, reply.status().as_str()), (550, "5.1.1"));
        assert_eq!(reply.text, "550 5.1.1 no ?[2J");
        assert_eq!(parse(b"450 5.1.1 x\r\n").await.unwrap().status(), "4.0.0");
        assert_eq!(parse(b"250\n").await.unwrap().code, 250);
        assert_eq!(parse(b"25").await, None);
        assert_eq!(parse(b"").await, None);
        let mut long = vec![b'x'; 100_000];
        long.splice(..4, *b"550 ");
        long.extend_from_slice(b"\r\n");
        assert_eq!(parse(&long).await.unwrap().text.len(), LINE_LIMIT);
    }

    #[tokio::test]
    async fn an_endless_reply_ends() {
        let endless = b"250-x\r\n".repeat(5000);
        assert!(read(&mut &endless[..]).await.is_err());
    }
}
