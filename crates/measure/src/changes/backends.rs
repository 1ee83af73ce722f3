//! The same lab in containers and as local processes: whether the limits are
//! the same, whether the time went the same way, and what containers cost.

use super::effects::{ComparedRow, baselines, compared_rows};
use crate::report::{
    Backend, EnforcementMeans, Round, Row, RunReport, Station, TimeBudget, VerdictKind,
};
use crate::stats::{RunsOutcome, compare_runs, pair_by_round};
use crate::verdict::thresholds::{SAME_LIMIT, SAME_SHARE};

/// What a run in Docker and one with local stations come to beside each other.
/// Of each pair Docker's is the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Backends {
    /// The stations that both runs have.
    pub stations: Vec<StationLimits>,
    /// The rows that both measured, the baseline among them.
    pub rows: Vec<RowShares>,
    /// Wall time beside that of the own run's baseline; or why nothing is told.
    pub wall: Result<Vec<Cost>, String>,
    /// CPU seconds of one job, likewise.
    pub cpu: Result<Vec<Cost>, String>,
}

/// A station's limits in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct StationLimits {
    /// Its name.
    pub name: String,
    /// The CPUs that one replica can use at most, as read back from the kernel;
    /// `None` where it did not run or the kernel did not tell.
    pub cpus: [Option<f64>; 2],
    /// Why it did not run, where it did not.
    pub refused: [Option<String>; 2],
}

/// Where the time of a row went in both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RowShares {
    /// [`Row::key`].
    pub key: String,
    /// The state whose share differs most.
    pub state: &'static str,
    /// That share.
    pub shares: [f64; 2],
    /// Whether something else had the CPUs, by the row's verdict.
    pub disturbed: [bool; 2],
}

/// What a row took in Docker ÷ what it took locally, by the rule for two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// [`Row::key`].
    pub key: String,
    /// The ratio, each side divided by its own run's baseline.
    pub ratio: f64,
    /// Whether it may be claimed: [`RunsOutcome::Faster`] is less time without
    /// containers.
    pub outcome: RunsOutcome,
}

impl StationLimits {
    /// Local ÷ Docker − 1; `None` unless both are known.
    pub fn difference(&self) -> Option<f64> {
        let [Some(docker), Some(local)] = self.cpus else {
            return None;
        };
        let difference = local / docker - 1.0;
        difference.is_finite().then_some(difference)
    }

    /// Whether both runs had the same limit; `None` where that is not known.
    pub fn same(&self) -> Option<bool> {
        Some(self.difference()?.abs() <= SAME_LIMIT)
    }
}

impl RowShares {
    /// How far the shares are apart.
    pub fn difference(&self) -> f64 {
        (self.shares[1] - self.shares[0]).abs()
    }

    /// Whether the time went the same way in both runs.
    pub fn same(&self) -> bool {
        self.difference() <= SAME_SHARE
    }
}

impl Backends {
    /// Whether a station had another limit in one run than in the other: what
    /// must not be, however fast it went.
    pub fn limits_differ(&self) -> bool {
        let mut stations = self.stations.iter();
        stations.any(|station| station.same() == Some(false))
    }
}

/// The run in Docker and the one with local stations; `None` unless these are
/// one of each.
pub fn docker_and_local<'a>(
    before: &'a RunReport,
    after: &'a RunReport,
) -> Option<[&'a RunReport; 2]> {
    match (before.backend, after.backend) {
        (Backend::Docker, Backend::Local) => Some([before, after]),
        (Backend::Local, Backend::Docker) => Some([after, before]),
        _ => None,
    }
}

/// What two analysed runs come to beside each other; `None` unless one ran in
/// Docker and the other as local processes.
pub fn backends(before: &RunReport, after: &RunReport) -> Option<Backends> {
    let [docker, local] = docker_and_local(before, after)?;
    Some(Backends {
        stations: stations(docker, local),
        rows: rows(docker, local),
        wall: compared_rows(docker, local).map(|rows| rows.into_iter().map(cost).collect()),
        cpu: cpu(docker, local),
    })
}

