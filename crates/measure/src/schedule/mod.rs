//! The wall time that limits and a strategy's own schedule give a job.

mod refills;

use crate::quota::{Prediction, QuotaModel};
use refills::Refills;

/// One replica as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplicaLimits {
    /// Threads that do the work.
    pub threads: usize,
    /// CPUs that it may run on.
    pub cpus: f64,
    /// Its quota; `None`: none.
    pub quota: Option<QuotaModel>,
}

/// What a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs<'a> {
    /// CPU seconds of one job (C).
    pub cpu_seconds: f64,
    /// Seconds at the start of each job in which there is nothing to do yet.
    pub idle_start_seconds: f64,
    /// How often the job is done back to back in one sample.
    pub repeats: u32,
    /// The replicas, which share each job evenly.
    pub replicas: &'a [ReplicaLimits],
    /// CPUs that the replicas may run on together: the union of theirs.
    pub allowed_cpus: f64,
    /// The share of a job that each thread gets, where the strategy fixes it:
    /// one per thread of a replica, or one per thread of all replicas.
    /// `None`: threads take work as they go.
    pub shares: Option<&'a [f64]>,
}

/// Repeats beyond this many are simulated in batches. They are then far
/// shorter than a period, so that only their proportions matter.
const REPEATS_SIMULATED: u32 = 10_000;

/// Wall seconds of one job when `repeats` of it are done back to back from an
/// aligned start; `None` when an input is not positive and finite, or the
/// shares do not fit the threads.
///
/// Equal sharing takes C/m, or the quota's refills ([`QuotaModel::wall`]).
/// Fixed shares are followed phase by phase: as threads end, fewer CPUs are
/// busy, the quota binds less, and what is left of a refill stays for the next
/// phase. Replicas are never faster than all their CPU work on all CPUs that
/// they share.
pub fn predict(inputs: &Inputs) -> Option<Prediction> {
    let repeats = f64::from(inputs.repeats);
    let positive = |v: f64| v.is_finite() && v > 0.0;
    let idle = inputs.idle_start_seconds;
    if !positive(inputs.cpu_seconds) || !positive(repeats) || !positive(inputs.allowed_cpus) {
        return None;
    }
    if !(idle.is_finite() && idle >= 0.0) {
        return None;
    }
    let floor = (inputs.cpu_seconds / inputs.allowed_cpus + idle) * repeats;
    let mut slowest = Prediction::only(floor)?;
    let jobs = jobs_of_replicas(inputs)?;
    if jobs.is_empty() {
        return None;
    }
    for (replica, job) in inputs.replicas.iter().zip(&jobs) {
        let wall = replica_wall(replica, job, inputs.repeats, idle)?;
        slowest = slower(slowest, wall)?;
    }
    slowest.map(|wall| wall / repeats)
}

/// What a replica has to do for one job.
#[derive(Clone)]
enum ReplicaJob {
    /// CPU seconds that its threads share as they go.
    Shared(f64),
    /// CPU seconds of each thread.
    Fixed(Vec<f64>),
}

fn jobs_of_replicas(inputs: &Inputs) -> Option<Vec<ReplicaJob>> {
    let per_replica = inputs.cpu_seconds / inputs.replicas.len() as f64;
    let Some(shares) = inputs.shares else {
        return Some(vec![ReplicaJob::Shared(per_replica); inputs.replicas.len()]);
    };
    let sum: f64 = shares.iter().sum();
    if !(sum.is_finite() && sum > 0.0) || shares.iter().any(|&s| s < 0.0) {
        return None;
    }
    if inputs.replicas.iter().all(|r| r.threads == shares.len()) {
        let job: Vec<f64> = shares.iter().map(|s| s / sum * per_replica).collect();
        return Some(vec![ReplicaJob::Fixed(job); inputs.replicas.len()]);
    }
    let mut left = shares;
    let mut jobs = Vec::new();
    for replica in inputs.replicas {
        let (own, rest) = left.split_at_checked(replica.threads)?;
        left = rest;
        let job = own.iter().map(|s| s / sum * inputs.cpu_seconds).collect();
        jobs.push(ReplicaJob::Fixed(job));
    }
    left.is_empty().then_some(jobs)
}

