//! Pure tests of the engine screen.

use super::task::Deed;
use super::{Answer, Facts, Request};
use crate::console::layer::Layer;
use crate::console::message::{Effect, Message};
use crate::console::pane::ReadOnly;
use crate::console::seed::{empty, press, type_text};
use crate::console::state::State;
use crate::console::update::update;
use crate::control::ExplainStep;

/// The engine screen with a few parameters.
pub(crate) fn seen(size: (u16, u16)) -> State {
    let mut state = empty(size);
    press(&mut state, &["7"]);
    let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let facts = Facts {
        running: Some(true),
        remark: "process 331".to_owned(),
        figures: vec![("name", "mx.example".to_owned())],
        parameters: vec![
            parameter("mynetworks", "127.0.0.0/8"),
            parameter("relayhost", ""),
            parameter("smtpd_recipient_restrictions", "reject_unauth_destination"),
        ],
        warnings: vec!["unused parameter: nonsense=1".to_owned()],
    };
    update(&mut state, Message::Engine(Answer::Look(Box::new(facts))));
    state
}

#[test]
fn every_deed_asks_first() {
    for (key, deed) in [
        ("s", Deed::Start),
        ("x", Deed::Stop),
        ("R", Deed::Reload),
        ("f", Deed::Flush),
        ("c", Deed::Check),
    ] {
        let mut state = seen((80, 24));
        assert_eq!(press(&mut state, &[key, "Enter", key, "Enter"]), []);
        assert!(matches!(state.layers.last(), Some(Layer::Confirm(_))));
        let effects = press(&mut state, &["y", "Enter"]);
        assert_eq!(effects, [Effect::Engine(Request::Do(deed))]);
        assert_eq!(state.panes.engine.doing, Some(deed));
    }
    let mut state = seen((80, 24));
    state.world.read_only = ReadOnly::Yes;
    press(&mut state, &["x"]);
    assert!(state.layers.is_empty());
}

#[test]
fn what_a_command_says_is_shown() {
    let mut state = seen((80, 24));
    let answer = Answer::Done {
        deed: Deed::Check,
        well: false,
        output: vec!["fatal: bad numerical configuration".to_owned()],
    };
    update(&mut state, Message::Engine(answer));
    let Some(Layer::Popup(popup)) = state.layers.last() else {
        panic!("nothing is shown");
    };
    assert_eq!(popup.title, "check: failed");
}

#[test]
fn explain_takes_four_words() {
    let mut state = seen((80, 24));
    press(&mut state, &["e", "Ctrl-U"]);
    type_text(
        &mut state,
        "192.0.2.1 helo.example <> postmaster@example.com",
    );
    let effects = press(&mut state, &["Enter"]);
    let [Effect::Engine(Request::Explain { sender, .. })] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(sender, "");
    let step = ExplainStep {
        list: "smtpd_client_restrictions".to_owned(),
        restriction: "permit_mynetworks".to_owned(),
        verdict: "dunno".to_owned(),
        reason: "192.0.2.1 is not in it".to_owned(),
    };
    update(
        &mut state,
        Message::Engine(Answer::Explained(Ok(vec![step]))),
    );
    assert!(matches!(state.layers.last(), Some(Layer::Popup(_))));
}

#[test]
fn parameters_are_filtered() {
    let mut state = seen((80, 24));
    press(&mut state, &["/"]);
    type_text(&mut state, "/^smtpd_/");
    assert_eq!(state.panes.engine.parameters().len(), 1);
    press(&mut state, &["Esc"]);
    assert_eq!(state.panes.engine.parameters().len(), 3);
}
