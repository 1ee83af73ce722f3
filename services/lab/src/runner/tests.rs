//! The runner against stations that answer HTTP as the real ones do, without
//! doing any work.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::labs::by_name;
use crate::station::{Action, Answering, Replica, StationSpec};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use measure::report::{Backend, CpusAccount, Declared, GroupAccount, WorkerAccount};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// π(2 000 000 − 1).
const PRIMES: u64 = 148_933;

/// A made station: what it is asked, in which order, and when it fails.
#[derive(Default)]
struct Made {
    name: String,
    quota_cpus: Option<f64>,
    runs: AtomicU64,
    fails_from_run: Option<u64>,
    skips_a_sequence: bool,
    answer: u64,
    order: Arc<Mutex<Vec<String>>>,
}

async fn answer_run(
    State(made): State<Arc<Made>>,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let run = made.runs.fetch_add(1, Ordering::Relaxed) + 1;
    made.order.lock().unwrap().push(made.name.clone());
    if made.fails_from_run.is_some_and(|first| run >= first) {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"detail": "the service was told to end"})),
        );
    }
    let cpu_seconds = request["repeats"].as_f64().unwrap() * 0.4;
    let seconds = cpu_seconds / made.quota_cpus.unwrap_or(1.0).min(1.0);
    let started = run as f64 * 100.0;
    let workers = request["workers"].as_u64().unwrap();
    let worker = WorkerAccount {
        items: 1,
        started_seconds: started,
        ended_seconds: started + seconds,
        on_cpu_seconds: Some(cpu_seconds),
        waited_seconds: Some(seconds - cpu_seconds),
        ..WorkerAccount::default()
    };
    let account = ReplicaAccount {
        instance: made.name.clone(),
        run_sequence: if made.skips_a_sequence { 2 * run } else { run },
        started_seconds: started,
        ended_seconds: started + seconds,
        aligned: None,
        answer: Some(made.answer),
        workers: vec![worker; workers as usize],
        group: GroupAccount {
            cpu_seconds: Some(cpu_seconds * workers as f64),
            ..GroupAccount::default()
        },
        cpus: CpusAccount::default(),
    };
    (
        StatusCode::OK,
        Json(json!({"account": account, "work_shares": null})),
    )
}

/// The runner's view of the made stations.
struct MadeStations {
    specs: Vec<StationSpec>,
    replicas: Vec<Replica>,
}

impl Stations for MadeStations {
    fn backend(&self) -> Backend {
        Backend::Local
    }

    fn list(&self) -> &[StationSpec] {
        &self.specs
    }

    fn replicas<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<Replica>> {
        let index = self.specs.iter().position(|spec| spec.name == station);
        Box::pin(async move { Ok(index.map(|i| self.replicas[i]).into_iter().collect()) })
    }

    fn act<'a>(&'a self, _station: &'a str, _action: Action) -> Answering<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn budget(quota_cpus: Option<f64>) -> Value {
    let quota = match quota_cpus {
        Some(cpus) => json!({
            "kind": "limited", "cpus": cpus,
            "quota_micros": (cpus * 1e5) as u64, "period_micros": 100_000,
        }),
        None => json!({"kind": "unlimited"}),
    };
    json!({
        "host_cpus": 2, "cgroup_version": "v2", "quota": quota, "quota_set_above": false,
        "cpuset": "0-1", "effective_cpus": quota_cpus.unwrap_or(2.0), "believed_cpus": 2,
        "workers": {"avoids_throttling": 1, "uses_whole_budget": 1},
        "usage": {"usage_seconds": null, "periods": null, "throttled_periods": null, "throttled_seconds": null},
        "memory": {"current_bytes": null, "peak_bytes": null, "limit_bytes": null, "unlimited": true},
    })
}

async fn start(stations: Vec<Made>) -> MadeStations {
    let (mut specs, mut replicas) = (Vec::new(), Vec::new());
    for made in stations {
        let (name, quota_cpus) = (made.name.clone(), made.quota_cpus);
        let abilities = json!({"kernels": ["trial"], "strategies": ["sequential", "work-stealing", "static-threads"]});
        let api = Router::new()
            .route("/run", post(answer_run))
            .route("/", get(move || async { Json(abilities) }))
            .with_state(Arc::new(made));
        let admin = Router::new()
            .route("/readyz", get(|| async { "ready" }))
            .route(
                "/budget",
                get(move || async move { Json(budget(quota_cpus)) }),
            );
        replicas.push(Replica {
            api: serve(api).await,
            admin: serve(admin).await,
        });
        specs.push(StationSpec {
            name,
            replicas: 1,
            declared: Declared {
                cpus: quota_cpus,
                ..Declared::default()
            },
            refused: None,
        });
    }
    MadeStations { specs, replicas }
}

fn made(name: &str, quota_cpus: f64) -> Made {
    Made {
        name: name.into(),
        quota_cpus: Some(quota_cpus),
        answer: PRIMES,
        ..Made::default()
    }
}

fn options(rounds: u32) -> Options {
    Options {
        workers: vec![1],
        rounds: Some(rounds),
        ..Options::default()
    }
}

async fn run(stations: &MadeStations, options: &Options) -> anyhow::Result<RunReport> {
    let (_keep, interrupted) = watch::channel(false);
    run_until(stations, options, interrupted).await
}

async fn run_until(
    stations: &MadeStations,
    options: &Options,
    interrupted: watch::Receiver<bool>,
) -> anyhow::Result<RunReport> {
    let runner = Runner {
        lab: by_name("primes").unwrap(),
        stations,
        options,
        progress: &Progress::new(),
        interrupted,
        engine: None,
    };
    runner.run().await
}

