//! One sentence for each group of rows.

use super::{LIGHT, crossing};
use crate::labs::groups::group;
use measure::report::{Group, Row, RunReport};

/// By what is under way at once, by limit, and what the model says of both.
pub fn groups(report: &RunReport) -> Vec<Group> {
    let of_station = |station: &str| {
        group(
            report,
            format!("{LIGHT} parsing on {station}, by pages at once"),
            |row| row.station == station && row.kernel == LIGHT,
            |row| format!("{} {}", row.strategy, row.workers),
        )
    };
    let by_concurrency = report.stations.iter().filter_map(|s| of_station(&s.name));
    let same_but_limit = |row: &Row, other: &Row| {
        (&row.strategy, &row.kernel, row.workers) == (&other.strategy, &other.kernel, other.workers)
    };
    let mut by_limit: Vec<Group> = Vec::new();
    for row in report.rows.iter().filter(|row| row.workers > 1) {
        let title = format!(
            "{} {}, {} parsing, by limit",
            row.strategy, row.workers, row.kernel
        );
        if by_limit.iter().all(|group| group.title != title) {
            let label = |row: &Row| row.station.clone();
            by_limit.extend(group(
                report,
                title,
                |other| same_but_limit(row, other),
                label,
            ));
        }
    }
    by_concurrency
        .chain(by_limit)
        .chain(crossing::groups(report))
        .chain(crossing::littles_law(report))
        .collect()
}
