//! The shape of a family: how many workers, how many threads in each, and how
//! they share the port.

use clap::ValueEnum;
use cpu_budget::CpuBudget;
use serde::{Deserialize, Serialize};
use service_kit::config::count_within;
use std::str::FromStr;
#[cfg(test)]
use utoipa::ToSchema;

/// The most workers: more than any rule gives on usual hosts, fewer than a
/// container's limit of processes.
pub const MOST_WORKERS: usize = 256;

/// The most runtime threads of one worker.
pub const MOST_THREADS: usize = 256;

/// The most threads of all workers together: what fits the container's limit of
/// processes and threads, twice, since a family is replaced by starting the
/// next one beside it.
pub const MOST_THREADS_IN_ALL: usize = 512;

/// How the workers share the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum Strategy {
    /// One listening socket, inherited by all: one queue, from which those take
    /// first that have the fewest connections open.
    #[default]
    Inherit,
    /// A listening socket for each (`SO_REUSEPORT`): the kernel spreads
    /// connections over their queues by a hash, whoever is awake.
    Reuseport,
}

/// A family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Worker processes, at least 1.
    pub workers: usize,
    /// Runtime threads of each, at least 1.
    pub threads: usize,
    /// How they share the port.
    pub strategy: Strategy,
}

impl Shape {
    /// Whether so many threads can be had at all.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        let all = self.workers * self.threads;
        if all <= MOST_THREADS_IN_ALL {
            return Ok(());
        }
        Err(format!(
            "{} workers with {} threads are {all} threads; at most {MOST_THREADS_IN_ALL} are \
             allowed",
            self.workers, self.threads
        ))
    }
}

/// How many workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WorkerRule {
    /// As many as use the whole CPU budget.
    #[default]
    Auto,
    /// The CPUs that the host shows, whatever the quota.
    Nproc,
    /// 2n + 1 of the same n.
    TwoNPlusOne,
    /// This many.
    Exactly(usize),
}

impl WorkerRule {
    /// The rules that have a name.
    #[cfg(test)]
    pub const NAMES: [&'static str; 3] = ["auto", "nproc", "2n+1"];

    /// How many that is under `budget`.
    ///
    /// # Errors
    /// When the rule comes to more than [`MOST_WORKERS`], or nobody knows the
    /// host's CPUs.
    pub fn resolve(self, budget: &CpuBudget) -> Result<usize, String> {
        let cpus = || budget.host_cpus.ok_or("nobody can tell the host's CPUs");
        let workers = match self {
            Self::Auto => budget.advice().uses_whole_budget,
            Self::Nproc => cpus()?,
            Self::TwoNPlusOne => 2 * cpus()? + 1,
            Self::Exactly(workers) => workers,
        };
        if (1..=MOST_WORKERS).contains(&workers) {
            Ok(workers)
        } else {
            Err(format!(
                "comes to {workers} workers here; it must be from 1 to {MOST_WORKERS}"
            ))
        }
    }
}

impl FromStr for WorkerRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "nproc" => Ok(Self::Nproc),
            "2n+1" => Ok(Self::TwoNPlusOne),
            number => count_within(number, 1..=MOST_WORKERS as u64)
                .map(|workers| Self::Exactly(workers as usize))
                .map_err(|_| {
                    format!("must be auto, nproc, 2n+1 or a whole number from 1 to {MOST_WORKERS}")
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use cpu_budget::{CpuQuota, Quota};
    use proptest::prelude::*;

    fn half_of_eight() -> CpuBudget {
        CpuBudget {
            host_cpus: Some(8),
            quota: CpuQuota::Limited(Quota::new(50_000, 100_000).unwrap()),
            ..CpuBudget::default()
        }
    }

    #[test]
    fn each_rule_counts_what_it_says() {
        let workers = |text: &str| text.parse::<WorkerRule>()?.resolve(&half_of_eight());
        assert_eq!(workers("auto"), Ok(1));
        assert_eq!(workers("nproc"), Ok(8));
        assert_eq!(workers("2n+1"), Ok(17));
        assert_eq!(workers("3"), Ok(3));
        for name in WorkerRule::NAMES {
            assert!(workers(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_rule_that_comes_to_too_many_says_how_many() {
        let budget = CpuBudget {
            host_cpus: Some(200),
            ..CpuBudget::default()
        };
        let said = WorkerRule::TwoNPlusOne.resolve(&budget).unwrap_err();
        assert!(said.contains("401"), "{said}");
        let unknown = CpuBudget::default();
        assert!(WorkerRule::Nproc.resolve(&unknown).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_within_the_range(text in ".{0,8}|[0-9]{1,4}") {
            if let Ok(WorkerRule::Exactly(workers)) = text.parse() {
                prop_assert!((1..=MOST_WORKERS).contains(&workers));
            }
        }
    }
}
