//! The envelope of a queue file: what the queue manager reads before it delivers.
//!
//! In: a file, usually no more than its first block. Out: [`Envelope`]. The message itself is stepped over
//! with the help of the size record; the segment behind it (recipients that `sendmail -t` took from headers,
//! or that a Milter added) is read when the caller wants everything or the count says that some are missing.

use super::record::{ReadAt, Scanner, kind, number};
use super::{FormatError, Record};

/// The numbers of the size record, the first of every file that cleanup(8) made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SizeRecord {
    /// Bytes of records between the `M` and the `X` record: what Postfix calls the message size.
    pub data_size: u64,
    /// Where the first content record starts.
    pub data_offset: u64,
    /// Recipients, done or not, of all segments.
    pub recipients: u64,
    /// The queue manager's hints: bit 0, recipients are mixed with other records; from bit 1, the DSN notify
    /// flags of all recipients.
    pub qmgr_flags: u32,
    /// Length of the content (differs from `data_size` after edits by a Milter).
    pub content_length: u64,
    /// 1 when SMTPUTF8 was asked for; further bits are later versions' send options.
    pub smtputf8: u32,
}

impl SizeRecord {
    /// The record's data: `%15ld` six times, so that it can be rewritten in place.
    pub fn to_text(&self) -> String {
        format!(
            "{:15} {:15} {:15} {:15} {:15} {:15}",
            self.data_size,
            self.data_offset,
            self.recipients,
            self.qmgr_flags,
            self.content_length,
            self.smtputf8
        )
    }

    /// Reads the record's data. Files of older versions have fewer numbers (three at least).
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut fields = data.split(|b| *b == b' ').filter(|f| !f.is_empty());
        let mut next = || fields.next().map(number::<u64>);
        let size = Self {
            data_size: next()??,
            data_offset: next()??,
            recipients: next()??,
            qmgr_flags: u32::try_from(next().unwrap_or(Some(0))?).ok()?,
            content_length: 0,
            smtputf8: 0,
        };
        let content_length = next().unwrap_or(Some(0))?;
        Some(Self {
            // Before 2.4 there was none.
            content_length: if content_length == 0 {
                size.data_size
            } else {
                content_length
            },
            smtputf8: u32::try_from(next().unwrap_or(Some(0))?).ok()?,
            ..size
        })
    }
}

/// What is still to do for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// To be delivered.
    Todo,
    /// Delivered or bounced.
    Done,
    /// Taken out by a Milter.
    Cancelled,
}

/// One recipient of the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeRecipient {
    /// The address, bare.
    pub address: Vec<u8>,
    /// The address before rewriting and aliases, bare; empty when the file does not tell.
    pub original: Vec<u8>,
    /// RFC 3461 ORCPT, `rfc822;user@domain`; empty when the file does not tell.
    pub dsn_orig_rcpt: Vec<u8>,
    /// RFC 3461 NOTIFY: 1 never, 2 success, 4 failure, 8 delay; 0 when the file does not tell.
    pub notify: u8,
    /// Where its record starts: [`super::writer::mark_done`] wants it.
    pub offset: u64,
    /// What is still to do.
    pub state: State,
}

/// Whether the end of the file was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// The end record is there: the message is complete.
    Complete,
    /// The file ends without one: it is being written, or was cut off.
    #[default]
    Missing,
    /// Nobody looked: the first segment told all that was asked.
    NotLooked,
}

/// How much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What a list needs: no attributes, and the segment behind the content only when recipients are missing.
    List,
    /// Everything, to the end record.
    Full,
}

/// What a queue file says about its message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The size record; absent in files that no cleanup(8) has made yet (`maildrop`).
    pub size: Option<SizeRecord>,
    /// Arrival: seconds since the epoch and microseconds.
    pub arrival: Option<(i64, u32)>,
    /// When the file was made, seconds; differs from the arrival after a requeue.
    pub create_time: Option<i64>,
    /// The sender, bare; empty is the null sender; `None` when the record is missing.
    pub sender: Option<Vec<u8>>,
    /// A local sender's full name.
    pub full_name: Option<Vec<u8>>,
    /// `content_filter` for this message, `transport:nexthop`.
    pub content_filter: Option<Vec<u8>>,
    /// All recipients to this address instead.
    pub redirect: Option<Vec<u8>>,
    /// When to warn the sender, seconds, and where the record starts; 0 is done.
    pub warn_time: Option<(i64, u64)>,
    /// `A` records in their order, recipients' DSN attributes left out. Empty with [`Detail::List`].
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// The recipients of all segments that were read.
    pub recipients: Vec<EnvelopeRecipient>,
    /// Whether the end was seen.
    pub ending: Ending,
}

