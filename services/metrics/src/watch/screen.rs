//! Where frames go: a terminal, which is left as it was, or a file or pipe.

use super::frame::Size;
use super::line::Line;
use rustix::process::{Signal as Number, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{ErrorKind, IsTerminal as _, Read as _, Write as _, stdin, stdout};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Another screen, on which nothing stands that a person wants back, and no cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// To the first line; and to the end of a line or screen without anything.
const HOME: &str = "\u{1b}[H";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";

/// The size of a terminal that does not tell its own.
const USUAL: (usize, usize) = (80, 24);

/// What a person or a signal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// q, Ctrl-C, or whoever ends processes.
    End,
    /// The size has changed, or the terminal was somebody else's meanwhile.
    Redraw,
}

/// Where frames go.
#[derive(Debug)]
pub struct Output {
    color: bool,
    /// Columns, where there is no terminal that tells.
    columns: usize,
    terminal: Option<Terminal>,
    signals: Signals,
    keys: mpsc::Receiver<u8>,
}

#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    resize: Signal,
    suspend: Signal,
}

/// A terminal in use; dropping it leaves it as it was.
#[derive(Debug)]
struct Terminal {
    /// How its keys were, where they come from a terminal too.
    keys: Option<Termios>,
}

impl Output {
    /// Standard output.
    pub fn open() -> std::io::Result<Self> {
        let style = service_kit::terminal::style();
        // Before the terminal is changed: from then on they must not end us.
        let signals = Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
            suspend: signal(SignalKind::from_raw(Number::TSTP.as_raw()))?,
        };
        let terminal = stdout().is_terminal().then(Terminal::enter).transpose()?;
        let (sender, keys) = mpsc::channel(1);
        if terminal
            .as_ref()
            .is_some_and(|terminal| terminal.keys.is_some())
        {
            std::thread::spawn(move || {
                let mut key = [0];
                while stdin().read_exact(&mut key).is_ok() && sender.blocking_send(key[0]).is_ok() {
                }
            });
        }
        Ok(Self {
            color: style.color,
            columns: style.width,
            terminal,
            signals,
            keys,
        })
    }

    /// Waits until there is something to do.
    pub async fn told(&mut self) -> Told {
        loop {
            tokio::select! {
                _ = self.signals.interrupt.recv() => return Told::End,
                _ = self.signals.terminate.recv() => return Told::End,
                _ = self.signals.hang_up.recv() => return Told::End,
                _ = self.signals.resize.recv() => return Told::Redraw,
                _ = self.signals.suspend.recv() => {
                    self.suspend();
                    return Told::Redraw;
                }
                Some(key) = self.keys.recv() => match key {
                    // Ctrl-D, as elsewhere.
                    b'q' | b'Q' | 4 => return Told::End,
                    _ => {}
                },
            }
        }
    }

    /// Ctrl-Z: the shell gets its terminal back until it continues us.
    fn suspend(&mut self) {
        let was_terminal = self.terminal.take().is_some();
        let _ = kill_process(getpid(), Number::STOP);
        if was_terminal {
            self.terminal = Terminal::enter().ok();
        }
    }

    /// Shows a frame; false where nobody reads any more.
    pub fn show(&mut self, frame: impl FnOnce(Size) -> Vec<Line>) -> std::io::Result<bool> {
        let size = self.size();
        let lines: Vec<String> = frame(size)
            .iter()
            .map(|line| line.print(self.color))
            .collect();
        let text = if self.terminal.is_some() {
            let lines = lines.iter().map(|line| format!("{line}{CLEAR_LINE}"));
            let lines: Vec<String> = lines.collect();
            // No newline after the last: it would scroll the first away.
            format!("{HOME}{}{CLEAR_BELOW}", lines.join("\r\n"))
        } else {
            format!("{}\n\n", lines.join("\n"))
        };
        written(&text)
    }

    fn size(&self) -> Size {
        if self.terminal.is_none() {
            return Size {
                columns: self.columns,
                rows: None,
                is_screen: false,
            };
        }
        let told = tcgetwinsize(stdout()).ok();
        let told = told.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
        let (columns, rows) = told
            .filter(|(columns, rows)| columns * rows > 0)
            .unwrap_or(USUAL);
        Size {
            // Behind a character in the last column, clearing the rest of the
            // line would take that character too.
            columns: columns - 1,
            rows: Some(rows),
            is_screen: true,
        }
    }
}

impl Terminal {
    fn enter() -> std::io::Result<Self> {
        let keys = stdin().is_terminal().then(silent_keys).flatten();
        written(ENTER)?;
        Ok(Self { keys })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = written(LEAVE);
        if let Some(keys) = &self.keys {
            let _ = tcsetattr(stdin(), OptionalActions::Flush, keys);
        }
    }
}

/// Keys come one by one and are not shown; Ctrl-C stays a signal. How they were
/// before; `None` where that cannot be changed.
fn silent_keys() -> Option<Termios> {
    let before = tcgetattr(stdin()).ok()?;
    let mut silent = before.clone();
    silent.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
    tcsetattr(stdin(), OptionalActions::Now, &silent).ok()?;
    Some(before)
}

/// Writes to standard output; false where its reader has gone.
fn written(text: &str) -> std::io::Result<bool> {
    let mut output = stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        // The terminal was closed.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
