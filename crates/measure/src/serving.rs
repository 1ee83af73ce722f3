//! Samples of a server under a load from outside.
//!
//! Their time is fixed beforehand, so a wall time says nothing of them. What
//! they tell is how many requests were answered and how long each took, beside
//! what the same arrivals come to when they are replayed against the refill
//! rule of the quota ([`crate::replay`]).

use crate::arrivals::Arrivals;
use crate::quota::QuotaModel;
use crate::replay::{Replay, Server, over_phases};
use crate::report::{Round, RunReport};

/// Names of raw figures ([`Round::figures`]) of such a sample. Those of the load
/// are by the account of whoever made it.
pub mod raw {
    /// Requests sent in the sample's time, or that were to leave in it.
    pub const SENT: &str = "sent";
    /// Those of them that were answered, right and in time.
    pub const ANSWERED: &str = "answered";
    /// Those that were not.
    pub const FAILED: &str = "failed";
    /// What stands before the kind of a failure.
    pub const FAILED_AS: &str = "failed_";
    /// Requests that the station's workers say they served.
    pub const SERVED: &str = "served";
    /// Requests that the station's workers counted from before the load began to
    /// after its last answer: those before the sample's time among them, …
    pub const SERVED_IN_ALL: &str = "served_in_all";
    /// … the same by the account of whoever made the load: those that had an
    /// answer, …
    pub const ANSWERED_IN_ALL: &str = "answered_in_all";
    /// … and those that left and had none.
    pub const UNANSWERED_IN_ALL: &str = "unanswered_in_all";
    /// Answers that were looked at, one of each replica after the sample.
    pub const LOOKED_AT: &str = "answers_looked_at";
    /// Those of them that were wrong, or did not come.
    pub const WRONG: &str = "answers_wrong";
    /// Workers that the station started in place of dead ones.
    pub const RESTARTS: &str = "restarts";
    /// Seconds of load.
    pub const LOAD_SECONDS: &str = "load_seconds";
    /// When they began, in seconds of the host's monotonic clock.
    pub const LOAD_STARTED_SECONDS: &str = "load_started_seconds";
    /// Connections of the load.
    pub const CONNECTIONS: &str = "load_connections";
    /// Requests that were to leave per second; absent in a closed loop.
    pub const OFFERED_PER_SECOND: &str = "offered_per_second";
    /// 1 where arrivals are by chance.
    pub const POISSON: &str = "arrivals_poisson";
    /// Requests of one burst, where they come in bursts.
    pub const BURST_SIZE: &str = "burst_size";
    /// Seconds from burst to burst.
    pub const BURST_EVERY_SECONDS: &str = "burst_every_seconds";
    /// What chance was drawn from.
    pub const SEED: &str = "seed";
    /// Threads of one replica that serve at once.
    pub const THREADS: &str = "serving_threads";
    /// CPU seconds of one request, measured before the rounds.
    pub const REQUEST_CPU_SECONDS: &str = "request_cpu_seconds";
    /// CPU seconds of whoever made the load for one request, measured with it.
    pub const LOAD_REQUEST_CPU_SECONDS: &str = "load_request_cpu_seconds";
    /// CPU seconds of whoever made the load, in this sample.
    pub const LOAD_CPU_SECONDS: &str = "load_cpu_seconds";
    /// Requests per second that the station can answer, measured before the
    /// rounds.
    pub const CAPACITY_PER_SECOND: &str = "capacity_per_second";
    /// The work of one request, in the service's own unit.
    pub const WORK: &str = "work";
    /// The latency that 99 of 100 requests are not to exceed.
    pub const TARGET_P99_SECONDS: &str = "target_p99_seconds";
    /// Requests per second for which that held, by a search before the rounds.
    pub const FOUND_PER_SECOND: &str = "found_per_second";
    /// The least rate of that search for which it did not hold.
    pub const TOO_MANY_PER_SECOND: &str = "too_many_per_second";
    /// How often that rate kept the target when it was repeated.
    pub const CONFIRMATIONS: &str = "found_confirmations";
    /// How evenly the workers shared the requests, Jain's index.
    pub const FAIRNESS: &str = "fairness";
    /// Latency from the moment at which a request was to leave: the median, …
    pub const P50_SECONDS: &str = "latency_p50_seconds";
    /// … what 99 of 100 did not exceed, …
    pub const P99_SECONDS: &str = "latency_p99_seconds";
    /// … 999 of 1000, …
    pub const P99_9_SECONDS: &str = "latency_p99_9_seconds";
    /// … and the longest.
    pub const MAX_SECONDS: &str = "latency_max_seconds";
    /// The 99th of 100 by the moment at which it really left.
    pub const UNCORRECTED_P99_SECONDS: &str = "uncorrected_p99_seconds";
    /// How late whoever made the load noticed 99 of 100 moments of its schedule, …
    pub const SLIP_P99_SECONDS: &str = "load_slip_p99_seconds";
    /// … and how much of the 99th of 100 latencies may be of that and not of the
    /// server.
    pub const LATE_P99_SECONDS: &str = "load_late_p99_seconds";
}

