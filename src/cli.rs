//! The command line: the subcommands and what they share.
//!
//! Each subcommand's own arguments and its `run` stand together in `commands/`; this file only names
//! them, so that `--help`, the manual page and the completions derive from one table.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use crate::commands;
use crate::logparse::source::Journal;

/// A terminal operations console for Postfix mail servers.
#[derive(Debug, Parser)]
#[command(name = "mailtop", version, max_term_width = 100)]
#[command(
    args_conflicts_with_subcommands = false,
    subcommand_precedence_over_arg = true
)]
pub struct Cli {
    /// What to do; without it, the console opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the mail server is.
    #[command(flatten)]
    pub target: Target,
    /// Print the summary report instead of opening the console (the same as `mailtop report`).
    #[arg(long)]
    pub report: bool,
    /// The report's options, accepted here for `mailtop --report`.
    #[command(flatten)]
    pub report_args: commands::report::Args,
    /// Never act: no hold, release, requeue, delete, flush, start or stop.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// The settings file (default: `mailtop/config.toml` in the XDG configuration directory).
    #[arg(long, value_name = "FILE", global = true)]
    pub settings: Option<PathBuf>,
}

/// Explicit choices of the mail server in view; without one, mailtop looks for it.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// Log files to read and follow, oldest first; `-` is standard input.
    #[arg(long, value_name = "FILE", num_args = 1.., global = true)]
    pub log: Vec<PathBuf>,
    /// Read and follow the systemd journal: this host's, or the one in a file or a directory.
    #[arg(long, value_name = "FILE", num_args = 0..=1, global = true, conflicts_with = "log")]
    pub journal: Option<Option<PathBuf>>,
    /// The configuration directory of a Postfix or of an engine.
    #[arg(long, value_name = "DIR", global = true)]
    pub config_dir: Option<PathBuf>,
    /// The directory of an embedded engine (it holds etc/, spool/ and log/).
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "config_dir")]
    pub engine: Option<PathBuf>,
}

impl Target {
    /// The journal of `--journal`.
    pub fn journal(&self) -> Option<Journal> {
        let place = self.journal.as_ref()?;
        Some(place.clone().map_or_else(Journal::host, Journal::at))
    }
}

/// The subcommands, one file each in `commands/`.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one value a run")]
pub enum Command {
    /// Open the console on an engine of its own with lively traffic; needs no root and no network.
    Demo(commands::demo::Args),
    /// Print the summary of a log.
    Report(commands::report::Args),
    /// Tell what became of a message: by queue id, address, message-id, IP address or /regex/.
    Trace(commands::trace::Args),
    /// Print what the parser understood, one JSON object a line.
    Parse(commands::parse::Args),
    /// List the mail queue and act on it.
    Queue(commands::queue::Args),
    /// Test addresses and domains against DNS block lists.
    Rbl(commands::rbl::Args),
    /// Run, start, stop and inspect the embedded mail engine.
    Engine(commands::engine::Args),
    /// Print shell completions.
    Completions(commands::completions::Args),
    /// Print the manual page (roff).
    Man,
}
