//! The threads of a stage: take, work, move on.

use super::consumer::{Consumer, Moved};
use super::entry::{Entry, What, read};
use super::hand::{Hand, Held, Mark, Unit};
use super::keeper;
use super::link::{LONGEST_BLOCK, Link, Server};
use super::retrying::Patience;
use super::run::Run;
use super::sample::{Part, Slot};
use super::trouble::Trouble;
use crate::attempt::Attempt;
use crate::counts::Counts;
use crate::item::Item;
use crate::latency::Latency;
use crate::metrics::Metrics;
use crate::pace;
use crate::stages::{Function, Stage};
use prometheus::{Histogram, IntGauge};
use redis::Value;
use service_kit::sampling::Cause;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work between two looks at the queue, nanoseconds: short enough that what is
/// done does not grow old here, long enough that looking costs little.
const SLICE_NANOS: u64 = 10_000_000;

/// How much work is taken at once, nanoseconds: what one takes, others do not get.
const TAKEN_NANOS: f64 = 20_000_000.0;

/// How many bytes are taken at once.
const TAKEN_BYTES: f64 = 1_048_576.0;

/// The most entries of a step: Lua passes no more than some 8,000 on.
const MOST_IN_A_STEP: usize = 2048;

/// How long an empty queue is waited for; then other duties are looked after.
const INPUT_WAIT: Duration = Duration::from_millis(100);

/// The same with a mark or part of a window in hand.
const SHORT_INPUT_WAIT: Duration = Duration::from_millis(5);

/// How long a full queue is waited for before it is looked at again.
const ROOM_WAIT: Duration = Duration::from_millis(200);

/// How long part of a window waits for more.
const WINDOW_WAIT: Duration = Duration::from_millis(100);

/// How a stage works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many threads.
    pub threads: usize,
    /// The most entries that a thread takes at once.
    pub batch: usize,
    /// How long an entry may be untouched until its consumer passes for gone.
    pub claim_after: Duration,
    /// How often an entry is delivered at most, each time to another consumer.
    pub deliveries: u32,
    /// How often an item is tried that makes the stage panic.
    pub tries: u32,
    /// An item that holds this makes it panic.
    pub poison: Option<Vec<u8>>,
}

/// What the threads of a stage share.
#[derive(Debug)]
pub struct Shared {
    /// Which stage.
    pub stage: Stage,
    /// Which Redis.
    pub server: Server,
    /// How it works.
    pub settings: Settings,
    /// What it has done.
    pub counts: Counts,
    /// How long items took to the sink, since the last sample began.
    pub latency: Mutex<Latency>,
    /// The same of all, for Prometheus.
    pub all_latency: Histogram,
    /// Items in the queue before the stage, for Prometheus.
    pub depth: IntGauge,
    /// Those of them that a consumer has taken.
    pub pending: IntGauge,
    /// Where samples are announced.
    pub slot: Slot,
    /// Take no more.
    pub stop: AtomicBool,
}

/// The threads, and the one that says that they are alive.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    names: Vec<String>,
    threads: Vec<JoinHandle<()>>,
    ended: Arc<AtomicBool>,
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Of `stage`, counted in `metrics`.
    pub fn new(stage: Stage, server: Server, settings: Settings, metrics: &Metrics) -> Arc<Self> {
        let label = [stage.name()];
        Arc::new(Self {
            stage,
            server,
            settings,
            counts: metrics.counts(stage),
            latency: Mutex::default(),
            all_latency: metrics.latency.clone(),
            depth: metrics.depth.with_label_values(&label),
            pending: metrics.pending.with_label_values(&label),
            slot: Slot::default(),
            stop: AtomicBool::new(false),
        })
    }
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let process = uuid::Uuid::new_v4().simple().to_string();
        let mut workers = Self {
            shared,
            names: Vec::new(),
            threads: Vec::new(),
            ended: Arc::default(),
        };
        for number in 0..workers.shared.settings.threads {
            let stage = workers.shared.stage;
            let name = format!("{}-{}-{number}", stage.name(), &process[..12]);
            let consumer = Consumer {
                stage,
                name: name.clone(),
            };
            let shared = workers.shared.clone();
            let named = std::thread::Builder::new().name(format!("{}-{number}", stage.name()));
            let thread = named.spawn(move || Worker::new(shared, consumer).work())?;
            workers.names.push(name);
            workers.threads.push(thread);
        }
        let (shared, names) = (workers.shared.clone(), workers.names.clone());
        let ended = workers.ended.clone();
        std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || keeper::keep(&shared, &names, &ended))?;
        Ok(workers)
    }

    /// Has them finish what they hold; what is not done by the deadline is given
    /// back. Returns whether all was done.
    pub fn stop(self, within: Duration) -> bool {
        self.shared.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + within;
        let ended = || self.threads.iter().all(JoinHandle::is_finished);
        while !ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if ended() {
            return true;
        }
        // No sign of life any more. What they do from now on is refused as soon as
        // somebody has taken it over.
        self.ended.store(true, Ordering::Relaxed);
        match self.shared.server.connect() {
            Ok(mut link) => {
                for name in &self.names {
                    let stage = self.shared.stage;
                    let name = name.clone();
                    if let Err(trouble) = (Consumer { stage, name }).give_back(&mut link) {
                        tracing::warn!("what is left cannot be given back now: {trouble}");
                    }
                }
            }
            Err(trouble) => tracing::warn!("what is left cannot be given back now: {trouble}"),
        }
        false
    }
}

