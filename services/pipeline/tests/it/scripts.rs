//! The steps that run in Redis, each by itself.

use crate::pipelines;
use pipeline::stages::Stage::{self, Sink, Upper};
use pipeline::streams::{Keys, Link, Script, call};
use redis::Value;
use serving::RedisServer;

/// A pipeline `source, upper, sink`, empty, in a Redis of its own.
struct Steps {
    _redis: RedisServer,
    link: Link,
    keys: Keys,
}

/// The run that all items here belong to.
const RUN: &str = "r";

impl Steps {
    fn start() -> Option<Self> {
        let redis = RedisServer::start(&[])?;
        let mut link = pipelines::link(&redis, "steps");
        link.make_queue(Upper).unwrap();
        link.make_queue(Sink).unwrap();
        let keys = Keys::of("steps");
        let mut steps = Self {
            _redis: redis,
            link,
            keys,
        };
        let run = steps.keys.run(RUN);
        steps.ask(&["HSET", &run, "source.out", "0"]);
        Some(steps)
    }

    fn ask(&mut self, words: &[&str]) -> Value {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        self.link.ask_one(command).unwrap()
    }

    fn number(&mut self, words: &[&str]) -> i64 {
        number(&self.ask(words))
    }

    fn text(&mut self, words: &[&str]) -> String {
        text(self.ask(words))
    }

    fn call(&mut self, script: Script, keys: &[String], arguments: &[&str]) -> Value {
        let mut step = call(script, keys.iter().map(String::as_str));
        for argument in arguments {
            step.arg(*argument);
        }
        self.link.ask_one(step).unwrap()
    }

    /// Adds items to a queue, and has `consumer` take them; their ids.
    fn taken(&mut self, stage: Stage, consumer: &str, items: u64) -> Vec<String> {
        let queue = self.keys.queue(stage);
        for seq in 0..items {
            let meta = format!("{RUN} {seq} 1 ff 0 0");
            self.ask(&["XADD", &queue, "*", "m", &meta, "i", "x"]);
        }
        self.take(stage, consumer, items)
    }

    fn take(&mut self, stage: Stage, consumer: &str, items: u64) -> Vec<String> {
        let queue = self.keys.queue(stage);
        let count = items.to_string();
        let answer = self.ask(&[
            "XREADGROUP",
            "GROUP",
            stage.name(),
            consumer,
            "COUNT",
            &count,
            "STREAMS",
            &queue,
            ">",
        ]);
        let stream = array(answer).into_iter().next().unwrap_or_default();
        let entries = array(stream).into_iter().nth(1).unwrap_or_default();
        let ids = array(entries)
            .into_iter()
            .map(|entry| text(array(entry).swap_remove(0)));
        ids.collect()
    }

    fn length(&mut self, stage: Stage) -> i64 {
        let queue = self.keys.queue(stage);
        self.number(&["XLEN", &queue])
    }

    fn count(&mut self, field: &str) -> i64 {
        let run = self.keys.run(RUN);
        match self.ask(&["HGET", &run, field]) {
            Value::Nil => 0,
            count => text(count).parse().unwrap(),
        }
    }

    /// Moves each of `ids` on as one item.
    fn move_on(&mut self, consumer: &str, capacity: &str, ids: &[String]) -> (i64, Vec<i64>) {
        let keys = [
            self.keys.queue(Upper),
            self.keys.queue(Sink),
            self.keys.run(RUN),
            self.keys.waiting(Sink),
            self.keys.waiting(Upper),
            self.keys.room(Upper),
        ];
        let mut arguments = vec!["upper", consumer, "upper", capacity, "1", "-", "+"];
        for id in ids {
            arguments.extend(["1", id, "1", "meta", "payload"]);
        }
        let mut answer = array(self.call(Script::Move, &keys, &arguments)).into_iter();
        let done = number(&answer.next().unwrap());
        let refused = array(answer.next().unwrap());
        (done, refused.iter().map(number).collect())
    }

    fn keep(&mut self, consumer: &str, silent: &str, idle: &str) -> i64 {
        let keys = [self.keys.queue(Upper)];
        let answer = self.call(Script::Keep, &keys, &["upper", consumer, silent, idle]);
        number(&answer)
    }

    /// The ids that `consumer` takes over, and how many went to the dead letters.
    fn claim(&mut self, consumer: &str, idle: &str, deliveries: &str) -> (Vec<String>, i64) {
        let keys = [self.keys.queue(Upper), self.keys.dead()];
        let runs = self.keys.runs();
        let arguments = [
            "upper", consumer, idle, "0-0", "100", deliveries, "upper", &runs,
        ];
        let mut answer = array(self.call(Script::Claim, &keys, &arguments)).into_iter();
        assert_eq!(text(answer.next().unwrap()), "0-0");
        let entries = array(answer.next().unwrap());
        let ids = entries
            .into_iter()
            .map(|entry| text(array(entry).swap_remove(0)));
        (ids.collect(), number(&answer.next().unwrap()))
    }

