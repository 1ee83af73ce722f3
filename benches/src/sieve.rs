//! The sieve against primesieve, and the memory it takes.

use crate::jobs::TEN_BILLION;
use crate::ours::Primes;
use crate::programs::{output_of, version};
use crate::rounds::{Contestant, in_turn, ratio};
use crate::table::{Figures, Goal, LeftOut, with_range};
use anyhow::Context;
use measure::durations;
use measure::report::Interval;
use measure::stats::interval;
use std::process::Command;

const THREADS: &str = "2";
const MIB: f64 = 1024.0 * 1024.0;

/// One run.
#[derive(Clone, Copy)]
struct Taken {
    seconds: f64,
    peak_bytes: Option<u64>,
}

/// The table of both.
pub fn against_primesieve(primes: &Primes, rounds: u32) -> anyhow::Result<Figures> {
    let primesieve = version("primesieve", "--version");
    let mut contestants = vec![Contestant::new("ours", || ours(primes))];
    if primesieve.is_some() {
        contestants.push(Contestant::new("primesieve", theirs));
    }
    let measured = in_turn(rounds, contestants)?;
    let seconds = |runs: &Vec<Taken>| runs.iter().map(|run| run.seconds).collect::<Vec<_>>();
    let ours = seconds(&measured[0]);
    let mut figures = Figures::new(&["Figure", "Value", "Of", "Goal"]);
    if let (Some(version), Some(theirs)) = (&primesieve, measured.get(1)) {
        let theirs = seconds(theirs);
        let ratio = ratio(&ours, &theirs).context("no ratio")?;
        figures.row(&[
            format!("sieve ÷ primesieve {version}, 10^10, {THREADS} threads"),
            with_range(&ratio),
            format!("{} ÷ {}", shown(&ours), shown(&theirs)),
            Goal::AtMost(1.25).judge(&ratio),
        ]);
    } else {
        figures.leave_out([LeftOut::not_installed("primesieve", "primesieve")]);
        figures.row(&["sieve, 10^10".into(), shown(&ours), "–".into(), "–".into()]);
    }
    match most_memory(&measured[0]) {
        Some(mib) => figures.row(&[
            "sieve, most resident memory".into(),
            format!("{:.1} MiB", mib.high),
            "VmHWM of /proc/<pid>/status".into(),
            Goal::AtMost(64.0).judge(&mib).replace(':', " MiB:"),
        ]),
        None => figures.leave_out([LeftOut {
            what: "resident memory".into(),
            why: "the kernel does not tell".into(),
        }]),
    }
    Ok(figures)
}

/// Its own seconds, on two threads; the baseline that `primes run` takes beside
/// them is not looked at.
fn ours(primes: &Primes) -> anyhow::Result<Taken> {
    let options = [
        "--kernel",
        "sieve",
        "--strategy",
        "work-stealing",
        "--workers",
        THREADS,
    ];
    let once = ["--rounds", "1", "--min-seconds", "0.01"];
    let run = primes.run(TEN_BILLION, &[&options[..], &once].concat())?;
    let shared = run.report.rows.iter().find(|row| !row.baseline);
    let round = shared.and_then(|row| row.rounds.first());
    Ok(Taken {
        seconds: round.context("the report has no sample")?.job_seconds(),
        peak_bytes: run.peak_bytes,
    })
}

/// Its own seconds too.
fn theirs() -> anyhow::Result<Taken> {
    let limit = TEN_BILLION.limit.to_string();
    let threads = format!("--threads={THREADS}");
    let arguments = [&limit, &threads, "--count", "--time", "--no-status"];
    let text = output_of(Command::new("primesieve").args(arguments))?;
    let (found, seconds) = primes_and_seconds(&text)
        .with_context(|| format!("it printed {text:?} and not primes and seconds"))?;
    TEN_BILLION.check(found)?;
    Ok(Taken {
        seconds,
        peak_bytes: None,
    })
}

fn primes_and_seconds(text: &str) -> Option<(u64, f64)> {
    let after = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(rest.trim())
    };
    Some((
        after("Primes:")?.parse().ok()?,
        after("Seconds:")?.parse().ok()?,
    ))
}

fn most_memory(runs: &[Taken]) -> Option<Interval> {
    let bytes: Option<Vec<f64>> = runs
        .iter()
        .map(|run| run.peak_bytes.map(|bytes| bytes as f64 / MIB))
        .collect();
    interval(&bytes?)
}

fn shown(seconds: &[f64]) -> String {
    interval(seconds).map_or_else(String::new, |seconds| durations(&seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_primesieve_prints_is_read() {
        let text = "Sieve size = 256 KiB\nThreads = 2\nSeconds: 0.041\nPrimes: 5761455\n";
        assert_eq!(primes_and_seconds(text), Some((5_761_455, 0.041)));
        assert_eq!(primes_and_seconds("Seconds: 0.041\n"), None);
    }
}