struct Worker {
    shared: Arc<Shared>,
    consumer: Consumer,
    link: Option<Link>,
    part: Part,
    hand: Hand,
    runs: HashMap<String, Option<Arc<Run>>>,
    attempt: Option<(Arc<Run>, Attempt)>,
    appetite: Appetite,
    patience: Patience,
    claim_at: Instant,
    cursor: String,
    /// When the queue was found empty first, with part of a window in hand.
    window_since: Option<Instant>,
}

/// How much to take at once, from what was taken before.
#[derive(Debug)]
struct Appetite {
    most: usize,
    /// Doubles with each take, so that one learns first what items cost.
    grown: usize,
    nanos: f64,
    bytes: f64,
}

impl Appetite {
    fn count(&self, capacity: u64) -> usize {
        let by = |budget: f64, cost: f64| (budget / cost.max(1.0)) as usize;
        let of_capacity = (capacity / 4) as usize;
        self.most
            .min(self.grown)
            .min(by(TAKEN_NANOS, self.nanos))
            .min(by(TAKEN_BYTES, self.bytes))
            .min(of_capacity)
            .max(1)
    }

    fn took(&mut self, entries: usize, bytes: usize) {
        self.grown = (self.grown * 2).min(self.most);
        learn(&mut self.bytes, bytes as f64 / entries.max(1) as f64);
    }

    fn worked(&mut self, items: u64, nanos: u64) {
        learn(&mut self.nanos, nanos as f64 / items.max(1) as f64);
    }
}

/// A mean in which the newest fifth counts.
fn learn(mean: &mut f64, new: f64) {
    *mean = if *mean == 0.0 {
        new
    } else {
        0.8 * *mean + 0.2 * new
    };
}

impl Worker {
    fn new(shared: Arc<Shared>, consumer: Consumer) -> Self {
        Self {
            appetite: Appetite {
                most: shared.settings.batch,
                grown: 8,
                nanos: 0.0,
                bytes: 0.0,
            },
            claim_at: Instant::now(),
            shared,
            consumer,
            link: None,
            part: Part::default(),
            hand: Hand::default(),
            runs: HashMap::new(),
            attempt: None,
            patience: Patience::default(),
            cursor: "0-0".into(),
            window_since: None,
        }
    }

    /// Works until it is stopped and has nothing in hand.
    fn work(mut self) {
        loop {
            self.part.look(&self.shared.slot);
            match self.turn() {
                Ok(true) => self.patience.over(),
                Ok(false) => break,
                Err(trouble) => self.pause(&trouble),
            }
        }
        self.part.look(&self.shared.slot);
    }

    fn pause(&mut self, trouble: &Trouble) {
        // Also where the connection is sound: an answer that came beside the
        // trouble was not taken in, and connecting finds out what it told.
        self.link = None;
        let pause = self.patience.pause(trouble);
        self.part.blocked(Cause::Io, || std::thread::sleep(pause));
    }

    /// One thing of all there is to do; `false` when there is nothing left.
    fn turn(&mut self) -> Result<bool, Trouble> {
        if self.link.is_none() {
            self.connect()?;
        }
        let stopping = self.shared.stop.load(Ordering::Relaxed);
        if !self.hand.done.is_empty() {
            self.give_on(stopping)?;
        } else if !self.hand.taken.is_empty() {
            self.process()?;
        } else if stopping {
            return self.leave();
        } else {
            self.look_for_more()?;
        }
        Ok(true)
    }

