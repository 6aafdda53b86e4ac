//! Events as hostile as Postfix can write them, of every kind: what printing and reading are tried with.

use mailtop::logparse::event::{
    Anvil, Client, ClientLine, Counters, Delays, Delivery, Event, FailedNotification, Level,
    Notification, PostscreenKind, QueueAct, Reject, Role, SaslOutcome, SessionLoss, Status, Tls,
    TlsproxyAct, Tlsrpt, TlsrptFailure, Verdict, Warning, Wording,
};
use mailtop::logparse::print::About;
use mailtop::logparse::taxonomy::Category;
use proptest::prelude::*;

/// What an event is made of. The strings are as hostile as Postfix lets them through: it writes addresses in
/// external form (quoted local parts, `"` and `\` escaped), and one line.
#[derive(Debug, Clone)]
pub struct Stuff {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
    /// Anything on one line.
    pub text: Vec<u8>,
    /// What the site itself says (tables, policy servers, block lists): it does not forge its own log.
    pub said: Vec<u8>,
    /// A HELO name, a login: the client's choice.
    pub helo: Vec<u8>,
    /// A word without blanks and punctuation.
    pub word: Vec<u8>,
    pub ip: Vec<u8>,
    pub port: Option<u16>,
    pub numbers: [u32; 4],
    pub some: [bool; 4],
    pub pick: usize,
}

/// Pieces that the grammar is made of, which therefore may forge it.
const PIECES: &[&str] = &[
    "a",
    "Z9",
    " ",
    "é",
    "用",
    "?",
    "<",
    ">",
    "\"",
    "\\",
    ";",
    ": ",
    ", ",
    "; from=<",
    "> to=<",
    "> proto=ESMTP helo=<",
    ", relay=none",
    ", status=sent (",
    ")",
    " from ",
    "[",
    "]",
    "reject: ",
    " blocked using ",
    "queued as 4XYZ",
    "> sasl_username=<",
    ", sasl_username=",
    "=",
    "/",
    "@",
];

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..10)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

fn address() -> impl Strategy<Value = Vec<u8>> {
    let quoted = hostile().prop_map(|local| {
        let local = String::from_utf8(local).unwrap();
        let local = local.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{local}\"@d.example").into_bytes()
    });
    prop_oneof![
        2 => "[a-zé+]{1,8}@[a-z]{1,5}\\.example".prop_map(String::into_bytes),
        2 => quoted,
        1 => Just(Vec::new()),
    ]
}

pub fn stuff() -> impl Strategy<Value = Stuff> {
    let addresses = (address(), address());
    let texts = (
        hostile(),
        "[A-Za-z ,\\[\\]/]{1,30}[a-z]",
        hostile(),
        "[A-Za-z][A-Za-z-]{0,9}",
    );
    let ip = prop_oneof!["192\\.0\\.2\\.[1-9]", "2001:db8::[1-9a-f]", "unknown"];
    let rest = (
        ip,
        any::<Option<u16>>(),
        any::<[u32; 4]>(),
        any::<[bool; 4]>(),
        any::<usize>(),
    );
    (addresses, texts, rest).prop_map(
        |((from, to), (text, said, helo, word), (ip, port, numbers, some, pick))| Stuff {
            from,
            to,
            text,
            said: said.into_bytes(),
            helo,
            word: word.into_bytes(),
            ip: ip.into_bytes(),
            port,
            numbers,
            some,
            pick,
        },
    )
}

/// Who says it, how it is marked, what it is about, what is said.
pub struct Said<'a>(pub &'static str, pub Level, pub About<'a>, pub Event<'a>);

const ID: About<'static> = About::Message(b"4jXN7p6bLfznvdj");

impl Stuff {
    fn client(&self) -> Client<'_> {
        Client {
            name: &self.word,
            ip: &self.ip,
            port: self.port,
        }
    }

    fn if_some<'a>(&'a self, at: usize, value: &'a [u8]) -> Option<&'a [u8]> {
        self.some[at].then_some(value)
    }

    pub fn one_of<T: Copy>(&self, values: &[T]) -> T {
        values[self.pick % values.len()]
    }
}

