//! `mailtop` without a subcommand: find the mail server and open the console on it.

use super::Context;
use crate::attach::{Kind, Server};
use crate::config::Settings;
use crate::console::{self, Options, Screen};
use std::process::ExitCode;

/// Opens the console. Options that only a report has are an error here.
pub fn run(context: &Context, _report: &super::report::Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        !context.target.log.is_empty(),
        "name a log: mailtop --log /var/log/mail.log"
    );
    let server = Server {
        kind: Kind::LogOnly,
        config_dir: None,
        queue_dir: None,
        logs: context.target.log.clone(),
        notice: "The log named by --log; there is no queue to act on.".to_owned(),
    };
    console::run(Options {
        server,
        settings: Settings::load(context.settings.as_deref())?,
        read_only: context.read_only,
        screen: Screen::Overview,
    })?;
    Ok(ExitCode::SUCCESS)
}
