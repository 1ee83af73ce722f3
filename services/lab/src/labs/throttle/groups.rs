//! What the rows show together.

mod model;

use super::loads::{BURSTS, is_open};
use crate::labs::served::SATURATED;
use crate::labs::served::{claim_shorter_p99, figure};
use measure::duration;
use measure::figures::names;
use measure::report::{Group, Row, RunReport, Station};
use measure::serving::raw;
use measure::text::figures::{count, percent};

/// Rates that differ by less are told as the same: rounds differ by so much.
const SAME_RATE: f64 = 0.05;

/// The groups' sentences.
pub fn groups(report: &RunReport) -> Vec<Group> {
    let saturated = report.stations.iter().filter_map(|s| by_threads(report, s));
    let mut groups: Vec<Group> = saturated.collect();
    groups.extend(report.stations.iter().filter_map(|s| by_load(report, s)));
    groups.extend(model::accuracy(report));
    groups.extend(model::larger_machines(report));
    groups.extend(model::published(report));
    groups.extend(the_request(report));
    groups
}

/// The measured rows of a station that `belongs` picks.
fn rows_of<'r>(
    report: &'r RunReport,
    station: &Station,
    belongs: impl Fn(&Row) -> bool,
) -> Vec<&'r Row> {
    let rows = report.rows.iter();
    rows.filter(|row| row.station == station.name && !row.rounds.is_empty() && belongs(row))
        .collect()
}

fn threads(row: &Row) -> String {
    count(row.workers, "thread")
}

fn keys(rows: &[&Row]) -> Vec<String> {
    rows.iter().map(|row| row.key()).collect()
}

/// What the number of threads does to a server that is never out of work.
fn by_threads(report: &RunReport, station: &Station) -> Option<Group> {
    let mut rows = rows_of(report, station, |row| row.strategy == SATURATED);
    rows.sort_by_key(|row| row.workers);
    let [few, .., _] = rows.as_slice() else {
        return None;
    };
    let told: Vec<String> = rows.iter().filter_map(|row| in_short(row)).collect();
    let sentence = format!(
        "{}. {}",
        told.join("; "),
        what_follows(report, few, &rows[1..])?
    );
    Some(Group {
        title: format!("{SATURATED}, {}, by threads", station.name),
        rows: keys(&rows),
        sentence,
        serial_fractions: Vec::new(),
    })
}

/// `8 threads: 3221 requests/s, p99 76.1 ms, standing still for 75.0 ms of each
/// period`.
fn in_short(row: &Row) -> Option<String> {
    let rate = figure(row, names::REQUESTS_PER_SECOND)?;
    let p99 = figure(row, names::P99_SECONDS)?;
    let stall = figure(row, names::STALL_SECONDS).map_or_else(String::new, |stall| {
        if stall > 0.0 {
            format!(
                ", by the quota's rule still for {} of each period",
                duration(stall)
            )
        } else {
            ", by the quota's rule never still".to_owned()
        }
    });
    Some(format!(
        "{}: {rate:.0} requests/s, p99 {}{stall}",
        threads(row),
        duration(p99)
    ))
}

