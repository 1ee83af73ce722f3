//! One sample: a job done a fixed number of times by one strategy's workers.

use crate::workload::{Control, Job, JobEnd, JobRun, Strategy};
use cpu_budget::Cgroup;
use measure::report::ReplicaAccount;
use service_kit::sampling::{Start, Window};
use std::io;
use std::sync::Arc;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The job.
    pub job: Job,
    /// How it is shared out.
    pub strategy: Strategy,
    /// Among how many.
    pub workers: usize,
    /// How often it is done, back to back.
    pub repeats: u32,
    /// How the clock is started.
    pub start: Start,
}

/// A sample, taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the workers and the kernel counted.
    pub account: ReplicaAccount,
    /// The share of the CPU work that the strategy gave each worker
    /// beforehand; `None` where workers take work as they go, or there is none.
    pub work_shares: Option<Vec<f64>>,
}

impl Sample {
    /// Takes the sample on this thread and threads or processes of its own.
    /// When cancelled, what was done so far is accounted for.
    pub fn take(&self, cgroup: &Cgroup, control: &Arc<Control>) -> io::Result<Taken> {
        control.plan(self.job.chunks() * u64::from(self.repeats));
        let mut crew = self.strategy.crew(self.workers)?;
        let threads = self.strategy.threads(self.workers);
        let window = Window::open(cgroup, threads, self.start, control.cancelled());
        let mut last = JobEnd {
            count: 0,
            ended: window.started(),
        };
        for _ in 0..self.repeats {
            if control.is_cancelled() {
                break;
            }
            last = crew.run(JobRun::new(self.job, last.ended, control.clone()))?;
        }
        let workers = crew.accounts(window.started(), last.ended);
        let children_cpu_seconds = match self.strategy {
            Strategy::Processes => workers.iter().filter_map(|w| w.on_cpu_seconds).sum(),
            _ => 0.0,
        };
        let account = window.close(last.ended, workers, children_cpu_seconds);
        Ok(Taken {
            account: ReplicaAccount {
                answer: Some(last.count),
                ..account
            },
            work_shares: self.work_shares(),
        })
    }

    fn work_shares(&self) -> Option<Vec<f64>> {
        if !self.strategy.is_fixed_beforehand() {
            return None;
        }
        let count = self.workers as u64;
        let operations = |worker: u64| {
            let run = self.job.equal_run(worker, count);
            if run.is_empty() {
                return 0.0;
            }
            let (first, last) = (self.job.chunk(run.start), self.job.chunk(run.end - 1));
            self.job.kernel().operations(first.start..last.end)
        };
        let each: Vec<f64> = (0..count).map(operations).collect();
        let all: f64 = each.iter().sum();
        // A shard may have no chunk at all.
        (all > 0.0).then(|| each.iter().map(|operations| operations / all).collect())
    }
}
