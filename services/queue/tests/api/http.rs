//! Jobs over HTTP: accepted, waited for, cancelled, listed, dead; and what cannot be.

use crate::running::{Running, Setup, eventually};
use reqwest::Method;
use serde_json::{Value, json};

fn job(kind: &str, data: &Value) -> Value {
    json!({"type": kind, "data": data})
}

fn asleep() -> Value {
    job("sleep", &json!({"seconds": 600}))
}

/// Waits until the job is there.
fn reaches(running: &Running, path: &str, state: &str) {
    eventually(state, || {
        let job = running.get(path);
        (job.body["state"] == state).then_some(())
    });
}

#[test]
fn a_job_is_accepted_done_and_told_of() {
    let running = Running::start();

    let accepted = running.post("/jobs", &job("fibonacci", &json!({"n": 20})));

    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(accepted.body["existing"], false);
    let path = accepted.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/jobs/{}", accepted.id()));
    let result = running.get(&format!("{path}/result?wait=60s"));
    assert_eq!(result.status, 200, "{result:?}");
    assert_eq!(result.body["state"], "succeeded");
    assert_eq!(result.body["result"], json!({"n": 20, "value": 6765}));
    let told = running.get(&path);
    assert_eq!(
        (told.status, &told.body["type"]),
        (200, &json!("fibonacci"))
    );
    assert_eq!(told.body["payload"], json!({"n": 20}));
}

#[test]
fn who_waits_too_short_is_told_how_far_it_is() {
    let running = Running::start();
    let id = running.post("/jobs", &asleep()).id();

    for wait in ["", "?wait=50ms", "?wait=0.05", "?wait=0"] {
        let result = running.get(&format!("/jobs/{id}/result{wait}"));

        assert_eq!(result.status, 202, "{wait}: {result:?}");
        assert_eq!(result.body["result"], Value::Null);
    }
}

#[test]
fn a_key_makes_two_requests_one_job_and_never_two_jobs_one() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let body = json!({"type": "noop", "data": {"a": 1}, "idempotency_key": "k"});
    let other = json!({"type": "noop", "data": {"a": 2}, "idempotency_key": "k"});

    let first = running.post("/jobs", &body);
    let second = running.post("/jobs", &body);
    let third = running.post("/jobs", &other);

    assert_eq!((first.status, second.status), (202, 200), "{second:?}");
    assert_eq!(
        (first.id(), &second.body["existing"]),
        (second.id(), &json!(true))
    );
    assert_eq!(third.status, 409, "{third:?}");
    assert_eq!(third.body["id"], first.id());
    assert_eq!(running.get("/queue").body["waiting"], 1);
}

#[test]
fn a_batch_is_accepted_whole_or_not_at_all() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let good = vec![job("noop", &json!({})); 1000];
    let mut bad = good.clone();
    bad[7] = json!({"type": "noop", "priority": 11});

    let refused = running.post("/jobs/batch", &json!({"jobs": bad}));
    let accepted = running.post("/jobs/batch", &json!({"jobs": good}));

    assert_eq!(
        (refused.status, &refused.body["field"]),
        (422, &json!("jobs[7].priority"))
    );
    assert_eq!(accepted.status, 202);
    let jobs = accepted.body["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1000);
    assert_eq!(running.get("/queue").body["waiting"], 1000);
    for jobs in [json!([]), json!(vec![job("noop", &json!({})); 1001])] {
        let refused = running.post("/jobs/batch", &json!({"jobs": jobs}));
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (422, &json!("jobs"))
        );
    }
}

#[test]
fn a_job_can_be_cancelled_once() {
    let running = Running::start();
    let id = running.post("/jobs", &asleep()).id();
    let path = format!("/jobs/{id}");
    reaches(&running, &path, "active");

    let cancelled = running.delete(&path);
    let again = running.delete(&path);

    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(
        cancelled.body,
        json!({"id": id, "state": "cancelled", "was": "active"})
    );
    assert_eq!(
        (again.status, &again.body["state"]),
        (409, &json!("cancelled"))
    );
    let result = running.get(&format!("{path}/result?wait=60s"));
    assert_eq!(
        (result.status, &result.body["state"]),
        (200, &json!("cancelled"))
    );
}

