//! The master: it starts workers, replaces the dead, and serves nobody itself.

mod backoff;
mod change;
mod child;
mod crew;
mod family;
mod handle;
mod sockets;
mod view;

pub use handle::{Command, Handle};
pub use sockets::reserve;
pub use view::{Info, Seen, State, View};

use crate::control::{Orders, Said};
use crate::shape::Shape;
use child::Event;
use crew::{Crew, Member, hear};
use family::{Family, MOST_START_DEATHS};
use service_kit::admin::Readiness;
use service_kit::runtime::Fatal;
use service_kit::shutdown::{Cause, Shutdown};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// The exit code of a master whose workers die at their start: `EX_SOFTWARE` of
/// BSD's sysexits.h.
const EXIT_WORKERS_DIE: u8 = 70;

/// Messages that may wait: workers that say more wait too.
const MOST_WAITING: usize = 1024;

/// A master and its family.
#[derive(Debug)]
pub struct Master {
    address: SocketAddr,
    crew: Crew,
    view: Arc<View>,
    family: Family,
    families: u64,
    /// A family that is to take over, and who waits for that.
    next: Option<(Family, Waiting)>,
    /// Who waits until the workers of the family before have ended.
    leaving: Option<(u64, Waiting)>,
    /// Places whose workers are still to be replaced in a rolling restart.
    rolling: VecDeque<usize>,
    complete: Option<oneshot::Sender<()>>,
    readiness: Readiness,
    events: mpsc::Receiver<Event>,
    commands: mpsc::Receiver<Command>,
    hangup: Signal,
}

type Waiting = oneshot::Sender<Result<(), String>>;

impl Master {
    /// A master whose family of this `shape` serves `address`; the receiver tells
    /// when all its workers do for the first time. From then on `readiness` says
    /// whether any of them does.
    pub fn new(
        address: SocketAddr,
        shape: Shape,
        orders: Orders,
        readiness: Readiness,
    ) -> anyhow::Result<(Self, Handle, oneshot::Receiver<()>)> {
        let view = Arc::new(View::new(shape));
        let (sender, events) = mpsc::channel(MOST_WAITING);
        let (commander, commands) = mpsc::channel(MOST_WAITING);
        let (complete, completed) = oneshot::channel();
        let master = Self {
            address,
            crew: Crew::new(orders, view.clone(), sender),
            view: view.clone(),
            family: Family::new(1, shape, address)?,
            families: 1,
            next: None,
            leaving: None,
            rolling: VecDeque::new(),
            complete: Some(complete),
            readiness,
            events,
            commands,
            hangup: signal(SignalKind::hangup())?,
        };
        Ok((master, Handle::new(commander, view), completed))
    }

    /// Serves until `shutdown` begins, then lets the workers finish.
    ///
    /// # Errors
    /// When it gives up: its workers die at their start, again and again.
    pub async fn run(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let ended = self.serve(&shutdown).await;
        shutdown.begin(Cause::Request);
        self.finish().await;
        ended
    }

    async fn serve(&mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        loop {
            self.family.fill(&mut self.crew);
            if let Some((next, _)) = &mut self.next {
                next.fill(&mut self.crew);
            }
            self.roll_on();
            self.crew.kill_overdue();
            self.check_starts()?;
            self.say_whether_ready();
            let due = self.next_due();
            tokio::select! {
                Some(event) = self.events.recv() => self.happened(event),
                Some(command) = self.commands.recv() => self.obey(command),
                _ = self.hangup.recv() => self.roll(),
                () = wait(due) => {}
                _ = shutdown.begun() => return Ok(()),
            }
        }
    }

