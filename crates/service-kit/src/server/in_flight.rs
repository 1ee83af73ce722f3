//! The requests under way: what a drain waits for and names when it gives up.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use prometheus::IntGauge;

use super::RequestId;

/// A request that was not finished when the drain's time was over.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftRequest {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its id in the log.
    pub request_id: String,
    /// How long it had been under way.
    pub seconds: f64,
}

impl std::fmt::Display for LeftRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} (under way for {:.1} s, request id {})",
            self.method, self.path, self.seconds, self.request_id
        )
    }
}

/// All requests under way, until the last byte of their answers is out; clones share it.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    requests: Arc<Mutex<Requests>>,
    /// How many they are.
    gauge: IntGauge,
}

#[derive(Debug, Default)]
struct Requests {
    next_key: u64,
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    method: Method,
    path: String,
    id: String,
    started: Instant,
}

impl InFlight {
    /// None yet; `gauge` tells how many they are.
    pub(super) fn new(gauge: IntGauge) -> Self {
        Self {
            requests: Arc::default(),
            gauge,
        }
    }

    /// Those under way now, oldest first.
    pub(super) fn left(&self) -> Vec<LeftRequest> {
        let entries = &self.lock().entries;
        entries
            .values()
            .map(|entry| LeftRequest {
                method: entry.method.clone(),
                path: entry.path.clone(),
                request_id: entry.id.clone(),
                seconds: entry.started.elapsed().as_secs_f64(),
            })
            .collect()
    }

    fn enter(&self, request: &Request) -> Ticket {
        let id = request.extensions().get::<RequestId>();
        let entry = Entry {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            id: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            started: Instant::now(),
        };
        let mut requests = self.lock();
        let key = requests.next_key;
        requests.next_key += 1;
        requests.entries.insert(key, entry);
        self.gauge.inc();
        Ticket {
            in_flight: self.clone(),
            key,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        // Nothing that can panic runs under the lock.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its request off the list when dropped.
struct Ticket {
    in_flight: InFlight,
    key: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.in_flight.lock().entries.remove(&self.key);
        self.in_flight.gauge.dec();
    }
}

/// Keeps the request on the list until its answer's body has ended or the client is gone.
pub(super) async fn track(
    State(in_flight): State<InFlight>,
    request: Request,
    next: Next,
) -> Response {
    let ticket = in_flight.enter(&request);
    let response = next.run(request).await;
    response.map(|body| {
        Body::new(Outgoing {
            body,
            _ticket: ticket,
        })
    })
}

/// An answer's body that keeps its request's ticket.
// Not `map_frame` of http-body-util: that forgets the body's length, and
// every answer would go out in chunks.
struct Outgoing {
    body: Body,
    _ticket: Ticket,
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
