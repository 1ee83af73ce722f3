//! The queue in Redis. Each step is one script, so it is done or not done; what
//! a process holds in memory is never the only copy.

mod read;
mod script;
mod write;

pub use script::{Clock, Script};

use super::cursor::Cursor;
use super::{Accepted, Claim, Claimed, Lease, Settlement, Store, Stored, Verdict, Wanted};
use crate::job::{Cancelled, Event, Job, JobId, Listing, NewJob, Page, Seq, Stats, WorkerInfo};
use redis::{Cmd, Value};
use redis_link::answer::{array, number, text};
use redis_link::{Address, LONGEST_BLOCK, Link, Trouble, patiently};
use std::sync::Arc;
use std::time::Duration;

/// How many jobs a page looks at: those of another type are passed over.
const MOST_LOOKED_AT: usize = 1000;

/// Which Redis, and whose keys in it.
#[derive(Debug, Clone)]
pub struct Server {
    /// The Redis.
    pub address: Address,
    /// What the queue's keys begin with.
    pub prefix: Arc<str>,
    /// What the scripts take for the time.
    pub clock: Clock,
}

impl Server {
    /// The queue of that name in the Redis at `address`.
    pub fn new(address: Address, queue: &str) -> Self {
        Self {
            address,
            prefix: format!("q:{queue}:").into(),
            clock: Clock::Redis,
        }
    }

    /// Makes a connection, with all scripts known to Redis.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn connect(&self) -> Stored<RedisStore> {
        Ok(RedisStore {
            link: self.address.connect(self.clock.scripts())?,
            server: self.clone(),
        })
    }

    /// Waits until Redis is there and takes writes.
    ///
    /// # Errors
    /// Trouble that waiting does not help, or `None` when `stopped` says so.
    pub fn connected(&self, stopped: impl Fn() -> bool) -> Result<RedisStore, Option<Trouble>> {
        // A replica lets one connect and read; only a write tells.
        let writable = |mut store: RedisStore| store.tend().map(|()| store);
        patiently(|| self.connect().and_then(writable), stopped)
    }
}

/// A thread's connection to the queue.
pub struct RedisStore {
    server: Server,
    link: Link,
}

impl RedisStore {
    /// The key of that name among the queue's.
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.server.prefix)
    }

    fn call(&self, script: Script) -> Cmd {
        self.server.clock.call(script, &self.server.prefix)
    }

    fn step(&mut self, script: Script, arguments: impl FnOnce(&mut Cmd)) -> Stored<Value> {
        let mut call = self.call(script);
        arguments(&mut call);
        self.link.ask_one(call)
    }

    /// `read`, which is `None` for an answer that none of the scripts gives.
    fn expected<T>(&self, what: &str, read: Option<T>) -> Stored<T> {
        read.ok_or_else(|| self.server.address.unexpected(what))
    }

    fn count(&mut self, script: Script, ids: &[JobId]) -> Stored<u64> {
        let answer = self.step(script, |call| {
            for id in ids {
                call.arg(id.0);
            }
        })?;
        self.expected("no count", number(&answer).map(|count| count as u64))
    }

    /// The commands as they are, for tests and for those who look into Redis.
    ///
    /// # Errors
    /// The first that failed.
    pub fn ask(&mut self, commands: &[Cmd]) -> Stored<Vec<Value>> {
        self.link.ask(commands)
    }
}

impl Store for RedisStore {
    fn submit(&mut self, groups: &[&[NewJob]], depth: u64) -> Stored<Vec<Accepted>> {
        let answer = self.step(Script::Submit, |call| {
            call.arg(depth);
            for group in groups {
                write::group(call, group);
            }
        })?;
        let accepted = array(answer).into_iter().map(read::accepted).collect();
        self.expected("no ids", accepted)
    }

    fn claim(&mut self, claim: &Claim) -> Stored<Claimed> {
        let answer = self.step(Script::Claim, |call| {
            call.arg(&claim.worker).arg(write::micros(claim.lease));
            call.arg(claim.wanted.cpu).arg(claim.wanted.io);
            call.arg(write::micros(claim.ageing));
        })?;
        self.expected("no jobs", read::claimed(answer))
    }

    fn wait(&mut self, wanted: Wanted, within: Duration) -> Stored<()> {
        let mut wait = redis::cmd("BLPOP");
        for (class, wanted) in [("wakec", wanted.cpu), ("wakei", wanted.io)] {
            if wanted > 0 {
                wait.arg(self.key(class));
            }
        }
        // 0 would be for ever.
        let longest = within.min(LONGEST_BLOCK).max(Duration::from_millis(1));
        wait.arg(longest.as_secs_f64());
        self.link.ask_one(wait).map(drop)
    }

