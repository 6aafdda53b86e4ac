//! Writes a queue file as Postfix's cleanup(8) does, record for record.
//!
//! In: the envelope, then recipients, then the content line by line. Out: a file the real queue manager
//! delivers and `postcat -q` reads. The order is Postfix's: size record (rewritten in place at the end), times,
//! sender, client attributes, recipients, content, extracted segment, end record.
//!
//! Which name, mode and queue the file gets, and when it is synced, is the spool's business: a file counts
//! as a message only with its end record and mode 0700 (`chmod`, fsync, then say 250).

use super::envelope::SizeRecord;
use super::record::{self, kind};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

/// Postfix's default `line_length_limit`: content lines are broken into records of this many bytes.
pub const LINE_LENGTH_LIMIT: usize = 2048;

/// What stands in front of the recipients.
#[derive(Debug, Clone, Default)]
pub struct Head<'a> {
    /// Arrival: seconds since the epoch and microseconds; the queue id has the same when it is long.
    pub arrival: (i64, u32),
    /// When the file is made, seconds since the epoch (the arrival, but for a message that is requeued).
    pub create_time: i64,
    /// `content_filter` in force for the message, or empty.
    pub content_filter: &'a [u8],
    /// A local sender's full name, or empty.
    pub full_name: &'a [u8],
    /// The queue id under which the client's connection was logged; empty for local submission and bounces.
    pub log_ident: &'a str,
    /// `local` or `remote`: whether addresses in headers may be completed (`local_header_rewrite_clients`).
    pub rewrite_context: &'a str,
    /// RFC 3461 ENVID, decoded, or empty.
    pub dsn_envid: &'a [u8],
    /// RFC 3461 RET: 1 full, 2 headers, 0 not given.
    pub dsn_ret: u8,
    /// Envelope sender, bare; empty is the null sender.
    pub sender: &'a [u8],
    /// `7bit` or `8bit`; empty when nobody said.
    pub encoding: &'a str,
    /// The client, for mail that came over the network.
    pub client: Option<Client<'a>>,
    /// Further attributes, after the client's (`sasl_username`, ...). An empty value is left out, as Postfix does.
    pub attributes: &'a [(&'a str, &'a [u8])],
    /// When to warn the sender of the delay (`delay_warning_time`), seconds since the epoch.
    pub warn_time: Option<i64>,
    /// Whether SMTPUTF8 was asked for.
    pub smtputf8: bool,
}

/// The client a message came from; unknown parts are `unknown`, as smtpd(8) spells them.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Verified name, or `unknown`.
    pub name: &'a str,
    /// Name from the address alone, or `unknown`.
    pub reverse_name: &'a str,
    /// Address, without brackets.
    pub address: &'a str,
    /// Port.
    pub port: u16,
    /// Address and port of ours that the client connected to.
    pub server: (&'a str, u16),
    /// HELO or EHLO argument.
    pub helo: &'a [u8],
    /// `SMTP` or `ESMTP`.
    pub protocol: &'a str,
}

impl Client<'_> {
    /// The attributes smtpd(8) gives to cleanup(8), in its order.
    fn attributes(&self) -> [(&'static str, Vec<u8>); 15] {
        let ipv6 = self.address.contains(':');
        // For the log as RFC 5321 section 4.1.3 spells it, for delivery agents bare.
        let logged = format!("{}{}", if ipv6 { "IPv6:" } else { "" }, self.address);
        // 2 and 10 are AF_INET and AF_INET6 as Linux numbers them.
        let family = if ipv6 { "10" } else { "2" };
        let port = self.port.to_string();
        let origin = format!("{}[{}]", self.name, self.address);
        [
            ("log_client_name", self.name.into()),
            ("log_client_address", logged.into()),
            ("log_client_port", port.as_str().into()),
            ("log_message_origin", origin.into()),
            ("log_helo_name", self.helo.to_vec()),
            ("log_protocol_name", self.protocol.into()),
            ("client_name", self.name.into()),
            ("reverse_client_name", self.reverse_name.into()),
            ("client_address", self.address.into()),
            ("client_port", port.into()),
            ("server_address", self.server.0.into()),
            ("server_port", self.server.1.to_string().into()),
            ("helo_name", self.helo.to_vec()),
            ("protocol_name", self.protocol.into()),
            ("client_address_type", family.into()),
        ]
    }
}

