//! One client's connection: its commands, what it is told, and whether it is still there.

use super::command::{self, Command, Subscription};
use super::hub::{Hub, Seat};
use super::message::{self, Incoming};
use super::metrics::Metrics;
use super::say::{self, Reference, Say};
use super::session::News;
use super::wire::{Broken, Wire};
use crate::api::{Front, JobResult, Refused};
use crate::job::JobId;
use crate::queue::QueueError;
use axum::http::StatusCode;
use futures_util::future::join_all;
use service_kit::problem::Problem;
use service_kit::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tungstenite::protocol::frame::coding::CloseCode;

/// The largest message a client may send: the largest payload, and what is around it.
pub(super) const MOST_MESSAGE_BYTES: usize = 96 * 1024;

/// So many things are told before it is looked whether the client says something.
const TOLD_AT_ONCE: usize = 64;

/// What waits to be written is written when it has become so much.
const WRITTEN_AT_ONCE_BYTES: usize = 64 * 1024;

/// How long results rest that the store could not be asked for.
const RESULTS_REST: Duration = Duration::from_secs(1);

/// The most jobs of one `subscribe`.
const MOST_SUBSCRIBED: usize = 1000;

/// How long clients are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A client that was silent for so long is pinged.
    pub silence: Duration,
    /// It must answer within this, or is gone.
    pub pong: Duration,
    /// From a message's first byte to its last.
    pub message: Duration,
    /// It must take some of what it is told within this.
    pub reading: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            pong: Duration::from_secs(20),
            message: Duration::from_secs(30),
            reading: Duration::from_secs(30),
        }
    }
}

/// What all connections share.
pub(super) struct Shared {
    pub front: Arc<Front>,
    pub hub: Arc<Hub>,
    pub metrics: Metrics,
    pub patience: Patience,
    pub shutdown: Shutdown,
}

