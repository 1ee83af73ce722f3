//! Stations: where a lab's work runs, whatever holds their limits.

pub mod docker;
pub mod http;
pub mod local;

pub use http::{Answer, Budget, SampleError};
pub use measure::now::Replica;

use crate::compose::Component;
use measure::report::{Backend, Declared, Enforcement, ReplicaAccount};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// A station as the Compose file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StationSpec {
    /// The Compose service's name.
    pub name: String,
    /// How many replicas it is to have.
    pub replicas: usize,
    /// Its limits, of one replica.
    pub declared: Declared,
    /// Why this host cannot grant it.
    pub refused: Option<String>,
}

/// A service of ours that runs beside the stations without being measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// The Compose service's name.
    pub name: String,
    /// Where the stations reach its API: `http://origin:8080`.
    pub url: String,
    /// Its environment as the Compose file has it.
    pub environment: BTreeMap<String, String>,
}

/// What is around the stations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The services of ours that run beside them.
    pub beside: Vec<Beside>,
    /// The components of others that run for them, of those that the lab needs,
    /// and where each answers: `postgres:5432`.
    pub components: Vec<(Component, String)>,
}

impl Around {
    /// The service of that name.
    pub fn beside(&self, name: &str) -> Option<&Beside> {
        self.beside.iter().find(|beside| beside.name == name)
    }

    /// Whether the component runs.
    pub fn has(&self, component: Component) -> bool {
        self.components.iter().any(|(one, _)| *one == component)
    }
}

/// Of a lab that has nothing but stations.
static NOTHING: Around = Around {
    beside: Vec::new(),
    components: Vec::new(),
};

/// Something done to a station from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Let it run this many replicas.
    Scale(usize),
    /// Its processes die, as after a fault; its restart policy brings it back.
    Crash,
    /// It is stopped for good.
    Kill,
    /// Its processes are frozen.
    Pause,
    /// And thawed.
    Resume,
}

/// A future that a trait object can return.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;

/// What holds the stations' limits: containers, or local processes.
pub trait Stations: Send + Sync {
    /// Which of them.
    fn backend(&self) -> Backend;

    /// The lab's stations in the order of the Compose file.
    fn list(&self) -> &[StationSpec];

    /// What is around them.
    fn around(&self) -> &Around {
        &NOTHING
    }

    /// How this run holds its stations to their limits, where there is a choice.
    fn enforcement(&self) -> Option<Enforcement> {
        None
    }

    /// Whether a whole quota is given as so many CPUs to run on.
    fn pins_quotas(&self) -> bool {
        false
    }

    /// What of a replica's account is that of the replica alone.
    fn own_account(&self, account: ReplicaAccount) -> ReplicaAccount {
        account
    }

    /// Where each replica of a station, or of a service beside them, answers, in
    /// an order that stays.
    fn replicas<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<Replica>>;

    /// Where those who use a station's service reach it, as URLs of its front
    /// page: all replicas behind one name, or each of them.
    fn served<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<String>>;

    /// Does something to a station.
    fn act<'a>(&'a self, station: &'a str, action: Action) -> Answering<'a, ()>;
}
