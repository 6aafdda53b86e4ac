//! The console's acting screens in a pseudo-terminal, on a real Postfix and a real block list server.

use crate::console::Tty;
use crate::peers::mailtop;
use crate::peers::postfix::Postfix;
use crate::peers::rbldnsd::{Rbldnsd, Zone};
use crate::peers::smtp::smtp_source;
use portable_pty::CommandBuilder;
use std::path::Path;

/// Port 1 refuses every connection: what is sent stays in the deferred queue.
const DEFERRED: &str = "default_transport = smtp:[127.0.0.1]:1\nrelayhost =\n";

fn console(home: &Path, arguments: &[&str]) -> Tty {
    let mut command = CommandBuilder::new(mailtop().get_program());
    command.args(arguments);
    command.cwd(home);
    command.env("HOME", home);
    command.env("XDG_CONFIG_HOME", home);
    command.env("XDG_STATE_HOME", home);
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    for name in ["LC_ALL", "LC_CTYPE", "MAILTOP_THEME", "TMUX"] {
        command.env_remove(name);
    }
    Tty::open(160, 40, command)
}

/// A Postfix with deferred mail from ann, ben and cat, and the console on its queue.
fn with_three() -> (Postfix, Tty, tempfile::TempDir) {
    let postfix = Postfix::start(DEFERRED);
    for name in ["ann", "ben", "cat"] {
        let (from, to) = (format!("{name}@from.test"), format!("{name}@to.test"));
        smtp_source(postfix.port, &["-f", &from, "-t", &to]);
    }
    postfix.wait_all_in("deferred", 3);
    let home = tempfile::tempdir().unwrap();
    let config = postfix.config_dir();
    let mut tty = console(home.path(), &["--config-dir", config.to_str().unwrap()]);
    tty.sees("Overview");
    tty.press("5");
    tty.sees("3 messages");
    (postfix, tty, home)
}

fn leave(mut tty: Tty) {
    tty.press("q");
    assert!(tty.ends().0);
}

#[test]
fn a_hold_by_keys_changes_the_real_queue_and_is_undone() {
    let (postfix, mut tty, home) = with_three();
    let screen = tty.sees("ben@from.test");
    assert!(screen.contains("Connection refused"), "{screen}");
    tty.press("/ben@\r");
    tty.sees("1 of 3");
    tty.press("h");
    tty.sees("hold 1 message?");
    // Neither Enter nor the key that asked acts.
    tty.press("\rhy");
    tty.sees("Enter hold");
    tty.press("\r");
    tty.sees("hold: 1 done");
    postfix.wait_queue("ben on hold", |list| {
        list.iter()
            .all(|e| (e["queue_name"] == "hold") == (e["sender"] == "ben@from.test"))
    });
    tty.sees("!hold");
    tty.press("U");
    tty.sees("release 1 message?");
    tty.press("y\r");
    tty.sees("release: 1 done");
    postfix.wait_queue("nothing on hold", |list| {
        list.iter().all(|e| e["queue_name"] != "hold")
    });
    let audit = std::fs::read_to_string(home.path().join("mailtop/audit.log")).unwrap();
    assert_eq!(audit.lines().count(), 2, "{audit}");
    leave(tty);
}

#[test]
fn a_guarded_delete_removes_exactly_what_was_marked() {
    let (postfix, mut tty, _home) = with_three();
    tty.press("/cat@\r");
    tty.sees("1 of 3");
    tty.press(" /\u{15}\r");
    tty.sees("3 messages");
    tty.sees("1 marked");
    tty.press("d");
    let question = tty.sees("delete 1 message?");
    assert!(question.contains("cannot be undone"), "{question}");
    assert!(question.contains("cat@from.test (1)"), "{question}");
    assert!(question.contains("postsuper"), "{question}");
    tty.press("d\r");
    assert_eq!(postfix.postqueue().len(), 3);
    tty.press("y\r");
    tty.sees("delete: 1 done");
    let left = postfix.wait_queue("two messages", |list| list.len() == 2);
    assert!(left.iter().all(|e| e["sender"] != "cat@from.test"));
    tty.sees("2 messages");
    leave(tty);
}

#[test]
fn a_message_opens_with_its_text() {
    let (_postfix, mut tty, _home) = with_three();
    tty.press("/ann@\r");
    tty.sees("1 of 3");
    tty.press("\r");
    let screen = tty.sees("From: <ann@from.test>");
    assert!(screen.contains("Received:"), "{screen}");
    tty.press("\u{1b}");
    tty.sees("1 of 3");
    leave(tty);
}

#[test]
fn block_lists_of_the_settings_are_asked() {
    let rbldnsd = Rbldnsd::start(&[Zone {
        name: "bl.test",
        kind: "ip4set",
        data: ":127.0.0.2:see https://bl.test/\n127.0.0.2\n192.0.2.9\n",
    }]);
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("settings.toml");
    let text = format!(
        "[rbl]\nresolver = \"{}\"\nlists = [\"bl.test\"]\n",
        rbldnsd.address
    );
    std::fs::write(&settings, text).unwrap();
    let log = home.path().join("mail.log");
    std::fs::write(&log, "").unwrap();
    let mut tty = console(
        home.path(),
        &[
            "--log",
            log.to_str().unwrap(),
            "--settings",
            settings.to_str().unwrap(),
        ],
    );
    tty.sees("Overview");
    tty.press("6i192.0.2.9\r");
    let screen = tty.sees("listed 1");
    assert!(screen.contains("see https://bl.test/"), "{screen}");
    tty.press("i192.0.2.10\r");
    let screen = tty.sees("the target is not on this list");
    assert!(screen.contains("listed 0"), "{screen}");
    leave(tty);
}
