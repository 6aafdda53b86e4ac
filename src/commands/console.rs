//! `mailtop` without a subcommand: find the mail server and open the console on it.

use super::Context;
use crate::attach::{self, Environment, Resolved, Server};
use crate::config::Settings;
use crate::console::{self, Options, Screen};
use clap::parser::ValueSource;
use clap::{Args as _, CommandFactory as _};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Opens the console. Options that only a report has are an error here.
pub fn run(context: &Context, _report: &super::report::Args) -> anyhow::Result<ExitCode> {
    if let Some(option) = report_option(std::env::args_os()) {
        anyhow::bail!(
            "{option} belongs to the report (try: mailtop --report {option}; the console takes logs with --log FILE)"
        );
    }
    let settings = Settings::load(context.settings.as_deref())?;
    let server = server(context)?;
    console::run(Options {
        server,
        settings,
        read_only: context.read_only,
        screen: Screen::Overview,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The server in view; the embedded engine is started when nothing else is there.
fn server(context: &Context) -> anyhow::Result<Server> {
    let host = Environment::of_this_process();
    Ok(match attach::resolve(&context.target, &host)? {
        Resolved::Server(server) => server,
        Resolved::StartEngine { dir } if context.read_only => anyhow::bail!(
            "no mail server found, and --read-only starts none (try: without --read-only an engine is started in {}; or --log FILE, --config-dir DIR)",
            dir.display()
        ),
        // Without a terminal there will be no console, so there is no reason to leave an engine running.
        Resolved::StartEngine { .. } if !std::io::stdout().is_terminal() => anyhow::bail!(
            "no mail server found, and the console needs a terminal (try: --log FILE, or mailtop --report)"
        ),
        Resolved::StartEngine { dir } => attach::start_engine(&dir, &host)?,
    })
}

/// The first option on the command line that is one of the report's own.
fn report_option(arguments: impl IntoIterator<Item = OsString>) -> Option<String> {
    let report = super::report::Args::augment_args(clap::Command::new("report"));
    let matches = crate::cli::Cli::command()
        .try_get_matches_from(arguments)
        .ok()?;
    report
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .find(|argument| {
            matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
        .map(|argument| match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_id().as_str().to_uppercase(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(words: &[&str]) -> Option<String> {
        report_option(words.iter().map(OsString::from))
    }

    #[test]
    fn what_only_a_report_has_is_named() {
        assert_eq!(option(&["mailtop"]), None);
        assert_eq!(option(&["mailtop", "--read-only", "--log", "x"]), None);
        assert_eq!(option(&["mailtop", "some.log"]).as_deref(), Some("FILES"));
    }
}
