//! Labs whose samples are taken under a load from outside: what their rows ask
//! of the service that makes it, and what must be known before they can.

use super::{Options, PlannedRow};
use measure::report::{Round, Station};
use measure::serving::{fairness, raw};
use serde_json::Value;
use std::collections::BTreeMap;

/// A lab whose load is made by a service beside the stations, the *driver*.
pub trait Driven: Sync {
    /// The driver's Compose service.
    fn driver(&self) -> &'static str;

    /// How long a sample's load is, and what comes before it.
    fn window(&self, options: &Options) -> Window;

    /// What must be measured next before the rounds; `None`: all that the plan
    /// needs is known, or known not to be.
    fn next_step(
        &self,
        plan: &[PlannedRow],
        stations: &[Station],
        known: &Known,
        options: &Options,
    ) -> Option<Step>;

    /// Takes from a step's answer what it was taken for.
    fn learn(&self, step: &Step, taken: &Taken, known: &mut Known);

    /// The load of a row's samples; or why there can be none.
    fn load(&self, row: &PlannedRow, known: &Known, options: &Options) -> Result<Load, String>;

    /// What each replica is asked after a sample of this load, to see whether it
    /// answers right; `None`: nothing.
    fn question(&self, _load: &Load) -> Option<Question> {
        None
    }

    /// What is broken on purpose after the rounds.
    fn drills(&self, _plan: &[PlannedRow], _known: &Known, _options: &Options) -> Vec<DrillPlan> {
        Vec::new()
    }
}

/// A request whose answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Its work.
    pub work: u64,
    /// The right result.
    pub result: u64,
}

/// A sample's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Seconds of load that are not told of.
    pub warm_up_seconds: f64,
    /// Seconds that are.
    pub seconds: f64,
}

impl Window {
    /// Seconds of the whole load.
    pub fn in_all(&self) -> f64 {
        self.warm_up_seconds + self.seconds
    }
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The body of its `POST /run`, but for targets, times and chance.
    pub body: Value,
    /// What a reader of the sample's figures must know of it, by their names.
    pub figures: BTreeMap<String, f64>,
}

/// Something that is measured before the rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Under which name what it tells is known.
    pub name: String,
    /// What the person reads meanwhile.
    pub label: String,
    /// The family of workers that is asked.
    pub row: PlannedRow,
    /// What is asked.
    pub ask: Ask,
}

/// What a step asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A sample under this load.
    Sample(Load),
    /// The driver's search for the highest rate; the family is the one that the
    /// step before asked.
    Search(Value),
}

/// What came of a step.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The sample; `None` for a search.
    pub round: Option<Round>,
    /// The driver's answer.
    pub answer: Value,
}

/// What is known before the rounds, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    figures: BTreeMap<String, f64>,
    why_not: BTreeMap<String, String>,
}

impl Known {
    /// The figure of that name, or why it is not known.
    pub fn figure(&self, name: &str) -> Result<f64, String> {
        let why = || match self.why_not.get(name) {
            Some(why) => why.clone(),
            None => format!("{name} was not measured"),
        };
        self.figures.get(name).copied().ok_or_else(why)
    }

    /// Whether it is settled: measured, or known not to be measurable.
    pub fn is_settled(&self, name: &str) -> bool {
        self.figures.contains_key(name) || self.why_not.contains_key(name)
    }

    /// Keeps a figure that is positive and finite.
    pub fn keep(&mut self, name: impl Into<String>, figure: Option<f64>) {
        if let Some(figure) = figure.filter(|figure| figure.is_finite() && *figure >= 0.0) {
            self.figures.insert(name.into(), figure);
        }
    }

    /// Why there is no figure of that name.
    pub fn unknown(&mut self, name: &str, why: impl Into<String>) {
        self.why_not.insert(name.to_owned(), why.into());
    }
}

/// Something to be broken under load.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillPlan {
    /// What it is, as a clause.
    pub name: &'static str,
    /// The family of workers that the load is for.
    pub row: PlannedRow,
    /// What is done.
    pub deed: Deed,
    /// When, in seconds from the load's start.
    pub at_seconds: f64,
    /// How long the load goes on.
    pub seconds: f64,
    /// The load.
    pub load: Load,
}

/// What is done in a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// One worker of the first replica gets SIGKILL.
    KillWorker,
    /// All processes of one replica die; its restart policy brings it back.
    CrashReplica,
}

