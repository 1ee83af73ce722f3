//! What must hold in every lab, whatever the speed.

use measure::report::{Invariant, RunReport};

/// Each quota and cpuset was applied as declared, where the kernel tells.
pub fn limits_applied(report: &RunReport) -> Invariant {
    let ran = || report.stations.iter().filter(|s| s.refused.is_none());
    let wrong: Vec<_> = ran().filter(|s| s.agree == Some(false)).collect();
    let unknown = ran().filter(|s| s.agree.is_none()).count();
    let detail = if wrong.is_empty() {
        format!(
            "quota and cpuset read inside {} stations are those declared{}",
            ran().count() - unknown,
            if unknown > 0 {
                format!("; unknown in {unknown}")
            } else {
                String::new()
            }
        )
    } else {
        let names: Vec<_> = wrong.iter().map(|s| s.name.as_str()).collect();
        format!(
            "declared and effective limits differ in {}",
            names.join(", ")
        )
    };
    Invariant {
        name: "limits applied".into(),
        held: wrong.is_empty(),
        detail,
    }
}

/// Nobody else ran work on a station, and none restarted. Calibration comes
/// before all rounds, so within these a station's runs follow each other by one.
pub fn sequences_unbroken(report: &RunReport) -> Invariant {
    let mut broken = Vec::new();
    for station in &report.stations {
        let mut runs: Vec<(f64, usize, &str, u64)> = report
            .rows
            .iter()
            .filter(|row| row.station == station.name)
            .flat_map(|row| &row.rounds)
            .flat_map(|round| round.replicas.iter().enumerate())
            .map(|(i, r)| (r.started_seconds, i, r.instance.as_str(), r.run_sequence))
            .collect();
        runs.sort_by(|a, b| {
            (a.1, a.0)
                .partial_cmp(&(b.1, b.0))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        for pair in runs.windows(2) {
            let ((_, replica, instance, run), (_, next_replica, next_instance, next_run)) =
                (pair[0], pair[1]);
            if replica != next_replica {
                continue;
            }
            if instance != next_instance {
                broken.push(format!("{} restarted", station.name));
            } else if next_run != run + 1 {
                broken.push(format!("{} ran something else in between", station.name));
            }
        }
    }
    broken.dedup();
    Invariant {
        name: "run sequences unbroken".into(),
        held: broken.is_empty(),
        detail: if broken.is_empty() {
            "no station restarted or ran anything but this lab's samples".into()
        } else {
            broken.join("; ")
        },
    }
}

/// Every planned row of a station that was granted has its figures.
pub fn nothing_lost(report: &RunReport) -> Invariant {
    let refused = |name: &String| {
        let station = report.stations.iter().find(|s| s.name == *name);
        station.is_some_and(|station| station.refused.is_some())
    };
    let planned = report.rows.iter().filter(|row| !refused(&row.station));
    let measured = planned.clone().filter(|row| row.not_run.is_none()).count();
    let lost: Vec<_> = planned
        .filter_map(|row| Some(format!("{}: {}", row.key(), row.not_run.as_ref()?)))
        .collect();
    Invariant {
        name: "nothing lost".into(),
        held: lost.is_empty(),
        detail: if lost.is_empty() {
            format!("all {measured} rows were measured")
        } else {
            lost.join("; ")
        },
    }
}
