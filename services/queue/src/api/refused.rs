//! Why a request was not done, over HTTP and over the WebSocket alike.

use crate::queue::QueueError;
use crate::spec::Invalid;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::problem::Problem;

/// When to come back to a store that is away: it is looked for more often.
const WHEN_AWAY_SECONDS: u32 = 2;

/// When to come back to a full queue, where nobody knows how fast it drains.
const WHEN_FULL_SECONDS: u32 = 5;

/// A problem, and when it may be worth to try again.
#[derive(Debug)]
pub struct Refused {
    /// What is answered.
    pub problem: Problem,
    /// Seconds after which to try again; `None`: it would be refused again.
    pub retry_after_seconds: Option<u32>,
}

impl Refused {
    /// One that is worth to be tried again after so many seconds.
    pub(crate) fn for_now(status: StatusCode, detail: &str, seconds: u32) -> Self {
        Self {
            problem: Problem::new(status, detail),
            retry_after_seconds: Some(seconds),
        }
    }

    /// The service was told to end.
    pub(crate) fn ending() -> Self {
        let detail = "the service was told to end; its jobs stay in the queue";
        Self::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, WHEN_AWAY_SECONDS)
    }

    /// Puts the field into the item of a list that it is in: `jobs[3].priority`.
    pub(crate) fn within(mut self, list: &str, index: usize) -> Self {
        let field = self.problem.members.get("field").and_then(|f| f.as_str());
        let path = match field {
            Some(field) => format!("{list}[{index}].{field}"),
            None => format!("{list}[{index}]"),
        };
        self.problem = self.problem.with("field", path);
        self
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            retry_after_seconds: None,
        }
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Problem::of_field(invalid.field, invalid.to_string()).into()
    }
}

impl From<QueueError> for Refused {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Away(trouble) => {
                tracing::debug!(%trouble, "the store is away");
                let detail = "Redis is away, where jobs are kept; with an idempotency_key a job can be \
                     sent again without becoming two";
                Self::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, WHEN_AWAY_SECONDS)
            }
            QueueError::Full { depth, limit } => {
                let detail = format!(
                    "{depth} jobs wait and {limit} may: nothing was accepted; come back when workers have \
                     done some"
                );
                let mut refused =
                    Self::for_now(StatusCode::TOO_MANY_REQUESTS, &detail, WHEN_FULL_SECONDS);
                let problem = refused.problem.with("depth", depth);
                refused.problem = problem.with("limit", limit);
                refused
            }
            QueueError::KeyReused { index, key, id } => {
                let detail = format!("{key:?} is the idempotency_key of another job, {id}");
                let problem = Problem::new(StatusCode::CONFLICT, detail);
                let problem = problem.with("field", "idempotency_key").with("id", id);
                problem.with("index", index).into()
            }
            QueueError::Closed => Self::ending(),
            QueueError::Busy => {
                let detail = "too many requests wait for Redis; nothing was done of this one";
                Self::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, 1)
            }
            // What is refused before: whoever gets here forgot to.
            error @ QueueError::TooMany { .. } => Problem::internal(error).into(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(seconds) = self.retry_after_seconds {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
