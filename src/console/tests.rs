//! What messages change: keys, layers, the way back, answers that come late, lists that move.

use super::feed::{Batch, News, Request, Where};
use super::log::{Follow, MAX_LINES};
use super::message::{Effect, Message};
use super::screen::Screen;
use super::seed::{self, empty, feed, filled, press, type_text};
use super::update::update;

#[test]
fn letters_are_text_while_a_field_is_open() {
    let mut state = filled((80, 24));
    press(&mut state, &["2", "/"]);
    assert!(
        type_text(&mut state, "qp1dR")
            .iter()
            .all(|e| *e != Effect::Quit)
    );
    assert_eq!(state.screen, Screen::Log);
    assert_eq!(state.panes.log.view.filter, "qp1dR");
    assert_eq!(state.panes.log.view.follow, Follow::Newest);
    // Esc brings back what was there before.
    press(&mut state, &["Esc"]);
    assert!(state.layers.is_empty() && state.panes.log.view.filter.is_empty());
}

#[test]
fn pop_ups_keep_keys_from_the_screen_below() {
    let mut state = filled((80, 24));
    press(&mut state, &["2", "?", "p", "3"]);
    assert_eq!(state.screen, Screen::Log);
    assert_eq!(state.panes.log.view.follow, Follow::Newest);
    press(&mut state, &["?"]);
    assert!(state.layers.is_empty());
    assert_eq!(press(&mut state, &["q"]), [Effect::Quit]);
}

#[test]
fn control_c_closes_a_layer_first_and_then_quits() {
    let mut state = filled((80, 24));
    press(&mut state, &["2", "/"]);
    assert!(!press(&mut state, &["Ctrl-C"]).contains(&Effect::Quit));
    assert!(state.layers.is_empty());
    assert_eq!(press(&mut state, &["Ctrl-C"]), [Effect::Quit]);
}

#[test]
fn pasted_text_never_acts() {
    let mut state = filled((80, 24));
    press(&mut state, &["2"]);
    let effects = update(&mut state, Message::Paste("q2d\n".to_owned()));
    assert!(effects.is_empty() && state.toast.is_some());
    press(&mut state, &["/"]);
    update(&mut state, Message::Paste("stat\u{1b}us".to_owned()));
    assert_eq!(state.panes.log.view.filter, "status");
}

#[test]
fn escape_leads_back_the_way_one_came() {
    let mut state = filled((80, 24));
    press(&mut state, &["2", "/"]);
    type_text(&mut state, "deferred");
    press(&mut state, &["Enter", "Up", "Enter"]);
    assert_eq!(state.screen, Screen::Messages);
    let id = "4jXMkR1TwwznJhs";
    assert_eq!(state.panes.messages.view.open.as_deref(), Some(id));
    feed(&mut state, News::Life(Box::new(seed::life())));
    press(&mut state, &["r"]);
    assert_eq!(state.screen, Screen::Rejects);
    let effects = press(&mut state, &["Esc"]);
    assert_eq!(state.panes.messages.view.open.as_deref(), Some(id));
    let life = Effect::Feed(Request::Life {
        queue_id: id.to_owned(),
    });
    assert!(effects.contains(&life), "{effects:?}");
    press(&mut state, &["Esc"]);
    assert_eq!(state.screen, Screen::Log);
    assert_eq!(state.panes.log.view.filter, "deferred");
    press(&mut state, &["Esc", "Esc", "Esc"]);
    assert_eq!(state.screen, Screen::Overview);
    assert!(state.toast.is_some());
}

#[test]
fn a_pivot_without_its_subject_says_so() {
    let mut state = filled((80, 24));
    press(&mut state, &["t"]);
    assert_eq!(state.screen, Screen::Overview);
    assert!(state.toast.as_ref().unwrap().text.contains("queue id"));
}

#[test]
fn a_late_answer_to_an_old_question_is_dropped() {
    let mut state = filled((80, 24));
    press(&mut state, &["3", "/"]);
    type_text(&mut state, "bob");
    feed(&mut state, News::Found(seed::found(1)));
    let before = state.panes.messages.found.rows.len();
    let mut late = seed::found(2);
    late.rows.clear();
    feed(&mut state, News::Found(late));
    assert_eq!(state.panes.messages.found.rows.len(), before);
}