impl Envelope {
    /// Reads the envelope of a file.
    pub fn read<S: ReadAt + ?Sized>(source: &S, detail: Detail) -> Result<Self, FormatError> {
        Self::scan(&mut Scanner::new(source), detail)
    }

    /// Reads it with a scanner at the file's start, whose buffer may be used again.
    pub fn scan<S: ReadAt + ?Sized>(
        scanner: &mut Scanner<'_, S>,
        detail: Detail,
    ) -> Result<Self, FormatError> {
        let mut reader = Reader {
            envelope: Self::default(),
            pending: Pending::default(),
            detail,
        };
        reader.segments(scanner)?;
        Ok(reader.envelope)
    }

    /// The value of the last attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&[u8]> {
        self.attributes
            .iter()
            .rev()
            .find(|(n, _)| n == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// The recipients still to be delivered.
    pub fn todo(&self) -> impl Iterator<Item = &EnvelopeRecipient> {
        self.recipients.iter().filter(|r| r.state == State::Todo)
    }

    /// The recipients a queue manager has to deliver to. A redirect stands for all of them and happens once: the
    /// first recipient's record is the one that is marked done.
    pub fn deliverable(&self) -> Vec<EnvelopeRecipient> {
        let Some(redirect) = &self.redirect else {
            return self.todo().cloned().collect();
        };
        let alive = |r: &&EnvelopeRecipient| r.state != State::Cancelled;
        self.recipients
            .iter()
            .find(alive)
            .filter(|first| first.state == State::Todo)
            .map(|first| EnvelopeRecipient {
                address: redirect.clone(),
                ..first.clone()
            })
            .into_iter()
            .collect()
    }
}

/// What was said of the recipient whose record has not come yet.
#[derive(Default)]
struct Pending {
    original: Vec<u8>,
    dsn_orig_rcpt: Vec<u8>,
    notify: u8,
}

struct Reader {
    envelope: Envelope,
    pending: Pending,
    detail: Detail,
}

impl Reader {
    fn segments<S: ReadAt + ?Sized>(
        &mut self,
        scanner: &mut Scanner<'_, S>,
    ) -> Result<(), FormatError> {
        loop {
            let Some(record) = scanner.next_record()? else {
                return Ok(());
            };
            match record.kind {
                kind::END => {
                    self.envelope.ending = Ending::Complete;
                    return Ok(());
                }
                kind::MESSAGE => {
                    if self.nothing_missing() {
                        self.envelope.ending = Ending::NotLooked;
                        return Ok(());
                    }
                    self.pass_content(scanner)?;
                }
                _ => self.record(record)?,
            }
        }
    }

    /// Whether a list has all it needs without the segment behind the content.
    fn nothing_missing(&self) -> bool {
        self.detail == Detail::List
            && self
                .envelope
                .size
                .is_some_and(|size| self.envelope.recipients.len() as u64 >= size.recipients)
            && self.envelope.sender.is_some()
    }

    /// Steps over the content to the extracted segment, by the size record or record by record.
    fn pass_content<S: ReadAt + ?Sized>(
        &self,
        scanner: &mut Scanner<'_, S>,
    ) -> Result<(), FormatError> {
        match self.envelope.size {
            Some(size) if size.data_offset > 0 => {
                let end = size.data_offset.checked_add(size.data_size);
                let end = end.filter(|&end| end >= scanner.position());
                scanner.seek(end.ok_or(FormatError::BadSize)?);
                match scanner.next_record()? {
                    Some(record) if record.kind == kind::EXTRACTED => Ok(()),
                    Some(_) => Err(FormatError::BadSize),
                    None => Ok(()),
                }
            }
            _ => loop {
                match scanner.next_record()? {
                    Some(record) if record.kind == kind::EXTRACTED => return Ok(()),
                    Some(record) if matches!(record.kind, kind::NORMAL | kind::CONTINUED) => {}
                    Some(record) => return Err(unexpected(&record)),
                    None => return Ok(()),
                }
            },
        }
    }

