//! Prints what one reading of each counter costs here, in nanoseconds: what to
//! know before reading them in a loop. Run it in release mode.

use std::hint::black_box;
use std::time::Instant;

use cpu_budget::thread::{self, WaitClock};
use cpu_budget::{Cgroup, SchedStat, clock, host::HostCpuTimes};

fn main() {
    report(
        "clock::monotonic_seconds",
        1_000_000,
        clock::monotonic_seconds,
    );
    report("thread::on_cpu", 1_000_000, thread::on_cpu);
    match WaitClock::open() {
        Some(clock) => report("WaitClock::read", 1_000_000, || clock.read()),
        None => println!("WaitClock: this kernel keeps no such figures"),
    }
    report("WaitClock::open", 10_000, WaitClock::open);
    if let Some(stat) = SchedStat::of_this_thread() {
        report("SchedStat::read", 1_000_000, || stat.read());
        report("SchedStat::sleeps", 10_000, || stat.sleeps());
    }

    let cgroup = Cgroup::of_this_process();
    report("Cgroup::usage", 10_000, || cgroup.usage());
    report("Cgroup::budget", 2_000, || cgroup.budget());
    report("Cgroup::of_this_process", 2_000, Cgroup::of_this_process);
    report("HostCpuTimes::read", 2_000, HostCpuTimes::read);
}

/// The median of five batches, so that one disturbed batch does not show.
fn report<T>(name: &str, calls: u32, reading: impl Fn() -> T) {
    let mut nanoseconds: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..calls {
                black_box(reading());
            }
            start.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    nanoseconds.sort_by(f64::total_cmp);
    println!("{name:<26}{:>10.0} ns", nanoseconds[2]);
}
