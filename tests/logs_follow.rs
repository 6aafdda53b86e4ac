//! Following logs: through rotation, copytruncate and truncation, from a stored position, without losing
//! or doubling a line.

use crate::peers::{PATIENCE, wait_for};
use mailtop::logparse::source::{Flow, FollowOptions, Follower, Notice, Positions, Start, Watch};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

#[test]
fn a_log_behind_a_link_is_followed_through_its_rotation() {
    let (_directory, target) = log();
    let (_elsewhere, link) = log();
    append(&target, "one\n");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut followed = Followed::from_beginning(&link);
    followed.expect(&["one"]);
    append(&target, "two\n");
    followed.expect(&["one", "two"]);
    std::fs::rename(&target, beside(&target, ".1")).unwrap();
    append(&target, "three\n");
    followed.expect(&["one", "two", "three"]);
}

#[test]
fn a_directory_that_is_removed_and_made_anew_goes_on() {
    let (directory, _) = log();
    let inner = directory.path().join("log");
    let path = inner.join("mail.log");
    std::fs::create_dir(&inner).unwrap();
    append(&path, "one\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["one"]);
    std::fs::remove_dir_all(&inner).unwrap();
    std::fs::create_dir(&inner).unwrap();
    append(&path, "two\n");
    followed.expect(&["one", "two"]);
    append(&path, "three\n");
    followed.expect(&["one", "two", "three"]);
}

#[test]
fn several_rotations_at_once_lose_nothing() {
    let (_directory, path) = log();
    append(&path, "one\n");
    let mut followed = Followed::start(
        &[&path],
        &FollowOptions {
            start: Start::Beginning,
            // Looked at by hand, so that all of it is there at the next look.
            watch: Watch::Poll(Duration::from_millis(500)),
            ..FollowOptions::default()
        },
    );
    followed.expect(&["one"]);
    append(&path, "two\n");
    let rotate = || {
        for old in (1..5).rev() {
            let from = beside(&path, &format!(".{old}"));
            if from.exists() {
                std::fs::rename(from, beside(&path, &format!(".{}", old + 1))).unwrap();
            }
        }
        std::fs::rename(&path, beside(&path, ".1")).unwrap();
    };
    rotate();
    append(&path, "three\n");
    rotate();
    append(&path, "four\n");
    rotate();
    append(&path, "five\n");
    followed.expect(&["one", "two", "three", "four", "five"]);
}

#[test]
fn a_log_rewritten_to_the_same_size_begins_again() {
    let (_directory, path) = log();
    append(&path, "08:00 one\n");
    let mut followed = Followed::from_beginning(&path);
    followed.expect(&["08:00 one"]);
    std::fs::write(&path, "09:00 two\n").unwrap();
    followed.expect(&["08:00 one", "09:00 two"]);
}

/// How a busy log is rotated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotation {
    /// `mail.log` becomes `mail.log.1`, and so on; a new file is made.
    Rename,
    /// `mail.log` is copied to `mail.log.1` and emptied.
    CopyTruncate,
    /// `mail.log` is emptied, and what was in it is gone: only what was read before can be expected.
    Truncate,
}

/// How a busy log is written.
#[derive(Clone, Copy)]
struct Pace {
    lines: usize,
    rotate_every: usize,
    /// Bytes of one write(2): lines are cut wherever it ends.
    write: usize,
}

/// A line in two writes, so that partial lines are seen.
const CAREFUL: Pace = Pace {
    lines: 20_000,
    rotate_every: 1_500,
    write: 40,
};

/// As a program writes that has much to say: blocks, as fast as they go.
const FLOOD: Pace = Pace {
    lines: 400_000,
    rotate_every: 20_000,
    write: 8_192,
};

const TEXT: &str = " mx postfix/smtpd[1]: connect from unknown[192.0.2.1]";

