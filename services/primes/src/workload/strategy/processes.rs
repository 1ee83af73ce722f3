//! `processes`: each worker is a child process with an interleaved part of the
//! chunks, as Python's multiprocessing does it. A child is this same program,
//! started anew for every job, and it reports its own account.

use super::super::{Control, Job, JobRun, Kernel, Shard};
use super::scoped::{PerWorker, end_at};
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use serde::{Deserialize, Serialize};
use service_kit::sampling::WorkerClock;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

/// What a child process is to do; its only argument, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildTask {
    from: u64,
    limit: u64,
    kernel: Kernel,
    shard: (u64, u64),
    started: f64,
}

/// What a child process answers on its standard output, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildReport {
    count: u64,
    account: WorkerAccount,
}

/// Child processes that live for one job.
pub(super) struct Processes {
    workers: u64,
    program: PathBuf,
    sum: PerWorker,
}

impl Processes {
    /// `workers` children per job.
    pub(super) fn new(workers: usize) -> io::Result<Self> {
        Ok(Self {
            workers: workers as u64,
            program: std::env::current_exe()?,
            sum: PerWorker::default(),
        })
    }

    fn start(&self, run: &JobRun, index: u64) -> io::Result<Child> {
        let shard = run.job.shard().split(index, self.workers);
        let task = ChildTask {
            from: run.job.numbers().start,
            limit: run.job.numbers().end,
            kernel: run.job.kernel(),
            shard: (shard.index, shard.count),
            started: run.started,
        };
        let mut child = Command::new(&self.program)
            .arg("child")
            .arg(serde_json::to_string(&task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of the terminal's reach: Ctrl-C is for the parent to handle,
            // and a child that died of it first would look like a fault.
            .process_group(0)
            .spawn()?;
        if let Some(stdin) = child.stdin.take() {
            run.control().hold_child(stdin);
        }
        Ok(child)
    }
}

impl Crew for Processes {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let mut children = Vec::new();
        for index in 0..self.workers {
            match self.start(&run, index) {
                Ok(child) => children.push(child),
                Err(error) => {
                    run.control().cancel();
                    for child in children {
                        let _ = child.wait_with_output();
                    }
                    return Err(error);
                }
            }
        }
        let mut accounts = Vec::new();
        let mut count = 0;
        let mut failure = None;
        for child in children {
            match report_of(child) {
                Ok(report) => {
                    run.ended_at(report.account.ended_seconds);
                    run.control().add_done(report.account.items);
                    count += report.count;
                    accounts.push(report.account);
                }
                Err(error) => {
                    failure.get_or_insert(error);
                    // The others' work is lost with it: end them too.
                    run.control().release_children();
                }
            }
        }
        run.control().release_children();
        if let Some(error) = failure.filter(|_| !run.control().is_cancelled()) {
            return Err(error);
        }
        let ended = run.ended();
        for account in &mut accounts {
            end_at(account, run.started, ended);
        }
        self.sum.add(&accounts);
        Ok(JobEnd { count, ended })
    }

    fn accounts(self: Box<Self>, _started: f64, _ended: f64) -> Vec<WorkerAccount> {
        self.sum.into_accounts()
    }
}

fn report_of(child: Child) -> io::Result<ChildReport> {
    let id = child.id();
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let status = output.status;
        return Err(io::Error::other(format!(
            "child process {id} ended with {status}"
        )));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The whole life of a child process: does its part and prints its report. It
/// ends at once when its standard input does, so it never outlives its parent.
pub fn child_main(task: &str) -> anyhow::Result<ExitCode> {
    let task: ChildTask = serde_json::from_str(task)?;
    let mut clock = WorkerClock::of_new_thread(task.started);
    std::thread::Builder::new().spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(1);
    })?;
    let (index, count) = task.shard;
    let whole = Job::new(task.from, task.limit, task.kernel, Shard::WHOLE)?;
    let job = whole.with_shard(Shard { index, count });
    let run = JobRun::new(job, task.started, Arc::new(Control::default()));
    let found = run.do_chunks(0..job.chunks(), &mut clock);
    let report = ChildReport {
        count: found,
        account: clock.account(task.started, task.started),
    };
    serde_json::to_writer(io::stdout(), &report)?;
    Ok(ExitCode::SUCCESS)
}
