//! Labs whose samples are taken under a load: a server that is made, and the
//! driver that is said to load it.

use super::made::{budget, serve};
use super::{Arc, Mutex, Options, Progress, RunReport, Runner, by_name, held, now, watch};
use crate::labs::Workers;
use crate::labs::invariants::{NOTHING_ELSE_RAN, NOTHING_LOST, RIGHT_ANSWERS};
use crate::labs::served::COUNTED_ALIKE;
use crate::station::{Action, Answering, Around, Beside, Replica, StationSpec, Stations};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use cpu_budget::clock::monotonic_seconds;
use measure::figures::names;
use measure::report::{Backend, Declared, GroupAccount, ReplicaAccount, WorkerAccount};
use measure::serving::raw;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What each request of the made server costs, and what it can answer.
const COST: f64 = 0.000_2;
const RATE: f64 = 5000.0;

/// A made server with its driver: what they were asked, and what goes wrong.
#[derive(Default)]
struct Made {
    runs: Mutex<u64>,
    /// Bodies of the station's and of the driver's samples.
    served: Mutex<Vec<Value>>,
    loads: Mutex<Vec<Value>>,
    searches: Mutex<Vec<Value>>,
    /// Workers that were killed, and whole replicas.
    killed: Mutex<Vec<u64>>,
    crashed: Mutex<Vec<String>>,
    /// Which of the driver's runs are void, counted from 1.
    void: Vec<usize>,
    /// The window opens so late.
    late_seconds: f64,
    /// Requests that were answered and that the server does not count; below 0
    /// it counts others.
    hidden: i64,
    /// What the server has counted.
    counted: Mutex<i64>,
    /// What a request costs in its first run.
    bare_cost: Option<f64>,
    /// What one costs where several threads serve.
    shared_cost: Option<f64>,
    /// How far its answers are off.
    off_by: u64,
    /// No rate keeps the target.
    finds_nothing: bool,
}

async fn sample(State(made): State<Arc<Made>>, Json(request): Json<Value>) -> Json<Value> {
    made.served.lock().unwrap().push(request.clone());
    let run = {
        let mut runs = made.runs.lock().unwrap();
        *runs += 1;
        *runs
    };
    let start = request["start_at_seconds"].as_f64();
    let start = start.unwrap_or_else(monotonic_seconds) + made.late_seconds;
    let seconds = request["seconds"].as_f64().unwrap();
    let workers = request["workers"].as_u64().unwrap();
    let served = RATE * seconds;
    // The first one is the probe of a request without work.
    let known = match (run, request["threads"].as_u64()) {
        (1, _) => made.bare_cost,
        (_, Some(2..)) => made.shared_cost,
        _ => None,
    };
    let cost = known.unwrap_or(COST);
    let cpu = RATE * seconds * cost;
    let worker = WorkerAccount {
        items: served as u64,
        started_seconds: start,
        ended_seconds: start + seconds,
        on_cpu_seconds: Some(cpu / workers as f64),
        waited_seconds: Some(0.0),
        ..WorkerAccount::default()
    };
    let account = ReplicaAccount {
        instance: "made".into(),
        run_sequence: run,
        started_seconds: start,
        ended_seconds: start + seconds,
        quota_cpus: Some(1.0),
        quota_known: true,
        period_seconds: Some(0.1),
        workers: vec![worker; workers as usize],
        group: GroupAccount {
            cpu_seconds: Some(cpu),
            periods: Some(15),
            throttled_periods: Some(0),
            throttled_seconds: Some(0.0),
        },
        ..ReplicaAccount::default()
    };
    Json(json!({
        "account": account, "work_shares": null,
        "figures": {"requests": served, "connections": 8, "restarts": 0, "fairness": 1.0, "refused": 0},
    }))
}

