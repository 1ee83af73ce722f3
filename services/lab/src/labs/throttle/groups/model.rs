//! What the refill rule gives: beside what was measured, on larger machines, and
//! beside what others have published.

use crate::labs::served::SATURATED;
use crate::labs::served::figure;
use measure::duration;
use measure::figures::names;
use measure::quota::QuotaModel;
use measure::replay::{Server, over_phases};
use measure::report::{Group, Row, RunReport, VerdictKind};
use measure::serving::raw;
use measure::text::names::row_name;

/// CPUs of machines that readers have.
const LARGER: [usize; 3] = [8, 24, 64];

/// Connections for each thread of a machine that is only replayed: enough that
/// none is out of work.
const CONNECTIONS_OF_EACH: usize = 2;

/// Seconds that are replayed.
const SECONDS: f64 = 2.0;

/// Percentiles that both are at least this long: below it a server's own figure
/// is mostly what the model leaves out.
const WORTH_COMPARING_SECONDS: f64 = 0.002;

fn group(title: &str, sentence: String) -> Group {
    Group {
        title: title.to_owned(),
        rows: Vec::new(),
        sentence,
        serial_fractions: Vec::new(),
    }
}

/// How far the replay is from what was measured.
pub fn accuracy(report: &RunReport) -> Option<Group> {
    let (disturbed, quiet): (Vec<&Row>, Vec<&Row>) =
        report.rows.iter().partition(|row| is_disturbed(row));
    let mut ratios: Vec<(&Row, f64)> = quiet
        .into_iter()
        .filter_map(|row| {
            let measured = figure(row, names::P99_SECONDS)?;
            let replayed = figure(row, names::REPLAYED_P99_SECONDS)?;
            let worth = measured.max(replayed) >= WORTH_COMPARING_SECONDS;
            let ratio = measured / replayed;
            (worth && ratio.is_finite()).then_some((row, ratio))
        })
        .collect();
    ratios.sort_by(|a, b| a.1.total_cmp(&b.1));
    let [(lowest, low), .., (highest, high)] = ratios.as_slice() else {
        return None;
    };
    let middle = ratios[ratios.len() / 2].1;
    let all = ratios.len();
    Some(group(
        "how well the refill rule tells it",
        format!(
            "Measured p99 ÷ replayed, of the {all} rows in which one of them is {} or more: {middle:.2} \
             in the middle, from {low:.2} ({}) to {high:.2} ({}). What the replay leaves out are the \
             kernel's slices of 5 ms, the network, the generator's turns on the same CPUs, and that \
             requests do not all cost the same.{}",
            duration(WORTH_COMPARING_SECONDS),
            row_name(report, lowest),
            row_name(report, highest),
            match disturbed
                .iter()
                .filter(|row| !row.rounds.is_empty())
                .count()
            {
                0 => String::new(),
                1 => " One row that something else disturbed is left out.".to_owned(),
                rows => format!(" {rows} rows that something else disturbed are left out."),
            }
        ),
    ))
}

/// Whether something else had the CPUs in some round: the rule knows nothing of
/// that.
fn is_disturbed(row: &Row) -> bool {
    let verdict = row.verdict.as_ref();
    verdict.is_some_and(|v| matches!(v.kind, VerdictKind::Host | VerdictKind::HiddenLimit))
}

/// The stall and the slowest requests of as many threads as a larger machine has
/// CPUs, under the quotas of the saturated rows.
pub fn larger_machines(report: &RunReport) -> Option<Group> {
    let mut parts = Vec::new();
    for station in &report.stations {
        let of_station = |row: &&Row| row.station == station.name && row.strategy == SATURATED;
        let Some(row) = report.rows.iter().find(of_station) else {
            continue;
        };
        let mut rounds = row.rounds.iter();
        let cost = rounds.find_map(|round| round.figures.get(raw::REQUEST_CPU_SECONDS).copied());
        let (Some(cost), Some(cpus)) = (cost, station.effective.quota_cpus) else {
            continue;
        };
        let Some(quota) = station
            .effective
            .period_seconds
            .and_then(|period| QuotaModel::new(cpus, period))
        else {
            continue;
        };
        let each: Vec<String> = LARGER
            .into_iter()
            .filter_map(|cpus| replayed(cpus, cost, quota))
            .collect();
        parts.push(format!(
            "quota {}: {}",
            measure::text::figures::cpus(cpus),
            each.join("; ")
        ));
    }
    (!parts.is_empty()).then(|| {
        group(
            "by the refill rule on larger machines, not measured here",
            format!(
                "With as many threads as CPUs and {CONNECTIONS_OF_EACH} connections for each thread, \
                 never out of work: {}.",
                parts.join(". ")
            ),
        )
    })
}

/// `8 CPUs: still for 93.8 ms of each period, p50 0.6 ms, p99.9 94.4 ms`.
fn replayed(cpus: usize, cost: f64, quota: QuotaModel) -> Option<String> {
    let server = Server::new(cpus, cpus as f64, cost, Some(quota))?;
    let replay = over_phases(|phase| server.closed(CONNECTIONS_OF_EACH * cpus, SECONDS, phase));
    Some(format!(
        "{cpus} CPUs: still for {} of each period, p50 {}, p99.9 {}",
        duration(server.stall_seconds()),
        duration(replay.percentile(0.5)?),
        duration(replay.percentile(0.999)?)
    ))
}

/// A row of the table in the README of <https://github.com/uber-go/automaxprocs>,
/// "Performance": measured by its authors under a quota of two CPUs.
struct Published {
    threads: usize,
    per_second: &'static str,
    p99_9_ms: &'static str,
}

const PUBLISHED_QUOTA_CPUS: f64 = 2.0;
const PUBLISHED: [Published; 2] = [
    Published {
        threads: 2,
        per_second: "44,715",
        p99_9_ms: "26",
    },
    Published {
        threads: 24,
        per_second: "22,191",
        p99_9_ms: "76",
    },
];

/// What others measured on their machine, with the stall that the rule gives for
/// it.
pub fn published(report: &RunReport) -> Option<Group> {
    let period = report
        .stations
        .iter()
        .find_map(|station| station.effective.period_seconds)?;
    let quota = QuotaModel::new(PUBLISHED_QUOTA_CPUS, period)?;
    let rows = PUBLISHED.iter().filter_map(|row| {
        let server = Server::new(row.threads, row.threads as f64, 1e-3, Some(quota))?;
        let stall = match server.stall_seconds() {
            still if still > 0.0 => format!("still for {} of each period", duration(still)),
            _ => "never still".to_owned(),
        };
        Some(format!(
            "{} threads {} requests/s, p99.9 {} ms (by the rule {stall})",
            row.threads, row.per_second, row.p99_9_ms
        ))
    });
    let rows: Vec<String> = rows.collect();
    Some(group(
        "measured by others, for comparison",
        format!(
            "The README of uber-go/automaxprocs has these of Uber's load balancer under a quota of \
             2 CPUs on a host that shows 24: {}. They are not of this machine, and of another server.",
            rows.join("; ")
        ),
    ))
}
