//! Following a log: how long from an append to the batch that has it, and how many lines a second go through
//! rotations of each kind. `cargo bench --bench follow`; it counts every line and fails when one is missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench fails by panicking"
)]

use mailtop::logparse::source::{Flow, FollowOptions, Follower, Notice, Start};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Appends whose way is timed.
const APPENDS: usize = 3_000;
/// Lines of a flood, and of one generation of the log.
const LINES: u64 = 2_000_000;
const GENERATION: u64 = 100_000;

/// As long as the average line of Postfix.
const LINE: &[u8] =
    b"2026-11-22T08:48:35.123456+00:00 mx postfix/smtp[331]: 4Y1abc2def3z5: to=<someone@example.org>, \
      relay=mx.example.org[192.0.2.1]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, status=sent (250 ok)\n";

fn main() {
    println!("append to batch    {}", latency());
    for (name, rotate) in [
        ("rename", rename as fn(&Path, File, &AtomicU64, u64) -> File),
        ("copytruncate", copytruncate),
        ("truncate", truncate),
    ] {
        println!("{name:<18} {:>9.0} lines/s, none lost", flood(rotate));
    }
}

/// The times from an append to the batch that has it.
fn latency() -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    let mut file = append_to(&path);
    let (sender, came) = channel();
    let _follower = follow(path, move |lines| {
        for _ in 0..lines {
            sender.send(Instant::now()).unwrap();
        }
    });
    let mut times: Vec<Duration> = (0..APPENDS)
        .map(|_| {
            let start = Instant::now();
            file.write_all(LINE).unwrap();
            let arrived = next(&came);
            // Not in step with the follower's own habits.
            std::thread::sleep(Duration::from_micros(700));
            arrived.duration_since(start)
        })
        .collect();
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e3;
    let worst = times[times.len() - 1].as_secs_f64() * 1e3;
    format!(
        "p50 {:.3} ms, p95 {:.3} ms, p99 {:.3} ms, worst {worst:.3} ms",
        at(50),
        at(95),
        at(99)
    )
}

fn next(came: &Receiver<Instant>) -> Instant {
    came.recv_timeout(Duration::from_secs(30))
        .expect("the line came")
}

/// Lines a second of a writer that writes as fast as it can, until the last one has come.
fn flood(rotate: fn(&Path, File, &AtomicU64, u64) -> File) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    let mut file = append_to(&path);
    let count = Arc::new(AtomicU64::new(0));
    let _follower = follow(path.clone(), {
        let count = Arc::clone(&count);
        move |lines| {
            count.fetch_add(lines, Ordering::SeqCst);
        }
    });
    // A program writes some lines at once when it has many.
    let block = LINE.repeat(50);
    let start = Instant::now();
    let mut written = 0;
    while written < LINES {
        // The beginning tells the generations apart, as stamps do.
        let mut first = format!("{written} ").into_bytes();
        first.extend_from_slice(LINE);
        file.write_all(&first).unwrap();
        written += 1;
        while !written.is_multiple_of(GENERATION) {
            let lines = (GENERATION - written % GENERATION).min(50);
            let bytes = usize::try_from(lines).unwrap() * LINE.len();
            file.write_all(&block[..bytes]).unwrap();
            written += lines;
        }
        if written < LINES {
            file = rotate(&path, file, &count, written);
        }
    }
    while count.load(Ordering::SeqCst) < LINES {
        assert!(
            start.elapsed() < Duration::from_mins(2),
            "{} of {LINES} lines came",
            count.load(Ordering::SeqCst)
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let seconds = start.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(count.load(Ordering::SeqCst), LINES, "a line came twice");
    LINES as f64 / seconds
}

fn follow(path: PathBuf, mut lines: impl FnMut(u64) + Send + 'static) -> Follower {
    let options = FollowOptions {
        start: Start::Beginning,
        ..FollowOptions::default()
    };
    Follower::spawn(vec![path], &options, move |notice| {
        if let Notice::Lines(batch) = notice {
            lines(memchr::memchr_iter(b'\n', &batch.lines).count() as u64);
        }
        Flow::Continue
    })
    .unwrap()
}

fn append_to(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

fn rotated(path: &Path, number: u64) -> PathBuf {
    path.with_extension(format!("log.{number}"))
}

fn shift(path: &Path) {
    for old in (1..=LINES / GENERATION).rev() {
        if rotated(path, old).exists() {
            std::fs::rename(rotated(path, old), rotated(path, old + 1)).unwrap();
        }
    }
}

fn rename(path: &Path, _: File, _: &AtomicU64, _: u64) -> File {
    shift(path);
    std::fs::rename(path, rotated(path, 1)).unwrap();
    append_to(path)
}

fn copytruncate(path: &Path, file: File, _: &AtomicU64, _: u64) -> File {
    shift(path);
    std::fs::copy(path, rotated(path, 1)).unwrap();
    file.set_len(0).unwrap();
    file
}

/// What is truncated away is gone, so the writer waits until it was read.
fn truncate(_: &Path, file: File, read: &AtomicU64, written: u64) -> File {
    while read.load(Ordering::SeqCst) < written {
        std::thread::yield_now();
    }
    file.set_len(0).unwrap();
    file
}
