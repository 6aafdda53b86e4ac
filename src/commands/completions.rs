//! `mailtop completions SHELL` and `mailtop man`: derived from the command line's own table.

use clap::CommandFactory as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Arguments of `mailtop completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to print completions for.
    pub shell: clap_complete::Shell,
}

/// Prints the completion script.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::cli::Cli::command(),
        "mailtop",
        &mut out,
    );
    std::io::stdout().write_all(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page.
pub fn man() -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    clap_mangen::Man::new(crate::cli::Cli::command()).render(&mut out)?;
    out.extend_from_slice(super::report::manual::roff().as_bytes());
    std::io::stdout().write_all(&out)?;
    Ok(ExitCode::SUCCESS)
}
