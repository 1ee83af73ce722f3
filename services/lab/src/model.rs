//! The resolved lab that the host script hands over: what stations there are.

use crate::check::{Host, refused};
use crate::compose::{LabModel, Service};
use crate::station::{Around, Beside, StationSpec};
use anyhow::Context;
use measure::report::Declared;
use std::collections::BTreeMap;
use std::path::Path;

/// The stations of the resolved lab in `path` (the JSON that `docker compose
/// config` prints), in the order of `names`; those it leaves out come last. With
/// them, what is around them, by the names that containers have for it.
pub fn stations(path: &Path, names: &[String]) -> anyhow::Result<(Vec<StationSpec>, Around)> {
    let shown = path.display();
    let json = std::fs::read_to_string(path)
        .with_context(|| format!("{shown}: the resolved lab cannot be read"))?;
    let model = LabModel::from_compose_json(&json)
        .with_context(|| format!("{shown}: is not a resolved lab"))?;
    let refused = refused(&model, &Host::read());
    let beside = model.beside().map(|name| Beside {
        name: name.to_owned(),
        url: format!("http://{name}:8080"),
        environment: model
            .services
            .get(name)
            .map(Service::environment_set)
            .unwrap_or_default(),
    });
    let components = model
        .needs()
        .map(|one| (one, format!("{}:{}", one.name(), one.port())));
    let around = Around {
        beside: beside.collect(),
        components: components.collect(),
    };
    Ok((specs(&model, &refused, names), around))
}

/// The stations of a resolved lab, in the order of `names`; why some cannot
/// run is in `refused`.
pub fn specs(
    model: &LabModel,
    refused: &BTreeMap<String, String>,
    names: &[String],
) -> Vec<StationSpec> {
    let services = model.services.iter();
    let services = services.filter(|(name, _)| model.is_station(name));
    let mut stations: Vec<_> = services
        .map(|(name, service)| StationSpec {
            name: name.clone(),
            replicas: service.replicas() as usize,
            declared: Declared {
                cpus: service.quota_cpus(),
                cpuset: service.cpuset.clone(),
                memory_bytes: service.memory_bytes(),
            },
            refused: refused.get(name).cloned(),
        })
        .collect();
    let place = |name: &String| names.iter().position(|other| other == name);
    stations.sort_by_key(|station| place(&station.name).unwrap_or(usize::MAX));
    stations
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::compose::Component;

    const RESOLVED: &str = r#"{"services": {
        "fleet": {"deploy": {"replicas": 4, "resources": {"limits": {"cpus": 0.5}}}},
        "huge": {"deploy": {"resources": {"limits": {"cpus": 64}}}},
        "pinned": {"cpuset": "0", "deploy": {"resources": {"limits": {"memory": "268435456"}}}},
        "lab": {"profiles": ["run"]},
        "origin": {"environment": {"ORIGIN_LATENCY": "100ms", "UNSET": null}},
        "postgres": {}
    }, "x-parlab": {"needs": ["postgres"], "beside": ["origin"]}}"#;

    #[test]
    fn what_runs_beside_the_stations_is_none_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        std::fs::write(&path, RESOLVED).unwrap();

        let (stations, around) = stations(&path, &[]).unwrap();

        let names: Vec<&str> = stations.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["fleet", "huge", "pinned"]);
        let origin = around.beside("origin").unwrap();
        assert_eq!(origin.url, "http://origin:8080");
        assert_eq!(origin.environment["ORIGIN_LATENCY"], "100ms");
        assert_eq!(origin.environment.len(), 1);
        assert!(around.has(Component::Postgres) && !around.has(Component::Redis));
        assert_eq!(around.components[0].1, "postgres:5432");
    }

    #[test]
    fn stations_come_in_the_files_order_and_the_refused_ones_last() {
        let model = LabModel::from_compose_json(RESOLVED).unwrap();
        let names = ["pinned".to_owned(), "fleet".to_owned()];

        let stations = specs(&model, &refused(&model, &Host::with_cpus(2)), &names);

        let found: Vec<_> = stations
            .iter()
            .map(|s| (s.name.as_str(), s.replicas))
            .collect();
        assert_eq!(found, [("pinned", 1), ("fleet", 4), ("huge", 1)]);
        assert_eq!(stations[0].declared.cpuset.as_deref(), Some("0"));
        assert_eq!(stations[0].declared.memory_bytes, Some(256 << 20));
        assert_eq!(stations[1].declared.cpus, Some(0.5));
        assert!(stations[1].refused.is_none());
        assert!(stations[2].refused.as_ref().unwrap().contains("64"));
    }
}