#[test]
fn the_cursor_stays_with_its_message_when_the_list_moves() {
    let mut state = filled((80, 24));
    press(&mut state, &["3"]);
    feed(&mut state, News::Found(seed::found(2)));
    press(&mut state, &["Down"]);
    let id = |state: &super::state::State| state.panes.messages.chosen().unwrap().queue_id.clone();
    let chosen = id(&state);
    let mut newer = seed::found(2);
    newer.rows[0].time += 500;
    let mut another = newer.rows[0].clone();
    another.queue_id = "4jXMkR1TwwznJhz".to_owned();
    newer.rows.push(another);
    feed(&mut state, News::Found(newer));
    assert_eq!(id(&state), chosen);
    press(&mut state, &["s", "s"]);
    assert_eq!(id(&state), chosen);
}

#[test]
fn a_paused_log_stays_on_its_line_and_the_ring_is_bounded() {
    let mut state = empty((80, 24));
    let batch = |count, place| {
        News::Lines(Batch {
            lines: seed::lines(count),
            place,
        })
    };
    feed(&mut state, batch(100, Where::After));
    press(&mut state, &["2", "Up", "Up"]);
    let at = state.panes.log.view.at;
    feed(&mut state, batch(50, Where::After));
    feed(&mut state, batch(70, Where::Before));
    assert_eq!(state.panes.log.view.at, at);
    assert_eq!(state.panes.log.behind(), 52);
    assert_eq!(state.panes.log.kept(), 220);
    for _ in 0..60 {
        feed(&mut state, batch(1_000, Where::After));
    }
    assert!(state.panes.log.kept() <= MAX_LINES);
    press(&mut state, &["G"]);
    assert_eq!(state.panes.log.view.follow, Follow::Newest);
    assert_eq!(state.panes.log.behind(), 0);
}

#[test]
fn a_filter_is_worked_off_in_slices_and_finds_history_too() {
    let mut state = empty((80, 24));
    let lines = seed::lines(9_000);
    let wanted = lines
        .iter()
        .filter(|l| l.text.windows(8).any(|w| w == b"deferred"))
        .count();
    feed(
        &mut state,
        News::Lines(Batch {
            lines,
            place: Where::After,
        }),
    );
    press(&mut state, &["2", "/"]);
    let mut effects = type_text(&mut state, "deferred");
    assert!(effects.contains(&Effect::Again) && state.panes.log.scanning());
    while effects.contains(&Effect::Again) {
        effects = update(&mut state, Message::Again);
    }
    assert_eq!(state.panes.log.len(), wanted);
    let lines = seed::lines(90);
    effects = feed(
        &mut state,
        News::Lines(Batch {
            lines,
            place: Where::Before,
        }),
    );
    while effects.contains(&Effect::Again) {
        effects = update(&mut state, Message::Again);
    }
    assert_eq!(state.panes.log.len(), wanted + 10);
}

#[test]
fn groupings_go_round_and_drilling_narrows() {
    let mut state = filled((80, 24));
    press(&mut state, &["4"]);
    let first = state.panes.rejects.view.query.by;
    for _ in 0..seed::GROUPINGS {
        press(&mut state, &["z"]);
    }
    assert_eq!(state.panes.rejects.view.query.by, first);
    feed(
        &mut state,
        News::Rejects(seed::rejects(2 + seed::GROUPINGS as u64)),
    );
    let effects = press(&mut state, &["Enter"]);
    let asked = effects.iter().any(
        |e| matches!(e, Effect::Feed(Request::Rejects { query, .. }) if query.within.len() == 1),
    );
    assert!(asked, "{effects:?}");
    press(&mut state, &["Esc"]);
    assert!(state.panes.rejects.view.query.within.is_empty());
}

#[test]
fn the_palette_does_what_its_line_says() {
    let mut state = filled((80, 24));
    press(&mut state, &[":"]);
    type_text(&mut state, "rejects");
    press(&mut state, &["Enter"]);
    assert_eq!(state.screen, Screen::Rejects);
    assert!(state.layers.is_empty());
}

#[test]
fn next_match_goes_through_what_the_filter_lets_through() {
    let mut state = seed::filled((80, 24));
    press(&mut state, &["2", "n"]);
    assert!(state.toast.is_some());
    press(&mut state, &["/"]);
    seed::type_text(&mut state, "status=");
    press(&mut state, &["Enter", "g"]);
    let first = state.panes.log.cursor.row;
    press(&mut state, &["n", "n", "N"]);
    assert_eq!(state.panes.log.cursor.row, first + 1);
    assert!(state.toast.is_none());
}
