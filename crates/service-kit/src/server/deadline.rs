//! The time within which a request must be answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};

use crate::problem::Problem;

/// The deadline of the request at hand; a handler that may take longer lifts it.
///
/// Taken as an argument and lifted inside the handler, so it still covers
/// the reading of the body:
/// `async fn run(deadline: RequestDeadline, Json(job): Json<Job>) { deadline.lift(); … }`.
/// An answer's body (events, downloads) is under no deadline: it ends when its
/// stream ends or the client goes.
#[derive(Clone, Debug, Default)]
pub struct RequestDeadline {
    lifted: Arc<AtomicBool>,
}

impl RequestDeadline {
    /// Lets this request take as long as it needs.
    pub fn lift(&self) {
        self.lifted.store(true, Ordering::Relaxed);
    }

    async fn passed(&self, after: Duration) {
        tokio::time::sleep(after).await;
        if self.lifted.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestDeadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Answers in the handler's place when its time is over: 408 if the client still owed its body, else 503.
pub(super) async fn enforce(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let deadline = RequestDeadline::default();
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(deadline.clone());
    let (body, arrived) = Arriving::watch(body);
    tokio::select! {
        response = next.run(Request::from_parts(parts, Body::new(body))) => response,
        () = deadline.passed(timeout) => too_late(timeout, arrived.load(Ordering::Relaxed)),
    }
}

fn too_late(timeout: Duration, body_arrived: bool) -> Response {
    let seconds = timeout.as_secs_f64();
    let problem = if body_arrived {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no answer was ready within {seconds} s"),
        )
    } else {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the request's body did not arrive within {seconds} s"),
        )
    };
    problem.into_response()
}

/// A request body that notes when it has come to its end.
struct Arriving {
    body: Body,
    arrived: Arc<AtomicBool>,
}

impl Arriving {
    fn watch(body: Body) -> (Self, Arc<AtomicBool>) {
        let arrived = Arc::new(AtomicBool::new(body.is_end_stream()));
        let watched = Self {
            body,
            arrived: Arc::clone(&arrived),
        };
        (watched, arrived)
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.arrived.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