    fn settle(&mut self, settlements: &[Settlement]) -> Stored<Vec<Verdict>> {
        let answer = self.step(Script::Settle, |call| {
            for settlement in settlements {
                write::settlement(call, settlement);
            }
        })?;
        let verdicts = array(answer).into_iter().map(read::verdict).collect();
        self.expected("no verdicts", verdicts)
    }

    fn extend(&mut self, leases: &[Lease], for_more: Duration) -> Stored<Vec<bool>> {
        let answer = self.step(Script::Extend, |call| {
            call.arg(write::micros(for_more));
            for lease in leases {
                call.arg(lease.id.0).arg(lease.token);
                call.arg(lease.progress.map(write::progress).unwrap_or_default());
            }
        })?;
        let held = array(answer).into_iter();
        let held = held.map(|held| Some(number(&held)? == 1)).collect();
        self.expected("no leases", held)
    }

    fn tend(&mut self) -> Stored<()> {
        self.step(Script::Tend, |_| ()).map(drop)
    }

    fn cancel(&mut self, id: JobId) -> Stored<Cancelled> {
        let answer = self.step(Script::Cancel, |call| {
            call.arg(id.0);
        })?;
        self.expected(
            "no state",
            text(answer).as_deref().and_then(read::cancelled),
        )
    }

    fn retry(&mut self, ids: &[JobId]) -> Stored<u64> {
        self.count(Script::Retry, ids)
    }

    fn drop_dead(&mut self, ids: &[JobId]) -> Stored<u64> {
        self.count(Script::Drop, ids)
    }

    fn get(&mut self, ids: &[JobId]) -> Stored<Vec<Option<Job>>> {
        let answer = self.step(Script::Get, |call| {
            for id in ids {
                call.arg(id.0);
            }
        })?;
        let jobs = ids.iter().zip(array(answer));
        let jobs = jobs.map(|(id, fields)| match array(fields) {
            fields if fields.is_empty() => Some(None),
            fields => read::job(*id, fields).map(Some),
        });
        self.expected("no jobs", jobs.collect())
    }

    fn list(&mut self, listing: &Listing) -> Stored<Page> {
        let mut cursor = Cursor::of(listing);
        let mut page = Page {
            jobs: Vec::new(),
            next: None,
        };
        while let Some(at) = cursor {
            let left = listing.limit - page.jobs.len();
            let answer = self.step(Script::List, |call| {
                call.arg(at.state.letter().to_string());
                call.arg(listing.kind.as_deref().unwrap_or_default());
                call.arg(at.skip);
                call.arg(at.last.map(|id| id.to_string()).unwrap_or_default());
                call.arg(left).arg(MOST_LOOKED_AT);
            })?;
            let (skip, ids) = self.expected("no page", read::ids(answer))?;
            let jobs = self.get(&ids)?;
            page.jobs.extend(jobs.into_iter().flatten());
            let last = ids.last().copied();
            cursor = at.next(skip, last, listing.state);
            page.next = cursor.as_ref().map(ToString::to_string);
            // What a call looked through in vain is not looked through again in it.
            if page.jobs.len() >= listing.limit || skip.is_some() {
                break;
            }
        }
        Ok(page)
    }

    fn stats(&mut self) -> Stored<Stats> {
        let answer = self.step(Script::Stats, |_| ())?;
        self.expected("no counts", read::stats(answer))
    }

    fn beat(&mut self, worker: &str, info: Option<&WorkerInfo>) -> Stored<()> {
        let words = info.map(|info| serde_json::to_string(info).expect("it is plain data"));
        self.step(Script::Beat, |call| {
            call.arg(worker).arg(words.unwrap_or_default());
        })
        .map(drop)
    }

    fn events(&mut self, after: Seq, most: usize, within: Duration) -> Stored<Vec<Event>> {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(most);
        if !within.is_zero() {
            read.arg("BLOCK")
                .arg(within.min(LONGEST_BLOCK).as_millis() as u64);
        }
        read.arg("STREAMS").arg(self.key("e"));
        read.arg(read::before_entry(after));
        let answer = self.link.ask_one(read)?;
        Ok(read::events(answer, after))
    }

    fn last_event(&mut self) -> Stored<Seq> {
        let mut last = redis::cmd("XREVRANGE");
        last.arg(self.key("e"))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1);
        let answer = self.link.ask_one(last)?;
        Ok(read::last_seq(answer))
    }
}