    /// Nothing is ready before the last worker of the first family is; later one
    /// that serves is enough.
    fn say_whether_ready(&self) {
        if self.complete.is_none() && self.family.serving(&self.crew) > 0 {
            self.readiness.ready();
        } else {
            self.readiness.lost();
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let next = self.next.as_ref().and_then(|(next, _)| next.next_due());
        let all = [self.family.next_due(), next, self.crew.next_due()];
        all.into_iter().flatten().min()
    }

    /// Gives up where nothing serves and nothing comes to serve.
    fn check_starts(&mut self) -> anyhow::Result<()> {
        let died = |family: &Family| family.start_deaths >= MOST_START_DEATHS;
        if let Some((next, waiting)) = self.next.take_if(|(next, _)| died(next)) {
            let _ = waiting.send(Err(next.last_death.clone()));
            next.dismiss(&mut self.crew);
        }
        let serves = self.family.serving(&self.crew) > 0;
        if died(&self.family) && (!serves || self.complete.is_some()) {
            let (deaths, how) = (self.family.start_deaths, &self.family.last_death);
            let message = format!(
                "{deaths} workers in a row died before they were ready, the last one with {how}; \
                 the lines above may say why, and fewer (--workers) may fit the limits of memory, \
                 processes and open files"
            );
            return Err(Fatal {
                exit_code: EXIT_WORKERS_DIE,
                message,
            }
            .into());
        }
        Ok(())
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Said(number, Said::Ready { threads }) => {
                self.crew.ready(number, threads);
                self.ready(number);
            }
            Event::Said(number, said) => hear(&self.crew, number, said),
            Event::Ended(number, how) => {
                if let Some(member) = self.crew.ended(number) {
                    self.ended(number, &member, &how);
                }
            }
        }
    }

    fn family_of(&mut self, member_family: u64) -> Option<&mut Family> {
        let next = self.next.as_mut().map(|(next, _)| next);
        let both = [Some(&mut self.family), next];
        let mut both = both.into_iter().flatten();
        both.find(|family| family.number == member_family)
    }

    fn ready(&mut self, number: u64) {
        let Some(member) = self.crew.member(number) else {
            return;
        };
        if member.state != State::Serving {
            return;
        }
        let (place, relieves) = (member.place, member.relieves);
        if let Some(family) = self.family_of(place.family) {
            family.settle(place.slot, number);
        }
        if let Some(relieved) = relieves {
            // The one that takes over has the same queue.
            self.crew.drain(relieved, false);
        }
        if self.family.is_complete(&self.crew)
            && let Some(complete) = self.complete.take()
        {
            self.say_whether_ready();
            let _ = complete.send(());
        }
        self.take_over();
    }

    fn ended(&mut self, number: u64, member: &Member, how: &str) {
        let (place, served) = (member.place, member.served());
        // The one that was to relieve it takes its place when it is ready.
        let relief = self.crew.relief_of(number);
        let holds_place = |family: &mut Family| family.worker(place.slot) == Some(number);
        let held = self.family_of(place.family).is_some_and(holds_place);
        match member.state {
            State::Draining => tracing::debug!(number, how, "a worker has ended"),
            State::Starting if member.relieves.is_some() => {
                tracing::error!(
                    how,
                    "rolling restart stopped: the new worker died before it was ready; the others \
                     stay as they are"
                );
                self.rolling.clear();
            }
            State::Starting => {
                if let Some(family) = self.family_of(place.family) {
                    family.failed(place.slot, how);
                }
            }
            State::Serving => {
                tracing::warn!(number, how, "a worker has died");
                self.view.lock().restarts += 1;
            }
        }
        if held
            && member.state != State::Starting
            && let Some(family) = self.family_of(place.family)
        {
            match relief {
                Some(relief) => family.hold(place.slot, relief),
                None => family.died(place.slot, served),
            }
        }
        self.has_left();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Reshape(shape, waiting) => self.reshape(shape, waiting),
            Command::Kill(pid, sender) => {
                let _ = sender.send(self.crew.kill(pid));
            }
            Command::Count(question) => self.crew.ask(question),
        }
    }

    /// Lets all workers finish, and waits for the end of each.
    async fn finish(mut self) {
        let Self { family, next, .. } = self;
        for family in std::iter::once(family).chain(next.map(|(next, _)| next)) {
            family.dismiss(&mut self.crew);
        }
        while self.crew.members().next().is_some() {
            let due = self.crew.next_due();
            tokio::select! {
                Some(event) = self.events.recv() => match event {
                    Event::Said(number, said) => hear(&self.crew, number, said),
                    Event::Ended(number, _) => {
                        self.crew.ended(number);
                    }
                },
                () = wait(due) => self.crew.kill_overdue(),
            }
        }
    }
}

/// Waits until then; for ever where there is no such moment.
async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
