//! A Redis that is not there, goes away, is full, or will not have the service.

use crate::pipelines;
use crate::programs::{Pipeline, command, ended, said, summary, until};
use pipeline::stages::Stage;
use serving::RedisServer;
use std::process::Stdio;
use std::time::Duration;

fn pipeline<'r>(redis: &'r RedisServer, name: &'static str) -> Pipeline<'r> {
    Pipeline {
        redis,
        name,
        stages: "source,upper,sink",
        options: "--claim-after 1s".into(),
    }
}

#[test]
fn a_redis_that_is_not_there_yet_is_waited_for() {
    let Some(mut redis) = RedisServer::made(&[]) else {
        return;
    };
    let stages = ["upper", "sink"].map(|stage| pipeline(&redis, "wait").stage(stage, ""));
    let mut source = pipeline(&redis, "wait").source("--items 500");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    until("a word about it", || {
        stages[0].log().contains("does not answer")
    });
    assert_eq!(stages[0].admin("/readyz").0, 503);

    redis.run();

    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(summary(&output)["exact"], true);
    stages[0].ready();
}

#[test]
fn a_redis_that_goes_away_and_stalls_costs_nothing_but_time() {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let stages = ["upper", "sink"].map(|stage| pipeline(&redis, "gone").stage(stage, ""));
    let mut source = pipeline(&redis, "gone").source("--items 4000 --rate 1000");
    let source = source.stdout(Stdio::piped()).spawn().unwrap();
    let sink = &stages[1];
    until("the first items", || {
        sink.count("pipeline_items_taken_total") > 0
    });

    redis.pause();
    std::thread::sleep(Duration::from_secs(3));
    redis.resume();
    redis.crash();
    std::thread::sleep(Duration::from_millis(500));
    redis.run();

    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["exact"], true, "{summary}");
    assert_eq!(summary["doubled"], 0);
    assert!(sink.log().contains("answers again"), "{}", sink.log());
}

#[test]
fn a_full_redis_is_waited_for_and_loses_nothing() {
    let Some(redis) =
        RedisServer::start(&["--maxmemory", "6mb", "--maxmemory-policy", "noeviction"])
    else {
        return;
    };
    let pipeline = pipeline(&redis, "full");
    // More than fits in it, and nobody who takes any of it.
    let mut source = pipeline.source("--items 300 --bytes 65536 --capacity 100000");
    let source = source
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut link = pipelines::link(&redis, "full");
    let mut depth = 0;
    until("a full Redis", || {
        let mut length = redis::cmd("XLEN");
        length.arg(link.server.keys.queue(Stage::Upper));
        let now: i64 = redis::from_redis_value(link.ask_one(length).unwrap()).unwrap();
        let stays = now == depth && now > 10;
        depth = now;
        std::thread::sleep(Duration::from_millis(300));
        stays
    });

    let _stages = ["upper", "sink"].map(|stage| pipeline.stage(stage, ""));

    let output = source.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(said(&output).contains("has no memory left"), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["exact"], true, "{summary}");
    assert_eq!(summary["doubled"], 0);
}

#[test]
fn a_wrong_password_is_said_so_and_ends_it() {
    let Some(redis) = RedisServer::start(&["--requirepass", "swordfish"]) else {
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "sardine\n").unwrap();
    let wrong = format!("--redis-password-file {}", file.path().display());

    for options in ["", wrong.as_str()] {
        let pipeline = pipeline(&redis, "password");
        let stage = pipeline.stage("upper", options);
        let (code, said) = stage.ended();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("refuses the password"), "{said}");
        assert!(said.contains("PIPELINE_REDIS_PASSWORD_FILE"), "{said}");
    }

    std::fs::write(file.path(), "swordfish\n").unwrap();
    let pipeline = pipeline(&redis, "password");
    let _stages = ["upper", "sink"].map(|stage| pipeline.stage(stage, &wrong));
    let output = ended(&mut pipeline.source(&format!("--items 10 {wrong}")));
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_replica_that_takes_no_writes_is_said_so_and_ends_it() {
    let Some(primary) = RedisServer::start(&[]) else {
        return;
    };
    let port = primary.port().to_string();
    let Some(replica) = RedisServer::start(&["--replicaof", "127.0.0.1", &port]) else {
        return;
    };

    let stage = pipeline(&replica, "replica").stage("upper", "");

    let (code, said) = stage.ended();

    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is a read-only replica"), "{said}");
}

#[test]
fn an_idle_stage_reads_on_for_longer_than_any_client_time_out() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "idle");
    let stages = ["upper", "sink"].map(|stage| pipeline.stage(stage, ""));
    for stage in &stages {
        stage.ready();
    }
    // The client's own time-out for answers would be half a second.
    std::thread::sleep(Duration::from_secs(3));

    let output = ended(&mut pipeline.source("--items 100"));

    assert!(output.status.success(), "{output:?}");
    for stage in &stages {
        assert!(!stage.log().contains("WARN"), "{}", stage.log());
    }
}

#[test]
fn a_run_that_two_sources_give_is_refused_to_the_second() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "twice");
    let _stages = ["upper", "sink"].map(|stage| pipeline.stage(stage, ""));
    assert!(
        ended(&mut pipeline.source("--items 100 --run once"))
            .status
            .success()
    );

    let again = ended(&mut pipeline.source("--items 200 --run once"));

    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(
        said(&again).contains("from another source, or has all of them"),
        "{again:?}"
    );
}

#[test]
fn a_source_that_was_killed_goes_on_where_it_was() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = pipeline(&redis, "resumed");
    let stages = ["upper", "sink"].map(|stage| pipeline.stage(stage, ""));
    let mut first = pipeline.source("--items 3000 --run long --rate 1000");
    let mut first = first.stdout(Stdio::null()).spawn().unwrap();
    let sink = &stages[1];
    until("the first items", || {
        sink.count("pipeline_items_taken_total") > 0
    });
    first.kill().unwrap();
    first.wait().unwrap();

    let output = ended(&mut pipeline.source("--items 3000 --run long"));

    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(
        (&summary["given"], &summary["arrived"]),
        (&3000.into(), &3000.into())
    );
    assert_eq!(
        (&summary["exact"], &summary["doubled"]),
        (&true.into(), &0.into())
    );
}

#[test]
fn bad_input_is_one_line_and_exit_code_64() {
    for (options, word) in [
        ("run", "--items"),
        (
            "run --items 5 --stages source,uper,sink",
            "did you mean upper?",
        ),
        ("run --items 5 --capacity 0", "a capacity of 0"),
        (
            "run --items 5 --bytes 10 --max-item-bytes 5",
            "--max-item-bytes",
        ),
        ("run --file /no/such/file", "/no/such/file"),
        ("run --items 5 --threads upper=0", "must be from 1 to 256"),
        (
            "serve --stage bracket --stages source,upper,sink",
            "has the stages source, upper, sink",
        ),
        (
            "serve --stage upper --stages source,upper,sink --redis-url http://x",
            "--redis-url",
        ),
        ("source --items 5 --run a/b", "letters, digits"),
        (
            "source --items 5 --redis-password-file /no/such",
            "/no/such",
        ),
    ] {
        let output = ended(&mut command(options));
        assert_eq!(output.status.code(), Some(64), "{options}: {output:?}");
        let said = said(&output);
        assert!(said.contains(word), "{options}: {said}");
        assert_eq!(said.lines().count(), 1, "{options}: {said}");
    }
}
