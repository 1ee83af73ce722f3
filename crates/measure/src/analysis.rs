//! From raw rounds to everything that a person reads of a run.

use crate::figures::{Fidelity, RoundFigures, names, typical_budget};
use crate::pipeline;
use crate::report::{Interval, Row, RunReport, Station};
use crate::schedule::{Inputs, predict};
use crate::serving;
use crate::stats::{compare_within_rounds, interval, median, outliers, pair_by_round};
use crate::verdict::{Case, verdict};
use crate::waiting::WaitingJob;
use std::collections::{BTreeMap, BTreeSet};

/// Fills every derived field of `report` from its rounds and stations: all
/// figures and verdicts of the rows, and what the comparisons let one claim.
///
/// Doing it again changes nothing, so a report read from a file gives the same
/// verdicts. A row without rounds keeps `None`; a comparison of which no round
/// was measured for both rows is removed, since nothing is known of it.
pub fn analyse(report: &mut RunReport) {
    let figures: Vec<Vec<RoundFigures>> = report
        .rows
        .iter()
        .map(|row| figures_of(row, &report.stations))
        .collect();
    let baseline = report.rows.iter().position(|row| row.baseline);
    for index in 0..report.rows.len() {
        let other = |i: &usize| *i != index;
        let reference = baseline
            .and_then(|b| reference(report, b, index))
            .filter(other);
        let given = Given {
            baseline: baseline.map_or(&[], |b| &figures[b]),
            reference: reference.map_or(&[], |i| &figures[i]),
        };
        fill_row(&mut report.rows[index], &figures[index], given);
    }
    for index in 0..report.rows.len() {
        let case = case(report, &figures, index, baseline);
        report.rows[index].verdict = verdict(&case);
    }
    pipeline::fill(report);
    compare(report, &figures);
}

/// What one row is held against.
#[derive(Clone, Copy)]
struct Given<'a> {
    /// The baseline's rounds.
    baseline: &'a [RoundFigures],
    /// The rounds of the row that its CPU time is predicted from.
    reference: &'a [RoundFigures],
}

/// The row that this one's CPU time is predicted from: the baseline, if its
/// kernel is this one's, since another kernel's CPU seconds say nothing.
fn reference(report: &RunReport, baseline: usize, index: usize) -> Option<usize> {
    let row = &report.rows[index];
    if row.rounds.first().and_then(WaitingJob::of).is_some() {
        return reference_of_waiting(report, baseline, index);
    }
    (report.rows[baseline].kernel == row.kernel).then_some(baseline)
}

/// An item by itself costs several times the CPU time of one among many: each
/// finds the CPU asleep and its caches cold, and is stored alone. So the
/// reference of a job that waits is on the baseline's station too and has this
/// row's kernel, but is the row that differs in the station alone; else the one
/// with most items at once.
fn reference_of_waiting(report: &RunReport, baseline: usize, index: usize) -> Option<usize> {
    let (rows, row) = (&report.rows, &report.rows[index]);
    let station = &rows[baseline].station;
    let is_like = |other: &Row| {
        (&other.strategy, other.workers) == (&row.strategy, row.workers)
            && other.station == *station
    };
    let candidates = (0..rows.len()).filter(|&i| {
        let other = &rows[i];
        i != index && other.station == *station && other.kernel == row.kernel
    });
    candidates.max_by_key(|&i| (is_like(&rows[i]), rows[i].workers, std::cmp::Reverse(i)))
}

fn figures_of(row: &Row, stations: &[Station]) -> Vec<RoundFigures> {
    let Some(station) = stations.iter().find(|s| s.name == row.station) else {
        return Vec::new();
    };
    row.rounds
        .iter()
        .filter_map(|round| RoundFigures::new(round, station))
        .collect()
}

fn fill_row(row: &mut Row, rounds: &[RoundFigures], given: Given) {
    // A server's sample lasts as long as its load: no job's wall is in it.
    let served = row.rounds.iter().any(serving::is_served);
    let jobs = if served { &[] } else { rounds };
    row.samples = jobs.iter().map(RoundFigures::job_seconds).collect();
    row.wall_seconds = interval(&row.samples);
    row.outliers = outliers(&row.samples)
        .iter()
        .map(|&i| jobs[i].round)
        .collect();
    if let Some(threads) = rounds
        .iter()
        .map(RoundFigures::threads)
        .max()
        .filter(|&t| t > 0)
    {
        row.threads = Some(threads);
    }
    row.cpu_seconds = of_rounds(jobs, RoundFigures::job_cpu_seconds);
    row.cpu_seconds_outside_workers = of_rounds(jobs, cpu_outside_workers);
    row.cpus_used = of_rounds(rounds, |r| r.usage_cpus);
    row.granted_cpus = of_rounds(rounds, |r| r.granted_cpus);
    let shares = row.work_shares.as_deref();
    row.quota_fidelity = of_rounds(jobs, |r| Fidelity::of(r, shares).ratio());
    let budget = typical_budget(rounds);
    row.time_budget = budget.map(|(states, _)| states);
    row.blocked_by = budget.map(|(_, causes)| causes);
    row.figures = figures_of_lab(rounds);
    row.predicted_wall_seconds = predicted(row, jobs, given.reference);
    row.speedup = speedup(jobs, given.baseline);
    row.efficiency = row.speedup.and_then(|s| efficiency(row, jobs, s));
}

/// The median over the rounds that have the figure.
fn of_rounds(
    rounds: &[RoundFigures],
    figure: impl Fn(&RoundFigures) -> Option<f64>,
) -> Option<f64> {
    median(&rounds.iter().filter_map(figure).collect::<Vec<_>>())
}

