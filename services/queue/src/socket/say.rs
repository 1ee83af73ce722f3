//! What a client is told over the WebSocket: one JSON object per message, its kind in `type`.

use crate::api::{JobResult, Refused};
use crate::job::{Event, Job, JobId, JsonText, State, Stats, Submitted, What};
use serde::Serialize;
use serde_json::{Value, json};

/// What the client gave as `ref`, repeated in the answer.
pub(super) type Reference = Option<JsonText>;

/// A message.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Say<'s> {
    /// The store has the job; what becomes of it is pushed.
    Accepted {
        #[serde(flatten)]
        job: Submitted,
        /// By which a later connection gets what this one could not be told.
        session: &'s str,
    },
    Status {
        job: &'s Job,
    },
    QueueStatus {
        queue: &'s Stats,
        session: &'s str,
        /// Jobs whose end is still to be pushed.
        jobs: usize,
    },
    Cancelled {
        id: JobId,
        was: State,
    },
    Subscribed {
        all: bool,
        ids: &'s [JobId],
    },
    Unsubscribed {
        all: bool,
        ids: &'s [JobId],
    },
    Pong {
        session: &'s str,
    },
    Resumed {
        session: &'s str,
        /// Whether there was such a session.
        resumed: bool,
    },
    State {
        id: JobId,
        state: State,
    },
    Progress {
        id: JobId,
        progress: f64,
    },
    Result(&'s JobResult),
    Event {
        event: &'s Event,
    },
    /// So many events came faster than they were read.
    Missed {
        count: u64,
    },
    Away {
        detail: &'s str,
    },
    Back,
}

impl Say<'_> {
    /// That a job moved.
    pub fn moved(id: JobId, what: What) -> Self {
        match what {
            What::State(state) => Self::State { id, state },
            What::Progress(progress) => Self::Progress { id, progress },
        }
    }

    /// Its JSON.
    pub fn text(&self, reference: &Reference) -> String {
        with_reference(self, reference)
    }
}

/// That something was refused: the members of the problem that HTTP would answer.
pub(super) fn refusal(refused: &Refused, reference: &Reference) -> String {
    let problem = &refused.problem;
    let mut said = json!({
        "type": "error",
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
    });
    for (name, value) in problem.members.iter() {
        said[name] = value.clone();
    }
    if let Some(seconds) = refused.retry_after_seconds {
        said["retry_after_seconds"] = Value::from(seconds);
    }
    with_reference(&said, reference)
}

fn with_reference(said: &impl Serialize, reference: &Reference) -> String {
    let mut text = serde_json::to_string(said).expect("what is said is JSON");
    if let Some(reference) = reference {
        text.pop();
        text.push_str(",\"ref\":");
        text.push_str(reference.get());
        text.push('}');
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use service_kit::problem::Problem;

    #[test]
    fn a_result_keeps_its_digits_and_the_clients_reference() {
        let result = JobResult {
            id: JobId(17),
            state: Some(State::Succeeded),
            result: Some(JsonText::parse(r#"{"sum":333333283333335000000}"#.into()).unwrap()),
            error: None,
        };

        let text = Say::Result(&result).text(&Some(JsonText::parse("7".into()).unwrap()));

        assert_eq!(
            text,
            r#"{"type":"result","id":"17","state":"succeeded","result":{"sum":333333283333335000000},"error":null,"ref":7}"#
        );
    }

    #[test]
    fn a_refusal_says_what_http_says() {
        let problem = Problem::of_field("priority", "0 to 9");

        let said: Value = serde_json::from_str(&refusal(&problem.into(), &None)).unwrap();

        assert_eq!(
            said,
            json!({
                "type": "error", "status": 422, "title": "Unprocessable Entity",
                "detail": "0 to 9", "field": "priority",
            })
        );
    }
}