fn held(report: &RunReport, name: &str) -> bool {
    report
        .invariants
        .iter()
        .find(|i| i.name == name)
        .unwrap()
        .held
}

#[tokio::test]
async fn rows_are_measured_one_at_a_time_in_interleaved_rounds() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let shared = |made| Made {
        order: order.clone(),
        ..made
    };
    let stations = start(vec![
        shared(made("primes-half", 0.25)),
        shared(made("primes-two", 2.0)),
    ])
    .await;

    let report = run(&stations, &options(3)).await.unwrap();

    // Baseline on the larger station, then each station with one worker.
    let one_round = ["primes-two", "primes-half", "primes-two"];
    let order = order.lock().unwrap();
    assert_eq!(
        order[order.len() - 9..],
        [one_round, one_round, one_round].concat()
    );
    assert!(report.rows.iter().all(|row| row.rounds.len() == 3));
    assert!(
        report.invariants.iter().all(|invariant| invariant.held),
        "{:?}",
        report.invariants
    );
    // 1.6 s a job for the 2 s wanted under a quota that binds, 0.4 s for 1 s elsewhere.
    let repeats: Vec<_> = report
        .rows
        .iter()
        .map(|row| row.rounds[0].repeats)
        .collect();
    assert_eq!(repeats, [3, 2, 3]);
}

#[tokio::test]
async fn a_station_that_fails_is_named_and_the_others_go_on() {
    let failing = Made {
        fails_from_run: Some(3),
        ..made("primes-half", 0.5)
    };
    let stations = start(vec![failing, made("primes-two", 2.0)]).await;

    let report = run(&stations, &options(3)).await.unwrap();

    let half = report
        .rows
        .iter()
        .find(|row| row.station == "primes-half")
        .unwrap();
    assert_eq!(
        half.rounds.len(),
        1,
        "one probe, one round, then the failure"
    );
    let why = half.not_run.as_ref().unwrap();
    assert!(why.contains("primes-half was lost in round 2"), "{why}");
    for row in report.rows.iter().filter(|row| row.station == "primes-two") {
        assert_eq!(row.rounds.len(), 3);
    }
    assert!(!held(&report, "nothing lost"));
}

#[tokio::test]
async fn a_stranger_on_a_station_and_a_wrong_answer_break_an_invariant() {
    let stranger = Made {
        skips_a_sequence: true,
        ..made("primes-two", 2.0)
    };
    let report = run(&start(vec![stranger]).await, &options(2))
        .await
        .unwrap();
    assert!(!held(&report, "run sequences unbroken"));
    assert!(held(&report, "right answers"));

    let wrong = Made {
        answer: PRIMES - 1,
        ..made("primes-two", 2.0)
    };
    let report = run(&start(vec![wrong]).await, &options(2)).await.unwrap();
    assert!(!held(&report, "right answers"));
    assert!(held(&report, "run sequences unbroken"));
}

#[tokio::test]
async fn a_limit_that_is_not_the_declared_one_is_seen() {
    let mut stations = start(vec![made("primes-two", 2.0)]).await;
    stations.specs[0].declared.cpus = Some(1.0);

    let report = run(&stations, &options(2)).await.unwrap();

    assert_eq!(report.stations[0].agree, Some(false));
    assert!(!held(&report, "limits applied"));
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_nearest() {
    let stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    let refusal = async |options: &Options| run(&stations, options).await.unwrap_err().to_string();

    let wrong = Options {
        stations: vec!["primes-hlaf".into()],
        ..Options::default()
    };
    assert!(refusal(&wrong).await.contains("did you mean primes-half?"));
    let wrong = Options {
        strategies: vec!["work-staling".into()],
        ..Options::default()
    };
    assert!(
        refusal(&wrong)
            .await
            .contains("did you mean work-stealing?")
    );
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_whole_rounds() {
    let (stop, interrupted) = watch::channel(false);
    let order = Arc::new(Mutex::new(Vec::new()));
    let two = Made {
        order: order.clone(),
        ..made("primes-two", 2.0)
    };
    let stations = start(vec![two, made("primes-half", 0.5)]).await;
    let watching = tokio::spawn(async move {
        // Two calibrations of its two rows, two rounds of two, and into the third.
        while order.lock().unwrap().len() < 7 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.send(true).unwrap();
        stop
    });

    let report = run_until(&stations, &options(50), interrupted)
        .await
        .unwrap();

    watching.await.unwrap();
    assert!(report.partial);
    let rounds: Vec<_> = report.rows.iter().map(|row| row.rounds.len()).collect();
    assert!(rounds[0] >= 2 && rounds[0] < 50, "{rounds:?}");
    assert!(rounds.iter().all(|&n| n == rounds[0]), "{rounds:?}");
}

#[tokio::test]
async fn a_station_that_the_host_refuses_has_a_row_that_says_why() {
    let mut stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    stations.specs[0].refused = Some("cpus 99 is above this host's 2 CPUs".into());

    let report = run(&stations, &options(2)).await.unwrap();

    let half = report
        .rows
        .iter()
        .find(|row| row.station == "primes-half")
        .unwrap();
    assert!(half.rounds.is_empty());
    assert_eq!(
        half.not_run.as_deref(),
        Some("cpus 99 is above this host's 2 CPUs")
    );
    assert!(
        held(&report, "nothing lost"),
        "what was refused beforehand is not lost"
    );
}
