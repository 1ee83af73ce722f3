//! The admin endpoints, their metrics, and the health check against them.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use prometheus::{IntCounter, Registry};
use service_kit::admin::{self, BudgetReport, Readiness};
use service_kit::healthcheck::healthcheck;
use service_kit::shutdown::{Cause, Shutdown};

use crate::clients::{Answer, get};

const SERVICE: admin::Service = admin::Service {
    name: "under-test",
    version: "1.2.3",
};

struct Service {
    admin: SocketAddr,
    readiness: Readiness,
    shutdown: Shutdown,
}

impl Service {
    fn start(registry: Registry) -> Self {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = admin::start(SERVICE, listener, registry, readiness.clone()).unwrap();
        Self {
            admin,
            readiness,
            shutdown,
        }
    }

    fn get(&self, path: &str) -> Answer {
        get(self.admin, path)
    }
}

/// The samples of a text exposition, without labels but for `service_info`; panics where it is malformed.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let mut declared = None;
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            declared = Some(name);
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            assert_eq!(declared, Some(name), "a sample follows its type");
            assert!(
                samples.insert(name, value.parse().unwrap()).is_none(),
                "{line}"
            );
        }
    }
    samples
}

#[test]
fn metrics_hold_the_services_own_and_those_of_the_budget() {
    let registry = Registry::new();
    let runs = IntCounter::new("primes_runs_total", "Runs.").unwrap();
    registry.register(Box::new(runs.clone())).unwrap();
    runs.inc_by(3);
    let service = Service::start(registry);

    let answer = service.get("/metrics");

    assert_eq!(answer.status, 200);
    assert!(
        answer
            .head
            .to_lowercase()
            .contains("content-type: text/plain; version=0.0.4")
    );
    let samples = samples(&answer.body);
    assert!((samples["primes_runs_total"] - 3.0).abs() < f64::EPSILON);
    assert!(samples["cpu_budget_believed_cpus"] >= 1.0);
    assert!((samples["service_info"] - 1.0).abs() < f64::EPSILON);
    for label in [
        "service=\"under-test\"",
        "version=\"1.2.3\"",
        "container=\"",
    ] {
        assert!(answer.body.contains(label), "{label}");
    }
}

#[test]
fn a_metric_is_there_exactly_when_the_budget_knows_it() {
    let service = Service::start(Registry::new());

    let budget: BudgetReport = serde_json::from_str(&service.get("/budget").body).unwrap();
    let metrics = service.get("/metrics").body;
    let samples = samples(&metrics);

    for (name, known) in [
        ("effective_cpus", budget.effective_cpus.is_some()),
        ("quota_cpus", budget.quota_cpus().is_some()),
        ("usage_seconds_total", budget.usage.usage_seconds.is_some()),
        ("periods_total", budget.usage.periods.is_some()),
        (
            "throttled_periods_total",
            budget.usage.throttled_periods.is_some(),
        ),
        (
            "throttled_seconds_total",
            budget.usage.throttled_seconds.is_some(),
        ),
        ("memory_bytes", budget.memory.current_bytes.is_some()),
        ("memory_limit_bytes", budget.memory.limit_bytes.is_some()),
    ] {
        let name = format!("cpu_budget_{name}");
        assert_eq!(samples.contains_key(name.as_str()), known, "{name}");
    }
}

#[test]
fn counters_are_read_anew_at_each_scrape() {
    let service = Service::start(Registry::new());
    let used = |service: &Service| {
        let budget: BudgetReport = serde_json::from_str(&service.get("/budget").body).unwrap();
        budget.usage.usage_seconds
    };
    let Some(before) = used(&service) else {
        return; // this system has no such counter
    };

    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(100) {
        std::hint::spin_loop();
    }

    assert!(used(&service).unwrap() > before);
}

#[test]
fn readiness_and_health_follow_the_service() {
    let service = Service::start(Registry::new());
    let ready = |service: &Service| {
        let answer = service.get("/readyz");
        (answer.status, answer.body)
    };

    assert_eq!(ready(&service), (503, "starting".into()));
    assert_eq!(healthcheck(service.admin), ExitCode::FAILURE);

    service.readiness.ready();
    assert_eq!(ready(&service), (200, "ready".into()));
    assert_eq!(healthcheck(service.admin), ExitCode::SUCCESS);

    service.shutdown.begin(Cause::Terminate);
    assert_eq!(ready(&service), (503, "draining".into()));
    assert_eq!(healthcheck(service.admin), ExitCode::FAILURE);
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn a_health_check_fails_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    assert_eq!(healthcheck(address), ExitCode::FAILURE);
}

#[test]
fn a_registry_cannot_be_started_twice() {
    let registry = Registry::new();
    let service = Service::start(registry.clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();

    assert!(admin::start(SERVICE, listener, registry, service.readiness).is_err());
}

/// Stops its threads when dropped, so that a failed test does not burn on.
struct Hogs(Arc<AtomicBool>);

impl Hogs {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..threads {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(stop)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn it_answers_while_work_saturates_every_cpu() {
    let service = Service::start(Registry::new());
    let cpus = std::thread::available_parallelism().unwrap().get();
    let _hogs = Hogs::start(2 * cpus);

    let mut latencies: Vec<Duration> = (0..9)
        .map(|_| {
            let asked = Instant::now();
            assert_eq!(service.get("/metrics").status, 200);
            asked.elapsed()
        })
        .collect();

    latencies.sort();
    // Some tens of milliseconds here; the margin is for other tests and hosts.
    assert!(latencies[4] < Duration::from_secs(2), "{latencies:?}");
}

#[test]
fn it_answers_while_the_services_own_runtime_is_blocked() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let status = runtime.block_on(async {
        let service = Service::start(Registry::new());
        // This call blocks the runtime's only thread: nothing else on it moves.
        service.get("/healthz").status
    });

    assert_eq!(status, 200);
}

/// Not a test by itself: a process that has no room for a thread's stack.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by the test below"]
fn without_room_for_a_thread() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let readiness = Readiness::new(&Shutdown::new());
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let limit = Rlimit {
        current: Some(pages * rustix::param::page_size() as u64 + (1 << 20)),
        maximum: None,
    };
    setrlimit(Resource::As, limit).unwrap();

    let started =
        runtime.block_on(async { admin::start(SERVICE, listener, Registry::new(), readiness) });

    let error = started.unwrap_err().to_string();
    assert!(error.contains("admin thread"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_cannot_be_had_is_an_error_and_no_panic() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["admin::without_room_for_a_thread", "--exact", "--ignored"])
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
