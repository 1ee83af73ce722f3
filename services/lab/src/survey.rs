//! What the stations really are: their replicas, and the limits the kernel
//! applied, read inside each of them.

use crate::station::{Budget, Replica, StationClient, StationSpec, Stations};
use anyhow::{Context, bail};
use cpu_budget::CpuSet;
use measure::report::{Declared, Effective, Station};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long all replicas of a station may take to be ready.
const READY_DEADLINE: Duration = Duration::from_mins(1);

/// Quotas are whole microseconds of a period of at least a millisecond.
const SAME_QUOTA: f64 = 1e-3;

/// A station with its replicas.
#[derive(Debug)]
pub struct Surveyed {
    /// What the report says of it.
    pub station: Station,
    /// Where its replicas answer; none when it did not run.
    pub replicas: Vec<Replica>,
    /// The kernel's control groups, as one replica sees them.
    pub cgroup_version: Option<String>,
}

/// Waits for every station and reads its limits.
pub async fn survey(
    stations: &dyn Stations,
    client: &StationClient,
) -> anyhow::Result<Vec<Surveyed>> {
    let mut all = Vec::new();
    for spec in stations.list() {
        all.push(survey_one(stations, client, spec).await?);
    }
    Ok(all)
}

async fn survey_one(
    stations: &dyn Stations,
    client: &StationClient,
    spec: &StationSpec,
) -> anyhow::Result<Surveyed> {
    let mut station = Station {
        name: spec.name.clone(),
        replicas: spec.replicas,
        declared: spec.declared.clone(),
        effective: Effective::default(),
        believed_cpus: None,
        agree: None,
        replica_cpusets: Vec::new(),
        refused: spec.refused.clone(),
    };
    if spec.refused.is_some() {
        return Ok(Surveyed {
            station,
            replicas: Vec::new(),
            cgroup_version: None,
        });
    }
    let replicas = ready_replicas(stations, client, spec).await?;
    let mut budgets: Vec<Budget> = Vec::new();
    for &replica in &replicas {
        let budget = client.budget(replica).await;
        budgets.push(budget.with_context(|| format!("{}: its budget cannot be read", spec.name))?);
    }
    station.replicas = replicas.len();
    station.replica_cpusets = budgets.iter().map(|b| b.cpuset.clone()).collect();
    station.agree = agreement(&spec.declared, &budgets);
    let first = budgets.into_iter().next();
    let (mut cgroup_version, mut believed) = (None, None);
    if let Some(budget) = first {
        station.effective = budget.effective();
        cgroup_version = budget.cgroup_version;
        believed = budget.believed_cpus;
    }
    station.believed_cpus = believed;
    Ok(Surveyed {
        station,
        replicas,
        cgroup_version,
    })
}

async fn ready_replicas(
    stations: &dyn Stations,
    client: &StationClient,
    spec: &StationSpec,
) -> anyhow::Result<Vec<Replica>> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let found = stations.replicas(&spec.name).await.unwrap_or_default();
        let mut ready = 0;
        for &replica in &found {
            ready += usize::from(client.is_ready(replica).await);
        }
        if ready == found.len() && ready >= spec.replicas.max(1) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!(
                "{}: {ready} of {} replicas were ready after {} s; see `make logs`",
                spec.name,
                spec.replicas,
                READY_DEADLINE.as_secs()
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the quota and the cpuset declared are those applied in every
/// replica; `None` when no replica's kernel told.
fn agreement(declared: &Declared, budgets: &[Budget]) -> Option<bool> {
    let each: Vec<bool> = budgets
        .iter()
        .filter_map(|budget| agrees(declared, &budget.effective()))
        .collect();
    (!each.is_empty()).then(|| each.iter().all(|&agrees| agrees))
}

fn agrees(declared: &Declared, effective: &Effective) -> Option<bool> {
    if !effective.quota_known {
        return None;
    }
    let quota = match (declared.cpus, effective.quota_cpus) {
        (Some(declared), Some(applied)) => (declared - applied).abs() < SAME_QUOTA,
        (None, None) => true,
        _ => false,
    };
    let cpuset = match (&declared.cpuset, &effective.cpuset) {
        (Some(declared), Some(applied)) => {
            let (declared, applied): (Option<CpuSet>, Option<CpuSet>) =
                (declared.parse().ok(), applied.parse().ok());
            declared.is_some() && declared == applied
        }
        (Some(_), None) => return None,
        (None, _) => true,
    };
    Some(quota && cpuset)
}

impl Surveyed {
    /// Why the station has no replica to ask.
    pub fn why_absent(&self) -> String {
        let refused = self.station.refused.clone();
        refused.unwrap_or_else(|| format!("{} has no replica", self.station.name))
    }

    /// The CPUs all replicas may run on together.
    fn allowed_cpus(&self) -> Option<usize> {
        let sets = self.station.replica_cpusets.iter();
        let sets: Option<Vec<CpuSet>> = sets.map(|set| set.as_ref()?.parse().ok()).collect();
        let mut all: Vec<usize> = sets?.iter().flat_map(CpuSet::iter).collect();
        all.sort_unstable();
        all.dedup();
        Some(all.len())
    }

    /// How many of one replica's threads can run at once.
    fn at_once(&self, threads: usize) -> f64 {
        let cpuset = self.station.effective.cpuset.as_ref();
        let cpus = cpuset.and_then(|set| set.parse::<CpuSet>().ok());
        cpus.map_or(threads, |cpus| threads.min(cpus.len())) as f64
    }

    /// Whether the quota keeps so many threads per replica from running all
    /// the time.
    pub fn quota_binds(&self, threads: usize) -> bool {
        let quota = self.station.effective.quota_cpus;
        quota.is_some_and(|quota| quota < self.at_once(threads))
    }

    /// The CPUs that so many threads per replica can use at most, over all
    /// replicas.
    pub fn granted_cpus(&self, threads: usize) -> f64 {
        let wanted = self.wanted_cpus(threads);
        let allowed = self.allowed_cpus();
        allowed.map_or(wanted, |cpus| wanted.min(cpus as f64))
    }

    /// Whether the replicas start at one moment instead of each at a refill of
    /// its own: where the CPUs they share bind them, not their quotas.
    pub fn starts_together(&self, threads: usize) -> bool {
        let allowed = self.allowed_cpus();
        self.replicas.len() > 1
            && allowed.is_some_and(|cpus| self.wanted_cpus(threads) >= cpus as f64)
    }

    /// The CPUs that so many threads per replica would use were there enough.
    fn wanted_cpus(&self, threads: usize) -> f64 {
        let quota = self.station.effective.quota_cpus.unwrap_or(f64::INFINITY);
        quota.min(self.at_once(threads)) * self.replicas.len().max(1) as f64
    }
}