async fn workers(State(made): State<Arc<Made>>) -> Json<Value> {
    let restarts = made.killed.lock().unwrap().len();
    let counted = *made.counted.lock().unwrap();
    Json(
        json!({"master": 1, "restarts": restarts, "served": counted, "workers": [{"pid": 41}, {"pid": 42}]}),
    )
}

async fn kill(State(made): State<Arc<Made>>, Path(pid): Path<u64>) {
    made.killed.lock().unwrap().push(pid);
}

async fn front(
    State(made): State<Arc<Made>>,
    Query(asked): Query<BTreeMap<String, u64>>,
) -> Json<Value> {
    let work = asked["work"];
    Json(
        json!({"message": "Hello World", "worker": 41, "result": work * (work - 1) / 2 + made.off_by}),
    )
}

async fn load(State(made): State<Arc<Made>>, Json(request): Json<Value>) -> Json<Value> {
    let number = {
        let mut loads = made.loads.lock().unwrap();
        loads.push(request.clone());
        loads.len()
    };
    // A load that is asked for ahead of its time is made in its time.
    let ahead = request["start_at_seconds"].as_f64().unwrap() - monotonic_seconds();
    tokio::time::sleep(Duration::from_secs_f64(ahead.max(0.0))).await;
    let seconds = request["seconds"].as_f64().unwrap();
    let sent = RATE * seconds;
    let in_all = sent as i64 + 100;
    *made.counted.lock().unwrap() += in_all - made.hidden;
    let percentiles = json!({
        "p50": 0.001, "p90": 0.002, "p99": 0.003, "p99_9": 0.004, "max": 0.005, "mean": 0.001,
    });
    Json(json!({
        "sent": sent as u64, "answered": sent as u64 - 2, "failed": {"reset": 2},
        "in_all": {"answered": in_all, "unanswered": 2},
        "by_status": {"200": sent as u64 - 2}, "by_replica": {}, "by_worker": {"41": 10, "42": 10},
        "requests_per_second": RATE, "seconds": seconds,
        "latency": {"corrected": percentiles, "uncorrected": percentiles},
        "sentence": "", "void": made.void.contains(&number).then_some("it was late"),
        "own": {
            "cpu_seconds": 0.1, "throttled_seconds": 0.0,
            "schedule_slip": {"p99": 0.002, "max": 0.003}, "added_to_p99_seconds": 0.000_4,
        },
        "histogram": [], "timeline": [[0.0, 500, 500, 0, 0.003], [0.1, 500, 498, 2, null], [0.2, 500, 500, 0, 0.003]],
    }))
}

async fn search(
    State(made): State<Arc<Made>>,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    made.searches.lock().unwrap().push(request);
    let rate = (!made.finds_nothing).then_some(1000.0);
    let answer = json!({
        "rate": rate, "confirmed": 2, "bracket": [rate, 1100.0], "steps": [], "sentence": "none was low enough",
    });
    (StatusCode::OK, Json(answer))
}

struct Served {
    specs: Vec<StationSpec>,
    around: Around,
    station: Replica,
    driver: Replica,
    front: SocketAddr,
    made: Arc<Made>,
}

impl Served {
    async fn start(made: &Arc<Made>, names: &[&str]) -> Self {
        let abilities = json!({"kernels": ["loop"], "strategies": ["inherit", "reuseport"]});
        let station = Router::new()
            .route("/run", post(sample))
            .route("/workers", get(workers))
            .route("/workers/{pid}", delete(kill))
            .route("/", get(move || async { Json(abilities) }))
            .with_state(made.clone());
        let driver = Router::new()
            .route("/run", post(load))
            .route("/search", post(search))
            .with_state(made.clone());
        let front = Router::new()
            .route("/", get(front))
            .with_state(made.clone());
        let admin = Router::new()
            .route("/readyz", get(|| async { "ready" }))
            .route("/budget", get(|| async { Json(budget(Some(1.0))) }));
        let admin = serve(admin).await;
        let spec = |name: &&str| StationSpec {
            name: (*name).into(),
            replicas: 1,
            declared: Declared {
                cpus: Some(1.0),
                ..Declared::default()
            },
            refused: None,
        };
        Self {
            specs: names.iter().map(spec).collect(),
            around: Around {
                beside: vec![Beside {
                    name: "load".into(),
                    url: "http://load:8080".into(),
                    environment: BTreeMap::new(),
                }],
                components: Vec::new(),
            },
            station: Replica {
                api: serve(station).await,
                admin,
            },
            driver: Replica {
                api: serve(driver).await,
                admin,
            },
            front: serve(front).await,
            made: made.clone(),
        }
    }
}

