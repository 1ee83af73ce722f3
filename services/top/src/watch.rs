//! What is known from round to round: replicas come, go and start anew.
//!
//! Reads no clock: each round brings its moments with it.

use crate::exposition::Reading;
use crate::frame::{Core, Frame, Presence, Replica, Run};
use crate::rates::Rates;
use cpu_budget::host::{CpuTimes, HostCpuTimes};
use measure::now::Now;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a replica that has gone is still shown.
pub const AWAY_SHOWN: Duration = Duration::from_secs(5);

/// What one round of asking found.
#[derive(Debug, Clone)]
pub struct Round {
    /// When it was over.
    pub at: Instant,
    /// The same as Unix time.
    pub unix_seconds: f64,
    /// The run, or why nothing is known of it.
    pub now: Result<Option<Now>, String>,
    /// The stations, in their order.
    pub stations: Vec<Asked>,
    /// What the host's CPUs did so far.
    pub host: Option<HostCpuTimes>,
}

/// What a station's replicas answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The station.
    pub name: String,
    /// The quota that the Compose file gives it.
    pub declared_cpus: Option<f64>,
    /// Its replicas, and what each that answered told.
    pub replicas: Vec<(SocketAddr, Option<Answer>)>,
}

/// What a replica told.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// When its answer came.
    pub at: Instant,
    /// What it told.
    pub reading: Reading,
}

/// What is known from round to round.
#[derive(Debug, Default)]
pub struct Watch {
    replicas: Vec<Known>,
    host: Option<HostCpuTimes>,
}

/// A replica that has answered at least once.
#[derive(Debug)]
struct Known {
    station: String,
    address: SocketAddr,
    declared_cpus: Option<f64>,
    last: Answer,
    rates: Option<Rates>,
    state: Presence,
}

impl Watch {
    /// Takes in what a round found; what there is to see now.
    pub fn take(&mut self, round: Round) -> Frame {
        for known in &mut self.replicas {
            if answer_of(&round.stations, known).is_none() {
                known.state = Presence::Away;
                known.rates = None;
            }
        }
        self.replicas
            .retain(|known| round.at.saturating_duration_since(known.last.at) < AWAY_SHOWN);
        for asked in &round.stations {
            for (address, answer) in &asked.replicas {
                if let Some(answer) = answer {
                    self.answered(asked, *address, answer);
                }
            }
        }
        let place = |known: &Known| {
            let mut stations = round.stations.iter();
            stations.position(|asked| asked.name == known.station)
        };
        self.replicas
            .sort_by_key(|known| (place(known).unwrap_or(usize::MAX), known.address));
        let host = self.host_since(round.host);
        let (run, trouble) = match &round.now {
            Ok(now) => (now.as_ref().map(|now| run(now, round.unix_seconds)), None),
            Err(trouble) => (None, Some(trouble.clone())),
        };
        let measured = run.as_ref().and_then(|run| run.row.as_ref());
        let measured = measured.map(|row| row.station.as_str());
        let replicas = self.replicas.iter();
        let replicas: Vec<Replica> = replicas.map(|r| r.shown(round.at, measured)).collect();
        let shown = |name: &String| replicas.iter().any(|replica| replica.station == *name);
        let names = round.stations.iter().map(|asked| asked.name.clone());
        Frame {
            at_seconds: round.unix_seconds,
            silent: names.filter(|name| !shown(name)).collect(),
            run,
            replicas,
            host,
            trouble,
        }
    }

    fn answered(&mut self, asked: &Asked, address: SocketAddr, answer: &Answer) {
        let mut replicas = self.replicas.iter_mut();
        let known = replicas.find(|known| known.is(&asked.name, address));
        let Some(known) = known else {
            self.replicas.push(Known {
                station: asked.name.clone(),
                address,
                declared_cpus: asked.declared_cpus,
                last: answer.clone(),
                rates: None,
                state: Presence::New,
            });
            return;
        };
        let seconds = answer.at.saturating_duration_since(known.last.at);
        // After a gap, an average over it would pass for this moment's.
        let here = known.state != Presence::Away;
        let rates = Rates::between(&known.last.reading, &answer.reading, seconds.as_secs_f64());
        known.rates = rates.filter(|_| here);
        known.state = match known.rates {
            Some(_) => Presence::Up,
            None => Presence::New,
        };
        known.declared_cpus = asked.declared_cpus;
        known.last = answer.clone();
    }

