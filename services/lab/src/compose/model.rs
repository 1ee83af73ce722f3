//! The resolved lab: what remains when a Compose file's `extends`, anchors and
//! variables are gone. It has the shape of `docker compose config --format
//! json`, so that either can be read in place of the other.

use super::parlab::{Component, Parlab};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A lab's services by name. Compose's JSON holds more than is modelled here;
/// what is not is passed over when it is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LabModel {
    /// The services, those behind a profile included.
    pub services: BTreeMap<String, Service>,
    /// What the lab says to Parlab itself, in the extension field `x-parlab`.
    #[serde(default, rename = "x-parlab", skip_serializing_if = "Option::is_none")]
    pub parlab: Option<Parlab>,
}

/// One service, resolved. Absent means that the file does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// The image it runs from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How the image is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// Its arguments; absent: the image's own.
    pub command: Option<Vec<String>>,
    /// Its program; absent: the image's own.
    pub entrypoint: Option<Vec<String>>,
    /// Variables by name; one without a value is passed on by Docker where it
    /// is set, and was not set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Option<String>>,
    /// Replicas and limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<Deploy>,
    /// The CPUs it may run on, as the kernel's list: `0-3,8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpuset: Option<String>,
    /// The quota in CPUs, as an alternative to `deploy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// The weight against other groups when CPUs are short; 1024 is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_shares: Option<i64>,
    /// The memory limit, as an alternative to `deploy`.
    #[serde(skip_serializing_if = "Option::is_none", with = "bytes")]
    pub mem_limit: Option<u64>,
    /// How many processes and threads, as an alternative to `deploy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_limit: Option<i64>,
    /// How many replicas, as an alternative to `deploy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// It runs only when one of these profiles is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Its ports on the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// What is mounted into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Mount>,
    /// The services that must run before it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<String, Dependency>,
    /// How Docker asks whether it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Its user, or user and group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its folder at start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Its host name inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// A container name of its own, which forbids replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// Its network, where not the project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// What happens when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// The signal that stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// How long it has to stop, in Go's notation: `1m30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_grace_period: Option<String>,
    /// Whether an init process reaps its children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Whether its root is read-only; Compose leaves `false` out.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether it has all privileges; Compose leaves `false` out.
    #[serde(skip_serializing_if = "is_false")]
    pub privileged: bool,
    /// Capabilities it gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cap_add: Vec<String>,
    /// Capabilities it loses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cap_drop: Vec<String>,
    /// Security options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_opt: Vec<String>,
    /// Folders in memory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<String>,
    /// Labels by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How an image is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// The folder that is sent, absolute.
    pub context: String,
    /// The Dockerfile, relative to it.
    pub dockerfile: String,
    /// The stage to build, where not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Build arguments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, Option<String>>,
}

/// Replicas and limits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deploy {
    /// Swarm's mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// How many containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// What each container may use.
    pub resources: Resources,
}

/// What a container may use at most, and what it asks for at least.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Amounts>,
    /// At least; CPUs only in Swarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservations: Option<Amounts>,
}

/// CPUs, memory and processes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amounts {
    /// CPUs: a quota per period, so that 0.5 is half of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none", with = "bytes")]
    pub memory: Option<u64>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<i64>,
}

/// A port of the service on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// Swarm's mode.
    pub mode: String,
    /// The host's address, where not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
    /// The port inside.
    pub target: u16,
    /// The port on the host, or a range to choose from; absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// Something mounted into the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// `bind`, `volume` or `tmpfs`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The folder on the host, absolute, or the volume's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where it appears inside.
    pub target: String,
    /// Whether it cannot be written to.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
}

/// What must be true of a service before the one that depends on it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `service_started`, `service_healthy` or `service_completed_successfully`.
    pub condition: String,
    /// Whether its absence is an error.
    pub required: bool,
    /// Whether its restart restarts the dependent service.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restart: bool,
}

/// How Docker asks whether a service is well; times in Go's notation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// The command, after `CMD` or `CMD-SHELL`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// How long it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How long failures do not count after a start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<String>,
    /// How many failures in a row count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
    /// Whether there is none, in spite of the image's own.
    #[serde(skip_serializing_if = "is_false")]
    pub disable: bool,
}

