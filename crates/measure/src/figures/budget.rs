//! Where the workers' time went: Thread State Analysis with the runnable state
//! split by what kept the thread off a CPU.
//!
//! B. Gregg, "The TSA Method", and DESIGN "Where the time went". Shares are of
//! workers × the row's wall of the sample.

use super::{Quota, StationLimits, counted, cpus::CpuUse};
use crate::report::{BlockedBy, BlockedOn, ReplicaAccount, Round, TimeBudget};

/// Of the stolen time this much at least must be missing from the account for
/// it to count as left out of on-CPU time. The hypervisor's counter is of all
/// allowed CPUs, also of one that was idle but for its wake-ups: on a kernel
/// that leaves it out 0.2 to 0.6 of it were missing.
const LEFT_OUT: f64 = 0.2;

/// Stolen time below this share of the workers' drowns in what the account is
/// off by itself, and is small wherever it hides.
const LITTLE_STOLEN: f64 = 0.01;

/// A sample's worker time by state and cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) time_budget: TimeBudget,
    pub(super) blocked_by: BlockedBy,
    pub(super) unaccounted: f64,
}

/// CPU and waiting seconds of some workers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Seconds {
    on_cpu: f64,
    throttled: f64,
    runnable: f64,
}

/// Splits the workers' time; `None` where the kernel did not count it.
pub(super) fn split(round: &Round, limits: &StationLimits, cpus: &CpuUse) -> Option<Split> {
    let total = round.wall_seconds() * round.workers().count() as f64;
    if total <= 0.0 || !schedstat_counts(round) {
        return None;
    }
    let mut sum = Seconds::default();
    for (index, replica) in round.replicas.iter().enumerate() {
        let replica_cpus = cpus.by_replica.as_ref().map(|c| c[index]);
        let seconds = replica_seconds(replica, limits, replica_cpus)?;
        sum.on_cpu += seconds.on_cpu;
        sum.throttled += seconds.throttled;
        sum.runnable += seconds.runnable;
    }
    let rest = total - sum.on_cpu - sum.throttled - sum.runnable;
    let causes = causes_of_all(round);
    let stolen = stolen_seconds(round, cpus, rest - causes.total());
    let rest = rest - stolen.unwrap_or(0.0);
    // Clocks of different grain may add up to a little more than the wall.
    let whole = total.max(total - rest);
    let share = |seconds: f64| seconds / whole;
    let blocked = share(rest.max(0.0));
    let unaccounted = (rest - causes.total()) / total;
    let split = Split {
        time_budget: TimeBudget {
            running: share(sum.on_cpu),
            throttled: share(sum.throttled),
            runnable: share(sum.runnable),
            blocked,
            stolen: stolen.map(share),
        },
        blocked_by: BlockedBy {
            start: share(causes.start),
            tail: share(causes.tail),
            io: share(causes.io),
            input: share(causes.input),
            output: share(causes.output),
            lock: share(causes.lock),
            idle: share(causes.idle),
            unaccounted: blocked - share(causes.total()),
        },
        unaccounted,
    };
    (whole.is_finite() && split.blocked_by.unaccounted.is_finite()).then_some(split)
}

/// Whether the kernel's scheduler statistics count at all: some kernels and
/// gVisor give zeros, and a throttled group cannot have waited for nothing.
fn schedstat_counts(round: &Round) -> bool {
    let sum = |f: fn(&crate::report::WorkerAccount) -> Option<f64>| {
        round.workers().map(|w| counted(f(w))).sum::<Option<f64>>()
    };
    let (Some(on_cpu), Some(waited)) = (sum(|w| w.on_cpu_seconds), sum(|w| w.waited_seconds))
    else {
        return false;
    };
    let throttled = round
        .replicas
        .iter()
        .any(|r| r.group.throttled_seconds > Some(0.0));
    waited > 0.0 || (on_cpu > 0.0 && !throttled)
}

/// One replica's worker seconds. Throttled time is counted once per run queue,
/// so it is multiplied by the threads that stood in each on average; it is
/// shared out by each worker's wait, so at most their waits come of it.
fn replica_seconds(
    replica: &ReplicaAccount,
    limits: &StationLimits,
    cpus: Option<f64>,
) -> Option<Seconds> {
    let on_cpu: f64 = replica
        .workers
        .iter()
        .map(|w| counted(w.on_cpu_seconds))
        .sum::<Option<_>>()?;
    let waited: f64 = replica
        .workers
        .iter()
        .map(|w| counted(w.waited_seconds))
        .sum::<Option<_>>()?;
    let queues = match (counted(replica.group.throttled_seconds), limits.quota) {
        (Some(seconds), _) => seconds,
        (None, Quota::Unlimited) => 0.0,
        (None, Quota::Cpus(_) | Quota::Unknown) => return None,
    };
    let mean_runnable = (on_cpu + waited) / replica.seconds();
    let per_queue = if queues == 0.0 || mean_runnable <= 1.0 {
        1.0
    } else {
        (mean_runnable / cpus?).max(1.0)
    };
    let throttled = (queues * per_queue).min(waited);
    Some(Seconds {
        on_cpu,
        throttled,
        runnable: waited - throttled,
    })
}

