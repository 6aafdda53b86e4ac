//! Pure tests of the block list screen.

use super::{Answer, Request};
use crate::console::message::{Effect, Message};
use crate::console::seed::{empty, press, type_text};
use crate::console::state::State;
use crate::console::update::update;
use crate::rbl::{Evidence, Finding, Target, Verdict};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A finding of a list about the first target of a text.
pub(crate) fn finding(target: &str, zone: &str, verdict: Verdict) -> Finding {
    Finding {
        target: Target::parse(target).unwrap().remove(0),
        zone: zone.to_owned(),
        delist: Some("https://lists.example/remove".to_owned()),
        verdict,
        evidence: Evidence {
            query: format!("9.2.0.192.{zone}"),
            answers: vec![Ipv4Addr::new(127, 0, 0, 2).into()],
            txt: vec!["see https://lists.example/".to_owned()],
            latency: Duration::from_millis(21),
            ttl: Some(300),
            resolver: "127.0.0.1:53".to_owned(),
            remark: None,
        },
    }
}

fn listed() -> Verdict {
    Verdict::Listed {
        codes: vec![Ipv4Addr::new(127, 0, 0, 2)],
        meanings: vec!["spam source".to_owned()],
    }
}

/// The screen after a look-up of one address that found one of everything.
pub(crate) fn looked_up(size: (u16, u16)) -> State {
    let mut state = empty(size);
    press(&mut state, &["6", "i"]);
    type_text(&mut state, "192.0.2.9");
    let effects = press(&mut state, &["Enter"]);
    let [Effect::Rbl(Request::Look { ticket, .. })] = effects[..] else {
        panic!("{effects:?}");
    };
    let one = |zone: &str, verdict| finding("192.0.2.9", zone, verdict);
    let findings = vec![
        one("clean.example", Verdict::Clean),
        one("slow.example", Verdict::Timeout),
        one("world.example", Verdict::World),
        one("bad.example", listed()),
        one(
            "shut.example",
            Verdict::Blocked {
                meaning: "too many questions from this resolver".to_owned(),
            },
        ),
    ];
    for answer in [
        Answer::Started {
            ticket,
            expected: 5,
            resolver: "127.0.0.1:53".to_owned(),
            public: None,
        },
        Answer::Findings { ticket, findings },
        Answer::Done {
            ticket,
            error: None,
        },
    ] {
        update(&mut state, Message::Rbl(answer));
    }
    state
}

#[test]
fn what_matters_comes_first() {
    let state = looked_up((80, 24));
    let zones: Vec<&str> = state.panes.rbl.rows().iter().map(|f| &*f.zone).collect();
    assert_eq!(
        zones,
        [
            "bad.example",
            "shut.example",
            "world.example",
            "slow.example",
            "clean.example"
        ]
    );
    assert!(!state.panes.rbl.progress.running);
}

#[test]
fn the_cursor_stays_on_its_list_while_others_answer() {
    let mut state = looked_up((80, 24));
    press(&mut state, &["Down", "Down"]);
    let before = state.panes.rbl.chosen().unwrap().zone.clone();
    let findings = vec![finding("192.0.2.9", "another.example", listed())];
    let ticket = state.panes.rbl.ticket;
    update(
        &mut state,
        Message::Rbl(Answer::Findings { ticket, findings }),
    );
    assert_eq!(state.panes.rbl.chosen().unwrap().zone, before);
}

#[test]
fn answers_to_an_older_question_are_dropped() {
    let mut state = looked_up((80, 24));
    let ticket = state.panes.rbl.ticket;
    press(&mut state, &["f"]);
    let findings = vec![finding("192.0.2.9", "late.example", listed())];
    update(
        &mut state,
        Message::Rbl(Answer::Findings { ticket, findings }),
    );
    assert!(state.panes.rbl.found.is_empty());
    let effects = press(&mut state, &["x"]);
    assert_eq!(effects, [Effect::Rbl(Request::Cancel)]);
    assert!(!state.panes.rbl.progress.running);
}

#[test]
fn several_targets_make_a_matrix_and_nonsense_an_error() {
    let mut state = empty((80, 24));
    press(&mut state, &["6", "i"]);
    type_text(&mut state, "192.0.2.0/30 example.com");
    press(&mut state, &["Enter"]);
    assert_eq!(state.panes.rbl.view.targets.len(), 5);
    assert_eq!(state.panes.rbl.view.open, None);
    press(&mut state, &["Down", "Enter"]);
    let open = state.panes.rbl.view.open.clone().unwrap();
    assert_eq!(open.to_string(), "192.0.2.1");
    press(&mut state, &["Esc", "i"]);
    type_text(&mut state, "nonsense");
    assert_eq!(press(&mut state, &["Enter"]), []);
    assert!(
        !state.layers.is_empty(),
        "the field stays open with the error"
    );
}
