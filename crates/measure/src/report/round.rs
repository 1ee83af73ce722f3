//! The raw account of one sample: what the workers and the kernel counted.

use super::StageSample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One sample of a row: a fixed number of repeats of the job, on all replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Round {
    /// Which round of the run, from 0; rows are compared within a round.
    pub round: u32,
    /// How often the job was done in this sample, back to back.
    pub repeats: u32,
    /// The share of the job that each repeat did, above 0 and at most 1: a job
    /// that would take minutes is measured on a part of it, and what is told of
    /// one job is scaled.
    #[serde(default = "whole")]
    pub share: f64,
    /// What the lab itself counted in this sample, by name and as it was
    /// counted; empty in labs that count nothing of their own.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// One account per replica, in a fixed order.
    pub replicas: Vec<ReplicaAccount>,
    /// Where the sample is of a pipeline, each stage's part of it, in the stages'
    /// order; empty elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageSample>,
}

fn whole() -> f64 {
    1.0
}

impl Default for Round {
    /// A sample of one whole job, without an account.
    fn default() -> Self {
        Self {
            round: 0,
            repeats: 1,
            share: whole(),
            figures: BTreeMap::new(),
            replicas: Vec::new(),
            stages: Vec::new(),
        }
    }
}

impl Round {
    /// Wall seconds of the whole sample, by the clock that all replicas on one
    /// host share: last end − first start. Where each replica started at a
    /// refill of its own ([`Self::starts_apart`]) the longest replica's own
    /// seconds: up to a period lies between those starts, and it is the
    /// measurement's, not the job's.
    pub fn wall_seconds(&self) -> f64 {
        let most =
            |seconds: &mut dyn Iterator<Item = f64>| seconds.fold(f64::NEG_INFINITY, f64::max);
        if self.starts_apart() {
            return most(&mut self.replicas.iter().map(ReplicaAccount::seconds));
        }
        let first = self.replicas.iter().map(|r| r.started_seconds);
        most(&mut self.replicas.iter().map(|r| r.ended_seconds))
            - first.fold(f64::INFINITY, f64::min)
    }

    /// Whether the replicas started each at a refill of its own quota and not
    /// at one moment.
    pub fn starts_apart(&self) -> bool {
        self.replicas.len() > 1 && self.replicas.iter().any(|r| r.aligned.is_some())
    }

    /// Wall seconds of one job.
    pub fn job_seconds(&self) -> f64 {
        self.wall_seconds() / self.jobs()
    }

    /// How many whole jobs the sample comes to.
    pub fn jobs(&self) -> f64 {
        f64::from(self.repeats.max(1)) * self.share
    }

    /// Whether what is told of one job is scaled from a part of it.
    pub fn is_scaled(&self) -> bool {
        (0.0..1.0).contains(&self.share)
    }

    /// CPU seconds the groups of all replicas used in the sample.
    pub fn cpu_seconds(&self) -> Option<f64> {
        self.replicas.iter().map(|r| r.group.cpu_seconds).sum()
    }

    /// The workers of all replicas.
    pub fn workers(&self) -> impl Iterator<Item = &WorkerAccount> {
        self.replicas.iter().flat_map(|r| &r.workers)
    }
}

/// One replica's account of a sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaAccount {
    /// The process that did it: a new one after every restart.
    pub instance: String,
    /// Counts this instance's runs from 1; a gap means that somebody else ran one.
    pub run_sequence: u64,
    /// When the clock started, in seconds of the host's monotonic clock.
    pub started_seconds: f64,
    /// When the last worker ended, by the same clock.
    pub ended_seconds: f64,
    /// Whether the start was aligned to a refill of the quota; `false` when the
    /// refill was not seen in time; `null` where the start waited for none: no
    /// quota binds, or the replicas started together.
    pub aligned: Option<bool>,
    /// The quota in CPUs when the sample ended, tightest over the ancestors;
    /// `null` with `quota_known`: no quota, without it: unknown.
    #[serde(default)]
    pub quota_cpus: Option<f64>,
    /// Whether the kernel answered about a quota at all.
    #[serde(default)]
    pub quota_known: bool,
    /// That quota's period.
    #[serde(default)]
    pub period_seconds: Option<f64>,
    /// What the job came to (a prime count).
    pub answer: Option<u64>,
    /// Each worker's own account.
    pub workers: Vec<WorkerAccount>,
    /// The control group's counters over the sample.
    pub group: GroupAccount,
    /// The allowed CPUs over the sample, whoever used them.
    pub cpus: CpusAccount,
}

impl ReplicaAccount {
    /// Seconds of this replica's own part of the sample.
    pub fn seconds(&self) -> f64 {
        self.ended_seconds - self.started_seconds
    }
}

/// One worker's own account: an OS thread or a child process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WorkerAccount {
    /// Chunks, items or requests it finished.
    pub items: u64,
    /// When it took up work first, in seconds of the host's monotonic clock.
    pub started_seconds: f64,
    /// When it ended its last work.
    pub ended_seconds: f64,
    /// On a CPU between the sample's start and end (thread CPU clock).
    pub on_cpu_seconds: Option<f64>,
    /// Ready to run but off the CPU in that time, throttled or queued
    /// (`/proc/thread-self/schedstat`).
    pub waited_seconds: Option<f64>,
    /// Not ready, by what it waited for; less the rise of `waited_seconds`
    /// during the same call. All zero, and not known, where `waited_seconds` is
    /// `null`: throttled and queued time cannot be told from it then.
    pub blocked_on: BlockedOn,
}

/// Seconds a worker was blocked, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BlockedOn {
    /// Between the job's start and the worker's.
    pub start: f64,
    /// Between the worker's end and the job's.
    pub tail: f64,
    /// A disk, a network, a timer.
    pub io: f64,
    /// An empty queue.
    pub input: f64,
    /// A full queue.
    pub output: f64,
    /// A lock.
    pub lock: f64,
    /// No request.
    pub idle: f64,
}

impl BlockedOn {
    /// All causes together.
    pub fn total(&self) -> f64 {
        self.start + self.tail + self.io + self.input + self.output + self.lock + self.idle
    }
}

/// A control group's counters over a sample; each `null` where the kernel does
/// not keep it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct GroupAccount {
    /// CPU seconds of everything in the group.
    pub cpu_seconds: Option<f64>,
    /// Quota periods that passed while the group was active.
    pub periods: Option<u64>,
    /// Periods in which it ran out of quota.
    pub throttled_periods: Option<u64>,
    /// Time its run queues were throttled, summed over the CPUs.
    pub throttled_seconds: Option<f64>,
}

/// The CPUs a replica may run on, over a sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CpusAccount {
    /// Which they are, in the kernel's list format (`"0-3,8"`).
    pub allowed: Option<String>,
    /// How many they are.
    pub count: Option<usize>,
    /// Seconds they were idle, summed.
    pub idle_seconds: Option<f64>,
    /// Seconds the hypervisor had taken them away, summed.
    pub steal_seconds: Option<f64>,
    /// Seconds that something outside this replica's group ran on them, summed.
    pub others_seconds: Option<f64>,
}
