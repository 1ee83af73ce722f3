//! A thread of a stage: take, work, move on.

mod moving;
mod taking;
mod working;

use super::appetite::Appetite;
use super::consumer::Consumer;
use super::crew::Shared;
use super::hand::Hand;
use super::link::Link;
use super::run::Run;
use crate::attempt::Attempt;
use redis_link::Patience;
use redis_link::Trouble;
use service_kit::sampling::{Cause, Part};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The most entries of a step: Lua passes no more than some 8,000 on.
const MOST_IN_A_STEP: usize = 2048;

/// A consumer at work.
pub(super) struct Worker {
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

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, consumer: Consumer) -> Self {
        Self {
            appetite: Appetite::new(shared.settings.batch),
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
    pub(super) fn work(mut self) {
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
}
