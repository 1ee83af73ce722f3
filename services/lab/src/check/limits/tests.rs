//! What is granted on hosts of 1 to 192 CPUs.

#![allow(clippy::unwrap_used)]

use super::{objections, refused};
use crate::check::Host;
use crate::compose::{LabModel, Severity};
use proptest::prelude::*;

fn model(services: &str) -> LabModel {
    LabModel::from_compose_json(&format!("{{\"services\": {{{services}}}}}")).unwrap()
}

fn one(service: &str) -> LabModel {
    model(&format!("\"one\": {{{service}}}"))
}

fn quota(cpus: f64) -> String {
    format!("\"deploy\": {{\"resources\": {{\"limits\": {{\"cpus\": {cpus}}}}}}}")
}

/// What is said of a model, as `severity key: message; hint`.
fn said(model: &LabModel, host: &Host) -> Vec<String> {
    let objections = objections(model, host);
    let said = objections.iter().map(|objection| {
        let severity = match objection.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (key, message, hint) = (objection.key, &objection.message, &objection.hint);
        format!("{severity} {key}: {message}; {hint}")
    });
    said.collect()
}

#[test]
fn a_quota_above_the_host_is_refused_and_one_at_it_granted() {
    let host = Host::with_cpus(2);
    assert_eq!(
        said(&one(&quota(3.0)), &host),
        ["error deploy.resources.limits.cpus: cpus 3 is above this host's 2 CPUs; write 2 or less"]
    );
    assert!(said(&one(&quota(2.0)), &host).is_empty());
    assert_eq!(
        said(&one("\"cpus\": 1.5"), &Host::with_cpus(1)),
        ["error cpus: cpus 1.5 is above this host's 1 CPU; write 1 or less"]
    );
}

#[test]
fn a_cpuset_must_lie_among_the_cpus_that_are_online() {
    let host = Host {
        online: "0,2-3".parse().unwrap(),
        cpus: 3,
        memory_bytes: None,
    };
    let cpuset = |list: &str| said(&one(&format!("\"cpuset\": \"{list}\"")), &host);

    assert!(cpuset("0,3").is_empty() && cpuset("").is_empty());
    assert_eq!(
        cpuset("0-1"),
        ["error cpuset: cpuset 0-1 names CPU 1, and this host has 0,2-3; choose among 0,2-3"]
    );
    assert_eq!(
        cpuset("7"),
        ["error cpuset: cpuset 7 leaves it no CPU: this host has 0,2-3; choose among 0,2-3"]
    );
    assert!(cpuset("x")[0].starts_with("error cpuset: cpuset \"x\" is not a list of CPUs"));
}

#[test]
fn a_quota_wider_than_its_cpuset_runs_with_a_warning() {
    let model = one(&format!("\"cpuset\": \"0\", {}", quota(2.0)));

    let said = said(&model, &Host::with_cpus(2));

    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with(
            "warning deploy.resources.limits.cpus: cpus 2 is more than its cpuset 0 holds: 1 CPU"
        ),
        "{said:?}"
    );
    assert!(refused(&model, &Host::with_cpus(2)).is_empty());
}

#[test]
fn memory_has_dockers_floor_and_the_hosts_ceiling() {
    let host = Host {
        memory_bytes: Some(1 << 30),
        ..Host::with_cpus(2)
    };
    let memory = |bytes: u64| {
        let limit = format!("{{\"limits\": {{\"memory\": \"{bytes}\"}}}}");
        said(
            &one(&format!("\"deploy\": {{\"resources\": {limit}}}")),
            &host,
        )
    };

    let key = "deploy.resources.limits.memory";
    assert!(memory(6 << 20).is_empty() && memory(1 << 30).is_empty());
    assert!(memory((6 << 20) - 1)[0].starts_with(&format!("error {key}: memory 6.0 MiB is below")));
    assert!(memory(2 << 30)[0].starts_with(&format!("warning {key}: memory 2 GiB is above")));
    let unknown = said(
        &one("\"mem_limit\": \"99999999999999\""),
        &Host::with_cpus(2),
    );
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn what_runs_nothing_or_reserves_in_vain_is_named() {
    let host = Host::with_cpus(2);
    let none = said(&one("\"deploy\": {\"replicas\": 0}"), &host);
    assert!(none[0].starts_with("error deploy.replicas: replicas 0 runs no container"));
    assert!(said(&one("\"scale\": 0"), &host)[0].starts_with("error scale: "));
    let reserved = "\"deploy\": {\"resources\": {\"reservations\": {\"cpus\": 0.5}}}";
    assert!(
        said(&one(reserved), &host)[0].starts_with("warning deploy.resources.reservations.cpus")
    );
    let memory = "\"deploy\": {\"resources\": {\"reservations\": {\"memory\": \"9999999\"}}}";
    assert!(said(&one(memory), &host).is_empty());
}

#[test]
fn who_depends_on_a_refused_service_is_refused_too() {
    let needs = |other: &str, required: bool| {
        format!(
            "\"depends_on\": {{\"{other}\": \
             {{\"condition\": \"service_started\", \"required\": {required}}}}}"
        )
    };
    let model = model(&format!(
        "\"db\": {{\"cpus\": 9}}, \"a\": {{{}}}, \"b\": {{{}}}, \"c\": {{{}}}, \"d\": {{}}",
        needs("db", true),
        needs("a", true),
        needs("db", false)
    ));

    let refused = refused(&model, &Host::with_cpus(2));

    assert_eq!(refused.keys().collect::<Vec<_>>(), ["a", "b", "db"]);
    assert_eq!(refused["b"], "it depends on a, which cannot run here");
}

proptest! {
    #[test]
    fn on_every_host_a_quota_is_granted_exactly_up_to_its_cpus(
        cpus in 1_usize..=192,
        hundredths in 1_u32..=20_000,
    ) {
        let quota_cpus = f64::from(hundredths) / 100.0;
        let refused = refused(&one(&quota(quota_cpus)), &Host::with_cpus(cpus));
        prop_assert_eq!(refused.is_empty(), quota_cpus <= cpus as f64);
    }

    #[test]
    fn on_every_host_a_cpuset_is_granted_exactly_among_its_cpus(
        cpus in 1_usize..=192,
        first in 0_usize..=200,
        more in 0_usize..=20,
    ) {
        let last = first + more;
        let model = one(&format!("\"cpuset\": \"{first}-{last}\""));
        prop_assert_eq!(refused(&model, &Host::with_cpus(cpus)).is_empty(), last < cpus);
    }
}
