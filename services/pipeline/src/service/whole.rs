//! A sample of the whole pipeline in this process.

use super::Bench;
use super::api::{Asked, DepthReading, Figures, Outcome, RunAnswer, StageAccount};
use super::sample::{Sampled, Under};
use crate::declaration::Declaration;
use crate::in_process::{self, Plan, Report, Watch};
use crate::source::Origin;
use cpu_budget::clock::monotonic_seconds;
use measure::report::ReplicaAccount;
use service_kit::sampling::Window;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the queues are looked at.
const DEPTH_EVERY: Duration = Duration::from_millis(100);

/// How the pipeline is run here.
pub(super) fn plan(bench: &Bench, declaration: &Declaration) -> Plan {
    let stages = declaration.inner();
    let threads = stages
        .iter()
        .map(|stage| (*stage, bench.work.threads.of(*stage)));
    let poison = stages
        .iter()
        .filter_map(|stage| Some((*stage, bench.work.poison_of(*stage)?)));
    Plan {
        threads: threads.collect(),
        poison: poison.collect(),
        tries: bench.work.tries,
        rate: None,
        keep: false,
        declaration: declaration.clone(),
    }
}

/// Takes the sample.
pub(super) fn run(bench: &Bench, asked: &Asked, under: &Under) -> Sampled<RunAnswer> {
    let plan = Plan {
        rate: asked.rate,
        ..plan(bench, &asked.declaration)
    };
    let mut origin = Origin::Made {
        items: asked.all_items(),
        bytes: asked.bytes,
    };
    let live = bench.time.watch(plan.all_threads());
    let mut watch = Watch::new(&plan.declaration, live.roster().clone(), &bench.metrics);
    watch.control = under.control.clone();
    // What is measured once per process must not be measured in here.
    let _ = plan.declaration.work.transform.steps();
    let window = Window::open(
        &bench.cgroup,
        plan.all_threads(),
        asked.start,
        &under.cancelled,
    );
    live.opened(&window);
    watch.started = window.started();
    live.job_started(watch.started);
    let ended = AtomicBool::new(false);
    let (report, depths) = std::thread::scope(|scope| {
        let depths = scope.spawn(|| depths(bench, &watch, under, &ended));
        let report = in_process::run(&plan, &mut origin, &watch);
        ended.store(true, Ordering::Relaxed);
        (report, depths.join().unwrap_or_default())
    });
    let report = report?;
    let window = window.close(report.ended);
    live.closed();
    let workers = report.stages.iter().flat_map(|stage| stage.workers.clone());
    let account = window.account(workers.collect(), 0.0);
    live.settle(&account);
    let outcome = outcome(&report);
    let answer = outcome
        .exact
        .then_some(outcome.arrived / u64::from(asked.repeats));
    Ok(RunAnswer {
        account: ReplicaAccount { answer, ..account },
        work_shares: None,
        figures: Figures {
            run: None,
            latency: Some(report.latency.figures()),
            outcome: Some(outcome),
            capacity: asked.declaration.common_capacity(),
            stages: stages(&report, depths),
        },
    })
}

fn outcome(report: &Report) -> Outcome {
    Outcome {
        given: report.exactness.given,
        arrived: report.exactness.arrived,
        dead: report.exactness.dead,
        doubled: None,
        exact: report.exactness.holds(),
        results: report.sink.items,
        content: format!("{:016x}", report.sink.content),
    }
}

fn stages(report: &Report, depths: Vec<Vec<DepthReading>>) -> Vec<StageAccount> {
    let mut first = 0;
    let mut depths = depths.into_iter();
    let stages = report.stages.iter().map(|stage| {
        let workers = [first, stage.workers.len()];
        first += stage.workers.len();
        StageAccount {
            stage: stage.stage,
            workers,
            figures: stage.figures,
            done_seconds: None,
            depth: depths.next().unwrap_or_default(),
        }
    });
    stages.collect()
}

/// Reads the queues until the run has ended, for the answer and for Prometheus.
fn depths(
    bench: &Bench,
    watch: &Watch,
    under: &Under,
    ended: &AtomicBool,
) -> Vec<Vec<DepthReading>> {
    let mut all = vec![Vec::new(); watch.stages.len()];
    while !ended.load(Ordering::Relaxed) {
        for (stage, readings) in watch.stages.iter().zip(&mut all) {
            if let Some(items) = stage.depth() {
                readings.push(DepthReading {
                    at_seconds: monotonic_seconds(),
                    items,
                    pending: 0,
                });
                set_depth(bench, stage.stage.name(), items);
            }
        }
        if let Some(sink) = watch.stages.last() {
            under.reached(sink.figures().taken);
        }
        std::thread::park_timeout(DEPTH_EVERY);
    }
    for stage in watch.stages.iter().skip(1) {
        set_depth(bench, stage.stage.name(), 0);
    }
    all
}

fn set_depth(bench: &Bench, stage: &str, items: u64) {
    let gauge = bench.metrics.depth.with_label_values(&[stage]);
    gauge.set(i64::try_from(items).unwrap_or(i64::MAX));
}
