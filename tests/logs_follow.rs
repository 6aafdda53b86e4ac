//! Following logs: through rotation, copytruncate and truncation, from a stored position, without losing
//! or doubling a line.

use crate::peers::{PATIENCE, wait_for};
use mailtop::logparse::source::{Flow, FollowOptions, Follower, Notice, Positions, Start, Watch};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A follower whose notices are collected.
struct Followed {
    _follower: Follower,
    notices: Receiver<Notice>,
    /// All lines, with the number of their log.
    lines: Vec<(usize, String)>,
    positions: Positions,
    caught_up: bool,
    problems: Vec<String>,
}

impl Followed {
    fn start(paths: &[&Path], options: &FollowOptions) -> Self {
        let (sender, notices) = channel();
        let follower = Follower::spawn(
            paths.iter().map(|p| p.to_path_buf()).collect(),
            options,
            move |notice| match sender.send(notice) {
                Ok(()) => Flow::Continue,
                Err(_) => Flow::Stop,
            },
        )
        .unwrap();
        Self {
            _follower: follower,
            notices,
            lines: Vec::new(),
            positions: options.positions.clone(),
            caught_up: false,
            problems: Vec::new(),
        }
    }

    fn from_beginning(path: &Path) -> Self {
        Self::start(
            &[path],
            &FollowOptions {
                start: Start::Beginning,
                ..FollowOptions::default()
            },
        )
    }

    /// Takes in what has come.
    fn take(&mut self) {
        while let Ok(notice) = self.notices.try_recv() {
            match notice {
                Notice::Lines(batch) => {
                    let text = String::from_utf8_lossy(&batch.lines).into_owned();
                    self.lines
                        .extend(text.lines().map(|l| (batch.source, l.to_owned())));
                    self.positions
                        .0
                        .insert(batch.path.to_path_buf(), batch.position);
                }
                Notice::CaughtUp => self.caught_up = true,
                Notice::Problem(error) => self.problems.push(error.to_string()),
            }
        }
    }

    /// Waits for so many lines, then makes sure that exactly these came.
    fn expect(&mut self, expected: &[&str]) {
        self.wait_for_lines(expected.len());
        let lines: Vec<&str> = self.lines.iter().map(|(_, l)| l.as_str()).collect();
        assert_eq!(lines, expected);
    }

