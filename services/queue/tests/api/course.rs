//! What the course's programs send.

use crate::running::{Running, Setup, eventually};
use serde_json::json;
use std::time::Instant;

#[test]
fn any_json_is_a_task() {
    let running = Running::start();
    for body in [
        json!({"anything": [1, "two", null]}),
        json!([]),
        json!("text"),
        json!(17),
        json!(null),
    ] {
        let queued = running.post("/tasks", &body);

        assert_eq!(queued.status, 202, "{queued:?}");
        assert_eq!(queued.body["status"], "queued");
        let path = format!("/jobs/{}", queued.id());
        let result = running.get(&format!("{path}/result?wait=60s"));
        assert_eq!(result.body["state"], "succeeded", "{result:?}");
        assert_eq!(running.get(&path).body["payload"], body);
    }
}

#[test]
fn a_task_that_names_a_type_is_such_a_job() {
    let running = Running::start();
    let body = json!({"task_type": "calcular_fibonacci", "data": {"n": 10}});

    let queued = running.post("/tasks", &body);

    let result = running.get(&format!("/jobs/{}/result?wait=60s", queued.id()));
    assert_eq!(result.body["result"]["value"], 55, "{result:?}");
    let refused = json!({"task_type": "calcular_fibonacci", "data": {"n": 1_000_000_000}});
    let refused = running.post("/tasks", &refused);
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (422, &json!("data"))
    );
}

#[test]
fn a_named_task_is_queued_and_takes_its_time() {
    let running = Running::start();

    let queued = running.post("/tasks/", &json!({"name": "report", "duration": 0.2}));

    assert_eq!(queued.status, 202, "{queued:?}");
    assert_eq!(queued.body["message"], "Task report queued");
    let began = Instant::now();
    let result = running.get(&format!("/jobs/{}/result?wait=60s", queued.id()));
    assert_eq!(result.body["state"], "succeeded");
    assert!(began.elapsed().as_secs_f64() > 0.1);
    for (body, field) in [
        (json!({"name": "report"}), "duration"),
        (json!({"duration": 1}), "name"),
        (json!({"name": "", "duration": 1}), "name"),
        (json!({"name": "report", "duration": -1}), "duration"),
        (json!({"name": "report", "duration": 1e9}), "duration"),
        (json!({"name": "report", "duration": 1, "more": 1}), "more"),
    ] {
        let refused = running.post("/tasks/", &body);
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (422, &json!(field)),
            "{body}"
        );
    }
}

#[test]
fn the_sums_keep_their_digits_and_others_are_answered_meanwhile() {
    let running = Running::start();
    let sums = running.runtime.spawn({
        let request = running.request(reqwest::Method::GET, "/heavy-computation");
        async { request.send().await }
    });
    eventually("the sums are under way", || {
        let jobs = running.get("/jobs?type=sum_squares").body;
        (jobs["jobs"].as_array()?.len() == 4).then_some(())
    });
    assert_eq!(running.get("/queue").status, 200);

    let answer = running.runtime.block_on(async {
        let answer = sums.await.unwrap().unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    });

    let sum = "333333283333335000000";
    assert_eq!(
        answer,
        (200, format!(r#"{{"results":[{sum},{sum},{sum},{sum}]}}"#))
    );
}

#[test]
fn who_goes_away_leaves_no_sums_behind() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let sums = running.runtime.spawn({
        let request = running.request(reqwest::Method::GET, "/heavy-computation");
        async { request.send().await }
    });
    let count = |state: &str| running.get("/queue").body["by_state"][state].as_u64();
    eventually("the sums wait", || {
        (count("ready") == Some(4)).then_some(())
    });

    sums.abort();

    eventually("they are cancelled", || {
        (count("cancelled") == Some(4)).then_some(())
    });
}
