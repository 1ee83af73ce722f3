//! What a change of limits or workers should gain, by the models.
//!
//! Each round is its own experiment: the round's CPU seconds go through the
//! quota and schedule models under the changed limits, and its measured wall is
//! divided by what comes out. The result is never better than the CPUs that
//! others leave, the parallelism that locks allow, or the time that workers
//! wait for something outside.

use crate::figures::RoundFigures;
use crate::quota::QuotaModel;
use crate::report::{Interval, Row};
use crate::schedule::{Inputs, ReplicaLimits, predict};
use crate::stats::interval;

/// A change to a row; what is not named stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct WhatIf {
    /// CPUs of quota, all replicas together.
    pub(super) quota_cpus: Option<f64>,
    /// CPUs that it may run on, all replicas together.
    pub(super) allowed_cpus: Option<f64>,
    /// Threads of all replicas together.
    pub(super) threads: Option<usize>,
    /// One replica with all of the quota instead of several.
    pub(super) one_replica: bool,
    /// Work shared as it goes, instead of in fixed parts.
    pub(super) equal_sharing: bool,
    /// Waits under way at once, where that is known of the job.
    pub(super) at_once: Option<f64>,
    /// What no longer stands in the way.
    pub(super) gone: Option<Hindrance>,
}

/// Something that may be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// Other processes on the allowed CPUs.
    Others,
    /// Waiting for locks, queues, io and requests.
    Waits,
    /// Starting the workers, with the CPU that it costs, and waiting too.
    Starts,
}

/// What a change should give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gain {
    /// Wall seconds of one job now ÷ after the change.
    pub(super) ratio: Interval,
    /// How many rounds the interval comes from.
    pub(super) rounds: usize,
}

/// The gain of `change` over all rounds; `None` when any round lacks a figure
/// that the models need, and for a server under a load from outside, whose
/// sample takes as long as that.
///
/// What others on the same CPUs will take is not known: the interval reaches
/// from all that they took to what these threads got beside them.
pub(super) fn gain(row: &Row, rounds: &[RoundFigures], change: &WhatIf) -> Option<Gain> {
    if rounds.iter().any(|round| round.served) {
        return None;
    }
    let ratios: Vec<(f64, f64)> = rounds
        .iter()
        .map(|round| {
            let (least, most) = available_cpus(round, change)?;
            let slowest = wall_after(row, round, change, least)?;
            let fastest = wall_after(row, round, change, most)?;
            let job = round.job_seconds() / beyond_the_model(row, round, change)?;
            Some((job / slowest, job / fastest))
        })
        .collect::<Option<_>>()?;
    Some(Gain {
        ratio: between(ratios)?,
        rounds: rounds.len(),
    })
}

/// Measured ÷ model of a job as it was, where the change is of the number of
/// waits under way alone: what the models leave out, such as making connections,
/// stays in proportion. 1 for other changes.
fn beyond_the_model(row: &Row, round: &RoundFigures, change: &WhatIf) -> Option<f64> {
    if change.at_once.is_none() {
        return Some(1.0);
    }
    let unchanged = WhatIf {
        at_once: None,
        ..*change
    };
    let (_, cpus) = available_cpus(round, &unchanged)?;
    let model = wall_after(row, round, &unchanged, cpus)?;
    Some((round.job_seconds() / model).max(1.0))
}

/// The interval of (low, high) pairs, around the median of their middles.
fn between(pairs: Vec<(f64, f64)>) -> Option<Interval> {
    let (lows, highs): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let middles: Vec<f64> = lows
        .iter()
        .zip(&highs)
        .map(|(l, h)| (l + h) / 2.0)
        .collect();
    Some(Interval {
        low: interval(&lows)?.low,
        high: interval(&highs)?.high,
        ..interval(&middles)?
    })
}

/// Wall seconds of one job of this round under the change.
fn wall_after(row: &Row, round: &RoundFigures, change: &WhatIf, cpus: f64) -> Option<f64> {
    let replicas = replicas_after(round, change, cpus)?;
    let threads_stay = change.threads.is_none() && !change.one_replica;
    let shares = row
        .work_shares
        .as_deref()
        .filter(|_| threads_stay && !change.equal_sharing);
    // What a sample of a part took is scaled; of another number at once there is
    // no sample, and the whole job is told.
    let share = change.at_once.map_or(round.share, |_| 1.0);
    let begins = match change.gone {
        Some(Hindrance::Waits | Hindrance::Starts) => 0.0,
        _ => round.idle_start_seconds() / f64::from(round.repeats),
    };
    let inputs = Inputs {
        cpu_seconds: job_cpu_seconds(round, change)? * share,
        idle_start_seconds: begins,
        repeats: round.repeats,
        replicas: &replicas,
        allowed_cpus: cpus,
        shares,
    };
    let threads: usize = replicas.iter().map(|r| r.threads).sum();
    let model = predict(&inputs)?.wall_seconds / share;
    Some(model.max(unavoidable_seconds(round, change, threads)?))
}

