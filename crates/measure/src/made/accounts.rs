//! Rounds made by hand: what the workers and the kernel counted.
// What has no worker and no counter was made wrong; and nobody forgets what a
// chain of knobs returns.
#![allow(clippy::unwrap_used, clippy::return_self_not_must_use)]

use super::{report, row_of};
use crate::analysis::analyse;
use crate::report::{
    BlockedOn, CpusAccount, GroupAccount, ReplicaAccount, Round, Row, Station, WorkerAccount,
};

/// One replica's sample on CPUs that it has for itself, unless told otherwise.
pub fn replica(wall: f64) -> ReplicaAccount {
    ReplicaAccount {
        instance: "instance-1".to_owned(),
        run_sequence: 1,
        started_seconds: 100.0,
        ended_seconds: 100.0 + wall,
        aligned: None,
        quota_cpus: None,
        quota_known: false,
        period_seconds: None,
        answer: Some(148_933),
        workers: Vec::new(),
        group: GroupAccount {
            cpu_seconds: Some(0.0),
            periods: Some(0),
            throttled_periods: Some(0),
            throttled_seconds: Some(0.0),
        },
        cpus: CpusAccount {
            allowed: Some("0-1".to_owned()),
            count: Some(2),
            idle_seconds: Some(2.0 * wall),
            steal_seconds: Some(0.0),
            others_seconds: Some(0.0),
        },
    }
}

/// Changes to a replica, one knob each.
pub trait ReplicaExt: Sized {
    /// Adds a worker with seconds on CPU and waiting; its CPU is the group's,
    /// and no longer idle.
    fn worker(self, on_cpu: f64, waited: f64) -> Self;
    /// The last worker's blocked seconds.
    fn blocked(self, set: impl FnOnce(&mut BlockedOn)) -> Self;
    /// Periods, throttled periods and throttled seconds.
    fn throttled(self, periods: u64, throttled: u64, seconds: f64) -> Self;
    /// The allowed CPUs, all idle time there being over.
    fn on_cpus(self, list: &str, count: usize) -> Self;
    /// Another process' seconds on the allowed CPUs.
    fn others(self, seconds: f64) -> Self;
    /// Seconds of the allowed CPUs that the hypervisor took.
    fn steal(self, seconds: f64) -> Self;
    /// Start and end by the host's clock.
    fn between(self, start: f64, end: f64) -> Self;
}

impl ReplicaExt for ReplicaAccount {
    fn worker(mut self, on_cpu: f64, waited: f64) -> Self {
        self.workers.push(WorkerAccount {
            items: 10,
            started_seconds: self.started_seconds,
            ended_seconds: self.ended_seconds,
            on_cpu_seconds: Some(on_cpu),
            waited_seconds: Some(waited),
            blocked_on: BlockedOn::default(),
        });
        *self.group.cpu_seconds.as_mut().unwrap() += on_cpu;
        let idle = self.cpus.idle_seconds.as_mut().unwrap();
        *idle = (*idle - on_cpu).max(0.0);
        self
    }

    fn blocked(mut self, set: impl FnOnce(&mut BlockedOn)) -> Self {
        set(&mut self.workers.last_mut().unwrap().blocked_on);
        self
    }

    fn throttled(mut self, periods: u64, throttled: u64, seconds: f64) -> Self {
        self.group.periods = Some(periods);
        self.group.throttled_periods = Some(throttled);
        self.group.throttled_seconds = Some(seconds);
        self
    }

    fn on_cpus(mut self, list: &str, count: usize) -> Self {
        let wall = self.ended_seconds - self.started_seconds;
        let used = self.group.cpu_seconds.unwrap();
        self.cpus.allowed = Some(list.to_owned());
        self.cpus.count = Some(count);
        self.cpus.idle_seconds = Some((count as f64 * wall - used).max(0.0));
        self
    }

    fn others(mut self, seconds: f64) -> Self {
        self.cpus.others_seconds = Some(seconds);
        let idle = self.cpus.idle_seconds.as_mut().unwrap();
        *idle = (*idle - seconds).max(0.0);
        self
    }

    fn steal(mut self, seconds: f64) -> Self {
        self.cpus.steal_seconds = Some(seconds);
        let idle = self.cpus.idle_seconds.as_mut().unwrap();
        *idle = (*idle - seconds).max(0.0);
        self
    }

    fn between(mut self, start: f64, end: f64) -> Self {
        self.started_seconds = start;
        self.ended_seconds = end;
        self
    }
}

/// The first round, of these replicas.
pub fn round(replicas: Vec<ReplicaAccount>) -> Round {
    Round {
        round: 0,
        repeats: 1,
        replicas,
        ..Round::default()
    }
}

/// The same sample in every round.
pub fn rounds(count: u32, replicas: &[ReplicaAccount]) -> Vec<Round> {
    (0..count)
        .map(|round| Round {
            round,
            repeats: 1,
            replicas: replicas.to_vec(),
            ..Round::default()
        })
        .collect()
}

/// The analysed row of a report with this row alone.
pub fn analysed(station: Station, row: Row) -> Row {
    let mut report = report(vec![station], vec![row]);
    analyse(&mut report);
    report.rows.remove(0)
}

/// One busy thread without limits: the sequential baseline, `wall` seconds.
pub fn baseline(walls: &[f64]) -> Row {
    let rounds = (0..)
        .zip(walls)
        .map(|(round, &wall)| Round {
            round,
            repeats: 1,
            replicas: vec![replica(wall).worker(wall, 0.0)],
            ..Round::default()
        })
        .collect();
    Row {
        baseline: true,
        ..row_of("two", "sequential", 1, rounds)
    }
}

/// One thread under quota 0.5 as the kernel would let it run, in whole periods.
pub fn half(cpu: f64) -> ReplicaAccount {
    let refills = (cpu / 0.05 + 1e-9).floor();
    let wall = refills * 0.1 + (cpu - refills * 0.05);
    replica(wall)
        .worker(cpu, wall - cpu)
        .throttled(refills as u64 + 1, refills as u64, wall - cpu)
}