/// Stolen time, `None` where it cannot be told from running.
///
/// Kernels with paravirtual time accounting (`PARAVIRT_TIME_ACCOUNTING`) leave
/// it out of a thread's on-CPU time, others hide it there, and which of the two
/// this one is cannot be read inside a container. But time that was left out is
/// missing from the account: what the account leaves open, up to the
/// hypervisor's own counter, was stolen.
fn stolen_seconds(round: &Round, cpus: &CpuUse, left_open: f64) -> Option<f64> {
    let busy = cpus.busy_of(round.workers().count())?;
    let stolen = cpus.stolen_share_of_busy? * busy * round.wall_seconds();
    let total = round.wall_seconds() * round.workers().count() as f64;
    let left_out = stolen <= total * LITTLE_STOLEN || left_open >= stolen * LEFT_OUT;
    left_out.then_some(stolen.min(left_open.max(0.0)))
}

/// The causes of all workers. A replica cannot know that it started later or
/// ended earlier than the others: that is added here.
fn causes_of_all(round: &Round) -> BlockedOn {
    let mut sum = BlockedOn::default();
    for (start, tail, own) in workers_in_row(round) {
        sum.start += start;
        sum.tail += tail;
        sum.io += at_least_zero(own.io);
        sum.input += at_least_zero(own.input);
        sum.output += at_least_zero(own.output);
        sum.lock += at_least_zero(own.lock);
        sum.idle += at_least_zero(own.idle);
    }
    sum
}

/// Each worker's start and tail within the row's wall, and its own account.
fn workers_in_row(round: &Round) -> impl Iterator<Item = (f64, f64, BlockedOn)> {
    let wall = round.wall_seconds();
    let apart = round.starts_apart();
    let first = round
        .replicas
        .iter()
        .map(|r| r.started_seconds)
        .fold(f64::INFINITY, f64::min);
    round.replicas.iter().flat_map(move |replica| {
        let late = if apart {
            0.0
        } else {
            replica.started_seconds - first
        };
        let early = wall - late - replica.seconds();
        replica.workers.iter().map(move |worker| {
            let own = worker.blocked_on;
            (
                at_least_zero(own.start) + late,
                at_least_zero(own.tail) + early,
                own,
            )
        })
    })
}

/// Not below zero, and zero for what is not a number.
fn at_least_zero(seconds: f64) -> f64 {
    seconds.max(0.0)
}

/// Share of worker time spent on what the run does not control.
pub(super) fn external_wait_share(round: &Round) -> f64 {
    let total = round.wall_seconds() * round.workers().count() as f64;
    let causes = causes_of_all(round);
    let share = (causes.io + causes.input + causes.output + causes.idle) / total;
    if share.is_finite() {
        share.min(1.0)
    } else {
        0.0
    }
}

/// Share of the allowed CPUs' time that may have been idle because workers were
/// blocked, or for what the account leaves open: all of it where they were at
/// the same time.
pub(super) fn awaited_share(round: &Round, unaccounted: f64, allowed_cpus: f64) -> f64 {
    let threads = round.workers().count() as f64;
    let total = round.wall_seconds() * threads;
    let causes = causes_of_all(round);
    let blocked = (causes.total() - causes.start - causes.tail) / total;
    (blocked + unaccounted.max(0.0)) * (threads / allowed_cpus).min(1.0)
}

/// Share of the allowed CPUs' time for which there was no worker: fewer
/// workers than CPUs, some not started yet, some done.
pub(super) fn lacking_share(round: &Round, allowed_cpus: Option<f64>) -> Option<f64> {
    let cpus = allowed_cpus?;
    let wall = round.wall_seconds();
    let mut changes = Vec::new();
    for (start, tail, _) in workers_in_row(round) {
        changes.push((start.clamp(0.0, wall), 1.0));
        changes.push(((wall - tail).clamp(0.0, wall), -1.0));
    }
    changes.push((wall, 0.0));
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut lacking, mut live, mut now) = (0.0, 0.0_f64, 0.0);
    for (at, change) in changes {
        lacking += (cpus - live).max(0.0) * (at - now);
        live += change;
        now = at;
    }
    let share = lacking / (cpus * wall);
    share.is_finite().then_some(share)
}
