//! A station: a service that does one measured run at a time, whoever starts it.
//!
//! `POST /run` takes one sample and `GET /run` says how far it is. A second
//! request is refused with 409 while one goes on, here or in another process
//! of the same name; a client that goes away cancels its run, and so does the
//! end of the service. Where the client accepts events, it gets progress until
//! the answer is there.
//!
//! A service says what a run of its own is with two small traits: [`UnderWay`]
//! for what is shared with those who watch it, [`Answer`] for what comes of it.
//! Its handlers are its own, since their documentation is:
//!
//! ```
//! # use axum::{extract::State, response::Response};
//! # use measure::report::ReplicaAccount;
//! # use service_kit::problem::{Json, Problem};
//! # use service_kit::station::{Answer, Client, RunProgress, Station, UnderWay};
//! # use std::sync::{Arc, atomic::{AtomicBool, AtomicU64, Ordering::Relaxed}};
//! /// A run that counts to a thousand.
//! #[derive(Default)]
//! struct Counting {
//!     done: AtomicU64,
//!     cancelled: AtomicBool,
//! }
//!
//! impl UnderWay for Counting {
//!     fn progress(&self) -> f64 {
//!         self.done.load(Relaxed) as f64 / 1000.0
//!     }
//!     fn cancel(&self) {
//!         self.cancelled.store(true, Relaxed);
//!     }
//! }
//!
//! #[derive(serde::Serialize)]
//! struct Counted {
//!     account: ReplicaAccount,
//! }
//!
//! impl Answer for Counted {
//!     fn account(&mut self) -> Option<&mut ReplicaAccount> {
//!         Some(&mut self.account)
//!     }
//! }
//!
//! async fn progress(State(station): State<Arc<Station>>) -> Json<RunProgress> {
//!     Json(station.progress())
//! }
//!
//! async fn run(State(station): State<Arc<Station>>, client: Client) -> Result<Response, Problem> {
//!     let counting = Arc::new(Counting::default());
//!     let running = station.start(counting.clone(), move || {
//!         while counting.done.fetch_add(1, Relaxed) < 999 && !counting.cancelled.load(Relaxed) {}
//!         Ok(Counted { account: ReplicaAccount::default() })
//!     })?;
//!     running.answer(&client).await
//! }
//! ```
//!
//! The closure is called on a thread of its own. Runs whose work is
//! asynchronous (a load generator's, a master's that waits for its workers)
//! block that thread on the service's runtime: `move || handle.block_on(…)`.
//! A station may have runs of several kinds, each with an answer of its own;
//! still only one of them goes on at a time.

mod metrics;
mod running;
#[cfg(test)]
mod tests;

use crate::problem::Problem;
use crate::runlock::{RunLock, RunLockError};
use crate::sampling::{LONGEST_WAIT_SECONDS, Start};
use crate::shutdown::Shutdown;
use axum::http::StatusCode;
use measure::report::ReplicaAccount;
use metrics::{Ended, Metrics};
use prometheus::Registry;
pub use running::{Client, Running};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A run that goes on, as those see it who watch it.
pub trait UnderWay: Send + Sync + 'static {
    /// How much of it is done, 0 to 1.
    fn progress(&self) -> f64;
    /// Asks it to end soon; what it comes to is then of no interest.
    fn cancel(&self);
}

/// What came of a run.
pub trait Answer: Serialize + Send + 'static {
    /// The account in it, if it has one: it is told which run of which process
    /// it is of, and how long the run was is taken from it.
    fn account(&mut self) -> Option<&mut ReplicaAccount>;
}

/// What `GET /run` answers, and each `progress` event says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RunProgress {
    /// How much of the sample is done, 0 to 1; null when no run goes on here.
    pub progress: Option<f64>,
}

/// Does one measured run at a time.
pub struct Station {
    instance: String,
    runs: AtomicU64,
    lock_name: String,
    current: Mutex<Weak<Current>>,
    metrics: Metrics,
    shutdown: Shutdown,
}

/// The run that goes on.
struct Current {
    run: Arc<dyn UnderWay>,
    is_cancelled: AtomicBool,
}

