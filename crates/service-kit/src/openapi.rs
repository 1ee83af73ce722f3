//! What every station's API description has in common, and a page to try it on.

mod page;

use crate::problem::MEDIA_TYPE;
use crate::station::RunProgress;
use measure::report::ReplicaAccount;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

pub use page::page;

/// Adds to an OpenAPI 3.1 document what stands elsewhere: the account in
/// `RunAnswer`, the progress of a run, the problem that every error answers
/// with, and the errors that any request with a body may end in.
///
/// The account's shape stands once, in `measure`, which describes it by
/// schemars; OpenAPI 3.1 takes such JSON Schemas as they are.
#[must_use]
pub fn completed(mut document: Value) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let account = generator.subschema_for::<ReplicaAccount>();
    generator.subschema_for::<RunProgress>();
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in generator.take_definitions(true) {
        schemas[name] = schema;
    }
    // One who measures others has none of its own.
    if let Some(own) = schemas.pointer_mut("/RunAnswer/properties/account") {
        *own = account.to_value();
    }
    with_problems(document)
}

/// Adds to an OpenAPI 3.1 document the problem that every error answers with, and
/// the errors that any request with a body may end in.
#[must_use]
pub fn with_problems(mut document: Value) -> Value {
    document["components"]["schemas"]["Problem"] = problem();
    let operations = members(&mut document["paths"]).flat_map(|(_, path)| members(path));
    for (_, operation) in operations {
        describe_refusals(operation);
    }
    document
}

/// What any request with a body may be refused with.
const OF_BODIES: [(&str, &str); 6] = [
    ("400", "The body is not JSON"),
    ("408", "The body did not arrive in time"),
    ("413", "The body is too large"),
    ("415", "The content type is not JSON"),
    ("422", "A field cannot be; `field` names it"),
    ("500", "A fault of the service; its log tells the cause"),
];

/// Every error answer is a problem, whoever gives it.
fn describe_refusals(operation: &mut Value) {
    if operation["requestBody"].is_object() {
        for (status, description) in OF_BODIES {
            operation["responses"][status] = json!({"description": description});
        }
    }
    let content = json!({MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let responses = members(&mut operation["responses"]);
    for (_, response) in responses.filter(|(status, _)| status.as_str() >= "400") {
        response["content"] = content.clone();
    }
}

fn members(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flatten()
}

/// The shape of [`crate::problem::Problem`] with the members that stations add
/// to it.
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
            "field": {"type": "string", "description": "422: which field is wrong."},
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

/// The references of a document that lead nowhere.
pub fn dangling(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    references(document, &mut found);
    found.retain(|to| document.pointer(to.trim_start_matches('#')).is_none());
    found
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_problems_and_what_leads_nowhere_is_found() {
        let answers = json!({"200": {"description": "well"}, "409": {"description": "busy"}});
        let body = json!({"content": {}});
        let document = completed(json!({
            "paths": {"/run": {
                "get": {"responses": answers},
                "post": {"responses": answers, "requestBody": body},
            }},
            "components": {"schemas": {"RunAnswer": {"properties": {"account": {}}}}},
        }));

        let schemas = &document["components"]["schemas"];
        let account = &schemas["RunAnswer"]["properties"]["account"];
        assert_eq!(account["$ref"], "#/components/schemas/ReplicaAccount");
        let responses = &document["paths"]["/run"]["post"]["responses"];
        assert!(responses["409"]["content"][MEDIA_TYPE].is_object());
        assert!(responses["422"]["content"][MEDIA_TYPE].is_object());
        assert!(responses["200"]["content"].is_null());
        let responses = &document["paths"]["/run"]["get"]["responses"];
        assert_eq!(responses["422"], Value::Null, "it has no body");
        assert_eq!(dangling(&document), Vec::<String>::new());
        let broken = json!({"$ref": "#/components/schemas/None", "all": document});
        assert!(dangling(&broken).contains(&"#/components/schemas/None".to_owned()));
    }
}
