//! How well the quota model explains one sample.

use super::RoundFigures;
use crate::quota::QuotaModel;
use crate::schedule::{Inputs, ReplicaLimits, predict};

/// The quota model's wall for the CPU that this sample itself used ÷ its
/// measured wall, against the nearer admissible value; `None` where no quota
/// binds or a figure is unknown.
///
/// `shares` is the strategy's fixed schedule ([`Inputs::shares`]). Each replica
/// has its own CPU, start and end; the slowest model stands against the slowest
/// replica, and no model is faster than all their CPU on the CPUs they share.
pub fn quota_fidelity(round: &RoundFigures, shares: Option<&[f64]>) -> Option<f64> {
    let replicas = round.model_replicas()?;
    if !replicas.iter().any(binds) {
        return None;
    }
    let cpu = round.cpu_seconds_by_replica.as_ref()?;
    let mut model = round.cpu_seconds? / round.allowed_cpus?;
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
    let fidelity = model / measured;
    (measured > 0.0 && fidelity.is_finite()).then_some(fidelity)
}

/// Whether a replica's threads use its quota up before the period ends.
pub fn binds(replica: &ReplicaLimits) -> bool {
    let busy = replica.cpus.min(replica.threads as f64);
    replica
        .quota
        .is_some_and(|quota: QuotaModel| quota.binds(busy))
}
