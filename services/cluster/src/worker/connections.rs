//! The connections of a worker: accepted up to a bound, cut when they are slow,
//! drained at the end.

use super::activity::{Activity, Limits, TICK, ticks};
use super::connection;
use super::link::DrainOrder;
use super::queue::Queue;
use super::shared::Shared;
use crate::control::Said;
use crate::counters::{Counts, Cut};
use hyper::server::conn::http1;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// How long a worker that is full leaves a connection to the others before it
/// takes it to refuse it.
const LEFT_TO_OTHERS: Duration = Duration::from_millis(10);

/// Connections that are refused at once: each is a file until its client has
/// read why.
pub const MOST_REFUSED: usize = 16;

/// An idle connection is closed when nothing has come for so long since the
/// drain began: a client that uses it sooner is told to close it, and loses
/// nothing.
const IDLE_IN_DRAIN: Duration = Duration::from_secs(1);

/// All connections of a worker.
pub struct Connections {
    shared: Arc<Shared>,
    http: http1::Builder,
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    refused: JoinSet<()>,
    refusal: Arc<[u8]>,
    began: Instant,
    said: Counts,
}

struct Open {
    activity: Arc<Activity>,
    task: AbortHandle,
}

impl Connections {
    /// None yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            refusal: connection::refusal(&shared).into(),
            shared,
            http: connection::http(),
            tasks: JoinSet::new(),
            open: HashMap::new(),
            refused: JoinSet::new(),
            began: Instant::now(),
            said: Counts::default(),
        }
    }

    /// Serves until told to drain, then does that.
    pub async fn serve(mut self, mut queue: Queue, mut drain: DrainOrder) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let take_queued = loop {
            let (open, is_full) = (self.tasks.len(), self.is_full());
            queue.post(open);
            tokio::select! {
                accepted = next(&mut queue, open, is_full) => {
                    self.take(accepted);
                    if is_full {
                        self.refuse_all(&queue);
                    }
                    queue.post(self.tasks.len());
                    // One at a time: the other workers are awake too, and what
                    // this one takes they do not get.
                    tokio::task::yield_now().await;
                }
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                Some(_) = self.refused.join_next() => {}
                _ = tick.tick() => self.tick(self.limits(), 0).await,
                order = drain.recv() => break order.unwrap_or(false),
            }
        };
        self.drain(queue, take_queued).await;
    }

    fn is_full(&self) -> bool {
        self.tasks.len() >= self.shared.orders.max_connections as usize
    }

    fn limits(&self) -> Limits {
        let orders = &self.shared.orders;
        Limits {
            head: ticks(Duration::from_secs_f64(orders.header_seconds)),
            idle: ticks(Duration::from_secs_f64(orders.keep_alive_seconds)),
        }
    }

    /// Serves the connection, or refuses it where there is no room.
    fn take(&mut self, stream: TcpStream) {
        self.shared.counters.accept();
        if self.is_full() {
            self.refuse(stream);
            return;
        }
        let activity = Arc::new(Activity::new(self.shared.clock.clone()));
        let serving = connection::serve(
            stream,
            self.http.clone(),
            self.shared.clone(),
            activity.clone(),
        );
        let task = self.tasks.spawn(serving);
        self.open.insert(task.id(), Open { activity, task });
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
        self.shared.counters.close();
        if let Err(error) = ended
            && error.is_panic()
        {
            self.shared.counters.status(500);
            tracing::error!(%error, "answering a request panicked");
        }
    }

    fn refuse(&mut self, stream: TcpStream) {
        let counters = &self.shared.counters;
        counters.close();
        counters.cut(Cut::Full);
        counters.status(503);
        // A socket that was just accepted takes this at once; tokio might not know
        // yet that it does.
        let _ = rustix::io::write(&stream, &self.refusal);
        // Beyond so many, some clients may get a reset before they have read it.
        if self.refused.len() < MOST_REFUSED {
            self.refused.spawn(connection::linger(stream));
        }
    }

    /// Refuses what waits in the queue, until there is room again.
    fn refuse_all(&mut self, queue: &Queue) {
        while self.is_full()
            && let Some(stream) = queue.try_next()
        {
            self.take(stream);
        }
    }

    /// Moves the clock, cuts who is over the limits, and reports. Idle time counts
    /// from tick `idle_from` on.
    async fn tick(&mut self, limits: Limits, idle_from: u64) {
        self.shared.clock.set(self.began.elapsed());
        let expired = |open: &Open| open.activity.expired(limits, idle_from);
        if self.open.values().any(|open| expired(open).is_some()) {
            // The sockets are asked once more, and whoever heard something says
            // so, before a connection is closed under a request.
            tokio::task::yield_now().await;
            for open in self.open.values() {
                if let Some(why) = expired(open) {
                    self.shared.counters.cut(why);
                    open.task.abort();
                }
            }
        }
        self.report();
    }

    fn report(&mut self) {
        let counts = self.shared.counters.read();
        if counts != self.said {
            self.said = counts.clone();
            let counts = Box::new(counts);
            self.shared.link.say(&Said::Counts {
                counts,
                asked: None,
            });
        }
    }

    /// Accepts no more and finishes what goes on, for as long as the orders allow.
    async fn drain(mut self, queue: Queue, take_queued: bool) {
        let orders = &self.shared.orders;
        let deadline = Instant::now() + Duration::from_secs_f64(orders.drain_seconds);
        self.shared.begin_to_drain();
        // Closed before the first is served: what comes in between is reset by
        // the kernel.
        for stream in queue.close(take_queued) {
            self.take(stream);
        }
        let begun = ticks(self.began.elapsed());
        let limits = Limits {
            idle: ticks(IDLE_IN_DRAIN),
            ..self.limits()
        };
        let mut tick = tokio::time::interval(TICK);
        while !(self.tasks.is_empty() && self.refused.is_empty()) {
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                Some(_) = self.refused.join_next() => {}
                _ = tick.tick() => self.tick(limits, begun).await,
                () = tokio::time::sleep_until(deadline.into()) => return self.cut_off(),
            }
        }
    }

    fn cut_off(mut self) {
        let connections = self.tasks.len();
        let counters = &self.shared.counters;
        let requests = counters.read().in_flight;
        tracing::warn!(connections, requests, "drain deadline passed");
        for _ in 0..connections {
            counters.cut(Cut::Drained);
            counters.close();
        }
        self.tasks.abort_all();
    }
}

/// The next connection. One that only can be refused is left to other workers
/// for a while.
async fn next(queue: &mut Queue, open: usize, is_full: bool) -> TcpStream {
    if is_full {
        tokio::time::sleep(LEFT_TO_OTHERS).await;
    }
    loop {
        match queue.next(open).await {
            Ok(stream) => return stream,
            Err(error) => {
                // Mostly "too many open files": without a pause this would
                // burn the CPU until one is closed.
                tracing::warn!(%error, "cannot accept a connection, trying again in 0.1 s");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
