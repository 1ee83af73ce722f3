//! Error answers: RFC 9457 `application/problem+json`, the only form in which a service says no.

mod complete;
mod json;
mod nearest;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use complete::{Completion, complete, from_panic};
pub use json::{Json, JsonBytes, read, read_with};
pub use nearest::nearest;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One problem, as RFC 9457 (section 3) defines its members; handlers return it as their error.
///
/// Inside [`crate::server::serve`] it goes out with `instance` and the
/// extension member `request_id`, by which the log lines are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that names the kind of problem; `about:blank` means what the status says.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The kind of problem in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What is wrong this time and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A URI that names this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Extension members, such as `field` or `progress`.
    // Boxed to keep `Result<_, Problem>` small.
    #[serde(flatten)]
    pub members: Box<Map<String, Value>>,
}

fn about_blank() -> String {
    "about:blank".into()
}

impl Problem {
    /// A problem of kind `about:blank`, titled with the status's own phrase.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::bare(status)
        }
    }

    /// A request whose `field` cannot be what it is: 422; `detail` says what it may be.
    pub fn of_field(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with("field", field)
    }

    /// A fault of the service itself: the log gets `error`, the client a sentence without it.
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        // The request's span is around this line and carries its id.
        tracing::error!(error = format!("{error:#}"), "request failed");
        Self::internal_unlogged()
    }

    fn internal_unlogged() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a fault of the service; its log has the cause under this request_id",
        )
    }

    fn bare(status: StatusCode) -> Self {
        Self {
            kind: about_blank(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: None,
            instance: None,
            members: Box::default(),
        }
    }

    /// Gives it a kind of its own: a URI reference and the words for it.
    #[must_use]
    pub fn of_kind(mut self, kind: impl Into<String>, title: impl Into<String>) -> Self {
        self.kind = kind.into();
        self.title = title.into();
        self
    }

    /// Adds an extension member. The five standard names are fields, not members: such a one is left out.
    ///
    /// # Panics
    /// When `value` has map keys that are not strings: JSON cannot hold it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if !["type", "title", "status", "detail", "instance"].contains(&name) {
            let value = serde_json::to_value(value).expect("the value's map keys are strings");
            self.members.insert(name.into(), value);
        }
        self
    }

    /// The status to answer with.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.title)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// What a handler did not foresee is the service's fault: see [`Problem::internal`].
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).expect("strings and JSON values always serialise");
        let mut response = (self.status_code(), body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        // For `complete`, which adds what only the server knows.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn serialises_as_rfc_9457_says() {
        let problem = Problem::new(StatusCode::CONFLICT, "a run is going on")
            .of_kind("/problems/busy", "Busy")
            .with("progress", 0.25);

        let json = serde_json::to_value(&problem).unwrap();

        assert_eq!(
            json,
            serde_json::json!({
                "type": "/problems/busy", "title": "Busy", "status": 409,
                "detail": "a run is going on", "progress": 0.25,
            })
        );
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }

    #[test]
    fn a_member_cannot_shadow_a_standard_name() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "gone").with("status", 200);

        assert_eq!(serde_json::to_value(problem).unwrap()["status"], 404);
    }

    #[test]
    fn internals_stay_inside() {
        let problem = Problem::from(anyhow::anyhow!("password is swordfish"));

        assert_eq!(problem.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            !serde_json::to_string(&problem)
                .unwrap()
                .contains("swordfish")
        );
    }
}