/// One recipient to write.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewRecipient<'a> {
    /// Where to deliver, bare.
    pub address: &'a [u8],
    /// What the client asked for, bare (the `O` record); empty: the same as `address`.
    pub original: &'a [u8],
    /// RFC 3461 ORCPT decoded, `rfc822;user@domain`; empty: made from `original`, as Postfix does.
    pub dsn_orig_rcpt: &'a [u8],
    /// RFC 3461 NOTIFY: 1 never, 2 success, 4 failure, 8 delay; 0 not given.
    pub notify: u8,
}

/// The first part of a file under construction: head and recipients.
#[derive(Debug)]
pub struct QueueFileWriter<W: Write + Seek> {
    out: Out<W>,
    size: SizeRecord,
}

/// The second part: the content, line by line.
#[derive(Debug)]
pub struct ContentWriter<W: Write + Seek> {
    out: Out<W>,
    size: SizeRecord,
    limit: usize,
    /// The bytes of an unfinished line that fill less than a record.
    partial: Vec<u8>,
    filter: Option<Vec<u8>>,
    redirect: Option<Vec<u8>>,
}

impl<W: Write + Seek> QueueFileWriter<W> {
    /// Starts a file: writes everything up to the recipients. `out` stands at the start of an empty file.
    pub fn start(out: W, head: &Head<'_>) -> io::Result<Self> {
        let mut out = Out {
            inner: io::BufWriter::with_capacity(1 << 14, out),
            written: 0,
        };
        let size = SizeRecord {
            smtputf8: u32::from(head.smtputf8),
            ..SizeRecord::default()
        };
        out.put(kind::SIZE, size.to_text().as_bytes())?;
        let (seconds, micros) = head.arrival;
        out.put(kind::TIME, format!("{seconds} {micros}").as_bytes())?;
        out.attribute("create_time", head.create_time.to_string().as_bytes())?;
        out.put_unless_empty(kind::FILTER, head.content_filter)?;
        out.attribute("log_ident", head.log_ident.as_bytes())?;
        out.attribute("rewrite_context", head.rewrite_context.as_bytes())?;
        out.put_unless_empty(kind::FULL_NAME, head.full_name)?;
        out.attribute("envelope_id", head.dsn_envid)?;
        if head.dsn_ret != 0 {
            out.attribute("ret_flags", head.dsn_ret.to_string().as_bytes())?;
        }
        out.put(kind::SENDER, head.sender)?;
        out.attribute("encoding", head.encoding.as_bytes())?;
        if let Some(client) = &head.client {
            for (name, value) in client.attributes() {
                out.attribute(name, &value)?;
            }
        }
        for (name, value) in head.attributes {
            out.attribute(name, value)?;
        }
        if let Some(when) = head.warn_time {
            out.put(kind::WARN_TIME, format!("{when:15}").as_bytes())?;
        }
        Ok(Self { out, size })
    }

    /// Writes one recipient; returns the offset of its record, for [`mark_done`] and the defer log.
    pub fn recipient(&mut self, recipient: &NewRecipient<'_>) -> io::Result<u64> {
        write_recipient(&mut self.out, &mut self.size, recipient)
    }

    /// Ends the recipients and starts the content, with Postfix's default length of lines.
    pub fn content(mut self) -> io::Result<ContentWriter<W>> {
        self.out.put(kind::MESSAGE, b"")?;
        self.size.data_offset = self.out.written;
        Ok(ContentWriter {
            out: self.out,
            size: self.size,
            limit: LINE_LENGTH_LIMIT,
            partial: Vec::new(),
            filter: None,
            redirect: None,
        })
    }
}

impl<W: Write + Seek> ContentWriter<W> {
    /// The same with another `line_length_limit`, bytes; at least 1.
    #[must_use]
    pub fn with_line_length_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Replaces the content filter of the head by this `transport:nexthop`, as the content asked.
    pub fn set_filter(&mut self, filter: &[u8]) {
        self.filter = Some(filter.to_vec());
    }

    /// All recipients to this address instead.
    pub fn set_redirect(&mut self, address: &[u8]) {
        self.redirect = Some(address.to_vec());
    }

