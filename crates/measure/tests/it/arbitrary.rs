//! Whatever the accounts say, the figures are figures.

use measure::analysis::analyse;
use measure::changes::changes;
use measure::figures::RoundFigures;
use measure::made::*;
use measure::report::{
    BlockedOn, CpusAccount, GroupAccount, ReplicaAccount, Round, Row, RunReport, Station,
    WorkerAccount,
};
use measure::waiting::raw;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Mostly seconds as they come, sometimes anything at all.
fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => 0.0..4.0f64,
        1 => Just(0.0),
        1 => -1.0..0.0f64,
        1 => any::<f64>(),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NAN),
    ]
}

fn maybe_seconds() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![5 => seconds().prop_map(Some), 1 => Just(None)]
}

fn worker() -> impl Strategy<Value = WorkerAccount> {
    (
        maybe_seconds(),
        maybe_seconds(),
        proptest::array::uniform7(seconds()),
    )
        .prop_map(
            |(on_cpu_seconds, waited_seconds, [start, tail, io, input, output, lock, idle])| {
                WorkerAccount {
                    on_cpu_seconds,
                    waited_seconds,
                    blocked_on: BlockedOn {
                        start,
                        tail,
                        io,
                        input,
                        output,
                        lock,
                        idle,
                    },
                    ..WorkerAccount::default()
                }
            },
        )
}

fn group() -> impl Strategy<Value = GroupAccount> {
    (
        maybe_seconds(),
        maybe_seconds(),
        any::<Option<u32>>(),
        any::<Option<u32>>(),
    )
        .prop_map(
            |(cpu_seconds, throttled_seconds, periods, throttled)| GroupAccount {
                cpu_seconds,
                periods: periods.map(u64::from),
                throttled_periods: throttled.map(u64::from),
                throttled_seconds,
            },
        )
}

fn cpus() -> impl Strategy<Value = CpusAccount> {
    let list = prop_oneof![
        Just(None),
        Just(Some("0-1".to_owned())),
        Just(Some("0".to_owned())),
        Just(Some("1-3".to_owned())),
        Just(Some("x".to_owned())),
    ];
    (
        list,
        any::<Option<u8>>(),
        proptest::array::uniform3(maybe_seconds()),
    )
        .prop_map(|(allowed, count, [idle, steal, others])| CpusAccount {
            allowed,
            count: count.map(usize::from),
            idle_seconds: idle,
            steal_seconds: steal,
            others_seconds: others,
        })
}

fn replica_account() -> impl Strategy<Value = ReplicaAccount> {
    let window = (seconds(), seconds(), any::<Option<bool>>());
    let workers = proptest::collection::vec(worker(), 0..5);
    (window, workers, group(), cpus()).prop_map(|((start, wall, aligned), workers, group, cpus)| {
        ReplicaAccount {
            aligned,
            workers,
            group,
            cpus,
            ..replica(1.0).between(start, start + wall)
        }
    })
}

fn any_station() -> impl Strategy<Value = Station> {
    (maybe_seconds(), maybe_seconds(), any::<bool>()).prop_map(|(quota, period, known)| {
        let mut station = station("two", None);
        station.effective.quota_cpus = quota;
        station.effective.period_seconds = period;
        station.effective.quota_known = known;
        station
    })
}

fn any_row() -> impl Strategy<Value = Row> {
    let round = (
        1u32..4,
        0u32..3,
        proptest::collection::vec(replica_account(), 0..4),
        prop_oneof![4 => Just(1.0), 1 => Just(0.02), 1 => seconds()],
        proptest::array::uniform6(proptest::option::of(seconds())),
    );
    let shares = proptest::option::of(proptest::collection::vec(seconds(), 0..4));
    let rounds = proptest::collection::vec(round, 0..7);
    (rounds, shares, 0usize..5, any::<bool>()).prop_map(|(rounds, shares, workers, baseline)| {
        let rounds = rounds
            .into_iter()
            .map(|(round, repeats, replicas, share, figures)| Round {
                round,
                repeats,
                share,
                figures: counted(figures),
                replicas,
                stages: Vec::new(),
            })
            .collect();
        Row {
            work_shares: shares,
            baseline,
            ..row_of("two", "static-threads", workers, rounds)
        }
    })
}

/// What a lab that waits for pages counts, some of it unknown.
fn counted(figures: [Option<f64>; 6]) -> BTreeMap<String, f64> {
    let names = [
        raw::PAGES,
        raw::JOB_PAGES,
        raw::AT_ONCE,
        raw::LATENCY_SECONDS,
        raw::ORIGIN_REQUESTS,
        raw::MEMORY_PEAK_BYTES,
    ];
    let known = names.into_iter().zip(figures);
    known
        .filter_map(|(name, figure)| Some((name.to_owned(), figure?)))
        .collect()
}

fn any_report() -> impl Strategy<Value = RunReport> {
    (any_station(), proptest::collection::vec(any_row(), 1..4))
        .prop_map(|(station, rows)| report(vec![station], rows))
}

fn is_share(share: f64) -> bool {
    (-1e-9..=1.0 + 1e-9).contains(&share)
}

fn is_sound(figures: &RoundFigures) -> Result<(), TestCaseError> {
    if let Some(b) = figures.time_budget {
        let stolen = b.stolen.unwrap_or(0.0);
        let states = [b.running, b.throttled, b.runnable, b.blocked, stolen];
        prop_assert!(states.iter().all(|s| is_share(*s)), "{b:?}");
        prop_assert!((states.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{b:?}");
        let by = figures.blocked_by.unwrap();
        let causes = by.start + by.tail + by.io + by.input + by.output + by.lock + by.idle;
        let size = causes.abs().max(1.0);
        prop_assert!(
            (causes + by.unaccounted - b.blocked).abs() < 1e-6 * size,
            "{by:?}"
        );
    }
    for share in [
        figures.idle_share,
        figures.others_share,
        figures.steal_share,
        figures.spare_idle_share,
    ] {
        prop_assert!(share.is_none_or(is_share), "{share:?}");
    }
    Ok(())
}

/// No `null` where a number has to be: JSON writes what is not a number so.
fn reads_back(row: &Row) -> bool {
    let derived = Row {
        rounds: Vec::new(),
        work_shares: None,
        ..row.clone()
    };
    let json = serde_json::to_string(&derived).unwrap();
    serde_json::from_str::<Row>(&json).is_ok_and(|row| row == derived)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn shares_sum_to_one_and_stay_shares(station in any_station(), row in any_row()) {
        for round in &row.rounds {
            if let Some(figures) = RoundFigures::new(round, &station) {
                is_sound(&figures)?;
            }
        }
    }

    #[test]
    fn analysis_never_panics_nor_yields_what_is_not_a_number(report in any_report()) {
        let mut report = report;
        analyse(&mut report);
        prop_assert!(report.rows.iter().all(reads_back));
        for row in &report.rows {
            let verdict = row.verdict.as_ref().map(|v| format!("{v:?}")).unwrap_or_default();
            prop_assert!(!verdict.contains("NaN") && !verdict.contains("inf"), "{}", verdict);
        }
        let mut other = report.clone();
        other.stations[0].declared.cpus = Some(0.7);
        changes(&report, &other);
    }
}
