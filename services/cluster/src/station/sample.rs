//! One sample: what a family did in a time, while something else loaded it.

use super::api::RunAnswer;
use super::moment::{Moment, accounts, figures};
use crate::master::Handle;
use crate::shape::Shape;
use axum::http::StatusCode;
use cpu_budget::Cgroup;
use cpu_budget::clock::monotonic_seconds;
use service_kit::problem::Problem;
use service_kit::sampling::{Start, Window, WorkerTime};
use service_kit::station::UnderWay;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The family that is to serve meanwhile.
    pub shape: Shape,
    /// For how long.
    pub seconds: f64,
    /// When it starts.
    pub start: Start,
}

/// What is shared with those who watch a sample.
#[derive(Debug, Default)]
pub struct Control {
    is_cancelled: AtomicBool,
    /// Its done share, in millionths.
    done: AtomicU64,
}

impl UnderWay for Control {
    fn progress(&self) -> f64 {
        self.done.load(Ordering::Relaxed) as f64 * 1e-6
    }

    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

impl Sample {
    /// Takes the sample, on a thread that may block. When cancelled, it ends early.
    pub fn take(
        &self,
        master: &Handle,
        cgroup: &Cgroup,
        time: &WorkerTime,
        control: &Control,
    ) -> Result<RunAnswer, Problem> {
        master.reshape(self.shape).map_err(|reason| {
            tracing::error!(reason, "the family cannot be had");
            let detail = format!(
                "the workers could not be had: {reason}; fewer may fit this container's limits of \
                 threads, processes and memory"
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })?;
        let threads = self.shape.workers * self.shape.threads;
        let live = time.watch(threads);
        let window = Window::open(cgroup, threads, self.start, &control.is_cancelled);
        let started = window.started();
        live.opened(&window);
        let before = Moment::now(master, None);
        let watching = before.watch(&live);
        self.wait(started, control);
        let ended = monotonic_seconds();
        let after = Moment::now(master, Some(&before));
        let window = window.close(ended);
        live.closed();
        let workers = accounts(&before, &after, started, ended);
        let cpu_seconds = workers.iter().filter_map(|worker| worker.on_cpu_seconds);
        let account = window.account(workers.clone(), cpu_seconds.sum());
        drop(watching);
        live.settle(&account);
        Ok(RunAnswer {
            account,
            work_shares: None,
            figures: figures(&before, &after),
        })
    }

    fn wait(&self, started: f64, control: &Control) {
        while !control.is_cancelled.load(Ordering::Relaxed) {
            let gone = monotonic_seconds() - started;
            let share = (gone / self.seconds).clamp(0.0, 1.0);
            control.done.store((share * 1e6) as u64, Ordering::Relaxed);
            let left = self.seconds - gone;
            if left <= 0.0 {
                return;
            }
            std::thread::sleep(Duration::from_secs_f64(left.min(0.05)));
        }
    }
}
