//! A JSON body or a problem that names the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send JSON with the header Content-Type: application/json",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
        read(&body).map(Self)
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

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| refusal(".", &error))?;
    Ok(value)
}

fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not JSON: {error}"),
        );
    }
    let message = error.to_string();
    // "." is the path of the body itself.
    let field = (path != ".").then_some(path);
    let mut detail = match field {
        Some(field) => format!("{field}: {message}"),
        None => message.clone(),
    };
    let unknown = UnknownName::read(&message);
    let meant = unknown
        .as_ref()
        .and_then(|unknown| nearest(unknown.given, unknown.allowed.iter().copied()));
    if let Some(meant) = meant {
        detail = format!("{detail}; did you mean `{meant}`?");
    }
    let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    if let Some(field) = field.or(missing_field(&message)) {
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

/// What serde says of a name it does not know: "unknown field `a`, expected one of `b`, `c`", or variant.
#[derive(Debug, PartialEq)]
struct UnknownName<'m> {
    given: &'m str,
    allowed: Vec<&'m str>,
}

impl<'m> UnknownName<'m> {
    fn read(message: &'m str) -> Option<Self> {
        let rest = message
            .strip_prefix("unknown field ")
            .or_else(|| message.strip_prefix("unknown variant "))?;
        // The name is the client's and may hold back-ticks itself.
        let (given, expected) = rest.rsplit_once(", expected ")?;
        Some(Self {
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RunRequest {
        #[allow(dead_code)]
        limit: u64,
        #[allow(dead_code)]
        strategy: Option<Strategy>,
        #[allow(dead_code)]
        shard: Option<Shard>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Strategy {
        Sequential,
        WorkStealing,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shard {
        #[allow(dead_code)]
        index: u32,
    }

    fn refused(body: &str) -> Problem {
        read::<RunRequest>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn reads_what_is_right() {
        let request: RunRequest =
            read(br#"{"limit": 100, "strategy": "work-stealing", "shard": {"index": 1}}"#).unwrap();
        assert!(matches!(request.strategy, Some(Strategy::WorkStealing)));
        assert!(read::<Strategy>(b"\"sequential\"").is_ok());
    }

    #[test]
    fn names_the_field_of_a_wrong_value() {
        let problem = refused(r#"{"limit": 1, "shard": {"index": "one"}}"#);

        assert_eq!(problem.status, 422);
        assert_eq!(problem.members["field"], "shard.index");
    }

    #[test]
    fn names_the_nearest_known_field_and_all_that_are_allowed() {
        let problem = refused(r#"{"limt": 1}"#);

        assert_eq!(problem.members["field"], "limt");
        assert_eq!(problem.members["nearest"], "limit");
        assert_eq!(
            problem.members["allowed"],
            serde_json::json!(["limit", "strategy", "shard"])
        );
        assert!(problem.detail.unwrap().contains("did you mean `limit`?"));
    }

    #[test]
    fn names_the_nearest_known_variant() {
        let problem = refused(r#"{"limit": 1, "strategy": "work-steeling"}"#);

        assert_eq!(problem.members["field"], "strategy");
        assert_eq!(problem.members["nearest"], "work-stealing");
    }

    #[test]
    fn does_not_guess_at_what_is_far_off() {
        let problem = refused(r#"{"limit": 1, "colour": 2}"#);

        assert!(!problem.members.contains_key("nearest"));
        assert!(problem.members.contains_key("allowed"));
    }

    #[test]
    fn names_a_missing_field() {
        assert_eq!(refused("{}").members["field"], "limit");
    }

    #[test]
    fn tells_broken_json_from_wrong_data() {
        for broken in ["", "{", "{\"limit\": }", "{\"limit\": 1} more"] {
            assert_eq!(refused(broken).status, 400, "{broken}");
        }
        for wrong in [
            "[]",
            "7",
            "{\"limit\": -1}",
            "{\"limit\": 1e30}",
            "{\"limit\": \"abc\"}",
        ] {
            assert_eq!(refused(wrong).status, 422, "{wrong}");
        }
    }

    #[test]
    fn a_number_beyond_any_type_is_the_fields_fault() {
        let problem = refused(&format!("{{\"limit\": 1{}}}", "0".repeat(30)));

        assert_eq!(problem.members["field"], "limit");
    }

    #[test]
    fn a_hostile_name_does_not_confuse_the_reader_of_serdes_message() {
        let problem = refused(r#"{"`x`, expected `y`": 1}"#);

        assert_eq!(
            problem.members["allowed"],
            serde_json::json!(["limit", "strategy", "shard"])
        );
    }

    #[test]
    fn accepts_every_json_content_type_and_no_other() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/ld+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