    /// Writes one line, without its line end; a long one is broken into records.
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.part(line)?;
        self.end_line()
    }

    /// Writes a piece of a line that is not known to end.
    pub fn part(&mut self, mut data: &[u8]) -> io::Result<()> {
        while self.partial.len() + data.len() > self.limit {
            let (piece, rest) = data.split_at(self.limit - self.partial.len());
            self.partial.extend_from_slice(piece);
            self.out.put(kind::CONTINUED, &self.partial)?;
            self.partial.clear();
            data = rest;
        }
        self.partial.extend_from_slice(data);
        Ok(())
    }

    /// Ends the line begun with [`Self::part`].
    pub fn end_line(&mut self) -> io::Result<()> {
        self.out.put(kind::NORMAL, &self.partial)?;
        self.partial.clear();
        Ok(())
    }

    /// Bytes of content so far, as the size record counts them.
    pub fn size(&self) -> u64 {
        self.out.written - self.size.data_offset + self.partial.len() as u64
    }

    /// Ends the file: extracted segment with `attributes` (`encoding`, ...) and `recipients` taken from headers,
    /// end record, size record. Everything is flushed to `W`, which is given back; it is not synced.
    pub fn finish(
        mut self,
        attributes: &[(&str, &[u8])],
        recipients: &[NewRecipient<'_>],
    ) -> io::Result<(W, SizeRecord)> {
        if !self.partial.is_empty() {
            self.end_line()?;
        }
        self.size.data_size = self.out.written - self.size.data_offset;
        self.size.content_length = self.size.data_size;
        self.out.put(kind::EXTRACTED, b"")?;
        if let Some(filter) = &self.filter {
            self.out.put(kind::FILTER, filter)?;
        }
        if let Some(redirect) = &self.redirect {
            self.out.put(kind::REDIRECT, redirect)?;
        }
        for (name, value) in attributes {
            self.out.attribute(name, value)?;
        }
        for recipient in recipients {
            write_recipient(&mut self.out, &mut self.size, recipient)?;
        }
        self.out.put(kind::END, b"")?;
        self.out.inner.flush()?;
        let mut file = self
            .out
            .inner
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        record::write(&mut file, kind::SIZE, self.size.to_text().as_bytes())?;
        file.seek(SeekFrom::End(0))?;
        file.flush()?;
        Ok((file, self.size))
    }
}

/// Overwrites the `R` of the recipient record at `offset` with `D`: the recipient is delivered or bounced.
/// One byte, so that a crash leaves either state. The error says so when no recipient record starts there.
pub fn mark_done(file: &File, offset: u64) -> io::Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset)?;
    match byte[0] {
        kind::RECIPIENT => file.write_all_at(&[kind::DONE], offset),
        kind::DONE => Ok(()),
        other => Err(not_a("recipient", other, offset)),
    }
}

/// Rewrites the warning time record at `offset` in place; 0 means that the warning was sent.
pub fn set_warn_time(file: &File, offset: u64, seconds: i64) -> io::Result<()> {
    let mut head = [0; 2];
    file.read_exact_at(&mut head, offset)?;
    let text = format!("{seconds:15}");
    if head[0] != kind::WARN_TIME || usize::from(head[1]) != text.len() {
        return Err(not_a("warning time", head[0], offset));
    }
    file.write_all_at(text.as_bytes(), offset + 2)
}

fn not_a(what: &str, found: u8, offset: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "no {what} record at offset {offset}, but {:?}",
            found as char
        ),
    )
}

fn write_recipient<W: Write + Seek>(
    out: &mut Out<W>,
    size: &mut SizeRecord,
    recipient: &NewRecipient<'_>,
) -> io::Result<u64> {
    let original = if recipient.original.is_empty() {
        recipient.address
    } else {
        recipient.original
    };
    if recipient.notify != 0 {
        out.attribute("notify_flags", recipient.notify.to_string().as_bytes())?;
        size.qmgr_flags |= u32::from(recipient.notify) << 1;
    }
    if recipient.dsn_orig_rcpt.is_empty() {
        let quoted = super::address::quote(original);
        out.attribute("dsn_orig_rcpt", format!("rfc822;{quoted}").as_bytes())?;
    } else {
        out.attribute("dsn_orig_rcpt", recipient.dsn_orig_rcpt)?;
    }
    out.put(kind::ORIGINAL_RECIPIENT, original)?;
    let offset = out.written;
    out.put(kind::RECIPIENT, recipient.address)?;
    size.recipients += 1;
    Ok(offset)
}

/// A counting, buffered sink of records.
#[derive(Debug)]
struct Out<W: Write> {
    inner: io::BufWriter<W>,
    written: u64,
}

