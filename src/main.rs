//! The binary: parse the command line, run one command, turn its end into an exit status.

use clap::Parser as _;
use mailtop::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match mailtop::commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // The message may quote a file's content or a server's reply.
            eprintln!(
                "mailtop: {}",
                mailtop::sanitize::str_line(&format!("{error:#}"))
            );
            // 2: the request could not be carried out (unreadable file, bad argument), as for clap's own errors.
            ExitCode::from(2)
        }
    }
}
