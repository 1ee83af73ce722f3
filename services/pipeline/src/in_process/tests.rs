#![allow(clippy::unwrap_used)]
use super::*;
use crate::source::Origin;
use crate::stages::Work;
use std::time::{Duration, Instant};

fn plan(stages: &str, capacity: &str, threads: usize) -> Plan {
    let place = |what: &str| what.to_owned();
    let declaration =
        Declaration::from_lists("test", stages, capacity, Work::default(), place).unwrap();
    let threads = declaration.inner().iter().map(|stage| (*stage, threads));
    Plan {
        threads: threads.collect(),
        declaration,
        tries: 1,
        poison: BTreeMap::new(),
        rate: None,
        keep: true,
    }
}

fn watch(plan: &Plan) -> Watch {
    let roster = Roster::new(plan.all_threads());
    let mut watch = Watch::new(&plan.declaration, roster, &Metrics::new().unwrap());
    watch.started = monotonic_seconds();
    watch
}

fn made(items: u64) -> Origin {
    Origin::Made { items, bytes: 20 }
}

#[test]
fn each_item_comes_out_once_whatever_the_capacity_and_the_threads() {
    for (capacity, threads) in [("1", 1), ("1", 4), ("7", 3), ("5000", 2)] {
        let plan = plan("source,upper,parse,bracket,sink", capacity, threads);
        let watch = watch(&plan);

        let report = run(&plan, &mut made(2000), &watch).unwrap();

        assert!(
            report.exactness.holds(),
            "{capacity} {threads}: {:?}",
            report.exactness
        );
        let mut seqs: Vec<u64> = report.results.iter().map(|item| item.seq).collect();
        seqs.sort_unstable();
        assert!(seqs.into_iter().eq(0..2000), "{capacity} {threads}");
        assert_eq!(report.stages[2].figures.taken, 2000);
        assert_eq!(report.stages[2].workers.len(), threads);
        assert!(
            watch.stages[1..]
                .iter()
                .all(|stage| stage.depth() == Some(0))
        );
    }
}

#[test]
fn a_queue_never_holds_more_than_its_capacity() {
    let mut plan = plan("source,lookup,sink", "10", 1);
    plan.declaration.work.lookup = Duration::from_millis(1);
    let watch = watch(&plan);
    let control = watch.control.clone();

    let most = std::thread::scope(|scope| {
        let run = scope.spawn(|| run(&plan, &mut made(300), &watch).unwrap());
        let mut most = 0;
        while !run.is_finished() {
            most = most.max(watch.stages[1].depth().unwrap_or(0));
        }
        assert!(run.join().unwrap().exactness.holds());
        most
    });

    // The batch that a thread takes at this moment may be counted still.
    let batch = 10 / 4;
    assert!(
        (1..=10 + batch).contains(&most),
        "{most} items in a queue for 10"
    );
    assert!(!control.is_draining());
}

#[test]
fn a_run_that_is_drained_ends_with_what_was_given() {
    let plan = plan("source,upper,sink", "100", 1);
    let watch = watch(&plan);
    let control = watch.control.clone();

    let report = std::thread::scope(|scope| {
        let run = scope.spawn(|| run(&plan, &mut made(u64::MAX), &watch).unwrap());
        std::thread::sleep(Duration::from_millis(50));
        control.drain();
        run.join().unwrap()
    });

    assert!(report.exactness.given > 0 && report.exactness.holds());
}

#[test]
fn a_run_that_is_cancelled_ends_at_once() {
    let mut plan = plan("source,lookup,sink", "1000", 1);
    plan.declaration.work.lookup = Duration::from_millis(20);
    let watch = watch(&plan);
    let control = watch.control.clone();
    let began = Instant::now();

    std::thread::scope(|scope| {
        let run = scope.spawn(|| run(&plan, &mut made(100_000), &watch).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        control.cancel();
        run.join().unwrap();
    });

    // All of it would take half an hour.
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[test]
fn at_a_rate_items_are_not_given_before_they_are_due() {
    let mut plan = plan("source,sink", "100", 1);
    plan.rate = Some(200.0);
    let watch = watch(&plan);

    let report = run(&plan, &mut made(41), &watch).unwrap();

    assert!(
        report.ended - watch.started >= 0.2,
        "40 items after the first one"
    );
    assert!(report.exactness.holds());
    assert_eq!(report.latency.figures().items, 41);
}
