//! What every strategy must keep, whatever it is.
#![allow(clippy::unwrap_used)]

use super::super::{Control, Job, JobRun, Kernel, Shard};
use super::*;
use cpu_budget::clock::monotonic_seconds;
use std::sync::Arc;

/// All but `processes`, whose children are the built program: see tests/.
const IN_THIS_PROCESS: [Strategy; 6] = [
    Strategy::Sequential,
    Strategy::StaticThreads,
    Strategy::Executor,
    Strategy::WorkStealing,
    Strategy::Channels,
    Strategy::Async,
];

fn run_jobs(
    strategy: Strategy,
    workers: usize,
    limit: u64,
    shard: Shard,
    repeats: u32,
) -> (u64, f64, Vec<WorkerAccount>) {
    let job = Job::new(0, limit, Kernel::Trial, shard).unwrap();
    let mut crew = strategy.crew(workers).unwrap();
    let control = Arc::new(Control::default());
    let started = monotonic_seconds();
    let mut last = JobEnd {
        count: 0,
        ended: started,
    };
    for _ in 0..repeats {
        last = crew
            .run(JobRun::new(job, last.ended, control.clone()))
            .unwrap();
    }
    let accounts = crew.accounts(started, last.ended);
    (last.count, last.ended - started, accounts)
}

#[test]
fn every_strategy_finds_the_same_primes_with_any_number_of_workers() {
    for strategy in IN_THIS_PROCESS {
        for workers in [1, 2, 3, 8, 600] {
            let (count, _, accounts) = run_jobs(strategy, workers, 20_000, Shard::WHOLE, 1);
            assert_eq!(count, 2262, "{strategy:?} {workers}");
            assert_eq!(accounts.len(), strategy.threads(workers), "{strategy:?}");
        }
    }
}

#[test]
fn every_chunk_is_in_exactly_one_workers_account_for_each_repeat() {
    for strategy in IN_THIS_PROCESS {
        let (_, _, accounts) = run_jobs(strategy, 3, 20_000, Shard::WHOLE, 4);
        let chunks = Job::new(0, 20_000, Kernel::Trial, Shard::WHOLE)
            .unwrap()
            .chunks();
        let items: u64 = accounts.iter().map(|account| account.items).sum();
        assert_eq!(items, 4 * chunks, "{strategy:?}");
    }
}

#[test]
fn shards_add_up_to_the_whole() {
    for strategy in IN_THIS_PROCESS {
        let count: u64 = (0..5)
            .map(|index| run_jobs(strategy, 2, 20_000, Shard { index, count: 5 }, 1).0)
            .sum();
        assert_eq!(count, 2262, "{strategy:?}");
    }
}

#[test]
fn each_workers_time_adds_up_to_the_wall() {
    for strategy in IN_THIS_PROCESS {
        let (_, wall, accounts) = run_jobs(strategy, 2, 400_000, Shard::WHOLE, 3);
        for account in accounts {
            let (Some(ran), Some(waited)) = (account.on_cpu_seconds, account.waited_seconds) else {
                continue; // a kernel without schedstat
            };
            let sum = ran + waited + account.blocked_on.total();
            let off = (sum / wall - 1.0).abs();
            assert!(off < 0.15, "{strategy:?}: {sum} of {wall}, {account:?}");
        }
    }
}

#[test]
fn a_cancelled_job_ends_at_once() {
    for strategy in IN_THIS_PROCESS {
        let job = Job::new(0, 1_000_000_000_000, Kernel::Trial, Shard::WHOLE).unwrap();
        let control = Arc::new(Control::default());
        let mut crew = strategy.crew(2).unwrap();
        let started = monotonic_seconds();
        let canceller = {
            let control = control.clone();
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(50));
                control.cancel();
            })
        };
        crew.run(JobRun::new(job, started, control)).unwrap();
        canceller.join().unwrap();
        assert!(monotonic_seconds() - started < 5.0, "{strategy:?}");
    }
}