impl Stations for Served {
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
            "load" => self.driver,
            _ => self.station,
        };
        Box::pin(async move { Ok(vec![found]) })
    }

    fn served<'a>(&'a self, _station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async move { Ok(vec![format!("http://{}/", self.front)]) })
    }

    fn act<'a>(&'a self, station: &'a str, action: Action) -> Answering<'a, ()> {
        assert_eq!(action, Action::Crash);
        self.made.crashed.lock().unwrap().push(station.to_owned());
        Box::pin(async { Ok(()) })
    }
}

async fn run(lab: &str, made: &Arc<Made>, names: &[&str], options: &Options) -> RunReport {
    let (_keep, interrupted) = watch::channel(false);
    let control = tempfile::tempdir().unwrap();
    let progress = Progress::new();
    let stations = Served::start(made, names).await;
    let runner = Runner {
        lab: by_name(lab).unwrap(),
        stations: &stations,
        options,
        progress: &progress,
        interrupted,
        engine: None,
        now: &now::Writer::new(control.path(), &progress),
    };
    runner.run().await.unwrap()
}

fn narrowed(loads: &[&str], rounds: u32) -> Options {
    Options {
        strategies: loads.iter().map(|&load| load.to_owned()).collect(),
        workers: vec![Workers::Exactly(2)],
        rounds: Some(rounds),
        ..Options::default()
    }
}

/// The same with its work given: nothing has to be found out of it.
fn of_known_work(loads: &[&str], rounds: u32) -> Options {
    Options {
        limit: Some(1000),
        ..narrowed(loads, rounds)
    }
}

#[tokio::test]
async fn the_load_and_the_stations_window_begin_together_and_rates_are_shares_of_what_was_measured()
{
    let made = Arc::new(Made {
        bare_cost: Some(0.000_03),
        shared_cost: Some(0.000_25),
        ..Made::default()
    });

    let report = run(
        "throttle",
        &made,
        &["throttle-one"],
        &narrowed(&["saturated", "open-80"], 2),
    )
    .await;

    assert_eq!(report.rows.len(), 2);
    assert!(report.rows.iter().all(|row| row.rounds.len() == 2));
    let (served, loads) = (made.served.lock().unwrap(), made.loads.lock().unwrap());
    assert_eq!(served.len(), loads.len());
    for (window, load) in served.iter().zip(loads.iter()) {
        assert_eq!(window["start_at_seconds"], load["start_at_seconds"]);
        assert_eq!(window["seconds"], load["seconds"]);
        let target = load["targets"][0].as_str().unwrap();
        assert!(target.starts_with("http://127.0.0.1:"), "{target}");
    }
    // Two probes of the work, one of the capacity: a CPU ÷ 0.2 ms is 5000/s.
    assert!(loads[..3].iter().all(|load| load["loop"] == "closed"));
    // 170 µs for 200 000 additions: 141 000 make a request cost 150 µs.
    let work = loads[2]["work"].as_f64().unwrap();
    assert!((work / 141_000.0 - 1.0).abs() < 0.01, "{work}");
    // Of it 80 % with the row's threads: at 0.25 ms a CPU answers 4000/s, and the
    // rows are 80 % of that.
    let open: Vec<&Value> = loads.iter().filter(|load| load["loop"] == "open").collect();
    let rates: Vec<f64> = open
        .iter()
        .map(|load| load["rate"].as_f64().unwrap().round())
        .collect();
    assert_eq!(rates, [4000.0, 3200.0, 3200.0]);
    assert_ne!(
        open[1]["seed"], open[2]["seed"],
        "each round has chance of its own"
    );
    let figures = &report.rows[0].rounds[0].figures;
    assert!((figures[raw::CAPACITY_PER_SECOND] - 5000.0).abs() < 1e-6);
    let figures = &report.rows[1].rounds[0].figures;
    assert!((figures[raw::CAPACITY_PER_SECOND] - 4000.0).abs() < 1e-6);
    assert!((figures[raw::REQUEST_CPU_SECONDS] - 0.000_25).abs() < 1e-12);
    assert!((figures[raw::SLIP_P99_SECONDS] - 0.002).abs() < 1e-12);
    let late = |row: usize| report.rows[row].figures[names::LATE_SECONDS];
    assert!(late(0).abs() < 1e-12, "a closed loop has no schedule");
    assert!((late(1) - 0.000_4).abs() < 1e-12);
    assert!((figures["failed_reset"] - 2.0).abs() < 1e-9);
    assert!((figures[raw::FAIRNESS] - 1.0).abs() < 1e-9);
    assert!(held(&report, NOTHING_ELSE_RAN), "{:?}", report.invariants);
    assert!(held(&report, COUNTED_ALIKE));
    assert!(
        !held(&report, "every request was answered"),
        "two were lost"
    );
}

