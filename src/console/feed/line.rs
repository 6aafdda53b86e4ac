//! A log line as the screen keeps it: its text, what it means for mail, and where its names stand.

use super::{LogLine, Tone};
use crate::logparse::event::{Event, Level, Reject, Status, Verdict};
use crate::logparse::{Line, Record};

/// A line longer than this is cut: nobody scrolls that far, and one line must not fill the ring.
const LONGEST: usize = 4096;

/// Keeps a line.
pub(crate) fn keep(raw: &[u8], line: &Line<'_>) -> LogLine {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let raw = &raw[..raw.len().min(LONGEST)];
    let Line::Postfix(record) = line else {
        return LogLine {
            text: raw.into(),
            tone: Tone::Foreign,
            queue_id: None,
            client: None,
            body: 0,
            second: None,
            service: None,
        };
    };
    if place(raw, record.text).is_none() {
        return decoded(record);
    }
    let name = |bytes: Option<&[u8]>| {
        let (start, len) = place(raw, bytes?)?;
        Some((start, u8::try_from(len).ok()?))
    };
    let local = record.time.seconds() + i64::from(record.time.offset);
    LogLine {
        text: raw.into(),
        tone: tone(record),
        queue_id: name(record.queue_id),
        client: name(client(&record.event)),
        body: place(raw, record.text).map_or(0, |(start, _)| start),
        second: u32::try_from(local.rem_euclid(86_400)).ok(),
        service: name(Some(record.service)),
    }
}

/// Keeps a line whose words were decoded or stood elsewhere (JSON, a journal's entry, a repetition): as syslog
/// would have written it.
fn decoded(record: &Record<'_>) -> LogLine {
    let local = record.time.seconds() + i64::from(record.time.offset);
    let mut text = chrono::DateTime::from_timestamp(local, 0)
        .map(|time| time.format("%b %e %H:%M:%S ").to_string().into_bytes())
        .unwrap_or_default();
    text.extend_from_slice(record.host);
    text.push(b' ');
    text.extend_from_slice(record.tag);
    let service = text.len() - record.service.len();
    text.extend_from_slice(format!("[{}]: ", record.pid).as_bytes());
    let body = text.len();
    text.extend_from_slice(record.text);
    text.truncate(LONGEST);
    let short = |start: usize, len: usize| {
        let inside = start + len <= text.len();
        Some((u16::try_from(start).ok()?, u8::try_from(len).ok()?)).filter(|_| inside)
    };
    let name = |bytes: Option<&[u8]>| {
        let (start, len) = place(record.text, bytes?)?;
        short(usize::from(start) + body, len)
    };
    LogLine {
        tone: tone(record),
        queue_id: name(record.queue_id),
        client: name(client(&record.event)),
        body: u16::try_from(body.min(text.len())).unwrap_or(0),
        second: u32::try_from(local.rem_euclid(86_400)).ok(),
        service: short(service, record.service.len()),
        text: text.into(),
    }
}

/// What a line means for mail.
pub(super) fn tone(record: &Record<'_>) -> Tone {
    match &record.event {
        Event::Delivery(delivery) => match delivery.status {
            Status::Sent => Tone::Sent,
            Status::Deferred | Status::SoftBounce => Tone::Deferred,
            Status::Bounced => Tone::Bounced,
            _ => Tone::Plain,
        },
        Event::Reject(reject) => of_verdict(reject),
        Event::Expired { .. } => Tone::Bounced,
        Event::Notification { .. } | Event::Postsuper(_) | Event::PostsuperSummary { .. } => {
            Tone::Noted
        }
        Event::Unparsed(_) => Tone::Foreign,
        _ => match record.level {
            Level::Info => Tone::Plain,
            Level::Warning => Tone::Warning,
            Level::Error | Level::Fatal | Level::Panic => Tone::Failure,
        },
    }
}

