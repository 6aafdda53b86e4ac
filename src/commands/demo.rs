//! `mailtop demo`: an engine of its own, lively traffic, and the console on it.

use super::Context;
use std::process::ExitCode;

/// Arguments of `mailtop demo`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_context: &Context, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
