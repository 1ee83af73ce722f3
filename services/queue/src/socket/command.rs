//! What a client may say over the WebSocket: one JSON object per message.

use crate::api::strict;
use crate::job::{JobId, JsonText};
use crate::spec::JobSpec;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use service_kit::problem::{self, Problem, nearest};
use std::collections::BTreeMap;

/// What may stand in `command`.
pub(super) const COMMANDS: [&str; 7] = [
    "submit_job",
    "status",
    "cancel",
    "subscribe",
    "unsubscribe",
    "ping",
    "resume",
];

/// The longest text that a client may have repeated in answers.
const MOST_REF_BYTES: usize = 256;

/// A command that was understood.
#[derive(Debug)]
pub(super) enum Command {
    Submit(Box<JobSpec>),
    Status(Option<JobId>),
    Cancel(JobId),
    Subscribe(Subscription),
    Unsubscribe(Subscription),
    Ping,
    Resume(String),
}

/// Which jobs' events.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    /// All jobs'; also where nothing else is said.
    #[serde(default)]
    pub all: Option<bool>,
    /// Those of these.
    #[serde(default)]
    pub ids: Vec<JobId>,
}

impl Subscription {
    /// Whether it is about all jobs.
    pub fn is_of_all(&self) -> bool {
        self.all.unwrap_or(self.ids.is_empty())
    }
}

/// A message, as far as it could be read.
#[derive(Debug)]
pub(super) struct Request {
    /// What the client wants to see again in the answer, so that it finds its question.
    pub reference: Option<JsonText>,
    pub command: Result<Command, Problem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(alias = "job_id")]
    id: JobId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichIfAny {
    #[serde(default, alias = "job_id")]
    id: Option<JobId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    session: String,
}

type Fields<'t> = BTreeMap<String, &'t RawValue>;

/// Reads a message.
pub(super) fn read(text: &str) -> Request {
    let fields = match fields(text) {
        Ok(fields) => fields,
        Err(problem) => {
            return Request {
                reference: None,
                command: Err(problem),
            };
        }
    };
    match reference(&fields) {
        Ok(reference) => Request {
            reference,
            command: command(fields),
        },
        Err(problem) => Request {
            reference: None,
            command: Err(problem),
        },
    }
}

fn fields(text: &str) -> Result<Fields<'_>, Problem> {
    // No key twice, not too deep.
    strict::check(text.as_bytes())?;
    let expected = r#"a message is a JSON object such as {"command": "ping"}"#;
    serde_json::from_str(text)
        .map_err(|_| Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, expected))
}

fn reference(fields: &Fields<'_>) -> Result<Option<JsonText>, Problem> {
    let Some(reference) = fields.get("ref") else {
        return Ok(None);
    };
    if reference.get().len() > MOST_REF_BYTES {
        let detail = format!("ref may have {MOST_REF_BYTES} bytes of JSON at most");
        return Err(Problem::of_field("ref", detail));
    }
    Ok(JsonText::parse(reference.get().into()).ok())
}

fn command(mut fields: Fields<'_>) -> Result<Command, Problem> {
    let named = fields.remove("command");
    fields.remove("ref");
    let name: String = named
        .and_then(|name| serde_json::from_str(name.get()).ok())
        .ok_or_else(|| unknown("command must be text: which command it is"))?;
    Ok(match name.as_str() {
        "submit_job" => Command::Submit(Box::new(job(fields)?)),
        "status" => Command::Status(of::<WhichIfAny>(&fields)?.id),
        "cancel" => Command::Cancel(of::<Which>(&fields)?.id),
        "subscribe" => Command::Subscribe(of(&fields)?),
        "unsubscribe" => Command::Unsubscribe(of(&fields)?),
        "ping" => of::<Nothing>(&fields).map(|Nothing {}| Command::Ping)?,
        "resume" => Command::Resume(of::<Session>(&fields)?.session),
        other => {
            let meant = nearest(other, COMMANDS);
            let asks = meant.map(|meant| format!("; did you mean `{meant}`?"));
            let problem = unknown(&format!(
                "there is no such command{}",
                asks.unwrap_or_default()
            ));
            return Err(match meant {
                Some(meant) => problem.with("nearest", meant),
                None => problem,
            });
        }
    })
}

fn unknown(detail: &str) -> Problem {
    Problem::of_field("command", detail).with("allowed", COMMANDS)
}