fn stations(docker: &RunReport, local: &RunReport) -> Vec<StationLimits> {
    let cpus = |station: &Station| {
        let ran = station.refused.is_none();
        station.effective.cpus.filter(|_| ran)
    };
    let both = docker.stations.iter().filter_map(|one| {
        let mut others = local.stations.iter();
        let pair = [one, others.find(|other| other.name == one.name)?];
        Some(StationLimits {
            name: one.name.clone(),
            cpus: pair.map(cpus),
            refused: pair.map(|station| station.refused.clone()),
        })
    });
    both.collect()
}

fn rows(docker: &RunReport, local: &RunReport) -> Vec<RowShares> {
    let both = docker.rows.iter().filter_map(|one| {
        let other = local.rows.iter().find(|other| other.key() == one.key())?;
        let (state, shares) = furthest(&one.time_budget?, &other.time_budget?);
        Some(RowShares {
            key: one.key(),
            state,
            shares,
            disturbed: [one, other].map(disturbed),
        })
    });
    both.collect()
}

fn disturbed(row: &Row) -> bool {
    let verdict = row.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.kind == VerdictKind::Host)
}

/// The state whose share differs most. Time that the hypervisor took is left
/// out: it is the machine's.
fn furthest(docker: &TimeBudget, local: &TimeBudget) -> (&'static str, [f64; 2]) {
    let shares = [docker, local].map(|b| [b.running, b.throttled, b.runnable, b.blocked]);
    let states = ["running", "throttled", "runnable", "blocked"];
    let named = (0..).zip(states);
    let all = named.map(|(index, state): (usize, _)| (state, shares.map(|s| s[index])));
    let first = ("running", shares.map(|s| s[0]));
    let apart = |(_, [one, other]): (&str, [f64; 2])| (other - one).abs();
    all.fold(first, |most, next| {
        if apart(next) > apart(most) {
            next
        } else {
            most
        }
    })
}

fn cost(row: ComparedRow) -> Cost {
    Cost {
        key: row.key,
        ratio: row.ratio,
        outcome: row.outcome,
    }
}

fn cpu(docker: &RunReport, local: &RunReport) -> Result<Vec<Cost>, String> {
    let means = local.host.enforcement.as_ref().map(|how| how.means);
    if means == Some(EnforcementMeans::Affinity) {
        return Err(
            "CPU seconds are not compared: held by affinity alone, a local station's are those of \
             its workers."
                .to_owned(),
        );
    }
    let [base_docker, base_local] = baselines(docker, local)?;
    let both = docker.rows.iter().filter(|row| !row.baseline);
    let costs = both.filter_map(|one| {
        let other = local.rows.iter().find(|other| other.key() == one.key())?;
        let [one_side, other_side] = [(one, base_docker), (other, base_local)].map(beside);
        let (ratio, mut outcome) = compare_runs(&one_side, &other_side)?;
        if docker.quick || local.quick {
            outcome = RunsOutcome::TooFewRounds;
        }
        Some(Cost {
            key: one.key(),
            ratio,
            outcome,
        })
    });
    Ok(costs.collect())
}

/// CPU seconds of one job ÷ those of the run's baseline in the same round.
fn beside((row, baseline): (&Row, &Row)) -> Vec<f64> {
    let pairs = pair_by_round(&cpu_seconds(row), &cpu_seconds(baseline));
    pairs.iter().map(|(own, baseline)| own / baseline).collect()
}

fn cpu_seconds(row: &Row) -> Vec<(u32, f64)> {
    let job = |round: &Round| Some(round.cpu_seconds()? / round.jobs());
    let rounds = row.rounds.iter();
    rounds
        .filter_map(|round| Some((round.round, job(round)?)))
        .collect()
}
