//! Parallel efficiency: what two workers gain over one, divided by two.

use crate::jobs::{FIVE_MILLION, Job, TWO_MILLION};
use crate::ours::Primes;
use crate::peers::{self, Peer};
use crate::rounds::{Contestant, in_turn};
use crate::table::{Figures, Goal, with_range};
use anyhow::Context;
use measure::report::{Round, Row};
use measure::stats::interval;

const WORKERS: usize = 2;

/// Ours, with the goal of each where it has one.
const STRATEGIES: [(&str, Option<Goal>); 6] = [
    ("work-stealing", Some(Goal::AtLeast(0.97))),
    ("executor", None),
    ("channels", None),
    ("processes", None),
    ("static-threads", None),
    ("async", None),
];

/// What one round shows of a program.
#[derive(Clone, Copy)]
struct Efficiency {
    /// Wall alone ÷ wall shared ÷ workers.
    efficiency: f64,
    parts: Option<Parts>,
}

/// What an efficiency is made of: it is their product, but for what a worker
/// alone is kept off its CPU.
#[derive(Clone, Copy)]
struct Parts {
    /// The share of their time that the workers were on a CPU: the strategy's
    /// own part.
    running: f64,
    /// CPU seconds per job alone ÷ shared: the machine's part (shared caches,
    /// hyper-threads, what a hypervisor takes), and work that sharing adds.
    cpu_ratio: f64,
    /// What the model says of the strategy on this machine.
    predicted: f64,
}

struct Program<'a> {
    name: String,
    limit: u64,
    goal: Option<Goal>,
    contestant: Contestant<'a, Efficiency>,
}

/// The table of all of ours and of the peers.
pub fn efficiencies(primes: &Primes, rounds: u32) -> anyhow::Result<Figures> {
    let (peers, missing) = peers::installed()?;
    let mut programs: Vec<Program> = STRATEGIES
        .iter()
        .map(|&(strategy, goal)| our(primes, strategy, goal))
        .collect();
    for peer in &peers {
        programs.extend(peer.parallel_forms.iter().map(|&form| their(peer, form)));
    }
    let (rows, contestants): (Vec<_>, Vec<_>) = programs
        .into_iter()
        .map(|program| {
            (
                (program.name, program.limit, program.goal),
                program.contestant,
            )
        })
        .unzip();
    let measured = in_turn(rounds, contestants)?;
    let mut figures = Figures::new(&[
        "Two workers",
        "Primes below",
        "Efficiency",
        "= running share",
        "× CPU per job, alone ÷ shared",
        "Predicted",
        "Goal",
    ]);
    for ((name, limit, goal), rounds) in rows.into_iter().zip(measured) {
        let of = |figure: fn(&Parts) -> f64| {
            let parts: Vec<f64> = rounds
                .iter()
                .filter_map(|r| r.parts.as_ref().map(figure))
                .collect();
            interval(&parts).map_or_else(|| "–".to_owned(), |i| with_range(&i))
        };
        let efficiency: Vec<f64> = rounds.iter().map(|round| round.efficiency).collect();
        let efficiency = interval(&efficiency).context("no efficiency")?;
        figures.row(&[
            name,
            limit.to_string(),
            with_range(&efficiency),
            of(|parts| parts.running),
            of(|parts| parts.cpu_ratio),
            of(|parts| parts.predicted),
            goal.map_or_else(|| "–".to_owned(), |goal| goal.judge(&efficiency)),
        ]);
    }
    figures.leave_out(missing);
    Ok(figures)
}

/// One of our strategies. A round is a sample of a second or more, and one of
/// the baseline in the same process.
fn our<'a>(primes: &'a Primes, strategy: &'static str, goal: Option<Goal>) -> Program<'a> {
    Program {
        name: format!("ours, {strategy}"),
        limit: FIVE_MILLION.limit,
        goal,
        contestant: Contestant::new(strategy, move || {
            let workers = WORKERS.to_string();
            let options = ["--strategy", strategy, "--workers", &workers];
            let one_sample = ["--rounds", "1", "--min-seconds", "1"];
            let run = primes.run(FIVE_MILLION, &[options, one_sample].concat())?;
            let [alone, shared] = run.report.rows.as_slice() else {
                anyhow::bail!("a report of a baseline and a strategy was expected");
            };
            our_efficiency(alone, shared).context("the kernel does not tell the workers' CPU time")
        }),
    }
}