/// Writes numbered lines as fast as it goes while rotating; `read` is how many were read.
fn write_busily(path: &Path, rotation: Rotation, pace: Pace, read: &AtomicUsize) {
    let open = || {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
    };
    let mut file = open();
    let mut pending = Vec::new();
    for number in 0..pace.lines {
        // Told apart from their first byte, as stamps tell the generations of real logs apart.
        pending.extend(format!("{number}{TEXT}\n").bytes());
        let rotates = number % pace.rotate_every == pace.rotate_every - 1;
        while pending.len() >= pace.write || (rotates && !pending.is_empty()) {
            let rest = pending.split_off(pending.len().min(pace.write));
            file.write_all(&std::mem::replace(&mut pending, rest))
                .unwrap();
        }
        if !rotates {
            continue;
        }
        if rotation == Rotation::Truncate {
            wait_for("the reader", || {
                (read.load(Ordering::SeqCst) == number + 1).then_some(())
            });
            file.set_len(0).unwrap();
            continue;
        }
        for old in (1..=pace.lines / pace.rotate_every).rev() {
            let from = beside(path, &format!(".{old}"));
            if from.exists() {
                std::fs::rename(from, beside(path, &format!(".{}", old + 1))).unwrap();
            }
        }
        if rotation == Rotation::Rename {
            std::fs::rename(path, beside(path, ".1")).unwrap();
            file = open();
        } else {
            std::fs::copy(path, beside(path, ".1")).unwrap();
            file.set_len(0).unwrap();
        }
    }
    file.write_all(&pending).unwrap();
}

/// Checks that each line of a busy log comes once and in order.
fn busy(rotation: Rotation, watch: Watch, pace: Pace) {
    let (_directory, path) = log();
    let mut followed = Followed::start(
        &[&path],
        &FollowOptions {
            start: Start::Beginning,
            watch,
            ..FollowOptions::default()
        },
    );
    let read = Arc::new(AtomicUsize::new(0));
    let writer = std::thread::spawn({
        let (path, read) = (path.clone(), Arc::clone(&read));
        move || write_busily(&path, rotation, pace, &read)
    });
    let start = Instant::now();
    while followed.lines.len() < pace.lines {
        followed.take();
        read.store(followed.lines.len(), Ordering::SeqCst);
        assert!(
            start.elapsed() < 2 * PATIENCE,
            "{} of {} lines came; the last one: {:?}",
            followed.lines.len(),
            pace.lines,
            followed.lines.last()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    writer.join().unwrap();
    followed.take();
    let wrong = followed.lines.iter().enumerate().find(|(at, (_, line))| {
        line.strip_suffix(TEXT)
            .and_then(|number| number.parse().ok())
            != Some(*at)
    });
    assert_eq!(
        wrong, None,
        "a line was lost, doubled, broken or out of order"
    );
    assert_eq!(followed.lines.len(), pace.lines);
    assert!(followed.problems.is_empty(), "{:?}", followed.problems);
}

#[test]
fn no_line_is_lost_or_doubled_across_renames() {
    busy(Rotation::Rename, Watch::Notify, CAREFUL);
}

#[test]
fn no_line_is_lost_or_doubled_across_renames_when_polling() {
    let watch = Watch::Poll(Duration::from_millis(7));
    busy(Rotation::Rename, watch, CAREFUL);
}

#[test]
fn no_line_is_lost_or_doubled_across_copies_and_truncations() {
    busy(Rotation::CopyTruncate, Watch::Notify, CAREFUL);
}

#[test]
fn no_line_of_a_flood_is_lost_across_renames() {
    busy(Rotation::Rename, Watch::Notify, FLOOD);
}

#[test]
fn no_line_of_a_flood_is_lost_across_copies_and_truncations() {
    busy(Rotation::CopyTruncate, Watch::Notify, FLOOD);
}

#[test]
fn no_line_of_a_flood_is_lost_across_truncations() {
    busy(Rotation::Truncate, Watch::Notify, FLOOD);
}
