//! Whether a service takes work now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shutdown::Shutdown;

/// What `/readyz` answers from; clones share it.
///
/// It follows the shutdown by itself, so that nobody can forget to say that
/// the service drains.
#[derive(Clone, Debug)]
pub struct Readiness {
    takes_work: Arc<AtomicBool>,
    shutdown: Shutdown,
}

/// The states that a service goes through, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet set up, or again without what it needs for work.
    Starting,
    /// Takes work.
    Ready,
    /// Finishes what it has and takes no more.
    Draining,
}

impl State {
    /// The word that `/readyz` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

impl Readiness {
    /// Starting, until [`Readiness::ready`]; draining as soon as `shutdown` begins.
    pub fn new(shutdown: &Shutdown) -> Self {
        Self {
            takes_work: Arc::default(),
            shutdown: shutdown.clone(),
        }
    }

    /// The service is set up and takes work.
    pub fn ready(&self) {
        self.takes_work.store(true, Ordering::Release);
    }

    /// It has lost what it needs for work: starting, until [`Readiness::ready`]
    /// is said again.
    pub fn lost(&self) {
        self.takes_work.store(false, Ordering::Release);
    }

    /// The state now.
    pub fn state(&self) -> State {
        if self.shutdown.has_begun() {
            State::Draining
        } else if self.takes_work.load(Ordering::Acquire) {
            State::Ready
        } else {
            State::Starting
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown::Cause;

    #[test]
    fn goes_from_starting_over_ready_to_draining() {
        let shutdown = Shutdown::new();
        let readiness = Readiness::new(&shutdown);
        let clone = readiness.clone();
        assert_eq!(clone.state(), State::Starting);

        readiness.ready();
        assert_eq!(clone.state(), State::Ready);
        readiness.lost();
        assert_eq!(clone.state(), State::Starting);
        readiness.ready();
        assert_eq!(clone.state(), State::Ready);

        shutdown.begin(Cause::Terminate);
        assert_eq!(clone.state(), State::Draining);
        readiness.ready();
        assert_eq!(clone.state(), State::Draining);
    }
}
