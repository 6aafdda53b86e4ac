//! `mailtop engine`: the embedded engine's life, with Postfix's words and exit codes.

use super::Context;
use crate::attach::Environment;
use crate::control::Request;
use crate::engine::maillog::Stamp;
use crate::engine::{EngineError, daemon, delivery, master};
use crate::sanitize;
use anyhow::Context as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `mailtop engine`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Do,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Do {
    /// Run in the foreground until SIGTERM; SIGHUP reloads.
    Run {
        /// Write RFC 3339 time stamps to the log instead of Postfix's traditional ones.
        #[arg(long)]
        rfc3339: bool,
        /// Leave the caller's session (used by `start`).
        #[arg(long, hide = true)]
        detach: bool,
    },
    /// Start in the background; returns when mail is accepted.
    Start,
    /// Finish what is being done and end.
    Stop,
    /// Read main.cf and the tables again.
    Reload,
    /// Say whether the engine runs: exit status 0, or 1 when it does not.
    Status {
        /// Print the whole state as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try all deferred mail now.
    Flush,
    /// Print what is wrong with the configuration: exit status 1 when there is an error.
    Check,
    /// Say what each restriction would answer to a client, without sending mail.
    Explain {
        /// The client's address.
        #[arg(long)]
        client: String,
        /// The HELO or EHLO name.
        #[arg(long, default_value = "")]
        helo: String,
        /// The envelope sender; empty is the null sender.
        #[arg(long, default_value = "")]
        from: String,
        /// The envelope recipient.
        #[arg(long)]
        to: String,
        /// Print the steps as JSON.
        #[arg(long)]
        json: bool,
    },
    /// The helper that delivers to a maildir with the recipient's rights.
    #[command(hide = true)]
    DeliverMaildir {
        /// The maildir.
        path: PathBuf,
    },
}

/// Runs the command.
pub fn run(context: &Context, args: Args) -> anyhow::Result<ExitCode> {
    if let Do::DeliverMaildir { path } = &args.command {
        return Ok(deliver(path));
    }
    let dir = config_dir(context)?;
    let acts = !matches!(
        args.command,
        Do::Status { .. } | Do::Check | Do::Explain { .. }
    );
    anyhow::ensure!(!(acts && context.read_only), "--read-only: nothing is done");
    let result = match args.command {
        Do::Run { rfc3339, detach } => {
            if detach {
                // Already a leader when started by hand with this flag: nothing to leave.
                let _ = rustix::process::setsid();
            }
            let stamp = if rfc3339 {
                Stamp::Rfc3339
            } else {
                Stamp::Traditional
            };
            master::run(&dir, stamp)
        }
        Do::Start => daemon::start(&dir).map(|_| ()),
        Do::Stop => daemon::stop(&dir),
        Do::Reload => daemon::ask(&dir, &Request::Reload).map(|response| {
            for warning in response.warnings {
                eprintln!("{}", sanitize::str_line(&warning));
            }
        }),
        Do::Flush => daemon::ask(&dir, &Request::Flush { ids: Vec::new() }).map(|_| ()),
        Do::Status { json } => return status(&dir, json),
        Do::Check => return check(&dir),
        Do::Explain {
            client,
            helo,
            from,
            to,
            json,
        } => {
            let request = Request::Explain {
                client,
                helo,
                sender: from,
                recipient: to,
            };
            return explain(&dir, &request, json);
        }
        Do::DeliverMaildir { .. } => Ok(()),
    };
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Postfix's exit status for a command that its state does not allow.
        Err(error @ (EngineError::AlreadyRunning | EngineError::NotRunning)) => {
            eprintln!("mailtop: fatal: {error}");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            eprintln!("mailtop: fatal: {}", sanitize::str_line(&error.to_string()));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn config_dir(context: &Context) -> anyhow::Result<PathBuf> {
    let target = &context.target;
    let dir = match (&target.config_dir, &target.engine) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => dir.join("etc"),
        // The engine that `mailtop` without arguments starts.
        (None, None) => Environment::of_this_process()
            .engine_dir
            .context("which engine? There is no home directory (try: --config-dir DIR/etc or --engine DIR)")?
            .join("etc"),
    };
    std::path::absolute(&dir).with_context(|| dir.display().to_string())
}

fn status(dir: &std::path::Path, json: bool) -> anyhow::Result<ExitCode> {
    match daemon::ask(dir, &Request::Status) {
        Ok(response) => {
            let status = response.status.unwrap_or_default();
            if json {
                println!("{}", serde_json::to_string_pretty(&status)?);
            } else {
                println!("the Postfix mail system is running: PID: {}", status.pid);
                println!("listening on {}", status.listen.join(", "));
                let queues: Vec<_> = status
                    .queue
                    .iter()
                    .map(|(q, n)| format!("{q} {n}"))
                    .collect();
                println!("queue: {}", queues.join(", "));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(EngineError::NotRunning) => {
            eprintln!("mailtop: {}", EngineError::NotRunning);
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn check(dir: &std::path::Path) -> anyhow::Result<ExitCode> {
    let problems = crate::engine::check::check(dir)?;
    let (params, _) = crate::engine::config::Params::load(dir)?;
    let mut failed = false;
    for problem in &problems {
        failed |= problem.severity == crate::engine::config::Severity::Error;
        eprintln!("{problem}");
    }
    let notes = delivery::notes(&params);
    for note in notes.into_iter().chain(crate::engine::privilege::notes()) {
        eprintln!("{note}");
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn explain(dir: &std::path::Path, request: &Request, json: bool) -> anyhow::Result<ExitCode> {
    let response = daemon::ask(dir, request)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&response.steps)?);
        return Ok(ExitCode::SUCCESS);
    }
    for step in &response.steps {
        println!(
            "{:<8} {} {}",
            sanitize::str_line(&step.verdict),
            sanitize::str_line(&step.list),
            sanitize::str_line(&step.restriction)
        );
        if !step.reason.is_empty() {
            println!("         {}", sanitize::str_line(&step.reason));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Exit status 75 is "again later" in sysexits.h; what is printed becomes the reason in the log.
fn deliver(path: &std::path::Path) -> ExitCode {
    match delivery::helper(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::from(75)
        }
    }
}