    /// How often an entry was delivered.
    fn deliveries(&mut self, id: &str) -> i64 {
        let queue = self.keys.queue(Upper);
        let pending = array(self.ask(&["XPENDING", &queue, "upper", id, id, "1"]));
        number(&array(pending.into_iter().next().unwrap())[3])
    }

    fn pass(&mut self, mark: &str) -> i64 {
        let keys = [
            self.keys.queue(Upper),
            self.keys.run(RUN),
            self.keys.queue(Sink),
        ];
        let arguments = ["upper", "one", mark, RUN, "upper", "source", "77", "100"];
        number(&self.call(Script::Pass, &keys, &arguments))
    }
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Nil => Vec::new(),
        value => panic!("{value:?} is no array"),
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        value => panic!("{value:?} is no number"),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).unwrap(),
        Value::SimpleString(text) => text,
        value => panic!("{value:?} is no text"),
    }
}

#[test]
fn a_move_takes_items_from_one_queue_to_the_next() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 3);

    let moved = steps.move_on("one", "10", &ids);

    assert_eq!(moved, (3, vec![]));
    assert_eq!((steps.length(Upper), steps.length(Sink)), (0, 3));
    assert_eq!((steps.count("upper.in"), steps.count("upper.out")), (3, 3));
    assert_eq!(
        steps.move_on("one", "10", &ids),
        (3, vec![1, 2, 3]),
        "again"
    );
    assert_eq!(steps.length(Sink), 3, "nothing is doubled");
}

#[test]
fn what_another_has_taken_over_is_not_moved() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "slow", 3);
    let queue = steps.keys.queue(Upper);
    steps.ask(&["XCLAIM", &queue, "upper", "other", "0", &ids[1]]);

    assert_eq!(steps.move_on("slow", "10", &ids), (3, vec![2]));
    assert_eq!(steps.move_on("other", "10", &ids[1..2]), (1, vec![]));

    assert_eq!((steps.length(Upper), steps.length(Sink)), (0, 3));
    assert_eq!(steps.count("upper.in"), 3);
}

#[test]
fn a_full_queue_takes_no_more_and_wakes_who_waits() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 5);

    assert_eq!(steps.move_on("one", "2", &ids), (2, vec![]));
    assert_eq!(steps.move_on("one", "2", &ids[2..]), (0, vec![]));

    assert_eq!(steps.length(Sink), 2, "never more than its capacity");
    let waiting = steps.keys.waiting(Sink);
    assert_eq!(steps.text(&["GET", &waiting]), "2");
    let taken = steps.take(Sink, "s", 2);
    let stored = store(&mut steps, "s", &taken);
    assert!(stored.is_empty());
    let room = steps.keys.room(Sink);
    assert_eq!(
        steps.number(&["LLEN", &room]),
        2,
        "a token for each that waits"
    );
    assert_eq!(steps.number(&["EXISTS", &waiting]), 0);
}

#[test]
fn what_is_more_than_a_queue_may_hold_goes_into_an_empty_one() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 1);
    let keys = [
        steps.keys.queue(Upper),
        steps.keys.queue(Sink),
        steps.keys.run(RUN),
        steps.keys.waiting(Sink),
        steps.keys.waiting(Upper),
        steps.keys.room(Upper),
    ];
    let arguments = [
        "upper", "one", "upper", "2", "1", "-", "+", "1", &ids[0], "3", "m", "a", "m", "b", "m",
        "c",
    ];

    steps.call(Script::Move, &keys, &arguments);

    assert_eq!(steps.length(Sink), 3);
}

/// Stores `ids` as items 0, 1 …; the numbers of those refused.
fn store(steps: &mut Steps, consumer: &str, ids: &[String]) -> Vec<i64> {
    let keys = [
        steps.keys.queue(Sink),
        steps.keys.run(RUN),
        steps.keys.seen(RUN),
        steps.keys.results(RUN),
        steps.keys.waiting(Sink),
        steps.keys.room(Sink),
    ];
    let count = ids.len().to_string();
    let numbers: Vec<String> = (0..ids.len()).map(|seq| seq.to_string()).collect();
    let mut arguments = vec!["sink", consumer, "1", "-", "+"];
    arguments.extend([count.as_str(), "4294967295", "7", "1", "2", "5"]);
    arguments.push(&count);
    arguments.extend(ids.iter().map(String::as_str));
    arguments.push(&count);
    arguments.extend(numbers.iter().map(String::as_str));
    arguments.extend(["0", "hello"]);
    array(steps.call(Script::Store, &keys, &arguments))
        .iter()
        .map(number)
        .collect()
}

