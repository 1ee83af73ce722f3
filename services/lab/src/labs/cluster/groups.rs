//! What the rows and the drills show together.

use super::loads::{AT_80, AT_HALF, REUSEPORT};
use super::{RULES, rules};
use crate::labs::served::SATURATED;
use crate::labs::served::{claim_more_per_second, claim_shorter_p99, figure, workers};
use measure::duration;
use measure::figures::names;
use measure::report::{Drill, Group, Row, RunReport, Station};
use measure::serving::raw;

/// The groups' sentences.
pub fn groups(report: &RunReport) -> Vec<Group> {
    let mut groups = Vec::new();
    groups.extend(at_the_target(report));
    groups.extend(saturated(report));
    groups.extend(worker_counts(report));
    groups.extend(fairness(report));
    groups.extend(report.drills.iter().filter_map(drill));
    groups
}

fn group(title: String, rows: &[&Row], sentence: String) -> Group {
    let mut keys: Vec<String> = rows.iter().map(|row| row.key()).collect();
    keys.dedup();
    Group {
        title,
        rows: keys,
        sentence,
        serial_fractions: Vec::new(),
    }
}

/// The measured rows under this load.
fn under<'r>(report: &'r RunReport, load: &str) -> Vec<&'r Row> {
    let rows = report.rows.iter();
    rows.filter(|row| row.strategy == load && !row.rounds.is_empty())
        .collect()
}

fn raw_figure(row: &Row, name: &str) -> Option<f64> {
    let mut rounds = row.rounds.iter();
    rounds.find_map(|round| round.figures.get(name).copied())
}

/// `cluster-over (8 workers)`.
fn who(report: &RunReport, row: &Row) -> String {
    format!("{} ({})", row.station, workers(report, row))
}

/// The highest rates that kept the p99 under its target, and the latencies at
/// shares of them.
fn at_the_target(report: &RunReport) -> Option<Group> {
    let rows: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| raw_figure(row, raw::FOUND_PER_SECOND).is_some())
        .collect();
    let target = rows
        .iter()
        .find_map(|row| raw_figure(row, raw::TARGET_P99_SECONDS))?;
    let mut found: Vec<String> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for row in &rows {
        if seen.contains(&row.station.as_str()) {
            continue;
        }
        seen.push(&row.station);
        let Some(rate) = raw_figure(row, raw::FOUND_PER_SECOND) else {
            continue;
        };
        let above = raw_figure(row, raw::TOO_MANY_PER_SECOND)
            .map_or_else(String::new, |above| format!(" and no longer at {above:.0}"));
        let confirmed = raw_figure(row, raw::CONFIRMATIONS)
            .map_or_else(String::new, |times| format!(" ({times:.0} × confirmed)"));
        found.push(format!(
            "{} up to {rate:.0} requests/s{confirmed}{above}",
            row.station
        ));
    }
    let latencies = [(AT_80, "80 %"), (AT_HALF, "50 %")]
        .into_iter()
        .filter_map(|(load, share)| {
            let p99s: Vec<String> = under(report, load)
                .iter()
                .filter_map(|row| {
                    let p99 = duration(figure(row, names::P99_SECONDS)?);
                    Some(format!("{} {p99}", who(report, row)))
                })
                .collect();
            (!p99s.is_empty())
                .then(|| format!(" At {share} of its own rate p99 was: {}.", p99s.join("; ")))
        });
    let latencies: String = latencies.collect();
    Some(group(
        format!("requests per second with p99 under {}", duration(target)),
        &rows,
        format!(
            "Searched before the rounds, each step an open loop of arrivals by chance, and what was \
             found repeated by other chance and lowered until it held each time: {}.{latencies}",
            found.join("; ")
        ),
    ))
}

/// What each answers while clients ask again at once, and who of them answers
/// more in every round.
fn saturated(report: &RunReport) -> Option<Group> {
    let own: Vec<&Row> = report
        .stations
        .iter()
        .filter_map(|station| {
            let rows = under(report, SATURATED);
            let own = super::own_workers(station);
            rows.into_iter()
                .find(|row| row.station == station.name && row.workers == own)
        })
        .collect();
    if own.len() < 2 {
        return None;
    }
    let rate = |row: &Row| figure(row, names::REQUESTS_PER_SECOND);
    let told: Vec<String> = own
        .iter()
        .filter_map(|row| {
            let p99 = duration(figure(row, names::P99_SECONDS)?);
            Some(format!(
                "{} {:.0} requests/s at p99 {p99}",
                who(report, row),
                rate(row)?
            ))
        })
        .collect();
    let most = own
        .iter()
        .max_by(|a, b| rate(a).unwrap_or(0.0).total_cmp(&rate(b).unwrap_or(0.0)))?;
    let behind: Vec<String> = own
        .iter()
        .filter(|row| claim_more_per_second(report, most, row))
        .map(|row| row.station.clone())
        .collect();
    let claim = if behind.is_empty() {
        String::new()
    } else {
        format!(
            " In every round {} answered more than {}.",
            most.station,
            behind.join(", ")
        )
    };
    Some(group(
        "saturated, by station".to_owned(),
        &own,
        format!("{}.{claim}", told.join("; ")),
    ))
}