/// CPU seconds of one job after the change: what starting workers costs is
/// spent outside of them.
fn job_cpu_seconds(round: &RoundFigures, change: &WhatIf) -> Option<f64> {
    let cpu = round.job_cpu_seconds()?;
    if change.gone == Some(Hindrance::Starts) {
        Some(worker_cpu_seconds(round)?.min(cpu))
    } else {
        Some(cpu)
    }
}

/// CPU seconds of one job within the workers.
fn worker_cpu_seconds(round: &RoundFigures) -> Option<f64> {
    Some(round.worker_cpu_seconds? / round.jobs())
}

/// The CPUs that there are beside competitors, at least and at most: all that
/// these did not use; and what the threads got whenever they were ready, with
/// what was idle. What others used while a quota stopped the threads may have
/// been free to them.
fn available_cpus(round: &RoundFigures, change: &WhatIf) -> Option<(f64, f64)> {
    let allowed = change.allowed_cpus.or(round.allowed_cpus)?;
    if change.gone == Some(Hindrance::Others) {
        return Some((allowed, allowed));
    }
    let unused = allowed * (1.0 - round.others_share?);
    let got = round
        .time_budget
        .zip(round.allowed_cpus)
        .map_or(0.0, |(budget, cpus)| {
            let ready = budget.running / (budget.running + budget.runnable);
            cpus.min(round.threads() as f64) * ready + round.idle_share.unwrap_or(0.0) * allowed
        });
    Some((unused, unused.max(got.min(allowed))))
}

fn replicas_after(
    round: &RoundFigures,
    change: &WhatIf,
    allowed_cpus: f64,
) -> Option<Vec<ReplicaLimits>> {
    let mut replicas = round.model_replicas()?;
    let threads = change.threads.unwrap_or(round.threads());
    let quota_cpus = change.quota_cpus.or(round.quota_cpus());
    if change.one_replica {
        replicas.truncate(1);
    }
    let count = replicas.len() as f64;
    let changed = change.threads.is_some() || change.one_replica;
    for replica in &mut replicas {
        if changed {
            replica.threads = threads.div_ceil(count as usize);
        }
        if change.one_replica || change.allowed_cpus.is_some() {
            replica.cpus = allowed_cpus;
        }
        let by_locks = lock_parallelism(round, change, replica.threads);
        replica.cpus = replica.cpus.min(allowed_cpus).min(by_locks);
        replica.quota = match quota_cpus {
            Some(cpus) => Some(QuotaModel::new(cpus / count, round.limits.period_seconds?)?),
            None => None,
        };
    }
    Some(replicas)
}

/// Threads of a replica that locks let run at once: those that do not wait
/// for one. More threads than now would wait for the same locks, so the
/// figure of now caps theirs.
fn lock_parallelism(round: &RoundFigures, change: &WhatIf, threads: usize) -> f64 {
    let lock = round.blocked_by.map_or(0.0, |by| by.lock);
    if matches!(change.gone, Some(Hindrance::Waits | Hindrance::Starts))
        || lock < super::thresholds::UNACCOUNTED
    {
        return threads as f64;
    }
    let now = round.threads() as f64 / round.replicas() as f64;
    now * (1.0 - lock)
}

/// Wall seconds of one job below which no limit can bring it: what runs outside
/// the workers, which more of them do not share, and what the average worker
/// runs and waits for.
fn unavoidable_seconds(round: &RoundFigures, change: &WhatIf, threads: usize) -> Option<f64> {
    if threads == 0 {
        return Some(0.0);
    }
    let cpu = job_cpu_seconds(round, change)?;
    let of_workers = worker_cpu_seconds(round)?.min(cpu);
    let running = (cpu - of_workers) + of_workers / threads as f64;
    if matches!(change.gone, Some(Hindrance::Waits | Hindrance::Starts)) {
        return Some(running);
    }
    if let Some(waiting) = round.waiting {
        // Waits overlap with each other and with other items' CPU time.
        let waiting = waiting.with_at_once(change.at_once.unwrap_or(waiting.at_once));
        return Some(running.max(waiting.least_seconds(cpu / waiting.items)));
    }
    // Fewer threads have the same waits among them; that more of them would
    // each wait less is not known.
    let waits_of_each = (round.threads() as f64 / threads as f64).max(1.0);
    Some(running + round.external_wait * round.job_seconds() * waits_of_each)
}