/// The sentence that the other rows carry against the one with fewest threads.
fn what_follows(report: &RunReport, few: &Row, others: &[&Row]) -> Option<String> {
    let slower: Vec<&&Row> = others
        .iter()
        .filter(|row| claim_shorter_p99(report, few, row))
        .collect();
    let p99 = |row: &Row| figure(row, names::P99_SECONDS);
    let worst = slower
        .iter()
        .filter_map(|row| Some((*row, p99(row)? / p99(few)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((worst, times)) = worst else {
        return Some(if report.quick {
            "Nothing is claimed from a quick run.".to_owned()
        } else {
            format!(
                "In no row was p99 longer in every round than with {}.",
                threads(few)
            )
        });
    };
    let rate = |row: &Row| figure(row, names::REQUESTS_PER_SECOND);
    let ratio = rate(worst)? / rate(few)?;
    let rates = if (ratio - 1.0).abs() < SAME_RATE {
        "as many requests per second".to_owned()
    } else if ratio < 1.0 {
        format!("{} fewer requests per second", percent(1.0 - ratio))
    } else {
        format!("{} more requests per second", percent(ratio - 1.0))
    };
    // What the rule says of it is said where the counters show it.
    let by_quota = ratio < 1.0 + SAME_RATE && still(worst)? > still(few)?;
    let why = if by_quota {
        ": more threads get no more out of the same quota, they only use it up sooner, and then all \
         requests wait together"
    } else {
        ""
    };
    Some(format!(
        "So {} gave {rates} as {}, and in every round a p99 that was longer, {times:.1} × as long{why}.",
        threads(worst),
        threads(few)
    ))
}

/// What becomes of a load that the quota pays for on average.
fn by_load(report: &RunReport, station: &Station) -> Option<Group> {
    let rows = rows_of(report, station, |row| row.strategy != SATURATED);
    if rows.is_empty() {
        return None;
    }
    let (met, never): (Vec<&&Row>, Vec<&&Row>) = rows
        .iter()
        .partition(|row| throttled_share(row) > Some(0.0));
    let told = |row: &&Row| {
        let p99 = figure(row, names::P99_SECONDS).map(duration);
        let share = throttled_share(row).filter(|share| *share > 0.0);
        let share = share.map_or_else(String::new, |s| {
            format!(" in {} of the periods,", percent(s))
        });
        let p99 = p99.unwrap_or_else(|| "unknown".to_owned());
        format!("{} with {}{share} p99 {p99}", row.strategy, threads(row))
    };
    let list = |rows: &[&&Row]| {
        let each: Vec<String> = rows.iter().map(|row| told(row)).collect();
        each.join("; ")
    };
    let mut sentences = Vec::new();
    if !never.is_empty() {
        sentences.push(format!(
            "Never throttled, in no period of any round: {}.",
            list(&never)
        ));
        if never.iter().any(|row| row.strategy != BURSTS) {
            sentences.push(
                "A steady load that fits into every period never meets the quota, however many \
                 threads there are."
                    .to_owned(),
            );
        }
    }
    if !met.is_empty() {
        sentences.push(format!("Throttled: {}.", list(&met)));
    }
    Some(Group {
        title: format!("a load that fits on average, {}", station.name),
        rows: keys(&rows),
        sentence: sentences.join(" "),
        serial_fractions: Vec::new(),
    })
}

/// Seconds that the group's queues were throttled, over all rounds.
fn still(row: &Row) -> Option<f64> {
    let replicas = row.rounds.iter().flat_map(|round| &round.replicas);
    replicas.map(|r| r.group.throttled_seconds).sum()
}

/// Throttled periods ÷ periods, over all rounds.
fn throttled_share(row: &Row) -> Option<f64> {
    let replicas = || row.rounds.iter().flat_map(|round| &round.replicas);
    let throttled: Option<u64> = replicas().map(|r| r.group.throttled_periods).sum();
    let periods: Option<u64> = replicas().map(|r| r.group.periods).sum();
    let share = throttled? as f64 / periods? as f64;
    share.is_finite().then_some(share)
}

/// What a request costs here, and what the generator takes of the same CPUs.
fn the_request(report: &RunReport) -> Option<Group> {
    let known = |row: &&Row| row.rounds.iter().any(|r| r.figures.contains_key(raw::WORK));
    let rows: Vec<&Row> = report.rows.iter().filter(known).collect();
    let (open, busy): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| is_open(&row.strategy));
    let work = range_of(&rows, raw::WORK)?.0;
    let busy_cost = range_of(&busy, raw::REQUEST_CPU_SECONDS).map(|cost| {
        format!(
            "{} of the server's CPU time where it is never out of work",
            milliseconds(cost)
        )
    });
    let open_cost = range_of(&open, raw::REQUEST_CPU_SECONDS).map(|cost| {
        format!(
            "{} under an open load, where a request finds the server at rest and a thread has to \
             be woken for it",
            milliseconds(cost)
        )
    });
    let costs: Vec<String> = busy_cost.into_iter().chain(open_cost).collect();
    let load_cost = range_of(&rows, raw::LOAD_REQUEST_CPU_SECONDS)?;
    let most = rows
        .iter()
        .flat_map(|row| &row.rounds)
        .filter_map(|round| {
            let figure = |name: &str| round.figures.get(name).copied();
            Some(figure(raw::LOAD_CPU_SECONDS)? / figure(raw::LOAD_SECONDS)?)
        })
        .fold(0.0, f64::max);
    let cpus = report.host.cpus.map_or_else(
        || "the machine's CPUs".to_owned(),
        |cpus| format!("the machine's {}", count(cpus, "CPU")),
    );
    (!costs.is_empty()).then(|| Group {
        title: "what a request costs".to_owned(),
        rows: Vec::new(),
        sentence: format!(
            "{work:.0} additions and the request itself are {}, measured before the rounds. Each \
             row's capacity and replay are drawn from the cost under its own kind of load. The \
             load generator takes {} for each, on the same CPUs: up to {most:.2} of {cpus} in a \
             row. Where both want a CPU at once the server waits too, and the rates are those of \
             the two together.",
            costs.join(", and "),
            milliseconds(load_cost)
        ),
        serial_fractions: Vec::new(),
    })
}

/// The least and the largest of a raw figure in these rows.
fn range_of(rows: &[&Row], name: &str) -> Option<(f64, f64)> {
    let rounds = rows.iter().flat_map(|row| &row.rounds);
    let all = rounds.filter_map(|round| round.figures.get(name).copied());
    all.fold(None, |range, one| {
        let (least, most) = range.unwrap_or((one, one));
        Some((least.min(one), most.max(one)))
    })
}

/// `0.150 ms`, `0.160 to 0.200 ms`.
fn milliseconds((least, most): (f64, f64)) -> String {
    let [least, most] = [least, most].map(|seconds| format!("{:.3}", seconds * 1e3));
    if least == most {
        format!("{least} ms")
    } else {
        format!("{least} to {most} ms")
    }
}
