//! The layer that makes every error answer a whole problem, whoever gave it.

use std::any::Any;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Problem;
use crate::server::RequestId;

/// Bodies of rejections by axum and its layers are one sentence; longer ones are somebody's content.
const LONGEST_SENTENCE_BYTES: u64 = 2048;

/// What the layer says about limits that answer without a sentence of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) body_limit_bytes: usize,
}

/// Adds `instance` and `request_id` to problems, and turns bare error answers (404, 405, 413, rejections) into them.
pub(crate) async fn complete(
    State(completion): State<Completion>,
    request: Request,
    next: Next,
) -> Response {
    let asked = Asked::of(&request);
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        return replace(response, asked.sign(problem));
    }
    if !is_a_sentence(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let sentence = read_sentence(body).await;
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Some(format!(
            "the body may have {} bytes at most",
            completion.body_limit_bytes
        )),
        StatusCode::NOT_FOUND if sentence.is_empty() => {
            Some(format!("nothing is served at {}", asked.path))
        }
        StatusCode::METHOD_NOT_ALLOWED => Some(asked.wrong_method(&parts.headers)),
        // A bare 5xx may hold internals.
        _ if status.is_server_error() => None,
        _ => (!sentence.is_empty()).then_some(sentence),
    };
    let problem = Problem {
        detail,
        ..Problem::bare(status)
    };
    replace(
        Response::from_parts(parts, Body::empty()),
        asked.sign(problem),
    )
}

/// A panic of a handler as the service's fault; the message goes to the log.
// The signature is that of tower-http's `ResponseForPanic`.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(not text)");
    tracing::error!(panic = message, "handler panicked");
    Problem::internal_unlogged().into_response()
}

/// What an answer says of its request.
struct Asked {
    method: Method,
    path: String,
    id: Option<RequestId>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            id: request.extensions().get().cloned(),
        }
    }

    fn sign(&self, mut problem: Problem) -> Problem {
        if problem.instance.is_none() {
            problem.instance = Some(match &self.id {
                Some(id) => format!("{}#{}", self.path, id.as_str()),
                None => self.path.clone(),
            });
        }
        match &self.id {
            Some(id) => problem.with("request_id", id.as_str()),
            None => problem,
        }
    }

    fn wrong_method(&self, headers: &HeaderMap) -> String {
        let allowed = headers
            .get(header::ALLOW)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("another method");
        format!("{} takes {allowed}, not {}", self.path, self.method)
    }
}

/// Whether the body is a short plain text that is already here: reading it waits for nobody.
fn is_a_sentence(response: &Response) -> bool {
    let plain = match response.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(value) => value.as_bytes().starts_with(b"text/plain"),
    };
    let short = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|bytes| bytes <= LONGEST_SENTENCE_BYTES);
    plain && short
}

async fn read_sentence(body: Body) -> String {
    let bytes = to_bytes(body, LONGEST_SENTENCE_BYTES as usize).await;
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// `problem` in place of the body, with the other headers of `response` (`Allow`, `Retry-After`, …).
fn replace(response: Response, problem: Problem) -> Response {
    let (parts, _) = response.into_parts();
    let mut whole = problem.into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            whole.headers_mut().append(name, value.clone());
        }
    }
    whole
}
