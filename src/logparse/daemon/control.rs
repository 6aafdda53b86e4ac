//! postfix(1), postfix-script, post-install and postlogd(8): the administrator's commands.

use super::super::event::Event;

/// How lines about the mail system as a whole begin (conf/postfix-script).
const LINES: &[&[u8]] = &[
    b"starting the Postfix mail system",
    b"stopping the Postfix mail system",
    b"refreshing the Postfix mail system",
    b"aborting the Postfix mail system",
    b"the Postfix mail system is ",
    b"waiting for the Postfix mail system to terminate",
    b"stopping the remaining Postfix processes",
    b"attempting to start ",
    b"rotating log ",
    b"fixing ",
    b"creating ",
    b"updating ",
    b"set file ",
    b"Postfix is running with backwards-compatible default settings",
    b"Postfix is using backwards-compatible default settings",
    b"See http://www.postfix.org/COMPATIBILITY_README.html",
    b"See https://www.postfix.org/COMPATIBILITY_README.html",
    b"To disable backwards compatibility use ",
];

/// Reads a line of the control commands.
pub fn read(text: &[u8]) -> Option<Event<'_>> {
    LINES
        .iter()
        .any(|line| text.starts_with(line))
        .then_some(Event::Lifecycle(text))
}
