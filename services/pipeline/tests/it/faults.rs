//! Poison, slow stages, stops.

use crate::pipelines;
use crate::programs::{Pipeline, command, ended, said, summary, until};
use rustix::process::Signal;
use serde_json::Value;
use serving::RedisServer;
use std::process::Stdio;
use std::time::Duration;

fn pipeline<'r>(redis: &'r RedisServer, name: &'static str, options: &str) -> Pipeline<'r> {
    Pipeline {
        redis,
        name,
        stages: "source,upper,sink",
        options: options.into(),
    }
}

#[test]
fn a_poison_item_is_a_dead_letter_and_the_rest_flows() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "poison", "");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "good\nis bad\nfine\nbad too\nlast\n").unwrap();
    let source = format!("--run one --file {}", file.path().display());
    let sink = pipeline.stage("sink", "");
    let upper = pipeline.stage("upper", "--poison upper=bad --tries 2");

    let output = ended(&mut pipeline.source(&source));

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("2 items are among the dead letters"));
    let summed = summary(&output);
    for (figure, value) in [("given", 5), ("arrived", 3), ("dead", 2), ("doubled", 0)] {
        assert_eq!(summed[figure], value, "{figure}: {summed}");
    }
    assert_eq!(summed["exact"], true, "each came to an end once");

    let listed = pipeline.dead("list --format json");
    let letters: Vec<Value> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["payload"], "is bad");
    assert_eq!(letters[0]["stage"], "upper");
    assert_eq!(letters[0]["run"], "one");
    assert_eq!(letters[0]["tries"], 2);
    assert_eq!(letters[0]["item"], 1);
    assert_eq!(
        letters[0]["error"],
        "the stage panicked: the item is poison"
    );

    // One goes back to a stage that was mended, the other away.
    upper.kill();
    let _mended = pipeline.stage("upper", "");
    let first = letters[0]["id"].as_str().unwrap();
    let retried = pipeline.dead(&format!("retry {first}"));
    assert!(retried.status.success(), "{retried:?}");
    let gone = pipeline.dead(&format!("retry {first}"));
    assert_eq!(gone.status.code(), Some(1));
    assert!(said(&gone).contains(first), "{gone:?}");
    let mut link = pipelines::link(&redis, "poison");
    let run = pipeline::streams::Run::read(&mut link, "one")
        .unwrap()
        .unwrap();
    until("the mended item", || {
        let state = pipeline::streams::State::read(&mut link, &run).unwrap();
        state.sink.weight == 4
    });
    assert!(pipeline.dead("drop").status.success());
    let empty = pipeline.dead("list");
    assert_eq!(String::from_utf8_lossy(&empty.stdout), "no dead letters\n");
    drop(sink);
}

#[test]
fn poison_in_one_process_is_named_and_the_rest_flows() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "good\nis bad\nfine\n").unwrap();
    let file = file.path().display();
    let options = "--stages source,upper,sink --format json --poison upper=bad";

    let output = ended(&mut command(&format!("run --file {file} {options}")));

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("dead letter: item 1 \"is bad\": the stage panicked"));
    let summary = summary(&output);
    assert_eq!(
        (&summary["arrived"], &summary["dead"]),
        (&2.into(), &1.into())
    );
    assert_eq!(summary["exact"], true);
}

#[test]
fn a_stage_that_is_slow_but_alive_is_not_robbed() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        stages: "source,lookup,sink",
        ..pipeline(&redis, "slow", "--claim-after 2s")
    };
    // Each item takes twice as long as nothing may be heard of it.
    let lookups = ["", ""].map(|options| pipeline.stage("lookup", options));
    let _sink = pipeline.stage("sink", "");

    let output = ended(&mut pipeline.source("--items 4 --lookup-wait 4s"));

    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["exact"], true);
    for lookup in &lookups {
        assert_eq!(lookup.count("pipeline_claimed_total"), 0);
        assert_eq!(lookup.count("pipeline_refused_total"), 0);
    }
}

