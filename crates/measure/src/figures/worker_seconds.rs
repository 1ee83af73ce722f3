//! Where one replica's workers spent their time, in seconds.

use super::RoundFigures;
use crate::report::{Effective, ReplicaAccount, Round, Station, TimeBudget};

/// Worker seconds by state: the time budget of one replica's sample, not as
/// shares but as amounts that can be added up over samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WorkerSeconds {
    /// On a CPU.
    pub running: f64,
    /// Kept off one by the quota.
    pub throttled: f64,
    /// Ready, with no CPU free.
    pub runnable: f64,
    /// Not ready.
    pub blocked: f64,
    /// Taken by the hypervisor; `None` where that cannot be told from running.
    pub stolen: Option<f64>,
}

impl WorkerSeconds {
    /// Those of one replica's account, under the limits that it names; `None`
    /// where the kernel did not count them.
    pub fn of(account: &ReplicaAccount) -> Option<Self> {
        let effective = Effective {
            quota_cpus: account.quota_cpus,
            quota_known: account.quota_known,
            period_seconds: account.period_seconds,
            ..Effective::default()
        };
        let station = Station {
            effective,
            ..Station::default()
        };
        let total = account.seconds() * account.workers.len() as f64;
        let round = Round {
            round: 0,
            repeats: 1,
            replicas: vec![account.clone()],
            ..Round::default()
        };
        let TimeBudget {
            running,
            throttled,
            runnable,
            blocked,
            stolen,
        } = RoundFigures::new(&round, &station)?.time_budget?;
        Some(Self {
            running: running * total,
            throttled: throttled * total,
            runnable: runnable * total,
            blocked: blocked * total,
            stolen: stolen.map(|share| share * total),
        })
    }
}
