//! One sample: a job done a fixed number of times by one strategy's workers.

use crate::workload::{Control, Job, JobEnd, JobRun, Strategy};
use cpu_budget::Cgroup;
use measure::report::ReplicaAccount;
use service_kit::sampling::{Start, Window, WorkerTime};
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

/// A job done again and again.
struct Repeated {
    answer: Option<u64>,
    ended: f64,
}

/// What every repeat came to; `None` where they differ: then one of them at
/// least is wrong, and nobody knows which.
fn agreed(counts: &[u64]) -> Option<u64> {
    let (first, others) = counts.split_first()?;
    others.iter().all(|count| count == first).then_some(*first)
}

impl Sample {
    /// Takes the sample on this thread and threads or processes of its own.
    /// When cancelled, what was done so far is accounted for. Where the workers'
    /// time goes meanwhile can be seen in `time`.
    pub fn take(
        &self,
        cgroup: &Cgroup,
        control: &Arc<Control>,
        time: &WorkerTime,
    ) -> io::Result<Taken> {
        control.plan(self.job.chunks() * u64::from(self.repeats));
        let threads = self.strategy.threads(self.workers);
        let live = time.watch(threads);
        let mut crew = self.strategy.crew(self.workers, live.roster())?;
        let window = Window::open(cgroup, threads, self.start, control.cancelled());
        live.opened(&window);
        let started = window.started();
        let job = |run: JobRun| {
            live.job_started(run.started);
            crew.run(run)
        };
        let done = self.repeat(job, started, control)?;
        let window = window.close(done.ended);
        live.closed();
        let children_cpu_seconds = crew.children_cpu_seconds();
        let workers = crew.accounts(started, done.ended);
        let account = window.account(workers, children_cpu_seconds);
        live.settle(&account);
        Ok(Taken {
            account: ReplicaAccount {
                answer: done.answer,
                ..account
            },
            work_shares: self.work_shares(),
        })
    }

    /// Does the job as often as asked, back to back, until cancelled.
    fn repeat(
        &self,
        mut run: impl FnMut(JobRun) -> io::Result<JobEnd>,
        started: f64,
        control: &Arc<Control>,
    ) -> io::Result<Repeated> {
        let mut ended = started;
        let mut counts = Vec::new();
        for _ in 0..self.repeats {
            if control.is_cancelled() {
                break;
            }
            let job = run(JobRun::new(self.job, ended, control.clone()))?;
            ended = job.ended;
            counts.push(job.count);
        }
        Ok(Repeated {
            answer: agreed(&counts),
            ended,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::workload::{Kernel, Shard};

    /// The answer of a sample whose repeats found so many primes.
    fn answer(counts: &[u64]) -> Option<u64> {
        let sample = Sample {
            job: Job::new(0, 100, Kernel::Trial, Shard::WHOLE).unwrap(),
            strategy: Strategy::Sequential,
            workers: 1,
            repeats: counts.len() as u32,
            start: Start::Aligned,
        };
        let mut counts_left = counts.iter();
        let run = |run: JobRun| {
            Ok(JobEnd {
                count: *counts_left.next().unwrap(),
                ended: run.started + 1.0,
            })
        };
        let done = sample.repeat(run, 10.0, &Arc::default()).unwrap();
        assert!((done.ended - 10.0 - counts.len() as f64).abs() < 1e-9);
        done.answer
    }

    #[test]
    fn a_repeat_that_differs_leaves_no_answer() {
        assert_eq!(answer(&[25, 25, 25]), Some(25));
        assert_eq!(answer(&[24, 25, 25]), None);
        assert_eq!(answer(&[25, 24, 25]), None);
        assert_eq!(answer(&[25, 25, 24]), None);
    }
}
