//! How well the quota model explains one sample.

use super::RoundFigures;
use crate::quota::QuotaModel;
use crate::schedule::{Inputs, ReplicaLimits, predict};

/// CPUs that differ by less than this share are the same number.
const SAME_CPUS: f64 = 1e-6;

/// Walls that a job that waits may have by the model, as a share of the measured
/// one: further apart than this they tell nothing of the model.
const TOLD_APART: f64 = 0.04;

/// How a sample stands to the quota model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fidelity {
    /// The model's wall ÷ the measured one.
    Told(f64),
    /// No quota binds, replicas share so few CPUs that these bind before their
    /// quotas do, or a figure is unknown.
    NoMatter,
    /// A job that waits had too few items under way to keep the quota used up:
    /// waiting and quota both shape its wall.
    WaitsToo,
    /// A job that waits is so short that it matters how much of the CPU time was
    /// used before its first items came, which nobody counts.
    TooShort,
}

impl Fidelity {
    /// The quota model's wall for the CPU that this sample itself used ÷ its
    /// measured wall, against the nearer admissible value.
    ///
    /// `shares` is the strategy's fixed schedule ([`Inputs::shares`]). Each
    /// replica has its own CPU, start and end; the slowest model stands against
    /// the slowest replica.
    ///
    /// Of a job that waits the first items come after a latency, and of the CPU
    /// time some was used before, on requests. Without any the wall is the
    /// model's after that latency, with as much as there was to use it is the
    /// model's alone. The middle of both stands for it where they are close.
    pub fn of(round: &RoundFigures, shares: Option<&[f64]>) -> Self {
        if let Some(waits) = waits_too(round) {
            return waits;
        }
        let Some((soonest, measured)) = model_and_measured(round, shares, 0.0) else {
            return Self::NoMatter;
        };
        let idle = round.idle_start_seconds() / f64::from(round.repeats);
        let latest = if idle > 0.0 {
            model_and_measured(round, shares, idle).map_or(soonest, |(model, _)| model)
        } else {
            soonest
        };
        if (latest - soonest).abs() > TOLD_APART * measured {
            return Self::TooShort;
        }
        let fidelity = f64::midpoint(soonest, latest) / measured;
        if measured > 0.0 && fidelity.is_finite() {
            Self::Told(fidelity)
        } else {
            Self::NoMatter
        }
    }

    /// Model ÷ measured, where that is told.
    pub fn ratio(self) -> Option<f64> {
        match self {
            Self::Told(ratio) => Some(ratio),
            Self::NoMatter | Self::WaitsToo | Self::TooShort => None,
        }
    }
}

/// Why a job that waits cannot be held against its quota alone; `None`: it can.
fn waits_too(round: &RoundFigures) -> Option<Fidelity> {
    let job = round.waiting?;
    let replicas = round.model_replicas()?;
    let [replica] = &replicas[..] else {
        return Some(Fidelity::NoMatter);
    };
    let quota = replica.quota.filter(|_| binds(replica))?;
    let item_cpu_seconds = round.item_cpu_seconds()?;
    (!job.uses_up(&quota, item_cpu_seconds)).then_some(Fidelity::WaitsToo)
}

/// Wall seconds of the slowest replica by the model and as measured, where each
/// repeat begins with so many idle seconds.
fn model_and_measured(
    round: &RoundFigures,
    shares: Option<&[f64]>,
    idle_start_seconds: f64,
) -> Option<(f64, f64)> {
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
            idle_start_seconds,
            repeats: round.repeats,
            replicas: std::slice::from_ref(replica),
            allowed_cpus: replica.cpus,
            shares,
        };
        model = model.max(predict(&inputs)?.nearest(wall / repeats) * repeats);
        measured = measured.max(wall);
    }
    Some((model, measured))
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
