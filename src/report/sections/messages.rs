//! Every message: pflogsumm's extended detail.

use crate::report::input::{Input, address, shown};
use crate::report::section::{Cell, Group, Row, Rows, Shape, Shown, Spec, Unit, col};
use crate::stats::summary::{Fate, MessageRow};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) static MESSAGES: Spec = Spec {
    key: "messages",
    title: "Message Detail",
    about: "Every message, by its sender's domain: sender, size, and what became of each recipient. Only with --extended-detail or --csv messages.",
    group: Group::Remarks,
    shape: Shape::Messages,
    shown: Shown::Demanded,
    // Whoever asks for every message gets every message, as pflogsumm has it.
    limit: None,
    columns: &[
        col("id", "queue id", Unit::Text, "The queue id."),
        col(
            "sender",
            "sender",
            Unit::Text,
            "The envelope sender; the null sender is `<>`, and null when no line tells.",
        ),
        col(
            "size",
            "size",
            Unit::Bytes,
            "Bytes; null when no line tells.",
        ),
        col(
            "delivered",
            "delivered",
            Unit::Texts,
            "Recipients delivered to; `(2)` behind one that was logged twice.",
        ),
        col(
            "forwarded",
            "forwarded",
            Unit::Texts,
            "Recipients forwarded by local(8).",
        ),
        col("bounced", "bounced", Unit::Texts, "Recipients bounced."),
    ],
    rows: |input| {
        let fold = input.options.fold;
        let mut messages: Vec<_> = input
            .summary
            .messages()
            .map(|message| {
                let sender = message.sender.map(|sender| fold.sender(sender));
                (sender, message)
            })
            .collect();
        messages.sort_by(|(a, x), (b, y)| by_domain(a.as_deref(), b.as_deref()).then(x.cmp(y)));
        Rows::all(
            messages
                .iter()
                .map(|(sender, message)| row(input, sender.as_ref(), message))
                .collect(),
        )
    },
};

/// Senders' domains together, those without a sender at the end.
fn by_domain(a: Option<&[u8]>, b: Option<&[u8]>) -> std::cmp::Ordering {
    let key = |sender: Option<&[u8]>| {
        let domain = sender.map(|s| memchr::memrchr(b'@', s).map_or(s, |at| &s[at + 1..]));
        (sender.is_none(), domain.map(<[u8]>::to_ascii_lowercase))
    };
    key(a).cmp(&key(b)).then(a.cmp(&b))
}

fn row(input: &Input<'_>, sender: Option<&Cow<'_, [u8]>>, message: &MessageRow<'_>) -> Row {
    let recipients = |wanted: Fate| {
        let mut met: BTreeMap<Cow<'_, [u8]>, u64> = BTreeMap::new();
        for (recipient, _, times) in message.recipients.iter().filter(|r| r.1 == wanted) {
            let recipient = input.options.fold.recipient(recipient);
            *met.entry(recipient).or_default() += u64::from(*times);
        }
        let texts = met.iter().map(|(recipient, times)| match times {
            1 => address(recipient),
            times => format!("{} ({times})", address(recipient)),
        });
        Cell::Texts(texts.collect())
    };
    vec![
        Cell::Text(shown(message.id)),
        sender.map_or(Cell::None, |sender| Cell::Text(address(sender))),
        match message.size {
            0 => Cell::None,
            size => Cell::Count(size),
        },
        recipients(Fate::Delivered),
        recipients(Fate::Forwarded),
        recipients(Fate::Bounced),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_of_a_domain_stand_together() {
        let mut senders = [
            None,
            Some(&b"z@a.example"[..]),
            Some(b"a@b.example"),
            Some(b""),
            Some(b"a@A.example"),
        ];
        senders.sort_by(|a, b| by_domain(*a, *b));
        let sorted = [
            Some(&b""[..]),
            Some(b"a@A.example"),
            Some(b"z@a.example"),
            Some(b"a@b.example"),
            None,
        ];
        assert_eq!(senders, sorted);
    }
}
