//! Everything that can happen to the console, and everything it can ask for: two closed types.

use super::feed;
use super::key::Key;
use super::{engine, queue, rbl};

/// What happened. [`super::update::update`] is the only reader.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has a new size.
    Resize(u16, u16),
    /// A second passed while something on the screen ages.
    Tick,
    /// Back from the shell.
    Resumed,
    /// Asked for by [`Effect::Again`]: go on with a long piece of work.
    Again,
    /// SIGTERM, SIGHUP or SIGINT.
    Terminate,
    /// SIGTSTP from outside.
    SuspendAsked,
    /// From the task that reads the log.
    Feed(feed::News),
    /// From a task of the queue screen.
    Queue(queue::Answer),
    /// From a look-up in block lists.
    Rbl(rbl::Answer),
    /// From a task of the engine screen.
    Engine(engine::Answer),
}

/// What the console wants done. The loop carries it out; what comes of it comes back as a [`Message`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Leave the program.
    Quit,
    /// Back to the shell until `fg`.
    Suspend,
    /// Draw everything again, whatever the terminal shows.
    Redraw,
    /// Put this on the user's clipboard (OSC 52).
    Copy(String),
    /// Send [`Message::Again`] once everything that waits was handled.
    Again,
    /// Ask the task that reads the log.
    Feed(feed::Request),
    /// Work for the queue screen.
    Queue(queue::Request),
    /// Work for the block list screen.
    Rbl(rbl::Request),
    /// Work for the engine screen.
    Engine(engine::Request),
}
