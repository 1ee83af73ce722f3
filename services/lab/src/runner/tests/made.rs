//! Stations that answer as the real ones do, without doing any work.

use crate::station::{Action, Answering, Replica, StationSpec, Stations};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use measure::report::{
    Backend, CpusAccount, Declared, GroupAccount, ReplicaAccount, WorkerAccount,
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// π(2 000 000 − 1).
pub const PRIMES: u64 = 148_933;

/// A made station: what it is asked, in which order, and when it fails.
#[derive(Clone, Default)]
pub struct Made {
    pub name: String,
    pub quota_cpus: Option<f64>,
    /// 0 counts as 1.
    pub replicas: usize,
    /// Which replica fails, from which of its runs on.
    pub fails: Option<(usize, u64)>,
    pub skips_a_sequence: bool,
    /// Another quota that every sample from this run on tells.
    pub updated: Option<(u64, f64)>,
    pub answer: u64,
    pub order: Arc<Mutex<Vec<String>>>,
    /// The requests of all replicas.
    pub asked: Arc<Mutex<Vec<Value>>>,
}

/// One replica of it.
struct MadeReplica {
    made: Made,
    index: usize,
    runs: AtomicU64,
}

async fn answer_run(
    State(replica): State<Arc<MadeReplica>>,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let MadeReplica { made, index, runs } = &*replica;
    let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
    if *index == 0 {
        made.order.lock().unwrap().push(made.name.clone());
    }
    made.asked.lock().unwrap().push(request.clone());
    let fails = |(replica, first)| replica == *index && run >= first;
    if made.fails.is_some_and(fails) {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({"detail": "the service was told to end"})),
        );
    }
    let part = |field: &str| request["shard"][field].as_u64().unwrap();
    let (shard, shards) = (part("index"), part("count"));
    let cpu_seconds = request["repeats"].as_f64().unwrap() * 0.4 / shards as f64;
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
        instance: format!("{}-{index}", made.name),
        run_sequence: if made.skips_a_sequence { 2 * run } else { run },
        started_seconds: started,
        ended_seconds: started + seconds,
        aligned: None,
        quota_cpus: match made.updated {
            Some((first, quota_cpus)) if run >= first => Some(quota_cpus),
            _ => made.quota_cpus,
        },
        quota_known: true,
        period_seconds: made.quota_cpus.map(|_| 0.1),
        // What is left over goes to the first part.
        answer: Some(made.answer / shards + if shard == 0 { made.answer % shards } else { 0 }),
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
pub struct MadeStations {
    pub specs: Vec<StationSpec>,
    replicas: Vec<Vec<Replica>>,
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
        Box::pin(async move { Ok(index.map_or_else(Vec::new, |i| self.replicas[i].clone())) })
    }

    fn served<'a>(&'a self, _station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn act<'a>(&'a self, _station: &'a str, _action: Action) -> Answering<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

pub async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub fn budget(quota_cpus: Option<f64>) -> Value {
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

pub async fn start(stations: Vec<Made>) -> MadeStations {
    let (mut specs, mut replicas) = (Vec::new(), Vec::new());
    for made in stations {
        let count = made.replicas.max(1);
        specs.push(StationSpec {
            name: made.name.clone(),
            replicas: count,
            declared: Declared {
                cpus: made.quota_cpus,
                ..Declared::default()
            },
            refused: None,
        });
        let mut of_station = Vec::new();
        for index in 0..count {
            of_station.push(start_replica(made.clone(), index).await);
        }
        replicas.push(of_station);
    }
    MadeStations { specs, replicas }
}

async fn start_replica(made: Made, index: usize) -> Replica {
    let quota_cpus = made.quota_cpus;
    let abilities = json!({
        "kernels": ["trial"],
        "strategies": ["sequential", "work-stealing", "static-threads"],
    });
    let replica = MadeReplica {
        made,
        index,
        runs: AtomicU64::new(0),
    };
    let api = Router::new()
        .route("/run", post(answer_run))
        .route("/", get(move || async { Json(abilities) }))
        .with_state(Arc::new(replica));
    let admin = Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route(
            "/budget",
            get(move || async move { Json(budget(quota_cpus)) }),
        );
    Replica {
        api: serve(api).await,
        admin: serve(admin).await,
    }
}

pub fn made(name: &str, quota_cpus: f64) -> Made {
    Made {
        name: name.into(),
        quota_cpus: Some(quota_cpus),
        answer: PRIMES,
        ..Made::default()
    }
}
