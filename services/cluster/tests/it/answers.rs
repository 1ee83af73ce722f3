//! What is answered to well-formed requests.

use crate::served::Cluster;
use crate::wire::ask;

#[test]
fn the_root_answers_as_in_the_course() {
    let cluster = Cluster::start("--workers 2");
    let seen = cluster.get("/");
    assert_eq!(seen.status, 200);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("x-replica").unwrap().starts_with("test-"));
    let worker = seen.json()["worker"].as_u64().unwrap() as u32;
    assert!(cluster.workers().contains(&worker));
    let expected =
        format!("{{\"message\":\"Hello World\",\"worker\":{worker},\"result\":49999995000000}}");
    assert_eq!(seen.text(), expected);
}

#[test]
fn work_is_what_is_asked_for() {
    let cluster = Cluster::start("--workers 1 --work 5 --max-work 2e5");
    let result = |path: &str| cluster.get(path).json()["result"].as_u64();
    assert_eq!(result("/"), Some(10));
    assert_eq!(result("/?work=0"), Some(0));
    assert_eq!(result("/?work=1"), Some(0));
    assert_eq!(result("/?other=1&work=4"), Some(6));
    assert_eq!(result("/?work=1e5"), Some(4_999_950_000));
    assert_eq!(result("/?work=200000"), Some(19_999_900_000));
}

#[test]
fn work_that_cannot_be_is_refused_with_a_problem() {
    let cluster = Cluster::start("--workers 1 --max-work 1000");
    for (path, status) in [
        ("/?work=1001", 422),
        ("/?work=1e15", 422),
        ("/?work=x", 400),
        ("/?work=", 400),
        ("/?work=-1", 400),
        ("/?work=1.5", 400),
        ("/?work=99999999999999999999999", 400),
        ("/?work=1&work=2", 400),
    ] {
        let seen = cluster.get(path);
        assert_eq!(seen.status, status, "{path}: {seen:?}");
        assert_eq!(
            seen.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(seen.json()["field"], "work");
        assert_eq!(seen.json()["status"], status);
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let cluster = Cluster::start("--workers 1");
    let seen = cluster.get("/nowhere");
    assert_eq!(seen.status, 404);
    assert!(seen.text().contains("/info"), "{seen:?}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let seen = ask(cluster.http(), method, "/?work=1", "", b"");
        assert_eq!(seen.status, 405, "{method}");
        assert_eq!(seen.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn head_is_answered_as_get_without_a_body() {
    let cluster = Cluster::start("--workers 1");
    let got = cluster.get("/?work=7");
    let head = ask(cluster.http(), "HEAD", "/?work=7", "", b"");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), got.header("content-length"));
    assert!(head.body.is_empty());
}

#[test]
fn info_tells_about_the_family_whoever_answers() {
    let cluster = Cluster::start("--workers 3 --work 0");
    for _ in 0..10 {
        cluster.get("/");
    }
    crate::served::eventually("what was served is known", || {
        let info = cluster.get("/info").json();
        (info["served"].as_u64()? >= 10).then_some(())
    });
    let info = cluster.get("/info").json();
    assert_eq!(info["master"], cluster.pid());
    assert_eq!(info["strategy"], "inherit");
    assert_eq!(info["restarts"], 0);
    let workers = info["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 3);
    assert!(workers.iter().all(|worker| worker["state"] == "serving"));
    assert!(
        workers
            .iter()
            .all(|worker| worker["age_seconds"].as_f64() > Some(0.0))
    );
}

#[test]
fn workers_with_threads_serve_alike() {
    let cluster = Cluster::start("--workers 2 --threads 3 --strategy reuseport");
    for _ in 0..20 {
        assert_eq!(
            cluster.get("/?work=300000").json()["result"],
            44_999_850_000_u64
        );
    }
    let info = cluster.family();
    assert_eq!(info["threads"], 3);
    assert_eq!(info["strategy"], "reuseport");
}
