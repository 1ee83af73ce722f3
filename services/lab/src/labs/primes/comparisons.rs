//! The comparisons that the lab names beforehand, in the words of the limits
//! that the survey found: a person edits them.

use super::STRATEGY;
use crate::labs::limits;
use crate::labs::questions::{Question, asked_of};
use measure::report::{Comparison, RunReport, Station};
use serde_json::Value;

/// The comparisons of which both rows were measured; their figures are left to
/// the analysis.
pub fn named(report: &RunReport) -> Vec<Comparison> {
    asked_of(report, questions(report))
}

/// Each question with the row that it is about and the one compared with.
fn questions(report: &RunReport) -> Vec<Question> {
    let Some(kernel) = report.parameters.get("kernel").and_then(Value::as_str) else {
        return Vec::new();
    };
    let baseline = report.rows.iter().find(|row| row.baseline);
    let Some(largest) = baseline.and_then(|row| station(report, &row.station)) else {
        return Vec::new();
    };
    let key = |station: &str, strategy: &str, workers: usize| {
        format!("{station}/{strategy}/{kernel}/{workers}")
    };
    let under = |station: &Station| limits::under(station, report.host.cpus);
    let two_workers = |station: &Station| {
        (
            format!("Do two workers gain {}?", under(station)),
            key(&station.name, STRATEGY, 2),
            key(&station.name, STRATEGY, 1),
        )
    };
    let mut all: Vec<_> = station(report, "primes-half")
        .map(two_workers)
        .into_iter()
        .collect();
    all.push(two_workers(largest));
    all.push((
        four_workers(largest, &under(largest)),
        key(&largest.name, STRATEGY, 4),
        key(&largest.name, STRATEGY, 2),
    ));
    all.push((
        "Do chunks taken as needed beat equal ranges?".into(),
        key(&largest.name, STRATEGY, 2),
        key(&largest.name, "static-threads", 2),
    ));
    all.push((
        "Does async speed up CPU work?".into(),
        key(&largest.name, "async", 2),
        key(&largest.name, "sequential", 1),
    ));
    let fleet = station(report, "primes-fleet").filter(|fleet| fleet.name != largest.name);
    all.extend(fleet.map(|fleet| {
        (
            cut_up(fleet, &under(fleet), &under(largest)),
            key(&fleet.name, STRATEGY, 1),
            key(&largest.name, STRATEGY, 2),
        )
    }));
    all
}

/// Four workers are more than the CPUs only where there are two or three.
fn four_workers(station: &Station, under: &str) -> String {
    match station.effective.cpus {
        Some(cpus) if (2.0..4.0).contains(&cpus) => {
            format!("Do more workers than CPUs gain, four instead of two {under}?")
        }
        _ => format!("Do four workers gain over two {under}?"),
    }
}

fn cut_up(fleet: &Station, each: &str, whole: &str) -> String {
    match fleet.replicas {
        0 | 1 => format!("Is one worker {each} as good as two in one container {whole}?"),
        replicas => {
            format!("Are {replicas} replicas, each {each}, as good as one container {whole}?")
        }
    }
}

fn station<'a>(report: &'a RunReport, name: &str) -> Option<&'a Station> {
    report.stations.iter().find(|station| station.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::made::{report, station, timed_row};

    /// The questions of a report whose rows are all that the lab may compare.
    fn asked(stations: Vec<Station>) -> Vec<String> {
        let mut rows = vec![timed_row("primes-two", "sequential", 1, &[1.0; 6])];
        rows[0].baseline = true;
        for (station, workers) in [
            ("primes-half", 1),
            ("primes-half", 2),
            ("primes-two", 1),
            ("primes-two", 2),
            ("primes-two", 4),
            ("primes-fleet", 1),
        ] {
            rows.push(timed_row(station, STRATEGY, workers, &[1.0; 6]));
        }
        let found = named(&report(stations, rows));
        found.into_iter().map(|c| c.question).collect()
    }

    fn fleet(replicas: usize, quota_cpus: f64) -> Station {
        Station {
            replicas,
            ..station("primes-fleet", Some(quota_cpus))
        }
    }

    #[test]
    fn the_questions_tell_the_limits_as_they_are() {
        let as_delivered = asked(vec![
            station("primes-half", Some(0.5)),
            station("primes-two", Some(2.0)),
            fleet(4, 0.5),
        ]);
        assert_eq!(
            as_delivered,
            [
                "Do two workers gain under a quota of 0.5 CPUs?",
                "Do two workers gain under a quota of 2 CPUs?",
                "Do more workers than CPUs gain, four instead of two under a quota of 2 CPUs?",
                "Are 4 replicas, each under a quota of 0.5 CPUs, as good as one container under a \
                 quota of 2 CPUs?",
            ]
        );
    }

    #[test]
    fn edited_limits_are_told_as_edited() {
        let mut pinned = station("primes-half", None);
        pinned.effective.cpuset = Some("0".into());
        pinned.effective.cpus = Some(1.0);
        let edited = asked(vec![
            pinned,
            station("primes-two", Some(1.5)),
            fleet(1, 0.25),
        ]);
        assert_eq!(
            edited,
            [
                "Do two workers gain on CPU 0?",
                "Do two workers gain under a quota of 1.5 CPUs?",
                "Do four workers gain over two under a quota of 1.5 CPUs?",
                "Is one worker under a quota of 0.25 CPUs as good as two in one container under a \
                 quota of 1.5 CPUs?",
            ]
        );
    }
}