#[test]
fn the_sink_counts_what_is_its_own_once() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Sink, "s", 3);
    let queue = steps.keys.queue(Sink);
    steps.ask(&["XCLAIM", &queue, "sink", "other", "0", &ids[2]]);

    assert_eq!(store(&mut steps, "s", &ids), [3]);
    assert_eq!(steps.count("sink.in"), 0, "nothing by halves");
    assert!(store(&mut steps, "s", &ids[..2]).is_empty());
    assert_eq!(store(&mut steps, "s", &ids), [1, 2, 3], "again");

    assert_eq!(steps.length(Sink), 1);
    for (field, count) in [
        ("sink.in", 2),
        ("sink.weight", 2),
        ("sink.tag.high", 4_294_967_295),
        ("sink.tag.low", 7),
        ("sink.content.high", 1),
        ("sink.content.low", 2),
        ("sink.bytes", 5),
        ("sink.doubled", 0),
    ] {
        assert_eq!(steps.count(field), count, "{field}");
    }
    let results = steps.keys.results(RUN);
    assert_eq!(steps.text(&["HGET", &results, "0"]), "hello");
    assert_eq!(steps.number(&["HLEN", &results]), 1);
    let seen = steps.keys.seen(RUN);
    assert_eq!(steps.number(&["BITCOUNT", &seen]), 2);
}

#[test]
fn an_item_that_comes_again_under_another_id_is_seen() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let first = steps.taken(Sink, "s", 2);
    store(&mut steps, "s", &first);
    let again = steps.taken(Sink, "s", 1);

    store(&mut steps, "s", &again);

    assert_eq!(steps.count("sink.doubled"), 1);
}

fn feed(steps: &mut Steps, first: &str, capacity: &str, items: usize) -> i64 {
    let keys = [
        steps.keys.queue(Upper),
        steps.keys.run(RUN),
        steps.keys.waiting(Upper),
    ];
    let mut arguments = vec![first, capacity];
    for _ in 0..items {
        arguments.extend(["m", "i"]);
    }
    number(&steps.call(Script::Feed, &keys, &arguments))
}

fn finish(steps: &mut Steps) -> i64 {
    let keys = [steps.keys.queue(Upper), steps.keys.run(RUN)];
    number(&steps.call(Script::Finish, &keys, &[RUN, "5"]))
}

#[test]
fn a_source_gives_each_item_once_and_only_where_there_is_room() {
    let Some(mut steps) = Steps::start() else {
        return;
    };

    assert_eq!(feed(&mut steps, "0", "5", 3), 3);
    assert_eq!(feed(&mut steps, "0", "5", 3), -1, "they are there");
    assert_eq!(feed(&mut steps, "3", "5", 9), 2);
    assert_eq!(feed(&mut steps, "5", "5", 9), 0);

    assert_eq!(steps.length(Upper), 5);
    assert_eq!(steps.count("source.out"), 5);
    let waiting = steps.keys.waiting(Upper);
    assert_eq!(steps.text(&["GET", &waiting]), "2");
}

#[test]
fn the_mark_is_set_off_once_and_no_item_comes_behind_it() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    feed(&mut steps, "0", "5", 1);

    assert_eq!((finish(&mut steps), finish(&mut steps)), (1, 0));

    assert_eq!(steps.length(Upper), 2);
    assert_eq!(feed(&mut steps, "1", "5", 1), -1);
}

#[test]
fn the_mark_waits_for_every_item_before_it() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    feed(&mut steps, "0", "5", 2);
    finish(&mut steps);
    let ids = steps.take(Upper, "one", 3);
    let mark = ids[2].clone();

    assert_eq!(steps.pass(&mark), 0, "two items are left");
    steps.move_on("one", "10", &ids[..1]);
    assert_eq!(steps.pass(&mark), 0, "one item is left");
    let run = steps.keys.run(RUN);
    steps.ask(&["HINCRBY", &run, "upper.dead", "1"]);
    assert_eq!(steps.pass(&mark), 1, "a dead letter is dealt with");
    assert_eq!(steps.pass(&mark), -1, "it is gone");

    assert_eq!(steps.length(Sink), 2, "the item and the mark");
    assert_eq!(steps.count("upper.done"), 77);
}

