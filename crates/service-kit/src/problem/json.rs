//! A JSON body or a problem that names the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Value;
use serde_path_to_error::{Path, Segment, Track};

use super::{Problem, nearest};

/// A JSON body: as an argument it is read from the request, as an answer it is written.
///
/// What cannot be read is refused with a [`Problem`]: 415 without a JSON
/// content type, 400 when the text is not JSON, 422 when it is not what was
/// asked for. The last names the `field` (a path such as `shard.index`) and,
/// for a name that is not known, those `allowed` and the `nearest` of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = JsonBytes::from_request(request, state).await?;
        read(&body.0).map(Self)
    }
}

/// The body of a request that says it is JSON, unread: for those who check more
/// of it than [`Json`] does, and then [`read`] it.
#[derive(Clone, Debug, Default)]
pub struct JsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send JSON with the header Content-Type: application/json",
            ));
        }
        let body = Bytes::from_request(request, state).await;
        body.map(Self)
            .map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads JSON as [`Json`] does, however it came.
///
/// # Errors
/// 400 when it is not JSON, 422 when it is not what was asked for.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        if error.is_data() {
            return refusal(&path.to_string(), &without_position(&error));
        }
        // serde_json says of a value where a name belongs what it says of
        // broken JSON.
        match serde_json::from_slice(body) {
            Ok(json) => not_a_name::<T>(&path, json),
            Err(error) => not_json(&error),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Reads JSON by `seed`, for what a type alone does not say.
///
/// # Errors
/// As [`read`].
pub fn read_with<'b, S: DeserializeSeed<'b>>(seed: S, body: &'b [u8]) -> Result<S::Value, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut track = Track::new();
    let read = seed.deserialize(serde_path_to_error::Deserializer::new(
        &mut deserializer,
        &mut track,
    ));
    let value = read.map_err(|error| {
        if error.is_data() {
            refusal(&track.path().to_string(), &without_position(&error))
        } else {
            not_json(&error)
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!("the body cannot be read as JSON: {error}"),
    )
}

/// Refuses the value at `path` of `body`, where a name belongs. What is said of
/// its text tells which names are allowed there.
fn not_a_name<T: DeserializeOwned>(path: &Path, mut body: Value) -> Problem {
    if let Some(value) = at(path, &mut body)
        && !value.is_string()
    {
        *value = Value::String(value.to_string());
    }
    let field = path.to_string();
    serde_path_to_error::deserialize::<_, T>(body)
        .err()
        .filter(|error| error.path().to_string() == field)
        .map(|error| without_position(error.inner()))
        .filter(|message| UnknownName::read(message).is_some())
        .map_or_else(
            || refusal(&field, "a value of another kind belongs here"),
            |message| refusal(&field, &message),
        )
}

fn at<'v>(path: &Path, body: &'v mut Value) -> Option<&'v mut Value> {
    path.iter().try_fold(body, |value, segment| match segment {
        Segment::Map { key } | Segment::Enum { variant: key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(*index),
        Segment::Unknown => None,
    })
}

fn refusal(path: &str, message: &str) -> Problem {
    // "." is the path of the body itself.
    let field = (path != ".").then_some(path);
    let unknown = UnknownName::read(message);
    let mut detail = match (field, &unknown) {
        // The path ends with the name.
        (Some(field), Some(unknown)) if unknown.is_field => {
            let given = format!("`{}`", unknown.given);
            message.replacen(&given, &format!("`{field}`"), 1)
        }
        (Some(field), _) => format!("{field}: {message}"),
        (None, _) => message.to_owned(),
    };
    let meant = unknown
        .as_ref()
        .and_then(|unknown| nearest(unknown.given, unknown.allowed.iter().copied()));
    if let Some(meant) = meant {
        detail = format!("{detail}; did you mean `{meant}`?");
    }
    let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    if let Some(field) = field.or(missing_field(message)) {
        problem = problem.with("field", field);
    }
    if let Some(unknown) = unknown {
        problem = problem.with("allowed", unknown.allowed);
    }
    if let Some(meant) = meant {
        problem = problem.with("nearest", meant);
    }
    problem
}

/// What serde says of a value, without where it stands in the text: the field
/// says that better.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&position) {
        Some(message) => message.to_owned(),
        None => message,
    }
}

/// What serde says of a name it does not know: "unknown field `a`, expected one of `b`, `c`", or variant.
#[derive(Debug, PartialEq)]
struct UnknownName<'m> {
    is_field: bool,
    given: &'m str,
    allowed: Vec<&'m str>,
}

impl<'m> UnknownName<'m> {
    fn read(message: &'m str) -> Option<Self> {
        let (is_field, rest) = match message.strip_prefix("unknown field ") {
            Some(rest) => (true, rest),
            None => (false, message.strip_prefix("unknown variant ")?),
        };
        // The name is the client's and may hold back-ticks itself.
        let (given, expected) = rest.rsplit_once(", expected ")?;
        Some(Self {
            is_field,
            given: given.strip_prefix('`')?.strip_suffix('`')?,
            allowed: expected.split('`').skip(1).step_by(2).collect(),
        })
    }
}

fn missing_field(message: &str) -> Option<&str> {
    message
        .strip_prefix("missing field `")?
        .split_once('`')
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests;
