//! A pipeline: several stations in one sample, scaled to what a row needs.

use super::made::{budget, serve};
use super::*;
use crate::compose::Component;
use crate::station::{Action, Answering, Around, StationSpec, Stations};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use measure::pipeline::raw;
use measure::report::{Backend, Declared, WorkerAccount};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The stations of the lab's file and their replicas.
const STATIONS: [(&str, usize); 7] = [
    ("source", 1),
    ("parse", 1),
    ("transform", 1),
    ("transform-one", 1),
    ("lookup", 2),
    ("sink", 1),
    ("in-process", 1),
];

/// What was asked of whom, in order.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A pipeline that answers as the real one does, at 1000 items a second.
struct MadePipeline {
    specs: Vec<StationSpec>,
    around: Around,
    replicas: Mutex<BTreeMap<String, Vec<Replica>>>,
    acts: Mutex<Vec<(String, Action)>>,
    asked: Asked,
    /// The station whose first runs begin too late, and how many.
    late: Option<(&'static str, u64)>,
}

struct MadeStage {
    station: String,
    instance: String,
    runs: AtomicU64,
    asked: Asked,
    late_runs: u64,
}

async fn answer_run(
    State(stage): State<Arc<MadeStage>>,
    Json(request): Json<Value>,
) -> Json<Value> {
    let run = stage.runs.fetch_add(1, Ordering::Relaxed) + 1;
    stage
        .asked
        .lock()
        .unwrap()
        .push((stage.station.clone(), request.clone()));
    let items = request["items"].as_u64().unwrap() * request["repeats"].as_u64().unwrap();
    let late = if run <= stage.late_runs { 0.2 } else { 0.0 };
    let started = request["start_at_seconds"].as_f64().unwrap() + late;
    let (of, is_source) = (stage.station.as_str(), stage.station == "source");
    let account = ReplicaAccount {
        instance: stage.instance.clone(),
        run_sequence: run,
        started_seconds: started,
        ended_seconds: started + items as f64 / 1000.0,
        workers: vec![WorkerAccount::default()],
        ..ReplicaAccount::default()
    };
    // Two lookups share the items.
    let share = if of == "lookup" { items / 2 } else { items };
    let counts = json!({
        "taken": if is_source { 0 } else { share }, "given": if is_source { items } else { share },
        "claimed": 0, "service_seconds": 0.0, "queue_seconds": 0.0, "stage_seconds": 0.0,
    });
    let name = if of == "transform-one" {
        "transform"
    } else {
        of
    };
    let stages = [json!({"stage": name, "workers": [0, 1], "figures": counts, "depth": []})];
    let outcome = is_source
        .then(|| json!({"given": items, "arrived": items, "dead": 0, "doubled": 0, "exact": true}));
    Json(json!({"account": account, "work_shares": null,
                "figures": {"stages": stages, "latency": null, "outcome": outcome}}))
}

/// A Redis that has used half a second more each time that it is asked.
async fn made_redis() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut used = 0.0;
        while let Ok((mut stream, _)) = listener.accept().await {
            // Whoever looks whether it is there asks nothing.
            if stream.read(&mut [0; 256]).await.unwrap_or(0) > 0 {
                used += 0.5;
                let info = format!("used_cpu_sys:1.0\r\nused_cpu_user:{used}\r\n");
                let _ = stream.write_all(info.as_bytes()).await;
            }
        }
    });
    address
}

