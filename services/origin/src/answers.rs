//! Answers by their kind.

use crate::body::Answer;
use crate::metrics::Outcome;
use crate::visit::Visit;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, VARY,
};
use hyper::{Response, StatusCode};
use origin::coding::Coding;
use origin::web::route::Route;
use service_kit::problem::{self, Problem};
use std::time::Duration;

/// What pages are.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What is wrong with a request, in a form that machines read too.
const PROBLEM: HeaderValue = HeaderValue::from_static(problem::MEDIA_TYPE);

/// An answer of this status and type.
pub fn response(status: StatusCode, content_type: HeaderValue, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A page with a body of its own.
pub fn page(
    visit: Visit,
    content_type: HeaderValue,
    body: impl FnOnce(Visit) -> Answer,
) -> Response<Answer> {
    visit.answered(StatusCode::OK);
    response(StatusCode::OK, content_type, body(visit))
}

/// A page as it should be.
pub fn good(visit: Visit, html: impl Into<Bytes>) -> Response<Answer> {
    page(visit, HTML, |visit| {
        Answer::whole(html, visit, Outcome::Served)
    })
}

/// A page in a coding that depends on who asks.
pub fn coded(visit: Visit, html: Bytes, coding: Coding) -> Response<Answer> {
    let mut response = good(visit, html);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(name) = coding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// A fault of the origin, as a web server tells a person.
pub fn failure(visit: Visit, status: StatusCode) -> Response<Answer> {
    visit.answered(status);
    let html = format!("<!DOCTYPE html>\n<title>{status}</title>\n<h1>{status}</h1>\n");
    response(status, HTML, Answer::whole(html, visit, Outcome::Failed))
}

/// The page is elsewhere.
pub fn redirect(visit: Visit, status: StatusCode, to: Route) -> Response<Answer> {
    visit.answered(status);
    let path = to.path();
    let html = format!("<!DOCTYPE html>\n<title>Moved</title>\n<a href=\"{path}\">here</a>\n");
    let mut response = response(
        status,
        HTML,
        Answer::whole(html, visit, Outcome::Redirected),
    );
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The client has asked too often; after so long it may again.
pub fn limited(visit: Visit, after: Duration) -> Response<Answer> {
    let seconds = after.as_secs_f64().ceil().max(1.0) as u64;
    let detail = format!("more requests than the rate limit allows; try again after {seconds} s");
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = refused(visit, status, Outcome::Limited, detail);
    let seconds = HeaderValue::from(seconds);
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

/// Nothing is there.
pub fn not_found(visit: Visit, path: &str) -> Response<Answer> {
    let detail = format!("nothing is served at {path}");
    refused(visit, StatusCode::NOT_FOUND, Outcome::Refused, detail)
}

/// A page cannot be changed.
pub fn not_allowed(visit: Visit) -> Response<Answer> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let detail = format!("pages take GET and HEAD, not {}", visit.method());
    let mut response = refused(visit, status, Outcome::Refused, detail);
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn refused(visit: Visit, status: StatusCode, outcome: Outcome, detail: String) -> Response<Answer> {
    visit.answered(status);
    let body = Answer::whole(problem_json(status, detail), visit, outcome);
    response(status, PROBLEM, body)
}

fn problem_json(status: StatusCode, detail: String) -> Vec<u8> {
    // Strings and numbers always serialise.
    serde_json::to_vec(&Problem::new(status, detail)).unwrap_or_default()
}

/// What tells about the web and is not counted.
pub fn uncounted(content_type: &'static str, body: impl Into<Bytes>) -> Response<Answer> {
    let content_type = HeaderValue::from_static(content_type);
    response(StatusCode::OK, content_type, Answer::uncounted(body))
}

/// Done, and there is nothing to say about it.
pub fn done() -> Response<Answer> {
    let mut response = Response::new(Answer::uncounted(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// What is not counted cannot be done with this method.
pub fn uncounted_not_allowed(allowed: &'static str) -> Response<Answer> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let detail = format!("this takes {allowed}");
    let body = Answer::uncounted(problem_json(status, detail));
    let mut response = response(status, PROBLEM, body);
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// A fault of this service, which its log tells.
pub fn internal(error: impl Into<anyhow::Error>) -> Response<Answer> {
    let problem = Problem::internal(error);
    let status = problem.status_code();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response(status, PROBLEM, Answer::uncounted(body))
}