    fn record(&mut self, record: Record<'_>) -> Result<(), FormatError> {
        let envelope = &mut self.envelope;
        let data = record.data;
        match record.kind {
            kind::SIZE => {
                // A requeued file can carry the record of its earlier life: the first one counts.
                if envelope.size.is_none() {
                    envelope.size = SizeRecord::parse(data);
                }
            }
            kind::TIME => {
                if envelope.arrival.is_none() {
                    envelope.arrival = time(data);
                }
            }
            kind::CREATE_TIME => envelope.create_time = envelope.create_time.or(number(data)),
            kind::SENDER => {
                if envelope.sender.is_none() {
                    envelope.sender = Some(data.to_vec());
                }
            }
            kind::FULL_NAME => envelope.full_name = Some(data.to_vec()),
            kind::FILTER => envelope.content_filter = Some(data.to_vec()),
            kind::REDIRECT => envelope.redirect = Some(data.to_vec()),
            kind::WARN_TIME => {
                envelope.warn_time = number(data).map(|when| (when, record.offset));
            }
            kind::ATTRIBUTE => self.attribute(data),
            kind::ORIGINAL_RECIPIENT => self.pending.original = data.to_vec(),
            kind::DSN_ORIG_RCPT => self.pending.dsn_orig_rcpt = data.to_vec(),
            kind::DSN_NOTIFY => self.pending.notify = number(data).unwrap_or(0),
            kind::RECIPIENT => self.recipient(&record, State::Todo),
            kind::DONE => self.recipient(&record, State::Done),
            kind::CANCELLED => self.recipient(&record, State::Cancelled),
            kind::INSPECTOR
            | kind::VERP
            | kind::KILLED
            | kind::DSN_RET
            | kind::DSN_ENVID
            | b'r'
            | b'e'
            | b'P'
            | b'f'
            | b'd'
            | b'm' => {}
            _ => return Err(unexpected(&record)),
        }
        Ok(())
    }

    fn attribute(&mut self, data: &[u8]) {
        let Some(equals) = data.iter().position(|&b| b == b'=') else {
            return;
        };
        let (name, value) = (&data[..equals], &data[equals + 1..]);
        match name {
            b"dsn_orig_rcpt" => self.pending.dsn_orig_rcpt = value.to_vec(),
            b"notify_flags" => self.pending.notify = number(value).unwrap_or(0),
            b"create_time" if self.envelope.create_time.is_none() => {
                self.envelope.create_time = number(value);
            }
            _ if self.detail == Detail::Full => self
                .envelope
                .attributes
                .push((name.to_vec(), value.to_vec())),
            _ => {}
        }
    }

    fn recipient(&mut self, record: &Record<'_>, state: State) {
        let pending = std::mem::take(&mut self.pending);
        self.envelope.recipients.push(EnvelopeRecipient {
            address: record.data.to_vec(),
            original: pending.original,
            dsn_orig_rcpt: pending.dsn_orig_rcpt,
            notify: pending.notify,
            offset: record.offset,
            state,
        });
    }
}

/// `seconds microseconds`; files of 2.2 and before have the seconds alone.
fn time(data: &[u8]) -> Option<(i64, u32)> {
    let mut parts = data.split(|b| *b == b' ').filter(|p| !p.is_empty());
    let seconds = number(parts.next()?)?;
    Some((seconds, parts.next().and_then(number).unwrap_or(0)))
}

fn unexpected(record: &Record<'_>) -> FormatError {
    FormatError::Unexpected {
        kind: record.kind as char,
        offset: record.offset,
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::put;
    use super::*;
    use proptest::prelude::*;

    /// A file as cleanup(8) makes it, with two recipients in front and one behind the content.
    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, b'C', SizeRecord::default().to_text().as_bytes());
        put(&mut out, b'T', b"1795357055 239934");
        put(&mut out, b'A', b"create_time=1795357056");
        put(&mut out, b'A', b"log_ident=4jXWPC1kjFz1SRsX");
        put(&mut out, b'S', b"sender@a.test");
        put(&mut out, b'W', b"     1795371366");
        put(&mut out, b'A', b"notify_flags=10");
        put(&mut out, b'A', b"dsn_orig_rcpt=rfc822;r1@b.test");
        put(&mut out, b'O', b"r1@b.test");
        put(&mut out, b'D', b"r1@c.test");
        put(&mut out, b'R', b"r2@c.test");
        put(&mut out, b'M', b"");
        let data_offset = out.len() as u64;
        put(&mut out, b'N', b"Subject: x");
        put(&mut out, b'N', b"");
        let size = SizeRecord {
            data_size: out.len() as u64 - data_offset,
            data_offset,
            recipients: 3,
            qmgr_flags: 20,
            content_length: out.len() as u64 - data_offset,
            smtputf8: 0,
        };
        put(&mut out, b'X', b"");
        put(&mut out, b'A', b"encoding=8bit");
        put(&mut out, b'R', b"r3@d.test");
        put(&mut out, b'E', b"");
        let text = size.to_text();
        out[2..2 + text.len()].copy_from_slice(text.as_bytes());
        out
    }