/// Whether the sample was taken under a load from outside.
pub fn is_served(round: &Round) -> bool {
    round.figures.contains_key(raw::SENT)
}

/// Whether the report is of a lab whose samples are: its rows have no wall, and
/// nothing that is drawn from one.
pub fn is_of_servers(report: &RunReport) -> bool {
    let mut rounds = report.rows.iter().flat_map(|row| &row.rounds);
    rounds.any(is_served)
}

/// The load and the server of a sample, as far as a replay needs them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Served {
    server: Server,
    load: Load,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Load {
    Open {
        arrivals: Arrivals,
        rate: f64,
        seed: u64,
    },
    Closed {
        connections: usize,
    },
}

impl Served {
    /// `None` where a figure is unknown, and of several replicas: who gets which
    /// request is not the model's to say.
    pub fn of(round: &Round) -> Option<Self> {
        let figure = |name: &str| round.figures.get(name).copied();
        let [replica] = round.replicas.as_slice() else {
            return None;
        };
        let seconds = figure(raw::LOAD_SECONDS)?;
        let load = match figure(raw::OFFERED_PER_SECOND) {
            Some(rate) => Load::Open {
                arrivals: arrivals(round)?,
                rate,
                seed: figure(raw::SEED)? as u64,
            },
            None => Load::Closed {
                connections: figure(raw::CONNECTIONS)? as usize,
            },
        };
        let cost = figure(raw::REQUEST_CPU_SECONDS)?;
        let quota = match (replica.quota_cpus, replica.quota_known) {
            (Some(cpus), _) => Some(QuotaModel::new(cpus, replica.period_seconds?)?),
            (None, true) => None,
            (None, false) => return None,
        };
        let threads = figure(raw::THREADS)? as usize;
        let all = replica.cpus.count? as f64;
        let alone = Server::new(threads, all, cost, quota)?;
        // Whoever makes the load runs on the same CPUs. In an open loop it is at
        // work all the time; in a closed one only while the server is.
        let load_cost = figure(raw::LOAD_REQUEST_CPU_SECONDS)?;
        let left = match load {
            Load::Open { rate, .. } => {
                let of_load = load_cost * rate.min(alone.capacity());
                (all - of_load).max(all / 2.0)
            }
            Load::Closed { .. } => all / (1.0 + load_cost / cost),
        };
        Some(Self {
            server: Server::new(threads, left, cost, quota)?,
            load,
            seconds,
        })
    }

    /// The server.
    pub fn server(&self) -> Server {
        self.server
    }

    /// The same load against the refill rule.
    pub fn replay(&self) -> Replay {
        over_phases(|phase| match self.load {
            Load::Open {
                arrivals,
                rate,
                seed,
            } => {
                let moments = arrivals.schedule(rate, self.seconds, seed);
                self.server.open(moments, self.seconds, phase)
            }
            Load::Closed { connections } => self.server.closed(connections, self.seconds, phase),
        })
    }
}