    /// Connects, and finds out what it owns still: an answer may have been lost.
    fn connect(&mut self) -> Result<(), Trouble> {
        let mut link = self.shared.server.connect()?;
        link.make_queue(self.consumer.stage)?;
        let owned = self.consumer.owned(&mut link)?;
        let unknown = self.hand.reconcile(owned);
        self.link = Some(link);
        self.sort_in(unknown)
    }

    /// Nothing in hand but marks and part of a window: what others get now.
    fn leave(&mut self) -> Result<bool, Trouble> {
        if !self.hand.window.is_empty() {
            self.close_window()?;
            return Ok(true);
        }
        if !self.hand.is_empty() {
            let link = self.link.as_mut().expect("it is connected");
            self.consumer.give_back(link)?;
            self.hand.marks.clear();
        }
        Ok(false)
    }

    /// Takes new entries, or those of consumers that have gone; passes marks on.
    fn look_for_more(&mut self) -> Result<(), Trouble> {
        if Instant::now() >= self.claim_at {
            self.claim()?;
            if !self.hand.is_idle() {
                return Ok(());
            }
        }
        self.pass_marks()?;
        let count = self.count();
        let link = self.link.as_mut().expect("it is connected");
        let waits = !self.hand.marks.is_empty() || !self.hand.window.is_empty();
        let block = if waits { SHORT_INPUT_WAIT } else { INPUT_WAIT };
        let take = self
            .consumer
            .take(link, count, Some(block.min(LONGEST_BLOCK)));
        let since = pace::now();
        let answer = self.part.blocked(Cause::Input, || link.ask_one(take))?;
        self.shared.counts.starved(pace::now() - since);
        self.took(answer)?;
        if !self.hand.is_idle() || self.hand.window.is_empty() {
            self.window_since = None;
            return Ok(());
        }
        let since = *self.window_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= WINDOW_WAIT {
            self.window_since = None;
            self.close_window()?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        let run = self.attempt.as_ref().map(|(run, _)| run);
        let capacity = run.map_or(u64::MAX, |run| run.capacity(self.consumer.stage));
        self.appetite.count(capacity)
    }

    fn took(&mut self, answer: Value) -> Result<(), Trouble> {
        let entries = read(answer);
        if entries.is_empty() {
            return Ok(());
        }
        let bytes = |entry: &Entry| match &entry.what {
            What::Item(item) => item.payload.len(),
            _ => 0,
        };
        self.appetite
            .took(entries.len(), entries.iter().map(bytes).sum());
        self.sort_in(entries)
    }

    fn claim(&mut self) -> Result<(), Trouble> {
        let Settings {
            claim_after,
            deliveries,
            ..
        } = self.shared.settings;
        let count = self.count();
        let link = self.link.as_mut().expect("it is connected");
        let (entries, cursor, buried) =
            self.consumer
                .claim(link, claim_after, deliveries, &self.cursor, count)?;
        // As long as there is more, go on at once.
        if cursor == "0-0" {
            let pause = claim_after.mul_f64(0.25 * (0.5 + fastrand::f64()));
            self.claim_at = Instant::now() + pause;
        }
        self.cursor = cursor;
        self.shared.counts.claimed(entries.len() as u64);
        self.shared.counts.dead(buried);
        self.sort_in(entries)
    }

    /// Puts entries into the hand; what belongs to no run goes to the dead letters.
    fn sort_in(&mut self, entries: Vec<Entry>) -> Result<(), Trouble> {
        let now = pace::now();
        let mut queued = 0;
        for entry in entries {
            let run = self.run_of(&entry)?;
            let run = run.filter(|run| run.before(self.consumer.stage).is_some());
            match (run, entry.what) {
                (Some(run), What::Item(item)) => {
                    queued += now.saturating_sub(item.queued);
                    self.hand.taken.push_back(Held {
                        id: entry.id,
                        run,
                        item,
                        taken: now,
                    });
                }
                (Some(run), What::End) => self.hand.marks.push(Mark { id: entry.id, run }),
                (_, what) => {
                    let reason = match &what {
                        What::Unreadable(why) => format!("no entry of a pipeline: {why}"),
                        _ => "its run is not known, or has not this stage".to_owned(),
                    };
                    let entry = Entry { what, ..entry };
                    let link = self.link.as_mut().expect("it is connected");
                    self.consumer.bury_unreadable(link, &entry, &reason)?;
                    self.shared.counts.dead(1);
                }
            }
        }
        self.shared.counts.queued(queued);
        Ok(())
    }

    fn run_of(&mut self, entry: &Entry) -> Result<Option<Arc<Run>>, Trouble> {
        if let Some(run) = self.runs.get(&entry.run) {
            return Ok(run.clone());
        }
        let link = self.link.as_mut().expect("it is connected");
        let run = Run::read(link, &entry.run)?.map(Arc::new);
        // Runs come one after the other; a few are remembered.
        if self.runs.len() >= 16 {
            self.runs.clear();
        }
        self.runs.insert(entry.run.clone(), run.clone());
        Ok(run)
    }

    /// Does the stage's work for a slice of time.
    fn process(&mut self) -> Result<(), Trouble> {
        if self.consumer.stage == Stage::Sink {
            return self.store();
        }
        self.part.take_up();
        let began = pace::now();
        let (mut items, mut service) = (0, 0);
        while let Some(held) = self.hand.taken.pop_front() {
            self.appoint(&held.run);
            let is_new_run = self
                .hand
                .window
                .first()
                .is_some_and(|first| first.run != held.run);
            if is_new_run {
                self.hand.taken.push_front(held);
                self.close_window()?;
                break;
            }
            let size = self
                .attempt
                .as_ref()
                .map_or(1, |(_, a)| a.function.window());
            self.hand.window.push(held);
            if self.hand.window.len() >= size {
                let before = pace::now();
                items += self.hand.window.len() as u64;
                self.close_window()?;
                service += pace::now() - before;
            }
            if pace::now() - began >= SLICE_NANOS || self.hand.done.len() >= MOST_IN_A_STEP {
                break;
            }
        }
        self.part.put_down(items);
        self.shared.counts.served(service);
        if items > 0 {
            self.appetite.worked(items, service);
        }
        Ok(())
    }

    /// Makes ready for the work of `run`.
    fn appoint(&mut self, run: &Arc<Run>) {
        if self
            .attempt
            .as_ref()
            .is_some_and(|(known, _)| Arc::ptr_eq(known, run))
        {
            return;
        }
        let function = Function::of(self.consumer.stage, &run.work);
        let settings = &self.shared.settings;
        let attempt = Attempt {
            function: function.unwrap_or(Function::Pass),
            tries: settings.tries,
            poison: settings.poison.clone(),
        };
        self.attempt = Some((run.clone(), attempt));
    }

    /// Does the work on what is in the window, full or not.
    fn close_window(&mut self) -> Result<(), Trouble> {
        let window = std::mem::take(&mut self.hand.window);
        let Some(first) = window.first() else {
            return Ok(());
        };
        self.appoint(&first.run.clone());
        let Some((_, attempt)) = &self.attempt else {
            return Ok(());
        };
        let items: Vec<Item> = window.iter().map(|held| held.item.clone()).collect();
        let mut outs = Vec::with_capacity(1);
        let waits = attempt.function.waits();
        let applied = if waits {
            self.part
                .blocked(Cause::Io, || attempt.apply(&items, &mut outs))
        } else {
            attempt.apply(&items, &mut outs)
        };
        match applied {
            Ok(()) => {
                self.hand.done.push_back(Unit {
                    run: window[0].run.clone(),
                    taken: window.iter().map(|held| u128::from(held.taken)).sum(),
                    ids: window.into_iter().map(|held| held.id).collect(),
                    outs,
                });
            }
            // Each by itself: one item's fault must not cost the others.
            Err(_) if window.len() > 1 => {
                for held in window {
                    self.hand.window.push(held);
                    self.close_window()?;
                }
            }
            Err(failed) => {
                let tries = self.shared.settings.tries;
                let link = self.link.as_mut().expect("it is connected");
                if self.consumer.bury(link, &window[0], tries, &failed.error)? {
                    self.shared.counts.dead(1);
                } else {
                    self.shared.counts.refused(1);
                }
            }
        }
        Ok(())
    }

    /// Moves on what is done, and looks for more in the same breath.
    fn give_on(&mut self, stopping: bool) -> Result<(), Trouble> {
        let run = self.hand.done[0].run.clone();
        let Some(next) = run.after(self.consumer.stage) else {
            // Only the sink has no next stage, and it gives nothing on.
            self.hand.done.clear();
            return Ok(());
        };
        let mut entries = 0;
        let same_run = |unit: &&Unit| {
            entries += unit.ids.len() + unit.outs.len();
            Arc::ptr_eq(&unit.run, &run) && entries <= 2 * MOST_IN_A_STEP
        };
        let count = self.hand.done.iter().take_while(same_run).count().max(1);
        let units = self.hand.done.iter().take(count);
        let link = self.link.as_mut().expect("it is connected");
        let mut steps = vec![self.consumer.move_on(link, &run, next, units)];
        let takes = self.hand.taken.is_empty() && !stopping;
        if takes {
            let run = self.attempt.as_ref().map(|(run, _)| run);
            let capacity = run.map_or(u64::MAX, |run| run.capacity(self.consumer.stage));
            let count = self.appetite.count(capacity);
            steps.push(self.consumer.take(link, count, None));
        }
        let answers = self.part.blocked(Cause::Io, || link.ask(&steps))?;
        let mut answers = answers.into_iter();
        let moved = Moved::read(answers.next().unwrap_or_default());
        self.moved(&moved);
        if let Some(answer) = answers.next() {
            self.took(answer)?;
        }
        if moved.done < count {
            self.wait_for_room(next)?;
        }
        Ok(())
    }

    fn moved(&mut self, moved: &Moved) {
        let now = pace::now();
        let counts = &self.shared.counts;
        for (index, unit) in self.hand.done.drain(..moved.done).enumerate() {
            let items = unit.ids.len() as u64;
            if moved.refused.contains(&index) {
                counts.refused(items);
                continue;
            }
            counts.moved(items, unit.outs.len() as u64);
            let held = u128::from(now) * u128::from(items) - unit.taken;
            counts.held(held as u64);
        }
    }

    fn wait_for_room(&mut self, next: Stage) -> Result<(), Trouble> {
        let link = self.link.as_mut().expect("it is connected");
        let mut wait = redis::cmd("BLPOP");
        wait.arg(link.server.keys.room(next));
        wait.arg(ROOM_WAIT.as_secs_f64());
        let since = pace::now();
        self.part.blocked(Cause::Output, || link.ask_one(wait))?;
        self.shared.counts.blocked(pace::now() - since);
        Ok(())
    }

    /// The sink's work: what is in hand becomes part of the run's result.
    fn store(&mut self) -> Result<(), Trouble> {
        let Some(first) = self.hand.taken.front() else {
            return Ok(());
        };
        let run = first.run.clone();
        self.appoint(&run);
        self.part.take_up();
        let began = pace::now();
        let same_run = |held: &&Held| Arc::ptr_eq(&held.run, &run);
        // A step's arguments are ten per item, and Lua takes no more than 8,000 of some.
        let most = MOST_IN_A_STEP / 4;
        let count = self
            .hand
            .taken
            .iter()
            .take(most)
            .take_while(same_run)
            .count();
        let items = self.hand.taken.iter().take(count);
        let link = self.link.as_mut().expect("it is connected");
        let mut steps = vec![self.consumer.store(link, &run, items)];
        self.part.put_down(0);
        let takes = self.hand.taken.len() == count && !self.shared.stop.load(Ordering::Relaxed);
        if takes {
            let count = self.appetite.count(run.capacity(self.consumer.stage));
            steps.push(self.consumer.take(link, count, None));
        }
        let answers = self.part.blocked(Cause::Io, || link.ask(&steps))?;
        let mut answers = answers.into_iter();
        let stored = Moved::read_stored(answers.next().unwrap_or_default(), count);
        self.stored(&stored, began);
        if let Some(answer) = answers.next() {
            self.took(answer)?;
        }
        Ok(())
    }

    fn stored(&mut self, stored: &Moved, began: u64) {
        let now = pace::now();
        let counts = &self.shared.counts;
        let latency = &self.shared.latency;
        let mut latency = latency.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = 0;
        for (index, held) in self.hand.taken.drain(..stored.done).enumerate() {
            if stored.refused.contains(&index) {
                counts.refused(1);
                continue;
            }
            done += 1;
            let nanos = now.saturating_sub(held.item.born);
            latency.record(nanos, 1);
            self.shared.all_latency.observe(nanos as f64 / 1e9);
            counts.held(now.saturating_sub(held.taken));
        }
        drop(latency);
        counts.moved(done, 0);
        counts.served(now - began);
        self.part.put_down(done);
    }

    fn pass_marks(&mut self) -> Result<(), Trouble> {
        if self.hand.marks.is_empty() || !self.hand.window.is_empty() {
            return Ok(());
        }
        let link = self.link.as_mut().expect("it is connected");
        let mut left = Vec::new();
        for mark in &self.hand.marks {
            if !self.consumer.pass(link, mark)? {
                left.push(mark.clone());
            }
        }
        self.hand.marks = left;
        Ok(())
    }
}
