//! Request ids: taken from the client or made here, and given back.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header that carries the id, both ways.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST_ID_BYTES: usize = 128;

/// What one request is called in logs, problems and the services it reaches; extractable.
///
/// It is the client's `x-request-id` if that is 1 to 128 letters, digits or
/// `-_.:`, else a new random UUID. Outside [`crate::server::serve`] it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_client(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let harmless = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        (harmless && (1..=LONGEST_ID_BYTES).contains(&text.len())).then(|| Self(text.into()))
    }

    fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get().cloned();
        Ok(id.unwrap_or_else(|| Self("".into())))
    }
}

/// Gives the request its id and the answer the header.
pub(super) async fn assign(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID_HEADER)
        .and_then(RequestId::from_client)
        .unwrap_or_else(RequestId::random);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    let value = HeaderValue::from_str(id.as_str()).expect("an id has header characters only");
    response.headers_mut().insert(REQUEST_ID_HEADER, value);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn takes_only_harmless_ids_from_clients() {
        let taken = |text: &str| RequestId::from_client(&HeaderValue::from_str(text).unwrap());
        assert_eq!(taken("run-7_a.b:c").unwrap().as_str(), "run-7_a.b:c");
        for refused in ["", "two words", "quote\"", "#fragment", &"x".repeat(129)] {
            assert!(taken(refused).is_none(), "{refused}");
        }
    }
}
