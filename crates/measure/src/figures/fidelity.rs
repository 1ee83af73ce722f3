//! How well the quota model explains one sample.

use super::RoundFigures;
use crate::quota::QuotaModel;
use crate::schedule::{Inputs, ReplicaLimits, predict};
use crate::waiting::WaitingJob;

/// CPUs that differ by less than this share are the same number.
const SAME_CPUS: f64 = 1e-6;

/// The quota model's wall for the CPU that this sample itself used ÷ its
/// measured wall, against the nearer admissible value; `None` where no quota
/// binds, where replicas share so few CPUs that these bind before their quotas
/// do, where waiting for something outside takes at least as long, and where a
/// figure is unknown.
///
/// `shares` is the strategy's fixed schedule ([`Inputs::shares`]). Each replica
/// has its own CPU, start and end; the slowest model stands against the slowest
/// replica.
pub fn quota_fidelity(round: &RoundFigures, shares: Option<&[f64]>) -> Option<f64> {
    let replicas = round.model_replicas()?;
    let wanted: f64 = replicas.iter().map(usable_cpus).sum();
    let by_cpus = replicas.len() > 1 && wanted >= round.allowed_cpus? * (1.0 - SAME_CPUS);
    if by_cpus || !replicas.iter().any(binds) {
        return None;
    }
    let cpu = round.cpu_seconds_by_replica.as_ref()?;
    let mut model: f64 = 0.0;
    let mut measured: f64 = 0.0;
    for ((replica, &cpu), &wall) in replicas.iter().zip(cpu).zip(&round.wall_seconds_by_replica) {
        let repeats = f64::from(round.repeats);
        let inputs = Inputs {
            cpu_seconds: cpu / repeats,
            repeats: round.repeats,
            replicas: std::slice::from_ref(replica),
            allowed_cpus: replica.cpus,
            shares,
        };
        model = model.max(predict(&inputs)?.nearest(wall / repeats) * repeats);
        measured = measured.max(wall);
    }
    let waits = |job: WaitingJob| job.ideal_seconds() * round.jobs();
    if round.waiting.is_some_and(|job| waits(job) >= model) {
        return None;
    }
    // What was left of the quota before the first items had come may be of use yet.
    let model = measured.clamp(model, model + round.idle_start_seconds());
    let fidelity = model / measured;
    (measured > 0.0 && fidelity.is_finite()).then_some(fidelity)
}

/// CPUs that a replica can use by itself: min(threads, its CPUs, its quota).
fn usable_cpus(replica: &ReplicaLimits) -> f64 {
    let busy = replica.cpus.min(replica.threads as f64);
    replica
        .quota
        .map_or(busy, |quota| busy.min(quota.quota_cpus()))
}

/// Whether a replica's threads use its quota up before the period ends.
pub fn binds(replica: &ReplicaLimits) -> bool {
    let busy = replica.cpus.min(replica.threads as f64);
    replica
        .quota
        .is_some_and(|quota: QuotaModel| quota.binds(busy))
}
