//! The rows: one for each thing that a row can show.

use super::super::{interval, row, verdict};
use super::REFUSED;
use crate::report::{Also, Row, TimeBudget, Verdict, VerdictKind};

/// All rows, in the order of their stations.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::from(half_rows());
    rows.extend(two_rows());
    rows.push(turns(row("primes-pinned", "work-stealing", 2), 1.03));
    rows.push(turns(row("primes-pinned", "static-threads", 2), 1.04));
    rows.extend(fleet_rows());
    rows.push(Row {
        not_run: Some(REFUSED.to_owned()),
        ..row("primes-four", "work-stealing", 1)
    });
    rows
}

/// A measured row: wall, predicted wall, speedup, CPUs used, and where the
/// time went (running, throttled, runnable, blocked).
fn measured(row: Row, figures: [f64; 4], time: [f64; 4], verdict: Verdict) -> Row {
    let [wall, predicted, speedup, cpus_used] = figures;
    let [running, throttled, runnable, blocked] = time;
    let threads = row.threads.unwrap_or(row.workers);
    let granted = match row.station.as_str() {
        "primes-half" => 0.5,
        "primes-pinned" => 1.0,
        _ => 2.0,
    };
    Row {
        samples: vec![wall; 6],
        wall_seconds: Some(interval(wall, wall * 0.99, wall * 1.015)),
        predicted_wall_seconds: Some(interval(predicted, predicted * 0.98, predicted * 1.01)),
        speedup: Some(interval(speedup, speedup * 0.98, speedup * 1.02)),
        efficiency: Some(speedup / threads as f64),
        cpus_used: Some(cpus_used),
        granted_cpus: Some(granted),
        time_budget: Some(TimeBudget {
            running,
            throttled,
            runnable,
            blocked,
            stolen: None,
        }),
        verdict: Some(verdict),
        ..row
    }
}

fn half_rows() -> [Row; 2] {
    let quota = |evidence| {
        verdict(
            VerdictKind::Quota,
            "All of the quota (0.5 CPUs) was used, and it kept threads off the CPUs.",
            evidence,
            "1 CPU is the smallest quota that no longer stops these threads on these CPUs: \
             2.00 × as fast [1.98, 2.02], 1.02 s instead of 2.04 s is to be expected.",
        )
    };
    [
        measured(
            row("primes-half", "work-stealing", 1),
            [2.04, 2.04, 0.5, 0.4953],
            [0.496, 0.502, 0.0, 0.002],
            quota("running 50 %, throttled 50 % of worker time; 0.50 of 0.5 granted CPUs in use"),
        ),
        measured(
            row("primes-half", "work-stealing", 2),
            [2.03, 2.05, 0.51, 0.4987],
            [0.25, 0.75, 0.0, 0.0],
            quota("running 25 %, throttled 75 % of worker time; 0.50 of 0.5 granted CPUs in use"),
        ),
    ]
}

fn two_rows() -> [Row; 4] {
    let baseline = Row {
        baseline: true,
        predicted_wall_seconds: None,
        ..measured(
            row("primes-two", "sequential", 1),
            [1.02, 1.02, 1.0, 0.9981],
            [0.998, 0.0, 0.0, 0.002],
            verdict(
                VerdictKind::Workers,
                "1 thread did nothing but work, on 2 CPUs granted.",
                "running 100 % of worker time; 1.00 of 2 granted CPUs in use",
                "2 workers that share the work evenly should be 1.98 × as fast.",
            ),
        )
    };
    let stealing = measured(
        row("primes-two", "work-stealing", 2),
        [0.5155, 0.512, 1.979, 1.981],
        [0.99, 0.0, 0.008, 0.002],
        verdict(
            VerdictKind::Cpu,
            "All the CPU that was granted (2 CPUs) did work.",
            "running 99 % of worker time; 1.98 of 2 granted CPUs in use",
            "This machine has no more CPUs: only faster code, or another machine, would help.",
        ),
    );
    let mut imbalance = verdict(
        VerdictKind::Imbalance,
        "The workers ended at different times: having nothing left to do while others worked \
         took 15 % of their time.",
        "running 85 %, blocked 15 % of worker time; 1.69 of 2 granted CPUs in use",
        "Give out work as the workers become free (dynamic chunks) instead of in fixed parts. \
         That should be 1.17 × as fast.",
    );
    imbalance.also.push(Also {
        kind: "odd-round".to_owned(),
        text: "Round 3 by itself shows `cpu`.".to_owned(),
    });
    let fixed = measured(
        row("primes-two", "static-threads", 2),
        [0.605, 0.603, 1.69, 1.69],
        [0.85, 0.0, 0.0, 0.15],
        imbalance,
    );
    let unknown = Row {
        verdict: Some(verdict(
            VerdictKind::Unclear,
            "Where the time went is unknown: the kernel does not count how long a thread waits \
             for a CPU (schedstat) here.",
            "1.90 of 2 granted CPUs in use",
            "",
        )),
        samples: vec![0.54; 6],
        wall_seconds: Some(interval(0.54, 0.531, 0.549)),
        ..row("primes-two", "processes", 2)
    };
    [baseline, stealing, fixed, unknown]
}

fn turns(row: Row, wall: f64) -> Row {
    measured(
        row,
        [wall, wall, 1.0, 0.999],
        [0.5, 0.0, 0.5, 0.0],
        verdict(
            VerdictKind::Oversubscribed,
            "2 threads took turns on 1 CPU: for 50 % of their time they were ready and no CPU was \
             free.",
            "running 50 %, runnable 50 % of worker time; 1.00 of 1 granted CPUs in use",
            "1 worker in all should take the same time (1.02 s), with fewer switches and less \
             memory.",
        ),
    )
}

fn fleet_rows() -> [Row; 2] {
    let of_four = Row {
        threads: Some(4),
        ..row("primes-fleet", "work-stealing", 1)
    };
    let measured = measured(
        of_four,
        [0.5312, 0.5207, 1.92, 1.9312],
        [0.5, 0.09, 0.41, 0.0],
        verdict(
            VerdictKind::Oversubscribed,
            "4 threads took turns on 2 CPUs: for 41 % of their time they were ready and no CPU \
             was free.",
            "running 50 %, throttled 9.0 %, runnable 41 % of worker time; 1.93 of 2 granted CPUs \
             in use",
            "One replica with 2 workers and a quota of 2 CPUs should take the same time (516 ms), \
             with fewer switches and less memory.",
        ),
    );
    let killed = Row {
        not_run: Some("primes-fleet restarted during the run".to_owned()),
        ..row("primes-fleet", "executor", 1)
    };
    [measured, killed]
}
