//! The message as it goes over the wire: CRLF line ends, dots doubled, lines of bounded length.
//!
//! In: a queue file's content. Out: chunks. CR and LF inside a record (a file of anybody's making can hold
//! them) become blanks, so that no receiver can be made to see an end of data that is none.

use crate::engine::spool::Message;
use crate::queue::format::FormatError;
use crate::queue::format::content::ContentReader;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of one chunk: one write(2), about a default socket buffer.
const CHUNK: usize = 64 * 1024;

/// Longest line sent, without CRLF: RFC 5321 section 4.5.3.1.6, `smtp_line_length_limit`.
const LINE_LIMIT: usize = 998;

/// Streams the message from a blocking thread. Two chunks wait at most, so a slow server costs no memory.
pub(super) fn stream(message: Arc<Message>) -> mpsc::Receiver<Result<Vec<u8>, FormatError>> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let mut encoder = Encoder::default();
        let result = read(&message, &mut encoder, &sender);
        // A closed channel means that the conversation is over: nobody to tell.
        let _ = match result {
            Ok(()) => sender.blocking_send(Ok(encoder.out)),
            Err(error) => sender.blocking_send(Err(error)),
        };
    });
    receiver
}

fn read(
    message: &Message,
    encoder: &mut Encoder,
    sender: &mpsc::Sender<Result<Vec<u8>, FormatError>>,
) -> Result<(), FormatError> {
    let mut reader = ContentReader::new(&message.file, &message.envelope)?;
    while let Some(piece) = reader.next_piece()? {
        encoder.piece(piece.data);
        if piece.ends_line {
            encoder.end_line();
        }
        if encoder.out.len() >= CHUNK {
            let chunk = std::mem::take(&mut encoder.out);
            if sender.blocking_send(Ok(chunk)).is_err() {
                return Ok(());
            }
        }
    }
    if encoder.column > 0 {
        encoder.end_line();
    }
    Ok(())
}

#[derive(Default)]
struct Encoder {
    out: Vec<u8>,
    /// Bytes in the current line.
    column: usize,
}

impl Encoder {
    fn piece(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.column == 0 && data[0] == b'.' {
                self.out.push(b'.');
            }
            if self.column == LINE_LIMIT {
                // Postfix breaks a long line with CRLF and a blank: a header stays a header.
                self.out.extend_from_slice(b"\r\n ");
                self.column = 1;
            }
            let (now, rest) = data.split_at(data.len().min(LINE_LIMIT - self.column));
            self.out.extend(
                now.iter()
                    .map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }),
            );
            self.column += now.len();
            data = rest;
        }
    }

    fn end_line(&mut self) {
        self.out.extend_from_slice(b"\r\n");
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(lines: &[&[&str]]) -> String {
        let mut encoder = Encoder::default();
        for line in lines {
            for piece in *line {
                encoder.piece(piece.as_bytes());
            }
            encoder.end_line();
        }
        String::from_utf8(encoder.out).unwrap()
    }

    #[test]
    fn dots_are_doubled_only_at_line_starts() {
        assert_eq!(
            encode(&[&["."], &[".", ".a"], &["a", ".b"], &[]]),
            "..\r\n...a\r\na.b\r\n\r\n"
        );
    }

    #[test]
    fn nothing_smuggles_an_end_of_data() {
        assert_eq!(
            encode(&[&["a\r\n.\r\nMAIL"], &["x\r"]]),
            "a  .  MAIL\r\nx \r\n"
        );
    }

    #[test]
    fn long_lines_are_broken() {
        let long = "x".repeat(2500);
        let sent = encode(&[&[&long]]);
        assert!(sent.lines().all(|line| line.len() <= LINE_LIMIT));
        assert_eq!(sent.replace("\r\n ", "").trim_end(), long);
    }
}
