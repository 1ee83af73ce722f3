//! Queues in a Redis of a test's own, and workers as processes.

use assert_cmd::cargo::CommandCargoExt as _;
use queue::job::{JobId, NewJob, State, Stats};
use queue::store::redis::{Clock, RedisStore, Server};
use queue::store::{Accepted, Claim, Claimed, Outcome, Settlement, Store, Verdict, Wanted};
use redis_link::Address;
use rustix::process::Signal;
use serde_json::{Value, json};
use serving::{RedisServer, Serving, eventually};
use std::process::Command;
use std::time::Duration;

/// A moment at which set clocks begin, microseconds since 1970.
pub(crate) const BEGINNING: u64 = 1_800_000_000_000_000;

/// Longer than any test.
pub(crate) const LONG: Duration = Duration::from_mins(5);

/// The queue of that name in `redis`.
pub(crate) fn server(redis: &RedisServer, queue: &str) -> Server {
    let address = Address::new(&redis.url(), None, "QUEUE").unwrap();
    Server::new(address, queue)
}

/// A connection to it.
pub(crate) fn store(redis: &RedisServer, queue: &str) -> RedisStore {
    server(redis, queue).connect().unwrap()
}

/// A queue of its own, whose clock stands until it is set.
pub(crate) struct Steps {
    _redis: RedisServer,
    pub(crate) store: RedisStore,
    now: u64,
}

impl Steps {
    /// `None` where no Redis is installed.
    pub(crate) fn start() -> Option<Self> {
        let redis = RedisServer::start(&[])?;
        let at = Server {
            clock: Clock::Set,
            ..server(&redis, "steps")
        };
        let mut steps = Self {
            store: at.connect().unwrap(),
            _redis: redis,
            now: BEGINNING,
        };
        steps.set_clock(BEGINNING);
        Some(steps)
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&mut self, micros: u64) {
        self.now = micros;
        let mut del = redis::cmd("DEL");
        del.arg("q:steps:clock");
        let mut push = redis::cmd("RPUSH");
        push.arg("q:steps:clock");
        push.arg(micros / 1_000_000).arg(micros % 1_000_000);
        self.store.ask(&[del, push]).unwrap();
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.set_clock(self.now + time.as_micros() as u64);
    }

    /// Accepts one job.
    pub(crate) fn submit(&mut self, job: &NewJob) -> JobId {
        self.submit_all(std::slice::from_ref(job))[0]
    }

    /// Accepts some.
    pub(crate) fn submit_all(&mut self, jobs: &[NewJob]) -> Vec<JobId> {
        submit(&mut self.store, jobs)
    }

    /// Takes up to `cpu` CPU jobs, on a lease of 10 s, with an ageing of 10 s.
    pub(crate) fn claim(&mut self, cpu: usize) -> Claimed {
        self.store.claim(&claim("w", cpu, 0)).unwrap()
    }

    /// Says what came of one job.
    pub(crate) fn settle(&mut self, id: JobId, token: u64, outcome: Outcome) -> Verdict {
        let settlement = Settlement {
            id,
            token,
            outcome,
            jitter: 0.0,
        };
        self.store.settle(&[settlement]).unwrap()[0]
    }

    /// Where a job is.
    pub(crate) fn state(&mut self, id: JobId) -> Option<State> {
        let job = self.store.get(&[id]).unwrap().remove(0);
        job.map(|job| job.state)
    }

    /// What the queue holds; it must add up.
    pub(crate) fn stats(&mut self) -> Stats {
        let stats = self.store.stats().unwrap();
        assert!(stats.adds_up(), "{stats:#?}");
        stats
    }
}

/// Accepts jobs, whatever their number.
pub(crate) fn submit(store: &mut dyn Store, jobs: &[NewJob]) -> Vec<JobId> {
    let groups: Vec<&[NewJob]> = jobs.chunks(1000).collect();
    let accepted = groups
        .chunks(1)
        .flat_map(|groups| store.submit(groups, u64::MAX >> 12).unwrap());
    let ids = accepted.flat_map(|accepted| match accepted {
        Accepted::All(submitted) => submitted.into_iter().map(|job| job.id),
        refused => panic!("{refused:?}"),
    });
    ids.collect()
}

/// What a worker asks for.
pub(crate) fn claim(worker: &str, cpu: usize, io: usize) -> Claim {
    Claim {
        worker: worker.into(),
        lease: Duration::from_secs(10),
        wanted: Wanted { cpu, io },
        ageing: Duration::from_secs(10),
    }
}

/// A job that does nothing.
pub(crate) fn noop() -> NewJob {
    NewJob::new("noop", &json!({}))
}

/// A job that waits so long.
pub(crate) fn sleep(seconds: f64) -> NewJob {
    NewJob::new("sleep", &json!({"seconds": seconds}))
}

/// The program.
pub(crate) fn program() -> Command {
    Command::cargo_bin("queue").unwrap()
}

/// A worker as a process.
pub(crate) struct Worker {
    pub(crate) serving: Serving,
}

impl Worker {
    /// One for that queue, with more options.
    pub(crate) fn start(redis: &RedisServer, queue: &str, options: &str) -> Self {
        let station = serving::unique_name();
        let mut command = program();
        command.arg("worker");
        command.args(["--port", "0", "--admin-port", "0", "--station", &station]);
        command.args(["--redis-url", &redis.url(), "--name", queue]);
        command.args(options.split_whitespace());
        Self {
            serving: Serving::spawn(&mut command),
        }
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.serving.signal(Signal::KILL);
        self.serving.ended();
    }

    /// What it says on the admin port: status and text.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.serving.line.admin);
        ask(|client| client.get(url))
    }

    /// Waits until it has Redis.
    pub(crate) fn ready(&self) {
        eventually("the worker is ready", || {
            (self.admin("/readyz").0 == 200).then_some(())
        });
    }

    /// Takes a sample.
    pub(crate) fn sample(&self, request: &Value) -> (u16, Value) {
        let url = format!("http://{}/run", self.serving.line.api);
        let (status, text) = ask(|client| client.post(url).json(request));
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

fn ask(request: impl FnOnce(reqwest::Client) -> reqwest::RequestBuilder) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match request(reqwest::Client::new()).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(_) => (0, String::new()),
        }
    })
}

/// Waits until all jobs have ended.
pub(crate) fn all_ended(store: &mut dyn Store) -> Stats {
    eventually("all jobs have ended", || {
        let stats = store.stats().ok()?;
        let active = stats.by_state[&State::Active];
        (stats.waiting + active == 0).then_some(stats)
    })
}
