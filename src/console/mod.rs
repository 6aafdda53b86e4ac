//! The console: one owner of state, the messages that change it, the loop, the keymap, the layers and the theme.
//!
//! In: a [`Server`] and [`Settings`]. Out: frames, and requests to the log's task and the other background tasks.
//!
//! ```text
//! terminal, signals, tasks ─► Message ─► update(&mut State) ─► Effect ─► the loop carries it out, tasks
//!                                            │                             answer with a Message
//!                                            └─► views::render(&State) ─► one write(2)
//! ```
//!
//! `update` is pure: no I/O, no clock (`world.now` is set before each message). Views only read.
//!
//! # To add a screen
//! A variant of [`screen::Screen`], a pane (a file here: its state, `impl Pane`), a view (a file in `views/`),
//! and a line each in `state.rs` (`Panes`, `View`, `on_pane!`) and `views::render`.
//!
//! # To add an action
//! A line of the table in `action.rs`. It arrives in the `act` of the panes it covers; footer, help, palette and
//! `[keys]` know it by then.
//!
//! # To add a background task
//! A file with its `Request` and `Answer`, a variant of [`message::Effect`] (the request) and of
//! [`message::Message`] (the answer), an arm in `run.rs` that spawns it and one in `update.rs` that gives the
//! answer to its pane. Questions carry a ticket; an answer whose ticket is not the newest is dropped.

pub(crate) mod action;
pub(crate) mod color;
pub(crate) mod cursor;
pub(crate) mod engine;
pub(crate) mod feed;
pub(crate) mod glyphs;
pub(crate) mod key;
pub(crate) mod keymap;
pub(crate) mod layer;
pub(crate) mod layout;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod pane;
pub(crate) mod pattern;
pub mod picture;
pub(crate) mod queue;
pub(crate) mod rbl;
pub(crate) mod rejects;
mod run;
pub(crate) mod screen;
#[cfg(test)]
pub(crate) mod seed;
pub(crate) mod state;
pub(crate) mod tasks;
mod terminal;
pub(crate) mod theme;
pub(crate) mod update;
#[cfg(test)]
#[path = "tests.rs"]
mod update_tests;
pub(crate) mod words;

pub use keymap::KeymapError;
pub use screen::Screen;
pub use theme::ThemeError;

use crate::attach::Server;
use crate::config::Settings;
use color::Depth;
use glyphs::Glyphs;
use keymap::Keymap;
use pane::{ReadOnly, World};
use state::State;
use theme::Theme;
use tokio::sync::mpsc;

/// What the console is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The mail server in view.
    pub server: Server,
    /// mailtop's own settings: theme, keys, signs.
    pub settings: Settings,
    /// Never act: `--read-only`.
    pub read_only: bool,
    /// The screen it opens on.
    pub screen: Screen,
}

/// Why the console could not open, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// There is no terminal to draw on.
    #[error(
        "{0}: the console needs a terminal (mailtop --report prints a summary, mailtop queue list the queue)"
    )]
    NoTerminal(&'static str),
    /// The terminal failed.
    #[error("terminal: {0}")]
    Terminal(std::io::Error),
    /// A thread could not be started.
    #[error("starting a thread: {0}")]
    Thread(std::io::Error),
    /// The settings' keys.
    #[error(transparent)]
    Keys(#[from] KeymapError),
    /// The settings' theme.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// A background task ended by a defect of mailtop's.
    #[error("a background task failed: {0}")]
    Task(String),
}

/// Opens the console and returns when the user leaves it, or a signal ends it.
///
/// The terminal is as it was found in every case.
pub fn run(options: Options) -> Result<(), ConsoleError> {
    let screen = options.screen;
    let lists = options.settings.rbl.clone();
    let world = world(options)?;
    if let Some(why) = terminal::unfit() {
        return Err(ConsoleError::NoTerminal(why));
    }
    terminal::install_panic_hook();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The loop runs on the calling thread; lookups and the queue's tasks share these.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ConsoleError::Terminal)?;
    let result = runtime.block_on(async {
        let (outbox, inbox) = mpsc::channel(run::WAITING);
        let tasks = tasks::Tasks::new(&world.server, lists, outbox.clone());
        let feed = feed::Feed::start(&world.server, outbox).map_err(ConsoleError::Thread)?;
        run::run(State::new(world, screen), feed, tasks, inbox).await
    });
    // Tasks that still wait for a network must not hold the shell's prompt back.
    runtime.shutdown_background();
    result
}

/// Everything checked once, before the terminal is touched.
fn world(options: Options) -> Result<World, ConsoleError> {
    let var = |name: &str| std::env::var(name).ok();
    let settings = options.settings;
    let name = match settings.theme.as_str() {
        "" | "auto" => theme_for(var("COLORFGBG").as_deref()),
        name => name,
    };
    let theme = Theme::load(name, settings.themes_dir.as_deref(), Depth::detect(var))?;
    let glyphs = match settings.ascii {
        Some(true) => Glyphs::Ascii,
        Some(false) => Glyphs::Unicode,
        None => Glyphs::detect(var),
    };
    Ok(World {
        server: options.server,
        read_only: if options.read_only {
            ReadOnly::Yes
        } else {
            ReadOnly::No
        },
        keymap: Keymap::new(&settings.keys)?,
        theme,
        glyphs,
        size: crossterm::terminal::size().unwrap_or((80, 24)),
        now: chrono::Utc::now().timestamp(),
        offset: chrono::Local::now().offset().local_minus_utc(),
    })
}

/// The theme for a background as COLORFGBG (`15;0`) tells it: 7 and the bright ones but 8 are light.
fn theme_for(colorfgbg: Option<&str>) -> &'static str {
    let background = colorfgbg
        .and_then(|v| v.rsplit(';').next())
        .and_then(|v| v.parse::<u8>().ok());
    match background {
        Some(7 | 9..=15) => "light",
        _ => "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_chooses_the_theme() {
        assert_eq!(theme_for(Some("0;15")), "light");
        assert_eq!(theme_for(Some("15;default;0")), "default");
        assert_eq!(theme_for(Some("12;8")), "default");
        assert_eq!(theme_for(None), "default");
    }
}
