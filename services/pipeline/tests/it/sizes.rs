//! Items of all sizes, and of any bytes.

use crate::pipelines;
use crate::programs::{Pipeline, command, ended, said, summary};
use serving::RedisServer;

const MIB: usize = 1024 * 1024;

/// An empty line, bytes that are no UTF-8, one of 1 MiB, one above the cap.
fn lines() -> Vec<u8> {
    let mut text = b"\nplain\n\xff\xfe\x00\n".to_vec();
    text.extend(std::iter::repeat_n(b'a', MIB));
    text.push(b'\n');
    text.extend(std::iter::repeat_n(b'b', MIB + 1));
    text.extend_from_slice(b"\nlast\n");
    text
}

#[test]
fn over_redis_all_sizes_flow_but_those_above_the_cap() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "sizes",
        stages: "source,upper,bracket,sink",
        options: String::new(),
    };
    let _stages = ["upper", "bracket", "sink"].map(|stage| pipeline.stage(stage, ""));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines()).unwrap();
    let options = format!("--file {} --run sizes --keep 10", file.path().display());

    let output = ended(&mut pipeline.source(&options));

    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("the first one line 5"),
        "{}",
        said(&output)
    );
    let summary = summary(&output);
    assert_eq!(
        (&summary["given"], &summary["refused"]),
        (&5.into(), &1.into())
    );
    assert_eq!(summary["exact"], true);
    let mut link = pipelines::link(&redis, "sizes");
    let mut read = redis::cmd("HGETALL");
    read.arg(link.server.keys.results("sizes"));
    let kept = link.ask_one(read).unwrap();
    let kept: std::collections::BTreeMap<u64, Vec<u8>> = redis::from_redis_value(kept).unwrap();
    let large = [b"[".as_slice(), &vec![b'A'; MIB], b"]"].concat();
    let expected: [&[u8]; 5] = [b"[]", b"[PLAIN]", b"[\xff\xfe\x00]", &large, b"[LAST]"];
    for (seq, expected) in expected.into_iter().enumerate() {
        assert_eq!(kept[&(seq as u64)], expected, "item {seq}");
    }
}

#[test]
fn in_one_process_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines()).unwrap();
    let file = file.path().display();

    let output = ended(&mut command(&format!(
        "run --file {file} --stages source,upper,bracket,sink --print"
    )));

    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let large = [b"[".as_slice(), &vec![b'A'; MIB], b"]\n"].concat();
    let expected = [
        b"[]\n[PLAIN]\n[\xff\xfe\x00]\n".as_slice(),
        &large,
        b"[LAST]\n",
    ]
    .concat();
    assert!(output.stdout == expected);
}

#[test]
fn every_capacity_ends_and_keeps_every_item() {
    for capacity in [1, 2, 3, 10, 1000] {
        let options = format!(
            "run --items 500 --stages source,parse,count,upper,sink --count-window 7 \
             --threads 1,upper=3 --capacity {capacity} --format json"
        );
        let output = ended(&mut command(&options));
        assert!(output.status.success(), "{capacity}: {output:?}");
        let summary = summary(&output);
        assert_eq!(summary["exact"], true, "{capacity}: {summary}");
        assert_eq!(summary["results"], 72, "500 items in windows of 7");
    }
}

#[test]
fn over_redis_windows_end_too() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "windows",
        stages: "source,parse,count,sink",
        options: String::new(),
    };
    let stages = ["parse", "count", "count", "sink"];
    let _stages = stages.map(|stage| pipeline.stage(stage, ""));

    for capacity in [10, 100] {
        let options = format!("--items 200 --count-window 7 --capacity {capacity}");
        let output = ended(&mut pipeline.source(&options));
        assert!(output.status.success(), "{capacity}: {output:?}");
        let summary = summary(&output);
        assert_eq!(summary["exact"], true, "{capacity}: {summary}");
        assert_eq!(summary["arrived"], 200);
    }
}

#[test]
fn over_redis_the_smallest_queues_end_too() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let pipeline = Pipeline {
        redis: &redis,
        name: "small",
        stages: "source,parse,upper,sink",
        options: String::new(),
    };
    let stages = ["parse", "parse", "upper", "sink"];
    let _stages = stages.map(|stage| pipeline.stage(stage, ""));
    // An item may be more than a queue holds: three of one, in a queue for two.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one;two;three\n".repeat(50)).unwrap();

    for capacity in [1, 2] {
        let file = file.path().display();
        let output = ended(&mut pipeline.source(&format!("--file {file} --capacity {capacity}")));
        assert!(output.status.success(), "{capacity}: {output:?}");
        let summary = summary(&output);
        assert_eq!(summary["exact"], true, "{capacity}: {summary}");
        assert_eq!(
            (&summary["arrived"], &summary["results"]),
            (&50.into(), &150.into())
        );
    }
}