fn arrivals(round: &Round) -> Option<Arrivals> {
    let figure = |name: &str| round.figures.get(name).copied();
    if figure(raw::POISSON).is_some() {
        return Some(Arrivals::Poisson);
    }
    match figure(raw::BURST_SIZE) {
        None => Some(Arrivals::Constant),
        Some(size) => Some(Arrivals::Bursts {
            size: size as u32,
            every_seconds: figure(raw::BURST_EVERY_SECONDS)?,
        }),
    }
}

/// Jain's index of how evenly something is shared out: 1 for equal shares, 1/n
/// where one of n has it all (R. Jain, D. Chiu, W. Hawe, "A quantitative measure
/// of fairness and discrimination", 1984). `None` where there is nothing.
pub fn fairness(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    let index = sum * sum / (shares.len() as f64 * squares);
    index.is_finite().then_some(index)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::made;

    /// A sample of a server at half a CPU, under these figures.
    fn sample(figures: &[(&str, f64)]) -> Round {
        let common = [
            (raw::SENT, 4000.0),
            (raw::LOAD_SECONDS, 2.0),
            (raw::THREADS, 2.0),
            (raw::REQUEST_CPU_SECONDS, 0.000_15),
            (raw::LOAD_REQUEST_CPU_SECONDS, 0.000_03),
        ];
        let mut replica = made::replica(2.0);
        replica.quota_cpus = Some(0.5);
        replica.period_seconds = Some(0.1);
        let mut round = made::round(vec![replica]);
        round.figures = common
            .iter()
            .chain(figures)
            .map(|(name, figure)| ((*name).to_owned(), *figure))
            .collect();
        round
    }

    #[test]
    fn the_load_is_read_back_from_the_samples_figures() {
        let closed = Served::of(&sample(&[(raw::CONNECTIONS, 8.0)])).unwrap();
        assert_eq!(closed.load, Load::Closed { connections: 8 });
        // For 150 µs of the server the load takes 30: five sixths of two CPUs.
        assert!((closed.server.busy_cpus() - 2.0 / 1.2).abs() < 1e-9);
        let open = sample(&[
            (raw::OFFERED_PER_SECOND, 2000.0),
            (raw::BURST_SIZE, 200.0),
            (raw::BURST_EVERY_SECONDS, 0.1),
            (raw::SEED, 7.0),
        ]);
        let open = Served::of(&open).unwrap();
        let replay = open.replay();
        // A burst of 30 ms of CPU time fits a refill of 50, wherever it falls.
        assert_eq!(replay.throttled_period_share(), Some(0.0));
        assert!((replay.requests_per_second().unwrap() - 2000.0).abs() < 200.0);
        assert!(is_served(&sample(&[])));
        assert!(!is_served(&Round::default()));
    }

    #[test]
    fn what_is_unknown_is_not_replayed() {
        let closed = sample(&[(raw::CONNECTIONS, 8.0)]);
        for name in [raw::REQUEST_CPU_SECONDS, raw::THREADS, raw::CONNECTIONS] {
            let mut without = closed.clone();
            without.figures.remove(name);
            assert_eq!(Served::of(&without), None, "{name}");
        }
        let mut several = closed.clone();
        several.replicas.push(made::replica(2.0));
        assert_eq!(Served::of(&several), None);
        let mut quota = closed;
        quota.replicas[0].quota_cpus = None;
        assert_eq!(Served::of(&quota), None, "unknown, and not none");
    }

    #[test]
    fn fairness_is_one_where_shares_are_equal_and_one_in_n_where_one_has_all() {
        assert_eq!(fairness(&[5.0; 4]), Some(1.0));
        assert_eq!(fairness(&[9.0, 0.0, 0.0]), Some(1.0 / 3.0));
        assert_eq!(fairness(&[]), None);
        assert_eq!(fairness(&[0.0]), None);
    }
}
