//! What a scrape says, held against docs/metrics.md, Prometheus' own rules and
//! the runs that go on meanwhile.

use crate::station::{DEADLINE, Station, endless, eventually};
use measure::figures::WorkerSeconds;
use measure::report::ReplicaAccount;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const STATES: [&str; 5] = ["running", "throttled", "runnable", "blocked", "stolen"];

/// What a station serves that has done a run of each outcome that can be had,
/// and has answered and refused requests.
async fn scrape_after_runs(station: &Station) -> String {
    station.run(json!({"limit": 2e5, "workers": 2})).await;
    station.refused(&json!({"limit": 0})).await;
    station.get("/nowhere").await;
    station.admin("/metrics").await.1
}

/// What this station cannot know, by its own `/budget`: then a metric is absent.
async fn unknown(station: &Station) -> Vec<&'static str> {
    let (_, budget) = station.admin("/budget").await;
    let budget: Value = serde_json::from_str(&budget).unwrap();
    let usage = &budget["usage"];
    [
        ("cpu_budget_effective_cpus", &budget["effective_cpus"]),
        ("cpu_budget_quota_cpus", &budget["quota"]["cpus"]),
        ("cpu_budget_believed_cpus", &budget["believed_cpus"]),
        ("cpu_budget_usage_seconds_total", &usage["usage_seconds"]),
        ("cpu_budget_periods_total", &usage["periods"]),
        (
            "cpu_budget_throttled_periods_total",
            &usage["throttled_periods"],
        ),
        (
            "cpu_budget_throttled_seconds_total",
            &usage["throttled_seconds"],
        ),
        (
            "cpu_budget_memory_bytes",
            &budget["memory"]["current_bytes"],
        ),
        (
            "cpu_budget_memory_peak_bytes",
            &budget["memory"]["peak_bytes"],
        ),
        (
            "cpu_budget_memory_limit_bytes",
            &budget["memory"]["limit_bytes"],
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.is_null().then_some(name))
    .collect()
}

/// Whether the kernel counts what threads run and wait.
fn kernel_counts() -> bool {
    cpu_budget::SchedStat::of_this_thread().is_some()
}

#[tokio::test]
async fn what_is_served_is_what_is_documented() {
    let station = Station::start();
    let served = metrics_doc::served(&scrape_after_runs(&station).await);

    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("Every station"));
    documented.extend(metrics_doc::section("primes"));
    for name in unknown(&station).await {
        assert!(
            documented.remove(name).is_some(),
            "{name} is not documented"
        );
    }
    if !kernel_counts() {
        documented.remove("worker_time_seconds_total");
    }
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn prometheus_has_nothing_to_say_against_it() {
    let station = Station::start();
    metrics_doc::check_with_promtool(&scrape_after_runs(&station).await, &[]);
}

/// The workers' time by state, and how many they are.
#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    states: BTreeMap<&'static str, f64>,
    workers: f64,
}

impl Seen {
    async fn now(station: &Station) -> Self {
        let (_, text) = station.admin("/metrics").await;
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        let time = |state| {
            let name = format!("worker_time_seconds_total{{state=\"{state}\"}}");
            Some((state, value(&name)?))
        };
        Self {
            at: Instant::now(),
            states: STATES.into_iter().filter_map(time).collect(),
            workers: value("workers ").unwrap(),
        }
    }

    fn sum(&self) -> f64 {
        self.states.values().sum()
    }

    /// No state has gone back since `earlier`.
    fn assert_not_before(&self, earlier: &Self) {
        for (state, before) in &earlier.states {
            let now = self.states[state];
            assert!(now >= *before, "{state}: {now} after {before}");
        }
    }
}

/// Scrapes while runs go on for `seconds`, one each 0.2 s.
async fn watch(station: &Station, seconds: f64) -> Vec<Seen> {
    let mut seen = vec![Seen::now(station).await];
    while seen[0].at.elapsed().as_secs_f64() < seconds {
        tokio::time::sleep(Duration::from_millis(200)).await;
        seen.push(Seen::now(station).await);
    }
    for (earlier, later) in seen.iter().zip(&seen[1..]) {
        later.assert_not_before(earlier);
    }
    seen
}

#[tokio::test]
async fn worker_time_rises_by_workers_times_seconds_while_a_run_goes_on() {
    if !kernel_counts() {
        return;
    }
    for (strategy, workers) in [
        ("sequential", 1.0),
        ("work-stealing", 4.0),
        ("executor", 2.0),
        ("channels", 2.0),
        ("static-threads", 2.0),
        ("processes", 2.0),
    ] {
        let station = Station::start();
        assert!(Seen::now(&station).await.workers.abs() < f64::EPSILON);
        let mut body = endless(strategy);
        body["workers"] = json!(workers);
        let run = station.send_run(&body);
        eventually("the clock runs", async || {
            (Seen::now(&station).await.workers > 0.0).then_some(())
        })
        .await;

        let seen = watch(&station, 2.0).await;

        let (first, last) = (&seen[0], &seen[seen.len() - 1]);
        assert!((last.workers - workers).abs() < f64::EPSILON, "{last:?}");
        let passed = workers * (last.at - first.at).as_secs_f64();
        let share = (last.sum() - first.sum()) / passed;
        // The wait that goes on at a scrape is not in it: on a busy machine that
        // is some of the workers' time, of two seconds.
        assert!(
            (0.6..1.4).contains(&share),
            "{strategy}: {share} of {seen:#?}"
        );
        let ran = last.states["running"] - first.states["running"];
        assert!(ran > 0.0, "{strategy}: {seen:#?}");
        run.abort();
        station.idle().await;
        let after = Seen::now(&station).await;
        after.assert_not_before(last);
        assert!(after.workers.abs() < f64::EPSILON);
    }
}

/// Two runs one after the other, watched: after each the counters are what its
/// account says.
#[tokio::test]
async fn after_a_run_the_counters_are_what_its_account_says() {
    if !kernel_counts() {
        return;
    }
    let station = Station::start();
    for strategy in ["static-threads", "processes", "work-stealing"] {
        let before = Seen::now(&station).await;
        let body = json!({"limit": 5e5, "workers": 3, "strategy": strategy, "repeats": 3});
        let run = station.send_run(&body);
        let mut last = before.clone();
        while !run.is_finished() {
            assert!(before.at.elapsed() < DEADLINE);
            let seen = Seen::now(&station).await;
            seen.assert_not_before(&last);
            last = seen;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let answer = run.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let account: ReplicaAccount =
            serde_json::from_value(answer.body["account"].clone()).unwrap();
        let truth = WorkerSeconds::of(&account).unwrap();
        let after = Seen::now(&station).await;

        // What was said too much while it went on is made up for by the next run.
        // A busy machine reads some of it late.
        let tolerance = 0.1 * account.seconds() * account.workers.len() as f64;
        for (state, truth) in [
            ("running", truth.running),
            ("throttled", truth.throttled),
            ("runnable", truth.runnable),
            ("blocked", truth.blocked),
        ] {
            let rose = after.states[state] - before.states[state];
            let off = (rose - truth).abs();
            assert!(
                off < tolerance,
                "{strategy} {state}: {rose} s for {truth} s, {account:?}"
            );
        }
    }
}
