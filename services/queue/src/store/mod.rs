//! Where jobs are kept: in Redis, or in this process.
//!
//! A [`Store`] is one thread's access, and blocks. The same steps are behind
//! both: those of [`redis`] are scripts, those of [`memory`] are plain code,
//! which is also what the scripts are tested against.

mod cursor;
pub mod memory;
pub mod redis;

use crate::job::{
    Cancelled, Event, Job, JobId, Listing, NewJob, Page, Seq, Stats, Submitted, WorkerInfo,
};
use redis_link::Trouble;
use std::time::Duration;

/// One thread's access to the queue. Whatever fails was not done by halves;
/// whether it was done at all is then not known.
pub trait Store: Send {
    /// Accepts each group of jobs, all of it or none; `depth` is how many may wait.
    fn submit(&mut self, groups: &[&[NewJob]], depth: u64) -> Stored<Vec<Accepted>>;

    /// Gives ready jobs to a worker, on a lease.
    fn claim(&mut self, claim: &Claim) -> Stored<Claimed>;

    /// Waits until there may be ready jobs, at most so long. Only after a
    /// [`Self::claim`] that gave none.
    fn wait(&mut self, wanted: Wanted, within: Duration) -> Stored<()>;

    /// Says what came of jobs.
    fn settle(&mut self, settlements: &[Settlement]) -> Stored<Vec<Verdict>>;

    /// Makes leases last on; says of each whether its token is still current.
    fn extend(&mut self, leases: &[Lease], for_more: Duration) -> Stored<Vec<bool>>;

    /// Sees to what is due by the clock: delays, leases, times to live and to keep.
    fn tend(&mut self) -> Stored<()>;

    /// Cancels a job.
    fn cancel(&mut self, id: JobId) -> Stored<Cancelled>;

    /// Gives dead jobs another chance; some of all where none is named. How many.
    fn retry(&mut self, ids: &[JobId]) -> Stored<u64>;

    /// Throws dead jobs away; some of all where none is named. How many.
    fn drop_dead(&mut self, ids: &[JobId]) -> Stored<u64>;

    /// Jobs, as they are.
    fn get(&mut self, ids: &[JobId]) -> Stored<Vec<Option<Job>>>;

    /// A page of jobs.
    fn list(&mut self, listing: &Listing) -> Stored<Page>;

    /// What the queue holds and has done; no rates.
    fn stats(&mut self) -> Stored<Stats>;

    /// A worker says that it is there, and what it does; `None`: it leaves.
    fn beat(&mut self, worker: &str, info: Option<&WorkerInfo>) -> Stored<()>;

    /// What happened after `after`, and waits at most so long for it.
    fn events(&mut self, after: Seq, most: usize, within: Duration) -> Stored<Vec<Event>>;

    /// The place of the last event there is.
    fn last_event(&mut self) -> Stored<Seq>;
}

/// What came of a step.
pub type Stored<T> = Result<T, Trouble>;

/// Which queue; each thread opens it for itself.
#[derive(Debug, Clone)]
pub enum Place {
    /// In Redis.
    Redis(redis::Server),
    /// In this process.
    Memory(memory::Memory),
}

impl Place {
    /// Opens it.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn open(&self) -> Stored<Box<dyn Store>> {
        Ok(match self {
            Self::Redis(server) => Box::new(server.connect()?),
            Self::Memory(memory) => Box::new(memory.clone()),
        })
    }
}

/// What became of a group of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// All were accepted.
    All(Vec<Submitted>),
    /// None: so many wait already.
    Full(u64),
    /// None: this one's key is that of another job, of another type or payload.
    KeyReused {
        /// Its place in the group.
        index: usize,
        /// The other job.
        id: JobId,
    },
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who.
    pub worker: String,
    /// How long the leases last.
    pub lease: Duration,
    /// How many jobs.
    pub wanted: Wanted,
    /// How long a job must be ready to count for one priority more.
    pub ageing: Duration,
}

/// How many jobs, by what they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// A CPU.
    pub cpu: usize,
    /// Only time.
    pub io: usize,
}

/// What a worker got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    /// The jobs.
    pub jobs: Vec<Taken>,
    /// Where there are none: when the next one is due.
    pub due_in: Option<Duration>,
}

/// A job that a worker has, on a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its id.
    pub id: JobId,
    /// The fencing token: greater than that of whoever had the job before.
    pub token: u64,
    /// Its type.
    pub kind: String,
    /// JSON, for the work.
    pub payload: String,
    /// 0 to 9, 9 the most urgent.
    pub priority: u8,
    /// Tries that failed.
    pub attempt: u32,
    /// How long a try may take.
    pub timeout: Option<Duration>,
    /// How long it was ready until now, by Redis' clock.
    pub waited: Duration,
    /// How long ago it was accepted, by Redis' clock.
    pub age: Duration,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Which.
    pub id: JobId,
    /// The token it was given with.
    pub token: u64,
    /// What.
    pub outcome: Outcome,
    /// How much of the back-off's jitter to take, 0 to 1.
    pub jitter: f64,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; the result, JSON.
    Done(String),
    /// It failed; why. Another try may help.
    Failed(String),
    /// It failed; why no try can help.
    Hopeless(String),
    /// It was not tried, or not to the end: another worker may have it at once.
    GivenBack,
}

/// What became of what a worker said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The job is in this state now.
    Settled(crate::job::State),
    /// The token was not the current one; where the job is, if it is still known.
    Refused(Option<crate::job::State>),
}

/// A lease that a worker holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lease {
    /// On which job.
    pub id: JobId,
    /// With which token.
    pub token: u64,
    /// How much of the job is done, 0 to 1, where its work tells.
    pub progress: Option<f64>,
}
