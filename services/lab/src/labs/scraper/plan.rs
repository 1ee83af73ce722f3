//! The rows: by default, and as options narrow them.

use super::{HEAVY, LIGHT};
use crate::labs::rows::each_once;
use crate::labs::{Options, PlannedRow};
use measure::report::Station;

/// The rows of a run, the baseline first, and last those that others are
/// predicted from.
pub fn rows(stations: &[Station], largest: &Station, options: &Options) -> Vec<PlannedRow> {
    let kernel = options.kernel.as_deref().unwrap_or(LIGHT);
    let mut rows = vec![PlannedRow {
        baseline: true,
        ..row(&largest.name, "sequential", kernel, 1)
    }];
    rows.extend(if options.choose_rows() {
        narrowed_rows(stations, options, kernel)
    } else {
        default_rows(stations, largest, options)
    });
    // Rows of other stations are predicted from those like them on the largest.
    let twins = rows.iter().filter(|row| options.wants(&row.station));
    let twins = twins.map(|row| PlannedRow {
        station: largest.name.clone(),
        baseline: false,
        ..row.clone()
    });
    let twins: Vec<PlannedRow> = twins.collect();
    rows.retain(|row| row.baseline || options.wants(&row.station));
    rows.extend(twins);
    each_once(rows)
}

pub fn row(station: &str, strategy: &str, kernel: &str, workers: usize) -> PlannedRow {
    PlannedRow {
        station: station.into(),
        strategy: strategy.into(),
        kernel: kernel.into(),
        workers,
        baseline: false,
    }
}

/// Strategy, pages at once and kernel of the rows on every station.
pub const EVERYWHERE: [(&str, usize, &str); 7] = [
    ("sequential", 1, LIGHT),
    ("threads", 5, LIGHT),
    ("threads", 64, LIGHT),
    ("async", 64, LIGHT),
    ("async", 256, LIGHT),
    ("threads", 64, HEAVY),
    ("async", 64, HEAVY),
];

/// Those that threads on a quarter CPU would only repeat: 64 of them stand still
/// for most of a second.
const ON_THE_LARGEST: (&str, usize, &str) = ("threads", 64, HEAVY);

fn default_rows(stations: &[Station], largest: &Station, options: &Options) -> Vec<PlannedRow> {
    let mut rows = Vec::new();
    for station in stations {
        for (strategy, workers, kernel) in EVERYWHERE {
            let is_largest = station.name == largest.name;
            let row_of = (strategy, workers, kernel);
            if row_of == ON_THE_LARGEST && !is_largest {
                continue;
            }
            let quick = match row_of {
                ("async", 64, _) => true,
                ("threads", 64, LIGHT) => is_largest,
                _ => false,
            };
            let kernel = options.kernel.as_deref().unwrap_or(kernel);
            if quick || !options.quick {
                rows.push(row(&station.name, strategy, kernel, workers));
            }
        }
    }
    rows
}

/// Every chosen station with every chosen strategy and number of pages at once.
fn narrowed_rows(stations: &[Station], options: &Options, kernel: &str) -> Vec<PlannedRow> {
    let mut rows = Vec::new();
    for station in stations {
        for strategy in options.strategies_or("async") {
            let workers = match strategy.as_str() {
                "sequential" => vec![1],
                _ => options.workers_or(&[64], station),
            };
            let workers = workers.into_iter();
            rows.extend(workers.map(|n| row(&station.name, &strategy, kernel, n)));
        }
    }
    rows
}
