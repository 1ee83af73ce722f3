//! `/openapi.json`: the API's description, made from the code it describes.

use super::{api, routes};
use axum::Json;
use measure::report::ReplicaAccount;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use service_kit::problem::MEDIA_TYPE;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    paths(routes::describe, routes::progress, routes::run),
    components(schemas(api::RunRequest, api::RunAnswer, api::RunProgress, api::Description))
)]
struct Document;

/// The OpenAPI 3.1 document.
pub async fn document() -> Json<Value> {
    Json(build())
}

/// The account's shape stands once, in `measure`, which describes it by
/// schemars; OpenAPI 3.1 takes such JSON Schemas as they are.
fn build() -> Value {
    let mut document = Document::openapi();
    document.merge(crate::jobs::ScrapeApi::openapi());
    let mut document = serde_json::to_value(document).expect("an OpenAPI document is JSON");
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let account = generator.subschema_for::<ReplicaAccount>();
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in generator.take_definitions(true) {
        schemas[name] = schema;
    }
    schemas["RunAnswer"]["properties"]["account"] = account.to_value();
    schemas["Problem"] = problem();
    describe_refusals(&mut document["paths"]);
    document
}

/// Every error answer is a problem, whoever gives it.
fn describe_refusals(paths: &mut Value) {
    let content = json!({MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let operations = members(paths).flat_map(|(_, path)| members(path));
    let responses = operations.flat_map(|(_, operation)| members(&mut operation["responses"]));
    for (_, response) in responses.filter(|(status, _)| status.as_str() >= "400") {
        response["content"] = content.clone();
    }
}

fn members(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flatten()
}

/// The shape of [`service_kit::problem::Problem`] with the members that this
/// service adds to it.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why there is no other answer (RFC 9457).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "description": "The kind of problem; about:blank: what the status says."},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "description": "The HTTP status code."},
            "detail": {"type": "string", "description": "What is wrong and what to do about it."},
            "instance": {"type": "string", "description": "The path that was asked, and the request's id."},
            "request_id": {"type": "string", "description": "By which the service's log lines are found."},
            "field": {"type": "string", "description": "422: which field is wrong, such as origin."},
            "allowed": {
                "type": "array",
                "items": {"type": "string"},
                "description": "422: the names that are known there.",
            },
            "nearest": {"type": "string", "description": "422: which of them was probably meant."},
            "progress": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "409: how much of the other run is done; null when another process has it.",
            },
        },
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(to)) = members.get("$ref") {
                        found.push(to.clone());
                    }
                    members
                        .values()
                        .for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = build();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.iter().any(|to| to.ends_with("/ReplicaAccount")));
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
