//! One sample's figures, drawn from its raw account and its station's limits.
//!
//! Whatever cannot be known from them is `None`, never zero.

mod budget;
mod cpus;
mod fidelity;
mod limits;
mod of_lab;
mod typical;
mod worker_seconds;

pub use fidelity::{Fidelity, binds};
pub use limits::{Quota, StationLimits};
pub use of_lab::{names, of_lab};
pub use typical::typical_budget;
pub use worker_seconds::WorkerSeconds;

use crate::report::{BlockedBy, ReplicaAccount, Round, Station, TimeBudget};
use crate::schedule::ReplicaLimits;
use crate::serving;
use crate::waiting::WaitingJob;
use budget::Split;
use cpus::CpuUse;
use std::collections::BTreeMap;

/// What one sample shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundFigures {
    /// Which round of the run.
    pub round: u32,
    /// How often the job was done in it.
    pub repeats: u32,
    /// The share of the job that each repeat did.
    pub share: f64,
    /// What was waited for, where the lab counted it.
    pub waiting: Option<WaitingJob>,
    /// Whether it was taken under a load from outside, whose time is fixed.
    pub served: bool,
    /// Share of the allowed CPUs' time that whoever made that load used, where
    /// it told.
    pub load_share: Option<f64>,
    /// What the lab's own figures come to.
    pub of_lab: BTreeMap<String, f64>,
    /// Wall seconds of the whole sample.
    pub wall_seconds: f64,
    /// OS threads (or child processes) that did the work, of each replica.
    pub threads_by_replica: Vec<usize>,
    /// CPU seconds of all replicas' groups in the sample.
    pub cpu_seconds: Option<f64>,
    /// CPU seconds of each replica's group.
    pub cpu_seconds_by_replica: Option<Vec<f64>>,
    /// Wall seconds of each replica by itself.
    pub wall_seconds_by_replica: Vec<f64>,
    /// CPU seconds of the workers alone.
    pub worker_cpu_seconds: Option<f64>,
    /// Group CPU ÷ wall: the CPUs in use on average.
    pub usage_cpus: Option<f64>,
    /// The station's limits.
    pub limits: StationLimits,
    /// How many CPUs the union of the replicas' allowed CPUs holds.
    pub allowed_cpus: Option<f64>,
    /// CPUs that each replica may run on.
    pub cpus_by_replica: Option<Vec<f64>>,
    /// min(sum of quotas, allowed CPUs).
    pub granted_cpus: Option<f64>,
    /// Quota periods of all replicas.
    pub periods: Option<u64>,
    /// Those in which the quota ran out.
    pub throttled_periods: Option<u64>,
    /// Where the workers' time went.
    pub time_budget: Option<TimeBudget>,
    /// What blocked time was spent on.
    pub blocked_by: Option<BlockedBy>,
    /// Share of the workers' time that the accounts leave open; negative when
    /// they hold more than there was.
    pub unaccounted: Option<f64>,
    /// Share of worker time spent waiting for something outside the run: io,
    /// queues, requests.
    pub external_wait: f64,
    /// Share of the allowed CPUs' time that was idle.
    pub idle_share: Option<f64>,
    /// The part of it that is left when the CPUs for which no worker was there
    /// (too few, not yet started, already done), the time in which the
    /// station's own quota stopped a CPU's queue, and what blocked workers can
    /// have left idle are taken off.
    pub spare_idle_share: Option<f64>,
    /// Share of the allowed CPUs' time that other processes used.
    pub others_share: Option<f64>,
    /// Share of the allowed CPUs' time that the hypervisor had taken away.
    pub steal_share: Option<f64>,
    /// The workers' part of it as a share of the time of the CPUs that they
    /// could keep busy, min(threads, allowed CPUs): what it cost them at most,
    /// whether on-CPU time leaves it out or hides it.
    pub stolen_share_of_busy: Option<f64>,
    /// Whether the start was aligned to a refill; `None` where none was needed.
    pub aligned: Option<bool>,
}

