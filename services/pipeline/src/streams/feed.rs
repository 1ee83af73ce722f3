//! The source over Redis: gives a run's items to the first queue, and waits for its end.

use super::entry;
use super::link::{Link, Server, call};
use super::run::{Run, State};
use super::script::Script;
use crate::counts::Counts;
use crate::item::Item;
use crate::pace::{self, Pace};
use crate::source::Origin;
use crate::stages::Stage;
use crate::tally::Tally;
use measure::report::WorkerAccount;
use redis_link::Patience;
use redis_link::Trouble;
use redis_link::answer::{number, text};
use service_kit::sampling::{Cause, Part, Roster};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The most items of a step.
const MOST_IN_A_STEP: usize = 512;

/// The most bytes of a step, but for a single item.
const MOST_BYTES: usize = 1024 * 1024;

/// How long a full queue is waited for before it is looked at again.
const ROOM_WAIT: Duration = Duration::from_millis(200);

/// A wait for an item that is due is cut into these, so that a stop is seen.
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// How often it looks whether the run has ended.
const END_EVERY: Duration = Duration::from_millis(20);

/// How many dead letters are read at once.
const LETTERS_A_PAGE: usize = 500;

/// A source that gives a run's items.
pub struct Feeder<'f> {
    /// Which Redis.
    pub server: Server,
    /// What is run.
    pub run: Run,
    /// When items are due.
    pub pace: Pace,
    /// What the source has done.
    pub counts: &'f Counts,
    /// Stops it: the items given so far are the run then.
    pub stop: &'f AtomicBool,
    /// Whether its thread's time is accounted for.
    pub measured: Option<Measured>,
}

/// A source whose thread's time is accounted for.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Where its thread enters.
    pub roster: Roster,
    /// When the job started, seconds of the monotonic clock.
    pub started: f64,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Fed {
    /// How it stands at the end.
    pub state: State,
    /// Its dead letters.
    pub dead: Tally,
    /// Whether the mark came to the end, and it was not stopped before.
    pub ended: bool,
}

/// Why a run could not be fed.
#[derive(Debug, thiserror::Error)]
pub enum FeedFailed {
    /// The items cannot be read.
    #[error("the items cannot be read: {0}")]
    Origin(#[from] io::Error),
    /// Another source gives this run's items.
    #[error(
        "run {0} gets its items from another source, or has all of them; give this run another id"
    )]
    Another(String),
    /// Redis will not have it.
    #[error(transparent)]
    Redis(#[from] Trouble),
}

