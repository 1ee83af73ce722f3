//! `/events`: what happens to jobs, as server-sent events.
//!
//! None is missed by a client that reads slowly or comes back: what is no longer
//! in memory is read from the store, as long as that keeps it.

use crate::api::{Api, Refused, path_id};
use crate::job::{Event, JobId, Seq, What};
use crate::queue::Queue;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::{Stream, stream};
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::shutdown::Shutdown;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::IntoParams;

/// The most clients at once; each is woken for every event.
pub(crate) const MOST_CLIENTS: usize = 500;

/// So often something is sent, so that nobody on the way takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// So many events are read from the store at once.
const READ_AT_ONCE: usize = 1000;

/// How long a store that is away is left in peace.
const REST: Duration = Duration::from_secs(1);

/// The route.
pub(crate) fn router() -> Router<Api> {
    Router::new().route("/events", get(events))
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those of jobs of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only those of this job.
    id: Option<String>,
}

/// `state` and `progress` events as they happen, with their place as id; a client
/// that comes back with the header Last-Event-ID gets those after it.
#[utoipa::path(
    get,
    path = "/events",
    params(
        Which,
        ("last-event-id" = Option<String>, Header, description = "Go on after this event"),
    ),
    responses(
        (status = 200, description = "The events, each with the JSON of an Event", body = String, content_type = "text/event-stream"),
        (status = 400, description = "The query cannot be read"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 503, description = "As many clients listen as may: Retry-After says when to come back"),
    )
)]
pub(crate) async fn events(
    State(api): State<Api>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = which.id.as_deref().map(path_id).transpose()?;
    let last = last_seen(&headers)?;
    let Ok(place) = api.listeners.clone().try_acquire_owned() else {
        let detail = "as many clients listen to events as may";
        return Err(Refused::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, 5));
    };
    let listening = Listening {
        live: api.front.queue().events(),
        queue: api.front.queue().clone(),
        shutdown: api.shutdown.clone(),
        wanted: Wanted {
            kind: which.kind,
            id,
        },
        is_behind: last.is_some(),
        last,
        read: VecDeque::new(),
        _place: place,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(told(listening))
        .keep_alive(keep_alive)
        .into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<Seq>, Problem> {
    let Some(given) = headers
        .get("last-event-id")
        .filter(|given| !given.is_empty())
    else {
        return Ok(None);
    };
    let seq = given.to_str().ok().and_then(|text| text.parse().ok());
    let detail = "Last-Event-ID must be the id of an event that was sent";
    seq.map(Some)
        .ok_or_else(|| Problem::of_field("last-event-id", detail))
}

fn told(listening: Listening) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold(listening, |mut listening| async {
        let event = listening.next().await?;
        Some((Ok(event), listening))
    })
}

/// What a client wants to hear of.
#[derive(Debug, Default)]
struct Wanted {
    kind: Option<String>,
    id: Option<JobId>,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        self.kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && self.id.is_none_or(|id| id == event.id)
    }
}

/// One client.
struct Listening {
    queue: Queue,
    live: Receiver<Arc<Event>>,
    shutdown: Shutdown,
    wanted: Wanted,
    /// The last event that it got or passed over.
    last: Option<Seq>,
    /// What comes after that is to be read from the store.
    is_behind: bool,
    read: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

impl Listening {
    /// The next event that is wanted; `None` when the service ends.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            while let Some(event) = self.read.pop_front() {
                if let Some(event) = self.taken(&event) {
                    return Some(event);
                }
            }
            if self.is_behind {
                self.catch_up().await?;
                continue;
            }
            let live = tokio::select! {
                live = self.live.recv() => live,
                _ = self.shutdown.begun() => return None,
            };
            match live {
                Ok(event) => {
                    if let Some(event) = self.taken(&event) {
                        return Some(event);
                    }
                }
                Err(RecvError::Lagged(count)) => {
                    self.is_behind = self.last.is_some();
                    if !self.is_behind {
                        return Some(missed(count));
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads what comes after the last event; `None` when the service ends.
    async fn catch_up(&mut self) -> Option<()> {
        let Some(last) = self.last else {
            self.is_behind = false;
            return Some(());
        };
        if let Ok(events) = self.queue.events_after(last, READ_AT_ONCE).await {
            self.is_behind = events.len() == READ_AT_ONCE;
            self.read = events.into();
            return Some(());
        }
        tokio::select! {
            () = tokio::time::sleep(REST) => Some(()),
            _ = self.shutdown.begun() => None,
        }
    }

    /// What is sent of `event`, unless it is not wanted or was before: live ones
    /// overlap those that were read.
    fn taken(&mut self, event: &Event) -> Option<sse::Event> {
        if self.last.is_some_and(|last| event.seq <= last) {
            return None;
        }
        self.last = Some(event.seq);
        self.wanted.has(event).then(|| sent(event))
    }
}

fn sent(event: &Event) -> sse::Event {
    let name = match event.what {
        What::State(_) => "state",
        What::Progress(_) => "progress",
    };
    let sent = sse::Event::default().event(name).id(event.seq.to_string());
    sent.json_data(event).expect("an event is JSON")
}

fn missed(count: u64) -> sse::Event {
    let missed = serde_json::json!({"missed": count});
    let sent = sse::Event::default().event("missed");
    sent.json_data(missed).expect("a count is JSON")
}
