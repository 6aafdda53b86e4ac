//! `mailtop rbl`: addresses and domains against block lists.

use super::Context;
use std::process::ExitCode;

/// Arguments of `mailtop rbl`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_context: &Context, _args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
