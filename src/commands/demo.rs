//! `mailtop demo`: an engine of its own, lively traffic, and the console on it.

use super::Context;
use crate::config::Settings;
use crate::console::{self, Options, Screen};
use crate::demo::Demo;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `mailtop demo`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Run without a console, until SIGTERM or Ctrl-C, and print a summary at the end.
    #[arg(long)]
    pub headless: bool,
    /// End by itself after this many seconds.
    #[arg(long, value_name = "SECONDS", requires = "headless")]
    pub duration: Option<u64>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<ExitCode> {
    if args.headless {
        return headless(args.duration.map(Duration::from_secs));
    }
    let settings = Settings::load(context.settings.as_deref())?;
    // The demonstration ends with this value, also when the console fails or panics.
    let demo = Demo::start()?;
    console::run(Options {
        server: demo.server().clone(),
        settings,
        read_only: context.read_only,
        screen: Screen::Overview,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn headless(duration: Option<Duration>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Before anything is started, so that no signal can end the program without its cleaning up.
    let (mut terminated, mut interrupted) = runtime.block_on(async {
        anyhow::Ok((
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        ))
    })?;
    let mut demo = Demo::start()?;
    println!("directory {}", demo.directory().display());
    for log in &demo.server().logs {
        println!("log {}", log.display());
    }
    println!("smtp {}", demo.smtp());
    println!("dns {}", demo.dns());
    let failure = runtime.block_on(async {
        let end = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        let mut look = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                () = &mut end => return None,
                _ = terminated.recv() => return None,
                _ = interrupted.recv() => return None,
                _ = look.tick() => {
                    if let Some(why) = demo.engine_ended() {
                        return Some(why);
                    }
                }
            }
        }
    });
    for (kind, count) in demo.sessions() {
        println!("{count:>6} {kind:?}");
    }
    match failure {
        Some(why) => anyhow::bail!("the engine ended: {why}"),
        None => Ok(ExitCode::SUCCESS),
    }
}
