//! A run that goes on, and how its client hears of it.

use super::{Answer, Current, RunProgress};
use crate::problem::{Json, Problem};
use crate::server::RequestDeadline;
use crate::shutdown::Shutdown;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, stream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often a progress event is sent: seldom, since sending costs CPU that is
/// being measured.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// Who waits for a run, as an argument of the handler: under which deadline,
/// and whether by events.
#[derive(Debug)]
pub struct Client {
    deadline: RequestDeadline,
    wants_events: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let accepted = parts.headers.get(header::ACCEPT);
        let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
        Ok(Self {
            wants_events: accepted.contains("text/event-stream"),
            deadline: RequestDeadline::from_request_parts(parts, state).await?,
        })
    }
}

/// A run that goes on; dropping it cancels the run.
pub struct Running<A> {
    current: Arc<Current>,
    /// Closed without an answer if its thread panicked.
    ended: oneshot::Receiver<Result<A, Problem>>,
    shutdown: Shutdown,
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.current.cancel();
    }
}

impl<A: Answer> Running<A> {
    pub(super) fn new(
        current: Arc<Current>,
        ended: oneshot::Receiver<Result<A, Problem>>,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            current,
            ended,
            shutdown,
        }
    }

    /// The answer to `client`, however long that takes: JSON, or `progress`
    /// events and then one `result` (or `problem`) event.
    ///
    /// # Errors
    /// What the run failed with, 503 when the service was told to end before,
    /// 500 when the run panicked; as an event where the client asked for those.
    pub async fn answer(mut self, client: &Client) -> Result<Response, Problem> {
        client.deadline.lift();
        if client.wants_events {
            return Ok(Sse::new(self.events()).into_response());
        }
        Ok(Json(self.ended().await?).into_response())
    }

    /// Waits for the run's end, or for the service's.
    pub(super) async fn ended(&mut self) -> Result<A, Problem> {
        tokio::select! {
            ended = &mut self.ended => ended.unwrap_or_else(|_| {
                Err(Problem::internal(anyhow::anyhow!("the run's thread panicked")))
            }),
            _ = self.shutdown.begun() => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the service was told to end, so the run was cancelled",
            )),
        }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(Some(self), async |state| {
            let (event, running) = state?.event().await;
            Some((Ok(event), running))
        })
    }

    /// The next event, and the run if it goes on after that.
    async fn event(mut self) -> (Event, Option<Self>) {
        let ended = tokio::time::timeout(PROGRESS_INTERVAL, self.ended()).await;
        let event = Event::default();
        let (event, running) = match ended {
            Ok(Ok(answer)) => (event.event("result").json_data(answer), None),
            Ok(Err(problem)) => (event.event("problem").json_data(problem), None),
            Err(_) => {
                let progress = RunProgress {
                    progress: Some(self.current.run.progress()),
                };
                (event.event("progress").json_data(progress), Some(self))
            }
        };
        let event = event.expect("answers, problems and progress are JSON");
        (event, running)
    }
}