impl RoundFigures {
    /// The figures of `round` on `station`; `None` when the account holds no
    /// replica, its wall time is not positive and finite, or its share of the
    /// job is none.
    pub fn new(round: &Round, station: &Station) -> Option<Self> {
        let wall_seconds = round.wall_seconds();
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let measured = positive(wall_seconds) && positive(round.job_seconds());
        if round.replicas.is_empty() || !measured || !(0.0..=1.0).contains(&round.share) {
            return None;
        }
        let limits = StationLimits::new(station);
        let cpu_seconds_by_replica = cpu_by_replica(round);
        let cpu_seconds = cpu_seconds_by_replica
            .as_ref()
            .map(|cpu| cpu.iter().sum::<f64>())
            .filter(|c| c.is_finite());
        let cpus = CpuUse::new(round, station);
        let split = budget::split(round, &limits, &cpus);
        let spare = spare_idle_share(round, &cpus, split.as_ref());
        Some(Self {
            round: round.round,
            repeats: round.repeats.max(1),
            share: round.share,
            waiting: WaitingJob::of(round),
            served: serving::is_served(round),
            load_share: load_share(round, cpus.allowed, wall_seconds),
            of_lab: of_lab(round),
            wall_seconds,
            threads_by_replica: round.replicas.iter().map(|r| r.workers.len()).collect(),
            cpu_seconds,
            cpu_seconds_by_replica,
            wall_seconds_by_replica: round.replicas.iter().map(ReplicaAccount::seconds).collect(),
            worker_cpu_seconds: worker_cpu(round),
            usage_cpus: cpu_seconds
                .map(|cpu| cpu / wall_seconds)
                .filter(|u| u.is_finite()),
            allowed_cpus: cpus.allowed,
            granted_cpus: limits.granted_cpus(round.replicas.len(), cpus.allowed),
            limits,
            periods: round.replicas.iter().map(|r| r.group.periods).sum(),
            throttled_periods: round
                .replicas
                .iter()
                .map(|r| r.group.throttled_periods)
                .sum(),
            time_budget: split.as_ref().map(|s| s.time_budget),
            blocked_by: split.as_ref().map(|s| s.blocked_by),
            unaccounted: split.as_ref().map(|s| s.unaccounted),
            external_wait: budget::external_wait_share(round),
            spare_idle_share: spare,
            idle_share: cpus.idle_share,
            others_share: cpus.others_share,
            steal_share: cpus.steal_share,
            stolen_share_of_busy: cpus.stolen_share_of_busy,
            cpus_by_replica: cpus.by_replica,
            aligned: aligned(round),
        })
    }

    /// OS threads of all replicas.
    pub fn threads(&self) -> usize {
        self.threads_by_replica.iter().sum()
    }

    /// How many replicas did the work.
    pub fn replicas(&self) -> usize {
        self.threads_by_replica.len()
    }

    /// Wall seconds of one job.
    pub fn job_seconds(&self) -> f64 {
        self.wall_seconds / self.jobs()
    }

    /// How many whole jobs the sample comes to.
    pub fn jobs(&self) -> f64 {
        f64::from(self.repeats) * self.share
    }

    /// CPU seconds of one job.
    pub fn job_cpu_seconds(&self) -> Option<f64> {
        Some(self.cpu_seconds? / self.jobs()).filter(|cpu| cpu.is_finite())
    }

    /// Seconds of the whole sample that pass before there is anything to do: each
    /// repeat of a job that waits begins with its first items under way.
    pub fn idle_start_seconds(&self) -> f64 {
        let first = self.waiting.map_or(0.0, |job| job.latency_seconds);
        first * f64::from(self.repeats)
    }

    /// CPU seconds of one item of a job that waits for items.
    pub fn item_cpu_seconds(&self) -> Option<f64> {
        Some(self.job_cpu_seconds()? / self.waiting?.items)
    }

    /// CPU seconds of one request, of which an item may take several; where the
    /// other end counted none, of one item.
    pub fn request_cpu_seconds(&self) -> Option<f64> {
        let per_second = self.of_lab.get(names::REQUESTS_PER_SECOND);
        let of_request = per_second.and_then(|rate| Some(self.usage_cpus? / rate));
        of_request.or_else(|| self.item_cpu_seconds())
    }