#[test]
fn only_what_nobody_has_touched_is_claimed() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 2);

    assert_eq!(steps.claim("two", "60000", "5"), (vec![], 0));
    assert_eq!(steps.claim("two", "0", "5"), (ids.clone(), 0));

    assert_eq!(steps.move_on("one", "10", &ids), (2, vec![1, 2]));
    assert_eq!(steps.move_on("two", "10", &ids), (2, vec![]));
}

#[test]
fn a_sign_of_life_keeps_items_and_giving_back_lets_go_of_them() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 2);

    assert_eq!(steps.keep("one", "60000", "0"), 0, "just touched");
    assert_eq!(steps.keep("one", "0", "0"), 2);
    assert_eq!(steps.claim("two", "60000", "5"), (vec![], 0));
    assert_eq!(steps.keep("one", "0", "86400000"), 2, "given back");
    assert_eq!(steps.claim("two", "60000", "5"), (ids.clone(), 0));

    assert_eq!(
        steps.keep("one", "0", "0"),
        0,
        "what is another's is not taken back"
    );
    assert_eq!(steps.deliveries(&ids[0]), 2, "only the claim counts");
}

#[test]
fn what_was_claimed_too_often_is_a_dead_letter() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 1);
    assert_eq!(steps.claim("two", "0", "2"), (ids, 0));

    assert_eq!(steps.claim("three", "0", "2"), (vec![], 1));

    assert_eq!((steps.length(Upper), steps.count("upper.dead")), (0, 1));
    let dead = steps.keys.dead();
    let letters = array(steps.ask(&["XRANGE", &dead, "-", "+"]));
    let fields: Vec<String> = array(array(letters[0].clone()).swap_remove(1))
        .into_iter()
        .map(text)
        .collect();
    assert_eq!(fields[..4], ["stage", "upper", "run", RUN]);
    assert!(fields[7].contains("lost 2 times"), "{fields:?}");
}

#[test]
fn reading_again_what_is_ones_own_counts_as_nothing() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 2);
    steps.taken(Upper, "two", 1);
    let keys = [steps.keys.queue(Upper)];

    let own = array(steps.call(Script::Recover, &keys, &["upper", "one"]));

    let own: Vec<String> = own
        .into_iter()
        .map(|entry| text(array(entry).swap_remove(0)))
        .collect();
    assert_eq!(own, ids);
    assert_eq!(steps.deliveries(&ids[0]), 1);
}

#[test]
fn a_letter_comes_from_its_owner_alone_and_can_go_back() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.taken(Upper, "one", 1);
    let keys = [
        steps.keys.queue(Upper),
        steps.keys.dead(),
        steps.keys.run(RUN),
        steps.keys.waiting(Upper),
        steps.keys.room(Upper),
    ];
    let of = |consumer: &'static str| {
        let id: &str = &ids[0];
        [
            "upper", consumer, id, "upper", RUN, "3", "why", "meta", "payload", "1",
        ]
        .map(str::to_owned)
    };
    let bury = |consumer: &'static str, steps: &mut Steps| {
        let arguments = of(consumer);
        let arguments = arguments.each_ref().map(String::as_str);
        number(&steps.call(Script::Bury, &keys, &arguments))
    };

    assert_eq!(bury("two", &mut steps), 0);
    assert_eq!(bury("one", &mut steps), 1);
    assert_eq!(bury("one", &mut steps), 0);
    assert_eq!((steps.length(Upper), steps.count("upper.dead")), (0, 1));

    let dead = steps.keys.dead();
    let letters = array(steps.ask(&["XRANGE", &dead, "-", "+"]));
    let letter = text(array(letters[0].clone()).swap_remove(0));
    let back = [dead, steps.keys.queue(Upper), steps.keys.run(RUN)];
    let mut retry = || number(&steps.call(Script::Retry, &back, &[&letter, "upper"]));
    assert_eq!((retry(), retry()), (1, 0));
    assert_eq!((steps.length(Upper), steps.count("upper.dead")), (1, 0));
}

#[test]
fn only_consumers_that_own_nothing_are_swept() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    steps.taken(Upper, "busy", 1);
    let queue = steps.keys.queue(Upper);
    steps.ask(&["XGROUP", "CREATECONSUMER", &queue, "upper", "gone"]);
    let keys = [queue.clone()];
    let mut sweep = |after: &str| number(&steps.call(Script::Sweep, &keys, &["upper", after]));

    assert_eq!(sweep("60000"), 0, "not gone for so long");
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(sweep("0"), 1);

    let left = array(steps.ask(&["XINFO", "CONSUMERS", &queue, "upper"]));
    assert_eq!(left.len(), 1, "{left:?}");
}