#[test]
fn what_a_stopped_stage_does_too_late_is_refused() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        stages: "source,lookup,sink",
        ..pipeline(&redis, "late", "--claim-after 400ms --batch 4")
    };
    let _sink = pipeline.stage("sink", "");
    let stopped = pipeline.stage("lookup", "");
    let mut source = pipeline.source("--items 40 --lookup-wait 20ms --capacity 100");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    until("its first items", || {
        stopped.count("pipeline_items_taken_total") > 0
    });
    // As after a stall of the whole machine, or a pause of the container.
    stopped.signal(Signal::STOP);
    let other = pipeline.stage("lookup", "");

    let output = source.wait_with_output().unwrap();
    stopped.signal(Signal::CONT);

    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["exact"], true, "{summary}");
    assert_eq!(summary["doubled"], 0);
    let claimed = other.count("pipeline_claimed_total");
    assert!(claimed > 0);
    until("its late items", || {
        let refused = stopped.count("pipeline_refused_total");
        refused > 0 || stopped.log().contains("answers again")
    });
    let mut link = pipelines::link(&redis, "late");
    let run = summary["run"].as_str().unwrap();
    let run = pipeline::streams::Run::read(&mut link, run)
        .unwrap()
        .unwrap();
    let state = pipeline::streams::State::read(&mut link, &run).unwrap();
    assert_eq!((state.sink.weight, state.doubled), (40, 0));
}

#[test]
fn a_stage_that_is_told_to_end_gives_back_what_it_cannot_finish() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        stages: "source,lookup,sink",
        // So long that only what was given back can be had in time.
        ..pipeline(&redis, "told", "--claim-after 1h --drain-seconds 1")
    };
    let _sink = pipeline.stage("sink", "");
    let told = pipeline.stage("lookup", "");
    let mut source = pipeline.source("--items 3 --lookup-wait 4s");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    let mut link = pipelines::link(&redis, "told");
    until("an item in hand", || {
        let depth = link.depth(pipeline::stages::Stage::Lookup);
        depth.is_ok_and(|depth| depth.pending > 0)
    });

    told.signal(Signal::TERM);
    let began = std::time::Instant::now();
    let (code, said) = told.ended();

    assert!(began.elapsed() < Duration::from_secs(30), "by the deadline");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it was given back"), "{said}");
    let _next = pipeline.stage("lookup", "");
    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["exact"], true);
}

#[test]
fn a_stage_that_is_told_to_end_finishes_what_it_can() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "finish", "--claim-after 1h --drain-seconds 20");
    let first = pipeline.stage("upper", "");
    let mut source = pipeline.source("--items 20000 --rate 10000");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    until("its first items", || {
        first.count("pipeline_items_taken_total") > 0
    });

    first.signal(Signal::TERM);
    assert_eq!(first.ended().0, Some(0));

    let _others = [pipeline.stage("upper", ""), pipeline.stage("sink", "")];
    let output = source.wait_with_output().unwrap();
    assert_eq!(summary(&output)["exact"], true, "{output:?}");
}

#[test]
fn replicas_come_and_go_during_a_run() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "scaled", "--claim-after 1s");
    let _sink = pipeline.stage("sink", "");
    let mut uppers = vec![pipeline.stage("upper", "")];
    let mut source = pipeline.source("--items 6000 --rate 1500");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    let one = &uppers[0];
    until("its first items", || {
        one.count("pipeline_items_taken_total") > 0
    });

    for _ in 0..7 {
        uppers.push(pipeline.stage("upper", ""));
    }
    let newest = &uppers[7];
    until("the items of the newest", || {
        newest.count("pipeline_items_taken_total") > 0
    });
    for upper in uppers.drain(2..) {
        upper.signal(Signal::TERM);
        assert_eq!(upper.ended().0, Some(0));
    }

    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["exact"], true, "{summary}");
    assert_eq!(
        (&summary["arrived"], &summary["doubled"]),
        (&6000.into(), &0.into())
    );
}
