//! `metrics snapshot`: one interval, measured and printed.

mod processes;
mod text;

use crate::config::SnapshotConfig;
use crate::names::{Asker, Names};
use crate::rates::{self, ContainerUse, CpuUse, HostUse};
use crate::reading::{Host, Reading};
use processes::Processes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service_kit::host::rfc3339;
use service_kit::terminal;
use std::time::SystemTime;

/// What [`Snapshot::schema`] says. A field may be added under the same number;
/// one that changes its meaning or goes takes the next.
const SCHEMA: &str = "parlab-snapshot/1";

/// A host over one interval. `null` is unknown, never 0; per cent are 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// `parlab-snapshot/1`.
    pub schema: String,
    /// When the interval ended, in RFC 3339.
    pub taken: String,
    /// How long it was.
    pub interval_seconds: f64,
    /// CPUs of the host that are online.
    pub cpus_online: Option<usize>,
    /// All CPUs together.
    pub cpu: Option<CpuPercent>,
    /// Each CPU that is online, in rising order; there may be gaps.
    pub cores: Vec<Core>,
    /// The frequency that the processor is sold with, where the kernel prints
    /// that and not the one of the moment.
    pub nominal_frequency_hertz: Option<f64>,
    /// Mean number of tasks that ran, wanted to, or waited for a disk.
    pub load_average: Option<LoadAverage>,
    /// Memory of the host.
    pub memory: Option<MemoryUse>,
    /// Context switches of all CPUs.
    pub context_switches_per_second: Option<f64>,
    /// Those processes that used a CPU most, most first.
    pub processes: Vec<ProcessUse>,
    /// Whether the kernel hides other users' processes from this one (`hidepid`).
    pub processes_hidden: bool,
    /// All containers, most throttled first, then by use.
    pub containers: Vec<ContainerPercent>,
}

/// How CPU time was spent; what is left to 100 was idle.
#[expect(
    clippy::struct_field_names,
    reason = "a figure's name ends in its unit"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuPercent {
    /// Programs and the kernel: the next three together.
    pub used_percent: f64,
    /// Programs at normal priority.
    pub user_percent: f64,
    /// Programs at lowered priority.
    pub nice_percent: f64,
    /// The kernel, interrupts included.
    pub system_percent: f64,
    /// Taken by the hypervisor for other machines; not part of the use.
    pub steal_percent: f64,
}

/// One CPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Core {
    /// Its number.
    pub cpu: usize,
    /// How it spent the interval.
    #[serde(rename = "use")]
    pub used: Option<CpuPercent>,
    /// Its frequency at the end of the interval.
    pub frequency_hertz: Option<f64>,
}

/// Load averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadAverage {
    /// Over one minute.
    pub one_minute: f64,
    /// Over five minutes.
    pub five_minutes: f64,
    /// Over fifteen minutes.
    pub fifteen_minutes: f64,
}

/// Memory of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryUse {
    /// What the kernel manages.
    pub total_bytes: u64,
    /// What could be had without swapping.
    pub available_bytes: Option<u64>,
    /// What is not available.
    pub used_percent: Option<f64>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessUse {
    /// Its number.
    pub pid: u32,
    /// Its command's name, 15 bytes at most.
    pub name: String,
    /// CPU time of all its threads; 100 is one core.
    pub cpu_percent: f64,
    /// The CPU that its main thread last ran on.
    pub last_cpu: Option<usize>,
    /// How many threads it has.
    pub threads: u64,
    /// Memory, its own and shared.
    pub resident_bytes: u64,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerPercent {
    /// Its short id; of a local station, its replica's name.
    pub id: String,
    /// Its station's name where that is known, else the id again.
    pub name: String,
    /// CPUs' worth of time that it used.
    pub cpus_used: Option<f64>,
    /// Its quota in CPUs; `null` is also: it has none.
    pub quota_cpus: Option<f64>,
    /// Of the quota's periods in which it had work, those in which it ran out.
    pub throttled_percent: Option<f64>,
    /// Memory in use, page cache included.
    pub memory_bytes: Option<u64>,
    /// Its memory limit; `null` is also: it has none.
    pub memory_limit_bytes: Option<u64>,
}

/// Measures and prints.
pub async fn run(config: SnapshotConfig) -> anyhow::Result<()> {
    let host = Host::at(config.watched.places);
    let names = Names::default();
    let mut asker = Asker::new(
        names.clone(),
        config.watched.stations.0,
        host.tree().clone(),
    );
    let earlier = (host.read(), Processes::read(host.places()));
    tokio::join!(asker.ask(), tokio::time::sleep(config.interval));
    let later = (host.read(), Processes::read(host.places()));
    let mut snapshot = Snapshot::of(&earlier.0, &later.0, &names);
    snapshot.nominal_frequency_hertz = host.nominal_hertz();
    snapshot.processes_hidden = later.1.hidden();
    if later.1.is_empty() {
        let proc = host.places().proc.display();
        eprintln!(
            "! no process can be read in {proc}: --proc (METRICS_PROC) names the host's /proc"
        );
    }
    snapshot.processes = later.1.since(&earlier.1, usize::from(config.top));
    let printed = if config.json {
        serde_json::to_string_pretty(&snapshot)? + "\n"
    } else {
        text::of(&snapshot)
    };
    terminal::print(&printed)?;
    Ok(())
}

impl Snapshot {
    /// The host between two readings, without its processes.
    fn of(earlier: &Reading, later: &Reading, names: &Names) -> Self {
        let used = HostUse::between(earlier, later);
        let online = later.cpus.as_ref();
        let cores = online
            .iter()
            .flat_map(|all| all.per_cpu.keys())
            .map(|cpu| Core {
                cpu: *cpu,
                used: used.per_core.get(cpu).map(CpuPercent::of),
                frequency_hertz: later.hertz.get(cpu).copied(),
            });
        let containers = rates::containers(earlier, later, |one| names.of(&one.id));
        Self {
            schema: SCHEMA.into(),
            taken: rfc3339(SystemTime::now()),
            interval_seconds: used.seconds,
            cpus_online: online.map(|all| all.per_cpu.len()),
            cpu: used.total.as_ref().map(CpuPercent::of),
            cores: cores.collect(),
            nominal_frequency_hertz: None,
            load_average: later
                .load
                .map(|[one_minute, five_minutes, fifteen_minutes]| LoadAverage {
                    one_minute,
                    five_minutes,
                    fifteen_minutes,
                }),
            memory: later.memory.map(|memory| MemoryUse {
                total_bytes: memory.total_bytes,
                available_bytes: memory.available_bytes,
                used_percent: memory.used_percent(),
            }),
            context_switches_per_second: used.context_switches_per_second,
            processes: Vec::new(),
            processes_hidden: false,
            containers: containers.into_iter().map(ContainerPercent::of).collect(),
        }
    }
}

impl CpuPercent {
    fn of(used: &CpuUse) -> Self {
        Self {
            used_percent: used.busy() * 100.0,
            user_percent: used.user * 100.0,
            nice_percent: used.nice * 100.0,
            system_percent: used.system * 100.0,
            steal_percent: used.steal * 100.0,
        }
    }
}

impl ContainerPercent {
    fn of(used: ContainerUse) -> Self {
        Self {
            id: used.id,
            name: used.name,
            cpus_used: used.cpus_used,
            quota_cpus: used.quota_cpus,
            throttled_percent: used.throttled_share.map(|share| share * 100.0),
            memory_bytes: used.memory_bytes,
            memory_limit_bytes: used.memory_limit_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
