//! Work whose bottleneck is built in: workers that compute, hold a lock, wait
//! or are given unequal parts, exactly as told. Prints a run report, which must
//! name that bottleneck.

use clap::Parser;
use cpu_budget::{Cgroup, clock::monotonic_seconds, thread};
use measure::report::{ReplicaAccount, Round, Row, WorkerAccount};
use service_kit::host::report_here;
use service_kit::sampling::{Cause, Start, Window, WorkerClock, end_at};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What each worker does.
#[derive(Debug, Clone, Parser)]
struct Load {
    /// How many workers
    #[arg(long)]
    workers: usize,

    /// CPU milliseconds of one item
    #[arg(long)]
    busy_ms: f64,

    /// Milliseconds that a worker sleeps after each item
    #[arg(long, default_value_t = 0.0)]
    sleep_ms: f64,

    /// Items per worker in one sample; each takes the next as it becomes free
    #[arg(long)]
    items: u32,

    /// Give each worker its own items beforehand, and the first one this many
    #[arg(long)]
    first_items: Option<u32>,

    /// Hold one lock, shared by all, while computing
    #[arg(long)]
    lock: bool,

    /// Do each item at the same time as the others: as many items for everyone,
    /// and nobody sleeps before all are done
    #[arg(long, requires = "sleep_ms", conflicts_with_all = ["first_items", "lock"])]
    together: bool,

    /// How many samples
    #[arg(long, default_value_t = 6)]
    rounds: u32,

    /// Say one word and compute for so many seconds: a hog for others to suffer from
    #[arg(long)]
    hog_seconds: Option<f64>,
}

fn main() -> anyhow::Result<()> {
    let load: Load = service_kit::config::parse();
    if let Some(seconds) = load.hog_seconds {
        hog(load.workers, seconds);
        return Ok(());
    }
    let cgroup = Cgroup::of_this_process();
    let started = SystemTime::now();
    let rounds = (0..load.rounds)
        .map(|round| Round {
            round,
            repeats: 1,
            replicas: vec![load.sample(&cgroup)],
            ..Round::default()
        })
        .collect();
    let mut report = report_here("known-load", "here", started);
    let shown = format!("{load:?}").into();
    report.parameters = [("load".into(), shown)].into();
    report.rows = vec![Row {
        station: "here".into(),
        strategy: "known-load".into(),
        kernel: "spin".into(),
        workers: load.workers,
        rounds,
        ..Row::default()
    }];
    measure::analysis::analyse(&mut report);
    serde_json::to_writer(std::io::stdout(), &report)?;
    Ok(())
}

impl Load {
    fn sample(&self, cgroup: &Cgroup) -> ReplicaAccount {
        let lock = &Mutex::new(());
        let left = &AtomicU32::new(self.items * self.workers as u32);
        let all_done = &Barrier::new(self.workers);
        let window = Window::open(
            cgroup,
            self.workers,
            Start::Aligned,
            &AtomicBool::new(false),
        );
        let started = window.started();
        let mut accounts: Vec<WorkerAccount> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.workers)
                .map(|index| scope.spawn(move || self.work(index, started, left, lock, all_done)))
                .collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined
                .map(|account| account.expect("spinning does not panic"))
                .collect()
        });
        let ended = accounts
            .iter()
            .map(|a| a.ended_seconds)
            .fold(started, f64::max);
        for account in &mut accounts {
            end_at(account, started, ended);
        }
        window.close(ended).account(accounts, 0.0)
    }

    fn work(
        &self,
        index: usize,
        started: f64,
        left: &AtomicU32,
        lock: &Mutex<()>,
        all_done: &Barrier,
    ) -> WorkerAccount {
        let mut clock = WorkerClock::of_new_thread();
        let own = match (index, self.first_items) {
            (0, Some(first)) => &AtomicU32::new(first),
            (_, Some(_)) => &AtomicU32::new(self.items),
            (_, None) if self.together => &AtomicU32::new(self.items),
            (_, None) => left,
        };
        let next = || {
            own.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_ok()
        };
        while next() {
            clock.take_up(started);
            if self.lock {
                let held = clock.blocked(Cause::Lock, || lock.lock());
                spin(self.busy_ms);
                drop(held.unwrap_or_else(PoisonError::into_inner));
            } else {
                spin(self.busy_ms);
            }
            if self.together {
                clock.blocked(Cause::Io, || all_done.wait());
            }
            if self.sleep_ms > 0.0 {
                let pause = Duration::from_secs_f64(self.sleep_ms * 1e-3);
                clock.blocked(Cause::Io, || std::thread::sleep(pause));
            }
            clock.put_down();
        }
        clock.account(started, started)
    }
}

/// Computes until this thread has used so much CPU time.
fn spin(cpu_milliseconds: f64) {
    let now = || thread::on_cpu().unwrap_or_default();
    let until = now() + Duration::from_secs_f64(cpu_milliseconds * 1e-3);
    while now() < until {
        for _ in 0..1000 {
            std::hint::spin_loop();
        }
    }
}

fn hog(threads: usize, seconds: f64) {
    let until = monotonic_seconds() + seconds;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| while monotonic_seconds() < until {});
        }
        println!("computing");
    });
}
