//! What the stations really are: their replicas, and the limits the kernel
//! applied, read inside each of them.

use crate::station::{Budget, Replica, StationSpec, Stations, http};
use anyhow::{Context, bail};
use cpu_budget::CpuSet;
use measure::report::{Declared, Effective, Station};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long all replicas of a station may take to be ready.
const READY_DEADLINE: Duration = Duration::from_mins(1);

/// How long one connection may take to be made.
const ONE_CONNECTION: Duration = Duration::from_secs(2);

/// Quotas are whole microseconds of a period of at least a millisecond.
pub const SAME_QUOTA: f64 = 1e-3;

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
pub async fn survey(stations: &dyn Stations) -> anyhow::Result<Vec<Surveyed>> {
    let mut all = Vec::new();
    for spec in stations.list() {
        all.push(survey_one(stations, spec).await?);
    }
    Ok(all)
}

/// Waits for what runs beside the stations.
pub async fn await_beside(stations: &dyn Stations) -> anyhow::Result<()> {
    for beside in &stations.around().beside {
        ready_replicas(stations, &beside.name, 1).await?;
    }
    for (component, address) in &stations.around().components {
        accepts(address)
            .await
            .with_context(|| format!("{} at {address}", component.name()))?;
    }
    Ok(())
}

/// Waits until a connection can be made there: a database that is new is set up
/// before it listens.
async fn accepts(address: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_DEADLINE;
    while Instant::now() < deadline {
        let connected = timeout(ONE_CONNECTION, TcpStream::connect(address)).await;
        if matches!(connected, Ok(Ok(_))) {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    bail!(
        "no connection could be made within {} s; see `make logs`",
        READY_DEADLINE.as_secs()
    )
}

async fn survey_one(stations: &dyn Stations, spec: &StationSpec) -> anyhow::Result<Surveyed> {
    let mut station = Station {
        name: spec.name.clone(),
        replicas: spec.replicas,
        declared: spec.declared.clone(),
        effective: Effective::default(),
        believed_cpus: None,
        agree: None,
        replica_cpusets: Vec::new(),
        calibrated: Vec::new(),
        set_aside: Vec::new(),
        refused: spec.refused.clone(),
    };
    if spec.refused.is_some() {
        return Ok(Surveyed {
            station,
            replicas: Vec::new(),
            cgroup_version: None,
        });
    }
    let replicas = ready_replicas(stations, &spec.name, spec.replicas).await?;
    let mut budgets: Vec<Budget> = Vec::new();
    for &replica in &replicas {
        let budget = http::budget(replica).await;
        budgets.push(budget.with_context(|| format!("{}: its budget cannot be read", spec.name))?);
    }
    station.replicas = replicas.len();
    station.replica_cpusets = budgets.iter().map(|b| b.cpuset.clone()).collect();
    let effective: Vec<Effective> = budgets.iter().map(Budget::effective).collect();
    station.agree = agreement(&spec.declared, &effective, stations.pins_quotas());
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

/// Waits until so many replicas of a station are ready, and returns them.
pub async fn ready_replicas(
    stations: &dyn Stations,
    name: &str,
    wanted: usize,
) -> anyhow::Result<Vec<Replica>> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let (found, ready) = found_and_ready(stations, name).await;
        if ready == found.len() && ready >= wanted.max(1) {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!(
                "{name}: {ready} of {wanted} replicas were ready after {} s; see `make logs`",
                READY_DEADLINE.as_secs()
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// A station's replicas, and how many of them are ready.
async fn found_and_ready(stations: &dyn Stations, name: &str) -> (Vec<Replica>, usize) {
    let found = stations.replicas(name).await.unwrap_or_default();
    let mut ready = 0;
    for &replica in &found {
        ready += usize::from(http::is_ready(replica).await);
    }
    (found, ready)
}

/// Waits until a station has just so many replicas, each ready, and returns them;
/// one that was scaled away may answer for a moment longer.
pub async fn exactly(
    stations: &dyn Stations,
    name: &str,
    wanted: usize,
) -> anyhow::Result<Vec<Replica>> {
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        let (found, ready) = found_and_ready(stations, name).await;
        if found.len() == wanted && ready == wanted {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!(
                "{name}: {ready} of {} replicas were ready after {} s, and {wanted} are wanted; see \
                 `make logs`",
                found.len(),
                READY_DEADLINE.as_secs()
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the quota and the cpuset declared are those applied in every
/// replica. One that is known to differ settles it, whatever is unknown beside
/// it; else `None` when a kernel did not tell all.
fn agreement(declared: &Declared, replicas: &[Effective], pins_quotas: bool) -> Option<bool> {
    let each: Vec<Option<bool>> = replicas
        .iter()
        .flat_map(|effective| match declared.cpus {
            Some(cpus) if pins_quotas => [
                pinned_to(cpus, effective),
                within_cpuset(declared, effective),
            ],
            _ => [
                same_quota(declared, effective),
                same_cpuset(declared, effective),
            ],
        })
        .collect();
    if each.contains(&Some(false)) {
        return Some(false);
    }
    (!each.is_empty() && !each.contains(&None)).then_some(true)
}

fn same_quota(declared: &Declared, effective: &Effective) -> Option<bool> {
    effective
        .quota_known
        .then(|| match (declared.cpus, effective.quota_cpus) {
            (Some(declared), Some(applied)) => (declared - applied).abs() < SAME_QUOTA,
            (None, None) => true,
            _ => false,
        })
}

fn same_cpuset(declared: &Declared, effective: &Effective) -> Option<bool> {
    let Some(declared) = &declared.cpuset else {
        return Some(true);
    };
    let applied = effective.cpuset.as_ref()?;
    let (declared, applied): (Option<CpuSet>, Option<CpuSet>) =
        (declared.parse().ok(), applied.parse().ok());
    Some(declared.is_some() && declared == applied)
}

/// Whether it may run on so many CPUs, which then stand for a quota.
fn pinned_to(cpus: f64, effective: &Effective) -> Option<bool> {
    Some((effective.cpus? - cpus).abs() < SAME_QUOTA)
}

/// Whether the CPUs that stand for a quota are of the cpuset.
fn within_cpuset(declared: &Declared, effective: &Effective) -> Option<bool> {
    let Some(declared) = &declared.cpuset else {
        return Some(true);
    };
    let (declared, applied): (CpuSet, CpuSet) = (
        declared.parse().ok()?,
        effective.cpuset.as_ref()?.parse().ok()?,
    );
    Some(applied.intersection(&declared) == applied)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(cpus: Option<f64>, cpuset: Option<&str>) -> Declared {
        Declared {
            cpus,
            cpuset: cpuset.map(Into::into),
            memory_bytes: None,
        }
    }

    fn applied(quota_cpus: Option<f64>, cpuset: Option<&str>) -> Effective {
        Effective {
            quota_cpus,
            quota_known: true,
            cpuset: cpuset.map(Into::into),
            ..Effective::default()
        }
    }

    fn no_quota_known(cpuset: Option<&str>) -> Effective {
        Effective {
            quota_known: false,
            ..applied(None, cpuset)
        }
    }

    #[test]
    fn a_known_difference_shows_whatever_is_unknown_beside_it() {
        let both = declared(Some(0.5), Some("0"));
        let agrees = |replicas: &[Effective]| agreement(&both, replicas, false);
        assert_eq!(agrees(&[applied(Some(0.5), Some("0"))]), Some(true));
        assert_eq!(agrees(&[applied(Some(0.25), None)]), Some(false));
        assert_eq!(agrees(&[no_quota_known(Some("0-1"))]), Some(false));
        let unknown = no_quota_known(None);
        assert_eq!(agrees(&[unknown.clone(), applied(None, None)]), Some(false));
        assert_eq!(agrees(&[unknown]), None);
    }

    #[test]
    fn one_unknown_replica_leaves_the_station_unknown() {
        let declared = declared(Some(0.5), None);
        let known = applied(Some(0.5), None);
        let agree = agreement(&declared, &[known.clone(), no_quota_known(None)], false);
        assert_eq!(agree, None);
        assert_eq!(
            agreement(&declared, &[known.clone(), known], false),
            Some(true)
        );
        assert_eq!(agreement(&declared, &[], false), None);
    }

    #[test]
    fn whole_cpus_stand_for_a_quota_where_pins_are_all_there_is() {
        let declared = |cpus, cpuset: Option<&str>| Declared {
            cpus: Some(cpus),
            cpuset: cpuset.map(str::to_owned),
            memory_bytes: None,
        };
        let on_one = Effective {
            cpus: Some(1.0),
            quota_known: true,
            cpuset: Some("1".to_owned()),
            ..Effective::default()
        };
        let agrees =
            |declared: &Declared, pins| agreement(declared, std::slice::from_ref(&on_one), pins);

        assert_eq!(agrees(&declared(1.0, None), true), Some(true));
        assert_eq!(agrees(&declared(1.0, None), false), Some(false), "no quota");
        assert_eq!(agrees(&declared(2.0, None), true), Some(false));
        assert_eq!(agrees(&declared(1.0, Some("0-1")), true), Some(true));
        assert_eq!(agrees(&declared(1.0, Some("0")), true), Some(false));
    }
}
