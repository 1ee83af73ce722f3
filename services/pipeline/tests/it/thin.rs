//! A run through both forms.

use crate::programs::{Pipeline, command, ended, summary};
use serving::RedisServer;

#[test]
fn in_one_process_each_item_comes_out_once() {
    let options = "run --items 5000 --stages source,upper,bracket,sink --format json";

    let output = ended(&mut command(options));

    assert!(output.status.success(), "{output:?}");
    let summary = summary(&output);
    assert_eq!(summary["given"], 5000);
    assert_eq!(summary["arrived"], 5000);
    assert_eq!(summary["exact"], true);
}

#[test]
fn both_forms_come_to_the_same() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "both",
        stages: "source,upper,bracket,sink",
        options: String::new(),
    };
    let _stages = ["upper", "bracket", "sink"].map(|stage| pipeline.stage(stage, ""));
    let here = command("run --items 5000 --stages source,upper,bracket,sink --format json");
    let mut here = here;

    let over_redis = ended(&mut pipeline.source("--items 5000"));
    let in_process = ended(&mut here);

    assert!(over_redis.status.success(), "{over_redis:?}");
    let (over_redis, in_process) = (summary(&over_redis), summary(&in_process));
    assert_eq!(over_redis["exact"], true, "{over_redis}");
    assert_eq!(over_redis["doubled"], 0);
    for figure in ["given", "arrived", "results", "bytes", "content"] {
        assert_eq!(over_redis[figure], in_process[figure], "{figure}");
    }
}
