//! What happens between two looks at a log.

use super::*;
use crate::logparse::source::Flow;
use std::io::Write as _;

fn append(path: &Path, text: &str) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// As logrotate's copytruncate does it: older copies are renamed, the log is copied and emptied.
fn copy_and_truncate(path: &Path) {
    let copy = |number: u32| path.with_extension(format!("log.{number}"));
    for number in (1..5).rev().filter(|number| copy(*number).exists()) {
        std::fs::rename(copy(number), copy(number + 1)).unwrap();
    }
    std::fs::copy(path, copy(1)).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(0)
        .unwrap();
}

fn look(tail: &mut Tail) -> String {
    let mut text = Vec::new();
    let flow = tail.scan(&mut |batch: Batch| {
        text.extend(batch.lines);
        Flow::Continue
    });
    assert_eq!(flow.unwrap(), Flow::Continue);
    String::from_utf8(text).unwrap()
}

#[test]
fn what_came_and_went_after_a_look_at_an_empty_log_is_in_its_copies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    append(&path, "one\n");
    let mut tail = Tail::open(0, path.clone(), Begin::Front, None).unwrap();
    assert_eq!(look(&mut tail), "one\n");
    copy_and_truncate(&path);
    assert_eq!(look(&mut tail), "");
    for text in ["two\n", "three\n"] {
        append(&path, text);
        copy_and_truncate(&path);
    }
    append(&path, "four\n");
    assert_eq!(look(&mut tail), "two\nthree\nfour\n");
    copy_and_truncate(&path);
    append(&path, "five\n");
    assert_eq!(look(&mut tail), "five\n");
}

#[test]
fn what_came_and_went_in_a_log_that_was_empty_at_the_start_is_in_its_copies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    append(&path.with_extension("log.1"), "of yesterday\n");
    append(&path, "");
    let mut tail = Tail::open(0, path.clone(), Begin::End, None).unwrap();
    assert_eq!(look(&mut tail), "");
    append(&path, "one\n");
    copy_and_truncate(&path);
    append(&path, "two\n");
    assert_eq!(look(&mut tail), "one\ntwo\n");
}