/// The sample's raw figures: the driver's account, the stations' own, and what
/// was asked. What nobody counted is left out.
pub fn raw_figures(
    row: &PlannedRow,
    load: &Load,
    window: Window,
    answer: &Value,
    stations: &[BTreeMap<String, Option<f64>>],
) -> BTreeMap<String, f64> {
    let mut figures = load.figures.clone();
    let corrected = &answer["latency"]["corrected"];
    let of_driver = [
        (raw::SENT, number(&answer["sent"])),
        (raw::ANSWERED_IN_ALL, number(&answer["in_all"]["answered"])),
        (
            raw::UNANSWERED_IN_ALL,
            number(&answer["in_all"]["unanswered"]),
        ),
        (raw::LOAD_SECONDS, number(&answer["seconds"])),
        (raw::LOAD_CPU_SECONDS, own_cpu_seconds(window, answer)),
        (raw::P50_SECONDS, number(&corrected["p50"])),
        (raw::P99_SECONDS, number(&corrected["p99"])),
        (raw::P99_9_SECONDS, number(&corrected["p99_9"])),
        (raw::MAX_SECONDS, number(&corrected["max"])),
        (
            raw::UNCORRECTED_P99_SECONDS,
            number(&answer["latency"]["uncorrected"]["p99"]),
        ),
        (
            raw::SLIP_P99_SECONDS,
            number(&answer["own"]["schedule_slip"]["p99"]),
        ),
        (raw::LATE_P99_SECONDS, late(load, answer)),
    ];
    let known = of_driver
        .into_iter()
        .filter_map(|(name, figure)| Some((name, figure?)));
    figures.extend(known.map(|(name, figure)| (name.to_owned(), figure)));
    let failures = failures(answer);
    let failed: f64 = failures.values().sum();
    if let Some(sent) = number(&answer["sent"]) {
        figures.insert(raw::FAILED.to_owned(), failed);
        figures.insert(raw::ANSWERED.to_owned(), (sent - failed).max(0.0));
    }
    let named = failures.into_iter();
    figures.extend(named.map(|(kind, count)| (format!("{}{kind}", raw::FAILED_AS), count)));
    let sum_of = |name: &str| -> Option<f64> {
        let each = stations.iter().map(|own| own.get(name).copied().flatten());
        each.sum()
    };
    figures.extend(sum_of("requests").map(|sum| (raw::SERVED.to_owned(), sum)));
    figures.extend(sum_of("restarts").map(|sum| (raw::RESTARTS.to_owned(), sum)));
    let shared = shared(row, answer, stations.len()).and_then(|shares| fairness(&shares));
    figures.extend(shared.map(|index| (raw::FAIRNESS.to_owned(), index)));
    figures
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// How much of the p99 may be the driver's own lateness: a closed loop has no
/// schedule to be late for.
fn late(load: &Load, answer: &Value) -> Option<f64> {
    if load.figures.contains_key(raw::OFFERED_PER_SECOND) {
        number(&answer["own"]["added_to_p99_seconds"])
    } else {
        Some(0.0)
    }
}

/// What the driver used in the part that is told of: it counts its warm-up too.
fn own_cpu_seconds(window: Window, answer: &Value) -> Option<f64> {
    let all = window.in_all();
    let seconds = number(&answer["seconds"])?.min(window.seconds);
    let used = number(&answer["own"]["cpu_seconds"])? * seconds / all;
    used.is_finite().then_some(used)
}

/// The requests that were not answered right and in time, by kind: those without
/// a whole answer, and those whose status is no success.
pub fn failures(answer: &Value) -> BTreeMap<String, f64> {
    let counts = |value: &Value| -> Vec<(String, f64)> {
        let all = value.as_object().into_iter().flatten();
        all.filter_map(|(name, count)| Some((name.clone(), number(count)?)))
            .collect()
    };
    let mut failures: BTreeMap<String, f64> = counts(&answer["failed"]).into_iter().collect();
    for (status, count) in counts(&answer["by_status"]) {
        let name = format!("status-{status}");
        if !status.starts_with('2') && !failures.contains_key(&name) {
            failures.insert(name, count);
        }
    }
    failures
}

/// The answers of each worker by the driver's count, those that had none among
/// them; `None` where that was not counted.
fn shared(row: &PlannedRow, answer: &Value, replicas: usize) -> Option<Vec<f64>> {
    let by_worker = answer["by_worker"].as_object()?;
    let mut shares: Vec<f64> = by_worker.values().filter_map(Value::as_f64).collect();
    let workers = row.workers * replicas;
    shares.resize(shares.len().max(workers), 0.0);
    (!by_worker.is_empty()).then_some(shares)
}
