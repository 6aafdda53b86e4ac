//! A child process with the recipient's rights, fed with the message.
//!
//! In: a program, an account and the message. Out: the exit status and what it printed. As root, the child
//! takes the account's user and group and no supplementary group; without root it can only be our own.
//! User 0 is never used.

use crate::engine::privilege::{self, Account};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Most bytes of a program's output that are kept for the log.
const OUTPUT_LIMIT: u64 = 500;

/// How it ended.
pub(super) enum Ended {
    /// With an exit status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It was killed because it took too long.
    TimedOut,
}

/// Runs a program to its end with `message` as its input.
pub(super) fn run(
    mut command: Command,
    account: &Account,
    message: &mut (dyn Read + Send),
    limit: Duration,
) -> io::Result<(Ended, String)> {
    if account.uid == 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "refused to run as root",
        ));
    }
    if privilege::is_root() {
        command.uid(account.uid).gid(account.gid);
    }
    let mut output = tempfile::tempfile()?;
    // A group of its own, so that what it started ends with it.
    let mut child = command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    let mut input = child.stdin.take();
    let (status, fed) = std::thread::scope(|scope| {
        let feeding = scope.spawn(|| match input.as_mut() {
            Some(pipe) => {
                // Whole blocks: the message comes in lines.
                let mut pipe = io::BufWriter::with_capacity(1 << 16, pipe);
                let result = io::copy(message, &mut pipe).and_then(|n| pipe.flush().map(|()| n));
                // What could not be written is not tried again by the drop.
                let _ = pipe.into_parts();
                input = None;
                result
            }
            None => Ok(0),
        });
        let status = wait(&mut child, limit);
        (status, feeding.join())
    });
    let ended = match status? {
        None => Ended::TimedOut,
        Some(status) => ended(status),
    };
    match fed {
        // A program may stop reading when it has enough; a message that cannot be read must not count.
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        Err(_) => return Err(io::Error::other("the feeding thread died")),
        _ => {}
    }
    output.seek(SeekFrom::Start(0))?;
    let mut text = Vec::new();
    output.take(OUTPUT_LIMIT).read_to_end(&mut text)?;
    Ok((ended, crate::sanitize::line(text.trim_ascii()).into_owned()))
}

/// Waits at most `limit`, then kills the child's process group.
fn wait(child: &mut std::process::Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    // wait(2) has no time limit; the interval grows so that a long delivery costs nothing.
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            if let Ok(pid) = i32::try_from(child.id())
                && let Some(pid) = rustix::process::Pid::from_raw(pid)
            {
                let kill = rustix::process::Signal::KILL;
                let _ = rustix::process::kill_process_group(pid, kill);
            }
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn ended(status: ExitStatus) -> Ended {
    match status.code() {
        Some(code) => Ended::Exit(code),
        None => Ended::Signal(status.signal().unwrap_or(0)),
    }
}
