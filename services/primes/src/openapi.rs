//! `/openapi.json`: the API's description, made from the code it describes.

use crate::{api, routes};
use axum::Json;
use measure::report::ReplicaAccount;
use schemars::generate::SchemaSettings;
use serde_json::Value;
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
    let mut document =
        serde_json::to_value(Document::openapi()).expect("an OpenAPI document is JSON");
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let account = generator.subschema_for::<ReplicaAccount>();
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in generator.take_definitions(true) {
        schemas[name] = schema;
    }
    schemas["RunAnswer"]["properties"]["account"] = account.to_value();
    document
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
