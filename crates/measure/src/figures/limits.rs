//! A station's CPU limits in the form the models need.

use crate::quota::QuotaModel;
use crate::report::Station;

/// The CPU quota of one replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quota {
    /// The kernel did not tell.
    Unknown,
    /// There is none.
    Unlimited,
    /// This many CPUs.
    Cpus(f64),
}

/// What a station's limits say of one replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StationLimits {
    /// Its quota.
    pub quota: Quota,
    /// Whether the replicas share that quota: it is set on a group above theirs.
    pub shared: bool,
    /// The quota's period, where the kernel told.
    pub period_seconds: Option<f64>,
}

impl StationLimits {
    /// The limits that the kernel applied to `station`.
    pub fn new(station: &Station) -> Self {
        let effective = &station.effective;
        let quota = match effective.quota_cpus {
            Some(cpus) if cpus.is_finite() && cpus > 0.0 => Quota::Cpus(cpus),
            None if effective.quota_known => Quota::Unlimited,
            _ => Quota::Unknown,
        };
        Self {
            quota,
            shared: effective.quota_set_above == Some(true),
            period_seconds: effective.period_seconds,
        }
    }

    /// The quotas of `replicas` replicas together, in CPUs: their sum, or the
    /// one that they share.
    pub fn quota_cpus(&self, replicas: usize) -> Option<f64> {
        match self.quota {
            Quota::Cpus(cpus) if self.shared => Some(cpus),
            Quota::Cpus(cpus) => Some(cpus * replicas as f64),
            Quota::Unlimited | Quota::Unknown => None,
        }
    }

    /// min(sum of quotas, allowed CPUs); `None` where either is unknown.
    pub fn granted_cpus(&self, replicas: usize, allowed_cpus: Option<f64>) -> Option<f64> {
        match self.quota {
            Quota::Cpus(_) => Some(self.quota_cpus(replicas)?.min(allowed_cpus?)),
            Quota::Unlimited => allowed_cpus,
            Quota::Unknown => None,
        }
    }

    /// The quota of each of `replicas` replicas for the models, `Some(None)`
    /// where there is none; `None` where quota or period is unknown, and where
    /// they share one: who gets which part of it is not the models' to say.
    pub fn model(&self, replicas: usize) -> Option<Option<QuotaModel>> {
        match self.quota {
            Quota::Cpus(_) if self.shared && replicas > 1 => None,
            Quota::Cpus(cpus) => QuotaModel::new(cpus, self.period_seconds?).map(Some),
            Quota::Unlimited => Some(None),
            Quota::Unknown => None,
        }
    }
}
