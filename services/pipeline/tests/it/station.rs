//! The stations: what a runner asks them for.

use crate::programs::{Pipeline, StageProcess, command};
use serde_json::{Value, json};
use serving::RedisServer;
use std::collections::BTreeMap;

/// A whole pipeline in one process.
fn whole(options: &str) -> StageProcess {
    StageProcess::start(command(&format!("serve {options}")))
}

/// The sum of a field over an account's workers.
fn sum(account: &Value, of: impl Fn(&Value) -> &Value) -> f64 {
    let workers = account["workers"].as_array().unwrap();
    workers
        .iter()
        .filter_map(|worker| of(worker).as_f64())
        .sum()
}

#[test]
fn a_whole_pipeline_accounts_for_its_stages() {
    let options = "--stages source,parse,transform,sink --threads 1,transform=2";
    let station = whole(options);
    let request = json!({"items": 400, "repeats": 2, "transform_micros": 500, "capacity": 20});

    let (status, answer) = station.run(&request);

    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["account"]["answer"], 400, "items of one repeat");
    assert_eq!(answer["account"]["run_sequence"], 1);
    assert_eq!(answer["account"]["workers"].as_array().unwrap().len(), 5);
    let outcome = &answer["figures"]["outcome"];
    assert_eq!(
        (&outcome["given"], &outcome["exact"]),
        (&800.into(), &true.into())
    );
    let stages = answer["figures"]["stages"].as_array().unwrap();
    let names: Vec<&str> = stages
        .iter()
        .map(|stage| stage["stage"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["source", "parse", "transform", "sink"]);
    assert_eq!(stages[2]["workers"], json!([2, 2]));
    for stage in &stages[1..] {
        assert_eq!(stage["figures"]["taken"], 800, "{stage}");
    }
    let service = stages[2]["figures"]["service_seconds"].as_f64().unwrap();
    assert!(service >= 0.2, "800 × 0.5 ms of work in {service} s");
    let latency = &answer["figures"]["latency"];
    assert_eq!(latency["items"], 800);
    assert!(latency["p99_seconds"].as_f64() >= latency["p50_seconds"].as_f64());
    // Each worker's time is all accounted for.
    let account = &answer["account"];
    let wall =
        account["ended_seconds"].as_f64().unwrap() - account["started_seconds"].as_f64().unwrap();
    let on_cpu = sum(account, |worker| &worker["on_cpu_seconds"]);
    let waited = sum(account, |worker| &worker["waited_seconds"]);
    let causes = ["start", "tail", "io", "input", "output", "lock", "idle"];
    let blocked: f64 = causes
        .iter()
        .map(|cause| sum(account, |worker| &worker["blocked_on"][*cause]))
        .sum();
    let known = (on_cpu + waited + blocked) / (5.0 * wall);
    assert!((0.8..1.05).contains(&known), "{known} of the workers' time");
}

#[test]
fn two_runs_are_two_accounts() {
    let station = whole("--stages source,upper,sink");
    let request = json!({"items": 500});

    let first = station.run(&request).1;
    let second = station.run(&request).1;

    assert_eq!(second["account"]["run_sequence"], 2);
    assert_eq!(second["account"]["instance"], first["account"]["instance"]);
    assert_eq!(second["figures"]["stages"][1]["figures"]["taken"], 500);
    assert_eq!(second["figures"]["latency"]["items"], 500);
    assert_eq!(
        station.count("pipeline_items_taken_total{stage=\"upper\"}"),
        1000
    );
}

/// What all stations of a pipeline answer to the same request, by stage.
fn answers(stations: &[(&str, StageProcess)], request: &Value) -> BTreeMap<String, Vec<Value>> {
    for (_, station) in stations {
        station.ready();
    }
    // The source must not begin before all the others take part.
    let start = cpu_budget::clock::monotonic_seconds() + 3.0;
    let mut request = request.clone();
    request["start_at_seconds"] = start.into();
    let request = &request;
    let answers = std::thread::scope(|scope| {
        let asked = stations.iter().map(|(stage, station)| {
            let answer = scope.spawn(move || station.run(request));
            (*stage, answer)
        });
        let asked: Vec<_> = asked.collect();
        let joined = asked
            .into_iter()
            .map(|(stage, answer)| (stage, answer.join().unwrap()));
        joined.collect::<Vec<_>>()
    });
    let mut by_stage: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (stage, (status, answer)) in answers {
        assert_eq!(status, 200, "{stage}: {answer}");
        by_stage.entry(stage.to_owned()).or_default().push(answer);
    }
    by_stage
}

