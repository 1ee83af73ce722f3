//! What a CPU quota does to the latency of a server's requests: the same
//! arrivals, replayed against the rule by which the kernel hands a quota out.
//!
//! A group gets `quota × period` CPU seconds at each period's begin. While the
//! budget lasts its requests are served; once it is used up all of them stand
//! still until the next begin, those under way and those that wait (Linux
//! Documentation/scheduler/sched-bwc.rst; DESIGN.md, "Models"). The rest is a
//! queue: T threads on so many CPUs serve m = min(T, CPUs) requests at once,
//! each needs the same CPU time, and who came first is served first.
//!
//! Left out: the slices of 5 ms in which the kernel deals a budget out to the
//! CPUs, the time that requests spend in the network and in the client, and
//! that CPU time differs from request to request.

mod queue;
#[cfg(test)]
mod tests;

use crate::quota::QuotaModel;
use queue::{Clients, Queue};

/// CPUs that differ by less than this share are the same number.
const ROUNDING: f64 = 1e-9;

/// A server under a quota, as far as the replay knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Server {
    threads: usize,
    cpus: f64,
    cpu_seconds: f64,
    quota: Option<QuotaModel>,
}

impl Server {
    /// So many threads on so many CPUs (of which others may have a part), each
    /// request at `cpu_seconds` of CPU time. `None` for none of these, and for
    /// what is not positive and finite.
    pub fn new(
        threads: usize,
        cpus: f64,
        cpu_seconds: f64,
        quota: Option<QuotaModel>,
    ) -> Option<Self> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        (threads > 0 && positive(cpus) && positive(cpu_seconds)).then_some(Self {
            threads,
            cpus,
            cpu_seconds,
            quota,
        })
    }

    /// The CPUs that its threads keep busy while there is work, m: min(threads,
    /// CPUs).
    pub fn busy_cpus(&self) -> f64 {
        self.cpus.min(self.threads as f64)
    }

    /// Requests per second that it can serve at most: by its quota, its CPUs and
    /// its threads.
    pub fn capacity(&self) -> f64 {
        let quota = self.quota.map_or(f64::INFINITY, |q| q.quota_cpus());
        self.busy_cpus().min(quota) / self.cpu_seconds
    }

    /// Seconds of each period in which the whole group stands still while it is
    /// never out of work: period − q ÷ m; 0 where no quota binds.
    pub fn stall_seconds(&self) -> f64 {
        match self.quota {
            Some(quota) if quota.binds(self.busy_cpus()) => {
                quota.period_seconds() - quota.refill_seconds() / self.busy_cpus()
            }
            _ => 0.0,
        }
    }

    /// Open loop: requests at these moments (in order, in seconds from 0 on),
    /// whether or not earlier ones were answered. `phase`: how far into a period
    /// the first moment lies, 0 to 1.
    pub fn open(
        &self,
        arrivals: impl IntoIterator<Item = f64>,
        seconds: f64,
        phase: f64,
    ) -> Replay {
        Queue::new(self, phase).run(Clients::open(arrivals), 0.0..seconds)
    }

    /// Closed loop: on each of so many connections a request leaves when the
    /// last one was answered, for so many seconds. They begin a period before
    /// these do: the first one's budget is whole, as no later one's is.
    pub fn closed(&self, connections: usize, seconds: f64, phase: f64) -> Replay {
        let before = self.quota.map_or(0.0, |quota| quota.period_seconds());
        let window = before..before + seconds;
        Queue::new(self, phase).run(Clients::closed(connections, window.end), window)
    }

    /// Requests served at once, m rounded up: on a part of a CPU they share it.
    fn at_once(&self) -> usize {
        let cpus = (self.cpus * (1.0 - ROUNDING)).ceil().max(1.0);
        self.threads.min(cpus as usize)
    }
}

/// Phases of the period that stand for all: which one a run begins in is chance.
pub const PHASES: [f64; 4] = [0.125, 0.375, 0.625, 0.875];

/// The same replay in each of [`PHASES`], as one: their latencies together, and
/// what is counted on average.
pub fn over_phases(replay: impl Fn(f64) -> Replay) -> Replay {
    let all: Vec<Replay> = PHASES.into_iter().map(replay).collect();
    let count = all.len() as f64;
    let mean = |figure: fn(&Replay) -> f64| all.iter().map(figure).sum::<f64>() / count;
    let mut latencies: Vec<f64> = all.iter().flat_map(|r| &r.latencies).copied().collect();
    latencies.sort_by(f64::total_cmp);
    Replay {
        seconds: mean(|r| r.seconds),
        answered: mean(|r| r.answered),
        periods: mean(|r| r.periods),
        throttled_periods: mean(|r| r.throttled_periods),
        throttled_seconds: mean(|r| r.throttled_seconds),
        most_stalled_seconds: all
            .iter()
            .map(|r| r.most_stalled_seconds)
            .fold(0.0, f64::max),
        latencies,
    }
}

/// What became of the requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replay {
    /// Seconds replayed.
    pub seconds: f64,
    /// Requests answered within them.
    pub answered: f64,
    /// Quota periods that ended within them.
    pub periods: f64,
    /// Those at whose end the group stood still.
    pub throttled_periods: f64,
    /// Seconds within them in which it stood still.
    pub throttled_seconds: f64,
    /// The most seconds of standing still that one request met, over as many
    /// periods as it took.
    pub most_stalled_seconds: f64,
    /// Each request's seconds from its arrival to its answer, in order of size;
    /// of those too that came in time and were answered later.
    latencies: Vec<f64>,
}

impl Replay {
    /// The latency that so large a share of the requests (0 to 1) does not
    /// exceed, in seconds; `None` where there was no request.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let rank = (share * self.latencies.len() as f64 * (1.0 - ROUNDING)).ceil();
        let rank = rank.max(1.0) as usize;
        self.latencies
            .get(rank.min(self.latencies.len()).checked_sub(1)?)
            .copied()
    }

    /// Requests answered per second.
    pub fn requests_per_second(&self) -> Option<f64> {
        let rate = self.answered / self.seconds;
        rate.is_finite().then_some(rate)
    }

    /// Share of the periods that were throttled; `None` where none ended.
    pub fn throttled_period_share(&self) -> Option<f64> {
        (self.periods > 0.0).then(|| self.throttled_periods / self.periods)
    }
}