    /// The host's CPUs since the round before.
    fn host_since(&mut self, now: Option<HostCpuTimes>) -> Vec<Core> {
        let before = std::mem::replace(&mut self.host, now);
        let Some((before, now)) = before.zip(self.host.as_ref()) else {
            return Vec::new();
        };
        let since = now.since(&before);
        since.per_cpu.iter().filter_map(core).collect()
    }
}

fn answer_of<'a>(stations: &'a [Asked], known: &Known) -> Option<&'a Answer> {
    let mut replicas = stations.iter().flat_map(|asked| {
        let replicas = asked.replicas.iter();
        replicas.map(|(address, answer)| (asked.name.as_str(), *address, answer.as_ref()))
    });
    replicas.find_map(|(name, address, answer)| answer.filter(|_| known.is(name, address)))
}

fn run(now: &Now, unix_seconds: f64) -> Run {
    let ended_seconds = now.ended_at(unix_seconds);
    Run {
        lab: now.lab.clone(),
        backend: now.backend,
        ended_seconds,
        round: now.round,
        rounds: now.rounds,
        row: now.row.clone().filter(|_| ended_seconds.is_none()),
    }
}

/// `None` where no time passed by this CPU's own count.
fn core((cpu, times): (&usize, &CpuTimes)) -> Option<Core> {
    let busy = times.busy_seconds();
    let idle = times.idle_seconds + times.iowait_seconds;
    let all = busy + idle + times.steal_seconds;
    (all > 0.0).then(|| Core {
        cpu: *cpu,
        busy_share: busy / all,
        stolen_share: times.steal_seconds / all,
    })
}

impl Known {
    fn is(&self, station: &str, address: SocketAddr) -> bool {
        self.address == address && self.station == station
    }

    fn shown(&self, at: Instant, measured: Option<&str>) -> Replica {
        let away = match self.state {
            Presence::Away => at.saturating_duration_since(self.last.at),
            Presence::New | Presence::Up => Duration::ZERO,
        };
        let rates = self.rates.unwrap_or_default();
        let last = &self.last.reading;
        Replica {
            station: self.station.clone(),
            address: self.address,
            container: last.container.clone(),
            state: self.state,
            away_seconds: away.as_secs_f64(),
            declared_cpus: self.declared_cpus,
            effective_cpus: last.effective_cpus,
            quota_cpus: last.quota_cpus,
            believed_cpus: last.believed_cpus,
            used_cpus: rates.used_cpus,
            throttled_share: rates.throttled_share,
            worker_time: rates.worker_time,
            workers: last.workers,
            memory_bytes: last.memory_bytes,
            memory_limit_bytes: last.memory_limit_bytes,
            under_way: measured == Some(self.station.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use cpu_budget::host::CpuTimes;

    /// A clock that a test moves, and what replicas have told by then.
    struct Lab {
        watch: Watch,
        began: Instant,
    }

    impl Lab {
        fn new() -> Self {
            Self {
                watch: Watch::default(),
                began: Instant::now(),
            }
        }

        fn at(&self, seconds: f64) -> Instant {
            self.began + Duration::from_secs_f64(seconds)
        }

        /// A round at which the fleet's replicas of these numbers tell this
        /// usage, or do not answer.
        fn round(&mut self, seconds: f64, fleet: &[(u8, Option<f64>)]) -> Frame {
            let at = self.at(seconds);
            let answer = |usage| Answer {
                at,
                reading: Reading {
                    usage_seconds: Some(usage),
                    effective_cpus: Some(0.5),
                    ..Reading::default()
                },
            };
            let replicas = fleet.iter();
            let replicas = replicas.map(|(number, usage)| (address(*number), usage.map(answer)));
            self.watch.take(Round {
                at,
                unix_seconds: 1000.0 + seconds,
                now: Ok(None),
                stations: vec![Asked {
                    name: "fleet".into(),
                    declared_cpus: Some(0.5),
                    replicas: replicas.collect(),
                }],
                host: None,
            })
        }
    }

    fn address(number: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, number], 9000))
    }

    /// Number, state and CPUs used of each replica shown.
    fn seen(frame: &Frame) -> Vec<(u8, Presence, Option<f64>)> {
        let of = |replica: &Replica| {
            let octets = replica.address.ip().to_string();
            let number = octets.rsplit('.').next().unwrap().parse().unwrap();
            (number, replica.state, replica.used_cpus)
        };
        frame.replicas.iter().map(of).collect()
    }

