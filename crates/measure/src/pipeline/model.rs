//! What a pipeline can do: the throughput of its slowest stage, or of the CPUs
//! that all stages share.

use crate::report::VerdictKind;

/// A stage as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it does.
    pub name: String,
    /// How many replicas it has.
    pub replicas: usize,
    /// Threads of each: items that a replica works on at once.
    pub threads: usize,
    /// CPU quota of each replica; `None`: as much as there is.
    pub quota_cpus: Option<f64>,
    /// CPU seconds of one item.
    pub cpu_seconds: f64,
    /// Seconds that a thread waits for one item, on no CPU.
    pub wait_seconds: f64,
}

/// A pipeline on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its stages, in order, and what lies between them as one more; each item
    /// goes through each once.
    pub stages: Vec<Stage>,
    /// CPUs that all of them share; `None`: unknown, or one each.
    pub cpus: Option<f64>,
}

/// What sets the pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// The stage of this index.
    Stage(usize),
    /// All CPUs there are.
    Cpus,
}

/// What the model says of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throughput {
    /// Items per second from source to sink.
    pub items_per_second: f64,
    /// What lets through no more.
    pub binding: Binding,
}

/// From when on another one binds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Next {
    /// Replicas of the stage that bound so far.
    pub replicas: usize,
    /// What the pipeline then does.
    pub throughput: Throughput,
}

/// The most replicas that are asked for.
const MOST_REPLICAS: usize = 4096;

impl Stage {
    /// Items per second that it can do by itself, on CPUs of its own:
    /// replicas × min(quota ÷ CPU time, threads ÷ (CPU time + wait)). A thread
    /// that waits for its item leaves the quota to the others.
    pub fn capacity(&self) -> f64 {
        let by_threads = self.threads as f64 / (self.cpu_seconds + self.wait_seconds);
        let by_quota = self.quota_cpus.map(|quota| quota / self.cpu_seconds);
        self.replicas as f64 * by_quota.map_or(by_threads, |quota| quota.min(by_threads))
    }

    /// What keeps it from more: its quota, what its threads wait for, or that
    /// there are no more of these.
    pub fn kind(&self) -> VerdictKind {
        let busy = self.threads as f64 / (self.cpu_seconds + self.wait_seconds);
        let quota_binds = self
            .quota_cpus
            .is_some_and(|quota| quota / self.cpu_seconds < busy);
        if quota_binds {
            VerdictKind::Quota
        } else if self.wait_seconds > self.cpu_seconds {
            VerdictKind::Waiting
        } else {
            VerdictKind::Workers
        }
    }
}

impl Pipeline {
    /// The least over the stages' capacities and what the CPUs are enough for:
    /// CPUs ÷ CPU time of an item in all stages. The bound is
    /// that of operational analysis: no pipeline is faster than its most used
    /// resource lets it be (P. Denning, J. Buzen, "The operational analysis of
    /// queueing network models", 1978). `None` without a stage, or where no
    /// figure of one is positive and finite.
    pub fn throughput(&self) -> Option<Throughput> {
        let stages = self.stages.iter().enumerate();
        let each = stages.map(|(index, stage)| (stage.capacity(), Binding::Stage(index)));
        let of_cpus = self
            .cpus
            .map(|cpus| (cpus / self.cpu_seconds(), Binding::Cpus));
        let all = each.chain(of_cpus).filter(|(rate, _)| rate.is_finite());
        let (items_per_second, binding) = all.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (items_per_second > 0.0).then_some(Throughput {
            items_per_second,
            binding,
        })
    }

    /// CPU seconds of one item, in all stages.
    pub fn cpu_seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.cpu_seconds).sum()
    }

    /// From how many replicas of the stage of this index on something else
    /// binds, and what the pipeline does then; `None` where nothing else ever
    /// does, or the stage is none that binds.
    pub fn next_after(&self, stage: usize) -> Option<Next> {
        if self.throughput()?.binding != Binding::Stage(stage) {
            return None;
        }
        let mut more = self.clone();
        let fewest = self.stages[stage].replicas + 1;
        (fewest..=MOST_REPLICAS).find_map(|replicas| {
            more.stages[stage].replicas = replicas;
            let throughput = more.throughput()?;
            (throughput.binding != Binding::Stage(stage)).then_some(Next {
                replicas,
                throughput,
            })
        })
    }
}

