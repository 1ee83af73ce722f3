//! The connections of a worker: accepted up to a bound, cut when they are slow,
//! drained at the end.

use super::activity::{Activity, Limits, TICK, ticks};
use super::connection;
use super::link::DrainOrder;
use super::shared::Shared;
use crate::control::Said;
use crate::counters::{Counts, Cut};
use hyper::server::conn::http1;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
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

/// For how long connections are taken out of a queue that is about to be closed.
const QUEUE_TIME: Duration = Duration::from_millis(500);

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
    pub async fn serve(mut self, listener: TcpListener, mut drain: DrainOrder) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let take_queued = loop {
            let is_full = self.is_full();
            tokio::select! {
                accepted = next(&listener, is_full) => {
                    self.take(accepted);
                    if is_full {
                        self.refuse_all(&listener).await;
                    }
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
        self.drain(listener, take_queued).await;
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
        // A socket that was just accepted takes this at once.
        let _ = stream.try_write(&self.refusal);
        // Beyond so many, some clients may get a reset before they have read it.
        if self.refused.len() < MOST_REFUSED {
            self.refused.spawn(connection::linger(stream));
        }
    }

    /// Refuses what waits in the queue, until there is room again.
    async fn refuse_all(&mut self, listener: &TcpListener) {
        while self.is_full() {
            let accepted = std::future::poll_fn(|context| {
                std::task::Poll::Ready(match listener.poll_accept(context) {
                    std::task::Poll::Ready(Ok((stream, _))) => Some(stream),
                    _ => None,
                })
            });
            let Some(stream) = accepted.await else { return };
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
    async fn drain(mut self, listener: TcpListener, take_queued: bool) {
        let orders = &self.shared.orders;
        let deadline = Instant::now() + Duration::from_secs_f64(orders.drain_seconds);
        self.shared.begin_to_drain();
        if take_queued {
            self.take_queued(listener);
        } else {
            drop(listener);
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

    /// Takes all connections that wait in the queue, and closes it at once
    /// afterwards: what comes in between is reset by the kernel.
    fn take_queued(&mut self, listener: TcpListener) {
        let until = Instant::now() + QUEUE_TIME;
        let Ok(listener) = listener.into_std() else {
            return;
        };
        let mut taken = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            taken.push(stream);
            if Instant::now() > until {
                break;
            }
        }
        drop(listener);
        for stream in taken {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            match stream {
                Ok(stream) => self.take(stream),
                Err(error) => tracing::warn!(%error, "a queued connection is lost"),
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
async fn next(listener: &TcpListener, is_full: bool) -> TcpStream {
    if is_full {
        tokio::time::sleep(LEFT_TO_OTHERS).await;
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Mostly "too many open files": without a pause this would
                // burn the CPU until one is closed.
                tracing::warn!(%error, "cannot accept a connection, trying again in 0.1 s");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
