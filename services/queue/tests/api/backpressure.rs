//! A queue that is full, and one whose store is away.

use crate::running::{Running, Setup, eventually};
use crate::websocket::Client;
use queue::queue::{Limits, Queue};
use queue::store::redis::Server;
use redis_link::Address;
use reqwest::Method;
use serde_json::json;
use serving::RedisServer;

fn retry_after(answer: &crate::running::Answer) -> u64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn a_full_queue_sends_clients_away_until_there_is_room() {
    let running = Running::with(Setup {
        workers: 0,
        depth: 10,
        ..Setup::default()
    });
    let noop = json!({"type": "noop"});
    let mut client = Client::of(&running);
    let first = running.post("/jobs", &noop).id();
    for _ in 1..10 {
        assert_eq!(running.post("/jobs", &noop).status, 202);
    }

    for (path, body) in [
        ("/jobs", noop.clone()),
        ("/jobs/batch", json!({"jobs": [noop]})),
        ("/tasks", json!({"any": "thing"})),
        ("/tasks/", json!({"name": "a", "duration": 1})),
    ] {
        let refused = running.post(path, &body);

        assert_eq!(refused.status, 429, "{path}: {refused:?}");
        assert!((1..=60).contains(&retry_after(&refused)), "{refused:?}");
        assert_eq!(refused.body["limit"], 10);
    }
    assert_eq!(running.get("/heavy-computation").status, 429);
    client.say(&json!({"command": "submit_job", "task_type": "noop", "ref": 1}));
    let refused = client.until("error");
    assert_eq!(
        (&refused["status"], &refused["ref"]),
        (&json!(429), &json!(1))
    );
    assert!(
        refused["retry_after_seconds"].as_u64() >= Some(1),
        "{refused}"
    );
    running.delete(&format!("/jobs/{first}"));
    assert_eq!(running.post("/jobs", &noop).status, 202);
    eventually("the figures are read anew", || {
        let submitted = &running.get("/queue").body["totals"]["submitted"];
        (*submitted == 11).then_some(())
    });
}

#[test]
fn a_batch_that_does_not_fit_is_refused_whole() {
    let running = Running::with(Setup {
        workers: 0,
        depth: 10,
        ..Setup::default()
    });
    let jobs = |count| json!({"jobs": vec![json!({"type": "noop"}); count]});

    assert_eq!(running.post("/jobs/batch", &jobs(11)).status, 429);
    assert_eq!(running.post("/jobs/batch", &jobs(10)).status, 202);
}

#[test]
fn while_redis_is_away_nothing_is_accepted_and_everybody_is_told() {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let server = Server::new(Address::new(&redis.url(), None, "QUEUE").unwrap(), "away");
    let queue = Queue::over_redis(server, Limits { depth: 1000 }).unwrap();
    let running = Running::serving(queue, None, Setup::default());
    let mut client = Client::of(&running);
    let id = eventually("Redis is there", || {
        let accepted = running.post("/jobs", &json!({"type": "noop"}));
        (accepted.status == 202).then(|| accepted.id())
    });

    redis.crash();

    assert_eq!(client.until("away")["type"], "away");
    let body = json!({"type": "noop", "idempotency_key": "k"});
    for request in [
        running.request(Method::POST, "/jobs").json(&body),
        running.request(Method::POST, "/tasks").json(&body),
        running.request(Method::GET, &format!("/jobs/{id}")),
        running.request(Method::GET, &format!("/jobs/{id}/result?wait=1s")),
        running.request(Method::DELETE, &format!("/jobs/{id}")),
        running.request(Method::GET, "/queue"),
        running.request(Method::GET, "/dead"),
        running.request(Method::GET, "/heavy-computation"),
    ] {
        let refused = running.answer(request);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(retry_after(&refused) >= 1);
    }
    client.say(&json!({"command": "submit_job", "task_type": "noop", "ref": "r"}));
    let refused = client.until("error");
    assert_eq!(
        (&refused["status"], &refused["ref"]),
        (&json!(503), &json!("r"))
    );

    redis.run();

    client.until("back");
    let accepted = eventually("jobs are accepted again", || {
        let accepted = running.post("/jobs", &body);
        (accepted.status < 300).then_some(accepted)
    });
    assert_eq!(
        running.get(&format!("/jobs/{id}")).status,
        200,
        "it was kept"
    );
    assert_eq!(running.post("/jobs", &body).id(), accepted.id());
}
