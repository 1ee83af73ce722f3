//! Figures in words.

use super::what_if::Gain;
use crate::report::{Interval, VerdictKind};
use crate::stats::ROUNDS_FOR_A_CLAIM;

/// A share as percent, with a digit more where it is small.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 9.95 || percent.abs() < 0.05 {
        format!("{percent:.0} %").replace("-0 %", "0 %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A number of CPUs, without digits that say nothing: `2`, `0.5`, `1.25`.
pub fn cpus(cpus: f64) -> String {
    let text = format!("{cpus:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `1 CPU`, `0.5 CPUs`.
pub fn cpu_count(n: f64) -> String {
    format!("{} {}", cpus(n), cpu_noun(n))
}

/// `CPU` where it is one, else `CPUs`.
pub(super) fn cpu_noun(n: f64) -> &'static str {
    if cpus(n) == "1" { "CPU" } else { "CPUs" }
}

/// Seconds, in milliseconds where they are few.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds >= 0.9995 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.01 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{:.3} ms", seconds * 1e3)
    }
}

/// `1 thread`, `2 threads`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

/// `[1.97, 2.01]`, and how little that says where the rounds are few.
pub(crate) fn range(interval: &Interval, rounds: usize) -> String {
    if rounds == 1 {
        return "by one round".to_owned();
    }
    let range = format!("[{:.2}, {:.2}]", interval.low, interval.high);
    if rounds >= ROUNDS_FOR_A_CLAIM {
        range
    } else {
        format!("{range} over {}", count(rounds, "round"))
    }
}

/// What a change should give beside what was measured.
pub(super) fn gain(gain: &Gain, expected_seconds: f64, measured_seconds: f64) -> String {
    let ratio = gain.ratio.median;
    let walls = format!(
        "{} instead of {}",
        seconds(expected_seconds),
        seconds(measured_seconds)
    );
    format!(
        "{ratio:.2} × as fast {}, {walls}",
        range(&gain.ratio, gain.rounds)
    )
}

/// The kind as the report writes it.
pub(crate) fn kind(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Host => "host",
        VerdictKind::HiddenLimit => "hidden-limit",
        VerdictKind::Bursts => "bursts",
        VerdictKind::Quota => "quota",
        VerdictKind::Oversubscribed => "oversubscribed",
        VerdictKind::Cpu => "cpu",
        VerdictKind::Workers => "workers",
        VerdictKind::Imbalance => "imbalance",
        VerdictKind::Waiting => "waiting",
        VerdictKind::Starved => "starved",
        VerdictKind::Backpressure => "backpressure",
        VerdictKind::Contention => "contention",
        VerdictKind::Startup => "startup",
        VerdictKind::Idle => "idle",
        VerdictKind::Unclear => "unclear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_the_digits_they_deserve() {
        assert_eq!(percent(0.4966), "50 %");
        assert_eq!(percent(0.0213), "2.1 %");
        assert_eq!(percent(-0.0001), "0 %");
        assert_eq!([0.5, 1.25, 2.0, 10.0].map(cpus), ["0.5", "1.25", "2", "10"]);
        assert_eq!([0.5, 1.0].map(cpu_count), ["0.5 CPUs", "1 CPU"]);
        assert_eq!(seconds(2.036), "2.04 s");
        assert_eq!(seconds(0.9999), "1.00 s");
        assert_eq!(seconds(0.0123), "12 ms");
        assert_eq!(seconds(0.001_234), "1.234 ms");
    }
}
