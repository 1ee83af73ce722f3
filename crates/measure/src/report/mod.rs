//! The run report: the one contract that the table, the HTML page, the
//! history, the tests and other people's scripts read.
//!
//! Two rules hold everywhere: a field that is absent or `null` is *unknown*,
//! never zero; and everything but the raw accounts in [`Row::rounds`] and the
//! limits in [`RunReport::stations`] can be computed again from those two.

mod drill;
mod round;
mod row;
mod stage;

pub use drill::{Drill, Slice};
pub use round::{BlockedOn, CpusAccount, GroupAccount, ReplicaAccount, Round, WorkerAccount};
pub use row::{Also, BlockedBy, Interval, Row, TimeBudget, Verdict, VerdictKind, Void, WorkersAre};
pub use stage::{Depth, PipelineFigures, StageFigures, StageSample};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the report's shape; raised when a reader would have to change.
pub const SCHEMA: &str = "parlab-run/1";

/// One run of a lab: what was asked, what was measured, what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The lab's name, `lab-<topic>`; a service's own `run` gives its command.
    pub lab: String,
    /// What held the limits.
    pub backend: Backend,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// How long the whole run took.
    pub seconds: f64,
    /// A short run: fewer rows and rounds, and no comparison is claimed from it.
    pub quick: bool,
    /// The run was interrupted: only whole rounds are in it.
    pub partial: bool,
    /// What the person asked for: limit, kernel, narrowed stations and so on.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The machine the stations ran on.
    pub host: Host,
    /// The stations, in the order of the Compose file.
    pub stations: Vec<Station>,
    /// The measured rows, the baseline among them.
    pub rows: Vec<Row>,
    /// The comparisons that the lab named beforehand.
    pub comparisons: Vec<Comparison>,
    /// What was broken on purpose under load, after the rounds; empty in labs
    /// that break nothing.
    #[serde(default)]
    pub drills: Vec<Drill>,
    /// One sentence for each group of rows, drawn from those rows.
    pub groups: Vec<Group>,
    /// What must hold whatever the speed; one that does not fails the run.
    pub invariants: Vec<Invariant>,
    /// The earlier run that `changes` are told against.
    #[serde(default)]
    pub compared_with: Predecessor,
    /// What differs from that run, and its effect.
    pub changes: Vec<Change>,
}

/// The newest earlier run of the lab that this one can be compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Predecessor {
    /// When it began, RFC 3339 in UTC; `null`: there is none.
    pub started: Option<String>,
    /// The newer runs that could not be compared with, newest first.
    pub passed_over: Vec<PassedOver>,
}

/// An earlier run that this one could not be compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// When it began, or the name of its folder where it cannot be read.
    pub started: String,
    /// Why, in a few words.
    pub why: String,
}

/// What held the stations' limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Containers of a Docker engine.
    Docker,
    /// Local processes under limits of their own.
    Local,
    /// The measuring process itself: a service's `run`.
    InProcess,
}

/// The machine the stations ran on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Online CPUs.
    pub cpus: Option<usize>,
    /// The processor's name as the kernel gives it.
    pub model: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// `v1`, `v2` or `hybrid`.
    pub cgroup_version: Option<String>,
    /// The container engine and its version.
    pub engine: Option<String>,
    /// How local stations were held to their limits.
    #[serde(default)]
    pub enforcement: Option<Enforcement>,
}

/// How local stations were held to their limits, and what that leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enforcement {
    /// The means.
    pub means: EnforcementMeans,
    /// What it cannot limit or show, each as what follows "cannot show:".
    pub cannot_show: Vec<String>,
}

/// What can hold a local process to a limit, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnforcementMeans {
    /// Control groups that the run made.
    Cgroup,
    /// Scopes of the user's systemd manager.
    Systemd,
    /// CPU affinity alone.
    Affinity,
}