/// The rules for worker counts on one station, by measurement.
fn worker_counts(report: &RunReport) -> Option<Group> {
    let station = report
        .stations
        .iter()
        .find(|station| station.name == RULES)?;
    let mut rows: Vec<&Row> = under(report, SATURATED);
    rows.retain(|row| row.station == RULES);
    rows.sort_by_key(|row| row.workers);
    let [few, others @ ..] = rows.as_slice() else {
        return None;
    };
    if others.is_empty() {
        return None;
    }
    let at_80 = under(report, AT_80);
    let told: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let steady = at_80
                .iter()
                .find(|other| (&other.station, other.workers) == (&row.station, row.workers));
            let steady = steady
                .and_then(|row| figure(row, names::P99_SECONDS))
                .map_or_else(String::new, |p99| format!(", {} at 80 %", duration(p99)));
            Some(format!(
                "{}{}: {:.0} requests/s, p99 {} saturated{steady}",
                workers(report, row),
                rule_of(station, row.workers),
                figure(row, names::REQUESTS_PER_SECOND)?,
                duration(figure(row, names::P99_SECONDS)?)
            ))
        })
        .collect();
    let longer: Vec<String> = others
        .iter()
        .filter(|row| claim_shorter_p99(report, few, row))
        .map(|row| row.workers.to_string())
        .collect();
    let more: Vec<String> = others
        .iter()
        .filter(|row| claim_more_per_second(report, row, few))
        .map(|row| row.workers.to_string())
        .collect();
    let claim = match (longer.is_empty(), more.is_empty()) {
        (true, true) if report.quick => String::new(),
        (true, true) => " No round after round difference from the fewest.".to_owned(),
        (true, false) => format!(
            " In every round {} answered more than {}.",
            more.join(" and "),
            few.workers
        ),
        (false, true) => format!(
            " In every round the p99 was longer with {} than with {}, and nowhere were more requests \
             answered in every round.",
            longer.join(" and "),
            few.workers
        ),
        (false, false) => format!(
            " In every round {} answered more than {}, and the p99 was longer with {}.",
            more.join(" and "),
            few.workers,
            longer.join(" and ")
        ),
    };
    Some(group(
        format!("rules for worker counts, {RULES}"),
        &rows,
        format!("{}.{claim}", told.join("; ")),
    ))
}

/// ` (n)`, ` (2n + 1, the host's CPUs)`.
fn rule_of(station: &Station, count: usize) -> String {
    let names = ["n by the quota", "2n + 1", "the host's CPUs"];
    let which = rules(station).into_iter().zip(names);
    let which: Vec<&str> = which
        .filter(|(workers, _)| *workers == count)
        .map(|(_, name)| name)
        .collect();
    if which.is_empty() {
        return String::new();
    }
    format!(" ({})", which.join(", "))
}

/// How evenly the workers share requests, by how they share the port.
fn fairness(report: &RunReport) -> Option<Group> {
    let apart = under(report, REUSEPORT);
    let mut rows = Vec::new();
    let mut parts = Vec::new();
    for row in apart {
        let together = under(report, SATURATED)
            .into_iter()
            .find(|other| (&other.station, other.workers) == (&row.station, row.workers));
        let Some(together) = together else {
            continue;
        };
        let both = figure(together, names::FAIRNESS).zip(figure(row, names::FAIRNESS));
        let Some((one, each)) = both else {
            continue;
        };
        let p99s = figure(together, names::P99_SECONDS).zip(figure(row, names::P99_SECONDS));
        let p99s = p99s.map_or_else(String::new, |(one, each)| {
            format!(", p99 {} and {}", duration(one), duration(each))
        });
        parts.push(format!(
            "{}: {one:.2} with one listening socket for all, {each:.2} with one of its own for each{p99s}",
            who(report, row)
        ));
        rows.extend([together, row]);
    }
    (!parts.is_empty()).then(|| {
        group(
            "how evenly workers share the requests".to_owned(),
            &rows,
            format!(
                "Jain's index of the requests of each worker, 1 where all have as many: {}. A \
                 connection stays with the worker that accepted it; with a socket for each the \
                 kernel chooses by a hash of the addresses, and not by who is free.",
                parts.join("; ")
            ),
        )
    })
}

/// What one drill lost, and for how long.
fn drill(drill: &Drill) -> Option<Group> {
    if drill.failed_because.is_some() || drill.done_at_seconds.is_none() {
        return None;
    }
    let kinds: Vec<String> = drill
        .failed
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let lost = if drill.lost() == 0 {
        "no request was lost".to_owned()
    } else {
        format!(
            "{} of {} requests were lost ({})",
            drill.lost(),
            drill.sent,
            kinds.join(", ")
        )
    };
    let over = match drill.recovery_seconds() {
        None => ", and still were when the load ended".to_owned(),
        Some(_) if drill.lost() == 0 => String::new(),
        Some(seconds) => format!(", the last of them within {}", duration(seconds)),
    };
    let restarts = match drill.restarts {
        Some(1) => " The master started one worker in its place.".to_owned(),
        Some(restarts) => format!(" The master started {restarts} workers."),
        None => String::new(),
    };
    Some(Group {
        title: format!("drill on {}: {}", drill.station, drill.name),
        rows: Vec::new(),
        sentence: format!(
            "At {:.0} requests/s over {} connections {lost}{over}.{restarts}",
            drill.offered_per_second, drill.connections
        ),
        serial_fractions: Vec::new(),
    })
}