#[test]
fn jobs_are_listed_in_pages_by_state_and_type() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let jobs: Vec<Value> = (0..25)
        .map(|n| job(if n % 5 == 0 { "panic" } else { "noop" }, &json!({})))
        .collect();
    running.post("/jobs/batch", &json!({"jobs": jobs}));

    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = running.get(&format!("/jobs?state=ready&type=noop&limit=3{after}"));
        assert_eq!(page.status, 200, "{page:?}");
        let jobs = page.body["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 3);
        found.extend(
            jobs.iter()
                .map(|job| job["id"].as_str().unwrap().to_owned()),
        );
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }

    assert_eq!(found.len(), 20);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 20, "no job is on two pages");
    let none = running.get("/jobs?state=dead");
    assert_eq!(none.body["jobs"], json!([]));
}

#[test]
fn dead_jobs_are_listed_retried_and_dropped() {
    let running = Running::start();
    let unknown = running.post("/jobs", &job("nonsense", &json!({})));
    assert_eq!(
        (unknown.status, &unknown.body["state"]),
        (202, &json!("dead"))
    );
    let fails = json!({"type": "fail", "data": {"times": 1}, "attempts": 1});
    let fails = running.post("/jobs", &fails).id();
    reaches(&running, &format!("/jobs/{fails}"), "dead");

    let dead = running.get("/dead");

    let jobs = dead.body["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2, "{dead:?}");
    let why = |id: &str| {
        let job = jobs.iter().find(|job| job["id"] == id).unwrap();
        job["error"].as_str().unwrap().to_owned()
    };
    assert!(why(&unknown.id()).contains("unknown type"), "{dead:?}");
    assert!(why(&fails).contains("as asked"), "{dead:?}");
    let ids = json!({"ids": [unknown.id()]});
    let dropped = running.post("/dead/drop", &ids);
    assert_eq!((dropped.status, &dropped.body["dropped"]), (200, &json!(1)));
    let again = running.post("/dead/drop", &ids);
    assert_eq!((again.status, &again.body["dropped"]), (200, &json!(0)));
    let retried = running.post("/dead/retry", &json!({"all": true}));
    assert_eq!((retried.status, &retried.body["retried"]), (200, &json!(1)));
    for chosen in [json!({}), json!({"ids": []}), json!({"all": false})] {
        let refused = running.post("/dead/drop", &chosen);
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (422, &json!("ids")),
            "{chosen}"
        );
    }
}