/// Items that are on average where each stays so long and so many come per
/// second (J. Little, "A proof for the queuing formula L = λW", 1961).
pub fn littles_law(items_per_second: f64, seconds: f64) -> f64 {
    items_per_second * seconds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn stage(name: &str, replicas: usize, quota: Option<f64>, cpu: f64, wait: f64) -> Stage {
        Stage {
            name: name.to_owned(),
            replicas,
            threads: 1,
            quota_cpus: quota,
            cpu_seconds: cpu,
            wait_seconds: wait,
        }
    }

    /// Parse, a transform of 1 ms at half a CPU, two lookups of 1.6 ms.
    fn pipeline(transforms: usize) -> Pipeline {
        Pipeline {
            stages: vec![
                stage("parse", 1, None, 0.000_05, 0.0),
                stage("transform", transforms, Some(0.5), 0.001, 0.0),
                stage("lookup", 2, None, 0.000_05, 0.001_55),
                stage("redis", 1, None, 0.000_1, 0.0),
            ],
            cpus: Some(2.0),
        }
    }

    #[test]
    fn the_least_capacity_is_the_throughput_until_the_next_one_binds() {
        let of = |transforms| pipeline(transforms).throughput().unwrap();
        assert!((of(1).items_per_second - 500.0).abs() < 1e-6);
        assert_eq!(of(1).binding, Binding::Stage(1));
        assert!((of(2).items_per_second - 1000.0).abs() < 1e-6);
        assert!((of(3).items_per_second - 1250.0).abs() < 1e-6);
        assert_eq!(of(3).binding, Binding::Stage(2));
        let next = pipeline(1).next_after(1).unwrap();
        assert_eq!((next.replicas, next.throughput), (3, of(3)));
        assert_eq!(pipeline(1).next_after(2), None, "it binds nothing now");
    }

    #[test]
    fn a_stages_kind_is_what_keeps_it_from_more() {
        let stages = pipeline(1).stages;
        assert_eq!(stages[1].kind(), VerdictKind::Quota);
        assert_eq!(stages[2].kind(), VerdictKind::Waiting);
        // At one CPU and more a thread has enough: another one is what it lacks.
        let whole = stage("transform", 1, Some(1.0), 0.001, 0.0);
        assert_eq!(whole.kind(), VerdictKind::Workers);
        assert!((whole.capacity() - 1000.0).abs() < 1e-6);
        // One that mostly waits reaches no quota.
        let waits = stage("lookup", 1, Some(0.1), 0.000_05, 0.001_95);
        assert_eq!(waits.kind(), VerdictKind::Waiting);
        assert!((waits.capacity() - 500.0).abs() < 1e-6);
    }

    #[test]
    fn the_cpus_bind_where_all_quotas_together_are_more_than_there_are() {
        let mut many = pipeline(4);
        many.stages[2].replicas = 8;
        // 4 × 0.5 CPUs would be 2000 items a second; 1.2 ms of each on two CPUs are 1667.
        let throughput = many.throughput().unwrap();
        assert_eq!(throughput.binding, Binding::Cpus);
        assert!((throughput.items_per_second - 2.0 / 0.0012).abs() < 1e-6);
        assert_eq!(many.next_after(1), None);
        many.cpus = None;
        assert_eq!(many.throughput().unwrap().binding, Binding::Stage(1));
    }

    #[test]
    fn what_costs_nothing_never_binds_and_nothing_known_is_nothing_said() {
        let free = stage("pass", 1, None, 0.0, 0.0);
        let only = |stages| Pipeline { stages, cpus: None };
        assert_eq!(only(vec![free.clone()]).throughput(), None);
        assert_eq!(only(Vec::new()).throughput(), None);
        let with = only(vec![free, stage("transform", 1, None, 0.01, 0.0)]);
        assert_eq!(with.throughput().unwrap().binding, Binding::Stage(1));
        assert_eq!(with.next_after(1), None, "there is nothing else to bind");
    }

    proptest! {
        /// Replicas of what binds are worth up to their share, those of another
        /// stage nothing, whatever the costs.
        #[test]
        fn more_of_what_binds_is_more_and_more_of_the_rest_is_nothing(
            costs in prop::collection::vec((1e-5..0.01_f64, 0.0..0.01_f64), 1..6),
            which in 0_usize..6,
        ) {
            let stages = costs.iter().map(|&(cpu, wait)| stage("s", 1, Some(0.5), cpu, wait));
            let pipeline = Pipeline { stages: stages.collect(), cpus: None };
            let now = pipeline.throughput().unwrap();
            let index = which % costs.len();
            let mut more = pipeline.clone();
            more.stages[index].replicas = 2;
            let then = more.throughput().unwrap().items_per_second;
            prop_assert!(then <= 2.0 * now.items_per_second * 1.000_001);
            if now.binding == Binding::Stage(index) {
                prop_assert!(then >= now.items_per_second);
            } else {
                prop_assert!((then - now.items_per_second).abs() < 1e-9 * then);
            }
        }
    }
}
