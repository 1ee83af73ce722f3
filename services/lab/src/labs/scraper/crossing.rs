//! Where waiting ends and CPU work begins: predicted from what a page costs,
//! and measured by what came over the network when the CPU bound.

use crate::labs::limits;
use measure::figures::names;
use measure::report::{Group, Round, Row, RunReport, Station, VerdictKind};
use measure::stats::median;
use measure::text::names::row_name;
use measure::waiting::{WaitingJob, raw, under_way};

/// Requests for each page that differ by less than this are one.
const SAME_NUMBER: f64 = 0.005;

/// A sentence for each station and kernel of which a row has several pages at
/// once.
pub fn groups(report: &RunReport) -> Vec<Group> {
    let mut groups = Vec::new();
    for station in &report.stations {
        for kernel in kernels(report) {
            groups.extend(group(report, station, kernel));
        }
    }
    groups
}

/// The kernels of the rows, each once.
fn kernels(report: &RunReport) -> Vec<&str> {
    let mut kernels: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !kernels.contains(&row.kernel.as_str()) {
            kernels.push(&row.kernel);
        }
    }
    kernels
}

fn group(report: &RunReport, station: &Station, kernel: &str) -> Option<Group> {
    let free = freest(report, kernel)?;
    let job = free.rounds.first().and_then(WaitingJob::of)?;
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| row.station == station.name && row.kernel == kernel)
        .filter(|row| row.strategy == "async" && row.wall_seconds.is_some())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let latency_ms = job.latency_seconds * 1e3;
    let cost = Cost::of(free)?;
    let granted = station.effective.cpus?;
    let threads = rows.iter().filter_map(|row| row.threads).max();
    let usable = threads.map_or(granted, |threads| granted.min(threads as f64));
    let predicted = job.crossing(cost.request_ms / 1e3, usable)?;
    let limit = match threads {
        Some(threads) if usable < granted => format!(
            "that {} can use",
            if threads == 1 {
                "one thread".to_owned()
            } else {
                format!("{threads} threads")
            }
        ),
        _ => limits::under(station, report.host.cpus),
    };
    let predicted = format!(
        "From about {predicted:.0} pages at once on, {kernel} parsing should need all the CPU time \
         {limit}: {usable} × ({latency_ms:.0} ms ÷ {:.2} ms + 1), by what a {} costs on {}.",
        cost.request_ms,
        cost.of,
        row_name(report, free)
    );
    let keys = std::iter::once(free).chain(rows.iter().copied());
    let mut keys: Vec<String> = keys.map(Row::key).collect();
    keys.dedup();
    Some(Group {
        title: format!("where waiting ends on {}, {kernel} parsing", station.name),
        rows: keys,
        sentence: format!("{predicted} {}", measured(&rows, job.latency_seconds)),
        serial_fractions: Vec::new(),
    })
}

/// What each answer costs whoever asked for it.
struct Cost {
    /// CPU milliseconds of one request, with all that was done with the answer.
    request_ms: f64,
    /// What a reader is told that it is the cost of.
    of: &'static str,
}

impl Cost {
    /// Where pages take several requests (attempts, redirects) each of them is
    /// waited for by itself.
    fn of(row: &Row) -> Option<Self> {
        let page_ms = *row.figures.get(names::CPU_MS_PER_PAGE)?;
        let of_round = |round: &Round| {
            let counted = |name: &str| round.figures.get(name).copied();
            Some(counted(raw::ORIGIN_REQUESTS)? / counted(raw::PAGES)?)
        };
        let rounds: Vec<f64> = row.rounds.iter().filter_map(of_round).collect();
        let requests = median(&rounds).filter(|n| n.is_finite() && *n > 0.0)?;
        let several = (requests - 1.0).abs() > SAME_NUMBER;
        Some(Self {
            request_ms: page_ms / requests,
            of: if several { "request" } else { "page" },
        })
    }
}

/// The row that tells what a page costs among many: async with the most at
/// once, on the station that the baseline runs on.
fn freest<'a>(report: &'a RunReport, kernel: &str) -> Option<&'a Row> {
    let baseline = report.rows.iter().find(|row| row.baseline)?;
    let of_these = report.rows.iter().filter(|row| {
        (
            row.station.as_str(),
            row.strategy.as_str(),
            row.kernel.as_str(),
        ) == (baseline.station.as_str(), "async", kernel)
            && !row.figures.is_empty()
    });
    of_these.max_by_key(|row| row.workers)
}

/// What the rows show of it. Of one that used up its CPU time, the pages that
/// came per second and Little's law tell how many were under way at the origin:
/// with so many the waiting alone would have let as many through.
fn measured(rows: &[&Row], latency_seconds: f64) -> String {
    let mut parts = Vec::new();
    for row in rows {
        let figures = row.cpus_used.zip(row.granted_cpus);
        let rate = row.figures.get(names::REQUESTS_PER_SECOND);
        // On which side of it the row was, its verdict says and nothing else.
        let by_cpu = match row.verdict.as_ref().map(|verdict| verdict.kind) {
            Some(VerdictKind::Quota | VerdictKind::Bursts | VerdictKind::Cpu) => true,
            Some(VerdictKind::Waiting) => false,
            _ => continue,
        };
        let (Some((used, granted)), Some(&rate)) = (figures, rate) else {
            continue;
        };
        let use_of = format!("{used:.2} of {} in use", limits::cpu_count(granted));
        let under_way = under_way(rate, latency_seconds);
        parts.push(if by_cpu {
            format!(
                "with {} at once the CPU time was what bound ({use_of}) and {rate:.0} pages came per \
                 second, so that {under_way:.1} were under way at the origin: there is the crossing",
                row.workers
            )
        } else {
            format!(
                "with {} at once the pages were waited for ({use_of}), {under_way:.1} under way at \
                 the origin",
                row.workers
            )
        });
    }
    if parts.is_empty() {
        return "No row tells on which side of it it was.".to_owned();
    }
    format!("Measured: {}.", parts.join("; "))
}

/// Little's law with the figures of every row that has them.
pub fn littles_law(report: &RunReport) -> Option<Group> {
    let figures = |row: &Row| {
        let latency = row
            .rounds
            .first()?
            .figures
            .get(raw::LATENCY_SECONDS)
            .copied()?;
        let rate = *row.figures.get(names::REQUESTS_PER_SECOND)?;
        let highest = *row.figures.get(names::HIGHEST_IN_FLIGHT)?;
        Some((rate, latency, highest))
    };
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| figures(row).is_some() && !row.baseline)
        .collect();
    let many = rows.iter().filter(|row| row.workers > 1);
    let of_row = |row: &&Row| {
        let (rate, latency, highest) = figures(row)?;
        Some(format!(
            "{} · {}/{} · {}: {rate:.0}/s × {:.0} ms = {:.1} on average, {highest:.0} at most",
            row.station,
            row.strategy,
            row.kernel,
            row.workers,
            latency * 1e3,
            under_way(rate, latency)
        ))
    };
    let told: Vec<String> = many.filter_map(of_row).collect();
    (!told.is_empty()).then(|| Group {
        title: "Little's law, L = λW: pages under way at the origin".to_owned(),
        rows: rows.iter().map(|row| row.key()).collect(),
        sentence: format!(
            "Pages per second × how long the origin takes for one is how many it has under way on \
             average: {}. Where that is below the number at once, the others were at the scraper \
             meanwhile, for its CPU time or in a pause before another attempt, or the last turn was \
             not full.",
            told.join("; ")
        ),
        serial_fractions: Vec::new(),
    })
}
