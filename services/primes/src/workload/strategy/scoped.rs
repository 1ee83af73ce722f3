//! What the strategies share whose threads live for one job.

use super::super::JobRun;
use super::JobEnd;
use measure::report::WorkerAccount;
use service_kit::sampling::{WorkerClock, add_job};
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

/// A worker's clock and how many primes it found.
pub(super) type Found = (WorkerAccount, u64);

/// Runs `worker` on `workers` new threads while this thread does `meanwhile`,
/// and joins their accounts.
pub(super) fn on_new_threads(
    run: &JobRun,
    workers: usize,
    sum: &mut PerWorker,
    worker: impl Fn(u64, &mut WorkerClock) -> u64 + Sync,
    meanwhile: impl FnOnce(),
) -> io::Result<JobEnd> {
    let worker = &worker;
    let (mut accounts, count) = std::thread::scope(|scope| {
        let threads = (0..workers as u64)
            .map(|index| {
                std::thread::Builder::new()
                    .name(format!("worker-{index}"))
                    .spawn_scoped(scope, move || {
                        let mut clock = WorkerClock::of_new_thread(run.started);
                        let count = worker(index, &mut clock);
                        // The tail is added below, when the last end is known.
                        (clock.account(run.started, run.started), count)
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
            let (account, found): Found = thread.join().expect("counting primes does not panic");
            accounts.push(account);
            count += found;
        }
        Ok((accounts, count))
    })?;
    let ended = run.ended();
    for account in &mut accounts {
        end_at(account, run.started, ended);
    }
    sum.add(&accounts);
    Ok(JobEnd { count, ended })
}

/// Completes an account that was made before the job's end was known.
pub(super) fn end_at(account: &mut WorkerAccount, started: f64, ended: f64) {
    if account.items == 0 {
        account.started_seconds = ended;
        account.ended_seconds = ended;
        account.blocked_on.start = (ended
            - started
            - account.on_cpu_seconds.unwrap_or(0.0)
            - account.waited_seconds.unwrap_or(0.0)
            - account.blocked_on.total())
        .max(0.0);
    } else {
        account.blocked_on.tail += (ended - account.ended_seconds).max(0.0);
    }
}
