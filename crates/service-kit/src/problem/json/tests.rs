//! What is read, and what is refused how.
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
    #[allow(dead_code)]
    how: Option<How>,
}

#[derive(Debug, Deserialize)]
struct How {
    #[allow(dead_code)]
    strategy: Strategy,
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
fn tells_where_a_wrong_value_is_by_its_field_and_broken_json_by_its_position() {
    for (body, field) in [
        (r#"{"limit": "abc"}"#, "limit: "),
        (
            r#"{"limit": 1, "shard": {"index": "one"}}"#,
            "shard.index: ",
        ),
        (r#"{"limt": 1}"#, "unknown field `limt`, "),
        (
            r#"{"shard": {"indx": 1}}"#,
            "unknown field `shard.indx`, expected `index`",
        ),
        ("{}", "missing field `limit`"),
        ("[]", ""),
    ] {
        let detail = refused(body).detail.unwrap();
        assert!(detail.starts_with(field), "{detail}");
        assert!(!detail.contains("column"), "{detail}");
    }
    let detail = refused("{\"limit\": }").detail.unwrap();
    assert!(detail.ends_with("at line 1 column 11"), "{detail}");
}

#[test]
fn names_the_nearest_known_field_and_all_that_are_allowed() {
    let problem = refused(r#"{"limt": 1}"#);

    assert_eq!(problem.members["field"], "limt");
    assert_eq!(problem.members["nearest"], "limit");
    assert_eq!(
        problem.members["allowed"],
        serde_json::json!(["limit", "strategy", "shard", "how"])
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
fn names_the_names_that_belong_where_something_else_stands() {
    for (given, shown) in [
        ("5", "`5`"),
        ("null", "`null`"),
        ("true", "`true`"),
        ("[\"sequential\"]", "`[\"sequential\"]`"),
        ("{}", "`{}`"),
    ] {
        let problem = refused(&format!(
            r#"{{"limit": 1, "how": {{"strategy": {given}}}}}"#
        ));

        assert_eq!(problem.status, 422, "{given}");
        assert_eq!(problem.members["field"], "how.strategy", "{given}");
        let allowed = serde_json::json!(["sequential", "work-stealing"]);
        assert_eq!(problem.members["allowed"], allowed, "{given}");
        let detail = problem.detail.unwrap();
        assert!(detail.contains(shown), "{detail}");
    }
    let whole = read::<Strategy>(b"7").unwrap_err();
    assert_eq!(whole.status, 422);
    assert_eq!(whole.members["allowed"][0], "sequential");
}

#[test]
fn a_name_given_twice_does_not_hide_that_one_is_none() {
    let twice = r#"{"limit": 1, "how": {"strategy": 5, "strategy": "sequential"}}"#;

    let problem = refused(twice);

    assert_eq!(problem.status, 422);
    assert_eq!(problem.members["field"], "how.strategy");
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
        serde_json::json!(["limit", "strategy", "shard", "how"])
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