    use Presence::{Away, New, Up};

    #[test]
    fn a_rate_needs_two_answers() {
        let mut lab = Lab::new();
        assert_eq!(seen(&lab.round(0.0, &[(1, Some(10.0))])), [(1, New, None)]);
        let frame = lab.round(2.0, &[(1, Some(11.0))]);
        assert_eq!(seen(&frame), [(1, Up, Some(0.5))]);
    }

    #[test]
    fn a_counter_that_goes_back_starts_anew_for_one_refresh() {
        let mut lab = Lab::new();
        lab.round(0.0, &[(1, Some(10.0))]);
        lab.round(1.0, &[(1, Some(10.5))]);

        let restarted = lab.round(2.0, &[(1, Some(0.25))]);
        let next = lab.round(3.0, &[(1, Some(0.75))]);

        assert_eq!(seen(&restarted), [(1, New, None)]);
        assert_eq!(seen(&next), [(1, Up, Some(0.5))]);
    }

    #[test]
    fn a_replica_that_goes_is_shown_for_a_while_and_comes_back_anew() {
        let mut lab = Lab::new();
        lab.round(0.0, &[(1, Some(1.0))]);
        lab.round(1.0, &[(1, Some(1.5))]);

        let gone = lab.round(2.0, &[(1, None)]);
        assert_eq!(seen(&gone), [(1, Away, None)]);
        assert!((gone.replicas[0].away_seconds - 1.0).abs() < 1e-9);
        assert_eq!(gone.silent, [""; 0], "its row says it");
        let back = lab.round(4.0, &[(1, Some(2.0))]);
        assert_eq!(seen(&back), [(1, New, None)], "no average over the gap");
        assert_eq!(
            seen(&lab.round(5.0, &[(1, Some(2.5))])),
            [(1, Up, Some(0.5))]
        );
        lab.round(6.0, &[(1, None)]);
        let forgotten = lab.round(10.5, &[(1, None)]);
        assert_eq!(seen(&forgotten), []);
        assert_eq!(forgotten.silent, ["fleet"]);
    }

    #[test]
    fn a_station_is_scaled_while_it_is_watched() {
        let mut lab = Lab::new();
        lab.round(0.0, &[(2, Some(1.0))]);
        let four = [
            (5, Some(0.0)),
            (4, Some(0.0)),
            (3, Some(0.0)),
            (2, Some(1.5)),
        ];
        let grown = lab.round(1.0, &four);
        assert_eq!(
            seen(&grown),
            [
                (2, Up, Some(0.5)),
                (3, New, None),
                (4, New, None),
                (5, New, None)
            ]
        );
        let shrunk = lab.round(2.0, &[(2, Some(2.0)), (3, Some(0.5))]);
        assert_eq!(
            seen(&shrunk),
            [
                (2, Up, Some(0.5)),
                (3, Up, Some(0.5)),
                (4, Away, None),
                (5, Away, None)
            ]
        );
        let later = lab.round(6.5, &[(2, Some(2.0)), (3, Some(0.5))]);
        assert_eq!(later.replicas.len(), 2);
    }

    #[test]
    fn what_never_answered_is_silent_and_no_row() {
        let frame = Lab::new().round(0.0, &[(1, None)]);
        assert_eq!((frame.replicas.len(), frame.silent.len()), (0, 1));
    }

    #[test]
    fn the_hosts_cpus_are_shown_from_the_second_round_on() {
        let mut watch = Watch::default();
        let times = |user_seconds, idle_seconds, steal_seconds| {
            let times = CpuTimes {
                user_seconds,
                idle_seconds,
                steal_seconds,
                ..CpuTimes::default()
            };
            HostCpuTimes {
                per_cpu: [(0, times)].into(),
            }
        };
        assert_eq!(watch.host_since(Some(times(1.0, 1.0, 0.0))), []);
        let expected = Core {
            cpu: 0,
            busy_share: 0.5,
            stolen_share: 0.25,
        };
        assert_eq!(watch.host_since(Some(times(2.0, 1.5, 0.5))), [expected]);
        assert_eq!(watch.host_since(None), [], "unknown is not idle");
        assert_eq!(watch.host_since(Some(times(3.0, 2.0, 0.5))), []);
    }
}
