//! `processes`: each worker is a child process with an interleaved part of the
//! chunks, as Python's multiprocessing does it. A child is this same program,
//! started anew for every job, and it reports its own account.

mod child;
mod parent;

pub use child::child_main;

use super::super::{Job, JobRun, Kernel, Shard};
use super::scoped::PerWorker;
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use parent::Children;
use serde::{Deserialize, Serialize};
use service_kit::sampling::{Roster, end_at};
use std::io;
use std::path::PathBuf;

/// What a child process is to do; its only argument, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ChildTask {
    from: u64,
    limit: u64,
    kernel: Kernel,
    shard: (u64, u64),
    /// Which of the workers this is, from 0.
    index: u64,
    workers: u64,
    started: f64,
}

impl ChildTask {
    fn new(run: &JobRun, index: u64, workers: u64) -> Self {
        let (numbers, shard) = (run.job.numbers(), run.job.shard());
        Self {
            from: numbers.start,
            limit: numbers.end,
            kernel: run.job.kernel(),
            shard: (shard.index, shard.count),
            index,
            workers,
            started: run.started,
        }
    }

    fn job(&self) -> anyhow::Result<Job> {
        let (index, count) = self.shard;
        let job = Job::new(self.from, self.limit, self.kernel, Shard { index, count })?;
        Ok(job.for_workers(self.workers as usize))
    }
}

/// What a child process says on its standard output: one JSON text per line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// So many chunks were done since the last message.
    Done(u64),
    /// The last message: what came of it all.
    Report(ChildReport),
}

/// What came of a child's part of the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChildReport {
    count: u64,
    account: WorkerAccount,
    /// Of the whole process, its start included.
    cpu_seconds: f64,
}

/// Child processes that live for one job.
pub(super) struct Processes {
    workers: u64,
    program: PathBuf,
    roster: Roster,
    sum: PerWorker,
    cpu_seconds: f64,
}

impl Processes {
    /// `workers` children per job.
    pub(super) fn new(workers: usize, roster: &Roster) -> io::Result<Self> {
        Ok(Self {
            workers: workers as u64,
            program: std::env::current_exe()?,
            roster: roster.clone(),
            sum: PerWorker::default(),
            cpu_seconds: 0.0,
        })
    }
}

impl Crew for Processes {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let tasks = (0..self.workers).map(|index| ChildTask::new(&run, index, self.workers));
        let children = Children::start(&self.program, tasks, run.control(), &self.roster)?;
        let reports = children.reports()?;
        let mut accounts = Vec::with_capacity(reports.len());
        let mut count = 0;
        for report in reports {
            run.ended_at(report.account.ended_seconds);
            self.cpu_seconds += report.cpu_seconds;
            count += report.count;
            accounts.push(report.account);
        }
        let ended = run.ended();
        for account in &mut accounts {
            end_at(account, run.started, ended);
        }
        self.sum.add(&accounts);
        Ok(JobEnd { count, ended })
    }

    fn children_cpu_seconds(&self) -> f64 {
        self.cpu_seconds
    }

    fn accounts(self: Box<Self>, _started: f64, _ended: f64) -> Vec<WorkerAccount> {
        self.sum.into_accounts()
    }
}