    /// The CPUs granted that there are threads for.
    pub fn usable_cpus(&self) -> Option<f64> {
        Some(self.granted_cpus?.min(self.threads() as f64))
    }

    /// Share of the wall before there was anything to do: at most half of it, as
    /// what was done meanwhile is not known.
    pub fn idle_start_share(&self) -> f64 {
        (self.idle_start_seconds() / self.wall_seconds).min(0.5)
    }

    /// CPUs in use on average from the moment on in which there was something
    /// to do.
    pub fn usage_once_begun_cpus(&self) -> Option<f64> {
        Some(self.usage_cpus? / (1.0 - self.idle_start_share()))
    }

    /// The sum of the replicas' quotas, in CPUs; `None` without one, and where
    /// it is unknown.
    pub fn quota_cpus(&self) -> Option<f64> {
        self.limits.quota_cpus(self.replicas())
    }

    /// Share of the quota periods in which it ran out; `None` when no period
    /// passed.
    pub fn throttled_period_share(&self) -> Option<f64> {
        let periods = self.periods.filter(|&p| p > 0)?;
        Some(self.throttled_periods? as f64 / periods as f64)
    }

    /// The replicas as the model sees them; `None` where a limit is unknown.
    pub fn model_replicas(&self) -> Option<Vec<ReplicaLimits>> {
        let quota = self.limits.model(self.replicas())?;
        let cpus = self.cpus_by_replica.as_ref()?;
        Some(
            self.threads_by_replica
                .iter()
                .zip(cpus)
                .map(|(&threads, &cpus)| ReplicaLimits {
                    threads,
                    cpus,
                    quota,
                })
                .collect(),
        )
    }
}

/// A duration or amount that the kernel counted; negative by rounding is zero.
fn counted(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite()).map(|v| v.max(0.0))
}

fn load_share(round: &Round, allowed: Option<f64>, wall_seconds: f64) -> Option<f64> {
    let used = round.figures.get(serving::raw::LOAD_CPU_SECONDS)?;
    let share = used / (allowed? * wall_seconds);
    share.is_finite().then_some(share)
}

fn cpu_by_replica(round: &Round) -> Option<Vec<f64>> {
    round
        .replicas
        .iter()
        .map(|r| counted(r.group.cpu_seconds))
        .collect()
}

/// Share of the allowed CPUs' time in which the station's own quota stopped
/// their queues: `throttled_time` is summed over the CPUs.
fn stopped_share(round: &Round, allowed: Option<f64>, wall_seconds: f64) -> f64 {
    let stopped: f64 = round
        .replicas
        .iter()
        .filter_map(|r| counted(r.group.throttled_seconds))
        .sum();
    allowed.map_or(0.0, |cpus| stopped / (cpus * wall_seconds))
}

/// Idle time that nothing the account knows of explains.
fn spare_idle_share(round: &Round, cpus: &CpuUse, split: Option<&Split>) -> Option<f64> {
    let allowed = cpus.allowed?;
    let lacking = budget::lacking_share(round, cpus.allowed)?;
    let stopped = stopped_share(round, cpus.allowed, round.wall_seconds());
    let unaccounted = split.map_or(0.0, |s| s.unaccounted);
    let awaited = budget::awaited_share(round, unaccounted, allowed);
    let idle = cpus.idle_share?;
    // Waits that contradict each other come to less than none; spare is at most
    // what was idle.
    Some((idle - lacking - stopped - awaited).max(0.0).min(idle))
}

fn worker_cpu(round: &Round) -> Option<f64> {
    let sum: f64 = round
        .workers()
        .map(|w| counted(w.on_cpu_seconds))
        .sum::<Option<f64>>()?;
    sum.is_finite().then_some(sum)
}

fn aligned(round: &Round) -> Option<bool> {
    let known: Vec<bool> = round.replicas.iter().filter_map(|r| r.aligned).collect();
    (!known.is_empty()).then(|| known.iter().all(|&a| a))
}
