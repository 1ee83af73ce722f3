//! What the strategies share whose threads live for one job.

use super::super::{JobRun, Worker};
use super::JobEnd;
use measure::report::WorkerAccount;
use service_kit::sampling::{Roster, WorkerClock, add_job, end_at};
use std::io;

/// The accounts of workers that are made anew for each job, by their index.
#[derive(Debug, Default)]
pub(super) struct PerWorker(Vec<WorkerAccount>);

impl PerWorker {
    /// Adds one job's accounts.
    pub(super) fn add(&mut self, job: &[WorkerAccount]) {
        if self.0.is_empty() {
            self.0 = job.to_vec();
            return;
        }
        for (sum, account) in self.0.iter_mut().zip(job) {
            add_job(sum, account);
        }
    }

    /// The accounts of all jobs together.
    pub(super) fn into_accounts(self) -> Vec<WorkerAccount> {
        self.0
    }
}

/// A worker's account and how many primes it found.
pub(super) type Found = (WorkerAccount, u64);

/// Workers that are new threads for each job.
#[derive(Debug)]
pub(super) struct OnNewThreads {
    workers: usize,
    roster: Roster,
    sum: PerWorker,
}

impl OnNewThreads {
    /// So many threads for each job, watched while they live.
    pub(super) fn new(workers: usize, roster: &Roster) -> Self {
        Self {
            workers,
            roster: roster.clone(),
            sum: PerWorker::default(),
        }
    }

    /// Runs `work` on the threads of one job while this thread does
    /// `meanwhile`, and joins their accounts.
    pub(super) fn run(
        &mut self,
        run: &JobRun,
        work: impl Fn(u64, &mut Worker) -> u64 + Sync,
        meanwhile: impl FnOnce(),
    ) -> io::Result<JobEnd> {
        let (work, roster, workers) = (&work, &self.roster, self.workers);
        let (mut accounts, count) = std::thread::scope(|scope| {
            let threads = (0..workers as u64)
                .map(|index| {
                    std::thread::Builder::new()
                        .name(format!("worker-{index}"))
                        .spawn_scoped(scope, move || {
                            let clock = WorkerClock::of_new_thread().watched_by(roster);
                            let mut worker = Worker::new(clock);
                            let count = work(index, &mut worker);
                            // The tail is added below, when the last end is known.
                            (worker.clock.account(run.started, run.started), count)
                        })
                })
                .collect::<io::Result<Vec<_>>>();
            let threads = match threads {
                Ok(threads) => threads,
                Err(error) => {
                    run.control().cancel();
                    return Err(error);
                }
            };
            meanwhile();
            let mut accounts: Vec<WorkerAccount> = Vec::with_capacity(workers);
            let mut count = 0;
            for thread in threads {
                let (account, found): Found =
                    thread.join().expect("counting primes does not panic");
                accounts.push(account);
                count += found;
            }
            Ok((accounts, count))
        })?;
        let ended = run.ended();
        for account in &mut accounts {
            end_at(account, run.started, ended);
        }
        self.sum.add(&accounts);
        Ok(JobEnd { count, ended })
    }

    /// The accounts of all jobs together.
    pub(super) fn into_accounts(self) -> Vec<WorkerAccount> {
        self.sum.into_accounts()
    }
}
