//! `mailtop` without a subcommand: find the mail server and open the console on it.

use super::Context;
use std::process::ExitCode;

/// Opens the console. Options that only a report has are an error here.
pub fn run(_context: &Context, _report: &super::report::Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
