//! What the service says of its own API.

use crate::programs::{Origin, Station};
use serde_json::json;

#[tokio::test]
async fn every_path_and_field_that_is_described_is_there() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    let document = station.get("/openapi.json").await;

    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let paths = document["paths"].as_object().unwrap();
    for path in ["/", "/run", "/scrape", "/scrape/{id}/results"] {
        assert!(paths.contains_key(path), "{path}: {:?}", paths.keys());
    }
    let schemas = &document["components"]["schemas"];
    let answer = station.run(&origin, &json!({"pages": 1})).await.1;
    for (schema, object) in [
        ("RunAnswer", &answer),
        ("Figures", &answer["figures"]),
        ("ReplicaAccount", &answer["account"]),
    ] {
        let described = schemas[schema]["properties"].as_object().unwrap();
        for field in object.as_object().unwrap().keys() {
            assert!(described.contains_key(field), "{schema}.{field}");
        }
    }
    // What is described of a request is what is taken.
    let fields = schemas["RunRequest"]["properties"].as_object().unwrap();
    let sample = json!({
        "origin": origin.url(), "pages": 1, "strategy": "threads", "workers": 2, "kernel": "heavy",
        "store": "none", "repeats": 1, "start_at_seconds": null,
    });
    assert_eq!(
        fields.keys().collect::<Vec<_>>(),
        sample.as_object().unwrap().keys().collect::<Vec<_>>()
    );
    assert_eq!(station.run(&origin, &sample).await.0, 200);
}
