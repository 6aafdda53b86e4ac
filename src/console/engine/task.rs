//! The engine screen's background work: how the mail server stands, and making it start, stop and reload.
//!
//! In: a [`Request`]. Out: an [`Answer`]. The embedded engine is asked over its control socket and started by
//! `mailtop engine`, a real Postfix by its own commands: the console knows no engine from within.

use crate::attach::{Kind, Server};
use crate::control::{self, ExplainStep, Status};
use crate::queue::engine::Client;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long the engine may take to tell its state: it answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the engine screen wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// How it stands.
    Look,
    /// One of the life's commands.
    Do(Deed),
    /// What each restriction would say.
    Explain {
        /// Client address.
        client: String,
        /// HELO name.
        helo: String,
        /// Envelope sender; empty is the null sender.
        sender: String,
        /// Envelope recipient.
        recipient: String,
    },
}

/// The commands of a mail server's life, with Postfix's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Read the configuration again.
    Reload,
    /// Try all deferred mail.
    Flush,
    /// Look for mistakes in the configuration.
    Check,
}

impl Deed {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Reload => "reload",
            Self::Flush => "flush",
            Self::Check => "check",
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// How it stands.
    Look(Box<Facts>),
    /// A command has ended.
    Done {
        /// Which.
        deed: Deed,
        /// Whether it went well.
        well: bool,
        /// What it said.
        output: Vec<String>,
    },
    /// What each restriction would say, or why nobody knows.
    Explained(Result<Vec<ExplainStep>, String>),
}

/// How a mail server stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// Whether it runs; `None` when this user may not find out.
    pub running: Option<bool>,
    /// More about that: process id, or why it is not known.
    pub remark: String,
    /// Its own figures, by label.
    pub figures: Vec<(&'static str, String)>,
    /// Parameters in force (engine) or set in main.cf (Postfix).
    pub parameters: Vec<(String, String)>,
    /// What is wrong with the configuration.
    pub warnings: Vec<String>,
}

/// Does it.
pub(crate) fn run(request: Request, server: &Server) -> Answer {
    match request {
        Request::Look => Answer::Look(Box::new(look(server))),
        Request::Do(deed) => carry_out(deed, server),
        Request::Explain {
            client,
            helo,
            sender,
            recipient,
        } => Answer::Explained(explain(
            server,
            &control::Request::Explain {
                client,
                helo,
                sender,
                recipient,
            },
        )),
    }
}

fn look(server: &Server) -> Facts {
    match server.kind {
        Kind::Engine => match status(server) {
            Ok(status) => of_engine(status),
            Err(error) => Facts {
                running: Some(false),
                remark: error,
                ..Facts::default()
            },
        },
        Kind::Postfix => of_postfix(server),
        Kind::LogOnly => Facts {
            remark: "only log files are in view (--config-dir or --engine names a mail server)"
                .to_owned(),
            ..Facts::default()
        },
    }
}

fn queue_dir(server: &Server) -> Result<&Path, String> {
    let dir = server.queue_dir.as_deref();
    dir.ok_or_else(|| "no queue directory is known".to_owned())
}

fn status(server: &Server) -> Result<Status, String> {
    let dir = queue_dir(server)?;
    let mut client = Client::connect_within(dir, PATIENCE).map_err(|e| e.to_string())?;
    let response = client
        .ask(&control::Request::Status)
        .map_err(|e| e.to_string())?;
    response
        .status
        .ok_or_else(|| "the engine did not tell its state".to_owned())
}

fn of_engine(status: Status) -> Facts {
    let queue: Vec<String> = status
        .queue
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    Facts {
        running: Some(true),
        remark: format!("mailtop {}, process {}", status.version, status.pid),
        figures: vec![
            ("name", status.myhostname),
            ("listens", status.listen.join(", ")),
            (
                "now",
                format!(
                    "{} sessions, {} deliveries",
                    status.sessions, status.deliveries
                ),
            ),
            (
                "so far",
                format!(
                    "{} received, {} delivered",
                    status.received, status.delivered
                ),
            ),
            ("queue", queue.join(", ")),
            ("log", status.maillog_file.display().to_string()),
        ],
        parameters: status.parameters.into_iter().collect(),
        warnings: status.warnings,
    }
}