#[test]
fn the_stations_of_a_pipeline_account_for_their_part_of_a_run() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "stations",
        stages: "source,parse,lookup,sink",
        options: String::new(),
    };
    let stations = ["source", "parse", "lookup", "lookup", "sink"].map(|stage| {
        let station = pipeline.stage(stage, "");
        (stage, station)
    });
    // Two that wait 5 ms for each item: nothing else can set the pace.
    let request = json!({
        "run": "one", "items": 600, "lookup_micros": 5000, "capacity": 40, "keep": 5,
    });

    let answers = answers(&stations, &request);

    let source = &answers["source"][0];
    assert_eq!(source["account"]["answer"], 600);
    assert_eq!(source["figures"]["outcome"]["exact"], true);
    assert_eq!(source["figures"]["outcome"]["doubled"], 0);
    for (stage, replicas) in &answers {
        let taken: u64 = replicas
            .iter()
            .map(|answer| {
                let figures = &answer["figures"]["stages"][0]["figures"];
                figures["taken"].as_u64().unwrap()
            })
            .sum();
        assert_eq!(taken, if stage == "source" { 0 } else { 600 }, "{stage}");
    }
    let ends: Vec<f64> = answers
        .values()
        .flatten()
        .map(|answer| answer["account"]["ended_seconds"].as_f64().unwrap())
        .collect();
    assert!(
        ends.iter().all(|end| (end - ends[0]).abs() < 1e-6),
        "one end for all: {ends:?}"
    );
    assert_eq!(answers["sink"][0]["figures"]["latency"]["items"], 600);
    assert!(
        !answers["lookup"][0]["figures"]["stages"][0]["depth"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    // What binds shows in its neighbours: full before it, empty behind it.
    let share = |stage: &str, cause: &str| {
        let account = &answers[stage][0]["account"];
        let start = account["started_seconds"].as_f64().unwrap();
        let wall = account["ended_seconds"].as_f64().unwrap() - start;
        sum(account, |worker| &worker["blocked_on"][cause]) / wall
    };
    for (stage, cause, other) in [
        ("source", "output", "input"),
        ("parse", "output", "input"),
        ("lookup", "io", "output"),
        ("sink", "input", "output"),
    ] {
        let (most, least) = (share(stage, cause), share(stage, other));
        assert!(
            most > 0.2 && most > 2.0 * least,
            "{stage}: {cause} {most}, {other} {least}"
        );
    }
}

#[test]
fn what_cannot_be_asked_is_refused_by_field() {
    let station = whole("--stages source,upper,sink");
    for (request, field) in [
        (json!({"items": 0}), "items"),
        (json!({"repeats": 0}), "repeats"),
        (json!({"bytes": 2_000_000}), "bytes"),
        (json!({"rate": 0}), "rate"),
        (json!({"capacity": 0}), "capacity"),
        (json!({"transform_micros": 100_000_000}), "transform_micros"),
        (json!({"lookup_micros": 100_000_000}), "lookup_micros"),
        (json!({"run": "a b"}), "run"),
        (json!({"keep": 10_000_000}), "keep"),
        (json!({"start_at_seconds": -1}), "start_at_seconds"),
        (json!({"itms": 5}), "itms"),
    ] {
        let (status, problem) = station.run(&request);
        assert_eq!(status, 422, "{request}: {problem}");
        assert_eq!(problem["field"], field, "{request}: {problem}");
    }
}

#[test]
fn what_is_described_is_what_is_answered() {
    let station = whole("--stages source,upper,sink");
    let document = station.document("/openapi.json");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let schemas = &document["components"]["schemas"];
    let request = json!({
        "run": "r", "items": 10, "repeats": 1, "bytes": 5, "rate": null, "capacity": 5,
        "transform_micros": 1, "lookup_micros": 1, "keep": 0, "start_at_seconds": null,
    });
    let fields = |object: &Value| -> Vec<String> {
        let mut fields: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        fields
    };
    assert_eq!(
        fields(&schemas["RunRequest"]["properties"]),
        fields(&request)
    );

    let (status, answer) = station.run(&request);

    assert_eq!(status, 200, "{answer}");
    let description = station.document("/");
    assert_eq!(description["stages"], json!(["source", "upper", "sink"]));
    for (schema, object) in [
        ("RunAnswer", &answer),
        ("ReplicaAccount", &answer["account"]),
        ("Figures", &answer["figures"]),
        ("StageAccount", &answer["figures"]["stages"][1]),
        ("StageFigures", &answer["figures"]["stages"][1]["figures"]),
        ("LatencyFigures", &answer["figures"]["latency"]),
        ("Outcome", &answer["figures"]["outcome"]),
        ("Description", &description),
    ] {
        let described = fields(&schemas[schema]["properties"]);
        assert_eq!(described, fields(object), "{schema}");
    }
}

#[test]
fn what_prometheus_sees_is_what_is_documented() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "metrics",
        stages: "source,upper,sink",
        options: String::new(),
    };
    let stations = ["source", "upper", "sink"].map(|stage| (stage, pipeline.stage(stage, "")));
    answers(&stations, &json!({"run": "one", "items": 100}));
    let (_, scrape) = stations[2].1.admin("/metrics");

    let served = metrics_doc::served(&scrape);
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("Every station"));
    documented.extend(metrics_doc::section("pipeline"));
    // Each machine tells what it knows: what is absent must be one of these.
    documented.retain(|name, _| {
        let may_be_absent = name.starts_with("cpu_budget_") || name == "worker_time_seconds_total";
        served.contains_key(name) || !may_be_absent
    });
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
    for line in [
        "pipeline_items_taken_total{stage=\"sink\"} 100",
        "pipeline_latency_seconds_count 100",
        "pipeline_runs_total{outcome=\"done\"} 1",
    ] {
        assert!(
            scrape.lines().any(|served| served == line),
            "{line}: {scrape}"
        );
    }
}
