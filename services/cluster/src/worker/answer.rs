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
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use service_kit::config::count;
use service_kit::problem::{MEDIA_TYPE, Problem};
use std::time::Instant;

/// Names the replica that answered: process numbers repeat across containers.
const REPLICA: HeaderName = HeaderName::from_static("x-replica");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static(MEDIA_TYPE);
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What is answered, before it is made an answer of HTTP.
struct Reply {
    status: StatusCode,
    content_type: HeaderValue,
    /// Methods that would do, where this one does not.
    allow: Option<HeaderValue>,
    body: Bytes,
}

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
pub async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    activity: &Activity,
) -> Response<Full<Bytes>> {
    let under_way = UnderWay::begin(shared, activity);
    let (parts, content) = request.into_parts();
    // RFC 9112, section 6.1: beside a Content-Length, which hyper does not tell,
    // it may be an attempt to smuggle a second request past a proxy.
    let mut last = parts.headers.contains_key(TRANSFER_ENCODING);
    let reply = if let Err(problem) = well_formed(&parts) {
        last = true;
        refusal(&problem)
    } else if content.is_end_stream() {
        routed(&parts, shared).await
    } else {
        // Seldom: kept out of the state of every request.
        match Box::pin(body::read(content, shared)).await {
            Ok(()) => routed(&parts, shared).await,
            Err(problem) => {
                last = true;
                refusal(&problem)
            }
        }
    };
    // The request's own map, emptied: hyper gives it to the next request, and so
    // none is made or freed for each.
    let mut headers = parts.headers;
    headers.clear();
    headers.insert(CONTENT_TYPE, reply.content_type);
    headers.insert(REPLICA, shared.replica.clone());
    if let Some(allow) = reply.allow {
        headers.insert(ALLOW, allow);
    }
    // One that asked to close, or speaks 1.0, is told by hyper.
    if last {
        activity.leave_unread();
    }
    if last || shared.drains() {
        headers.insert(CONNECTION, CLOSE);
    }
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = headers;
    let after = under_way.began.elapsed();
    shared.counters.answer(reply.status.as_u16(), after);
    response
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 names one host.
fn well_formed(request: &Parts) -> Result<(), Problem> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let detail = match (hosts.next(), hosts.next()) {
        (None, _) if request.version == Version::HTTP_11 => "a request of HTTP/1.1 needs a Host",
        (Some(_), Some(_)) => "a request has one Host",
        _ => return Ok(()),
    };
    Err(Problem::new(StatusCode::BAD_REQUEST, detail))
}

async fn routed(request: &Parts, shared: &Shared) -> Reply {
    let (method, uri) = (&request.method, &request.uri);
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
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
        return Reply {
            allow: Some(HeaderValue::from_static("GET, HEAD")),
            ..refusal(&problem)
        };
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
    let Some(query) = query else {
        return Ok(shared.orders.work);
    };
    let mut asked = query.split('&').filter_map(|one| one.strip_prefix("work="));
    let Some(asked_first) = asked.next() else {
        return Ok(shared.orders.work);
    };
    let most = shared.orders.max_work;
    let wrong = |status, detail: String| Err(Problem::new(status, detail).with("field", "work"));
    if asked.next().is_some() {
        return wrong(StatusCode::BAD_REQUEST, "work is given twice".into());
    }
    // Digits alone are what nearly all send, and cost less to read.
    let asked = asked_first.parse().or_else(|_| count(asked_first));
    match asked {
        Ok(work) if work <= most => Ok(work),
        Ok(_) => {
            let detail = format!("work must be from 0 to {most}");
            wrong(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        Err(reason) => wrong(StatusCode::BAD_REQUEST, format!("work {reason}")),
    }
}

async fn about_the_family(shared: &Shared) -> Reply {
    match shared.link.info().await {
        Some(text) => json(text.into()),
        None => refusal(&Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the master does not answer",
        )),
    }
}

fn json(body: Bytes) -> Reply {
    Reply {
        status: StatusCode::OK,
        content_type: JSON,
        allow: None,
        body,
    }
}

fn refusal(problem: &Problem) -> Reply {
    Reply {
        status: problem.status_code(),
        content_type: PROBLEM,
        allow: None,
        body: problem_text(problem),
    }
}

/// A problem's body.
pub fn problem_text(problem: &Problem) -> Bytes {
    // Strings and numbers always serialise.
    serde_json::to_vec(problem).unwrap_or_default().into()
}
