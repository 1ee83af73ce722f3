//! What is answered to a request.

use super::activity::Activity;
use super::shared::Shared;
use super::{body, work};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use service_kit::config::count;
use service_kit::problem::{MEDIA_TYPE, Problem};
use std::time::Instant;

/// Names the replica that answered: process numbers repeat across containers.
const REPLICA: HeaderName = HeaderName::from_static("x-replica");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static(MEDIA_TYPE);
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// A request under way: counted until it is answered or given up.
struct UnderWay<'a> {
    shared: &'a Shared,
    activity: &'a Activity,
    began: Instant,
}

impl<'a> UnderWay<'a> {
    fn begin(shared: &'a Shared, activity: &'a Activity) -> Self {
        shared.counters.begin();
        activity.serving();
        Self {
            shared,
            activity,
            began: Instant::now(),
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shared.counters.end();
        self.activity.served();
    }
}

/// Answers `request`, which came over the connection with this `activity`.
pub async fn answer(request: Request<Incoming>, shared: &Shared, activity: &Activity) -> Answer {
    let under_way = UnderWay::begin(shared, activity);
    let version = request.version();
    // RFC 9112, section 6.1: beside a Content-Length, which hyper does not tell,
    // it may be an attempt to smuggle a second request past a proxy.
    let mut last = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = if let Err(problem) = well_formed(version, request.headers()) {
        last = true;
        refusal(&problem)
    } else if request.body().is_end_stream() {
        routed(request.method(), request.uri(), shared).await
    } else {
        // Seldom: kept out of the state of every request.
        let (response, broken) = Box::pin(with_body(request, shared)).await;
        last |= broken;
        response
    };
    if last {
        activity.leave_unread();
    }
    let headers = response.headers_mut();
    headers.insert(REPLICA, shared.replica.clone());
    // One that asked to close, or speaks 1.0, is told by hyper.
    if last || shared.drains() {
        headers.insert(CONNECTION, CLOSE);
    }
    let after = under_way.began.elapsed();
    shared.counters.answer(response.status().as_u16(), after);
    response
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 names one host.
fn well_formed(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let detail = match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => "a request of HTTP/1.1 needs a Host",
        (Some(_), Some(_)) => "a request has one Host",
        _ => return Ok(()),
    };
    Err(Problem::new(StatusCode::BAD_REQUEST, detail))
}

/// The answer, and whether the body could not be read to its end.
async fn with_body(request: Request<Incoming>, shared: &Shared) -> (Answer, bool) {
    let (parts, content) = request.into_parts();
    match body::read(content, shared).await {
        Ok(()) => (routed(&parts.method, &parts.uri, shared).await, false),
        Err(problem) => (refusal(&problem), true),
    }
}

async fn routed(method: &Method, uri: &hyper::Uri, shared: &Shared) -> Answer {
    let info = match uri.path() {
        "/" => false,
        "/info" => true,
        path => {
            let detail = format!("nothing is served at {path}; there are / and /info");
            return refusal(&Problem::new(StatusCode::NOT_FOUND, detail));
        }
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let detail = format!("this takes GET and HEAD, not {method}");
        let mut response = refusal(&Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail));
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    if info {
        return Box::pin(about_the_family(shared)).await;
    }
    match asked_work(uri.query(), shared) {
        Ok(0) => json(shared.without_work.clone()),
        Ok(work) => {
            let result = work::compute(work, &shared.turns).await;
            json(shared.body(result))
        }
        Err(problem) => refusal(&problem),
    }
}

/// How many additions a query asks for.
fn asked_work(query: Option<&str>, shared: &Shared) -> Result<u64, Problem> {
    let parameters = query.unwrap_or_default().split('&');
    let mut asked = parameters.filter_map(|one| one.strip_prefix("work="));
    let Some(asked_first) = asked.next() else {
        return Ok(shared.orders.work);
    };
    let most = shared.orders.max_work;
    let wrong = |status, detail: String| Err(Problem::new(status, detail).with("field", "work"));
    if asked.next().is_some() {
        return wrong(StatusCode::BAD_REQUEST, "work is given twice".into());
    }
    match count(asked_first) {
        Ok(work) if work <= most => Ok(work),
        Ok(_) => {
            let detail = format!("work must be from 0 to {most}");
            wrong(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        Err(reason) => wrong(StatusCode::BAD_REQUEST, format!("work {reason}")),
    }
}

async fn about_the_family(shared: &Shared) -> Answer {
    match shared.link.info().await {
        Some(text) => json(text.into()),
        None => refusal(&Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the master does not answer",
        )),
    }
}

fn json(body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The answer that says no.
pub fn refusal(problem: &Problem) -> Answer {
    let mut response = Response::new(Full::new(problem_text(problem)));
    *response.status_mut() = problem.status_code();
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
    response
}

/// A problem's body.
pub fn problem_text(problem: &Problem) -> Bytes {
    // Strings and numbers always serialise.
    serde_json::to_vec(problem).unwrap_or_default().into()
}