pub fn session(s: &Stuff, kind: usize) -> Said<'_> {
    let client = s.client();
    let event = match kind {
        0 => Event::Connect(client),
        1 => Event::Disconnect {
            client,
            counters: Counters(if s.some[0] { b"ehlo=1 rcpt=0/2" } else { b"" }),
        },
        2 => Event::SessionLost {
            kind: s.one_of(&[
                SessionLoss::LostConnection,
                SessionLoss::Timeout,
                SessionLoss::TooManyErrors,
            ]),
            stage: &s.word,
            bytes: s.some[0].then_some(u64::from(s.numbers[0])),
            client,
        },
        3 => Event::ImproperPipelining {
            stage: &s.word,
            client,
            data: s.if_some(0, &s.text),
        },
        _ => Event::Client(ClientLine {
            client,
            sasl_method: s.if_some(0, b"PLAIN"),
            // smtpd writes no other member behind a comma into the line than these.
            sasl_username: s.if_some(1, &s.said),
            sasl_sender: s.if_some(2, &s.word),
            orig_queue_id: s.if_some(3, b"8921054E113"),
            orig_client: s.some[0].then_some(client),
        }),
    };
    let about = if kind < 2 {
        About::Nothing
    } else {
        About::NoQueue
    };
    Said("smtpd", Level::Info, about, event)
}

/// A verdict of smtpd, a milter, postscreen or cleanup; `reason` is the reply's text.
pub fn reject<'a>(s: &'a Stuff, kind: usize, reason: &'a [u8]) -> Said<'a> {
    let (service, verdict, word, stage): (_, _, &[u8], &[u8]) = match kind {
        5 => ("smtpd", Verdict::Reject, b"reject", b"RCPT"),
        6 => (
            "smtpd",
            Verdict::MilterReject,
            b"milter-reject",
            b"DATA content",
        ),
        7 => ("postscreen", Verdict::Reject, b"reject", b"RCPT"),
        8 => ("cleanup", Verdict::Warn, b"warning", b"header"),
        _ => (
            "cleanup",
            Verdict::MilterHold,
            b"milter-hold",
            b"END-OF-MESSAGE",
        ),
    };
    let content = kind == 8;
    let reason = if content { &s.said } else { reason };
    let category = match kind {
        5 | 6 => Category::of_verdict(verdict, stage, reason),
        7 => Category::of_postscreen(reason),
        8 => Category::of_content(stage),
        _ => Category::Milter,
    };
    // A HELO name can forge what stands behind it: the login, and in cleanup's lines the end of the whole.
    let helo: &[u8] = match kind {
        5 if s.some[2] => &s.word,
        5 | 7 => &s.helo,
        _ => &s.word,
    };
    let event = Reject {
        word,
        code: if content { 0 } else { 550 },
        dsn: b"5.7.1",
        matched: content.then_some(&s.text[..]),
        from: s.if_some(0, &s.from),
        to: s.if_some(1, &s.to),
        proto: Some(b"ESMTP"),
        helo: Some(helo),
        sasl_username: (kind < 7 && s.some[2]).then_some(&s.said[..]),
        category,
        ..Reject::plain(verdict, stage, s.client(), reason)
    };
    let about = if service == "cleanup" {
        ID
    } else {
        About::NoQueue
    };
    Said(service, Level::Info, about, Event::Reject(event))
}

pub fn queue(s: &Stuff, kind: usize) -> Said<'_> {
    let [a, b, ..] = s.numbers;
    let (service, event) = match kind {
        10 => (
            "qmgr",
            Event::QueueActive {
                from: &s.from,
                size: u64::from(a),
                nrcpt: b,
            },
        ),
        11 => (
            "qmgr",
            Event::Expired {
                from: &s.from,
                forced: s.some[0],
            },
        ),
        12 => (
            "qmgr",
            Event::Removed {
                note: s.if_some(0, b"canceled"),
            },
        ),
        13 => (
            "cleanup",
            Event::MessageId {
                message_id: &s.text,
                resent: s.some[0],
            },
        ),
        14 => (
            "pickup",
            Event::Pickup {
                uid: u64::from(a),
                from: &s.from,
                orig_id: s.if_some(0, b"8921054E113"),
            },
        ),
        15 => (
            "bounce",
            Event::Notification {
                kind: s.one_of(&[
                    Notification::SenderNonDelivery,
                    Notification::SenderDeliveryStatus,
                    Notification::SenderDelay,
                    Notification::PostmasterNonDelivery,
                    Notification::PostmasterDelay,
                ]),
                new_id: b"8921054E113",
            },
        ),
        _ => (
            "postsuper",
            Event::Postsuper(s.one_of(&[
                QueueAct::Removed,
                QueueAct::Requeued,
                QueueAct::Hold,
                QueueAct::Released,
                QueueAct::Expired,
            ])),
        ),
    };
    Said(service, Level::Info, ID, event)
}

