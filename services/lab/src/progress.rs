//! What a person sees while a lab runs: a bar on a terminal, else a line per round.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often the bar is drawn anew while nothing happens: rarely, since the
/// runner shares the CPUs it measures.
const REDRAW: Duration = Duration::from_secs(1);

/// Live progress on standard error.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    /// A bar where standard error is a terminal.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1000);
            let style = ProgressStyle::with_template("{bar:24} {msg}")
                .expect("the template is a constant that parses");
            bar.set_style(style.progress_chars("━━─"));
            bar.enable_steady_tick(REDRAW);
            bar
        });
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// Says what begins now; a line of its own where there is no bar.
    pub fn phase(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    /// Shows which sample runs, how much of the run is done and, where that is
    /// known, how much is left.
    pub fn sample(&self, label: &str, done: f64, left: Option<Duration>) {
        if let Some(bar) = &self.bar {
            bar.set_position((done * 1000.0) as u64);
            let left = left.map_or_else(String::new, |left| format!(" · {} left", short(left)));
            bar.set_message(format!("{label}{left}"));
        }
    }

    /// Says that a round has ended, where there is no bar.
    pub fn round(&self, round: u32, rounds: u32, left: Duration) {
        if self.bar.is_none() {
            let after = short(self.started.elapsed());
            let left = short(left);
            eprintln!("round {round} of {rounds} done after {after}, about {left} left");
        }
    }

    /// Says something that must not be overwritten.
    pub fn notice(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..=99 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
