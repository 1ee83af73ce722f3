//! One reading of the kernel's counters: the host's and its containers'.

use crate::config::Places;
use crate::proc::cpuinfo::CpuInfo;
use crate::proc::memory::Memory;
use crate::proc::pressure::{Pressure, Resource};
use crate::proc::{context_switches, load_averages};
use cpu_budget::clock::monotonic_seconds;
use cpu_budget::host::HostCpuTimes;
use cpu_budget::{ContainerId, ContainerTree, CpuQuota, CpuUsage, MemoryUsage};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

/// What the kernel counted up to one moment. `None` and missing are unknown.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// When, by [`monotonic_seconds`].
    pub at_seconds: f64,
    /// What each CPU that is online did.
    pub cpus: Option<HostCpuTimes>,
    /// Context switches of all CPUs.
    pub context_switches: Option<u64>,
    /// The frequency of each CPU that tells it, in hertz.
    pub hertz: BTreeMap<usize, f64>,
    /// The host's memory.
    pub memory: Option<Memory>,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// How long tasks waited.
    pub pressure: BTreeMap<Resource, Pressure>,
    /// The containers that are there.
    pub containers: Vec<ContainerReading>,
}

/// What the kernel counted for one container.
#[derive(Debug, Clone)]
pub struct ContainerReading {
    /// Which one.
    pub id: ContainerId,
    /// Its CPU time and throttling.
    pub usage: CpuUsage,
    /// Its own quota.
    pub quota: CpuQuota,
    /// Its memory and its own limit.
    pub memory: MemoryUsage,
}

/// A host, and where its files are.
#[derive(Debug, Clone)]
pub struct Host {
    places: Places,
    tree: ContainerTree,
    frequencies: Frequencies,
}

/// Which file tells at what frequency the CPUs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequencies {
    /// Each CPU's own, of its frequency driver.
    Driver,
    /// `/proc/cpuinfo`.
    CpuInfo,
    /// None: so it is in most virtual machines.
    Untold,
}

impl Host {
    /// The host whose files are there. What tells frequencies is looked up
    /// once, since asking in vain costs as much as asking.
    pub fn at(places: Places) -> Self {
        let mut host = Self {
            tree: ContainerTree::at(&places.cgroup),
            places,
            frequencies: Frequencies::Driver,
        };
        let online = host.online();
        for frequencies in [
            Frequencies::Driver,
            Frequencies::CpuInfo,
            Frequencies::Untold,
        ] {
            host.frequencies = frequencies;
            if !host.hertz(&online).is_empty() {
                break;
            }
        }
        host
    }

    /// Where the kernel's files are.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The host's containers.
    pub fn tree(&self) -> &ContainerTree {
        &self.tree
    }

    /// The frequency that the processor is sold with, where the kernel prints
    /// that and not the one of the moment.
    pub fn nominal_hertz(&self) -> Option<f64> {
        CpuInfo::parse(&self.places.proc("cpuinfo")?).nominal_hertz()
    }

    /// Reads all counters.
    pub fn read(&self) -> Reading {
        let stat = self.places.proc("stat").unwrap_or_default();
        // Right after the counters that rates are made of: the rest takes its time.
        let at_seconds = monotonic_seconds();
        let containers = self.containers();
        let cpus = HostCpuTimes::of(&stat);
        let online: Vec<usize> = cpus
            .iter()
            .flat_map(|all| all.per_cpu.keys().copied())
            .collect();
        let pressure = Resource::ALL.into_iter().filter_map(|resource| {
            let text = self.places.proc(format!("pressure/{}", resource.name()))?;
            Some((resource, resource.parse(&text)))
        });
        Reading {
            at_seconds,
            context_switches: context_switches(&stat),
            hertz: self.hertz(&online),
            memory: self
                .places
                .proc("meminfo")
                .and_then(|text| Memory::parse(&text)),
            load: self
                .places
                .proc("loadavg")
                .and_then(|text| load_averages(&text)),
            pressure: pressure.collect(),
            containers,
            cpus,
        }
    }

    fn online(&self) -> Vec<usize> {
        let stat = self.places.proc("stat").unwrap_or_default();
        let times = HostCpuTimes::of(&stat).unwrap_or_default();
        times.per_cpu.into_keys().collect()
    }

    fn hertz(&self, online: &[usize]) -> BTreeMap<usize, f64> {
        match self.frequencies {
            Frequencies::Driver => online
                .iter()
                .filter_map(|&cpu| Some((cpu, self.driver_hertz(cpu)?)))
                .collect(),
            Frequencies::CpuInfo => {
                let text = self.places.proc("cpuinfo").unwrap_or_default();
                CpuInfo::parse(&text).frequencies()
            }
            Frequencies::Untold => BTreeMap::new(),
        }
    }

    /// `scaling_cur_freq`, in kHz; everybody may read it.
    fn driver_hertz(&self, cpu: usize) -> Option<f64> {
        let folder = self.places.sys.join("devices/system/cpu");
        let path = folder.join(format!("cpu{cpu}/cpufreq/scaling_cur_freq"));
        // One read each, without asking for the size first: there may be hundreds.
        let mut number = [0; 32];
        let length = File::open(path).ok()?.read(&mut number).ok()?;
        let number = str::from_utf8(&number[..length]).ok()?;
        let kilohertz: u64 = number.trim().parse().ok()?;
        (kilohertz > 0).then_some(kilohertz as f64 * 1e3)
    }

    /// Those that are still there when their files are read.
    fn containers(&self) -> Vec<ContainerReading> {
        let readings = self
            .tree
            .containers()
            .into_iter()
            .map(|container| ContainerReading {
                usage: container.usage(),
                quota: container.quota(),
                memory: container.memory(),
                id: container.id,
            });
        let is_there = |reading: &ContainerReading| {
            reading.usage.usage_seconds.is_some() || reading.memory.current_bytes.is_some()
        };
        readings.filter(is_there).collect()
    }
}
