//! Stations that are child processes of the runner, each under limits of its
//! own.
//!
//! They end with the runner, however it ends: dropping [`Local`] kills them and
//! removes their groups; where nothing can be dropped (SIGKILL, abort) the
//! kernel's death signal ends them, and the next run removes the groups.

mod addresses;
mod cgroup;
mod folder;
mod limits;
mod means;
mod owner;
mod plan;
mod postgres;
mod process;
mod program;
mod redis;
mod systemd;

pub use cgroup::Cgroups;
pub use limits::Limits;
pub use means::{Choice, Means, find};
pub use plan::{Planned, objections, plan};
pub use postgres::{Account, Postgres};
pub use redis::Redis;

use super::{Action, Answering, Around, Beside, Replica, StationSpec, Stations};
use crate::compose::Component;
use anyhow::{Context, bail};
use measure::report::{Backend, Enforcement, ReplicaAccount};
use process::{Launch, Process};
use rustix::process::Signal;
use service_kit::address::AddressLine;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::sync::Mutex;

/// The most replicas that a station can be scaled to.
const MOST_REPLICAS: usize = 64;

/// The local backend.
#[derive(Debug)]
pub struct Local {
    specs: Vec<StationSpec>,
    around: Around,
    // Before `means`: the stations' groups lie below those of the run.
    stations: Mutex<Vec<Running>>,
    means: Means,
    // After the stations, which use them.
    components: Components,
}

/// The components of others that run for the stations, of the run's own.
#[derive(Debug, Default)]
pub struct Components {
    /// Where the lab needs one and the machine has one.
    pub postgres: Option<Postgres>,
    /// Where the lab needs one.
    pub redis: Option<Redis>,
}

impl Components {
    /// Those that run, and where each answers.
    fn addresses(&self) -> Vec<(Component, SocketAddr)> {
        let postgres = self.postgres.as_ref();
        let postgres = postgres.map(|one| (Component::Postgres, one.address));
        let redis = self.redis.as_ref();
        let redis = redis.map(|one| (Component::Redis, one.address));
        postgres.into_iter().chain(redis).collect()
    }
}

/// A station and its processes.
#[derive(Debug)]
struct Running {
    planned: Planned,
    launches: Launches,
    replicas: Vec<Process>,
    /// Killed for good.
    killed: bool,
}

/// What all replicas of a station are started from.
#[derive(Debug, Clone)]
struct Launches {
    enter: PathBuf,
    logs: PathBuf,
    environment: Vec<(String, String)>,
}

/// Where the programs are and what they say.
#[derive(Debug, Clone)]
pub struct Places {
    /// This program.
    pub enter: PathBuf,
    /// The folder for what stations write to their standard error.
    pub logs: PathBuf,
}

impl Local {
    /// Starts the stations of the plan and what runs beside them. A station that
    /// does not start gets its reason in its spec, and the others run; without
    /// what is beside them none does.
    pub async fn start(
        mut specs: Vec<StationSpec>,
        plan: Vec<Planned>,
        means: Means,
        places: &Places,
        components: Components,
    ) -> anyhow::Result<Self> {
        let logs = &places.logs;
        std::fs::create_dir_all(logs)
            .with_context(|| format!("{}: cannot be made", logs.display()))?;
        let mut stations: Vec<Running> = Vec::new();
        for planned in plan {
            let started = start_station(&planned, &stations, &components, &means, places).await;
            match started {
                Ok(running) => stations.push(running),
                Err(error) if planned.beside => {
                    return Err(error.context(format!("{} could not be started", planned.name)));
                }
                Err(error) => {
                    let spec = specs.iter_mut().find(|spec| spec.name == planned.name);
                    if let Some(spec) = spec {
                        spec.refused = Some(format!("it could not be started: {error:#}"));
                    }
                }
            }
        }
        Ok(Self {
            specs,
            around: around(&stations, &components),
            stations: Mutex::new(stations),
            means,
            components,
        })
    }
}