impl LabModel {
    /// Reads what `docker compose config --format json` printed. It doubles
    /// every `$`, so that its output is again a Compose file; that is undone.
    pub fn from_compose_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&json.replace("$$", "$"))
    }

    /// Whether the service of this name is measured: a plain `up` starts it, and
    /// it is neither a component of others nor named to run beside.
    pub fn is_station(&self, name: &str) -> bool {
        let starts = self
            .services
            .get(name)
            .is_some_and(Service::starts_by_itself);
        starts && !self.is_component(name) && !self.is_beside(name)
    }

    /// Whether the service is a component of others that the lab needs.
    pub fn is_component(&self, name: &str) -> bool {
        self.needs().any(|component| component.name() == name)
    }

    /// Whether the service is one of ours that runs beside the stations.
    pub fn is_beside(&self, name: &str) -> bool {
        self.beside().any(|beside| beside == name)
    }

    /// The components of others that the lab needs.
    pub fn needs(&self) -> impl Iterator<Item = Component> + '_ {
        self.parlab
            .iter()
            .flat_map(|parlab| parlab.needs.iter().copied())
    }

    /// The services of ours that run beside the stations.
    pub fn beside(&self) -> impl Iterator<Item = &str> + '_ {
        let names = self.parlab.iter().flat_map(|parlab| &parlab.beside);
        names.map(String::as_str)
    }
}

impl Service {
    /// Whether a plain `up` starts it: it is behind no profile.
    pub fn starts_by_itself(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Its environment, without the names that have no value.
    pub fn environment_set(&self) -> BTreeMap<String, String> {
        let pairs = self.environment.iter();
        pairs
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect()
    }

    /// How many containers it runs in.
    pub fn replicas(&self) -> u32 {
        let deployed = self.deploy.as_ref().and_then(|deploy| deploy.replicas);
        deployed.or(self.scale).unwrap_or(1)
    }

    /// The quota in CPUs of each container; `None`: as much as there is.
    pub fn quota_cpus(&self) -> Option<f64> {
        self.limits().and_then(|limits| limits.cpus).or(self.cpus)
    }

    /// The memory limit of each container in bytes.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.limits()
            .and_then(|limits| limits.memory)
            .or(self.mem_limit)
    }

    /// The limits under `deploy`.
    pub fn limits(&self) -> Option<&Amounts> {
        self.deploy.as_ref()?.resources.limits.as_ref()
    }

    /// The reservations under `deploy`.
    pub fn reservations(&self) -> Option<&Amounts> {
        self.deploy.as_ref()?.resources.reservations.as_ref()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it with a reference
fn is_false(value: &bool) -> bool {
    !value
}

/// Bytes are a text in Compose's JSON, and a number in older versions' JSON.
mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }

    #[allow(clippy::ref_option)] // serde calls it with a reference to the field
    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.collect_str(bytes),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        match Option::<Written>::deserialize(deserializer)? {
            None => Ok(None),
            Some(Written::Number(bytes)) => Ok(Some(bytes)),
            Some(Written::Text(text)) => text.parse().map(Some).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::LabModel;

    const CONFIG: &str = r#"{
      "name": "parlab",
      "networks": {"default": {"name": "parlab_default", "ipam": {}}},
      "services": {"half": {
        "command": ["serve", "$$HOME"], "entrypoint": null, "networks": {"default": null},
        "environment": {"A": "1", "B": null},
        "deploy": {"replicas": 4, "placement": {},
          "resources": {"limits": {"cpus": 0.5, "memory": "67108864", "pids": 10}}},
        "mem_limit": "67108864"}}}"#;

    #[test]
    fn composes_json_is_read_and_what_is_not_modelled_passed_over() {
        let model = LabModel::from_compose_json(CONFIG).unwrap();

        let half = &model.services["half"];
        assert_eq!(half.command.as_deref().unwrap(), ["serve", "$HOME"]);
        assert_eq!(half.environment["B"], None);
        assert_eq!((half.replicas(), half.quota_cpus()), (4, Some(0.5)));
        assert_eq!(half.memory_bytes(), Some(64 << 20));
        assert_eq!(half.limits().unwrap().pids, Some(10));
    }

    #[test]
    fn what_is_written_reads_back() {
        let model = LabModel::from_compose_json(CONFIG).unwrap();

        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<LabModel>(&json).unwrap(), model);
        assert!(json.contains(r#""memory":"67108864""#), "{json}");
    }

    #[test]
    fn what_is_not_composes_json_is_an_error() {
        for json in [
            "",
            "{",
            "{}",
            "[]",
            r#"{"services": 5}"#,
            r#"{"services":{"a":{"cpus":"x"}}}"#,
        ] {
            assert!(LabModel::from_compose_json(json).is_err(), "{json}");
        }
    }
}
