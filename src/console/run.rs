//! The loop: terminal events, news from background tasks, signals and a timer become messages; effects are
//! carried out; a frame is drawn when something changed.
//!
//! The one place that calls views. Keys are answered with a frame at once; news from the log are gathered,
//! so that a log at any rate costs at most eight frames and about 20 kB a second.

use super::feed::Feed;
use super::message::{Effect, Message};
use super::state::State;
use super::tasks::Tasks;
use super::terminal::{self, Terminal};
use super::update::update;
use super::{ConsoleError, key::Key, layer::Toast};
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use std::task::Poll;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// Between two frames that only news asked for: eight a second.
const NEWS_FRAME: Duration = Duration::from_millis(125);
/// What a link over which such frames go should carry at most, bytes a second.
const NEWS_RATE: f64 = 20_000.0;
/// Messages handled before a frame is due whatever still waits.
const DRAIN: usize = 256;
/// Messages that may wait. Tasks wait when it is full, so a fast log cannot fill the memory.
pub(crate) const WAITING: usize = 64;

/// How soon a change is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Not,
    Soon,
    Now,
}

/// Runs until the user leaves or a signal ends it.
pub(crate) async fn run(
    mut state: State,
    feed: Feed,
    tasks: Tasks,
    mut inbox: mpsc::Receiver<Message>,
) -> Result<(), ConsoleError> {
    let mut terminal = Terminal::enter().map_err(ConsoleError::Terminal)?;
    let mut signals = Signals::new().map_err(ConsoleError::Terminal)?;
    let mut events = EventStream::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut news_at = Instant::now();
    let mut shell = Shell {
        feed,
        tasks,
        due: Due::Now,
        again: false,
        quit: false,
    };
    let first = state.go(state.screen, None);
    shell.carry_out(first, &mut terminal, &mut state)?;
    while !shell.quit {
        let now = Instant::now();
        if shell.due == Due::Now || (shell.due == Due::Soon && now >= news_at) {
            draw(&mut terminal, &state)?;
            let cost = Duration::from_secs_f64(terminal.last_frame as f64 / NEWS_RATE);
            news_at = now + cost.clamp(NEWS_FRAME, Duration::from_secs(1));
            shell.due = Due::Not;
        }
        let message = tokio::select! {
            biased;
            message = signals.next() => message,
            event = events.next() => match event {
                Some(Ok(event)) => of_event(event),
                // The terminal is gone.
                Some(Err(_)) | None => Some(Message::Terminate),
            },
            message = inbox.recv() => message,
            () = tokio::time::sleep_until(news_at), if shell.due == Due::Soon => None,
            _ = ticks.tick(), if state.ages() => Some(Message::Tick),
            () = std::future::ready(()), if shell.again => Some(Message::Again),
        };
        let Some(message) = message else { continue };
        shell.handle(message, &mut state, &mut terminal)?;
        // Drain what waits, then draw once.
        for _ in 0..DRAIN {
            let event = at_once(&mut events).await;
            let waiting = match event {
                Some(Ok(event)) => of_event(event),
                _ => inbox.try_recv().ok(),
            };
            let Some(message) = waiting else { break };
            shell.handle(message, &mut state, &mut terminal)?;
        }
    }
    drop(terminal);
    if let Some(words) = terminal::last_words() {
        return Err(ConsoleError::Task(words));
    }
    Ok(())
}

/// The terminal event that waits, if one does.
///
/// Polled with the task's own waker: crossterm keeps the first waker it is given until an event comes, so
/// one that wakes nobody (as `now_or_never` gives) would lose the next key press.
async fn at_once(events: &mut EventStream) -> Option<std::io::Result<Event>> {
    std::future::poll_fn(|context| match events.poll_next_unpin(context) {
        Poll::Ready(event) => Poll::Ready(event),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// What the loop itself keeps.
struct Shell {
    feed: Feed,
    tasks: Tasks,
    due: Due,
    again: bool,
    quit: bool,
}

impl Shell {
    fn handle(
        &mut self,
        message: Message,
        state: &mut State,
        terminal: &mut Terminal,
    ) -> Result<(), ConsoleError> {
        self.due = self.due.max(match message {
            Message::Feed(_) | Message::Again | Message::Tick => Due::Soon,
            _ => Due::Now,
        });
        if matches!(message, Message::Again) {
            self.again = false;
        }
        if matches!(message, Message::Resize(..)) {
            // The terminal cut or moved what it showed, also when the size is again what it was.
            terminal.forget();
        }
        state.world.now = chrono::Utc::now().timestamp();
        let effects = update(state, message);
        self.carry_out(effects, terminal, state)
    }

    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        terminal: &mut Terminal,
        state: &mut State,
    ) -> Result<(), ConsoleError> {
        for effect in effects {
            match effect {
                Effect::Quit => self.quit = true,
                Effect::Redraw => {
                    terminal.resume().map_err(ConsoleError::Terminal)?;
                    self.due = Due::Now;
                    if let Ok(size) = crossterm::terminal::size() {
                        state.world.size = size;
                    }
                }
                Effect::Suspend => self.suspend(terminal, state)?,
                Effect::Copy(text) => Terminal::copy(&text).map_err(ConsoleError::Terminal)?,
                Effect::Again => self.again = true,
                Effect::Queue(request) => self.tasks.queue(request),
                Effect::Rbl(request) => self.tasks.rbl(request),
                Effect::Engine(request) => self.tasks.engine(request),
                Effect::Feed(request) => {
                    if !self.feed.ask(request) {
                        state.toast = Some(Toast::bad(
                            terminal::last_words()
                                .unwrap_or_else(|| "the log is no longer read".to_owned()),
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn suspend(&mut self, terminal: &mut Terminal, state: &mut State) -> Result<(), ConsoleError> {
        // Without a shell above us nobody could ever say fg.
        let me = rustix::process::getpid();
        if rustix::process::getsid(None).is_ok_and(|leader| leader == me) {
            state.toast = Some(Toast::info("no shell to go back to"));
            return Ok(());
        }
        terminal.suspend().map_err(ConsoleError::Terminal)?;
        if let Ok(size) = crossterm::terminal::size() {
            state.world.size = size;
        }
        state.settle();
        self.due = Due::Now;
        Ok(())
    }
}

fn draw(terminal: &mut Terminal, state: &State) -> Result<(), ConsoleError> {
    terminal
        .draw(state.world.size, |buffer| {
            crate::views::render(state, buffer)
        })
        .map_err(ConsoleError::Terminal)
}

fn of_event(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(Key::of(key))),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resize(columns, rows)),
        _ => None,
    }
}

/// The signals a tenant of a terminal answers.
struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
    resume: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        use rustix::process::Signal as Number;
        let raw = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: raw(Number::TSTP)?,
            resume: raw(Number::CONT)?,
        })
    }

    async fn next(&mut self) -> Option<Message> {
        tokio::select! {
            _ = self.terminate.recv() => Some(Message::Terminate),
            _ = self.hangup.recv() => Some(Message::Terminate),
            _ = self.interrupt.recv() => Some(Message::Terminate),
            _ = self.stop.recv() => Some(Message::SuspendAsked),
            _ = self.resume.recv() => Some(Message::Resumed),
        }
    }
}
