//! `/openapi.json`: the API's description, made from the code it describes.

use super::{api, routes};
use axum::Json;
use serde_json::Value;
use service_kit::openapi;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    paths(routes::describe, routes::progress, routes::run),
    components(schemas(api::RunRequest, api::RunAnswer, api::Description))
)]
struct Document;

/// The OpenAPI 3.1 document.
pub(super) async fn document() -> Json<Value> {
    Json(build())
}

fn build() -> Value {
    let document = serde_json::to_value(Document::openapi());
    openapi::completed(document.expect("an OpenAPI document is JSON"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = build();
        assert!(document["components"]["schemas"]["ReplicaAccount"].is_object());
        assert_eq!(openapi::dangling(&document), Vec::<String>::new());
    }
}
