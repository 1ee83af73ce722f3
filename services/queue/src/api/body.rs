//! A JSON body, strictly.

use super::refused::Refused;
use super::strict;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use service_kit::problem::{self, JsonBytes, Problem};

/// A body that [`strict::check`] has let pass and that is a `T`.
pub(super) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let body = JsonBytes::from_request(request, state).await?;
        strict::check(&body.0)?;
        Ok(Self(problem::read(&body.0)?))
    }
}

/// A body that is any JSON: its text.
pub(super) struct AnyJson(pub String);

impl<S: Send + Sync> FromRequest<S> for AnyJson {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let body = JsonBytes::from_request(request, state).await?;
        strict::check(&body.0)?;
        // serde_json wants UTF-8 of text alone, and there are bytes outside of it.
        String::from_utf8(body.0.into())
            .map(Self)
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "JSON is UTF-8").into())
    }
}
