//! The allowed CPUs over a sample: how many, and who used them.

use super::counted;
use crate::cpu_list;
use crate::report::{ReplicaAccount, Round, Station};
use std::collections::BTreeSet;

/// What happened on the CPUs that a station may run on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct CpuUse {
    /// How many the union of the replicas' CPUs holds.
    pub(super) allowed: Option<f64>,
    /// How many each replica has.
    pub(super) by_replica: Option<Vec<f64>>,
    /// Share of their time that was idle.
    pub(super) idle_share: Option<f64>,
    /// Share that other processes used.
    pub(super) others_share: Option<f64>,
    /// Share that the hypervisor had taken away.
    pub(super) steal_share: Option<f64>,
    /// The same as a share of the time of those CPUs that the workers could
    /// keep busy: min(threads, allowed CPUs).
    pub(super) stolen_share_of_busy: Option<f64>,
}

/// Replicas that may run on the very same CPUs.
struct SharedSet<'a> {
    cpus: f64,
    replicas: Vec<&'a ReplicaAccount>,
}

impl CpuUse {
    pub(super) fn new(round: &Round, station: &Station) -> Self {
        let lists: Option<Vec<_>> = (0..round.replicas.len())
            .map(|i| cpus_of_replica(round, station, i))
            .collect();
        let Some(lists) = lists else {
            return Self::of_counts(round);
        };
        let union: BTreeSet<usize> = lists.iter().flatten().copied().collect();
        let mut this = Self {
            allowed: Some(union.len() as f64),
            by_replica: Some(lists.iter().map(|l| l.len() as f64).collect()),
            ..Self::default()
        };
        if let Some(sets) = disjoint_sets(round, &lists) {
            this.add_shares(&sets);
        }
        this.add_stolen(round);
        this
    }

    /// Without lists, a single replica's count still tells all.
    fn of_counts(round: &Round) -> Self {
        let counts: Option<Vec<f64>> = round
            .replicas
            .iter()
            .map(|r| r.cpus.count.filter(|&c| c > 0).map(|c| c as f64))
            .collect();
        let mut this = Self {
            by_replica: counts.clone(),
            ..Self::default()
        };
        if let (Some(&[cpus]), [replica]) = (counts.as_deref(), &round.replicas[..]) {
            this.allowed = Some(cpus);
            this.add_shares(&[SharedSet {
                cpus,
                replicas: vec![replica],
            }]);
        }
        this.add_stolen(round);
        this
    }

    /// min(threads, allowed CPUs).
    pub(super) fn busy_of(&self, threads: usize) -> Option<f64> {
        Some(self.allowed?.min(threads as f64)).filter(|busy| *busy > 0.0)
    }

    /// The hypervisor takes a CPU from whatever runs there: of all it took, the
    /// workers' part is as large as their part of all that ran.
    fn add_stolen(&mut self, round: &Round) {
        self.stolen_share_of_busy = self.allowed.and_then(|allowed| {
            let seconds = allowed * round.wall_seconds();
            let own = counted(round.cpu_seconds())?;
            let others = self.others_share.unwrap_or(0.0) * seconds;
            let part = if own > 0.0 { own / (own + others) } else { 0.0 };
            let busy = self.busy_of(round.workers().count())? * round.wall_seconds();
            let share = self.steal_share? * seconds * part / busy;
            share.is_finite().then_some(share.min(1.0))
        });
    }

    fn add_shares(&mut self, sets: &[SharedSet]) {
        self.idle_share = mean_share(sets, SharedSet::idle_share);
        self.steal_share = mean_share(sets, SharedSet::steal_share);
        self.others_share = mean_share(sets, SharedSet::others_share);
    }
}

/// The share over all CPUs of all sets; `None` when one set's is unknown.
fn mean_share<'a, 's>(
    sets: &'s [SharedSet<'a>],
    share: impl Fn(&'s SharedSet<'a>) -> Option<f64>,
) -> Option<f64> {
    let cpus: f64 = sets.iter().map(|s| s.cpus).sum();
    let weighted: Option<f64> = sets.iter().map(|s| Some(share(s)? * s.cpus)).sum();
    weighted
        .map(|sum| (sum / cpus).clamp(0.0, 1.0))
        .filter(|s| !s.is_nan())
}

impl SharedSet<'_> {
    /// The replica that watched the CPUs longest: each has counters of the
    /// very same CPUs over its own window.
    fn longest(&self) -> Option<(&ReplicaAccount, f64)> {
        let longest = self
            .replicas
            .iter()
            .max_by(|a, b| a.seconds().total_cmp(&b.seconds()))?;
        let capacity = longest.seconds() * self.cpus;
        (capacity.is_finite() && capacity > 0.0).then_some((*longest, capacity))
    }

    fn idle_share(&self) -> Option<f64> {
        let (longest, capacity) = self.longest()?;
        Some(counted(longest.cpus.idle_seconds)? / capacity)
    }

    fn steal_share(&self) -> Option<f64> {
        let (longest, capacity) = self.longest()?;
        Some(counted(longest.cpus.steal_seconds)? / capacity)
    }

    /// What is left when idle, steal and the replicas' own CPU are taken off.
    fn others_share(&self) -> Option<f64> {
        let (longest, capacity) = self.longest()?;
        if let ([_], Some(others)) = (&self.replicas[..], counted(longest.cpus.others_seconds)) {
            return Some(others / capacity);
        }
        let own: Option<f64> = self
            .replicas
            .iter()
            .map(|r| Some(counted(r.group.cpu_seconds)? * overlap_share(r, longest)))
            .sum();
        let idle = counted(longest.cpus.idle_seconds)?;
        let steal = counted(longest.cpus.steal_seconds)?;
        Some(((capacity - idle - steal - own?) / capacity).max(0.0))
    }
}

/// How much of `replica`'s window lies within that of `other`.
fn overlap_share(replica: &ReplicaAccount, other: &ReplicaAccount) -> f64 {
    let start = replica.started_seconds.max(other.started_seconds);
    let end = replica.ended_seconds.min(other.ended_seconds);
    let window = replica.seconds();
    if window > 0.0 {
        ((end - start) / window).clamp(0.0, 1.0)
    } else {
        1.0
    }
}

/// A replica's CPUs by its own account, else as the station's were read.
fn cpus_of_replica(round: &Round, station: &Station, index: usize) -> Option<BTreeSet<usize>> {
    let own = round.replicas[index].cpus.allowed.as_deref();
    let read = station
        .replica_cpusets
        .get(index)
        .and_then(|c| c.as_deref());
    let alone = round.replicas.len() == 1;
    let inside = station.effective.cpuset.as_deref().filter(|_| alone);
    own.or(read).or(inside).and_then(cpu_list::parse)
}

/// The replicas by their sets of CPUs; `None` when two sets overlap in part,
/// since nobody then knows who used what they share.
fn disjoint_sets<'a>(round: &'a Round, lists: &[BTreeSet<usize>]) -> Option<Vec<SharedSet<'a>>> {
    let mut sets: Vec<(&BTreeSet<usize>, SharedSet)> = Vec::new();
    for (replica, list) in round.replicas.iter().zip(lists) {
        if let Some((_, set)) = sets.iter_mut().find(|(l, _)| *l == list) {
            set.replicas.push(replica);
        } else if sets.iter().all(|(l, _)| l.is_disjoint(list)) {
            let cpus = list.len() as f64;
            let replicas = vec![replica];
            sets.push((list, SharedSet { cpus, replicas }));
        } else {
            return None;
        }
    }
    Some(sets.into_iter().map(|(_, set)| set).collect())
}
