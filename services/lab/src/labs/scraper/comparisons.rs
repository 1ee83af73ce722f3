//! The comparisons that the lab names beforehand.

use super::{HEAVY, LIGHT};
use crate::labs::limits;
use crate::labs::questions::{Question, asked_of};
use measure::report::{Comparison, RunReport, Station};

/// The comparisons of which both rows were measured.
pub fn named(report: &RunReport) -> Vec<Comparison> {
    asked_of(report, questions(report))
}

fn questions(report: &RunReport) -> Vec<Question> {
    let baseline = report.rows.iter().find(|row| row.baseline);
    let station = |name: &str| report.stations.iter().find(|s| s.name == name);
    let Some(largest) = baseline.and_then(|row| station(&row.station)) else {
        return Vec::new();
    };
    let key = |station: &Station, strategy: &str, kernel: &str, workers: usize| {
        format!("{}/{strategy}/{kernel}/{workers}", station.name)
    };
    let mut all = vec![
        (
            "Does async fetch faster than as many threads, 64 at once?".to_owned(),
            key(largest, "async", LIGHT, 64),
            key(largest, "threads", LIGHT, 64),
        ),
        (
            "Do 256 pages at once gain over 64?".to_owned(),
            key(largest, "async", LIGHT, 256),
            key(largest, "async", LIGHT, 64),
        ),
    ];
    let others = report.stations.iter().filter(|s| s.name != largest.name);
    for other in others {
        let limits = |station| limits::under(station, report.host.cpus);
        for kernel in [LIGHT, HEAVY] {
            all.push((
                format!(
                    "Does {kernel} parsing take longer {} than {}, 64 pages at once?",
                    limits(other),
                    limits(largest)
                ),
                key(other, "async", kernel, 64),
                key(largest, "async", kernel, 64),
            ));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::made::{report, row, station, timed_row};
    use measure::report::Row;

    #[test]
    fn each_question_has_its_two_rows_and_the_limits_as_they_are() {
        let measured = |station: &str, strategy: &str, workers, kernel: &str| Row {
            kernel: kernel.into(),
            ..timed_row(station, strategy, workers, &[1.0; 6])
        };
        let baseline = Row {
            baseline: true,
            ..measured("scraper-one", "sequential", 1, LIGHT)
        };
        let rows = vec![
            baseline,
            measured("scraper-one", "async", 64, LIGHT),
            measured("scraper-one", "threads", 64, LIGHT),
            measured("scraper-quarter", "async", 64, LIGHT),
            Row {
                kernel: HEAVY.into(),
                ..row("scraper-one", "async", 64)
            },
            measured("scraper-quarter", "async", 64, HEAVY),
        ];
        let stations = vec![
            station("scraper-quarter", Some(0.25)),
            station("scraper-one", Some(1.0)),
        ];

        let asked = named(&report(stations, rows));

        let questions: Vec<_> = asked.iter().map(|c| c.question.as_str()).collect();
        assert_eq!(
            questions,
            [
                "Does async fetch faster than as many threads, 64 at once?",
                "Does light parsing take longer under a quota of 0.25 CPUs than under a quota of \
                 1 CPU, 64 pages at once?",
            ],
            "the row of heavy parsing was not measured on the largest station"
        );
    }
}
