//! `mailtop report` and `mailtop --report`: the summary of a log.

use super::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of the report.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Log files, oldest first; `-` is standard input. Without one, the server's log.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(_context: &Context, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
