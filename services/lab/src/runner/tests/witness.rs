//! A lab with a witness: a scraper that is made, and the origin that it asks.

use super::made::{budget, serve};
use super::{Arc, Mutex, Options, Progress, RunReport, Runner, by_name, now, watch};
use crate::labs::Workers;
use crate::station::{Action, Answering, Around, Beside, Replica, StationSpec, Stations};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use measure::report::{Backend, Declared, GroupAccount, ReplicaAccount, WorkerAccount};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The latency that the made origin is said to have.
const LATENCY: f64 = 0.1;

/// What the made origin counted since it was last told to forget, and how often
/// it was.
#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    highest: u64,
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Made {
    counts: Mutex<Counts>,
    runs: Mutex<u64>,
    /// Requests that the origin does not get to see.
    hidden: u64,
}

async fn answer_run(State(made): State<Arc<Made>>, Json(request): Json<Value>) -> Json<Value> {
    let number = |name: &str| request[name].as_u64().unwrap();
    assert_eq!(request["origin"], "http://made-origin:1");
    let pages = number("pages") * number("repeats");
    let at_once = number("workers");
    {
        let mut counts = made.counts.lock().unwrap();
        counts.requests += pages - made.hidden;
        counts.highest = counts.highest.max(at_once);
    }
    let run = {
        let mut runs = made.runs.lock().unwrap();
        *runs += 1;
        *runs
    };
    let seconds = pages.div_ceil(at_once) as f64 * (LATENCY + 0.001);
    let cpu = pages as f64 * 0.0003;
    let started = run as f64 * 1000.0;
    let mut worker = WorkerAccount {
        items: pages,
        started_seconds: started,
        ended_seconds: started + seconds,
        on_cpu_seconds: Some(cpu),
        waited_seconds: Some(0.0),
        ..WorkerAccount::default()
    };
    worker.blocked_on.io = seconds - cpu;
    let account = ReplicaAccount {
        instance: "made".into(),
        run_sequence: run,
        started_seconds: started,
        ended_seconds: started + seconds,
        quota_cpus: Some(1.0),
        quota_known: true,
        period_seconds: Some(0.1),
        answer: Some(number("pages")),
        workers: vec![worker],
        group: GroupAccount {
            cpu_seconds: Some(cpu),
            periods: Some(10),
            throttled_periods: Some(0),
            throttled_seconds: Some(0.0),
        },
        ..ReplicaAccount::default()
    };
    Json(json!({
        "account": account, "work_shares": null,
        "figures": {"pages": pages, "requests": pages, "stored": pages, "memory_peak_bytes": null},
    }))
}

async fn stats(State(made): State<Arc<Made>>) -> Json<Value> {
    let counts = made.counts.lock().unwrap();
    Json(json!({"requests": counts.requests, "highest_in_flight": counts.highest}))
}

async fn forget(State(made): State<Arc<Made>>) {
    let mut counts = made.counts.lock().unwrap();
    *counts = Counts {
        forgotten: counts.forgotten + 1,
        ..Counts::default()
    };
}

struct Scraped {
    specs: Vec<StationSpec>,
    around: Around,
    station: Replica,
    origin: Replica,
}

impl Scraped {
    async fn start(made: &Arc<Made>) -> Self {
        let abilities = json!({
            "kernels": ["none", "light", "heavy"],
            "strategies": ["sequential", "threads", "async"],
        });
        let station = Router::new()
            .route("/run", post(answer_run))
            .route("/", get(move || async { Json(abilities) }))
            .with_state(made.clone());
        let origin = Router::new()
            .route("/stats", get(stats).delete(forget))
            .with_state(made.clone());
        let admin = Router::new()
            .route("/readyz", get(|| async { "ready" }))
            .route("/budget", get(|| async { Json(budget(Some(1.0))) }));
        let admin = serve(admin).await;
        let beside = Beside {
            name: "origin".into(),
            url: "http://made-origin:1".into(),
            environment: BTreeMap::from([("ORIGIN_LATENCY".into(), "100ms".into())]),
        };
        Self {
            specs: vec![StationSpec {
                name: "scraper-one".into(),
                replicas: 1,
                declared: Declared {
                    cpus: Some(1.0),
                    ..Declared::default()
                },
                refused: None,
            }],
            around: Around {
                beside: vec![beside],
                components: Vec::new(),
            },
            station: Replica {
                api: serve(station).await,
                admin,
            },
            origin: Replica {
                api: serve(origin).await,
                admin,
            },
        }
    }
}

