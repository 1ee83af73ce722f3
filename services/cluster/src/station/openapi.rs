//! `/openapi.json`: the API's description, made from the code it describes.
//!
//! It is made by a test and kept in a file. What makes it is as large as what
//! serves, and code that one process in the family maps all of them do.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const DOCUMENT: &str = include_str!("../../openapi.json");

/// The OpenAPI 3.1 document.
pub async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{api, routes};
    use super::DOCUMENT;
    use crate::master;
    use serde_json::Value;
    use service_kit::openapi;
    use utoipa::OpenApi;

    const REGENERATE: &str = "PARLAB_WRITE_OPENAPI=1 cargo test -p cluster openapi";

    #[derive(OpenApi)]
    #[openapi(
        paths(
            routes::describe,
            routes::progress,
            routes::run,
            routes::workers,
            routes::kill
        ),
        components(schemas(api::RunRequest, api::RunAnswer, api::Description, master::Info))
    )]
    struct Document;

    fn generated() -> Value {
        openapi::completed(serde_json::to_value(Document::openapi()).unwrap())
    }

    #[test]
    fn the_file_is_what_the_code_says() {
        let generated = generated();
        if std::env::var_os("PARLAB_WRITE_OPENAPI").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
            let text = serde_json::to_string_pretty(&generated).unwrap() + "\n";
            std::fs::write(path, text).unwrap();
            return;
        }
        let kept: Value = serde_json::from_str(DOCUMENT).unwrap();
        assert!(
            kept == generated,
            "services/cluster/openapi.json is out of date with the code: run\n  {REGENERATE}"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = generated();
        assert!(document["components"]["schemas"]["ReplicaAccount"].is_object());
        assert_eq!(openapi::dangling(&document), Vec::<String>::new());
    }
}