#[test]
fn the_queues_figures_add_up() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    for priority in [0, 5, 5, 9] {
        running.post("/jobs", &json!({"type": "noop", "priority": priority}));
    }
    running.post("/jobs", &json!({"type": "noop", "delay_seconds": 600}));

    let figures = eventually("the figures are read anew", || {
        let figures = running.get("/queue").body;
        (figures["waiting"] == 5).then_some(figures)
    });

    assert_eq!(
        figures["by_priority"],
        json!([1, 0, 0, 0, 0, 2, 0, 0, 0, 1])
    );
    assert_eq!(figures["by_state"]["scheduled"], 1);
    assert_eq!(figures["totals"]["submitted"], 5);
    assert_eq!(figures["depth_limit"], 1_000_000);
    assert!(figures["oldest_seconds"].is_number(), "{figures}");
    assert!(figures["workers"].is_array());
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let noop = |field: &str, value: &str| format!(r#"{{"type":"noop","{field}":{value}}}"#);
    for (body, status, field) in [
        (noop("priority", "11"), 422, "priority"),
        (noop("priority", "-1"), 422, "priority"),
        (noop("priority", "5.5"), 422, "priority"),
        (noop("delay_seconds", "-1"), 422, "delay_seconds"),
        (noop("delay_seconds", "1e300"), 422, "delay_seconds"),
        (noop("run_at", "-5"), 422, "run_at"),
        (noop("attempts", "0"), 422, "attempts"),
        (noop("timeout_seconds", "0"), 422, "timeout_seconds"),
        (noop("priorty", "5"), 422, "priorty"),
        (
            r#"{"type":"fibonacci","data":{"n":1000000000}}"#.into(),
            422,
            "data",
        ),
        (
            r#"{"type":"fibonacci","data":{"n":-1}}"#.into(),
            422,
            "data",
        ),
        (
            r#"{"type":"fibonacci","data":{"n":30,"n":31}}"#.into(),
            422,
            "data",
        ),
        (r#"{"type":"noop","type":"panic"}"#.into(), 422, ""),
        (r#"{"type":""}"#.into(), 422, "type"),
        (r#"{"type":5}"#.into(), 422, "type"),
        ("{}".into(), 422, "type"),
        ("[]".into(), 422, ""),
        ("null".into(), 422, ""),
        (String::new(), 400, ""),
        ("{".into(), 400, ""),
        (
            format!(
                r#"{{"type":"noop","data":{}}}"#,
                "[".repeat(70) + &"]".repeat(70)
            ),
            422,
            "",
        ),
        ("[".repeat(100_000), 422, ""),
        (
            format!(r#"{{"type":"noop","data":"{}"}}"#, "x".repeat(70_000)),
            422,
            "data",
        ),
    ] {
        let shown: String = body.chars().take(80).collect();
        let refused = running.post_text("/jobs", body);

        assert_eq!(refused.status, status, "{shown}: {refused:?}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
        if !field.is_empty() {
            assert_eq!(refused.body["field"], field, "{shown}: {refused:?}");
        }
    }
    for path in [
        "/jobs/x",
        "/jobs/-1",
        "/jobs/1/result?wait=2h",
        "/jobs/1/result?wait=-1",
        "/jobs/1/result?wait=soon",
        "/jobs?state=raedy",
        "/jobs?limit=0",
        "/jobs?limit=1001",
    ] {
        assert_eq!(running.get(path).status, 422, "{path}");
    }
    let state = running.get("/jobs?state=raedy").body;
    assert_eq!(
        (&state["field"], &state["nearest"]),
        (&json!("state"), &json!("ready"))
    );
    for path in ["/jobs/999999", "/jobs/999999/result", "/nothing"] {
        assert_eq!(running.get(path).status, 404, "{path}");
    }
    assert_eq!(running.delete("/jobs/999999").status, 404);
    // The answer comes before the body is read, and a client that still writes may
    // find the connection closed instead.
    eventually("10 MiB are too much", || {
        let request = running
            .request(Method::POST, "/jobs")
            .body("x".repeat(10 << 20));
        let request = request.header("content-type", "application/json");
        let answer = running.runtime.block_on(async { request.send().await });
        let answer = answer.ok()?;
        assert_eq!(answer.status(), 413);
        Some(())
    });
    let unsaid = running.request(Method::POST, "/jobs").body("{}");
    assert_eq!(running.answer(unsaid).status, 415);
    assert_eq!(running.get("/queue").body["totals"]["submitted"], 0);
}

#[test]
fn the_description_and_its_page_are_there() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });

    let document = running.get("/openapi.json").body;

    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for path in [
        "/tasks",
        "/tasks/",
        "/jobs/{id}/result",
        "/dead/retry",
        "/events",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let page = running.get("/docs");
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    for file in page
        .text
        .split('"')
        .filter(|text| text.starts_with("docs/"))
    {
        let file = running.get(&format!("/{file}"));
        assert_eq!(file.status, 200, "{file:?}");
    }
    assert!(running.get("/docs/licence.txt").text.contains("SmartBear"));
}