/// Wall seconds of all repeats on one replica.
fn replica_wall(
    replica: &ReplicaLimits,
    job: &ReplicaJob,
    repeats: u32,
    idle_seconds: f64,
) -> Option<Prediction> {
    let busy = busy_cpus(replica.threads, replica.cpus)?;
    let phases: Vec<Phase> = match (job, replica.quota) {
        (ReplicaJob::Shared(cpu), Some(quota)) if idle_seconds == 0.0 => {
            return quota.wall(cpu * f64::from(repeats), busy);
        }
        (ReplicaJob::Shared(cpu), _) => vec![Phase {
            cpu_seconds: *cpu,
            busy_cpus: busy,
        }],
        (ReplicaJob::Fixed(cpu), _) => phases(cpu, replica.cpus).collect(),
    };
    phases_wall(phases, idle_seconds, replica.quota, repeats)
}

/// m = min(threads, CPUs); `None` when there are none of either.
fn busy_cpus(threads: usize, cpus: f64) -> Option<f64> {
    let busy = cpus.min(threads as f64);
    (busy.is_finite() && busy > 0.0).then_some(busy)
}

/// Wall seconds of all repeats of a job that idles first and then goes through
/// its phases.
fn phases_wall(
    phases: Vec<Phase>,
    idle_seconds: f64,
    quota: Option<QuotaModel>,
    repeats: u32,
) -> Option<Prediction> {
    let batch = f64::from(repeats.div_ceil(REPEATS_SIMULATED));
    let phases = phases.into_iter().map(|phase| phase.times(batch));
    let phases: Vec<Phase> = phases.collect();
    let idle = idle_seconds * batch;
    let full_speed = idle + phases.iter().map(Phase::seconds).sum::<f64>();
    let batches = f64::from(repeats) / batch;
    let binding = quota.filter(|q| phases.iter().any(|phase| q.binds(phase.busy_cpus)));
    let Some(quota) = binding else {
        return Prediction::only(full_speed * batches);
    };
    let mut refills = Refills::full(quota);
    for _ in 0..batches.floor() as u32 {
        refills.idle(idle);
        for phase in &phases {
            refills.spend(phase);
        }
    }
    let last_part = batches.fract();
    refills.idle(idle * last_part);
    for phase in &phases {
        refills.spend(&phase.times(last_part));
    }
    refills.prediction()
}

/// A stretch of a job in which the same threads are at work.
#[derive(Debug, Clone, Copy)]
struct Phase {
    /// CPU seconds used by all of them.
    cpu_seconds: f64,
    /// CPUs that they keep busy where no quota stops them.
    busy_cpus: f64,
}

impl Phase {
    fn times(&self, factor: f64) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds * factor,
            ..*self
        }
    }

    fn seconds(&self) -> f64 {
        self.cpu_seconds / self.busy_cpus
    }
}

/// The phases of threads that share `cpus` CPUs fairly and end one by one,
/// the one with the least work first.
fn phases(cpu_of_threads: &[f64], cpus: f64) -> impl Iterator<Item = Phase> {
    let mut ascending = cpu_of_threads.to_vec();
    ascending.sort_by(f64::total_cmp);
    let mut done_by_each = 0.0;
    let threads = ascending.len();
    ascending
        .into_iter()
        .enumerate()
        .filter_map(move |(ended, cpu_seconds)| {
            let live = (threads - ended) as f64;
            let more = cpu_seconds - done_by_each;
            done_by_each = cpu_seconds;
            (more > 0.0).then_some(Phase {
                cpu_seconds: more * live,
                busy_cpus: live.min(cpus),
            })
        })
}

/// The later end of two replicas, for either admissible value.
fn slower(a: Prediction, b: Prediction) -> Option<Prediction> {
    let wall = a.wall_seconds.max(b.wall_seconds);
    let other = a
        .other_admissible
        .unwrap_or(a.wall_seconds)
        .max(b.other_admissible.unwrap_or(b.wall_seconds));
    let apart = (other - wall).abs() > 0.0;
    Prediction::new(wall, apart.then_some(other))
}

#[cfg(test)]
mod tests;
