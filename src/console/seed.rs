//! A console with something on every screen, for the tests: fixed time, fixed size, no task behind it.

use super::feed::{
    About, Batch, DelayFigures, Figures, Finding, Found, Grouping, Life, LogLine, MessageRow,
    QueueAges, Rates, Reading, RejectAnswer, RejectRow, Step, Tone, Where,
};
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::message::Message;
use super::pane::{ReadOnly, World};
use super::screen::Screen;
use super::state::State;
use super::theme::Theme;
use super::update::update;
use super::{color::Depth, feed::News, key::Key};
use crate::attach::{Kind, Server};
use std::collections::BTreeMap;

/// Sun Nov 22 2026 08:50:00 UTC.
pub(crate) const NOW: i64 = 1_795_337_400;

/// An empty console of this size.
pub(crate) fn empty(size: (u16, u16)) -> State {
    let world = World {
        server: Server {
            kind: Kind::Postfix,
            config_dir: Some("/etc/postfix".into()),
            queue_dir: Some("/var/spool/postfix".into()),
            logs: vec!["/var/log/mail.log".into()],
            journal: None,
            notice: "Postfix is running (master 331); its log is /var/log/mail.log.".to_owned(),
        },
        read_only: ReadOnly::No,
        keymap: Keymap::new(&BTreeMap::new()).unwrap(),
        theme: Theme::load("default", None, Depth::True).unwrap(),
        glyphs: Glyphs::Unicode,
        size,
        now: NOW,
        offset: 0,
    };
    State::new(world, Screen::Overview)
}

/// A console of this size with something on every screen of the log.
pub(crate) fn filled(size: (u16, u16)) -> State {
    let mut state = empty(size);
    feed(&mut state, News::Figures(Box::new(figures())));
    let lines = lines(40);
    feed(
        &mut state,
        News::Lines(Batch {
            lines,
            place: Where::Before,
        }),
    );
    press(&mut state, &["3"]);
    feed(&mut state, News::Found(found(1)));
    press(&mut state, &["4"]);
    feed(&mut state, News::Rejects(rejects(1)));
    press(&mut state, &["1"]);
    state.trail.clear();
    state
}

/// Gives a console keys, by their names.
pub(crate) fn press(state: &mut State, keys: &[&str]) -> Vec<super::message::Effect> {
    keys.iter()
        .flat_map(|key| update(state, Message::Key(Key::parse(key).unwrap())))
        .collect()
}

/// Types a text.
pub(crate) fn type_text(state: &mut State, text: &str) -> Vec<super::message::Effect> {
    text.chars()
        .flat_map(|c| {
            let name = if c == ' ' {
                "Space".to_owned()
            } else {
                c.to_string()
            };
            press(state, &[&name])
        })
        .collect()
}

/// Gives a console news.
pub(crate) fn feed(state: &mut State, news: News) -> Vec<super::message::Effect> {
    update(state, Message::Feed(news))
}

/// A log line as the task would keep it.
pub(crate) fn line(raw: &[u8]) -> LogLine {
    use crate::logparse::{Parser, Reference};
    super::feed::kept(raw, &Parser::new(Reference::at(NOW)).line(raw))
}

/// So many lines of a log, of every tone.
pub(crate) fn lines(count: usize) -> Vec<LogLine> {
    let bodies = [
        "smtpd[331]: connect from mail.good.example[192.0.2.10]",
        "smtpd[331]: 4jXMkR1TwwznJht: client=mail.good.example[192.0.2.10]",
        "cleanup[335]: 4jXMkR1TwwznJht: message-id=<1@good.example>",
        "qmgr[340]: 4jXMkR1TwwznJht: from=<ann@good.example>, size=2048, nrcpt=1 (queue active)",
        "smtp[350]: 4jXMkR1TwwznJht: to=<bob@far.example>, relay=mx.far.example[198.51.100.7]:25, delay=1.4, delays=0.1/0.01/1.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
        "smtp[351]: 4jXMkR1TwwznJhs: to=<eve@dead.example>, relay=none, delay=30, delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to dead.example[203.0.113.9]:25: Connection timed out)",
        "smtpd[332]: NOQUEUE: reject: RCPT from unknown[203.0.113.77]: 554 5.7.1 Service unavailable; Client host [203.0.113.77] blocked using zen.example; from=<spam@bad.example> to=<ann@good.example> proto=ESMTP helo=<bad.example>",
        "smtp[352]: 4jXMkR1TwwznJhv: to=<nobody@far.example>, relay=mx.far.example[198.51.100.7]:25, delay=0.9, delays=0.1/0/0.5/0.3, dsn=5.1.1, status=bounced (host mx.far.example[198.51.100.7] said: 550 5.1.1 unknown user)",
        "smtpd[333]: warning: hostname a.example does not resolve to address 192.0.2.99",
    ];
    (0..count)
        .map(|n| {
            let body = bodies[n % bodies.len()];
            line(format!("Nov 22 08:49:{:02} fire postfix/{body}", n % 60).as_bytes())
        })
        .collect()
}

