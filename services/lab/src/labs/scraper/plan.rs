//! The rows: by default, and as options narrow them.

use super::{HEAVY, LIGHT};
use crate::labs::rows::each_once;
use crate::labs::{Options, PlannedRow, Workers};
use measure::report::Station;

/// The rows of a run, the baseline first, and last those that others are
/// predicted from.
pub fn rows(stations: &[Station], largest: &Station, options: &Options) -> Vec<PlannedRow> {
    let kernel = options.kernel.as_deref().unwrap_or(LIGHT);
    let mut rows = vec![PlannedRow {
        baseline: true,
        ..row(&largest.name, "sequential", kernel, 1)
    }];
    rows.extend(
        if options.strategies.is_empty() && options.workers.is_empty() {
            default_rows(stations, largest, options)
        } else {
            narrowed_rows(stations, options, kernel)
        },
    );
    let wanted = |name: &String| options.stations.is_empty() || options.stations.contains(name);
    // Rows of other stations are predicted from those like them on the largest.
    let twins = rows.iter().filter(|row| wanted(&row.station));
    let twins = twins.map(|row| PlannedRow {
        station: largest.name.clone(),
        baseline: false,
        ..row.clone()
    });
    let twins: Vec<PlannedRow> = twins.collect();
    rows.retain(|row| row.baseline || wanted(&row.station));
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
    let default_strategy = ["async".to_owned()];
    let strategies = match options.strategies.as_slice() {
        [] => &default_strategy,
        chosen => chosen,
    };
    let mut rows = Vec::new();
    for station in stations {
        for strategy in strategies {
            let (one, many) = ([Workers::Exactly(1)], [Workers::Exactly(64)]);
            let workers: &[Workers] = match options.workers.as_slice() {
                _ if strategy == "sequential" => &one,
                [] => &many,
                chosen => chosen,
            };
            let on_station = workers.iter().map(|workers| workers.on(station));
            rows.extend(on_station.map(|n| row(&station.name, strategy, kernel, n)));
        }
    }
    rows
}
