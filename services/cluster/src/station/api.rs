//! The shapes of the HTTP API.

use super::sample::Sample;
use crate::shape::{MOST_THREADS, Shape, Strategy, WorkerRule};
use cpu_budget::CpuBudget;
use measure::report::ReplicaAccount;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use service_kit::sampling::Start;
use service_kit::station::{Answer, requested_start};
#[cfg(test)]
use utoipa::ToSchema;

/// The longest sample, in seconds.
const LONGEST_SECONDS: f64 = 600.0;

/// The shortest: below it the kernel's ticks would be most of it.
const SHORTEST_SECONDS: f64 = 0.1;

/// What `POST /run` is asked: one sample of a family of this shape, which is
/// made first where there is another one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"workers\": 2, \"seconds\": 2}"
)]
pub struct RunRequest {
    /// How many workers, 1 to 256, or a rule.
    #[serde(default)]
    #[cfg_attr(test, schema(schema_with = requested_workers))]
    pub workers: RequestedWorkers,
    /// Runtime threads of each.
    #[serde(default = "one")]
    #[cfg_attr(test, schema(default = 1, minimum = 1, maximum = 256))]
    pub threads: u64,
    /// How they share the port.
    #[serde(default)]
    pub strategy: Strategy,
    /// What requests compute.
    #[serde(default)]
    pub kernel: Kernel,
    /// How long the sample is.
    #[serde(default = "two_seconds")]
    #[cfg_attr(test, schema(default = 2, minimum = 0.1, maximum = 600))]
    pub seconds: f64,
    /// Start at this moment of the host's monotonic clock (seconds), together
    /// with what loads it; null: as soon as the family serves. One that is past
    /// is at once; one more than 10 s ahead is refused.
    #[serde(default)]
    #[cfg_attr(test, schema(minimum = 0))]
    pub start_at_seconds: Option<f64>,
    /// Of no meaning here: a server's sample is a time, and not a job that could
    /// be repeated.
    #[serde(default)]
    pub repeats: Option<u64>,
}

/// What requests compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// Additions, one after another.
    #[default]
    Loop,
}

/// How many workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestedWorkers(pub WorkerRule);

/// What `POST /run` answers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct RunAnswer {
    /// What the threads that serve and the kernel counted. A worker's requests
    /// are split evenly over its threads.
    #[cfg_attr(test, schema(value_type = Object))]
    pub account: ReplicaAccount,
    /// Always null: workers take requests as they come.
    pub work_shares: Option<Vec<f64>>,
    /// What the sample came to.
    pub figures: Figures,
}

/// What a sample came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Figures {
    /// Requests answered; of a worker that died, those it had told.
    pub requests: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Workers that died.
    pub restarts: u64,
    /// Jain's index over the requests of each worker that serves at the end, 1:
    /// all alike, 1/n: one had all; null without requests.
    pub fairness: Option<f64>,
    /// Connections refused with 503, since a worker had no room.
    pub refused: u64,
}

/// What `GET /` answers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Description {
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The process that answers: a new one after every restart.
    pub instance: String,
    /// What requests can compute.
    pub kernels: Vec<Kernel>,
    /// How workers can share the port.
    pub strategies: Vec<Strategy>,
}

impl Answer for RunAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        Some(&mut self.account)
    }
}

impl RunRequest {
    /// The sample that is asked for, under `budget`, at the moment `now` of the
    /// host's monotonic clock (seconds).
    pub fn sample(&self, budget: &CpuBudget, now: f64) -> Result<Sample, Problem> {
        let workers = self.workers.0.resolve(budget);
        let workers =
            workers.map_err(|reason| Problem::of_field("workers", format!("workers {reason}")))?;
        if !(1..=MOST_THREADS as u64).contains(&self.threads) {
            let allowed = format!("threads must be from 1 to {MOST_THREADS}");
            return Err(Problem::of_field("threads", allowed));
        }
        let shape = Shape {
            workers,
            threads: self.threads as usize,
            strategy: self.strategy,
        };
        shape
            .check()
            .map_err(|reason| Problem::of_field("threads", reason))?;
        if !(SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&self.seconds) {
            let allowed = format!("seconds must be from {SHORTEST_SECONDS} to {LONGEST_SECONDS}");
            return Err(Problem::of_field("seconds", allowed));
        }
        let start = match self.start_at_seconds {
            // A server is not given its budget anew: what loads it goes on already.
            None => Start::At(now),
            given => requested_start(given, now)?,
        };
        Ok(Sample {
            shape,
            seconds: self.seconds,
            start,
        })
    }
}

fn one() -> u64 {
    1
}

fn two_seconds() -> f64 {
    2.0
}

#[cfg(test)]
fn requested_workers() -> utoipa::openapi::schema::Schema {
    use crate::shape::MOST_WORKERS;
    use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};

    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MOST_WORKERS as u64));
    let rule = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(WorkerRule::NAMES));
    OneOfBuilder::new()
        .description(Some(
            "How many workers. \"auto\": as many as use the whole budget; \"nproc\": the CPUs \
             that the host shows; \"2n+1\" of those.",
        ))
        .default(Some("auto".into()))
        .item(number)
        .item(rule)
        .into()
}

impl<'de> Deserialize<'de> for RequestedWorkers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Word(String),
        }
        let text = match Either::deserialize(deserializer) {
            Ok(Either::Number(number)) => number.to_string(),
            Ok(Either::Word(word)) => word,
            Err(_) => String::new(),
        };
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::{Value, json};

    fn sample(request: Value) -> Result<Sample, String> {
        let request: RunRequest =
            serde_json::from_value(request).map_err(|error| error.to_string())?;
        let budget = CpuBudget {
            host_cpus: Some(4),
            ..CpuBudget::default()
        };
        let sample = request.sample(&budget, 100.0);
        sample.map_err(|problem| problem.members["field"].to_string())
    }

    #[test]
    fn an_empty_request_is_the_default_family_at_once() {
        let sample = sample(json!({})).unwrap();
        assert_eq!(sample.shape.threads, 1);
        assert_eq!(sample.shape.strategy, Strategy::Inherit);
        assert_eq!(sample.start, Start::At(100.0));
    }

    #[test]
    fn workers_are_numbers_and_rules() {
        let workers = |workers: Value| sample(json!({"workers": workers}));
        assert_eq!(workers(json!(3)).unwrap().shape.workers, 3);
        assert_eq!(workers(json!("2n+1")).unwrap().shape.workers, 9);
        for wrong in [json!(0), json!(257), json!(1.5), json!("many"), json!([])] {
            assert!(workers(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_field() {
        for (request, field) in [
            (json!({"threads": 0}), "threads"),
            (json!({"threads": 257}), "threads"),
            (json!({"threads": 128, "workers": 128}), "threads"),
            (json!({"seconds": 0.01}), "seconds"),
            (json!({"seconds": 601}), "seconds"),
            (json!({"start_at_seconds": 1000}), "start_at_seconds"),
        ] {
            assert_eq!(
                sample(request.clone()),
                Err(format!("\"{field}\"")),
                "{request}"
            );
        }
    }
}