/// A station: a service under one set of limits, in one or more replicas.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Station {
    /// The Compose service's name.
    pub name: String,
    /// How many replicas ran.
    pub replicas: usize,
    /// What the Compose file says, of one replica.
    pub declared: Declared,
    /// What the kernel applied, read inside one replica.
    pub effective: Effective,
    /// The CPUs the runtime believes it has (`available_parallelism`).
    pub believed_cpus: Option<usize>,
    /// Whether the declared quota and cpuset are those applied, each by itself
    /// and in every replica: `false` as soon as one is known to differ; `null`
    /// when none is, and the kernel's side is not known in full.
    pub agree: Option<bool>,
    /// The allowed CPUs of each replica, in the kernel's list format
    /// (`"0-3,8"`); their union is what the station can run on.
    pub replica_cpusets: Vec<Option<String>>,
    /// Each replica's last run before the first round, which its first sample
    /// follows; empty where that is unknown.
    #[serde(default)]
    pub calibrated: Vec<RunMark>,
    /// Runs of this lab of which no sample came, since their load was not what
    /// it should have been.
    #[serde(default)]
    pub set_aside: Vec<RunMark>,
    /// Why the station did not run, where it did not.
    pub refused: Option<String>,
}

/// A run of a replica, as its account names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunMark {
    /// The process that did it.
    pub instance: String,
    /// Which run of that process it was, from 1.
    pub run_sequence: u64,
}

/// Limits as the Compose file declares them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Declared {
    /// CPU quota in CPUs; `null`: none declared.
    pub cpus: Option<f64>,
    /// CPUs it may run on, in the kernel's list format; `null`: none declared.
    pub cpuset: Option<String>,
    /// Memory limit; `null`: none declared.
    pub memory_bytes: Option<u64>,
}

/// Limits as the kernel applies them, read inside the station.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Effective {
    /// The CPU it can use at most: the tightest of quota, cpuset and host.
    pub cpus: Option<f64>,
    /// The quota in CPUs, tightest over the ancestors; `null` with
    /// `quota_known`: no quota.
    pub quota_cpus: Option<f64>,
    /// Whether the kernel answered about a quota at all.
    pub quota_known: bool,
    /// Whether that quota is set on a group above the replica's own, so that
    /// all replicas share it; `null`: unknown.
    pub quota_set_above: Option<bool>,
    /// The quota's period.
    pub period_seconds: Option<f64>,
    /// CPUs it may run on, in the kernel's list format.
    pub cpuset: Option<String>,
    /// Memory limit; `null`: none or unknown.
    pub memory_bytes: Option<u64>,
}

/// A comparison of two rows that the lab named before the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What is asked, in plain words.
    pub question: String,
    /// The row compared, by [`Row::key`].
    pub row: String,
    /// The row it is compared with.
    pub against: String,
    /// `against` wall ÷ `row` wall per round: above 1 means `row` was faster.
    pub ratio: Interval,
    /// What may be claimed.
    pub outcome: Outcome,
}

/// What a comparison within rounds lets one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every round had the row faster.
    Faster,
    /// Every round had the row slower.
    Slower,
    /// The rounds do not all point one way, or there are too few of them.
    NoDifferenceSeen,
}

/// A group of rows and the sentence that their figures carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// What the rows have in common.
    pub title: String,
    /// The rows, by [`Row::key`].
    pub rows: Vec<String>,
    /// What they show, in plain words with figures.
    pub sentence: String,
    /// How much of the work more workers did not speed up, for rows of one
    /// station and strategy; empty where that cannot be told.
    #[serde(default)]
    pub serial_fractions: Vec<SerialFraction>,
}

/// The Karp–Flatt metric of a row against the one with one worker, (1/S − 1/n)
/// ÷ (1 − 1/n): the share of the work that would have to be serial for this
/// speedup. One that grows with `n` is overhead, a constant one serial work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SerialFraction {
    /// The row's workers, n.
    pub workers: usize,
    /// Over the rounds, 0 to 1.
    pub fraction: Interval,
}

/// Something that must hold whatever the speed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invariant {
    /// What must hold, as a clause: "every answer is right".
    pub name: String,
    /// Whether it did.
    pub held: bool,
    /// The figures that show it.
    pub detail: String,
}

/// A knob that differs from the run compared with, and what that did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The station, or the lab itself for a parameter.
    pub subject: String,
    /// The knob: `cpus`, `cpuset`, `replicas`, `limit` and so on.
    pub knob: String,
    /// Its value in that run.
    pub before: String,
    /// Its value now.
    pub after: String,
    /// What it did to each affected row, in plain words with figures.
    pub effects: Vec<String>,
}
