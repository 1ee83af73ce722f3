//! How long a place in the family stays empty after its worker has died.

use std::time::Duration;

/// A worker that dies so soon after it was ready did not really serve.
const YOUNG: Duration = Duration::from_millis(100);

/// The wait after the first young death; each further one doubles it.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait: a cause that has gone is noticed within it.
pub const LONGEST: Duration = Duration::from_secs(5);

/// The young deaths of one place, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    in_a_row: u32,
}

impl Backoff {
    /// How long to wait after a death: a worker that had served is replaced at
    /// once. `served` is for how long it was ready, `None` if it never was.
    pub fn after_death(&mut self, served: Option<Duration>) -> Duration {
        if served.is_some_and(|served| served >= YOUNG) {
            self.in_a_row = 0;
            return Duration::ZERO;
        }
        // 50 ms doubled seven times is beyond the longest wait.
        let doubled = FIRST * (1 << self.in_a_row.min(7));
        self.in_a_row += 1;
        doubled.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_that_served_is_replaced_at_once_however_often() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert_eq!(backoff.after_death(Some(YOUNG)), Duration::ZERO);
        }
    }

    #[test]
    fn those_that_die_young_are_replaced_later_and_later_up_to_the_cap() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..10).map(|_| backoff.after_death(None)).collect();
        assert_eq!(waits[0], FIRST);
        assert_eq!(waits[1], 2 * FIRST);
        assert_eq!(waits[9], LONGEST);
        assert_eq!(backoff.after_death(Some(YOUNG)), Duration::ZERO);
        assert_eq!(backoff.after_death(Some(Duration::ZERO)), FIRST);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_cap_or_shorter_than_the_one_before(
            deaths in proptest::collection::vec(0_u64..100, 0..100),
        ) {
            let mut backoff = Backoff::default();
            let mut before = Duration::ZERO;
            for millis in deaths {
                let wait = backoff.after_death(Some(Duration::from_millis(millis)));
                prop_assert!(wait <= LONGEST && wait >= before);
                before = wait;
            }
        }
    }
}