impl Current {
    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.run.cancel();
    }
}

impl Station {
    /// A station of this process. `service` begins its metrics' names; `name`
    /// tells it from others in the same network namespace.
    ///
    /// # Errors
    /// When `registry` has metrics of these names already.
    pub fn new(
        service: &str,
        name: String,
        registry: &Registry,
        shutdown: Shutdown,
    ) -> prometheus::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            instance: Uuid::new_v4().to_string(),
            runs: AtomicU64::new(0),
            lock_name: name,
            current: Mutex::new(Weak::new()),
            metrics: Metrics::new(service, registry)?,
            shutdown,
        }))
    }

    /// The process that answers: a new one after every restart.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// How far the run is that goes on here.
    pub fn progress(&self) -> RunProgress {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        RunProgress {
            progress: current.upgrade().map(|current| current.run.progress()),
        }
    }

    /// Starts a run: has `take` called on a thread of its own. `run` is what
    /// that shares with those who watch it.
    ///
    /// # Errors
    /// 409 with `progress` while another run goes on, 500 when a run cannot be started.
    pub fn start<A: Answer>(
        self: &Arc<Self>,
        run: Arc<impl UnderWay>,
        take: impl FnOnce() -> Result<A, Problem> + Send + 'static,
    ) -> Result<Running<A>, Problem> {
        let lock = self.lock()?;
        let current = Arc::new(Current {
            run,
            is_cancelled: AtomicBool::new(false),
        });
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&current);
        let (sender, ended) = oneshot::channel();
        let (station, of_thread) = (self.clone(), current.clone());
        // What is logged there tells the request's id too.
        let request = tracing::Span::current();
        std::thread::Builder::new()
            .name("run".into())
            .spawn(move || {
                let started = Instant::now();
                let answer = request.in_scope(take);
                let answer = station.count(answer, started.elapsed(), &of_thread);
                // Free before the answer goes out, and before the progress says that
                // no run goes on: the next request may come at once.
                drop(lock);
                drop(of_thread);
                let _ = sender.send(answer);
            })
            .map_err(Problem::internal)?;
        Ok(Running::new(current, ended, self.shutdown.clone()))
    }

    fn lock(&self) -> Result<RunLock, Problem> {
        RunLock::try_acquire(&self.lock_name).map_err(|error| match error {
            RunLockError::Busy { .. } => Problem::new(
                StatusCode::CONFLICT,
                "a measured run is going on; two at once would spoil both figures",
            )
            .with("progress", self.progress().progress),
            error @ RunLockError::Unusable { .. } => Problem::internal(error),
        })
    }

    /// Counts a run that has ended after `took`, and numbers its account.
    fn count<A: Answer>(
        &self,
        mut answer: Result<A, Problem>,
        took: Duration,
        current: &Current,
    ) -> Result<A, Problem> {
        let account = answer.as_mut().ok().and_then(A::account);
        let seconds = account.map_or(took.as_secs_f64(), |account| {
            account.instance.clone_from(&self.instance);
            account.run_sequence = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
            account.seconds()
        });
        self.metrics.count(match &answer {
            _ if current.is_cancelled.load(Ordering::Relaxed) => Ended::Cancelled,
            Ok(_) => Ended::Done { seconds },
            Err(_) => Ended::Failed,
        });
        answer
    }
}

/// How a sample is to start that was asked to start at this moment of the
/// host's monotonic clock (seconds), which is at `now`; `None`: at a refill of
/// the quota.
///
/// # Errors
/// 422 for a moment that is not waited for.
pub fn requested_start(start_at_seconds: Option<f64>, now: f64) -> Result<Start, Problem> {
    let Some(moment) = start_at_seconds else {
        return Ok(Start::Aligned);
    };
    if (0.0..=now + LONGEST_WAIT_SECONDS).contains(&moment) {
        return Ok(Start::At(moment));
    }
    let allowed = format!(
        "start_at_seconds must be a moment of the host's monotonic clock, which is at {now:.3}, \
         not negative and at most {LONGEST_WAIT_SECONDS} s ahead"
    );
    Err(Problem::of_field("start_at_seconds", allowed))
}
