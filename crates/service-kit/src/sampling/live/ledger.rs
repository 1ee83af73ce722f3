//! What has been published of the workers' time, and what stands behind it.

use measure::figures::WorkerSeconds;

/// The worker time of all samples of a process, as counters have it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Ledger {
    /// By the accounts of the samples that have ended.
    settled: WorkerSeconds,
    published: WorkerSeconds,
}

impl Ledger {
    /// What may be said while a sample goes on of which `live` is known so far.
    ///
    /// A counter never goes back: where more was said of a state than is known
    /// now, it stands still until the truth has caught up. Two things do that.
    /// What a worker runs and waits outside its first and last item an account
    /// books as late start and tail: microseconds, unless the CPUs are crowded.
    /// And the split of waiting into throttled and runnable shifts with the
    /// number of workers that are ready.
    pub(super) fn publish(&mut self, live: WorkerSeconds) -> WorkerSeconds {
        self.published = each(
            self.published,
            each(self.settled, live, |a, b| a + b),
            f64::max,
        );
        self.published
    }

    /// Adds the account of a sample that has ended.
    pub(super) fn settle(&mut self, account: WorkerSeconds) {
        self.settled = each(self.settled, account, |a, b| a + b);
        self.publish(WorkerSeconds::default());
    }

    /// A sample ended without an account: what was said of it stands.
    pub(super) fn give_up(&mut self) {
        self.settled = each(self.settled, self.published, f64::max);
    }

    pub(super) fn published(&self) -> WorkerSeconds {
        self.published
    }
}

/// `of` both, state by state; a figure that only one of them knows is that one's.
fn each(a: WorkerSeconds, b: WorkerSeconds, of: impl Fn(f64, f64) -> f64) -> WorkerSeconds {
    WorkerSeconds {
        running: of(a.running, b.running),
        throttled: of(a.throttled, b.throttled),
        runnable: of(a.runnable, b.runnable),
        blocked: of(a.blocked, b.blocked),
        stolen: match (a.stolen, b.stolen) {
            (Some(a), Some(b)) => Some(of(a, b)),
            (one, other) => one.or(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(seconds: f64) -> WorkerSeconds {
        WorkerSeconds {
            running: seconds,
            ..WorkerSeconds::default()
        }
    }

    fn assert_running(seconds: WorkerSeconds, expected: f64) {
        assert!((seconds.running - expected).abs() < 1e-9, "{seconds:?}");
    }

    #[test]
    fn after_a_sample_its_account_counts_and_not_what_was_said_before() {
        let mut ledger = Ledger::default();
        assert_running(ledger.publish(ran(0.4)), 0.4);
        ledger.settle(ran(1.0));
        assert_running(ledger.published(), 1.0);
        assert_running(ledger.publish(ran(0.5)), 1.5);
    }

    #[test]
    fn what_was_said_too_much_is_made_up_for_by_the_next_sample() {
        let mut ledger = Ledger::default();
        ledger.publish(ran(1.2));
        ledger.settle(ran(1.0));
        assert_running(ledger.published(), 1.2);
        assert_running(ledger.publish(ran(0.1)), 1.2);
        ledger.settle(ran(1.0));
        assert_running(ledger.published(), 2.0);
    }

    #[test]
    fn what_was_said_of_a_sample_without_an_account_stands() {
        let mut ledger = Ledger::default();
        ledger.publish(ran(0.7));
        ledger.give_up();
        assert_running(ledger.publish(ran(0.1)), 0.8);
    }

    #[test]
    fn stolen_time_is_unknown_until_it_is_known_once() {
        let mut ledger = Ledger::default();
        ledger.settle(ran(1.0));
        assert_eq!(ledger.published().stolen, None);
        let known = WorkerSeconds {
            stolen: Some(0.25),
            ..ran(1.0)
        };
        ledger.settle(known);
        ledger.settle(ran(1.0));
        assert_eq!(ledger.published().stolen, Some(0.25));
    }
}
