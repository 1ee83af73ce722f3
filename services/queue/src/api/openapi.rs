//! `/openapi.json`: the API's description, made from the code it describes.

use super::{course, front, jobs};
use crate::{events, job, spec};
use axum::Json;
use serde_json::{Value, json};
use service_kit::openapi;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Queue",
        description = "Jobs: accepted once the store has them, done by workers, and what came of them. \
            A WebSocket for the same is at /socket here, and at / on a port of its own (8765)."
    ),
    tags(
        (name = "jobs", description = "Jobs, from being accepted to their end"),
        (name = "queue", description = "What waits, what is done, what died"),
        (name = "events", description = "What happens to jobs, as it happens"),
        (name = "course", description = "What the course's programs ask"),
    ),
    paths(
        jobs::submit,
        jobs::submit_batch,
        jobs::job,
        jobs::result,
        jobs::cancel,
        jobs::list,
        jobs::queue,
        jobs::dead,
        jobs::retry,
        jobs::drop_dead,
        events::events,
        course::queue_task,
        course::queue_sleep,
        course::heavy_computation,
    ),
    components(schemas(
        spec::JobSpec,
        job::Job,
        job::Event,
        front::JobResult,
    ))
)]
struct Document;

/// The OpenAPI 3.1 document.
pub(super) async fn document() -> Json<Value> {
    Json(build())
}

fn build() -> Value {
    let document = serde_json::to_value(Document::openapi());
    let mut document = openapi::with_problems(document.expect("an OpenAPI document is JSON"));
    let members = &mut document["components"]["schemas"]["Problem"]["properties"];
    let id = json!({"$ref": "#/components/schemas/JobId"});
    let state = json!({"$ref": "#/components/schemas/State"});
    for (name, mut member, says) in [
        ("id", id, "409: the other job of the idempotency key."),
        ("index", json!({}), "409: whose key that is, in the batch."),
        (
            "state",
            state,
            "409: how the job has ended that was to be cancelled.",
        ),
        ("depth", json!({}), "429: how many jobs wait."),
        ("limit", json!({}), "429: how many may."),
    ] {
        if member.get("$ref").is_none() {
            member["type"] = "integer".into();
            member["minimum"] = 0.into();
        }
        member["description"] = says.into();
        members[name] = member;
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = build();
        assert!(document["components"]["schemas"]["Job"].is_object());
        assert_eq!(openapi::dangling(&document), Vec::<String>::new());
    }
}
