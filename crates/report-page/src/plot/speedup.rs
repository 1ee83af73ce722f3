//! Speedup against workers, a panel per station, with the ceiling of its budget.

mod panel;

use super::drawable;
use super::scale::Scale;
use crate::html::{EachHtml, Text};
use measure::report::{Interval, Row, RunReport};
use measure::text::figures::{cpus, two_decimals};
use measure::text::names::{by_station, replicas, work};
use measure::waiting::WaitingJob;
use panel::Panel;
use std::collections::BTreeSet;

/// A measured row as a point.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    /// Workers over all replicas.
    workers: usize,
    /// Index of the strategy among [`Plan::strategies`].
    strategy: usize,
    speedup: Interval,
}

/// What all panels share.
struct Plan {
    /// Worker counts, a column each: even spaces hold 1 as well as 192.
    columns: Vec<usize>,
    strategies: Vec<String>,
    scale: Scale,
}

/// A station's rows.
struct Station<'a> {
    name: &'a str,
    points: Vec<Point>,
    ceiling: Option<Ceiling>,
}

impl Station<'_> {
    /// Whether a median lies beyond the ceiling by more than is read off a plot.
    fn goes_beyond(&self) -> bool {
        let Some(ceiling) = self.ceiling else {
            return false;
        };
        self.points
            .iter()
            .any(|point| point.speedup.median > 1.05 * ceiling.at(point.workers))
    }
}

/// What follows from a point beyond the ceiling: CPUs in use are not more than
/// granted, so fewer CPU seconds were.
const BEYOND: &str = " A mark beyond it took less CPU time for the job than the baseline: the \
    machine was faster at that time, or the strategy does less work. So speedups here are no more \
    exact than that.";

/// What the dashed line is.
const CEILING: &str = " The dashed line is the ceiling of the station&#39;s budget at the baseline&#39;s \
    speed: no more than its workers, and no more than the CPUs it was granted.";

/// A baseline that waits leaves its CPUs alone: how much faster they could be
/// says nothing of how many could wait at once.
const NO_CEILING: &str = " What is waited for has no ceiling by the CPUs that it is granted.";

/// What a budget allows at most.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ceiling {
    granted_cpus: f64,
    /// What the baseline could use of a CPU: speedups are multiples of that.
    baseline_cpus: f64,
}

impl Ceiling {
    /// The speedup that so many workers cannot exceed: a worker runs on one CPU
    /// at a time, and all together on those granted.
    fn at(&self, workers: usize) -> f64 {
        self.granted_cpus.min(workers as f64) / self.baseline_cpus
    }
}

/// The panels. Empty when no row has a speedup.
pub(crate) fn speedup(report: &RunReport) -> String {
    let strategies = strategies(report);
    let stations: Vec<Station> = by_station(report)
        .iter()
        .map(|(name, rows)| Station {
            name,
            points: points(report, rows, &strategies),
            ceiling: ceiling(report, rows),
        })
        .filter(|station| !station.points.is_empty())
        .collect();
    let points = || stations.iter().flat_map(|station| &station.points);
    let columns: BTreeSet<usize> = points().map(|point| point.workers).collect();
    let Some(most) = columns.last().copied() else {
        return String::new();
    };
    let ceilings = stations.iter().filter_map(|s| Some(s.ceiling?.at(most)));
    let plan = Plan {
        scale: Scale::of(points().map(|point| point.speedup.high).chain(ceilings)),
        columns: columns.into_iter().collect(),
        strategies,
    };
    let panels: String = (0..)
        .zip(&stations)
        .html(|(index, station)| one(&plan, index, station));
    let of_ceiling = if waits(report) { NO_CEILING } else { CEILING };
    let beyond = if stations.iter().any(Station::goes_beyond) {
        BEYOND
    } else {
        ""
    };
    format!(
        "<figure>\n<figcaption>How many times as fast as the baseline, against the workers of all \
         replicas together. Marks are medians and whiskers their intervals; a line joins those of \
         {}.{of_ceiling}{beyond}</figcaption>\n\
         {}<div class=\"panels\">\n{panels}</div>\n</figure>\n",
        Text(&plan.strategies[0]),
        legend(&plan, waits(report))
    )
}

/// The strategies that have a point, the commonest first: its points are joined.
fn strategies(report: &RunReport) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for row in report
        .rows
        .iter()
        .filter(|row| drawable(row.speedup).is_some())
    {
        let name = work(report, row);
        match counted.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted.into_iter().map(|(name, _)| name).collect()
}

fn points(report: &RunReport, rows: &[&Row], strategies: &[String]) -> Vec<Point> {
    rows.iter()
        .filter_map(|row| {
            let name = work(report, row);
            Some(Point {
                workers: row.workers.saturating_mul(replicas(report, row)),
                strategy: strategies.iter().position(|known| *known == name)?,
                speedup: drawable(row.speedup)?,
            })
        })
        .collect()
}

/// Whether the lab's job is one that waits.
fn waits(report: &RunReport) -> bool {
    let mut rounds = report.rows.iter().flat_map(|row| &row.rounds);
    rounds.any(|round| WaitingJob::of(round).is_some())
}

fn ceiling(report: &RunReport, rows: &[&Row]) -> Option<Ceiling> {
    if waits(report) {
        return None;
    }
    let usable = |cpus: &f64| cpus.is_finite() && *cpus > 0.0;
    let baseline = report.rows.iter().find(|row| row.baseline)?;
    Some(Ceiling {
        granted_cpus: rows
            .iter()
            .find_map(|row| row.granted_cpus.filter(usable))?,
        baseline_cpus: baseline.granted_cpus.filter(usable)?.min(1.0),
    })
}

fn one(plan: &Plan, index: usize, station: &Station) -> String {
    let best = station
        .points
        .iter()
        .map(|point| point.speedup.median)
        .fold(0.0, f64::max);
    let ceiling = station.ceiling.map_or_else(
        || "no ceiling drawn".to_owned(),
        |ceiling| format!("ceiling {} ×", cpus(ceiling.at(usize::MAX))),
    );
    let drawing = Panel::new(plan, station).svg(index);
    format!(
        "<div class=\"panel\">\n<h3><span>{}</span> <small>best {} ×, {ceiling}</small></h3>\n\
         {drawing}</div>\n",
        Text(station.name),
        two_decimals(best)
    )
}

fn legend(plan: &Plan, waits: bool) -> String {
    let marks: String = plan.strategies.iter().enumerate().html(|(index, name)| {
        format!(
            "<li><svg class=\"key\" viewBox=\"0 0 24 16\" aria-hidden=\"true\">{}</svg> {}</li>\n",
            panel::mark(index, 12.0, 8.0),
            Text(name)
        )
    });
    if waits {
        return format!("<ul class=\"legend\">\n{marks}</ul>\n");
    }
    format!(
        "<ul class=\"legend\">\n{marks}<li><svg class=\"key\" viewBox=\"0 0 24 16\" \
         aria-hidden=\"true\"><path class=\"beyond\" d=\"M0 0H24V8H0Z\"/><path class=\"ceiling\" \
         d=\"M0 8H24\"/></svg> ceiling of the budget, and beyond it</li>\n</ul>\n"
    )
}
