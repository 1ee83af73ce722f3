//! What a person sees while a run goes on.

use crate::progress::Progress;
use crate::source::Found;
use crate::store::Sender;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where nobody sees a bar, a line this often tells a log how far it is.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A progress bar on a terminal; elsewhere a line now and then.
pub(super) struct Bar {
    shown: ProgressBar,
    expected: Option<u64>,
    progress: Arc<Progress>,
    found: Arc<Found>,
    store: Sender,
    lines_said: AtomicU64,
}

impl Bar {
    /// One for about so many URLs.
    pub(super) fn new(
        expected: Option<u64>,
        progress: Arc<Progress>,
        found: Arc<Found>,
        store: Sender,
    ) -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let template = if expected.is_some() {
                "{bar:24} {msg}"
            } else {
                "{spinner} {msg}"
            };
            let style = ProgressStyle::with_template(template)
                .expect("the template is a constant that parses");
            ProgressBar::new(expected.unwrap_or(0)).with_style(style.progress_chars("━━─"))
        } else {
            ProgressBar::hidden()
        };
        Self {
            shown,
            expected,
            progress,
            found,
            store,
            lines_said: AtomicU64::new(0),
        }
    }

    /// Says what is wrong with a list without tearing the bar.
    pub(super) fn complainer(&self) -> impl FnMut(&str) + Send + 'static {
        let bar = self.shown.clone();
        move |what: &str| bar.suspend(|| eprintln!("✗ {what}"))
    }

    /// Draws it anew.
    pub(super) fn draw(&self, elapsed: Duration, draining: bool) {
        if self.shown.is_hidden() {
            let lines = elapsed.as_secs() / LINE_EVERY.as_secs();
            if lines > self.lines_said.swap(lines, Ordering::Relaxed) {
                eprintln!("{}", self.words(elapsed, draining));
            }
            return;
        }
        self.shown.set_position(self.through());
        self.shown.set_message(self.words(elapsed, draining));
        self.shown.tick();
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.shown.finish_and_clear();
    }

    /// How many lines are dealt with.
    fn through(&self) -> u64 {
        let counts = self.found.counts();
        self.progress.done() + counts.duplicates + counts.done_before + counts.bad_lines
    }

    fn words(&self, elapsed: Duration, draining: bool) -> String {
        let (done, through) = (self.progress.done(), self.through());
        let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
        let mut words = match self.expected {
            Some(expected) => format!("{through} of {expected}"),
            None => format!("{through}"),
        };
        let _ = write!(
            words,
            " · {rate:.0}/s · {} in flight",
            self.progress.in_flight()
        );
        for (kind, count) in self.progress.failed_by_kind() {
            let _ = write!(words, " · {} {count}", kind.name());
        }
        if let Some(away) = self.store.state().away_for {
            let _ = write!(words, " · the store is away for {} s", away.as_secs());
        }
        if draining {
            words += " · stopping";
        } else if let Some(expected) = self.expected.filter(|_| done > 0) {
            let left = expected.saturating_sub(through) as f64 / rate.max(0.001);
            let left = Duration::from_secs(left.ceil() as u64);
            let _ = write!(words, " · {} left", humantime::format_duration(left));
        }
        words
    }
}
