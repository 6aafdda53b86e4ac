//! Stories told line by line.

use super::super::{Line, Parser, Reference, Zone};
use super::*;

/// Reads `tag: text` lines, a second apart.
fn read(lines: &[&str]) -> Messages {
    read_from(lines, 0, 100)
}

fn read_from(lines: &[&str], start: usize, most: usize) -> Messages {
    let mut parser = Parser::new(Reference::at(1_795_340_000).in_zone(Zone::Fixed(0)));
    let mut messages = Messages::new(most);
    for (at, line) in lines.iter().enumerate() {
        let line = format!(
            "Nov 22 08:{:02}:{:02} fire {line}",
            (start + at) / 60,
            (start + at) % 60
        );
        match parser.line(line.as_bytes()) {
            Line::Postfix(record) => {
                messages.observe(&record);
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    messages
}

fn links(life: &Life) -> Vec<(&'static str, &str)> {
    life.links
        .iter()
        .map(|l| (l.relation.name(), &*l.id))
        .collect()
}

const MAIL: &[&str] = &[
    "postfix/smtpd[1]: 8921054E113: client=mail1.good.example[198.51.100.1], sasl_username=bob@d.example",
    "postfix/cleanup[2]: 8921054E113: message-id=<m1@good.example>",
    "postfix/qmgr[3]: 8921054E113: from=<tina@good.example>, size=1234, nrcpt=2 (queue active)",
    "postfix/smtp[4]: 8921054E113: to=<Dave@big.example>, relay=mx[192.0.2.1]:25, delay=1.5, delays=0.1/0/0.4/1, dsn=4.2.0, status=deferred (host mx[192.0.2.1] said: 450 4.2.0 later)",
    "postfix/local[5]: 8921054E113: to=<bob@d.example>, orig_to=<info@d.example>, relay=local, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)",
    "postfix/qmgr[3]: 8921054E113: from=<tina@good.example>, size=1234, nrcpt=2 (queue active)",
    "postfix/smtp[4]: 8921054E113: to=<Dave@big.example>, relay=mx[192.0.2.1]:25, delay=301, delays=300/0/0.4/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4jXMkR1TwwznJht)",
    "postfix/qmgr[3]: 8921054E113: removed",
];

#[test]
fn one_message_from_client_to_mailbox() {
    let messages = read(MAIL);
    let life = messages.by_id("8921054E113").unwrap();
    assert_eq!(life.client_ip(), Some("198.51.100.1"));
    assert_eq!(life.from.as_deref(), Some("tina@good.example"));
    assert_eq!(life.message_id.as_deref(), Some("<m1@good.example>"));
    assert_eq!((life.size, life.nrcpt), (Some(1234), Some(2)));
    assert_eq!(life.outcome(), Outcome::Sent);
    assert_eq!(life.recipients.len(), 2);
    assert_eq!(life.recipients[0].attempts.len(), 2);
    assert_eq!(links(life), [("queued as", "4jXMkR1TwwznJht")]);
    let steps: Vec<_> = life.timeline().into_iter().map(|s| s.what).collect();
    assert_eq!(
        steps,
        [
            "client",
            "message-id",
            "queue active",
            "deferred",
            "sent",
            "queue active",
            "sent",
            "removed"
        ]
    );
    assert_eq!(
        read(&MAIL[..5]).by_id("8921054E113").unwrap().outcome(),
        Outcome::Deferred
    );
}

#[test]
fn found_by_any_text() {
    let messages = read(MAIL);
    let found = |text: &str| messages.find(&Query::new(text)).count();
    for text in [
        "",
        "tina",
        "TINA@good",
        "dave@BIG",
        "info@d.example",
        "m1@good",
        "8921054",
        "198.51.100.1",
        "sent",
        "from:tina to:dave",
        "status:sent",
        "<bob@d.example>",
        "client:mail1",
        "4jXMkR1TwwznJht",
        "bob@d.example",
    ] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in [
        "nobody",
        "from:dave",
        "status:bounced",
        "tina nobody",
        "from:<>",
        "<bob@d.exampl>",
        "id:4jXMkR1TwwznJht",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
}

const SECOND: &[&str] = &[
    "postfix/smtpd[1]: 8921054E113: client=other[198.51.100.2]",
    "postfix/cleanup[2]: 8921054E113: message-id=<m2@good.example>",
    "postfix/cleanup[2]: 8921054E113: reject: header Subject: x from other[198.51.100.2]; from=<a@b> to=<c@d> proto=ESMTP helo=<h>: 5.7.1 no",
    "postfix/smtpd[1]: 8921054E113: client=third[198.51.100.3]",
    "postfix-out/smtpd[1]: 8921054E113: client=fire[127.0.0.1]",
];

#[test]
fn an_id_used_again_is_another_message() {
    let lines: Vec<_> = MAIL.iter().chain(SECOND).copied().collect();
    let messages = read(&lines);
    let outcomes: Vec<_> = messages
        .generations("postfix", "8921054E113")
        .map(|l| (l.generation, l.outcome()))
        .collect();
    assert_eq!(
        outcomes,
        [
            (0, Outcome::Sent),
            (1, Outcome::Rejected),
            (2, Outcome::Incoming)
        ]
    );
    assert_eq!(
        messages.by_id("8921054E113").unwrap().instance.as_ref(),
        "postfix-out"
    );
}

const BOUNCE_NEW: &[&str] = &[
    "postfix/qmgr[3]: AAAAAA1: from=<t@g.example>, size=1, nrcpt=1 (queue active)",
    "postfix/smtp[4]: AAAAAA1: to=<x@y>, relay=none, delay=1, delays=1/0/0/0, dsn=5.4.4, status=bounced (Host not found)",
    "postfix/bounce[6]: AAAAAA1: sender non-delivery notification: BBBBBB2",
    "postfix/cleanup[2]: BBBBBB2: message-id=<b@fire>",
    "postfix/qmgr[3]: BBBBBB2: from=<>, size=2, nrcpt=1 (queue active)",
    "postfix/qmgr[3]: AAAAAA1: removed",
];

#[test]
fn a_notification_in_either_order() {
    let mut old = BOUNCE_NEW.to_vec();
    old.swap(2, 4);
    old.swap(2, 3);
    for lines in [BOUNCE_NEW, &old] {
        let messages = read(lines);
        assert_eq!(messages.len(), 2);
        let original = messages.by_id("AAAAAA1").unwrap();
        assert_eq!(original.outcome(), Outcome::Bounced);
        assert_eq!(links(original), [("notification", "BBBBBB2")]);
        let bounce = messages.by_id("BBBBBB2").unwrap();
        assert_eq!(
            bounce.source,
            Source::Bounce {
                of: "AAAAAA1".into()
            }
        );
        assert_eq!(links(bounce), [("notification about", "AAAAAA1")]);
        assert_eq!(messages.find(&Query::new("from:<>")).count(), 1);
    }
}

#[test]
fn requeued_held_released_and_reinjected() {
    let messages = read(&[
        "postfix/smtpd[1]: AAAAAA1: client=h[192.0.2.1]",
        "postfix/postsuper[9]: AAAAAA1: placed on hold",
        "postfix/postsuper[9]: AAAAAA1: released from hold",
        "postfix/postsuper[9]: AAAAAA1: requeued",
        "postfix/pickup[8]: BBBBBB2: uid=103 from=<a@d.example> orig_id=AAAAAA1",
        "postfix/cleanup[2]: BBBBBB2: message-id=<m@x>",
        "postfix/qmgr[3]: AAAAAA1: removed",
        "postfix/qmgr[3]: BBBBBB2: from=<a@d.example>, size=2, nrcpt=1 (queue active)",
        "postfix/reinject/smtpd[1]: CCCCCC3: client=localhost[127.0.0.1], orig_queue_id=BBBBBB2, orig_client=h[192.0.2.1]",
        "postfix/smtp[4]: BBBBBB2: to=<x@y>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 from MTA: 250 2.0.0 Ok: queued as CCCCCC3)",
        "postfix/qmgr[3]: BBBBBB2: removed",
    ]);
    assert_eq!(
        messages.by_id("AAAAAA1").unwrap().outcome(),
        Outcome::Requeued
    );
    assert_eq!(
        links(messages.by_id("AAAAAA1").unwrap()),
        [("requeued as", "BBBBBB2")]
    );
    assert_eq!(
        links(messages.by_id("BBBBBB2").unwrap()),
        [("requeued from", "AAAAAA1"), ("re-injected as", "CCCCCC3")]
    );
    assert_eq!(
        links(messages.by_id("CCCCCC3").unwrap()),
        [("re-injected from", "BBBBBB2")]
    );
}

#[test]
fn history_read_backwards_gives_the_same_story() {
    let lines: Vec<_> = MAIL
        .iter()
        .chain(BOUNCE_NEW)
        .chain(SECOND)
        .copied()
        .collect();
    let whole = read(&lines);
    for cut in 0..=lines.len() {
        let mut newer = read_from(&lines[cut..], cut, 100);
        newer.prepend(read_from(&lines[..cut], 0, 100));
        assert_eq!(newer.len(), whole.len(), "cut at {cut}");
        for (a, b) in newer.lives.values().zip(whole.lives.values()) {
            assert_eq!(a.id, b.id, "cut at {cut}");
            assert_eq!(a.timeline(), b.timeline(), "cut at {cut}");
            assert_eq!(
                (a.source.clone(), a.outcome()),
                (b.source.clone(), b.outcome()),
                "cut at {cut}"
            );
            assert_eq!(a.generation, b.generation);
            let mut ids = [links(a), links(b)];
            for list in &mut ids {
                list.sort_unstable();
            }
            assert_eq!(ids[0], ids[1], "cut at {cut}");
        }
    }
}

#[test]
fn the_oldest_finished_message_is_forgotten_first() {
    let mut lines = vec!["postfix/smtpd[1]: AAAAAA0: client=h[192.0.2.1]".to_owned()];
    for n in 1..=9 {
        lines.push(format!("postfix/smtpd[1]: AAAAAA{n}: client=h[192.0.2.1]"));
        lines.push(format!("postfix/qmgr[1]: AAAAAA{n}: removed"));
    }
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let messages = read_from(&lines, 0, 3);
    assert_eq!((messages.len(), messages.forgotten()), (3, 7));
    assert!(messages.by_id("AAAAAA0").is_some());
    assert!(messages.by_id("AAAAAA1").is_none());
    assert!(messages.by_id("AAAAAA9").is_some());
}