impl<W: Write> Out<W> {
    fn put(&mut self, kind: u8, data: &[u8]) -> io::Result<()> {
        if data.len() > record::MAX_RECORD {
            // Our own reader would refuse the file.
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "record too long",
            ));
        }
        self.written += record::write(&mut self.inner, kind, data)? as u64;
        Ok(())
    }

    fn put_unless_empty(&mut self, kind: u8, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            Ok(())
        } else {
            self.put(kind, data)
        }
    }

    fn attribute(&mut self, name: &str, value: &[u8]) -> io::Result<()> {
        if value.is_empty() {
            return Ok(());
        }
        let mut data = Vec::with_capacity(name.len() + 1 + value.len());
        data.extend_from_slice(name.as_bytes());
        data.push(b'=');
        data.extend_from_slice(value);
        self.put(kind::ATTRIBUTE, &data)
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::{Detail, Ending, State};
    use super::super::{Envelope, content};
    use super::*;
    use std::io::Cursor;

    fn head() -> Head<'static> {
        Head {
            arrival: (1_795_357_055, 239_934),
            create_time: 1_795_357_055,
            log_ident: "4jXWPC1kjFz1SRsX",
            rewrite_context: "remote",
            sender: b"a@a.test",
            client: Some(Client {
                name: "localhost",
                reverse_name: "localhost",
                address: "127.0.0.1",
                port: 39568,
                server: ("127.0.0.1", 12525),
                helo: b"vm",
                protocol: "ESMTP",
            }),
            warn_time: Some(1_795_371_366),
            ..Head::default()
        }
    }

    fn sample() -> (Vec<u8>, SizeRecord, Vec<u64>) {
        let mut writer = QueueFileWriter::start(Cursor::new(Vec::new()), &head()).unwrap();
        let offsets = vec![
            writer
                .recipient(&NewRecipient {
                    address: b"q r@b.test",
                    notify: 10,
                    ..Default::default()
                })
                .unwrap(),
            writer
                .recipient(&NewRecipient {
                    address: b"c@d.test",
                    original: b"alias@d.test",
                    ..Default::default()
                })
                .unwrap(),
        ];
        let mut body = writer.content().unwrap();
        body.line(b"Subject: x").unwrap();
        body.line(b"").unwrap();
        body.line(&[b'x'; 5000]).unwrap();
        body.part(&[b'y'; LINE_LENGTH_LIMIT]).unwrap();
        body.part(b"z").unwrap();
        let (out, size) = body.finish(&[("encoding", b"8bit")], &[]).unwrap();
        (out.into_inner(), size, offsets)
    }

    #[test]
    fn what_is_written_is_read() {
        let (bytes, size, offsets) = sample();
        let envelope = Envelope::read(&bytes, Detail::Full).unwrap();
        assert_eq!(envelope.size, Some(size));
        assert_eq!(size.qmgr_flags, 20);
        assert_eq!(envelope.ending, Ending::Complete);
        assert_eq!(
            envelope.attribute("client_address"),
            Some(&b"127.0.0.1"[..])
        );
        assert_eq!(
            envelope.recipients[0].dsn_orig_rcpt,
            b"rfc822;\"q r\"@b.test"
        );
        assert_eq!(envelope.recipients[1].original, b"alias@d.test");
        assert_eq!(
            envelope
                .recipients
                .iter()
                .map(|r| r.offset)
                .collect::<Vec<_>>(),
            offsets
        );
        let message = content::read(&bytes, &envelope, u64::MAX).unwrap();
        let expected = [
            "Subject: x\n\n",
            &"x".repeat(5000),
            "\n",
            &"y".repeat(2048),
            "z\n",
        ]
        .concat();
        assert_eq!(message, expected.as_bytes());
        // Record heads (one or two length bytes) and data, and no line ends.
        assert_eq!(
            size.data_size,
            (2 + 10) + 2 + (5000 + 3 * 3) + (2048 + 3) + 3
        );
    }

    #[test]
    fn recipients_are_marked_in_place() {
        let (bytes, _, offsets) = sample();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        mark_done(&file, offsets[1]).unwrap();
        mark_done(&file, offsets[1]).unwrap();
        assert!(mark_done(&file, offsets[1] + 1).is_err());
        let envelope = Envelope::read(&file, Detail::Full).unwrap();
        assert_eq!(envelope.recipients[1].state, State::Done);
        assert_eq!(envelope.todo().count(), 1);
        let (_, warn) = envelope.warn_time.unwrap();
        set_warn_time(&file, warn, 0).unwrap();
        assert!(set_warn_time(&file, warn + 1, 0).is_err());
        assert_eq!(
            Envelope::read(&file, Detail::Full)
                .unwrap()
                .warn_time
                .unwrap()
                .0,
            0
        );
    }
}
