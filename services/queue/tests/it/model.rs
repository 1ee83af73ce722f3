//! Random operations on the queue in Redis and on the one in memory: both must
//! give the same answers and hold the same jobs, whatever the clock does.

use crate::programs::{BEGINNING, server};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use queue::job::{Backoff, Event, JobId, Listing, NewJob, Seq, Start, What};
use queue::store::memory::Memory;
use queue::store::redis::{Clock, RedisStore, Server};
use queue::store::{Accepted, Claim, Lease, Outcome, Settlement, Store, Verdict, Wanted};
use serde_json::json;
use serving::RedisServer;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Jobs that may wait.
const DEPTH: u64 = 12;

#[derive(Debug, Clone)]
enum Step {
    Submit(Vec<NewJob>),
    Claim {
        cpu: usize,
        io: usize,
        ageing: Duration,
        lease: Duration,
    },
    /// Of the job that was taken so long ago, counted in jobs.
    Settle {
        back: usize,
        outcome: Outcome,
        jitter: f64,
    },
    Extend {
        back: usize,
        progress: Option<f64>,
    },
    /// Of the job that was accepted so long ago.
    Cancel {
        back: usize,
    },
    Retry {
        back: Option<usize>,
    },
    Drop {
        back: Option<usize>,
    },
    Tend,
    /// Seconds; backwards too.
    Pass(f64),
}

fn seconds(range: std::ops::Range<f64>) -> impl Strategy<Value = Duration> {
    range.prop_map(|seconds| Duration::from_millis((seconds * 1e3) as u64))
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        4 => Just(Start::Now),
        1 => seconds(0.0..20.0).prop_map(Start::After),
        1 => (0..30_000_000_u64).prop_map(|after| Start::At { unix_micros: BEGINNING + after }),
    ]
}