#[tokio::test]
async fn a_void_load_is_made_once_more_and_then_the_round_is_left_out_with_the_reason() {
    // With its work given there are two probes; then rounds of one sample.
    let made = Arc::new(Made {
        void: vec![3, 5, 6],
        ..Made::default()
    });
    let options = of_known_work(&["open-40"], 3);

    let report = run("throttle", &made, &["throttle-one"], &options).await;

    let row = &report.rows[0];
    let rounds: Vec<u32> = row.rounds.iter().map(|round| round.round).collect();
    assert_eq!(
        rounds,
        [0, 2],
        "the first was made twice, the second in vain"
    );
    assert_eq!((row.void.len(), row.void[0].round), (1, 1));
    assert_eq!(row.void[0].why, "it was late");
    assert!(row.not_run.is_none() && held(&report, NOTHING_LOST));
}

#[tokio::test]
async fn a_row_whose_every_load_is_void_says_why_and_fails_no_run() {
    let made = Arc::new(Made {
        void: vec![3, 4],
        ..Made::default()
    });
    let options = of_known_work(&["open-40"], 3);

    let report = run("throttle", &made, &["throttle-one"], &options).await;

    let row = &report.rows[0];
    assert!(row.rounds.is_empty());
    assert_eq!(row.not_run.as_deref(), Some("it was late"));
    assert_eq!(
        made.loads.lock().unwrap().len(),
        4,
        "it is not tried in vain again"
    );
    assert!(held(&report, NOTHING_LOST), "{:?}", report.invariants);
}

#[tokio::test]
async fn a_window_that_opens_late_makes_its_sample_void() {
    let made = Arc::new(Made {
        late_seconds: 0.1,
        ..Made::default()
    });
    let (_keep, interrupted) = watch::channel(false);
    let control = tempfile::tempdir().unwrap();
    let progress = Progress::new();
    let stations = Served::start(&made, &["throttle-one"]).await;
    let options = of_known_work(&["open-40"], 1);
    let runner = Runner {
        lab: by_name("throttle").unwrap(),
        stations: &stations,
        options: &options,
        progress: &progress,
        interrupted,
        engine: None,
        now: &now::Writer::new(control.path(), &progress),
    };
    let why = runner.run().await.unwrap_err().to_string();
    assert!(
        why.contains("window opened 100 ms after the load had begun"),
        "{why}"
    );
}

