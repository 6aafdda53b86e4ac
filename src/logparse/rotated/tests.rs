//! Directories as logrotate, newsyslog and administrators leave them.

use super::*;
use std::io::Write as _;
use std::time::Duration;

/// 2026-11-15T00:00:00Z; days are counted from here.
const DAY0: i64 = 1_794_700_800;

fn day(n: i64) -> i64 {
    (DAY0 + n * 86_400) * 1_000_000
}

/// A day's lines, one an hour from midnight.
fn lines(n: i64) -> String {
    let lines: Vec<String> = (0..24)
        .map(|hour| {
            let stamp = chrono::DateTime::from_timestamp(DAY0 + n * 86_400 + hour * 3_600, 0);
            let stamp = stamp.unwrap().format("%Y-%m-%dT%H:%M:%S+00:00");
            format!("{stamp} mx postfix/qmgr[{n}]: A{hour}0C0FFEE: removed\n")
        })
        .collect();
    lines.concat()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn live(&self) -> PathBuf {
        self.0.path().join("mail.log")
    }

    /// Writes a file that was last written at the end of day `n`.
    fn write(&self, name: &str, content: impl AsRef<[u8]>, n: i64) {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        let seconds = u64::try_from(day(n + 1) / 1_000_000).unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    }

    fn names(&self, since: Option<i64>, until: Option<i64>) -> Vec<String> {
        let found = logs_for(&self.live(), since, until).unwrap();
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found.inputs.iter().map(name).collect()
    }

    /// A week: day 4 live, day 3 plain, the others compressed.
    fn week() -> Self {
        let dir = Self::new();
        dir.write("mail.log", lines(4), 4);
        dir.write("mail.log.1", lines(3), 3);
        dir.write("mail.log.2.gz", gzip(lines(2).as_bytes()), 2);
        dir.write(
            "mail.log.3.zst",
            zstd::encode_all(lines(1).as_bytes(), 1).unwrap(),
            1,
        );
        dir.write("mail.log.4.gz", gzip(lines(0).as_bytes()), 0);
        dir.write("mail.err.1", lines(3), 3);
        dir
    }
}

fn name(input: &Input) -> String {
    let name = input.path().file_name().unwrap();
    name.to_str().unwrap().to_owned()
}

const HOUR: i64 = 3_600 * 1_000_000;

#[test]
fn a_period_takes_the_files_that_it_needs_and_no_others() {
    let dir = Dir::week();
    assert_eq!(dir.names(None, None), ["mail.log"]);
    assert_eq!(dir.names(Some(day(4) + 2 * HOUR), None), ["mail.log"]);
    // The hour before midnight may hold late lines.
    assert_eq!(dir.names(Some(day(4)), None), ["mail.log.1", "mail.log"]);
    assert_eq!(
        dir.names(Some(day(2) + 2 * HOUR), Some(day(3))),
        ["mail.log.2.gz"]
    );
    assert_eq!(
        dir.names(Some(day(1) + 5 * HOUR), Some(day(3) + HOUR)),
        ["mail.log.3.zst", "mail.log.2.gz", "mail.log.1"]
    );
    assert_eq!(
        dir.names(None, Some(day(2))),
        ["mail.log.4.gz", "mail.log.3.zst"]
    );
    assert_eq!(dir.names(Some(day(-9)), None).len(), 5);
    // Nothing was logged then.
    assert_eq!(dir.names(Some(day(-9)), Some(day(-8))), ["mail.log"]);
}

#[test]
fn the_order_is_that_of_the_lines() {
    let dir = Dir::new();
    // A name that sorts wrong, a number that lies, a time of writing that a copy gave.
    dir.write("mail.log", lines(5), 5);
    dir.write("mail.log-20261116", lines(0), 9);
    dir.write("mail.log.1", lines(2), 9);
    dir.write("mail.log.2", lines(4), 9);
    dir.write("mail.log.0.gz", gzip(lines(1).as_bytes()), 9);
    assert_eq!(
        dir.names(Some(day(-1)), None),
        [
            "mail.log-20261116",
            "mail.log.0.gz",
            "mail.log.1",
            "mail.log.2",
            "mail.log"
        ]
    );
}