fn around(running: &[Running], components: &Components) -> Around {
    let beside = running.iter().filter(|running| running.planned.beside);
    let beside = beside.filter_map(|running| {
        let first = running.replicas.first()?;
        Some(Beside {
            name: running.planned.name.clone(),
            url: format!("http://{}", first.addresses.api),
            environment: running.planned.environment.clone(),
        })
    });
    let components = components.addresses().into_iter();
    let components = components.map(|(one, address)| (one, address.to_string()));
    Around {
        beside: beside.collect(),
        components: components.collect(),
    }
}

async fn start_station(
    planned: &Planned,
    others: &[Running],
    components: &Components,
    means: &Means,
    places: &Places,
) -> anyhow::Result<Running> {
    let mut running = Running {
        launches: Launches {
            enter: places.enter.clone(),
            logs: places.logs.clone(),
            environment: environment(planned, others, components)?,
        },
        planned: planned.clone(),
        replicas: Vec::new(),
        killed: false,
    };
    running.scale(planned.replicas, means).await?;
    Ok(running)
}

/// What the file says, names resolved. Nothing of the caller's: a container
/// sees none of it either, but the search path, which `systemd-run` and a
/// service's own children are found by.
fn environment(
    planned: &Planned,
    others: &[Running],
    components: &Components,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for name in ["PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
        if let Ok(value) = std::env::var(name) {
            all.push((name.to_owned(), value));
        }
    }
    let mut own = planned.environment.clone();
    for name in &planned.uses {
        let other = others.iter().find(|other| other.planned.name == *name);
        let replica = other.and_then(|other| other.replicas.first());
        let replica = replica.with_context(|| format!("it names {name}, which does not run"))?;
        for value in own.values_mut() {
            *value = addresses::resolve(value, name, &replica.addresses);
        }
    }
    with_postgres(&mut own, components.postgres.as_ref());
    if let Some(redis) = &components.redis {
        with_address(&mut own, Component::Redis, redis.address);
    }
    all.extend(own);
    Ok(all)
}

/// Where a container finds the password of the component.
const POSTGRES_PASSWORD: &str = "/run/secrets/postgres-password";

/// What names PostgreSQL in an environment is where the run has its own; where
/// it has none, a service that is told of one would wait for it.
fn with_postgres(environment: &mut BTreeMap<String, String>, postgres: Option<&Postgres>) {
    let name = Component::Postgres.name();
    let Some(postgres) = postgres else {
        let told_of = |value: &str| value == POSTGRES_PASSWORD || addresses::names(value, name);
        environment.retain(|_, value| !told_of(value));
        return;
    };
    with_address(environment, Component::Postgres, postgres.address);
    for value in environment.values_mut() {
        if value == POSTGRES_PASSWORD {
            *value = postgres.password_file().display().to_string();
        }
    }
}

/// What names the component names where it answers.
fn with_address(
    environment: &mut BTreeMap<String, String>,
    component: Component,
    address: SocketAddr,
) {
    let addresses = AddressLine {
        api: address,
        admin: address,
        http: None,
    };
    for value in environment.values_mut() {
        *value = addresses::resolve(value, component.name(), &addresses);
    }
}

impl Running {
    /// Starts or ends replicas until there are so many.
    async fn scale(&mut self, replicas: usize, means: &Means) -> anyhow::Result<()> {
        // The newest go first, as with Compose.
        self.replicas.truncate(replicas);
        while self.replicas.len() < replicas {
            let index = self.replicas.len();
            let launch = self.launch(index);
            process::new_log(&launch.log)?;
            let hold = means.hold(&self.planned.name, index, &self.planned.limits)?;
            let process = Process::start(&launch, hold, None).await?;
            self.replicas.push(process);
        }
        Ok(())
    }

    /// Starts those again that have died, where the file has them restarted:
    /// in the same groups, at the same addresses.
    async fn revive(&mut self) -> anyhow::Result<()> {
        if self.killed || !self.planned.restarts {
            self.replicas.retain_mut(Process::runs);
            return Ok(());
        }
        for index in 0..self.replicas.len() {
            if self.replicas[index].runs() {
                continue;
            }
            let launch = self.launch(index);
            let dead = self.replicas.remove(index);
            let addresses = dead.addresses;
            let process = Process::start(&launch, dead.end(), Some(addresses)).await?;
            self.replicas.insert(index, process);
        }
        Ok(())
    }

