//! Pure tests of the queue screen: identity, marks, questions, results.

use super::{Answer, Grouping, Request};
use crate::console::layer::Layer;
use crate::console::message::{Effect, Message};
use crate::console::pane::{Pane as _, ReadOnly};
use crate::console::queue::task::Reading;
use crate::console::seed::{NOW, empty, press, type_text};
use crate::console::state::State;
use crate::console::update::update;
use crate::control::{ActResult, Outcome};
use crate::queue::act::Report;
use crate::queue::{Action, Entry, Listing, QueueName, Recipient, Way};

/// The `n`th message of a queue: every third to the same domain, older the larger `n` is.
pub(crate) fn entry(n: i64) -> Entry {
    Entry {
        queue_name: QueueName::Deferred,
        queue_id: format!("4jXMkR1Twwzn{n:03}"),
        arrival_time: NOW - 400 * (n + 1),
        message_size: 1_000 + n.unsigned_abs(),
        forced_expire: false,
        sender: format!("user{n}@sender.example"),
        recipients: vec![Recipient {
            address: format!("rcpt{n}@dom{}.example", n % 3),
            delay_reason: Some(format!(
                "connect to 192.0.2.{n}[192.0.2.{n}]:25: Connection refused"
            )),
        }],
        next_try: Some(NOW + 60),
        inode: Some(n.unsigned_abs()),
    }
}

/// Gives the console a reading of the queue.
pub(crate) fn read(state: &mut State, entries: Vec<Entry>) -> Vec<Effect> {
    let listing = Listing {
        entries,
        way: Way::Walk,
        why_not_better: None,
        problems: Vec::new(),
    };
    let reading = Reading {
        listing: Ok(listing),
        took: 0.01,
        powerless: None,
    };
    update(state, Message::Queue(Answer::Read(reading)))
}

/// The queue screen with messages 0 to 8, oldest (8) first.
fn nine() -> State {
    let mut state = empty((80, 24));
    press(&mut state, &["5"]);
    read(&mut state, (0..9).rev().map(entry).collect());
    state
}

fn chosen(state: &State) -> String {
    state.panes.queue.chosen().unwrap().sender.clone()
}

fn question(state: &State) -> String {
    let Some(Layer::Confirm(confirm)) = state.layers.last() else {
        panic!("no question: {:?}", state.toast);
    };
    let body: Vec<&str> = confirm.body.iter().map(|(_, line)| line.as_str()).collect();
    format!("{}\n{}", confirm.title, body.join("\n"))
}

fn acted(effects: &[Effect]) -> Vec<(Action, Vec<String>)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Queue(Request::Act {
                action, entries, ..
            }) => Some((*action, entries.iter().map(|e| e.sender.clone()).collect())),
            _ => None,
        })
        .collect()
}

#[test]
fn the_cursor_stays_on_its_message_when_the_list_moves() {
    let mut state = nine();
    press(&mut state, &["Down", "Down"]);
    assert_eq!(chosen(&state), "user6@sender.example");
    // Two older ones arrive above, one in between is gone, and this one is on hold now.
    let mut entries: Vec<Entry> = [20, 19, 8, 6, 5].into_iter().map(entry).collect();
    entries[3].queue_name = QueueName::Hold;
    read(&mut state, entries);
    assert_eq!(chosen(&state), "user6@sender.example");
    // The same id with another sender is another message.
    let mut other = entry(6);
    other.sender = "other@sender.example".to_owned();
    read(
        &mut state,
        vec![entry(20), entry(19), entry(8), other, entry(5)],
    );
    press(&mut state, &["Space"]);
    read(&mut state, vec![entry(6)]);
    assert_eq!(state.panes.queue.marks.len(), 0);
}

#[test]
fn marks_survive_refresh_sort_and_filter() {
    let mut state = nine();
    press(&mut state, &["Space", "Down", "Space"]);
    assert_eq!(state.panes.queue.marks.len(), 2);
    press(&mut state, &["s", "s"]);
    read(&mut state, (0..9).map(entry).chain([entry(30)]).collect());
    let marks = &state.panes.queue.marks;
    assert!(marks.contains(&entry(8)) && marks.contains(&entry(6)));
    press(&mut state, &["/"]);
    type_text(&mut state, "user1@");
    press(&mut state, &["Enter"]);
    assert_eq!(state.panes.queue.marks.len(), 2);
    press(&mut state, &["u"]);
    assert_eq!(state.panes.queue.marks.len(), 0);
}

#[test]
fn a_range_marks_what_lies_between() {
    let mut state = nine();
    press(&mut state, &["Down", "v", "Down", "Down", "Up", "v", "G"]);
    let marks = &state.panes.queue.marks;
    assert_eq!(marks.len(), 2);
    assert!(marks.contains(&entry(7)) && marks.contains(&entry(6)));
}

#[test]
fn a_question_counts_what_the_filter_hides() {
    let mut state = nine();
    press(&mut state, &["*", "/"]);
    type_text(&mut state, "dom1");
    press(&mut state, &["Enter", "h"]);
    let question = question(&state);
    assert!(question.starts_with("hold 9 messages?"), "{question}");
    assert!(question.contains("6 of them are hidden"), "{question}");
    assert!(question.contains("postsuper -h - # 9 ids"), "{question}");
    assert!(question.contains("user8@sender.example"), "{question}");
}