#[test]
fn the_same_log_twice_is_read_once() {
    let dir = Dir::week();
    // logrotate is compressing: one archive is half written, of another there is only the file.
    let half = gzip(lines(3).as_bytes());
    dir.write("mail.log.1.gz", &half[..half.len() / 2], 4);
    dir.write("mail.log.2", lines(2), 2);
    dir.write("mail.log.2.xz", "", 4);
    // A link, and a copy of the live log that copytruncate has just made.
    std::fs::hard_link(dir.live(), dir.0.path().join("mail.log-20261119")).unwrap();
    dir.write("mail.log.0", &lines(4)[..600], 4);
    assert_eq!(
        dir.names(Some(day(-1)), None),
        [
            "mail.log.4.gz",
            "mail.log.3.zst",
            "mail.log.2",
            "mail.log.1",
            "mail.log"
        ]
    );
}

#[test]
fn a_rotation_takes_nothing_away_and_adds_nothing() {
    let dir = Dir::week();
    let found = logs_for(&dir.live(), Some(day(3) + 2 * HOUR), None).unwrap();
    let path = |n: &str| dir.0.path().join(n);
    std::fs::remove_file(path("mail.log.2.gz")).unwrap();
    std::fs::rename(path("mail.log.1"), path("mail.log.2")).unwrap();
    std::fs::rename(path("mail.log"), path("mail.log.1")).unwrap();
    dir.write("mail.log", lines(5), 5);
    let mut text = String::new();
    for input in found.inputs {
        let mut reader = input.open().unwrap().content.reader();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    }
    assert_eq!(text, lines(3) + &lines(4));
}

#[test]
fn stamps_without_a_year_have_the_archives() {
    let dir = Dir::new();
    let at = |month: &str, day: u32| format!("{month} {day:2} 08:00:00 mx postfix/qmgr[1]: x\n");
    // Written at the ends of 2025 and of January 2026, all compressed and touched in November 2026.
    let stamps = [
        ("mail.log.2.gz", "Dec", 1_767_139_200),
        ("mail.log.1.gz", "Jan", 1_769_817_600),
    ];
    for (name, month, written) in stamps {
        let mut encoder = flate2::GzBuilder::new()
            .mtime(written)
            .write(Vec::new(), flate2::Compression::fast());
        encoder
            .write_all((at(month, 20) + &at(month, 30)).as_bytes())
            .unwrap();
        dir.write(name, encoder.finish().unwrap(), 0);
    }
    dir.write("mail.log", at("Nov", 15), 0);
    assert_eq!(
        dir.names(Some(day(-400)), None),
        ["mail.log.2.gz", "mail.log.1.gz", "mail.log"]
    );
}

#[test]
fn a_log_that_was_just_renamed_leaves_the_others() {
    let dir = Dir::week();
    std::fs::remove_file(dir.live()).unwrap();
    assert_eq!(
        dir.names(Some(day(3)), None),
        ["mail.log.2.gz", "mail.log.1"]
    );
    let error = logs_for(&dir.live(), None, None).unwrap_err();
    assert!(
        error.to_string().contains("mail.log: no such file"),
        "{error}"
    );
    let error = logs_for(&Dir::new().live(), Some(0), None).unwrap_err();
    assert!(error.to_string().contains("no such file"), "{error}");
}

#[test]
fn what_cannot_be_opened_is_told_and_the_others_are_read() {
    let dir = Dir::week();
    // Root may read everything, so the file is one that nobody can: a format that is not read.
    dir.write("mail.log.2.gz", b"\x04\x22\x4d\x18\x64\x40\xa7 lz4", 2);
    let found = logs_for(&dir.live(), Some(day(1) + 2 * HOUR), None).unwrap();
    let names: Vec<String> = found.inputs.iter().map(name).collect();
    assert_eq!(names, ["mail.log.3.zst", "mail.log.1", "mail.log"]);
    let problem = found.problems[0].to_string();
    assert!(
        problem.contains("mail.log.2.gz: is compressed by lz4"),
        "{problem}"
    );
}

#[test]
fn a_link_finds_what_lies_beside_its_target() {
    let dir = Dir::week();
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("maillog");
    std::os::unix::fs::symlink(dir.live(), &link).unwrap();
    let found = logs_for(&link, Some(day(3) + 2 * HOUR), None).unwrap();
    let names: Vec<String> = found.inputs.iter().map(name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[0], "mail.log.1");
}
