//! Running Postfix's own commands: found where they lie, fed, read to the end, and ended when they hang.
//!
//! In: a command, its standard input, a time limit. Out: what it wrote and how it ended. It knows no command.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a command did.
#[derive(Debug)]
pub(super) struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Ended {
    /// The last line of standard error, for a message to people, without the program's name in front.
    pub fn complaint(&self) -> String {
        let text = crate::sanitize::line(
            self.stderr
                .split(|&b| b == b'\n')
                .rev()
                .find(|line| !line.is_empty())
                .unwrap_or_default(),
        )
        .into_owned();
        if text.is_empty() {
            return self.status.to_string();
        }
        text
    }
}

/// A command of Postfix: from PATH, or where Postfix installs them (an ordinary user's PATH has no sbin).
pub(super) fn postfix_command(name: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    Command::new(found.unwrap_or_else(|| name.into()))
}

/// Runs it with `input` on standard input; kills it after `limit`.
pub(super) fn run(command: &mut Command, input: &[u8], limit: Duration) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        // All three at once: a full pipe on one side would stop the other.
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A command that ends early closes its end; how it ended tells why.
                let _ = stdin.write_all(input);
            }
        });
        let stdout = scope.spawn(move || read_all(stdout));
        let stderr = scope.spawn(move || read_all(stderr));
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("ended after {} s without a result", limit.as_secs()),
                ));
            }
            thread::sleep(pause);
            // Short commands are noticed at once, long ones cost nothing.
            pause = (pause * 2).min(Duration::from_millis(50));
        };
        Ok(Ended {
            status,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

fn read_all(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let input = vec![b'x'; 300_000];
        let ended = run(&mut Command::new("cat"), &input, Duration::from_mins(1)).unwrap();
        assert!(ended.status.success());
        assert_eq!(ended.stdout, input);
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let error = run(
            Command::new("sleep").arg("600"),
            b"",
            Duration::from_millis(10),
        )
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_complaint_is_the_last_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one >&2; printf 'two\\033[2J\\n' >&2; exit 3"]);
        let ended = run(&mut command, b"", Duration::from_mins(1)).unwrap();
        assert_eq!(ended.complaint(), "two?[2J");
    }
}