/// Hundredths as Postfix writes seconds.
pub fn seconds(hundredths: u64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

pub fn delivery<'a>(s: &'a Stuff, delay: &'a str, delays: &'a str) -> Said<'a> {
    let [before_qmgr, in_qmgr, conn_setup, transmission] = s.numbers.map(u64::from);
    let (status, status_text): (_, &[u8]) = s.one_of(&[
        (Status::Sent, &b"sent"[..]),
        (Status::Deferred, b"deferred"),
        (Status::Bounced, b"bounced"),
        (Status::SoftBounce, b"SOFTBOUNCE"),
        (Status::Deliverable, b"deliverable"),
        (Status::Undeliverable, b"undeliverable"),
        (Status::Undeliverable, b"undeliverable-but-not-cached"),
    ]);
    let event = Event::Delivery(Delivery {
        to: &s.to,
        orig_to: s.if_some(0, &s.from),
        relay: &s.word,
        conn_use: s.some[1].then_some(s.numbers[1]),
        delay: before_qmgr,
        delays: Delays {
            before_qmgr,
            in_qmgr,
            conn_setup,
            transmission,
        },
        delay_text: delay.as_bytes(),
        delays_text: delays.as_bytes(),
        tls: s.if_some(2, b"dane/!requiretls:nostarttls"),
        dsn: b"4.7.0",
        status,
        status_text,
        reason: &s.text,
    });
    let service = s.one_of(&[
        "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "qmgr",
    ]);
    Said(service, Level::Info, ID, event)
}

pub fn screen(s: &Stuff, kind: PostscreenKind) -> Said<'_> {
    use PostscreenKind as Kind;
    let client = Client {
        name: b"",
        ..s.client()
    };
    let old = matches!(
        kind,
        Kind::Allowlisted | Kind::Denylisted | Kind::AllowlistVeto
    ) && s.some[0]
        && kind != Kind::Denylisted;
    let counted = matches!(kind, Kind::Pregreet | Kind::DnsblRank);
    let timed = matches!(kind, Kind::Pregreet | Kind::Hangup);
    let command = matches!(
        kind,
        Kind::CommandPipelining
            | Kind::CommandTimeLimit
            | Kind::CommandCountLimit
            | Kind::CommandLengthLimit
            | Kind::NonSmtpCommand
            | Kind::BareNewline
    );
    let stage: &[u8] = match kind {
        Kind::Hangup => b"tests after SMTP handshake",
        _ if command => &s.word,
        _ => b"",
    };
    let detail: &[u8] = match kind {
        Kind::Connect => b"[192.0.2.25]:25",
        Kind::Pregreet | Kind::CommandPipelining | Kind::NonSmtpCommand => &s.text,
        _ => b"",
    };
    let event = Event::Postscreen {
        kind,
        wording: if old { Wording::Old } else { Wording::Current },
        client,
        value: if counted { u64::from(s.numbers[0]) } else { 0 },
        elapsed: if timed { b"0.05" } else { b"" },
        stage,
        detail,
    };
    Said("postscreen", Level::Info, About::Nothing, event)
}

pub const SCREENS: &[PostscreenKind] = &[
    PostscreenKind::Connect,
    PostscreenKind::PassNew,
    PostscreenKind::PassOld,
    PostscreenKind::Allowlisted,
    PostscreenKind::Denylisted,
    PostscreenKind::AllowlistVeto,
    PostscreenKind::DnsblRank,
    PostscreenKind::Pregreet,
    PostscreenKind::Hangup,
    PostscreenKind::CommandPipelining,
    PostscreenKind::CommandTimeLimit,
    PostscreenKind::CommandCountLimit,
    PostscreenKind::CommandLengthLimit,
    PostscreenKind::NonSmtpCommand,
    PostscreenKind::BareNewline,
    PostscreenKind::DataWithoutValidRcpt,
    PostscreenKind::BdatWithoutValidRcpt,
    PostscreenKind::Disconnect,
];