fn of_postfix(server: &Server) -> Facts {
    let (running, remark) = master(server);
    let mut facts = Facts {
        running,
        remark,
        ..Facts::default()
    };
    let mut command = postfix_command(server, "postconf");
    match output(command.arg("-n")) {
        Ok((true, lines)) => {
            for line in lines {
                match line.split_once(" = ") {
                    Some((name, value)) => {
                        facts.parameters.push((name.to_owned(), value.to_owned()));
                    }
                    None if line.ends_with(" =") => {
                        let name = line.trim_end_matches(" =");
                        facts.parameters.push((name.to_owned(), String::new()));
                    }
                    // postconf warns of what it does not understand.
                    None => facts.warnings.push(line),
                }
            }
        }
        Ok((false, lines)) => facts.warnings.extend(lines),
        Err(error) => facts.warnings.push(error),
    }
    let of = |name: &str| {
        let found = facts.parameters.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.clone())
    };
    let dir = |path: Option<&PathBuf>| path.map(|p| p.display().to_string()).unwrap_or_default();
    facts.figures = vec![
        ("name", of("myhostname").unwrap_or_default()),
        ("config", dir(server.config_dir.as_ref())),
        ("queue", dir(server.queue_dir.as_ref())),
        ("log", dir(server.logs.last())),
    ];
    facts
}

/// Whether the master runs: by its lock file's process id, as postfix(1) finds out.
fn master(server: &Server) -> (Option<bool>, String) {
    let Ok(dir) = queue_dir(server) else {
        return (None, "no queue directory is known".to_owned());
    };
    let path = dir.join("pid/master.pid");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (Some(false), "it was never started here".to_owned());
        }
        Err(error) => return (None, format!("{}: {error} (try: sudo)", path.display())),
    };
    let Ok(pid) = text.trim().parse::<i32>() else {
        return (None, format!("{}: no process id in it", path.display()));
    };
    // The id may belong to another program by now.
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.trim() == "master" {
        return (Some(true), format!("process {pid}"));
    }
    let remark = format!("its last process was {pid}, and is gone");
    (Some(false), remark)
}

fn postfix_command(server: &Server, name: &str) -> Command {
    let dirs = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"].map(Path::new);
    let path = dirs.iter().map(|dir| dir.join(name)).find(|p| p.exists());
    let mut command = Command::new(path.unwrap_or_else(|| name.into()));
    if let Some(dir) = &server.config_dir {
        command.arg("-c").arg(dir);
    }
    command
}

fn explain(server: &Server, request: &control::Request) -> Result<Vec<ExplainStep>, String> {
    if server.kind != Kind::Engine {
        return Err(
            "only the embedded engine can say: Postfix has no way to ask its restrictions"
                .to_owned(),
        );
    }
    let dir = queue_dir(server)?;
    // DNS look-ups are part of the answer.
    let mut client = Client::connect(dir).map_err(|e| e.to_string())?;
    let response = client.ask(request).map_err(|e| e.to_string())?;
    Ok(response.steps)
}

fn carry_out(deed: Deed, server: &Server) -> Answer {
    let ended = command_for(deed, server).and_then(|mut command| output(&mut command));
    let (well, output) = ended.unwrap_or_else(|error| (false, vec![error]));
    Answer::Done { deed, well, output }
}

fn command_for(deed: Deed, server: &Server) -> Result<Command, String> {
    if server.kind == Kind::Postfix {
        let mut command = postfix_command(server, "postfix");
        command.arg(deed.word());
        return Ok(command);
    }
    let program = std::env::current_exe().map_err(|e| format!("mailtop's own program: {e}"))?;
    let mut command = Command::new(program);
    command.args(["engine", deed.word()]);
    if let Some(dir) = &server.config_dir {
        command.arg("--config-dir").arg(dir);
    }
    Ok(command)
}

/// Runs a command to its end; what it says goes through a file, because daemons it starts keep pipes open.
fn output(command: &mut Command) -> Result<(bool, Vec<String>), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut file = tempfile::tempfile().map_err(failed)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(failed)?)
        .stderr(file.try_clone().map_err(failed)?)
        .status()
        .map_err(failed)?;
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut file).map_err(failed)?;
    file.read_to_end(&mut bytes).map_err(failed)?;
    let lines = bytes
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| crate::sanitize::line(line).into_owned())
        .collect();
    Ok((status.success(), lines))
}