impl Feeder<'_> {
    /// Gives all items, then the mark.
    ///
    /// # Errors
    /// When the items cannot be read, or another source gives them. Trouble with
    /// Redis that passes is waited for.
    pub fn feed(&self, origin: &mut Origin) -> Result<Option<WorkerAccount>, FeedFailed> {
        let measured = self.measured.as_ref();
        let mut feeding = Feeding {
            feeder: self,
            link: None,
            part: measured.map_or_else(Part::default, |measured| {
                Part::of_new_thread(&measured.roster, measured.started)
            }),
            patience: Patience::default(),
            ready: VecDeque::new(),
            next: 0,
            all_read: false,
        };
        loop {
            match feeding.turn(origin) {
                Ok(true) => feeding.patience.over(),
                Ok(false) => break,
                Err(FeedFailed::Redis(trouble)) if trouble.passes() => feeding.pause(&trouble),
                Err(failed) => return Err(failed),
            }
        }
        Ok(feeding.part.account())
    }

    /// Waits until the mark has come to the end, or `stop` says so again.
    ///
    /// # Errors
    /// Trouble with Redis that does not pass.
    pub fn wait(&self, stop: &AtomicBool) -> Result<Fed, Trouble> {
        let mut patience = Patience::default();
        let mut link = None;
        loop {
            let looked = look(&self.server, &mut link, &self.run);
            match looked {
                Ok(state) => {
                    patience.over();
                    let ended = state.has_ended();
                    if (ended || stop.load(Ordering::Relaxed))
                        && let Some(link) = link.as_mut()
                    {
                        let dead = dead_of(link, &self.run)?;
                        return Ok(Fed { state, dead, ended });
                    }
                    std::thread::sleep(END_EVERY);
                }
                Err(trouble) if trouble.passes() => {
                    link = None;
                    std::thread::sleep(patience.pause(&trouble));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

fn look(server: &Server, link: &mut Option<Link>, run: &Run) -> Result<State, Trouble> {
    if link.is_none() {
        *link = Some(server.connect()?);
    }
    let link = link.as_mut().expect("it was made above");
    State::read(link, run)
}

/// The sums of a run's dead letters.
fn dead_of(link: &mut Link, run: &Run) -> Result<Tally, Trouble> {
    let mut tally = Tally::default();
    let mut from = "-".to_owned();
    loop {
        let mut page = redis::cmd("XRANGE");
        page.arg(link.server.keys.dead()).arg(&from).arg("+");
        page.arg("COUNT").arg(LETTERS_A_PAGE);
        let letters = super::letter::letters(link.ask_one(page)?);
        for letter in &letters {
            if let Some(item) = letter.item.as_ref().filter(|_| letter.run == run.id) {
                tally.add(item);
            }
        }
        match letters.last() {
            Some(last) if letters.len() == LETTERS_A_PAGE => from = format!("({}", last.id),
            _ => return Ok(tally),
        }
    }
}

/// A feeder at work.
struct Feeding<'f> {
    feeder: &'f Feeder<'f>,
    link: Option<Link>,
    part: Part,
    patience: Patience,
    /// Read, and not given yet.
    ready: VecDeque<Item>,
    /// The number of the first of them.
    next: u64,
    all_read: bool,
}

impl Feeding<'_> {
    /// `false` when all is given and the mark too.
    fn turn(&mut self, origin: &mut Origin) -> Result<bool, FeedFailed> {
        if self.link.is_none() {
            self.connect(origin)?;
        }
        let now = pace::now();
        let stopped = self.feeder.stop.load(Ordering::Relaxed);
        if stopped {
            self.ready.clear();
            self.all_read = true;
        }
        self.read(origin, now)?;
        if !self.ready.is_empty() {
            self.give()?;
            return Ok(true);
        }
        if self.all_read {
            self.finish()?;
            return Ok(false);
        }
        if let Some(wait) = self.feeder.pace.wait(self.next, now) {
            let nap = || std::thread::sleep(wait.min(LONGEST_NAP));
            self.part.blocked(Cause::Idle, nap);
        }
        Ok(true)
    }

    /// Connects, and finds out which item comes next: an answer may have been
    /// lost, or this source be the second one of a run.
    fn connect(&mut self, origin: &mut Origin) -> Result<(), FeedFailed> {
        let feeder = self.feeder;
        let mut link = feeder.server.connect()?;
        feeder.run.record(&mut link)?;
        let mut get = redis::cmd("HGET");
        get.arg(link.server.keys.run(&feeder.run.id));
        get.arg("source.out");
        let given = text(link.ask_one(get)?).and_then(|given| given.parse::<u64>().ok());
        let given = given.unwrap_or(0);
        while self.next < given {
            if self.ready.pop_front().is_none() && origin.payload(self.next)?.is_none() {
                return Err(FeedFailed::Another(feeder.run.id.clone()));
            }
            self.next += 1;
        }
        self.link = Some(link);
        Ok(())
    }

    /// Reads the items of a step, as far as they are due.
    fn read(&mut self, origin: &mut Origin, now: u64) -> Result<(), FeedFailed> {
        let capacity = self.feeder.run.capacity(self.first_stage());
        let most = MOST_IN_A_STEP.min((capacity / 2).max(1) as usize);
        let mut bytes: usize = self.ready.iter().map(|item| item.payload.len()).sum();
        self.part.take_up();
        while !self.all_read && self.ready.len() < most && bytes < MOST_BYTES {
            let seq = self.next + self.ready.len() as u64;
            let born = self.feeder.pace.due(seq).unwrap_or(now);
            if born > now {
                break;
            }
            match origin.payload(seq)? {
                Some(payload) => {
                    bytes += payload.len();
                    self.ready.push_back(Item::new(seq, born, payload));
                }
                None => self.all_read = true,
            }
        }
        Ok(())
    }

    fn first_stage(&self) -> Stage {
        self.feeder.run.after(Stage::Source).unwrap_or(Stage::Sink)
    }

    fn give(&mut self) -> Result<(), FeedFailed> {
        let feeder = self.feeder;
        let first = self.first_stage();
        let link = self.link.as_mut().expect("it is connected");
        let keys = &link.server.keys;
        let (queue, run, waiting) = (
            keys.queue(first),
            keys.run(&feeder.run.id),
            keys.waiting(first),
        );
        let room = keys.room(first);
        let mut step = call(Script::Feed, [queue.as_str(), &run, &waiting]);
        step.arg(self.next).arg(feeder.run.capacity(first));
        let now = pace::now();
        for item in &self.ready {
            step.arg(entry::meta(&feeder.run.id, item, now));
            step.arg(&item.payload);
        }
        self.part.put_down(0);
        let answer = self.part.blocked(Cause::Io, || link.ask_one(step))?;
        let added = match number(&answer) {
            Some(added @ 0..) => added as usize,
            _ => return Err(FeedFailed::Another(feeder.run.id.clone())),
        };
        let full = added < self.ready.len();
        self.ready.drain(..added);
        self.next += added as u64;
        feeder.counts.moved(0, added as u64);
        self.part.put_down(added as u64);
        if full {
            let mut wait = redis::cmd("BLPOP");
            wait.arg(room).arg(ROOM_WAIT.as_secs_f64());
            let link = self.link.as_mut().expect("it is connected");
            let since = pace::now();
            self.part.blocked(Cause::Output, || link.ask_one(wait))?;
            feeder.counts.blocked(pace::now() - since);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), FeedFailed> {
        let first = self.first_stage();
        let link = self.link.as_mut().expect("it is connected");
        let keys = &link.server.keys;
        let (queue, run) = (keys.queue(first), keys.run(&self.feeder.run.id));
        let mut step = call(Script::Finish, [queue.as_str(), &run]);
        step.arg(&self.feeder.run.id).arg(pace::now());
        self.part.blocked(Cause::Io, || link.ask_one(step))?;
        Ok(())
    }

    fn pause(&mut self, trouble: &Trouble) {
        // Also where the connection is sound: an answer that came beside the
        // trouble was not taken in, and connecting finds out what it told.
        self.link = None;
        let pause = self.patience.pause(trouble);
        self.part.blocked(Cause::Io, || std::thread::sleep(pause));
    }
}
