//! `worker_time_seconds_total` and `workers`, read when they are asked for.

use super::{Scraped, WorkerTime};
use measure::figures::WorkerSeconds;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, IntGauge, Opts, Registry};

const TIME: &str = "worker_time_seconds_total";
const TIME_HELP: &str =
    "Workers' wall time by state; while a run goes on, what is known of it for certain.";
const WORKERS: &str = "workers";
const WORKERS_HELP: &str = "Workers of the run under way; 0 between runs.";

impl WorkerTime {
    /// Has `registry` serve it.
    ///
    /// # Errors
    /// When `registry` has it already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let describe = |name: &str, help: &str, labels: &[&str]| {
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name.into(), help.into(), labels, [].into())
        };
        registry.register(Box::new(WorkerTimeCollector {
            time: self.clone(),
            descriptions: vec![
                describe(TIME, TIME_HELP, &["state"])?,
                describe(WORKERS, WORKERS_HELP, &[])?,
            ],
        }))
    }
}

#[derive(Debug)]
struct WorkerTimeCollector {
    time: WorkerTime,
    descriptions: Vec<Desc>,
}

impl Collector for WorkerTimeCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The names are constants that were accepted when it was registered.
        families(self.time.scrape()).unwrap_or_default()
    }
}

fn families(scraped: Scraped) -> prometheus::Result<Vec<MetricFamily>> {
    let workers = IntGauge::new(WORKERS, WORKERS_HELP)?;
    workers.set(i64::try_from(scraped.workers).unwrap_or(i64::MAX));
    let mut families = workers.collect();
    if let Some(seconds) = scraped.seconds {
        let time = CounterVec::new(Opts::new(TIME, TIME_HELP), &["state"])?;
        for (state, seconds) in by_state(seconds) {
            if let Some(seconds) = seconds {
                time.with_label_values(&[state]).inc_by(seconds);
            }
        }
        families.extend(time.collect());
    }
    Ok(families)
}

fn by_state(seconds: WorkerSeconds) -> [(&'static str, Option<f64>); 5] {
    [
        ("running", Some(seconds.running)),
        ("throttled", Some(seconds.throttled)),
        ("runnable", Some(seconds.runnable)),
        ("blocked", Some(seconds.blocked)),
        ("stolen", seconds.stolen),
    ]
}
