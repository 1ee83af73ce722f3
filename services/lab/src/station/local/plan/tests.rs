#![allow(clippy::unwrap_used)]
use super::{Objection, Planned, objections, plan};
use crate::compose::LabModel;
use crate::station::local::means::Means;
use std::collections::BTreeMap;
use std::path::Path;

fn model(services: &str) -> LabModel {
    LabModel::from_compose_json(&format!("{{\"services\": {{{services}}}}}")).unwrap()
}

fn said(model: &LabModel, means: &Means) -> Vec<String> {
    let all = objections(model, means, |program| program != "unbuilt");
    let said = |one: &Objection| format!("{} {}: {}", one.service, one.key, one.message);
    all.iter().map(said).collect()
}

fn planned(model: &LabModel) -> Vec<Planned> {
    plan(model, Path::new("/built"), &BTreeMap::new())
}

const MEANS: Means = Means::Systemd(Vec::new());

#[test]
fn a_service_becomes_its_program_with_its_limits() {
    let model = model(
        r#""half": {"image": "parlab/primes:latest", "restart": "unless-stopped",
            "environment": {"A": "1", "B": null},
            "deploy": {"replicas": 3, "resources": {"limits": {"cpus": 0.5}}}},
           "lab": {"image": "parlab/lab", "profiles": ["run"], "volumes": [{"type": "bind", "target": "/x"}]}"#,
    );

    assert!(said(&model, &MEANS).is_empty(), "the runner is no station");
    let all = planned(&model);
    assert_eq!(all.len(), 1);
    let half = &all[0];
    assert_eq!(half.program, Path::new("/built/primes"));
    assert_eq!(half.arguments, ["serve"]);
    assert_eq!(half.environment, BTreeMap::from([("A".into(), "1".into())]));
    assert_eq!((half.replicas, half.restarts), (3, true));
    assert_eq!(half.limits.quota_cpus, Some(0.5));
}

#[test]
fn what_only_a_container_has_is_refused_by_name() {
    let model = model(
        r#""store": {"image": "redis:8.0"},
           "disk": {"image": "parlab/primes", "volumes": [{"type": "volume", "source": "v", "target": "/data"}]},
           "other": {"image": "parlab/unbuilt"},
           "odd": {"image": "parlab/primes", "command": ["sh", "-c", "x"], "privileged": true,
                   "ports": [{"target": 8080}], "cpu_shares": 2}"#,
    );

    assert_eq!(
        said(&model, &MEANS),
        [
            "disk volumes: a local station has no disk of its own to mount /data in",
            "odd command: a local station can only `serve`",
            "odd privileged: a local station gets no privilege",
            "odd ports: a local station chooses its own ports, and cannot publish 8080",
            "odd cpu_shares: a local station has no weight against others",
            "other image: its program unbuilt is not built",
            "store image: redis:8.0 is no program of this project, and only Docker can run it",
        ]
    );
}

#[test]
fn one_port_of_what_a_single_replica_serves_can_be_published() {
    let model = model(
        r#""one": {"image": "parlab/cluster", "ports": [{"target": 3000, "published": "3100"}]},
           "any": {"image": "parlab/cluster", "ports": [{"target": 3000}]},
           "two": {"image": "parlab/cluster", "ports": [{"target": 3000}, {"target": 3001}]},
           "fleet": {"image": "parlab/cluster", "scale": 2, "ports": [{"target": 3000}]},
           "admin": {"image": "parlab/cluster", "ports": [{"target": 9000}]}"#,
    );

    assert_eq!(
        said(&model, &MEANS),
        [
            "admin ports: a local station chooses its own ports, and cannot publish 9000",
            "fleet ports: 2 replicas cannot have one port of this machine",
            "two ports: a local station has one port that can be published, and these are 3000 \
             and 3001",
        ]
    );
    let published = |name: &str| {
        let all = planned(&model);
        all.iter().find(|one| one.name == name).unwrap().published
    };
    assert_eq!((published("one"), published("any")), (Some(3100), None));
}

#[test]
fn a_fractional_quota_is_refused_where_only_affinity_is_to_be_had() {
    let model = model(
        r#""half": {"image": "parlab/primes", "cpus": 0.5}, "one": {"image": "parlab/primes", "cpus": 1}"#,
    );

    let said = said(&model, &Means::Affinity);

    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("half cpus: a quota of 0.5 CPUs needs a control group"),
        "{said:?}"
    );
}

#[test]
fn those_that_are_named_start_first() {
    let model = model(
        r#""a": {"image": "parlab/x", "environment": {"URL": "http://b:8080", "WORD": "c"}},
           "b": {"image": "parlab/x", "environment": {"URL": "http://c/"}},
           "c": {"image": "parlab/x"}"#,
    );

    assert!(said(&model, &MEANS).is_empty());
    let order: Vec<_> = planned(&model)
        .into_iter()
        .map(|one| (one.name, one.uses))
        .collect();
    assert_eq!(
        order,
        [
            ("c".into(), vec![]),
            ("b".into(), vec!["c".to_owned()]),
            ("a".into(), vec!["b".to_owned()])
        ]
    );
}

#[test]
fn names_that_cannot_become_one_address_are_refused() {
    let model = model(
        r#""a": {"image": "parlab/x", "environment": {"URL": "b:1"}},
           "b": {"image": "parlab/x", "environment": {"URL": "a:1"}},
           "c": {"image": "parlab/x", "environment": {"URL": "fleet:1"}},
           "fleet": {"image": "parlab/x", "scale": 2}"#,
    );

    assert_eq!(
        said(&model, &MEANS),
        [
            "a environment: it and b name one another, and neither can be started first",
            "b environment: it and a name one another, and neither can be started first",
            "c environment: it names fleet, whose 2 replicas share no address here",
        ]
    );
    let order: Vec<_> = planned(&model).into_iter().map(|one| one.name).collect();
    assert_eq!(order, ["fleet", "c"], "a circle is not started");
}
