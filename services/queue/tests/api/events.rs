//! `/events`: none is missed, not by those who come back either.

use crate::running::{DEADLINE, Running, Setup};
use reqwest::Method;
use serde_json::{Value, json};

/// An event as it was sent.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    id: String,
    name: String,
    data: Value,
}

/// Reads events until `enough` says so.
fn read(
    running: &Running,
    path: &str,
    last: Option<&str>,
    act: impl FnOnce(),
    enough: impl Fn(&[Sent]) -> bool,
) -> Vec<Sent> {
    let mut request = running.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut answer = running
        .runtime
        .block_on(async { request.send().await.unwrap() });
    assert_eq!(answer.status(), 200);
    act();
    let (mut text, mut sent) = (String::new(), Vec::new());
    running.runtime.block_on(async {
        while !enough(&sent) {
            let chunk = tokio::time::timeout(DEADLINE, answer.chunk()).await;
            let chunk = chunk.expect("in time").unwrap().expect("more comes");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                sent.extend(parsed(event));
                text = rest.into();
            }
        }
    });
    sent
}

fn parsed(event: &str) -> Option<Sent> {
    let field = |name: &str| {
        event
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    Some(Sent {
        id: field("id")?.to_owned(),
        name: field("event")?.to_owned(),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}

fn has_ended(id: &str) -> impl Fn(&[Sent]) -> bool {
    let id = id.to_owned();
    move |sent| {
        sent.iter()
            .any(|sent| sent.data["id"] == *id && sent.data["state"] == "succeeded")
    }
}

#[test]
fn a_jobs_way_is_told_and_who_comes_back_misses_nothing() {
    let running = Running::start();
    let submit = || {
        running
            .post("/jobs", &json!({"type": "fibonacci", "data": {"n": 5}}))
            .id()
    };
    let first = std::cell::RefCell::new(String::new());

    let sent = read(
        &running,
        "/events",
        None,
        || *first.borrow_mut() = submit(),
        |sent| has_ended(&first.borrow())(sent),
    );

    let states: Vec<&Value> = sent
        .iter()
        .filter(|s| s.name == "state")
        .map(|s| &s.data["state"])
        .collect();
    assert_eq!(states, ["ready", "active", "succeeded"]);
    assert!(
        sent.iter()
            .all(|s| s.data["seq"] == s.id && s.data["type"] == "fibonacci")
    );
    let others: Vec<String> = (0..20).map(|_| submit()).collect();
    running.get(&format!("/jobs/{}/result?wait=60s", others[19]));
    let last = sent[0].id.as_str();
    let missed = read(
        &running,
        "/events",
        Some(last),
        || {},
        |sent| others.iter().all(|id| has_ended(id)(sent)),
    );
    assert_eq!(missed[0], sent[1]);
    let mut ids: Vec<&str> = missed.iter().map(|sent| sent.id.as_str()).collect();
    let told = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), told, "none is told twice");
}

#[test]
fn events_of_one_job_or_type_are_told_alone() {
    let running = Running::start();
    let noop = || running.post("/jobs", &json!({"type": "noop"})).id();
    let sleep = running
        .post("/jobs", &json!({"type": "sleep", "data": {"seconds": 0.3}}))
        .id();

    let sent = read(
        &running,
        &format!("/events?id={sleep}"),
        None,
        || {
            noop();
        },
        has_ended(&sleep),
    );

    assert!(sent.iter().all(|sent| sent.data["id"] == sleep), "{sent:?}");
    for path in ["/events?id=x", "/events?nothing=1"] {
        assert!((400..=422).contains(&running.get(path).status), "{path}");
    }
    let request = running
        .request(Method::GET, "/events")
        .header("last-event-id", "x");
    assert_eq!(running.answer(request).status, 422);
}

#[test]
fn listeners_do_not_hold_the_service_back() {
    let mut running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let request = running.request(Method::GET, "/events");
    let answer = running
        .runtime
        .block_on(async { request.send().await.unwrap() });
    assert_eq!(answer.status(), 200);

    running.end().unwrap();
}