    fn launch(&self, index: usize) -> Launch {
        let name = format!("{}-{}", self.planned.name, index + 1);
        let mut environment = self.launches.environment.clone();
        // All stations share this machine's namespace of run locks.
        environment.push((
            "STATION_NAME".to_owned(),
            format!("{name}-{}", std::process::id()),
        ));
        Launch {
            enter: self.launches.enter.clone(),
            program: self.planned.program.clone(),
            arguments: self.planned.arguments.clone(),
            environment,
            published: self.planned.published,
            log: self.launches.logs.join(format!("{name}.log")),
        }
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.replicas
            .iter()
            .try_for_each(|replica| replica.signal(signal))
    }
}

impl Stations for Local {
    fn backend(&self) -> Backend {
        Backend::Local
    }

    fn list(&self) -> &[StationSpec] {
        &self.specs
    }

    fn around(&self) -> &Around {
        &self.around
    }

    fn enforcement(&self) -> Option<Enforcement> {
        Some(self.means.enforcement())
    }

    fn pins_quotas(&self) -> bool {
        self.means.pins_quotas()
    }

    /// Without a group of its own a replica counts the CPU time of whoever is in
    /// the runner's group; its workers' is what can be told apart.
    fn own_account(&self, mut account: ReplicaAccount) -> ReplicaAccount {
        if !self.means.counts_cpu_time() {
            let workers = account.workers.iter().map(|worker| worker.on_cpu_seconds);
            account.group.cpu_seconds = workers.sum();
        }
        account
    }

    fn replicas<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<Replica>> {
        Box::pin(async move {
            let mut stations = self.stations.lock().await;
            let running = found(&mut stations, station)?;
            running.revive().await?;
            let replicas = running.replicas.iter().map(|process| Replica {
                api: process.addresses.api,
                admin: process.addresses.admin,
            });
            Ok(replicas.collect())
        })
    }

    fn served<'a>(&'a self, station: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async move {
            let mut stations = self.stations.lock().await;
            let running = found(&mut stations, station)?;
            let served = running
                .replicas
                .iter()
                .map(|process| process.addresses.http);
            let served: Option<Vec<_>> = served.collect();
            let served = served.with_context(|| format!("{station} serves nobody"))?;
            Ok(served
                .into_iter()
                .map(|address| format!("http://{address}/"))
                .collect())
        })
    }

    fn act<'a>(&'a self, station: &'a str, action: Action) -> Answering<'a, ()> {
        Box::pin(async move {
            if let Some(redis) = self.components.redis.as_ref().filter(|_| is_redis(station)) {
                return to_redis(redis, action);
            }
            let mut stations = self.stations.lock().await;
            let running = found(&mut stations, station)?;
            match action {
                Action::Scale(replicas @ 0..=MOST_REPLICAS) => {
                    running.killed = false;
                    running.scale(replicas, &self.means).await
                }
                Action::Scale(_) => bail!("scale needs a number from 0 to {MOST_REPLICAS}"),
                Action::Crash => {
                    let first = running.replicas.first_mut();
                    let first = first.with_context(|| format!("{station} does not run"))?;
                    first.crash();
                    running.revive().await
                }
                Action::Kill => {
                    running.killed = true;
                    running.replicas.clear();
                    Ok(())
                }
                Action::Pause => running.signal(Signal::STOP),
                Action::Resume => running.signal(Signal::CONT),
            }
        })
    }
}

fn is_redis(name: &str) -> bool {
    name == Component::Redis.name()
}

/// What lies between stations may stand still, and no more: it is no station.
fn to_redis(redis: &Redis, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Pause => redis.pause(),
        Action::Resume => redis.resume(),
        _ => bail!("redis can be paused and resumed, and nothing else"),
    }
    Ok(())
}

fn found<'s>(stations: &'s mut [Running], name: &str) -> anyhow::Result<&'s mut Running> {
    let mut all = stations.iter_mut();
    all.find(|running| running.planned.name == name)
        .with_context(|| format!("{name}: no such station runs"))
}

/// Whether a service's program is in this folder.
pub fn has_program(programs: &Path, name: &str) -> bool {
    programs.join(name).is_file()
}

#[cfg(test)]
mod tests;
