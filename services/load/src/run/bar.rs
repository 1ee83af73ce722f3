//! How far a run is, for people.

use crate::engine::Control;
use crate::plan::Plan;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Drawing costs CPU time of the machine that is measured.
const REDRAW: Duration = Duration::from_millis(500);

/// Steps of the bar.
const STEPS: u64 = 1000;

/// A bar on a terminal; nothing elsewhere.
pub(super) struct Bar {
    drawn: Option<(ProgressBar, JoinHandle<()>)>,
    ended: Arc<AtomicBool>,
}

impl Bar {
    /// One that shows what `control` says until it is finished.
    pub(super) fn start(plan: &Plan, control: Arc<Control>) -> anyhow::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        if !std::io::stderr().is_terminal() {
            return Ok(Self { drawn: None, ended });
        }
        let style = ProgressStyle::with_template("{bar:24} {msg}")
            .expect("the template is a constant that parses");
        let bar = ProgressBar::new(STEPS).with_style(style.progress_chars("━━─"));
        let seconds = plan.warm_up_seconds + plan.seconds;
        let (drawn, over) = (bar.clone(), ended.clone());
        let thread = std::thread::Builder::new()
            .name("bar".into())
            .spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let progress = control.progress();
                    drawn.set_position((progress * STEPS as f64) as u64);
                    drawn.set_message(format!("{:.0} of {seconds:.0} s", progress * seconds));
                    std::thread::park_timeout(REDRAW);
                }
            })
            .context("cannot draw a bar")?;
        Ok(Self {
            drawn: Some((bar, thread)),
            ended,
        })
    }

    /// Takes it away.
    pub(super) fn finish(self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some((bar, thread)) = self.drawn {
            thread.thread().unpark();
            let _ = thread.join();
            bar.finish_and_clear();
        }
    }
}
