//! A clock whose readings can be compared between containers of one host.

use rustix::time::{ClockId, clock_gettime};

/// Seconds since an arbitrary moment, mostly the host's boot
/// (`CLOCK_MONOTONIC`): it neither jumps nor follows the time of day.
///
/// Processes and containers of one host read the same clock, unless one was
/// put into a time namespace of its own (`unshare --time`; neither Docker nor
/// Podman does that). Readings of two hosts cannot be compared.
pub fn monotonic_seconds() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// CPU seconds of this process since it began, of all its threads, without its
/// children (`CLOCK_PROCESS_CPUTIME_ID`).
pub fn process_cpu_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::{monotonic_seconds, process_cpu_seconds};
    use std::time::{Duration, Instant};

    #[test]
    fn it_advances_as_instant_does() {
        let (instant, seconds) = (Instant::now(), monotonic_seconds());

        std::thread::sleep(Duration::from_millis(50));
        let inner = monotonic_seconds() - seconds;
        let outer = instant.elapsed().as_secs_f64();

        assert!(inner >= 0.05, "{inner} s across a sleep of 50 ms");
        assert!(inner <= outer, "{inner} s within {outer} s");
    }

    #[test]
    fn a_process_has_used_what_its_threads_have() {
        let before = process_cpu_seconds();

        let thread = std::thread::spawn(|| {
            let enough = Some(Duration::from_millis(20));
            while crate::thread::on_cpu() < enough {}
        });
        thread.join().expect("it does not panic");

        assert!(process_cpu_seconds() - before >= 0.02);
    }
}
