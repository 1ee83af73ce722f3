//! The shapes of the HTTP API.

use crate::config::MOST_WORKERS;
use crate::sample::{Sample, Taken};
use crate::workload::{Job, Kernel, Shard, Strategy};
use cpu_budget::CpuBudget;
use measure::report::ReplicaAccount;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use service_kit::config::whole;
use service_kit::problem::Problem;
use service_kit::station::{Answer, requested_start};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// The most repeats of a job in one sample.
const MOST_REPEATS: u64 = 10_000_000;

/// The largest whole number up to which a JSON number is exact: 2^53.
const EXACT_UP_TO: f64 = 9_007_199_254_740_992.0;

/// What `POST /run` is asked: one sample.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"limit\": 2000000}"
)]
pub struct RunRequest {
    /// Count the primes below this, 1 to 10^12.
    #[schema(value_type = u64, example = 2_000_000, minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub limit: Count,
    /// Start at this number.
    #[serde(default)]
    #[schema(value_type = u64, default = 0)]
    pub from: Count,
    /// What computes it.
    #[serde(default)]
    pub kernel: Kernel,
    /// How the work is shared out.
    #[serde(default)]
    pub strategy: Strategy,
    /// How many workers, 1 to 1024, or "auto": as many as use the whole budget.
    #[serde(default)]
    #[schema(schema_with = requested_workers)]
    pub workers: RequestedWorkers,
    /// How often the job is done in this sample, back to back.
    #[serde(default = "once")]
    #[schema(value_type = u64, default = 1, minimum = 1, maximum = 10_000_000)]
    pub repeats: Count,
    /// Which part of the job to do, where replicas share it.
    #[serde(default)]
    pub shard: RequestedShard,
    /// Start at this moment of the host's monotonic clock (seconds) instead of
    /// at a refill of the quota: for replicas that start together. One that is
    /// past is at once; one more than 10 s ahead is refused.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub start_at_seconds: Option<f64>,
}

/// A part of a job: every `count`-th of its blocks from `index` on.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestedShard {
    /// Which part, from 0.
    pub index: u64,
    /// How many parts.
    pub count: u64,
}

impl Default for RequestedShard {
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

/// A whole number, also written as 2e6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count(pub u64);

fn once() -> Count {
    Count(1)
}

/// A number of workers or "auto".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestedWorkers {
    /// As many as use the whole CPU budget.
    #[default]
    Auto,
    /// This many.
    Exactly(u64),
}

/// What `POST /run` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAnswer {
    /// How many primes there are; null where the repeats came to different counts.
    pub count: Option<u64>,
    /// Wall seconds of the whole sample.
    pub seconds: f64,
    /// What the workers and the kernel counted.
    #[schema(value_type = Object)]
    pub account: ReplicaAccount,
    /// The share of the CPU work that the strategy gave each worker
    /// beforehand; null where workers take work as they go, or there is none.
    pub work_shares: Option<Vec<f64>>,
}

/// What `GET /` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Description {
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The process that answers: a new one after every restart.
    pub instance: String,
    /// What it can compute with.
    pub kernels: Vec<Kernel>,
    /// How it can share work out.
    pub strategies: Vec<Strategy>,
}

impl From<Taken> for RunAnswer {
    fn from(taken: Taken) -> Self {
        let account = taken.account;
        Self {
            count: account.answer,
            seconds: account.ended_seconds - account.started_seconds,
            account,
            work_shares: taken.work_shares,
        }
    }
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
        let shard = Shard {
            index: self.shard.index,
            count: self.shard.count,
        };
        let job = Job::new(self.from.0, self.limit.0, self.kernel, shard)
            .map_err(|error| Problem::of_field(error.field(), error.to_string()))?;
        let workers = match self.workers {
            RequestedWorkers::Auto => budget.advice().uses_whole_budget,
            RequestedWorkers::Exactly(workers @ 1..=MOST_WORKERS) => workers as usize,
            RequestedWorkers::Exactly(_) => {
                let allowed = format!("workers must be \"auto\" or from 1 to {MOST_WORKERS}");
                return Err(Problem::of_field("workers", allowed));
            }
        };
        let Count(repeats @ 1..=MOST_REPEATS) = self.repeats else {
            let allowed = format!("repeats must be from 1 to {MOST_REPEATS}");
            return Err(Problem::of_field("repeats", allowed));
        };
        Ok(Sample {
            job: job.for_workers(workers),
            strategy: self.strategy,
            workers,
            repeats: repeats as u32,
            start: requested_start(self.start_at_seconds, now)?,
        })
    }
}

fn requested_workers() -> Schema {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MOST_WORKERS));
    let auto = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["auto"]));
    OneOfBuilder::new()
        .description(Some(
            "How many workers; \"auto\": as many as use the whole budget.",
        ))
        .default(Some("auto".into()))
        .item(number)
        .item(auto)
        .into()
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Count;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                u64::try_from(number)
                    .map(Count)
                    .map_err(|_| E::custom("must not be negative"))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Count, E> {
                if number > EXACT_UP_TO {
                    // No field goes that far, and each says how far it does.
                    return Ok(Count(number as u64));
                }
                whole(number).map(Count).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Whole)
    }
}

impl<'de> Deserialize<'de> for RequestedWorkers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(Count),
            Word(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Number(Count(workers))) => Ok(Self::Exactly(workers)),
            Ok(Either::Word(word)) if word == "auto" => Ok(Self::Auto),
            _ => Err(de::Error::custom(format!(
                "must be \"auto\" or a whole number from 1 to {MOST_WORKERS}"
            ))),
        }
    }
}
