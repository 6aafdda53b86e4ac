//! The picture of the README: a frame of a lively server, and the proof that the file still shows it.
//!
//! `MAILTOP_RENEW=1 cargo test --lib picture` writes docs/console.svg anew.

use super::render;
use crate::console::feed::{
    About, DelayFigures, Figures, Finding, News, QueueAges, Rates, Reading,
};
use crate::console::picture::svg;
use crate::console::seed::{self, NOW, feed};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZE: (u16, u16) = (100, 30);

/// A minute-by-minute hour that rises and falls around `mean`, as mail does: a slow wave and some noise.
fn hour(mean: f64, seed: u32) -> Vec<u64> {
    let mut noise = seed;
    (0..60)
        .map(|minute| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let part = f64::from(noise >> 16) / 65_536.0;
            let wave = 1.0 + 0.45 * (f64::from(minute) / 9.0 + f64::from(seed)).sin();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small, positive"
            )]
            let count = (mean * wave * (0.5 + part)) as u64;
            count
        })
        .collect()
}

fn reasons(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter().map(|(r, n)| ((*r).to_owned(), *n)).collect()
}

fn finding(text: &str, remedy: &str, grave: bool, about: About) -> Finding {
    Finding {
        text: text.to_owned(),
        remedy: remedy.to_owned(),
        grave,
        about,
    }
}

fn figures() -> Figures {
    let mut deferred = hour(4.0, 3);
    // A destination that goes silent: what the diagnosis below tells.
    for (minute, count) in deferred.iter_mut().enumerate().skip(41) {
        *count += 6 + (minute as u64 * 7) % 5;
    }
    Figures {
        offset: 0,
        hour_to: NOW,
        live: true,
        rates: Rates {
            received: hour(42.0, 1),
            sent: hour(47.0, 2),
            deferred,
            bounced: hour(1.4, 4),
            rejected: hour(118.0, 5),
        },
        totals: Rates {
            received: 48_213,
            sent: 52_907,
            deferred: 3_344,
            bounced: 1_102,
            rejected: 131_668,
        },
        delays: Some(DelayFigures {
            p50: 0.42,
            p95: 31.0,
            p99: 310.0,
            parts: [0.12, 0.02, 30.4, 0.61],
        }),
        rejects: reasons(&[
            ("blocked using zen.dnsbl.example", 81_224),
            ("<address>: Relay access denied", 19_101),
            ("Recipient address rejected: User unknown", 12_870),
            (
                "Helo command rejected: need fully-qualified hostname",
                9_773,
            ),
            ("Client host rejected: cannot find your hostname", 6_240),
            ("Sender address rejected: Domain not found", 2_118),
            (
                "Sender address rejected: need fully-qualified address",
                1_004,
            ),
            ("blocked using bl.list.example", 342),
            ("Message size exceeds fixed limit", 57),
            ("Access denied", 9),
        ]),
        errors: [0, 0],
        deferrals: reasons(&[
            ("connect to host[ip]: Connection timed out", 1_512),
            ("host host[ip] said: 450 4.2.0 <address>: Greylisted", 1_031),
            ("host host[ip] said: 452 4.2.2 Mailbox full", 402),
            ("connect to host[ip]: Connection refused", 289),
            ("Host or domain name not found", 97),
            ("host host[ip] said: 451 4.7.1 Try again later", 61),
            (
                "conversation with host[ip] timed out while sending RCPT TO",
                22,
            ),
            (
                "lost connection with host[ip] while receiving the initial server greeting",
                13,
            ),
        ]),
        diagnoses: vec![
            finding(
                "212 messages wait for mx.far.example: Connection timed out",
                "test the destination's MX; if it is gone for good, delete or bounce the group",
                false,
                About::Domain("far.example".to_owned()),
            ),
            finding(
                "203.0.113.77 tried to relay 640 times",
                "see its rejects (r) and its block list verdicts (b)",
                false,
                About::Client("203.0.113.77".to_owned()),
            ),
        ],
        reading: Reading {
            lines: 1_041_943,
            unparsed: 0,
            remaining: 0,
            span: Some((NOW - 86_400, NOW)),
        },
        waiting: Some(QueueAges {
            counts: [12, 40, 160, 84, 3],
            held: 7,
            oldest: 190_000,
        }),
    }
}

#[test]
fn picture_of_the_readme_is_what_the_console_draws() {
    let mut state = seed::empty(SIZE);
    feed(&mut state, News::Figures(Box::new(figures())));
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    render(&state, &mut buffer);
    let drawn = svg(&buffer);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/console.svg");
    if std::env::var_os("MAILTOP_RENEW").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        drawn == kept,
        "docs/console.svg shows another frame; look at what changed, then: MAILTOP_RENEW=1 cargo test --lib picture"
    );
}