    #[test]
    fn all_segments_are_read() {
        let envelope = Envelope::read(&sample(), Detail::Full).unwrap();
        assert_eq!(envelope.arrival, Some((1_795_357_055, 239_934)));
        assert_eq!(envelope.create_time, Some(1_795_357_056));
        assert_eq!(envelope.sender.as_deref(), Some(&b"sender@a.test"[..]));
        assert_eq!(envelope.warn_time.map(|w| w.0), Some(1_795_371_366));
        assert_eq!(envelope.attribute("encoding"), Some(&b"8bit"[..]));
        assert_eq!(envelope.ending, Ending::Complete);
        let first = &envelope.recipients[0];
        assert_eq!((first.state, first.notify), (State::Done, 10));
        assert_eq!(first.original, b"r1@b.test");
        assert_eq!(first.dsn_orig_rcpt, b"rfc822;r1@b.test");
        assert_eq!(envelope.recipients[1].original, b"");
        let todo: Vec<_> = envelope.todo().map(|r| r.address.as_slice()).collect();
        assert_eq!(todo, [&b"r2@c.test"[..], b"r3@d.test"]);
        assert_eq!(
            sample()[usize::try_from(envelope.recipients[1].offset).unwrap()],
            b'R'
        );
    }

    #[test]
    fn a_list_looks_behind_the_content_only_for_missing_recipients() {
        let mut bytes = sample();
        assert_eq!(
            Envelope::read(&bytes, Detail::List).unwrap().ending,
            Ending::Complete
        );
        let mut size = SizeRecord::parse(&bytes[2..97]).unwrap();
        size.recipients = 2;
        bytes[2..97].copy_from_slice(size.to_text().as_bytes());
        let envelope = Envelope::read(&bytes, Detail::List).unwrap();
        assert_eq!(envelope.ending, Ending::NotLooked);
        assert_eq!(envelope.recipients.len(), 2);
    }

    #[test]
    fn a_file_cut_anywhere_is_not_complete() {
        let bytes = sample();
        for end in 0..bytes.len() {
            match Envelope::read(&bytes[..end], Detail::Full) {
                Ok(envelope) => assert_eq!(envelope.ending, Ending::Missing, "cut at {end}"),
                Err(FormatError::Truncated { .. }) => {}
                Err(other) => panic!("cut at {end}: {other}"),
            }
        }
    }

    #[test]
    fn old_size_records_have_three_numbers() {
        let old = SizeRecord::parse(b"             10             200               1").unwrap();
        assert_eq!((old.data_size, old.content_length), (10, 10));
        assert_eq!(SizeRecord::parse(b"10"), None);
        assert_eq!(SizeRecord::parse(b"10 x 1"), None);
    }

    proptest! {
        #[test]
        fn a_damaged_file_never_panics(at in 0usize..400, byte in any::<u8>()) {
            let mut bytes = sample();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Envelope::read(&bytes, Detail::Full);
            let _ = Envelope::read(&bytes, Detail::List);
        }
    }
}