fn job() -> impl Strategy<Value = NewJob> {
    let kind = prop_oneof![6 => Just("noop"), 3 => Just("sleep"), 1 => Just("nonsense")];
    let limits = (1..4_u32, seconds(0.0..4.0), seconds(0.0..30.0));
    let optional = (
        prop::option::weighted(0.2, seconds(0.1..15.0)),
        prop::option::weighted(0.2, 0..3_u8),
        prop::option::weighted(0.1, seconds(0.1..5.0)),
    );
    (kind, 0..=9_u8, start(), limits, optional, 0..2_u8).prop_map(
        |(kind, priority, start, (attempts, first, retention), (ttl, key, timeout), x)| NewJob {
            priority,
            start,
            attempts,
            backoff: Backoff {
                first,
                most: Duration::from_secs(6),
            },
            timeout,
            ttl,
            key: key.map(|key| key.to_string()),
            retention,
            effect: (x == 1).then(|| "e".into()),
            ..NewJob::new(kind, &json!({"x": x}))
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Done("[1]".into())),
        3 => Just(Outcome::Failed("no".into())),
        1 => Just(Outcome::Hopeless("never".into())),
        1 => Just(Outcome::GivenBack),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![3 => 0..3_usize, 1 => 0..20_usize];
    let eighths = |most: u8| (0..=most).prop_map(|eighths| f64::from(eighths) / 8.0);
    prop_oneof![
        5 => prop::collection::vec(job(), 1..5).prop_map(Step::Submit),
        6 => (0..4_usize, 0..3_usize, seconds(0.0..8.0), seconds(1.0..9.0)).prop_map(
            |(cpu, io, ageing, lease)| Step::Claim { cpu, io, ageing, lease }
        ),
        6 => (back(), outcome(), eighths(8)).prop_map(
            |(back, outcome, jitter)| Step::Settle { back, outcome, jitter }
        ),
        2 => (back(), prop::option::of(eighths(8))).prop_map(
            |(back, progress)| Step::Extend { back, progress }
        ),
        1 => back().prop_map(|back| Step::Cancel { back }),
        1 => prop::option::of(back()).prop_map(|back| Step::Retry { back }),
        1 => prop::option::weighted(0.8, back()).prop_map(|back| Step::Drop { back }),
        1 => Just(Step::Tend),
        4 => prop_oneof![
            8 => 0.0..5.0,
            1 => 20.0..100.0,
            1 => -2000.0..0.0_f64,
        ].prop_map(Step::Pass),
    ]
}

/// A job that both have given to a worker, each with its own token.
#[derive(Clone, Copy)]
struct Taken {
    id: JobId,
    tokens: [u64; 2],
}

struct Both {
    redis: RedisStore,
    memory: Memory,
    now: u64,
    ids: Vec<JobId>,
    taken: Vec<Taken>,
}

/// The element that is so far from the end; the first where there are fewer.
fn from_end<T: Copy>(all: &[T], back: usize) -> Option<T> {
    all.iter().rev().nth(back).or(all.first()).copied()
}

impl Both {
    fn new(redis: &RedisServer, queue: &str) -> Self {
        let at = Server {
            clock: Clock::Set,
            ..server(redis, queue)
        };
        let mut both = Self {
            redis: at.connect().unwrap(),
            memory: Memory::with_clock_at(BEGINNING),
            now: BEGINNING,
            ids: Vec::new(),
            taken: Vec::new(),
        };
        both.set_clock(queue);
        both
    }

    fn set_clock(&mut self, queue: &str) {
        self.memory.set_clock(self.now);
        let key = format!("q:{queue}:clock");
        let mut del = redis::cmd("DEL");
        del.arg(&key);
        let mut push = redis::cmd("RPUSH");
        push.arg(&key)
            .arg(self.now / 1_000_000)
            .arg(self.now % 1_000_000);
        self.redis.ask(&[del, push]).unwrap();
    }

    /// Does it to both, which must answer the same.
    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        ask: impl Fn(&mut dyn Store) -> T,
    ) -> Result<T, TestCaseError> {
        let (from_redis, from_memory) = (ask(&mut self.redis), ask(&mut self.memory));
        prop_assert_eq!(&from_redis, &from_memory);
        Ok(from_redis)
    }

    fn step(&mut self, step: &Step, queue: &str) -> Result<(), TestCaseError> {
        match step {
            Step::Submit(jobs) => {
                let accepted = self.same(|store| store.submit(&[jobs], DEPTH).unwrap())?;
                if let Accepted::All(submitted) = &accepted[0] {
                    self.ids.extend(submitted.iter().map(|job| job.id));
                }
            }
            Step::Claim {
                cpu,
                io,
                ageing,
                lease,
            } => {
                let claim = Claim {
                    worker: "w".into(),
                    lease: *lease,
                    wanted: Wanted { cpu: *cpu, io: *io },
                    ageing: *ageing,
                };
                let mut of_redis = self.redis.claim(&claim).unwrap();
                let of_memory = self.memory.claim(&claim).unwrap();
                for (redis, memory) in of_redis.jobs.iter_mut().zip(&of_memory.jobs) {
                    let tokens = [redis.token, memory.token];
                    self.taken.push(Taken {
                        id: redis.id,
                        tokens,
                    });
                    // How many numbers are left out is nobody's business.
                    redis.token = memory.token;
                }
                prop_assert_eq!(of_redis, of_memory);
            }
            Step::Settle {
                back,
                outcome,
                jitter,
            } => {
                let Some(taken) = from_end(&self.taken, *back) else {
                    return Ok(());
                };
                let settlement = |token| Settlement {
                    id: taken.id,
                    token,
                    outcome: outcome.clone(),
                    jitter: *jitter,
                };
                let of_redis = self.redis.settle(&[settlement(taken.tokens[0])]).unwrap();
                let of_memory = self.memory.settle(&[settlement(taken.tokens[1])]).unwrap();
                prop_assert_eq!(&of_redis, &of_memory);
                self.only_the_last_token_settles(taken, of_redis[0])?;
            }
            Step::Extend { back, progress } => {
                let Some(taken) = from_end(&self.taken, *back) else {
                    return Ok(());
                };
                let lease = |token| Lease {
                    id: taken.id,
                    token,
                    progress: *progress,
                };
                let more = Duration::from_secs(5);
                let of_redis = self.redis.extend(&[lease(taken.tokens[0])], more).unwrap();
                let of_memory = self.memory.extend(&[lease(taken.tokens[1])], more).unwrap();
                prop_assert_eq!(of_redis, of_memory);
            }
            Step::Cancel { back } => {
                if let Some(id) = from_end(&self.ids, *back) {
                    self.same(|store| store.cancel(id).unwrap())?;
                }
            }
            Step::Retry { back } => {
                let ids = self.named(*back);
                self.same(|store| store.retry(&ids).unwrap())?;
            }
            Step::Drop { back } => {
                let ids = self.named(*back);
                self.same(|store| store.drop_dead(&ids).unwrap())?;
            }
            Step::Tend => self.same(|store| store.tend().unwrap())?,
            Step::Pass(seconds) => {
                self.now = self.now.saturating_add_signed((seconds * 1e6) as i64);
                self.set_clock(queue);
            }
        }
        Ok(())
    }

    fn named(&self, back: Option<usize>) -> Vec<JobId> {
        back.and_then(|back| from_end(&self.ids, back))
            .into_iter()
            .collect()
    }

    /// What the whole thing is about, said without either's help.
    fn only_the_last_token_settles(
        &self,
        taken: Taken,
        verdict: Verdict,
    ) -> Result<(), TestCaseError> {
        let last = self.taken.iter().rev().find(|other| other.id == taken.id);
        let is_last = last.is_some_and(|last| last.tokens == taken.tokens);
        prop_assert!(is_last || matches!(verdict, Verdict::Refused(_)));
        Ok(())
    }

    /// Both hold the same jobs, in the same order, and all are accounted for.
    fn hold_the_same(&mut self) -> Result<(), TestCaseError> {
        let stats = self.same(|store| store.stats().unwrap())?;
        prop_assert!(stats.adds_up(), "{stats:#?}");
        let ids = self.ids.clone();
        self.same(|store| store.get(&ids).unwrap())?;
        Ok(())
    }

    fn list_the_same(&mut self) -> Result<(), TestCaseError> {
        let listed = |store: &mut dyn Store| {
            let (mut found, mut after) = (Vec::new(), None);
            for _ in 0..1000 {
                let listing = Listing {
                    after,
                    limit: 3,
                    ..Listing::default()
                };
                let page = store.list(&listing).unwrap();
                found.extend(page.jobs);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            found
        };
        self.same(listed)?;
        let told = |events: Vec<Event>| -> Vec<(JobId, String, What)> {
            events
                .into_iter()
                .map(|event| (event.id, event.kind, event.what))
                .collect()
        };
        self.same(|store| {
            told(
                store
                    .events(Seq::default(), 100_000, Duration::ZERO)
                    .unwrap(),
            )
        })?;
        Ok(())
    }
}

#[test]
fn redis_and_memory_are_the_same_queue() {
    let Some(redis) = RedisServer::start(&["--appendonly", "no"]) else {
        return;
    };
    let cases = AtomicU64::new(0);
    let config = Config {
        cases: 192,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 1..80);
    let run = TestRunner::new(config).run(&steps, |steps| {
        let queue = format!("m{}", cases.fetch_add(1, Ordering::Relaxed));
        let mut both = Both::new(&redis, &queue);
        for step in &steps {
            both.step(step, &queue)?;
            both.hold_the_same()?;
        }
        both.list_the_same()
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}
