//! What every strategy must keep, whatever it is.
#![allow(clippy::unwrap_used)]

use super::super::{Control, Job, JobRun, Kernel, Shard};
use super::*;
use cpu_budget::clock::monotonic_seconds;
use service_kit::sampling::Roster;
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

/// Many chunks for the sieve too, and primes up to its root that cross off.
const SIEVE_LIMIT: u64 = 20_000_000;

fn run_jobs(
    strategy: Strategy,
    workers: usize,
    limit: u64,
    shard: Shard,
    repeats: u32,
) -> (u64, f64, Vec<WorkerAccount>) {
    let job = Job::new(0, limit, Kernel::Trial, shard).unwrap();
    run_job(strategy, workers, job, repeats)
}

fn run_job(
    strategy: Strategy,
    workers: usize,
    job: Job,
    repeats: u32,
) -> (u64, f64, Vec<WorkerAccount>) {
    let mut crew = strategy.crew(workers, &Roster::new(workers)).unwrap();
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
fn every_strategy_works_with_the_sieve() {
    for strategy in IN_THIS_PROCESS {
        let job = Job::new(0, SIEVE_LIMIT, Kernel::Sieve, Shard::WHOLE).unwrap();
        let (count, _, accounts) = run_job(strategy, 3, job, 2);
        assert_eq!(count, 1_270_607, "{strategy:?}");
        let items: u64 = accounts.iter().map(|account| account.items).sum();
        assert_eq!(items, 2 * job.chunks(), "{strategy:?}");
        assert!(job.chunks() > 5);
    }
}

#[test]
fn a_worker_prepares_anew_for_another_job() {
    let mut crew = Strategy::Sequential.crew(1, &Roster::new(1)).unwrap();
    for (limit, kernel, count) in [
        (1000, Kernel::Sieve, 168),
        (SIEVE_LIMIT, Kernel::Sieve, 1_270_607),
        (1000, Kernel::Trial, 168),
    ] {
        let job = Job::new(0, limit, kernel, Shard::WHOLE).unwrap();
        let run = JobRun::new(job, monotonic_seconds(), Arc::default());
        assert_eq!(crew.run(run).unwrap().count, count, "{limit} {kernel:?}");
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

fn assert_adds_up(strategy: Strategy, account: &WorkerAccount, wall: f64) {
    let (Some(ran), Some(waited)) = (account.on_cpu_seconds, account.waited_seconds) else {
        return; // a kernel without schedstat
    };
    let sum = ran + waited + account.blocked_on.total();
    let off = (sum / wall - 1.0).abs();
    assert!(off < 0.15, "{strategy:?}: {sum} of {wall}, {account:?}");
}

#[test]
fn each_workers_time_adds_up_to_the_wall() {
    for strategy in IN_THIS_PROCESS {
        let (_, wall, accounts) = run_jobs(strategy, 2, 400_000, Shard::WHOLE, 3);
        for account in accounts {
            assert_adds_up(strategy, &account, wall);
        }
    }
}

#[test]
fn workers_without_a_chunk_were_not_starved_and_their_time_adds_up_too() {
    let prime = 999_999_999_989; // some milliseconds of work
    let job = Job::new(prime, prime + 1, Kernel::Trial, Shard::WHOLE).unwrap();
    for strategy in IN_THIS_PROCESS {
        let (count, wall, accounts) = run_job(strategy, 4, job, 10);
        assert_eq!(count, 1, "{strategy:?}");
        for account in accounts {
            assert_adds_up(strategy, &account, wall);
            let input = account.blocked_on.input;
            assert!(input < wall / 2.0, "{strategy:?}: {wall}, {account:?}");
        }
    }
}

#[test]
fn a_cancelled_job_ends_at_once() {
    let kernels = [Kernel::Trial, Kernel::Sieve];
    let cases = kernels.map(|kernel| IN_THIS_PROCESS.map(|strategy| (kernel, strategy)));
    for (kernel, strategy) in cases.into_iter().flatten() {
        let job = Job::new(0, 1_000_000_000_000, kernel, Shard::WHOLE).unwrap();
        let control = Arc::new(Control::default());
        let mut crew = strategy.crew(2, &Roster::new(2)).unwrap();
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
        // One chunk each, which takes long in a debug build on a busy machine;
        // the job would take hours.
        assert!(
            monotonic_seconds() - started < 60.0,
            "{kernel:?} {strategy:?}"
        );
    }
}
