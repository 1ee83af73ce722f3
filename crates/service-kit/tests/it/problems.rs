//! Every error answer is a whole problem, with the request's id.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use reqwest::{Client, Response};
use serde::Deserialize;
use service_kit::problem::{Json, MEDIA_TYPE, Problem};
use service_kit::server::{REQUEST_ID_HEADER, RequestId};

use crate::running::Running;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    limit: u64,
}

async fn panics() -> &'static str {
    panic!("a secret invariant")
}

fn routes() -> Router {
    Router::new()
        .route(
            "/run",
            post(|Json(job): Json<Job>| async move { job.limit.to_string() }),
        )
        .route(
            "/number/{n}",
            get(|Path(n): Path<u32>| async move { n.to_string() }),
        )
        .route(
            "/busy",
            get(|| async {
                Problem::new(StatusCode::CONFLICT, "a run is going on").with("progress", 0.5)
            }),
        )
        .route(
            "/broken",
            get(|| async {
                Err::<(), Problem>(anyhow::anyhow!("cannot open /secret/path").into())
            }),
        )
        .route(
            "/bare-500",
            get(|| async {
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot open /secret/path",
                )
            }),
        )
        .route("/panic", get(panics))
        .route(
            "/own-404",
            get(|| async { (StatusCode::NOT_FOUND, "no such run") }),
        )
        .route(
            "/own-json",
            get(|| async {
                (
                    StatusCode::BAD_GATEWAY,
                    axum::Json(serde_json::json!({"upstream": "gone"})),
                )
            }),
        )
        .route(
            "/id",
            get(|id: RequestId| async move { id.as_str().to_owned() }),
        )
}

/// The problem in `answer`, whose wrapping must be right too.
async fn problem(answer: Response) -> Problem {
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!(headers["content-type"], MEDIA_TYPE);
    assert_eq!(problem.status, status);
    assert_eq!(
        problem.members["request_id"],
        headers[REQUEST_ID_HEADER].to_str().unwrap()
    );
    assert!(problem.instance.is_some());
    problem
}

#[tokio::test]
async fn unknown_paths_and_methods_are_named() {
    let server = Running::new(routes()).await;

    let missing = problem(reqwest::get(server.url("/nowhere")).await.unwrap()).await;
    let answer = reqwest::get(server.url("/run")).await.unwrap();
    let allow = answer.headers()["allow"].clone();
    let wrong_method = problem(answer).await;

    assert_eq!(missing.status, 404);
    assert_eq!(missing.detail.unwrap(), "nothing is served at /nowhere");
    assert_eq!(allow, "POST");
    assert_eq!(wrong_method.status, 405);
    assert_eq!(wrong_method.detail.unwrap(), "/run takes POST, not GET");
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_explained() {
    let server = Running::new(routes()).await;
    let client = Client::new();
    let send = |body: &'static str, media_type: &'static str| {
        let request = client.post(server.url("/run")).body(body);
        async move {
            let answer = request.header("content-type", media_type).send().await;
            problem(answer.unwrap()).await
        }
    };

    let not_json = send("limit=1", "application/x-www-form-urlencoded").await;
    let broken = send("{", "application/json").await;
    let misspelt = send(r#"{"limt": 1}"#, "application/json").await;

    assert_eq!(not_json.status, 415);
    assert_eq!(broken.status, 400);
    assert_eq!(misspelt.status, 422);
    assert_eq!(misspelt.members["nearest"], "limit");
    server.stop().await;
}

#[tokio::test]
async fn rejections_by_axum_itself_become_problems() {
    let server = Running::new(routes()).await;

    let found = problem(reqwest::get(server.url("/number/x")).await.unwrap()).await;

    assert_eq!(found.status, 400);
    assert!(found.detail.unwrap().contains('x'));
    server.stop().await;
}

#[tokio::test]
async fn a_handlers_own_answer_keeps_what_it_says() {
    let server = Running::new(routes()).await;

    let busy = problem(reqwest::get(server.url("/busy")).await.unwrap()).await;
    let own_404 = problem(reqwest::get(server.url("/own-404")).await.unwrap()).await;
    let own_json = reqwest::get(server.url("/own-json")).await.unwrap();

    assert_eq!(busy.detail.unwrap(), "a run is going on");
    assert_eq!(busy.members["progress"], 0.5);
    assert_eq!(own_404.detail.unwrap(), "no such run");
    assert_eq!(own_json.status(), 502);
    assert_eq!(own_json.headers()["content-type"], "application/json");
    server.stop().await;
}

#[tokio::test]
async fn internals_and_panics_never_leave_the_service() {
    let server = Running::new(routes()).await;

    for path in ["/broken", "/bare-500", "/panic"] {
        let found = problem(reqwest::get(server.url(path)).await.unwrap()).await;

        assert_eq!(found.status, 500, "{path}");
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("secret"), "{path}: {text}");
    }
    let alive = reqwest::get(server.url("/number/7")).await.unwrap();
    assert_eq!(alive.text().await.unwrap(), "7");
    server.stop().await;
}

#[tokio::test]
async fn a_clients_request_id_comes_back_and_reaches_the_handler() {
    let server = Running::new(routes()).await;

    let answer = Client::new()
        .get(server.url("/id"))
        .header(REQUEST_ID_HEADER, "lab-7.3")
        .send()
        .await
        .unwrap();

    assert_eq!(answer.headers()[REQUEST_ID_HEADER], "lab-7.3");
    assert_eq!(answer.text().await.unwrap(), "lab-7.3");
    server.stop().await;
}

#[tokio::test]
async fn a_missing_or_harmful_request_id_is_replaced_by_a_new_one() {
    let server = Running::new(routes()).await;
    let client = Client::new();
    let id_for = |given: Option<&'static str>| {
        let mut request = client.get(server.url("/id"));
        if let Some(given) = given {
            request = request.header(REQUEST_ID_HEADER, given);
        }
        async move { request.send().await.unwrap().text().await.unwrap() }
    };

    let one = id_for(None).await;
    let two = id_for(None).await;
    let harmful = id_for(Some("a b\"c")).await;

    assert_eq!(one.len(), 36);
    assert_ne!(one, two);
    assert_eq!(harmful.len(), 36);
    server.stop().await;
}
