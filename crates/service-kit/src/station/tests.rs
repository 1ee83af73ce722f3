#![allow(clippy::unwrap_used)]

use super::*;
use crate::shutdown::Cause;
use prometheus::proto::MetricFamily;

/// A run that goes on until it is cancelled.
#[derive(Debug, Default)]
struct Endless(AtomicBool);

impl UnderWay for Endless {
    fn progress(&self) -> f64 {
        0.25
    }

    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Endless {
    fn wait(&self) {
        while !self.0.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[derive(Debug, Clone, Default, Serialize)]
struct Numbered(ReplicaAccount);

impl Answer for Numbered {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        Some(&mut self.0)
    }
}

struct Tested {
    station: Arc<Station>,
    registry: Registry,
    shutdown: Shutdown,
}

impl Tested {
    fn new() -> Self {
        let (registry, shutdown) = (Registry::new(), Shutdown::new());
        let name = format!("test-{}", Uuid::new_v4());
        let station = Station::new("test", name, &registry, shutdown.clone());
        Self {
            station: station.unwrap(),
            registry,
            shutdown,
        }
    }

    /// A run that takes as long as `take`.
    fn run(&self, take: impl FnOnce() -> Result<Numbered, Problem> + Send + 'static) -> Ran {
        self.station.start(Arc::new(Endless::default()), take)
    }

    fn endless(&self) -> Running<Numbered> {
        let endless = Arc::new(Endless::default());
        let of_thread = endless.clone();
        let started = self.station.start(endless, move || {
            of_thread.wait();
            Ok(Numbered::default())
        });
        started.ok().unwrap()
    }

    /// How many runs ended so.
    fn counted(&self, outcome: &str) -> f64 {
        let families = self.registry.gather();
        let runs = families.iter().find(|f| f.name() == "test_runs_total");
        let metrics = runs.map(MetricFamily::get_metric).unwrap_or_default();
        let of_outcome = metrics.iter().find(|metric| {
            let mut labels = metric.get_label().iter();
            labels.any(|label| label.value() == outcome)
        });
        of_outcome.map_or(0.0, |metric| metric.get_counter().get_value())
    }

    /// Waits until no run goes on.
    async fn idle(&self) {
        let idle = async {
            while self.station.progress().progress.is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), idle).await;
        waited.expect("the run ends");
    }
}

type Ran = Result<Running<Numbered>, Problem>;

#[tokio::test]
async fn runs_are_numbered_and_counted() {
    let tested = Tested::new();
    for sequence in [1, 2] {
        let mut running = tested.run(|| Ok(Numbered::default())).ok().unwrap();

        let answer = running.ended().await.unwrap();

        assert_eq!(answer.0.run_sequence, sequence);
        assert_eq!(answer.0.instance, tested.station.instance());
    }
    assert_eq!(tested.counted("done").to_bits(), 2_f64.to_bits());
}

#[tokio::test]
async fn a_second_run_is_refused_with_the_progress_of_the_first() {
    let tested = Tested::new();
    let _first = tested.endless();

    let refused = tested.run(|| Ok(Numbered::default())).err().unwrap();

    assert_eq!(refused.status, 409);
    assert_eq!(refused.members["progress"], 0.25);
    assert_eq!(tested.station.progress().progress, Some(0.25));
}

#[tokio::test]
async fn dropping_a_run_cancels_it() {
    let tested = Tested::new();

    drop(tested.endless());

    tested.idle().await;
    assert_eq!(tested.counted("cancelled").to_bits(), 1_f64.to_bits());
    assert_eq!(tested.counted("done").to_bits(), 0_f64.to_bits());
    let mut next = tested.run(|| Ok(Numbered::default())).ok().unwrap();
    next.ended().await.unwrap();
}

#[tokio::test]
async fn a_run_that_fails_answers_with_its_problem() {
    let tested = Tested::new();
    let no_room = || Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no room"));
    let mut running = tested.run(no_room).ok().unwrap();

    let problem = running.ended().await.unwrap_err();

    assert_eq!(problem.detail.as_deref(), Some("no room"));
    assert_eq!(tested.counted("failed").to_bits(), 1_f64.to_bits());
}

#[tokio::test]
async fn a_run_that_panics_is_a_fault_of_the_service_and_the_next_one_starts() {
    let tested = Tested::new();
    let mut running = tested.run(|| panic!("as the test wants it")).ok().unwrap();

    let problem = running.ended().await.unwrap_err();

    assert_eq!(problem.status, 500);
    drop(running);
    tested.idle().await;
    let mut next = tested.run(|| Ok(Numbered::default())).ok().unwrap();
    next.ended().await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_service_ends_the_run() {
    let tested = Tested::new();
    let mut running = tested.endless();

    tested.shutdown.begin(Cause::Terminate);

    let problem = running.ended().await.unwrap_err();
    assert_eq!(problem.status, 503);
    drop(running);
    tested.idle().await;
    assert_eq!(tested.counted("cancelled").to_bits(), 1_f64.to_bits());
}

#[tokio::test]
async fn the_next_run_may_start_as_soon_as_the_answer_is_there() {
    let tested = Tested::new();
    for _ in 0..200 {
        let mut running = tested.run(|| Ok(Numbered::default())).ok().unwrap();
        running.ended().await.unwrap();
    }
}

#[test]
fn a_start_is_waited_for_ten_seconds() {
    assert_eq!(requested_start(None, 5.0), Ok(Start::Aligned));
    assert_eq!(requested_start(Some(15.0), 5.0), Ok(Start::At(15.0)));
    assert_eq!(requested_start(Some(0.0), 5.0), Ok(Start::At(0.0)));
    for moment in [-0.1, 15.1, f64::NAN, f64::INFINITY] {
        let refused = requested_start(Some(moment), 5.0).unwrap_err();
        assert_eq!(refused.status, 422);
        assert_eq!(refused.members["field"], "start_at_seconds");
    }
}