fn figures() -> Figures {
    let wave = |by: u64| (0..60).map(|n| (n * by) % 13).collect();
    Figures {
        offset: 0,
        hour_to: NOW,
        live: true,
        rates: Rates {
            received: wave(5),
            sent: wave(7),
            deferred: wave(2),
            bounced: (0..60).map(|n| u64::from(n % 20 == 3)).collect(),
            rejected: wave(11),
        },
        totals: Rates {
            received: 12_606,
            sent: 14_690,
            deferred: 1_912,
            bounced: 323,
            rejected: 40_881,
        },
        delays: Some(DelayFigures {
            p50: 0.42,
            p95: 31.0,
            p99: 310.0,
            parts: [0.12, 0.02, 30.4, 0.61],
        }),
        rejects: vec![
            ("blocked using zen.example".to_owned(), 31_007),
            ("<address>: Relay access denied".to_owned(), 9_101),
            (
                "Helo command rejected: need fully-qualified hostname".to_owned(),
                773,
            ),
        ],
        errors: [0, 0],
        deferrals: vec![
            (
                "connect to host[ip]: Connection timed out".to_owned(),
                1_512,
            ),
            (
                "host host[ip] said: 450 4.2.0 <address>: Greylisted".to_owned(),
                400,
            ),
        ],
        diagnoses: vec![
            Finding {
                text: "212 messages wait for dead.example: Connection timed out".to_owned(),
                remedy:
                    "test the destination's MX; if it is gone for good, delete or bounce the group"
                        .to_owned(),
                grave: false,
                about: About::Domain("dead.example".to_owned()),
            },
            Finding {
                text: "mail was refused or deferred 3 times for lack of disk space".to_owned(),
                remedy: "df -h of the queue directory".to_owned(),
                grave: true,
                about: About::Log,
            },
        ],
        reading: Reading {
            lines: 1_041_943,
            unparsed: 12,
            remaining: 0,
            span: Some((NOW - 86_400, NOW)),
        },
        waiting: Some(QueueAges {
            counts: [12, 40, 160, 212, 3],
            held: 7,
            oldest: 190_000,
        }),
    }
}

fn row(
    id: &str,
    minutes: i64,
    sender: &str,
    recipient: &str,
    tone: Tone,
    status: &str,
) -> MessageRow {
    MessageRow {
        queue_id: id.to_owned(),
        time: NOW - 60 * minutes,
        sender: sender.to_owned(),
        recipient: recipient.to_owned(),
        recipients: 1,
        client: "192.0.2.10".to_owned(),
        size: 2_048,
        tone,
        status: status.to_owned(),
    }
}

/// An answer to a search.
pub(crate) fn found(ticket: u64) -> Found {
    let mut many = row(
        "4jXMkR1TwwznJhw",
        9,
        "",
        "list@far.example",
        Tone::Sent,
        "sent",
    );
    many.recipients = 120;
    Found {
        ticket,
        rows: vec![
            row(
                "4jXMkR1TwwznJht",
                1,
                "ann@good.example",
                "bob@far.example",
                Tone::Sent,
                "sent",
            ),
            row(
                "4jXMkR1TwwznJhs",
                3,
                "ann@good.example",
                "eve@dead.example",
                Tone::Deferred,
                "deferred",
            ),
            row(
                "4jXMkR1TwwznJhv",
                4,
                "jörg@用户.example",
                "nobody@far.example",
                Tone::Bounced,
                "bounced",
            ),
            many,
        ],
        total: 4,
        known: 8_000,
    }
}

/// The life of a message.
pub(crate) fn life() -> Life {
    let step = |after: f64, tone, what: &str, detail: &str, delays| Step {
        time: NOW as f64 + after,
        tone,
        what: what.to_owned(),
        detail: detail.to_owned(),
        delays,
    };
    Life {
        queue_id: "4jXMkR1TwwznJhs".to_owned(),
        row: found(0).rows.into_iter().nth(1),
        message_id: "<1@good.example>".to_owned(),
        steps: vec![
            step(
                0.0,
                Tone::Plain,
                "client",
                "mail.good.example[192.0.2.10]",
                None,
            ),
            step(
                0.2,
                Tone::Plain,
                "queue active",
                "from=<ann@good.example>, size=2048, nrcpt=1",
                None,
            ),
            step(
                30.2,
                Tone::Deferred,
                "deferred",
                "to=<eve@dead.example>, relay=none, dsn=4.4.1 (connect to dead.example[203.0.113.9]:25: Connection timed out)",
                Some([0.1, 0.0, 30.0, 0.0]),
            ),
            step(
                7_230.0,
                Tone::Bounced,
                "bounced",
                "to=<eve@dead.example>, relay=none, dsn=4.4.1 (expired)",
                Some([7_200.0, 0.0, 30.0, 0.0]),
            ),
        ],
        links: vec![("notification".to_owned(), "4jXNB66R8wznvhh".to_owned())],
        lines: Vec::new(),
    }
}

/// An answer about rejects.
pub(crate) fn rejects(ticket: u64) -> RejectAnswer {
    let row = |value: &str, count, minutes: i64| RejectRow {
        value: value.to_owned(),
        count,
        last: NOW - 60 * minutes,
        sample: "NOQUEUE: reject: RCPT from unknown[203.0.113.77]: 554 5.7.1".to_owned(),
    };
    RejectAnswer {
        ticket,
        rows: vec![
            row("blocked using zen.example", 31_007, 0),
            row("<address>: Relay access denied", 9_101, 2),
            row(
                "Helo command rejected: need fully-qualified hostname",
                773,
                61,
            ),
        ],
        error: 0,
        total: 40_881,
        of: 40_881,
        hours: (0..24).map(|n| n * 100).collect(),
    }
}

/// Every grouping, so that a test that goes round them knows when it is back.
pub(crate) const GROUPINGS: usize = Grouping::ALL.len();