/// A job as `POST /jobs` takes it, but that its type is called `task_type`.
fn job(mut fields: Fields<'_>) -> Result<JobSpec, Problem> {
    match (fields.remove("task_type"), fields.contains_key("type")) {
        (Some(_), true) => {
            return Err(Problem::of_field(
                "type",
                "give task_type or type, not both",
            ));
        }
        (Some(kind), false) => {
            fields.insert("type".into(), kind);
        }
        (None, true) => {}
        (None, false) => {
            let detail = "task_type must be there: which kind of job it is";
            return Err(Problem::of_field("task_type", detail));
        }
    }
    of(&fields)
}

fn of<T: DeserializeOwned>(fields: &Fields<'_>) -> Result<T, Problem> {
    let text = serde_json::to_vec(fields).expect("a map of text to JSON is JSON");
    problem::read(&text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refused(text: &str) -> Problem {
        read(text).command.unwrap_err()
    }

    #[test]
    fn the_courses_command_is_a_job() {
        let request = read(
            r#"{"command": "submit_job", "task_type": "calcular_fibonacci", "data": {"n": 35}, "ref": [1, "a"]}"#,
        );

        let Ok(Command::Submit(spec)) = request.command else {
            panic!("{request:?}")
        };
        assert_eq!(spec.kind, "calcular_fibonacci");
        assert_eq!(spec.data.unwrap().get(), r#"{"n": 35}"#);
        assert_eq!(request.reference.unwrap().get(), r#"[1, "a"]"#);
    }

    #[test]
    fn a_job_may_say_all_that_it_may_over_http() {
        let request = read(
            r#"{"command":"submit_job","type":"noop","priority":9,"delay_seconds":1.5,"idempotency_key":"k"}"#,
        );

        let Ok(Command::Submit(spec)) = request.command else {
            panic!("{request:?}")
        };
        assert_eq!((spec.priority, spec.delay_seconds), (Some(9), Some(1.5)));
        assert_eq!(spec.idempotency_key.as_deref(), Some("k"));
    }

    #[test]
    fn other_commands_are_read() {
        assert!(matches!(
            read(r#"{"command":"ping"}"#).command,
            Ok(Command::Ping)
        ));
        assert!(matches!(
            read(r#"{"command":"status"}"#).command,
            Ok(Command::Status(None))
        ));
        for name in ["id", "job_id"] {
            let text = format!(r#"{{"command":"cancel","{name}":"17"}}"#);
            assert!(matches!(
                read(&text).command,
                Ok(Command::Cancel(JobId(17)))
            ));
        }
        for (text, all, ids) in [
            (r#"{"command":"subscribe"}"#, true, 0),
            (r#"{"command":"subscribe","ids":["1","2"]}"#, false, 2),
            (r#"{"command":"subscribe","ids":["1"],"all":true}"#, true, 1),
        ] {
            let Ok(Command::Subscribe(subscription)) = read(text).command else {
                panic!("{text}")
            };
            assert_eq!(
                (subscription.is_of_all(), subscription.ids.len()),
                (all, ids)
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        for (text, status, field, says) in [
            ("", 400, None, "JSON"),
            ("{", 400, None, "JSON"),
            ("[]", 422, None, "object"),
            ("17", 422, None, "object"),
            ("{}", 422, Some("command"), "must be text"),
            (r#"{"command":5}"#, 422, Some("command"), "must be text"),
            (
                r#"{"command":"sumbit_job"}"#,
                422,
                Some("command"),
                "submit_job",
            ),
            (r#"{"command":"ping","command":"ping"}"#, 422, None, "twice"),
            (
                r#"{"command":"ping","x":1}"#,
                422,
                Some("x"),
                "unknown field",
            ),
            (r#"{"command":"cancel"}"#, 422, Some("id"), "missing"),
            (
                r#"{"command":"cancel","id":"x"}"#,
                422,
                Some("id"),
                "digits",
            ),
            (
                r#"{"command":"submit_job"}"#,
                422,
                Some("task_type"),
                "kind of job",
            ),
            (
                r#"{"command":"submit_job","type":"noop","task_type":"noop"}"#,
                422,
                Some("type"),
                "not both",
            ),
            (
                r#"{"command":"submit_job","task_type":"noop","priority":-1}"#,
                422,
                Some("priority"),
                "",
            ),
        ] {
            let problem = refused(text);

            let named = problem
                .members
                .get("field")
                .and_then(|field| field.as_str());
            assert_eq!(
                (problem.status, named),
                (status, field),
                "{text}: {problem}"
            );
            assert!(problem.detail.unwrap().contains(says), "{text}");
        }
        let long = format!(r#"{{"command":"ping","ref":"{}"}}"#, "x".repeat(300));
        assert_eq!(refused(&long).members["field"], "ref");
    }
}