pub fn tls(s: &Stuff, kind: usize) -> Said<'_> {
    let peer = s.client();
    let inbound = s.some[0];
    let (service, event) = match kind {
        19 => (
            if inbound { "smtpd" } else { "smtp" },
            Event::Tls(Tls {
                trust: s.one_of(&[&b"Anonymous"[..], b"Untrusted", b"Trusted", b"Verified"]),
                reused: s.some[1],
                inbound,
                peer,
                protocol: b"TLSv1.3",
                cipher: &s.word,
                bits: s.numbers[0],
                cipher_bits: s.numbers[1],
                sni: s.if_some(2, b"mx.d.example"),
                detail: if s.some[3] {
                    b"key-exchange X25519"
                } else {
                    b""
                },
            }),
        ),
        20 => (
            if inbound { "smtpd" } else { "smtp" },
            Event::TlsFailed {
                inbound,
                peer,
                why: &s.text,
            },
        ),
        21 => (
            "tlsproxy",
            Event::Tlsproxy {
                act: s.one_of(&[
                    TlsproxyAct::ConnectFrom,
                    TlsproxyAct::ConnectTo,
                    TlsproxyAct::Disconnect,
                ]),
                peer,
            },
        ),
        _ => (
            "smtp",
            Event::Tlsrpt(Tlsrpt {
                domain: &s.word,
                mx: Client { port: None, ..peer },
                failure: s.some[0].then_some(TlsrptFailure {
                    kind: b"starttls-not-supported",
                    reason: s.if_some(1, &s.text),
                }),
            }),
        ),
    };
    Said(service, Level::Info, About::Nothing, event)
}

pub fn warning(s: &Stuff, kind: usize) -> Said<'_> {
    let client = s.client();
    let warning = match kind {
        23 => Warning::HostnameMismatch {
            hostname: &s.word,
            address: &s.ip,
            why: s.if_some(0, &s.text),
        },
        24 => Warning::RblLookup {
            name: &s.word,
            why: &s.text,
        },
        25 => Warning::IllegalAddress {
            client,
            command: b"MAIL",
            address: &s.text,
        },
        26 => Warning::LimitExceeded {
            what: b"Connection rate",
            count: u64::from(s.numbers[0]),
            client,
            service: &s.word,
        },
        27 if s.some[0] => Warning::SaslFailed {
            client,
            method: &s.word,
            outcome: SaslOutcome::Aborted,
            why: b"",
            username: None,
        },
        27 => Warning::SaslFailed {
            client,
            method: &s.word,
            outcome: SaslOutcome::Failed,
            why: &s.said,
            username: s.if_some(1, &s.text),
        },
        28 => Warning::NonSmtpCommand {
            client,
            command: &s.text,
        },
        29 => Warning::ProcessDied {
            process: &s.word,
            pid: s.numbers[0],
            how: b"killed by signal 11",
        },
        30 => Warning::TlsLibrary { why: &s.text },
        _ => Warning::NotificationFailed(FailedNotification {
            role: s.one_of(&[Role::Sender, Role::Postmaster]),
            address: s.pick.is_multiple_of(2).then_some(&s.word[..]),
            why: s.if_some(0, &s.said),
        }),
    };
    let about = if kind == 31 { ID } else { About::Nothing };
    Said("smtpd", Level::Warning, about, Event::Warning(warning))
}

pub fn others(s: &Stuff, kind: usize) -> Said<'_> {
    let (service, level, event) = match kind {
        32 => (
            "anvil",
            Level::Info,
            Event::Anvil(Anvil {
                what: b"connection rate",
                value: u64::from(s.numbers[0]),
                seconds: s.some[0].then_some(s.numbers[1]),
                reached_by: s.if_some(1, b"smtp:192.0.2.1"),
                at: b"Nov 22 08:48:54",
            }),
        ),
        33 => (
            "dnsblog",
            Level::Info,
            Event::Dnsblog {
                address: &s.ip,
                domain: &s.word,
                answer: b"127.0.0.2",
            },
        ),
        34 => (
            "postsuper",
            Level::Info,
            Event::PostsuperSummary {
                act: b"Placed on hold",
                count: u64::from(s.numbers[0]),
            },
        ),
        35 => (
            "local",
            Level::Info,
            Event::BounceFailed { what: b"bounce" },
        ),
        _ => (
            "master",
            s.one_of(&[Level::Error, Level::Fatal, Level::Panic]),
            Event::Failure(&s.text),
        ),
    };
    Said(service, level, About::Nothing, event)
}