/// Why a connection ends.
enum End {
    Broken(Broken),
    /// The client asked for it.
    Closed,
    /// With this code and reason.
    Close(CloseCode, &'static str),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

pub(super) struct Connection {
    shared: Arc<Shared>,
    wire: Wire,
    seat: Seat,
    out: Vec<u8>,
    /// When the client was last heard of.
    heard: Instant,
    /// When it was asked whether it is there, if it has not answered.
    pinged: Option<Instant>,
    /// Since when a message is coming in.
    message: Option<Instant>,
    /// Until then nothing is told.
    rest: Option<Instant>,
}

impl Connection {
    pub fn new(shared: Arc<Shared>, wire: Wire, seat: Seat) -> Self {
        Self {
            shared,
            wire,
            seat,
            out: Vec::new(),
            heard: Instant::now(),
            pinged: None,
            message: None,
            rest: None,
        }
    }

    /// Serves the client until one of both ends it.
    pub async fn run(mut self) {
        let end = loop {
            if let Err(end) = self.turn().await {
                break end;
            }
        };
        // The session waits for its client from now on, not from the last word on.
        let (shared, mut wire) = (self.shared, self.wire);
        drop(self.seat);
        let (code, why) = match end {
            End::Broken(Broken::Protocol(violation)) => (violation.code, violation.why),
            End::Broken(broken) => return shared.metrics.ended(name(&broken)),
            End::Closed => (CloseCode::Normal, ""),
            End::Close(code, why) => (code, why),
        };
        shared.metrics.ended(match code {
            CloseCode::Normal => "closed",
            CloseCode::Away => "shutdown",
            CloseCode::Policy => "policy",
            _ => "protocol",
        });
        let mut last = self.out;
        message::write_close(code, why, &mut last);
        let within = shared.patience.pong;
        if wire.write(&last, within).await.is_ok() {
            wire.end(Duration::from_secs(1)).await;
        }
    }

    /// Tells what there is to tell, or waits for something to happen.
    async fn turn(&mut self) -> Result<(), End> {
        if self.seat.is_taken_over() {
            let why = "another connection has this session now";
            return Err(End::Close(CloseCode::Policy, why));
        }
        let now = Instant::now();
        let rests = self.rest.is_some_and(|until| now < until);
        let news = if rests {
            Vec::new()
        } else {
            self.seat.session.take(TOLD_AT_ONCE)
        };
        let more = !news.is_empty();
        if more {
            // Boxed, as all that an idle client has no need of: there are many.
            Box::pin(self.tell(news)).await?;
        }
        let due = self.due();
        let shutdown = self.shared.shutdown.clone();
        let incoming = tokio::select! {
            biased;
            _ = shutdown.begun() => {
                return Err(End::Close(CloseCode::Away, "the service was told to end"));
            }
            incoming = self.wire.next() => Some(incoming),
            () = std::future::ready(()), if more => return Ok(()),
            () = self.seat.session.news.notified() => return Ok(()),
            () = tokio::time::sleep_until(due) => None,
        };
        match incoming {
            Some(incoming) => Box::pin(self.heard(incoming?)).await,
            None => self.look_after().await,
        }
    }

    /// When it is to be looked after next.
    fn due(&self) -> Instant {
        let patience = &self.shared.patience;
        let ping = match self.pinged {
            Some(pinged) => pinged + patience.pong,
            None => self.heard + patience.silence,
        };
        let message = self.message.map(|since| since + patience.message);
        [message, self.rest]
            .into_iter()
            .flatten()
            .fold(ping, Instant::min)
    }

    /// Some time is over: that of a message, of a pong, of a silence or of a rest.
    async fn look_after(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let patience = self.shared.patience;
        // What has come in part is no sign of life that would keep it for ever.
        if self.wire.is_within_a_message() {
            let since = *self.message.get_or_insert(now);
            if now >= since + patience.message {
                return Err(End::Close(CloseCode::Policy, "a message took too long"));
            }
        } else {
            self.message = None;
        }
        if self.rest.is_some_and(|until| now >= until) {
            self.rest = None;
        }
        match self.pinged {
            Some(pinged) if now >= pinged + patience.pong => {
                return Err(End::Broken(Broken::Gone));
            }
            None if now >= self.heard + patience.silence => {
                self.pinged = Some(now);
                message::write_ping(&[], &mut self.out);
                self.flush().await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn heard(&mut self, incoming: Incoming) -> Result<(), End> {
        self.heard = Instant::now();
        self.pinged = None;
        self.message = self.wire.is_within_a_message().then_some(self.heard);
        match incoming {
            Incoming::Text(text) => self.command(&text).await,
            Incoming::Binary => {
                let detail = "messages are text: JSON such as {\"command\": \"ping\"}";
                let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
                self.refuse("binary", &problem.into(), &None);
            }
            Incoming::TooLarge => {
                let detail = format!("a message may have {MOST_MESSAGE_BYTES} bytes at most");
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
                self.refuse("too_large", &problem.into(), &None);
            }
            Incoming::Ping(payload) => message::write_pong(&payload, &mut self.out),
            Incoming::Pong(payload) => {
                if let Ok(ping) = payload.try_into() {
                    self.seat.session.confirm(u64::from_be_bytes(ping));
                }
            }
            Incoming::Close(_) => return Err(End::Closed),
        }
        self.flush().await
    }

    async fn command(&mut self, text: &str) {
        let request = command::read(text);
        let reference = request.reference;
        let (name, done) = match request.command {
            Ok(command) => (command.name(), self.done(command, &reference).await),
            Err(problem) => ("unknown", Err(problem.into())),
        };
        match done {
            Ok(()) => self.shared.metrics.command(name, "done"),
            Err(refused) => self.refuse(name, &refused, &reference),
        }
    }

    async fn done(&mut self, command: Command, reference: &Reference) -> Result<(), Refused> {
        match command {
            Command::Submit(spec) => {
                self.room_for(1)?;
                let front = self.shared.front.clone();
                let job = front.submit_one(&spec).await?;
                let session = self.seat.session.clone();
                let session = session.id();
                self.say(&Say::Accepted { job, session }, reference);
                self.watch(job.id).await;
            }
            Command::Status(Some(id)) => {
                let job = self.shared.front.job(id).await?;
                self.say(&Say::Status { job: &job }, reference);
            }
            Command::Status(None) => {
                let queue = self.shared.front.stats().await?;
                let session = self.seat.session.clone();
                let said = Say::QueueStatus {
                    queue: &queue,
                    session: session.id(),
                    jobs: session.watched().len(),
                };
                self.say(&said, reference);
            }
            Command::Cancel(id) => {
                let was = self.shared.front.cancel(id).await?;
                self.say(&Say::Cancelled { id, was }, reference);
            }
            Command::Subscribe(subscription) => self.subscribe(&subscription, reference).await?,
            Command::Unsubscribe(subscription) => {
                let (all, ids) = (subscription.is_of_all(), &subscription.ids);
                if all {
                    self.seat.follow_all(false);
                }
                for id in ids {
                    self.seat.session.unwatch(*id);
                }
                self.say(&Say::Unsubscribed { all, ids }, reference);
            }
            Command::Ping => {
                let session = self.seat.session.clone();
                let session = session.id();
                self.say(&Say::Pong { session }, reference);
            }
            Command::Resume(name) => self.resume(&name, reference)?,
        }
        Ok(())
    }

    async fn subscribe(
        &mut self,
        subscription: &Subscription,
        reference: &Reference,
    ) -> Result<(), Refused> {
        let ids = &subscription.ids;
        if ids.len() > MOST_SUBSCRIBED {
            let detail = format!("ids may be {MOST_SUBSCRIBED} at most");
            return Err(Problem::of_field("ids", detail).into());
        }
        self.room_for(ids.len())?;
        let front = self.shared.front.clone();
        // All of them or none.
        for found in join_all(ids.iter().map(|id| front.job(*id))).await {
            found?;
        }
        let all = subscription.is_of_all();
        if all {
            self.seat.follow_all(true);
        }
        self.say(&Say::Subscribed { all, ids }, reference);
        for id in ids {
            self.watch(*id).await;
        }
        Ok(())
    }

    fn resume(&mut self, name: &str, reference: &Reference) -> Result<(), Refused> {
        if self.seat.session.waits() {
            let detail = "resume comes before jobs are submitted or subscribed to";
            return Err(Problem::new(StatusCode::CONFLICT, detail).into());
        }
        let resumed = match self.shared.hub.resume(name) {
            Some(seat) => {
                self.seat = seat;
                true
            }
            None => false,
        };
        let session = self.seat.session.clone();
        let session = session.id();
        self.say(&Say::Resumed { session, resumed }, reference);
        Ok(())
    }

    fn room_for(&self, jobs: usize) -> Result<(), Refused> {
        if self.seat.session.has_room_for(jobs) {
            return Ok(());
        }
        let detail =
            "this session waits for as many jobs as it may; read the results of some first";
        Err(Refused::for_now(StatusCode::TOO_MANY_REQUESTS, detail, 1))
    }

    /// The end of that job is told, also if it has come already.
    async fn watch(&mut self, id: JobId) {
        // There is room: it was looked before. A store that is away now is asked
        // again when it is back.
        if self.seat.watch(id).is_ok() {
            let _ = self.seat.hub().look_at(id).await;
        }
    }

    async fn tell(&mut self, news: Vec<News>) -> Result<(), End> {
        let mut ended = Vec::new();
        for news in news {
            match news {
                News::Ended(id) => ended.push(id),
                News::Moved { id, what } => self.say(&Say::moved(id, what), &None),
                News::Happened(event) => self.say(&Say::Event { event: &event }, &None),
                News::Missed(count) => self.say(&Say::Missed { count }, &None),
                News::Away(Some(_)) => {
                    let detail = "Redis is away, where jobs are kept: nothing can be submitted; those \
                         accepted are kept";
                    self.say(&Say::Away { detail }, &None);
                }
                News::Away(None) => self.say(&Say::Back, &None),
            }
            if self.out.len() >= WRITTEN_AT_ONCE_BYTES {
                self.flush().await?;
            }
        }
        if !ended.is_empty() {
            self.tell_results(&ended).await?;
        }
        self.flush().await
    }

    /// Tells what came of jobs that have ended. None is lost: what cannot be told
    /// now is told later, to this connection or the next one.
    async fn tell_results(&mut self, ids: &[JobId]) -> Result<(), End> {
        let front = self.shared.front.clone();
        let results: Result<Vec<JobResult>, QueueError> =
            join_all(ids.iter().map(|id| front.result(*id)))
                .await
                .into_iter()
                .collect();
        let Ok(results) = results else {
            self.seat.session.put_back(ids);
            self.rest = Some(Instant::now() + RESULTS_REST);
            return Ok(());
        };
        let ping = self.seat.session.written(ids);
        for result in &results {
            // It is told late, and the job may have been retried since.
            self.say(&Say::Result(result), &None);
            if self.out.len() >= WRITTEN_AT_ONCE_BYTES {
                self.flush().await?;
            }
        }
        message::write_ping(&ping.to_be_bytes(), &mut self.out);
        Ok(())
    }

    fn say(&mut self, said: &Say<'_>, reference: &Reference) {
        message::write_text(&said.text(reference), &mut self.out);
    }

    fn refuse(&mut self, command: &'static str, refused: &Refused, reference: &Reference) {
        self.shared.metrics.command(command, "refused");
        message::write_text(&say::refusal(refused, reference), &mut self.out);
    }

    async fn flush(&mut self) -> Result<(), End> {
        // Taken: an idle client has no buffer.
        let out = std::mem::take(&mut self.out);
        self.wire.write(&out, self.shared.patience.reading).await?;
        Ok(())
    }
}

impl Command {
    /// What it is counted as.
    fn name(&self) -> &'static str {
        match self {
            Self::Submit(_) => "submit_job",
            Self::Status(_) => "status",
            Self::Cancel(_) => "cancel",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Ping => "ping",
            Self::Resume(_) => "resume",
        }
    }
}

fn name(broken: &Broken) -> &'static str {
    match broken {
        Broken::Gone | Broken::Socket(_) => "gone",
        Broken::Protocol(_) => "protocol",
        Broken::Slow => "slow",
    }
}
