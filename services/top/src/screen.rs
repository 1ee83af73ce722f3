//! The terminal: full screen until a key or a signal ends it, and left as it
//! was found, also after a panic.

use crate::config::Cli;
use crate::draw::{self, Look};
use crate::frame::Frame;
use crate::gather::Gatherer;
use crate::view::{View, Wish};
use crate::watch::{Round, Watch};
use anyhow::Context;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::Rect;
use service_kit::shutdown::Shutdown;
use std::io::{Stdout, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// What comes from the terminal while a frame is drawn.
const EVENTS: usize = 64;

/// Whether the terminal is ours. It must be left once: leaving it again would
/// put the cursor where it was on entering, over what has been said since.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal in full screen, as it was before once this is dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal. A panic on any thread gives it back before its
    /// message is printed.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open() -> anyhow::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
        TAKEN.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode().and_then(|()| {
            execute!(stdout(), EnterAlternateScreen)?;
            Terminal::new(CrosstermBackend::new(stdout()))
        });
        let terminal = taken.inspect_err(|_| leave());
        Ok(Self {
            terminal: terminal.context("the terminal cannot be taken")?,
        })
    }

    /// Shows a frame.
    ///
    /// # Errors
    /// Where the terminal has gone.
    pub fn draw(&mut self, frame: &Frame, view: &View, look: Look) -> anyhow::Result<()> {
        self.terminal
            .draw(|cells| draw::draw(frame, view, look, cells.area(), cells.buffer_mut()))
            .context("the terminal cannot be written")?;
        Ok(())
    }

    fn area(&self) -> Rect {
        let size = self.terminal.size().unwrap_or_default();
        Rect::new(0, 0, size.width, size.height)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back, if it is ours.
fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Whether it worked: there is nobody left to tell.
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    }
}

/// Shows what there is, refreshed, until it is told to end.
pub async fn show(cli: &Cli) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::on_signals().context("signals cannot be caught")?;
    let look = Look {
        color: cli.no_color.is_empty(),
    };
    let (rounds, mut found) = mpsc::channel(1);
    let gatherer = Gatherer::new(cli.now.clone(), cli.named());
    let mut gathering = tokio::spawn(gather(gatherer, cli.interval, rounds));
    let mut screen = Screen::open()?;
    let mut events = events();
    let mut watch = Watch::default();
    let mut view = View::default();
    // What was seen last, and what is on the screen while it is held.
    let mut frame = Frame::default();
    loop {
        tokio::select! {
            round = found.recv() => {
                let Some(round) = round else { break };
                let seen = watch.take(round);
                if view.paused { continue }
                frame = seen;
            }
            event = events.recv() => match event {
                Some(Event::Key(key)) => {
                    let page = draw::page(&frame, &view, look, screen.area());
                    match view.key(key, page) {
                        Wish::Quit => return Ok(ExitCode::SUCCESS),
                        Wish::Nothing => continue,
                        Wish::Draw => {}
                    }
                    view.offset = view.offset.min(frame.replicas.len().saturating_sub(page));
                }
                Some(Event::Resize(..)) => {}
                Some(_) => continue,
                // The terminal has gone.
                None => return Ok(ExitCode::SUCCESS),
            },
            cause = shutdown.begun() => return Ok(ExitCode::from(cause.exit_code())),
        }
        screen.draw(&frame, &view, look)?;
    }
    drop(screen);
    (&mut gathering)
        .await
        .context("asking the stations ended")?;
    Ok(ExitCode::FAILURE)
}

/// Asks round by round until nobody wants to know.
async fn gather(mut gatherer: Gatherer, pause: Duration, rounds: mpsc::Sender<Round>) {
    let mut refreshes = interval(pause);
    refreshes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        refreshes.tick().await;
        if rounds.send(gatherer.round().await).await.is_err() {
            return;
        }
    }
}

/// Keys and resizes. Read on a thread of their own, which ends with the process:
/// reading cannot be called off.
fn events() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(EVENTS);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}