    fn wait_for_lines(&mut self, count: usize) {
        let start = Instant::now();
        while self.lines.len() < count {
            self.take();
            assert!(
                start.elapsed() < PATIENCE,
                "{} of {count} lines came; the last ones: {:?}",
                self.lines.len(),
                self.lines.iter().rev().take(3).collect::<Vec<_>>()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn wait_until_caught_up(&mut self) {
        wait_for("the follower to catch up", || {
            self.take();
            self.caught_up.then_some(())
        });
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn log() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    (directory, path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[test]
fn new_lines_come_and_old_ones_do_not() {
    let (_directory, path) = log();
    append(&path, "old\n");
    let mut followed = Followed::start(&[&path], &FollowOptions::default());
    followed.wait_until_caught_up();
    append(&path, "new\n");
    followed.expect(&["new"]);
}

#[test]
fn a_partial_line_waits_for_its_end() {
    let (_directory, path) = log();
    append(&path, "one\ntw");
    let mut followed = Followed::from_beginning(&path);
    followed.wait_until_caught_up();
    followed.expect(&["one"]);
    append(&path, "o\nthree\n");
    followed.expect(&["one", "two", "three"]);
}

#[test]
fn a_log_that_is_missing_may_come_later() {
    let (_directory, path) = log();
    let mut followed = Followed::start(&[&path], &FollowOptions::default());
    followed.wait_until_caught_up();
    append(&path, "first\n");
    followed.expect(&["first"]);
}

#[test]
fn a_renamed_log_is_read_to_its_end() {
    let (_directory, path) = log();
    append(&path, "one\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one"]);
    // The writer still has the old file open when the new one is there.
    let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
    std::fs::rename(&path, beside(&path, ".1")).unwrap();
    File::create(&path).unwrap();
    writer.write_all(b"two, late\nhalf").unwrap();
    followed.expect(&["one", "two, late"]);
    append(&path, "three\n");
    followed.expect(&["one", "two, late", "half", "three"]);
}

#[test]
fn copytruncate_loses_nothing_that_was_copied() {
    let (_directory, path) = log();
    append(&path, "one\ntw");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one"]);
    // All of this before the follower can look: it finds the rest in the copy.
    let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
    writer.write_all(b"o\nthree\n").unwrap();
    std::fs::copy(&path, beside(&path, ".1")).unwrap();
    writer.set_len(0).unwrap();
    writer.write_all(b"four\n").unwrap();
    followed.expect(&["one", "two", "three", "four"]);
}

#[test]
fn a_truncated_log_begins_again() {
    let (_directory, path) = log();
    append(&path, "one\ntwo\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one", "two"]);
    let writer = OpenOptions::new().append(true).open(&path).unwrap();
    writer.set_len(0).unwrap();
    append(&path, "three\n");
    followed.expect(&["one", "two", "three"]);
}

#[test]
fn a_log_rewritten_to_more_than_before_begins_again() {
    let (_directory, path) = log();
    append(&path, "one\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one"]);
    // Same inode, longer than what was read: only its first bytes tell.
    let mut file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    file.write_all(b"another first line\nand a second\n")
        .unwrap();
    followed.expect(&["one", "another first line", "and a second"]);
}

#[test]
fn a_stored_position_goes_on_where_it_was() {
    let (directory, path) = log();
    append(&path, "one\ntwo\nhal");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one", "two"]);
    let store = directory.path().join("positions.json");
    followed.positions.save(&store).unwrap();
    drop(followed);
    append(&path, "f\nthree\n");
    let options = FollowOptions {
        positions: Positions::load(&store).unwrap(),
        ..FollowOptions::default()
    };
    let mut followed = Followed::start(&[&path], &options);
    followed.expect(&["half", "three"]);
}

#[test]
fn a_stored_position_finds_its_file_after_two_rotations() {
    let (_directory, path) = log();
    append(&path, "one\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one"]);
    let options = FollowOptions {
        positions: followed.positions.clone(),
        ..FollowOptions::default()
    };
    drop(followed);
    append(&path, "two\n");
    std::fs::rename(&path, beside(&path, ".2")).unwrap();
    append(&beside(&path, ".1"), "three\n");
    append(&path, "four\n");
    let older = std::time::SystemTime::now() - Duration::from_secs(100);
    File::options()
        .append(true)
        .open(beside(&path, ".2"))
        .unwrap()
        .set_modified(older)
        .unwrap();
    let mut followed = Followed::start(&[&path], &options);
    followed.expect(&["two", "three", "four"]);
}

#[test]
fn several_logs_are_followed_at_once() {
    let (directory, first) = log();
    let second = directory.path().join("other.log");
    append(&first, "a1\n");
    let mut followed = Followed::start(
        &[&first, &second],
        &FollowOptions {
            start: Start::Beginning,
            watch: Watch::Poll(Duration::from_millis(5)),
            ..FollowOptions::default()
        },
    );
    followed.wait_until_caught_up();
    append(&second, "b1\n");
    append(&first, "a2\n");
    followed.wait_for_lines(3);
    let of = |n: usize| {
        let lines = followed.lines.iter().filter(|(s, _)| *s == n);
        lines.map(|(_, l)| l.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((of(0), of(1)), (vec!["a1", "a2"], vec!["b1"]));
}

#[test]
fn a_log_that_cannot_be_read_is_an_error_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let error = Follower::spawn(
        vec![directory.path().to_owned()],
        &FollowOptions::default(),
        |_| Flow::Continue,
    )
    .unwrap_err();
    assert!(error.to_string().contains("is a directory"), "{error}");
}

/// How the busy log of the next test is rotated.
#[derive(Clone, Copy)]
enum Rotation {
    /// `mail.log` becomes `mail.log.1`, and so on; a new file is made.
    Rename,
    /// `mail.log` is copied to `mail.log.1` and emptied.
    CopyTruncate,
}

/// Writes numbered lines while rotating, and checks that each comes once and in order.
fn busy(rotation: Rotation, watch: Watch) {
    const LINES: usize = 20_000;
    const ROTATE_EVERY: usize = 1_500;
    let (_directory, path) = log();
    let mut followed = Followed::start(
        &[&path],
        &FollowOptions {
            start: Start::Beginning,
            watch,
            ..FollowOptions::default()
        },
    );
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let open = || {
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&path)
                    .unwrap()
            };
            let mut file = open();
            for number in 0..LINES {
                // In two writes, so that partial lines are seen; told apart from their first byte, as
                // stamps tell the generations of real logs apart.
                let start = format!("{number} mx postfix/smtpd[1]: ");
                file.write_all(start.as_bytes()).unwrap();
                file.write_all(b"connect from unknown[192.0.2.1]\n")
                    .unwrap();
                if number % ROTATE_EVERY == ROTATE_EVERY - 1 {
                    for old in (1..20).rev() {
                        let from = beside(&path, &format!(".{old}"));
                        if from.exists() {
                            std::fs::rename(from, beside(&path, &format!(".{}", old + 1))).unwrap();
                        }
                    }
                    match rotation {
                        Rotation::Rename => {
                            std::fs::rename(&path, beside(&path, ".1")).unwrap();
                            file = open();
                        }
                        Rotation::CopyTruncate => {
                            std::fs::copy(&path, beside(&path, ".1")).unwrap();
                            file.set_len(0).unwrap();
                        }
                    }
                }
            }
        }
    });
    writer.join().unwrap();
    followed.wait_for_lines(LINES);
    followed.take();
    let numbers: Vec<usize> = followed
        .lines
        .iter()
        .map(|(_, line)| {
            let number = line.strip_suffix(" mx postfix/smtpd[1]: connect from unknown[192.0.2.1]");
            let number = number.and_then(|n| n.parse().ok());
            number.unwrap_or_else(|| panic!("a broken line: {line:?}"))
        })
        .collect();
    let wrong = numbers.iter().enumerate().find(|(i, n)| i != *n);
    assert_eq!(wrong, None, "a line was lost, doubled or out of order");
    assert_eq!(numbers.len(), LINES);
}

#[test]
fn no_line_is_lost_or_doubled_across_renames() {
    busy(Rotation::Rename, Watch::Notify);
}

#[test]
fn no_line_is_lost_or_doubled_across_renames_when_polling() {
    busy(Rotation::Rename, Watch::Poll(Duration::from_millis(7)));
}

#[test]
fn no_line_is_lost_or_doubled_across_copies_and_truncations() {
    busy(Rotation::CopyTruncate, Watch::Notify);
}