fn our_efficiency(alone: &Row, shared: &Row) -> Option<Efficiency> {
    let (one, two) = (alone.rounds.first()?, shared.rounds.first()?);
    let (one_cpu, two_cpu) = (worker_cpu_per_job(one)?, worker_cpu_per_job(two)?);
    let worker_time = |wall: f64| wall * WORKERS as f64;
    Some(Efficiency {
        efficiency: one.job_seconds() / worker_time(two.job_seconds()),
        parts: Some(Parts {
            running: two_cpu / worker_time(two.job_seconds()),
            cpu_ratio: one_cpu / two_cpu,
            predicted: one_cpu / worker_time(shared.predicted_wall_seconds?.median),
        }),
    })
}

/// The workers' own, since a control group may hold more than this program.
fn worker_cpu_per_job(round: &Round) -> Option<f64> {
    let seconds: f64 = round
        .workers()
        .map(|w| w.on_cpu_seconds)
        .sum::<Option<f64>>()?;
    Some(seconds / f64::from(round.repeats))
}

/// A parallel form of a peer. A round is its fastest run alone ÷ its fastest
/// run in this form.
fn their<'a>(peer: &'a Peer, (form, called): (&'static str, &str)) -> Program<'a> {
    let job: Job = if peer.slow { TWO_MILLION } else { FIVE_MILLION };
    let name = format!("{}, {called}", peer.name);
    Program {
        name: name.clone(),
        limit: job.limit,
        goal: None,
        contestant: Contestant::new(name, move || {
            let alone = peer.best_seconds("single", job, 1)?;
            let shared = peer.best_seconds(form, job, WORKERS)?;
            Ok(Efficiency {
                efficiency: alone / shared / WORKERS as f64,
                parts: None,
            })
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::report::{Interval, ReplicaAccount, WorkerAccount};

    /// A row with one sample of two repeats, its workers so long on a CPU.
    fn row(wall_seconds: f64, on_cpu_seconds: &[Option<f64>]) -> Row {
        let worker = |&on_cpu_seconds| WorkerAccount {
            on_cpu_seconds,
            ..WorkerAccount::default()
        };
        Row {
            rounds: vec![Round {
                round: 0,
                repeats: 2,
                replicas: vec![ReplicaAccount {
                    ended_seconds: wall_seconds,
                    workers: on_cpu_seconds.iter().map(worker).collect(),
                    ..ReplicaAccount::default()
                }],
                ..Round::default()
            }],
            predicted_wall_seconds: Some(Interval {
                median: 0.5,
                low: 0.5,
                high: 0.5,
                coverage: 0.0,
            }),
            ..Row::default()
        }
    }

    #[test]
    fn an_efficiency_is_the_running_share_times_the_ratio_of_cpu_seconds() {
        // Alone 1 s per job, all of it on a CPU; shared 0.625 s, of which one
        // worker ran 0.625 s and the other 0.5 s.
        let (alone, shared) = (row(2.0, &[Some(2.0)]), row(1.25, &[Some(1.25), Some(1.0)]));

        let found = our_efficiency(&alone, &shared).unwrap();

        let parts = found.parts.unwrap();
        assert!((found.efficiency - 0.8).abs() < 1e-12);
        assert!((parts.running - 0.9).abs() < 1e-12);
        assert!((parts.running * parts.cpu_ratio - found.efficiency).abs() < 1e-12);
        assert!((parts.predicted - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_the_workers_cpu_time_there_are_no_parts_to_name() {
        let (alone, shared) = (row(2.0, &[Some(2.0)]), row(1.0, &[Some(1.0), None]));

        assert!(our_efficiency(&alone, &shared).is_none());
    }
}