impl MadePipeline {
    async fn start(late: Option<(&'static str, u64)>) -> Self {
        let spec = |(name, replicas): (&str, usize)| StationSpec {
            name: name.to_owned(),
            replicas,
            declared: Declared::default(),
            refused: None,
        };
        let made = Self {
            specs: STATIONS.map(spec).to_vec(),
            around: Around {
                components: vec![(Component::Redis, made_redis().await)],
                ..Around::default()
            },
            replicas: Mutex::default(),
            acts: Mutex::default(),
            asked: Asked::default(),
            late,
        };
        for (name, replicas) in STATIONS {
            made.scale(name, replicas).await;
        }
        made
    }

    async fn scale(&self, name: &str, wanted: usize) {
        let mut replicas = self
            .replicas
            .lock()
            .unwrap()
            .remove(name)
            .unwrap_or_default();
        replicas.truncate(wanted);
        while replicas.len() < wanted {
            replicas.push(self.replica(name).await);
        }
        self.replicas
            .lock()
            .unwrap()
            .insert(name.to_owned(), replicas);
    }

    async fn replica(&self, name: &str) -> Replica {
        static PROCESSES: AtomicU64 = AtomicU64::new(0);
        let stage = MadeStage {
            station: name.to_owned(),
            instance: format!("{name}-{}", PROCESSES.fetch_add(1, Ordering::Relaxed)),
            runs: AtomicU64::new(0),
            asked: self.asked.clone(),
            late_runs: self
                .late
                .map_or(0, |(late, runs)| if late == name { runs } else { 0 }),
        };
        let api = Router::new()
            .route("/run", post(answer_run))
            .with_state(Arc::new(stage));
        let admin = Router::new()
            .route("/readyz", get(|| async { "ready" }))
            .route("/budget", get(|| async { Json(budget(None)) }));
        Replica {
            api: serve(api).await,
            admin: serve(admin).await,
        }
    }

    async fn run(&self, strategies: &[&str]) -> RunReport {
        let (_keep, interrupted) = watch::channel(false);
        let options = Options {
            strategies: strategies.iter().map(|&name| name.to_owned()).collect(),
            rounds: Some(2),
            limit: Some(1500),
            ..Options::default()
        };
        let (control, progress) = (tempfile::tempdir().unwrap(), Progress::new());
        let runner = Runner {
            lab: by_name("pipeline").unwrap(),
            stations: self,
            options: &options,
            progress: &progress,
            interrupted,
            engine: None,
            now: &now::Writer::new(control.path(), &progress),
        };
        runner.run().await.unwrap()
    }
}

impl Stations for MadePipeline {
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
        let found = self.replicas.lock().unwrap().get(station).cloned();
        Box::pin(async move { Ok(found.unwrap_or_default()) })
    }

    fn served<'a>(&'a self, _station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn act<'a>(&'a self, station: &'a str, action: Action) -> Answering<'a, ()> {
        self.acts.lock().unwrap().push((station.to_owned(), action));
        Box::pin(async move {
            if let Action::Scale(replicas) = action {
                self.scale(station, replicas).await;
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_row_has_its_replicas_and_all_stations_one_request_and_one_start() {
    let pipeline = MadePipeline::start(None).await;

    let report = pipeline.run(&["replicas-2", "one-cpu"]).await;

    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| row.strategy.as_str())
        .collect();
    assert_eq!(rows, ["as-declared", "replicas-2", "one-cpu"]);
    for (row, replicas) in report.rows.iter().zip([1, 2, 1]) {
        assert_eq!(row.rounds.len(), 2, "{}: {:?}", row.key(), row.not_run);
        for round in &row.rounds {
            let names: Vec<_> = round.stages.iter().map(|s| s.stage.as_str()).collect();
            assert_eq!(names, ["source", "parse", "transform", "lookup", "sink"]);
            assert_eq!(round.stages[2].replicas.len(), replicas);
            assert_eq!(round.replicas.len(), replicas, "{}", row.key());
            assert!((round.figures[raw::ARRIVED] - 1500.0).abs() < 0.5);
            assert!((round.figures[raw::BETWEEN_CPU_SECONDS] - 0.5).abs() < 1e-9);
        }
    }
    // Nobody who was not to take part did, and each run has one name and one start.
    let asked = pipeline.asked.lock().unwrap();
    let mut runs: BTreeMap<String, Vec<&(String, Value)>> = BTreeMap::new();
    for one in asked.iter() {
        runs.entry(one.1["run"].to_string()).or_default().push(one);
    }
    assert_eq!(runs.len(), 9, "three rows, one probe and two rounds each");
    for of_run in runs.values() {
        let first = &of_run[0].1;
        assert!(of_run.iter().all(|(_, request)| request == first));
        let has = |name: &str| of_run.iter().any(|(station, _)| station == name);
        assert!(has("transform") != has("transform-one"), "{of_run:?}");
    }
    // At rest as the file has it.
    let acts = pipeline.acts.lock().unwrap();
    assert!(acts.contains(&("transform-one".to_owned(), Action::Scale(0))));
    assert!(acts.contains(&("transform".to_owned(), Action::Scale(2))));
    let transforms = pipeline.replicas.lock().unwrap()["transform"].len();
    assert_eq!(transforms, 1);
    assert!(held(&report, NOTHING_ELSE_RAN), "{:?}", report.invariants);
}

#[tokio::test]
async fn a_sample_that_began_too_late_somewhere_is_taken_once_more() {
    // Of the first try; then of both.
    let once = MadePipeline::start(Some(("sink", 1))).await;
    let report = once.run(&["as-declared"]).await;
    assert_eq!(report.rows[0].rounds.len(), 2, "{:?}", report.rows[0].void);

    let twice = MadePipeline::start(Some(("sink", 2))).await;
    let report = twice.run(&["as-declared", "capacity-10"]).await;
    let left_out = &report.rows[0];
    let why = left_out.not_run.as_deref().unwrap();
    assert!(why.contains("sink began 200 ms after the others"), "{why}");
}