/// The medians of the lab's own figures, each over the rounds that have it; of
/// some the largest or the sum.
fn figures_of_lab(rounds: &[RoundFigures]) -> BTreeMap<String, f64> {
    let all: BTreeSet<&String> = rounds.iter().flat_map(|r| r.of_lab.keys()).collect();
    let of_row = |name: &String| {
        let each = || rounds.iter().filter_map(|r| r.of_lab.get(name).copied());
        if names::LARGEST.contains(&name.as_str()) {
            each().reduce(f64::max)
        } else if names::SUMS.contains(&name.as_str()) {
            Some(each().sum())
        } else {
            median(&each().collect::<Vec<_>>())
        }
    };
    all.into_iter()
        .filter_map(|name| Some((name.clone(), of_row(name)?)))
        .collect()
}

/// CPU seconds of one job outside the workers. The two clocks may differ by a
/// tick, which must not read as less than none.
fn cpu_outside_workers(round: &RoundFigures) -> Option<f64> {
    let outside = round.cpu_seconds? - round.worker_cpu_seconds?;
    Some(outside.max(0.0) / round.jobs()).filter(|cpu| cpu.is_finite())
}

fn job_walls(rounds: &[RoundFigures]) -> Vec<(u32, f64)> {
    rounds.iter().map(|r| (r.round, r.job_seconds())).collect()
}

/// Baseline wall ÷ wall, within rounds.
fn speedup(rounds: &[RoundFigures], baseline: &[RoundFigures]) -> Option<Interval> {
    let pairs = pair_by_round(&job_walls(rounds), &job_walls(baseline));
    interval(
        &pairs
            .iter()
            .map(|(own, baseline)| baseline / own)
            .collect::<Vec<_>>(),
    )
}

fn efficiency(row: &Row, rounds: &[RoundFigures], speedup: Interval) -> Option<f64> {
    let workers = row.workers * rounds.first()?.replicas();
    (workers > 0).then(|| speedup.median / workers as f64)
}

/// What the reference row's CPU seconds of the same round come to under this
/// row's limits and schedule, and what its waiting takes at least.
fn predicted(row: &Row, rounds: &[RoundFigures], reference: &[RoundFigures]) -> Option<Interval> {
    let predictions: Vec<_> = rounds
        .iter()
        .filter_map(|round| {
            let same = reference.iter().find(|b| b.round == round.round)?;
            let replicas = round.model_replicas()?;
            let cpu_seconds = same.job_cpu_seconds()?;
            // What is predicted is what was sampled, scaled as the sample is.
            let by_cpu = predict(&Inputs {
                cpu_seconds: cpu_seconds * round.share,
                idle_start_seconds: round.idle_start_seconds() / f64::from(round.repeats),
                repeats: round.repeats,
                replicas: &replicas,
                allowed_cpus: round.allowed_cpus?,
                shares: row.work_shares.as_deref(),
            })?;
            let by_cpu = by_cpu.map(|wall| wall / round.share)?;
            match round.waiting {
                Some(job) => by_cpu.at_least(job.least_seconds(cpu_seconds / job.items)),
                None => Some(by_cpu),
            }
        })
        .collect();
    let walls: Vec<f64> = predictions.iter().map(|p| p.wall_seconds).collect();
    let mut around = interval(&walls)?;
    for other in predictions.iter().filter_map(|p| p.other_admissible) {
        around.low = around.low.min(other);
        around.high = around.high.max(other);
    }
    Some(around)
}

fn case<'a>(
    report: &'a RunReport,
    figures: &'a [Vec<RoundFigures>],
    index: usize,
    baseline: Option<usize>,
) -> Case<'a> {
    let row = &report.rows[index];
    let comparable = baseline.filter(|&b| b != index && report.rows[b].kernel == row.kernel);
    Case {
        row,
        rounds: &figures[index],
        host_cpus: report.host.cpus,
        baseline: comparable.map_or(&[], |b| &figures[b]),
        one_worker: comparable
            .and_then(|b| one_worker(report, figures, index, b))
            .map_or(&[], |i| &figures[i]),
    }
}

/// The row on the baseline's station with the same strategy and kernel and one
/// worker in all.
fn one_worker(
    report: &RunReport,
    figures: &[Vec<RoundFigures>],
    index: usize,
    baseline: usize,
) -> Option<usize> {
    let row = &report.rows[index];
    let station = &report.rows[baseline].station;
    (0..report.rows.len()).find(|&i| {
        let other = &report.rows[i];
        let one = other.workers == 1 && figures[i].first().is_some_and(|r| r.replicas() == 1);
        one && other.station == *station
            && other.strategy == row.strategy
            && other.kernel == row.kernel
    })
}

fn compare(report: &mut RunReport, figures: &[Vec<RoundFigures>]) {
    let walls = |rows: &[Row], key: &str| {
        let index = rows.iter().position(|row| row.key() == key)?;
        Some(job_walls(&figures[index]))
    };
    let rows = &report.rows;
    let quick = report.quick;
    report.comparisons.retain_mut(|comparison| {
        let pair = walls(rows, &comparison.row).zip(walls(rows, &comparison.against));
        let seen = pair.and_then(|(row, against)| compare_within_rounds(&row, &against, quick));
        if let Some((ratio, outcome)) = seen {
            comparison.ratio = ratio;
            comparison.outcome = outcome;
        }
        seen.is_some()
    });
}
