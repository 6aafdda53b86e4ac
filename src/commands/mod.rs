//! The subcommands, one file each: parse, call, print. No logic that a test would want lives here.

pub mod completions;
pub mod console;
pub mod demo;
pub mod engine;
pub mod logs;
pub mod parse;
pub mod queue;
pub mod rbl;
pub mod report;
pub mod trace;

use crate::cli::{Cli, Command};
use crate::logparse::source::SourceError;
use crate::sanitize;
use std::process::ExitCode;

/// Runs the command the user asked for; an error ends the program with status 2.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let context = Context {
        target: cli.target,
        read_only: cli.read_only,
        settings: cli.settings,
    };
    match cli.command {
        None if cli.report => report::run(&context, cli.report_args),
        None => console::run(&context, &cli.report_args),
        Some(Command::Demo(args)) => demo::run(&context, &args),
        Some(Command::Report(args)) => report::run(&context, args),
        Some(Command::Trace(args)) => trace::run(&context, args),
        Some(Command::Parse(args)) => parse::run(&context, args),
        Some(Command::Queue(args)) => queue::run(&context, args),
        Some(Command::Rbl(args)) => rbl::run(&context, &args),
        Some(Command::Engine(args)) => engine::run(&context, args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man) => completions::man(),
    }
}

/// Says on standard error which logs could not be read, or not to their ends; the exit status of a command
/// that gave what it could: 1 when something is missing.
fn told(problems: &[SourceError]) -> ExitCode {
    for problem in problems {
        eprintln!(
            "mailtop: {}",
            sanitize::line(problem.to_string().as_bytes())
        );
    }
    if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What every command is given besides its own arguments.
#[derive(Debug, Clone)]
pub struct Context {
    /// Explicit choice of the server.
    pub target: crate::cli::Target,
    /// `--read-only`.
    pub read_only: bool,
    /// `--settings`.
    pub settings: Option<std::path::PathBuf>,
}
