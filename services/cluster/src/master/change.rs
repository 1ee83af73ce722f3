//! How one family takes over from another, and new workers from old ones.

use super::family::Family;
use super::{Master, Waiting};
use crate::shape::Shape;

impl Master {
    pub(super) fn reshape(&mut self, shape: Shape, waiting: Waiting) {
        if self.next.is_some() || self.leaving.is_some() {
            let _ = waiting.send(Err("the workers are being replaced already".into()));
            return;
        }
        if shape == self.family.shape && self.family.is_complete(&self.crew) {
            let _ = waiting.send(Ok(()));
            return;
        }
        self.families += 1;
        match Family::new(self.families, shape, self.address) {
            Ok(next) => self.next = Some((next, waiting)),
            Err(error) => {
                let _ = waiting.send(Err(format!("{error:#}")));
            }
        }
    }

    /// Begins a rolling restart, or begins it anew.
    pub(super) fn roll(&mut self) {
        tracing::info!("rolling restart");
        self.rolling = (0..self.family.shape.workers).collect();
    }

    /// Goes on with it: one after another each worker is relieved by a new one.
    pub(super) fn roll_on(&mut self) {
        while !self.crew.is_relieving()
            && let Some(slot) = self.rolling.pop_front()
        {
            // A place without a worker gets a new one anyway.
            let Some(number) = self.family.worker(slot) else {
                continue;
            };
            if let Err(error) = self.family.start(&mut self.crew, slot, Some(number)) {
                let error = format!("{error:#}");
                tracing::error!(error, "rolling restart stopped: no new worker can be had");
                self.rolling.clear();
            }
        }
    }

    /// Lets the next family take over when it is complete.
    pub(super) fn take_over(&mut self) {
        let complete = |(next, _): &mut (Family, Waiting)| next.is_complete(&self.crew);
        let Some((next, waiting)) = self.next.take_if(complete) else {
            return;
        };
        self.rolling.clear();
        self.view.lock().shape = next.shape;
        let before = std::mem::replace(&mut self.family, next);
        self.leaving = Some((before.number, waiting));
        before.dismiss(&mut self.crew);
        self.has_left();
    }

    /// Says so when nobody of the family before is left.
    pub(super) fn has_left(&mut self) {
        let is_left = |number: u64| {
            let mut members = self.crew.members();
            members.any(|(_, member)| member.place.family == number)
        };
        if let Some((_, waiting)) = self.leaving.take_if(|(number, _)| !is_left(*number)) {
            let _ = waiting.send(Ok(()));
        }
    }
}
