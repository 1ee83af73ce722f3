//! What is answered to a request.

use super::activity::Activity;
use super::shared::Shared;
use super::{body, work};
use bytes::Bytes;
use futures_util::future::Either;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response, StatusCode, Version};
use service_kit::config::count;
use service_kit::problem::{MEDIA_TYPE, Problem};
use std::convert::Infallible;
use std::future::{Future, ready};
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

/// A request that waits for its answer: counted until it has it or is given up.
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

/// What a request asks for.
enum Asked {
    /// So many additions.
    Work(u64),
    /// What `/info` tells.
    Family,
    /// What there is not.
    Refused {
        problem: Box<Problem>,
        allow: Option<HeaderValue>,
    },
}

/// What every answer needs, whatever it will say.
struct Draft<'a> {
    shared: &'a Shared,
    activity: &'a Activity,
    /// The request's own map, emptied: hyper gives it on to the next request, and
    /// so none is made or freed for each.
    headers: HeaderMap,
    /// Whether its connection ends with its answer.
    is_last: bool,
}

/// An answer of HTTP. There is always one.
type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// Answers `request`, which came over the connection with this `activity`.
///
/// What is at hand is answered here and now, without a future that would be
/// moved, polled and dropped for it: two fifths of what such a request cost beside
/// hyper. Of any request nothing is kept but what it asks for: hyper looks at the
/// socket again as soon as it has handed a request over, and were head or path
/// still in use then, it would make a new buffer for each.
pub fn answer<'a>(
    request: hyper::Request<Incoming>,
    shared: &'a Shared,
    activity: &'a Activity,
) -> impl Future<Output = Answer> + use<'a> {
    let (parts, body) = request.into_parts();
    // RFC 9112, section 6.1: beside a Content-Length, which hyper does not
    // tell, it may be an attempt to smuggle a second request past a proxy.
    let mut is_last = parts.headers.contains_key(TRANSFER_ENCODING);
    let asked = well_formed(&parts).map_or_else(
        |problem| {
            is_last = true;
            Asked::refused(problem)
        },
        |()| Asked::by(&parts, shared),
    );
    let mut headers = parts.headers;
    headers.clear();
    let draft = Draft {
        shared,
        activity,
        headers,
        is_last,
    };
    if !body.is_end_stream() {
        return Either::Right(Box::pin(answer_later(draft, asked, Some(body))));
    }
    match asked.at_hand(shared) {
        Ok(reply) => {
            shared.counters.answer_at_once(reply.status.as_u16());
            activity.served();
            Either::Left(ready(Ok(draft.respond(reply))))
        }
        Err(asked) => Either::Right(Box::pin(answer_later(draft, asked, None))),
    }
}

async fn answer_later(mut draft: Draft<'_>, mut asked: Asked, body: Option<Incoming>) -> Answer {
    let shared = draft.shared;
    let under_way = UnderWay::begin(shared, draft.activity);
    if let Some(body) = body
        && let Err(problem) = body::read(body, shared).await
    {
        draft.is_last = true;
        asked = Asked::refused(problem);
    }
    let reply = asked.reply(shared).await;
    let after = under_way.began.elapsed();
    shared.counters.answer(reply.status.as_u16(), after);
    Ok(draft.respond(reply))
}

impl Draft<'_> {
    fn respond(self, reply: Reply) -> Response<Full<Bytes>> {
        let (shared, mut headers) = (self.shared, self.headers);
        headers.insert(CONTENT_TYPE, reply.content_type);
        headers.insert(REPLICA, shared.replica.clone());
        if let Some(allow) = reply.allow {
            headers.insert(ALLOW, allow);
        }
        // One that asked to close, or speaks 1.0, is told by hyper.
        if self.is_last {
            self.activity.leave_unread();
        }
        if self.is_last || shared.drains() {
            headers.insert(CONNECTION, CLOSE);
        }
        let mut response = Response::new(Full::new(reply.body));
        *response.status_mut() = reply.status;
        *response.headers_mut() = headers;
        response
    }
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

impl Asked {
    fn refused(problem: Problem) -> Self {
        Self::Refused {
            problem: Box::new(problem),
            allow: None,
        }
    }

    fn by(request: &Parts, shared: &Shared) -> Self {
        let (method, uri) = (&request.method, &request.uri);
        let is_root = match uri.path() {
            "/" => true,
            "/info" => false,
            path => {
                let detail = format!("nothing is served at {path}; there are / and /info");
                return Self::refused(Problem::new(StatusCode::NOT_FOUND, detail));
            }
        };
        if !matches!(*method, Method::GET | Method::HEAD) {
            let detail = format!("this takes GET and HEAD, not {method}");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
            return Self::Refused {
                problem: Box::new(problem),
                allow: Some(HeaderValue::from_static("GET, HEAD")),
            };
        }
        if !is_root {
            return Self::Family;
        }
        asked_work(uri.query(), shared).map_or_else(Self::refused, Self::Work)
    }

    /// The reply, where nothing has to be waited for.
    fn at_hand(self, shared: &Shared) -> Result<Reply, Self> {
        match self {
            Self::Work(0) => Ok(json(shared.without_work.clone())),
            Self::Refused { problem, allow } => Ok(Reply {
                allow,
                ..refusal(&problem)
            }),
            waits => Err(waits),
        }
    }

    async fn reply(self, shared: &Shared) -> Reply {
        match self.at_hand(shared) {
            Ok(reply) => reply,
            Err(Self::Work(work)) => {
                let result = work::compute(work, &shared.turns).await;
                json(shared.body(result))
            }
            Err(_) => about_the_family(shared).await,
        }
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
