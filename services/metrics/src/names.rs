//! Names of containers, without the Docker socket: their own services tell.
//!
//! Every service has `service_info{container="<short id>"}` in its admin
//! `/metrics`, so asking the replicas of a station which containers they are
//! names those containers. This goes on beside the scrapes, every ten seconds
//! and sooner after a container has appeared, and disturbs what is measured as
//! little as can be: a replica is asked once, and again only when the container
//! that it named is no longer there.

mod asking;

use cpu_budget::{ContainerId, ContainerTree};
use futures_util::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// How often stations are looked for, and how soon after a container has
/// appeared: its service may need a moment, so the pauses grow from the one to
/// the other.
const EVERY: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_secs(1);

/// The admin port inside a container.
const ADMIN_PORT: u16 = 9000;

/// The most replicas of a station that are asked, and how many at a time.
const MOST_REPLICAS: usize = 256;
const AT_A_TIME: usize = 8;

/// A station that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// The name under which its replicas are found, and what they are called.
    pub name: String,
    /// The port of their admin endpoints.
    pub port: u16,
}

impl Station {
    /// Reads `name` or `name:port`.
    ///
    /// # Errors
    /// What is allowed, as the end of a sentence that names the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, port.parse().ok()),
            None => (text, Some(ADMIN_PORT)),
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match port {
            Some(port) if !name.is_empty() && name.bytes().all(known) => Ok(Self {
                name: name.to_owned(),
                port,
            }),
            _ => Err("must be names of services, such as primes-half,primes-fleet".to_owned()),
        }
    }
}

/// What is known so far; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Names {
    told: Arc<RwLock<Told>>,
    /// Woken when a container without a name is seen for the first time.
    appeared: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Told {
    /// Stations' names by short id.
    names: BTreeMap<String, String>,
    /// Containers that were seen without a name.
    nameless: BTreeSet<String>,
}

impl Names {
    /// What a container is called: the name of its station, or its short id.
    pub fn of(&self, id: &ContainerId) -> String {
        let short = id.short();
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        let name = id.station().or(told.names.get(short).map(String::as_str));
        let is_new = name.is_none() && !told.nameless.contains(short);
        let name = name.unwrap_or(short).to_owned();
        drop(told);
        if is_new {
            self.change(|told| told.nameless.insert(short.to_owned()));
            self.appeared.notify_one();
        }
        name
    }

    fn learn(&self, short: &str, station: &str) {
        self.change(|told| told.names.insert(short.to_owned(), station.to_owned()));
    }

    /// Forgets containers that have gone, so that this does not grow for ever.
    fn keep(&self, present: &BTreeSet<String>) {
        self.change(|told| {
            told.names.retain(|short, _| present.contains(short));
            told.nameless.retain(|short| present.contains(short));
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut Told) -> T) {
        change(&mut self.told.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Asks the replicas of stations.
#[derive(Debug)]
pub struct Asker {
    names: Names,
    stations: Vec<Station>,
    tree: ContainerTree,
    /// Which container answered at an address.
    answered: BTreeMap<SocketAddr, String>,
}

impl Asker {
    /// One that keeps `names` for the containers of `tree`.
    pub fn new(names: Names, stations: Vec<Station>, tree: ContainerTree) -> Self {
        Self {
            names,
            stations,
            tree,
            answered: BTreeMap::new(),
        }
    }

    /// Asks again and again, for ever; ends at once where there is nobody to ask.
    pub async fn keep_asking(mut self) {
        let appeared = self.names.appeared.clone();
        let mut pause = SOON;
        while !self.stations.is_empty() {
            self.ask().await;
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = EVERY.min(pause * 2),
                () = appeared.notified() => {
                    tokio::time::sleep(SOON).await;
                    pause = SOON;
                }
            }
        }
    }

    /// Asks once those of whom it is not known which container they are.
    pub async fn ask(&mut self) {
        // All at once: a name that nobody has may take as long as its deadline.
        let lookups = self.stations.clone().into_iter().map(lookup);
        let found: Vec<_> = futures_util::stream::iter(lookups)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut replicas: BTreeMap<SocketAddr, String> = BTreeMap::new();
        for (station, addresses) in found {
            let addresses = addresses.into_iter().take(MOST_REPLICAS);
            replicas.extend(addresses.map(|address| (address, station.clone())));
        }
        let containers = self.tree.containers().into_iter();
        let present: BTreeSet<String> = containers
            .map(|container| container.id.short().to_owned())
            .collect();
        self.answered
            .retain(|address, short| replicas.contains_key(address) && present.contains(short));
        replicas.retain(|address, _| !self.answered.contains_key(address));
        let questions = replicas.into_iter().map(question);
        let answers: Vec<_> = futures_util::stream::iter(questions)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        self.names.keep(&present);
        for (address, station, answer) in answers {
            match answer {
                Ok(Some(short)) if present.contains(&short) => {
                    self.names.learn(&short, &station);
                    self.answered.insert(address, short);
                }
                Ok(told) => {
                    tracing::debug!(%address, station, ?told, "names no container that is seen here");
                }
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::debug!(%address, station, error, "cannot be asked");
                }
            }
        }
    }
}

/// Where a station's replicas are.
async fn lookup(station: Station) -> (String, BTreeSet<SocketAddr>) {
    let addresses = asking::replicas(&station).await;
    (station.name, addresses)
}

/// Asks the replica of a station at an address.
async fn question(
    (address, station): (SocketAddr, String),
) -> (SocketAddr, String, anyhow::Result<Option<String>>) {
    (address, station, asking::container_at(address).await)
}

#[cfg(test)]
mod tests {
    use super::Names;
    use cpu_budget::ContainerId;

    #[test]
    fn a_container_without_a_name_has_its_short_id() {
        let names = Names::default();
        let id = ContainerId::Engine("1f0e5d7c2b3a4968".repeat(4));
        assert_eq!(names.of(&id), "1f0e5d7c2b3a");

        names.learn("1f0e5d7c2b3a", "primes-half");
        assert_eq!(names.of(&id), "primes-half");

        names.keep(&["1f0e5d7c2b3a".to_owned()].into());
        assert_eq!(names.of(&id), "primes-half");
        names.keep(&[].into());
        assert_eq!(names.of(&id), "1f0e5d7c2b3a");
    }

    #[test]
    fn a_local_stations_group_has_its_name_in_it() {
        let id = ContainerId::Station {
            run: 7,
            replica: "primes-fleet-3".to_owned(),
        };
        assert_eq!(Names::default().of(&id), "primes-fleet");
    }
}