#[tokio::test]
async fn both_ends_count_each_request_but_for_those_without_an_answer() {
    let alike = async |hidden| {
        let made = Arc::new(Made {
            hidden,
            ..Made::default()
        });
        let options = of_known_work(&["saturated"], 1);
        let report = run("throttle", &made, &["throttle-one"], &options).await;
        held(&report, COUNTED_ALIKE)
    };
    assert!(alike(0).await);
    assert!(
        alike(-2).await,
        "two had no answer and may have been served"
    );
    assert!(!alike(1).await, "one answer is not the server's");
    assert!(!alike(-3).await, "somebody else asks too");
}

#[tokio::test]
async fn a_wrong_answer_breaks_an_invariant_though_all_requests_were_answered() {
    let of = async |off_by| {
        let made = Arc::new(Made {
            off_by,
            ..Made::default()
        });
        let options = of_known_work(&["saturated"], 1);
        let report = run("throttle", &made, &["throttle-one"], &options).await;
        held(&report, RIGHT_ANSWERS)
    };
    assert!(of(0).await);
    assert!(!of(1).await);
}

#[tokio::test]
async fn rates_come_from_the_search_and_drills_after_the_rounds() {
    let made = Arc::new(Made::default());
    let names = ["cluster-over", "cluster-replicas"];

    let report = run("cluster", &made, &names, &narrowed(&["at-50"], 1)).await;

    assert_eq!(
        made.searches.lock().unwrap().len(),
        2,
        "one for each station"
    );
    assert!(
        made.searches
            .lock()
            .unwrap()
            .iter()
            .all(|search| search["confirmations"] == 3)
    );
    let loads = made.loads.lock().unwrap();
    let rates: Vec<f64> = loads
        .iter()
        .filter_map(|load| load["rate"].as_f64())
        .collect();
    assert_eq!(rates, [500.0; 4], "two rows and two drills");
    assert_eq!(*made.killed.lock().unwrap(), [41]);
    assert_eq!(*made.crashed.lock().unwrap(), ["cluster-replicas"]);
    let [worker, replica] = &report.drills[..] else {
        panic!("{:?}", report.drills)
    };
    assert_eq!(
        (worker.station.as_str(), worker.restarts),
        ("cluster-over", Some(1))
    );
    assert!(worker.done_at_seconds.unwrap() >= 1.0);
    assert_eq!((worker.lost(), worker.timeline.len()), (2, 3));
    assert_eq!(replica.restarts, None, "who counts them died too");
    assert!(replica.failed_because.is_none(), "{replica:?}");
    let sentence = |title: &str| {
        let mut groups = report.groups.iter();
        groups
            .find(|group| group.title.starts_with(title))
            .unwrap()
            .sentence
            .clone()
    };
    assert!(sentence("drill on cluster-over").contains("2 of 15000 requests were lost (2 reset)"));
    assert!(
        sentence("requests per second with p99 under 50.0 ms")
            .contains("cluster-over up to 1000 requests/s (2 × confirmed) and no longer at 1100")
    );
    assert!(held(
        &report,
        "what the drills lost was lost with what they broke"
    ));
}

#[tokio::test]
async fn without_a_rate_that_keeps_the_target_rows_say_so_and_the_others_go_on() {
    let made = Arc::new(Made {
        finds_nothing: true,
        ..Made::default()
    });
    let options = narrowed(&["saturated", "at-80"], 1);

    let report = run("cluster", &made, &["cluster-one"], &options).await;

    let by_load = |load: &str| report.rows.iter().find(|row| row.strategy == load).unwrap();
    assert_eq!(by_load("saturated").rounds.len(), 1);
    let why = by_load("at-80").not_run.as_deref().unwrap();
    assert_eq!(why, "no rate was found for it: none was low enough");
    assert!(held(&report, NOTHING_LOST), "{:?}", report.invariants);
}
