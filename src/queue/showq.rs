//! The list from Postfix's showq service, over its socket `public/showq`.
//!
//! In: the socket's path. Out: one [`Entry`] a message, as they come. A process in group `postdrop` may ask.
//! Members are read by name: since 3.11 each recipient has four, before it had two.

use super::attr::{self, Token};
use super::engine::connect_unix;
use super::{Entry, QueueName, Recipient};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// The protocol's name in the greeting.
const PROTOCOL: &str = "mail_queue_list_protocol";

/// How long showq may be silent: on a cold disk the first message of a big queue takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The address that stands for the null sender (`empty_address_recipient`'s default).
pub(super) const NULL_SENDER: &str = "MAILER-DAEMON";

/// Asks showq and gives each message to `each`.
pub fn list(socket: &Path, each: impl FnMut(Entry)) -> io::Result<()> {
    let stream = connect_unix(socket, PATIENCE)?;
    read(&mut BufReader::with_capacity(1 << 16, stream), each)
}

/// Reads the answer of a showq server.
pub fn read(stream: &mut impl BufRead, mut each: impl FnMut(Entry)) -> io::Result<()> {
    attr::expect_protocol(stream, PROTOCOL)?;
    let mut partial = Partial::default();
    loop {
        match attr::next(stream)? {
            Token::Pair(name, value) => partial.take(&name, &value),
            Token::End if partial.empty => return Ok(()),
            Token::End => {
                if let Some(entry) = std::mem::take(&mut partial).finish() {
                    each(entry);
                }
            }
            Token::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// A message as far as it was sent.
struct Partial {
    empty: bool,
    queue_name: Option<QueueName>,
    queue_id: String,
    arrival_time: i64,
    message_size: u64,
    forced_expire: bool,
    sender: String,
    recipients: Vec<Recipient>,
    /// Whether the last recipient is told of from a bounce log: it is done, only not yet reported.
    bounced: Vec<bool>,
}

impl Default for Partial {
    fn default() -> Self {
        Self {
            empty: true,
            queue_name: None,
            queue_id: String::new(),
            arrival_time: 0,
            message_size: 0,
            forced_expire: false,
            sender: String::new(),
            recipients: Vec::new(),
            bounced: Vec::new(),
        }
    }
}

impl Partial {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        self.empty = false;
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"queue_name" => self.queue_name = QueueName::parse(&text()),
            b"queue_id" => self.queue_id = text(),
            b"time" => self.arrival_time = text().parse().unwrap_or(0),
            b"size" => self.message_size = text().parse().unwrap_or(0),
            b"forced_expire" => self.forced_expire = value != b"0",
            b"sender" => self.sender = sender(text()),
            b"recipient" => {
                self.recipients.push(Recipient {
                    address: text(),
                    delay_reason: None,
                });
                self.bounced.push(false);
            }
            b"log_class" => {
                if let Some(last) = self.bounced.last_mut() {
                    *last = value == b"bounce";
                }
            }
            b"reason" if !value.is_empty() => {
                if let Some(last) = self.recipients.last_mut() {
                    last.delay_reason = Some(text());
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> Option<Entry> {
        let mut bounced = self.bounced.into_iter();
        let mut recipients = self.recipients;
        recipients.retain(|_| !bounced.next().unwrap_or(false));
        Some(Entry {
            queue_name: self.queue_name?,
            queue_id: Some(self.queue_id).filter(|id| super::format::QueueId::is_valid(id))?,
            arrival_time: self.arrival_time,
            message_size: self.message_size,
            forced_expire: self.forced_expire,
            sender: self.sender,
            recipients,
            next_try: None,
            inode: None,
        })
    }
}

/// The sender as entries have it: empty for the null sender.
pub(super) fn sender(text: String) -> String {
    if text == NULL_SENDER {
        String::new()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(bytes: &[u8]) -> io::Result<Vec<Entry>> {
        let mut all = Vec::new();
        read(&mut &bytes[..], |entry| all.push(entry))?;
        Ok(all)
    }

    const GREETING: &[u8] = b"protocol\0mail_queue_list_protocol\0\0";
    const MESSAGE: &[u8] = b"queue_name\0deferred\0queue_id\x004jXWPC1kjFz1SRsX\0time\x001795357055\0size\x00366\0forced_expire\x000\0sender\0a@a.test\0";

    #[test]
    fn two_members_a_recipient_as_before_3_11() {
        let bytes = [
            GREETING,
            MESSAGE,
            b"recipient\0r1@b.test\0reason\0refused\0recipient\0r2@c.test\0reason\0\0\0\0",
        ]
        .concat();
        let list = entries(&bytes).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].queue_name, QueueName::Deferred);
        assert_eq!(
            list[0].recipients[0].delay_reason.as_deref(),
            Some("refused")
        );
        assert_eq!(list[0].recipients[1].delay_reason, None);
    }

    #[test]
    fn four_members_a_recipient_since_3_11() {
        let bytes = [
            GREETING,
            MESSAGE,
            b"original_recipient\0o@b.test\0recipient\0r1@b.test\0log_class\0defer\0reason\0refused\0",
            b"original_recipient\0p@b.test\0recipient\0r2@b.test\0log_class\0bounce\0reason\0unknown\0\0\0",
        ]
        .concat();
        let list = entries(&bytes).unwrap();
        assert_eq!(list[0].recipients.len(), 1);
        assert_eq!(list[0].recipients[0].address, "r1@b.test");
        assert_eq!(
            list[0].recipients[0].delay_reason.as_deref(),
            Some("refused")
        );
    }

    #[test]
    fn an_empty_queue_a_cut_answer_and_a_bad_id() {
        assert_eq!(entries(&[GREETING, b"\0"].concat()).unwrap(), []);
        assert!(entries(GREETING).is_err());
        assert!(entries(&[GREETING, MESSAGE].concat()).is_err());
        let hostile = b"queue_name\0deferred\0queue_id\0../../etc\0sender\0MAILER-DAEMON\0\0\0";
        assert_eq!(entries(&[GREETING, hostile].concat()).unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_answer_ends(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = entries(&[GREETING, &bytes].concat());
        }
    }
}