#[test]
fn nothing_destructive_happens_on_one_key() {
    let mut state = nine();
    for keys in [&["d"][..], &["Enter"], &["d"], &["h"], &["y"]] {
        assert_eq!(acted(&press(&mut state, keys)), []);
    }
    let effects = press(&mut state, &["Enter"]);
    let oldest = vec!["user8@sender.example".to_owned()];
    assert_eq!(acted(&effects), [(Action::Delete, oldest)]);
    assert!(state.panes.queue.acting);
    press(&mut state, &["d"]);
    assert!(
        state.layers.is_empty(),
        "a second act while one is under way"
    );
}

#[test]
fn deleting_many_needs_their_number() {
    let mut state = nine();
    press(&mut state, &["z", "d"]);
    assert!(question(&state).contains("cannot be undone"));
    assert_eq!(acted(&press(&mut state, &["y", "Enter"])), []);
    assert_eq!(acted(&press(&mut state, &["9", "Enter"])), []);
    let effects = press(&mut state, &["3", "Enter"]);
    assert_eq!(acted(&effects)[0].1.len(), 3);
}

#[test]
fn no_action_key_fires_while_a_field_is_open() {
    let mut state = nine();
    press(&mut state, &["/"]);
    let effects = type_text(&mut state, "dhfRuq");
    assert_eq!(effects, []);
    assert_eq!(state.panes.queue.view.filter, "dhfRuq");
    assert!(matches!(state.layers.last(), Some(Layer::Prompt(_))));
    press(&mut state, &["Esc"]);
    assert_eq!(state.panes.queue.view.filter, "");
}

#[test]
fn rows_do_not_move_under_a_question() {
    let mut state = nine();
    press(&mut state, &["d"]);
    read(&mut state, vec![entry(30)]);
    assert_eq!(state.panes.queue.len(), 9);
    press(&mut state, &["Esc"]);
    assert_eq!(state.panes.queue.len(), 1);
}

#[test]
fn a_hold_is_undone_by_a_release_of_what_was_held() {
    let mut state = nine();
    press(&mut state, &["*", "h", "y", "Enter"]);
    let entries: Vec<Entry> = (0..2).map(entry).collect();
    let result = |n: i64, outcome| ActResult {
        id: entry(n).queue_id,
        outcome,
        detail: None,
    };
    let report = Report {
        results: vec![result(0, Outcome::Done), result(1, Outcome::Changed)],
        ..Report::default()
    };
    let answer = Answer::Acted {
        action: Action::Hold,
        entries,
        report,
    };
    let effects = update(&mut state, Message::Queue(answer));
    assert_eq!(effects, [Effect::Queue(Request::Read)]);
    let Some(Layer::Popup(popup)) = state.layers.last() else {
        panic!("a changed message is not told");
    };
    let told: String = popup.lines.iter().map(|(_, l)| l.as_str()).collect();
    assert!(told.contains("1 done, 1 changed"), "{told}");
    press(&mut state, &["Esc"]);
    let mut held = entry(0);
    held.queue_name = QueueName::Hold;
    read(&mut state, vec![held, entry(1)]);
    let effects = press(&mut state, &["U", "y", "Enter"]);
    assert_eq!(acted(&effects), [(Action::Release, vec![entry(0).sender])]);
}

#[test]
fn groups_count_and_open() {
    let mut state = nine();
    press(&mut state, &["z"]);
    let groups = &state.panes.queue.list.groups;
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().all(|g| g.count == 3));
    press(&mut state, &["Z", "z", "z"]);
    assert_eq!(state.panes.queue.view.group, Grouping::Cause);
    // One cause, whatever the addresses in it.
    assert_eq!(state.panes.queue.list.groups.len(), 1);
    press(&mut state, &["Enter"]);
    assert_eq!(state.panes.queue.len(), 9);
    press(&mut state, &["Esc"]);
    assert_eq!(state.panes.queue.view.group, Grouping::Cause);
}

#[test]
fn read_only_acts_on_nothing() {
    let mut state = nine();
    state.world.read_only = ReadOnly::Yes;
    for key in ["f", "F", "h", "H", "R", "d", "U"] {
        press(&mut state, &[key]);
        assert!(state.layers.is_empty(), "{key}");
        let toast = state.toast.clone().unwrap();
        assert!(toast.text.contains("--read-only"));
    }
}

#[test]
fn a_slow_queue_is_read_seldom() {
    let mut state = nine();
    let reading = Reading {
        listing: Err("no".to_owned()),
        took: 2.0,
        powerless: None,
    };
    update(&mut state, Message::Queue(Answer::Read(reading)));
    state.world.now += 19;
    assert_eq!(state.panes.queue.tick(&state.world), []);
    state.world.now += 2;
    let effects = state.panes.queue.tick(&state.world);
    assert_eq!(effects, [Effect::Queue(Request::Read)]);
    // What was read before stays.
    assert_eq!(state.panes.queue.len(), 9);
}
