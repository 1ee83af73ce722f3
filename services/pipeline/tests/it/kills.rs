//! Stages that are killed, again and again, while items flow.

use crate::pipelines;
use crate::programs::{DEADLINE, Pipeline, StageProcess, summary};
use serde_json::Value;
use serving::RedisServer;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What is done to a run.
struct Storm {
    items: u64,
    /// How long stages are killed.
    lasts: Duration,
    /// Between two kills.
    every: Duration,
    deadline: Duration,
}

const STAGES: &str = "source,parse,transform,lookup,sink";

/// A replica of each stage but the transform, of which there are two.
const REPLICAS: [&str; 5] = ["parse", "transform", "transform", "lookup", "sink"];

#[test]
fn none_is_lost_and_none_doubled_whoever_is_killed_when() {
    storm(&Storm {
        items: 10_000,
        lasts: Duration::from_secs(10),
        every: Duration::from_millis(300),
        deadline: DEADLINE,
    });
}

/// `cargo test -p pipeline -- --ignored soak`
#[test]
#[ignore = "takes minutes"]
fn soak_none_is_lost_and_none_doubled_in_a_minute_of_kills() {
    storm(&Storm {
        items: 100_000,
        lasts: Duration::from_mins(1),
        every: Duration::from_millis(300),
        deadline: Duration::from_mins(10),
    });
}

fn storm(storm: &Storm) {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let (port, name) = (redis.port(), "storm");
    let kept = storm.items;
    // At a rate that has most of the items flow while stages are killed.
    let rate = storm.items as f64 / storm.lasts.as_secs_f64();
    let options = "--transform-cost 50us --lookup-wait 50us --capacity 500";
    let source = {
        let pipeline = of(&redis, name);
        let mut source = pipeline.source(&format!(
            "--items {kept} --keep {kept} --rate {rate} {options}"
        ));
        source
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut stages: Vec<StageProcess> = REPLICAS
        .iter()
        .map(|stage| replica(&redis, name, stage))
        .collect();

    let (mut kills, began, mut restarted) = (0, Instant::now(), false);
    while began.elapsed() < storm.lasts {
        std::thread::sleep(storm.every);
        let victim = fastrand_below(stages.len(), kills);
        let stage = REPLICAS[victim];
        let new = replica(&redis, name, stage);
        std::mem::replace(&mut stages[victim], new).kill();
        kills += 1;
        if !restarted && began.elapsed() > storm.lasts / 2 {
            redis.crash();
            redis.run();
            restarted = true;
        }
    }
    let summary = ended(source, storm.deadline, &stages);

    assert!(kills > 5 && restarted, "{kills} kills");
    assert_eq!(redis.port(), port);
    for (figure, value) in [
        ("given", kept),
        ("arrived", kept),
        ("dead", 0),
        ("doubled", 0),
    ] {
        assert_eq!(summary[figure], value, "{figure}: {summary}");
    }
    assert_eq!(summary["exact"], true);
    results_are_those_of_the_source(&redis, name, &summary, kept);
}

/// What the sink kept, item by item.
fn results_are_those_of_the_source(redis: &RedisServer, name: &str, summary: &Value, items: u64) {
    let mut link = pipelines::link(redis, name);
    let mut read = redis::cmd("HGETALL");
    let run = summary["run"].as_str().unwrap();
    read.arg(link.server.keys.results(run));
    let answer = link.ask_one(read).unwrap();
    let results: std::collections::BTreeMap<u64, String> = redis::from_redis_value(answer).unwrap();
    assert_eq!(results.len() as u64, items);
    let mut origin = pipeline::source::Origin::Made { items, bytes: 32 };
    for (seq, result) in results {
        let made = origin.payload(seq).unwrap().unwrap();
        let words = String::from_utf8(made).unwrap();
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        assert_eq!(result, words.join(" "), "item {seq}");
    }
}

fn of<'r>(redis: &'r RedisServer, name: &'static str) -> Pipeline<'r> {
    Pipeline {
        redis,
        name,
        stages: STAGES,
        // Soon, so that a storm of seconds has claims; and so often as no item
        // is that unlucky.
        options: "--claim-after 500ms --deliveries 1000".into(),
    }
}

fn replica(redis: &RedisServer, name: &'static str, stage: &str) -> StageProcess {
    of(redis, name).stage(stage, "")
}

/// A number that is neither in order nor ever the same for long.
fn fastrand_below(below: usize, turn: u64) -> usize {
    (pipeline::item::mix(turn) % below as u64) as usize
}

fn ended(mut source: Child, within: Duration, stages: &[StageProcess]) -> Value {
    let began = Instant::now();
    while source.try_wait().unwrap().is_none() {
        if began.elapsed() > within {
            source.kill().unwrap();
            let logs: Vec<String> = stages.iter().map(StageProcess::log).collect();
            panic!("the run does not end: {logs:#?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    summary(&output)
}