fn of_verdict(reject: &Reject<'_>) -> Tone {
    match reject.verdict {
        Verdict::Reject | Verdict::MilterReject | Verdict::ProxyReject => Tone::Rejected,
        Verdict::RejectWarning | Verdict::Warn => Tone::Warning,
        Verdict::Hold | Verdict::Discard | Verdict::Redirect | Verdict::Hangup => Tone::Noted,
        _ => Tone::Plain,
    }
}

/// The address of the client a line is about.
pub(super) fn client<'a>(event: &Event<'a>) -> Option<&'a [u8]> {
    let client = match event {
        Event::Connect(client)
        | Event::Disconnect { client, .. }
        | Event::SessionLost { client, .. }
        | Event::ImproperPipelining { client, .. }
        | Event::Postscreen { client, .. } => client,
        Event::Client(line) => &line.client,
        Event::Reject(reject) => &reject.client,
        Event::Dnsblog { address, .. } => return Some(address),
        Event::Tls(tls) if tls.inbound => &tls.peer,
        _ => return None,
    };
    (!client.ip.is_empty() && client.ip != b"unknown").then_some(client.ip)
}

/// Where a part of a line stands in it.
fn place(raw: &[u8], part: &[u8]) -> Option<(u16, usize)> {
    // A part that borrows from the line begins inside it; one that does not is not found.
    let start = (part.as_ptr() as usize).checked_sub(raw.as_ptr() as usize)?;
    (start + part.len() <= raw.len()).then_some(())?;
    Some((u16::try_from(start).ok()?, part.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logparse::{Parser, Reference};

    fn kept(raw: &[u8]) -> LogLine {
        let mut parser = Parser::new(Reference::at(1_795_000_000));
        keep(raw, &parser.line(raw))
    }

    fn cut(line: &LogLine, at: Option<(u16, u8)>) -> &str {
        let (start, len) = at.unwrap();
        let start = usize::from(start);
        std::str::from_utf8(&line.text[start..start + usize::from(len)]).unwrap()
    }

    #[test]
    fn a_reject_knows_its_client_and_tone() {
        let line = kept(b"Nov 22 08:48:35 fire postfix/smtpd[331]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <x@y.example>: Relay access denied; from=<a@b.example> to=<x@y.example> proto=ESMTP helo=<c>\n");
        assert_eq!(line.tone, Tone::Rejected);
        assert_eq!(cut(&line, line.client), "192.0.2.9");
        assert_eq!(line.queue_id, None);
        assert!(line.text[usize::from(line.body)..].starts_with(b"NOQUEUE"));
    }

    #[test]
    fn a_delivery_knows_its_queue_id() {
        let line = kept(b"Nov 22 08:48:35 fire postfix/smtp[331]: 4jXMkR1TwwznJht: to=<a@b.example>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.1]:25: Connection refused)");
        assert_eq!(line.tone, Tone::Deferred);
        assert_eq!(cut(&line, line.queue_id), "4jXMkR1TwwznJht");
    }

    #[test]
    fn a_decoded_line_is_shown_as_syslog_writes_it() {
        let line = kept(br#"{"log":"2026-11-22T08:48:35+01:00 fire postfix/smtpd[331]: 4jXMkR1TwwznJht: client=a.example[192.0.2.9]\n","stream":"stdout"}"#);
        assert_eq!(
            std::str::from_utf8(&line.text).unwrap(),
            "Nov 22 08:48:35 fire postfix/smtpd[331]: 4jXMkR1TwwznJht: client=a.example[192.0.2.9]"
        );
        assert_eq!(cut(&line, line.queue_id), "4jXMkR1TwwznJht");
        assert_eq!(cut(&line, line.client), "192.0.2.9");
        assert_eq!(cut(&line, line.service), "smtpd");
        assert!(line.text[usize::from(line.body)..].starts_with(b"4jXM"));
    }

    #[test]
    fn what_is_no_mail_line_is_kept_whole() {
        let line = kept(b"\0\0\xffgarbage");
        assert_eq!((line.tone, line.body), (Tone::Foreign, 0));
        assert_eq!(&*line.text, b"\0\0\xffgarbage");
    }
}