impl Stations for Scraped {
    fn backend(&self) -> Backend {
        Backend::Local
    }

    fn list(&self) -> &[StationSpec] {
        &self.specs
    }

    fn around(&self) -> &Around {
        &self.around
    }

    fn replicas<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<Replica>> {
        let found = match station {
            "origin" => self.origin,
            _ => self.station,
        };
        Box::pin(async move { Ok(vec![found]) })
    }

    fn served<'a>(&'a self, _station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn act<'a>(&'a self, _station: &'a str, _action: Action) -> Answering<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

async fn run(made: &Arc<Made>, options: &Options) -> anyhow::Result<RunReport> {
    let (_keep, interrupted) = watch::channel(false);
    let control = tempfile::tempdir().unwrap();
    let progress = Progress::new();
    let stations = Scraped::start(made).await;
    let runner = Runner {
        lab: by_name("scraper").unwrap(),
        stations: &stations,
        options,
        progress: &progress,
        interrupted,
        engine: None,
        now: &now::Writer::new(control.path(), &progress),
    };
    runner.run().await
}

/// Whether a count is this.
fn is(count: f64, expected: f64) -> bool {
    (count - expected).abs() < 1e-9
}

fn two_rounds() -> Options {
    Options {
        rounds: Some(2),
        workers: vec![Workers::Exactly(64)],
        ..Options::default()
    }
}

#[tokio::test]
async fn each_sample_has_the_origins_own_account_and_a_part_of_the_job_is_scaled() {
    let made = Arc::new(Made::default());

    let report = run(&made, &two_rounds()).await.unwrap();

    let row = |workers| {
        report
            .rows
            .iter()
            .find(|row| row.workers == workers)
            .unwrap()
    };
    let (sequential, many) = (row(1), row(64));
    // 20 of 1000 pages, one after another.
    for round in &sequential.rounds {
        assert!((round.share - 0.02).abs() < 1e-12);
        assert!(is(round.figures["origin_requests"], 20.0));
        assert!(is(round.figures["origin_highest_in_flight"], 1.0));
        assert!(!round.figures.contains_key("memory_peak_bytes"));
    }
    assert!((sequential.wall_seconds.unwrap().median - 101.0).abs() < 1e-6);
    let pages = 1000.0 * f64::from(many.rounds[0].repeats);
    assert!(is(many.rounds[0].figures["origin_requests"], pages));
    assert!(is(many.figures["highest_in_flight"], 64.0));
    assert!((many.figures["ideal_seconds"] - 1.6).abs() < 1e-9);
    assert!(
        report.invariants.iter().all(|i| i.held),
        "{:?}",
        report.invariants
    );
    // Once for each sample: two rows' probes and their two rounds.
    let samples = made.counts.lock().unwrap().forgotten;
    assert_eq!(samples, *made.runs.lock().unwrap());
    assert!(samples >= 6, "{samples}");
    assert_eq!(report.parameters["store"], "ndjson");
    assert_eq!(report.parameters["latency"], "100ms");
}

#[tokio::test]
async fn requests_that_the_origin_never_saw_break_an_invariant() {
    let made = Arc::new(Made {
        hidden: 1,
        ..Made::default()
    });

    let report = run(&made, &two_rounds()).await.unwrap();

    let broken: Vec<&str> = report
        .invariants
        .iter()
        .filter(|invariant| !invariant.held)
        .map(|invariant| invariant.name.as_str())
        .collect();
    assert_eq!(
        broken,
        ["the origin counted the requests that the scraper says it sent"]
    );
}
